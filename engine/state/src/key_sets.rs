//! Up to eight sets of keys in one table: a byte a key says which sets it is in, so that a key that is in all of them is looked
//! up and kept once. What is in a set stays in it.
//!
//! Each set is stored as a table of its own, in the form of a [`SortedMap`] whose counts are not known: which sets share a table
//! is nobody's business but this module's. Example: after `x` was added to the sets `a` and `b`, and `y` to `b`, memory holds two
//! keys, and a checkpoint the tables `a` with `x` and `b` with `x` and `y`.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch, UInt8Array};
use arrow::datatypes::{DataType, Field, Int64Type, UInt8Type, UInt16Type};
use millstream_batch::EncodedKeys;
use millstream_model::KeyGroupRange;
use millstream_model::key_group::KeyGroup;

use crate::copy_buffers::CopyBuffers;
use crate::error::StateError;
use crate::frozen_table::FrozenTable;
use crate::group_table::{GroupTable, KeyHashes, Resolved, ValueColumns, check_fields};
use crate::restored::{RESTORED_ROWS, RestoredTable};
use crate::segment::KEY_COLUMNS;
use crate::side_table::SideTable;
use crate::sorted_map::SortedMap;
use crate::spilled_rows::{SpilledBase, TableSpill};

/// The keys of some sets of a subtask.
#[derive(Debug)]
pub struct KeySets {
    table: GroupTable,
    members: Members,
    names: Vec<String>,
    resolved: Resolved,
}

impl KeySets {
    /// The most sets that share a table.
    pub const MAX: usize = u8::BITS as usize;

    /// Empty sets for keys of these key groups, stored under these names, of which there are at most [`KeySets::MAX`].
    #[must_use]
    pub fn new(names: Vec<String>, range: KeyGroupRange, max_parallelism: u32) -> Self {
        let table = GroupTable::of_keys(names.join(" "), range, max_parallelism);
        Self { table, members: Members::default(), names, resolved: Resolved::default() }
    }

    /// Adds each key, of which the key group is known, to the sets whose bits `wanted` has for it, and leaves in `wanted` the bits of
    /// those that it was not in.
    ///
    /// # Errors
    /// [`StateError::ForeignKeyGroup`] when a new key belongs to another subtask; [`StateError::Spill`].
    pub fn add(
        &mut self,
        keys: &EncodedKeys,
        key_groups: impl Iterator<Item = KeyGroup>,
        wanted: &mut [u8],
    ) -> Result<(), StateError> {
        self.resolve(keys, key_groups)?;
        for (group, wanted) in self.resolved.groups.iter().zip(wanted) {
            let members = &mut self.members.0[*group as usize];
            *wanted &= !*members;
            if *wanted != 0 {
                *members |= *wanted;
                self.table.changed(*group);
            }
        }
        Ok(())
    }

    fn resolve(
        &mut self,
        keys: &EncodedKeys,
        key_groups: impl Iterator<Item = KeyGroup>,
    ) -> Result<(), StateError> {
        // A hash is only looked at for its key group, and as a hash a key group gives itself.
        let key: Vec<u64> = key_groups.map(u64::from).collect();
        let hashes = KeyHashes { key: &key, index: &keys.hashes() };
        self.table.resolve_present(keys, hashes, &mut self.members, &mut self.resolved)?;
        self.members.resize(self.table.slots());
        Ok(())
    }

    fn divided(&self, parts: &[FrozenTable]) -> Vec<FrozenTable> {
        parts.iter().flat_map(|part| part.divided(&self.names, &SortedMap::fields())).collect()
    }

    fn restore_rows(&mut self, bit: u8, rows: &RecordBatch) -> Result<(), StateError> {
        let key_groups = rows.column(0).as_primitive::<UInt16Type>().values();
        let keys = rows.column(1).as_binary::<i32>();
        let deleted = rows.column(2).as_boolean();
        let counts = rows.column(KEY_COLUMNS).as_primitive::<Int64Type>();
        let is_owed = |row: usize| !deleted.value(row) && counts.is_valid(row) && counts.value(row) < 1;
        if (0..rows.num_rows()).any(is_owed) {
            return Err(StateError::Damaged("a count below 1 of a value of an append-only group".into()));
        }
        let mut encoded = EncodedKeys::default();
        keys.iter().flatten().for_each(|key| encoded.push(&[key]));
        self.resolve(&encoded, key_groups.iter().copied())?;
        for (row, group) in self.resolved.groups.iter().enumerate() {
            let members = &mut self.members.0[*group as usize];
            if deleted.value(row) {
                *members &= !bit;
            } else {
                *members |= bit;
            }
            self.table.changed(*group);
        }
        Ok(())
    }
}

impl SideTable for KeySets {
    /// The place in it is a set's bit.
    fn names(&self) -> &[String] {
        &self.names
    }

    fn spill_to(&mut self, spill: TableSpill) -> Result<(), StateError> {
        self.table.spill_to(spill, &self.members)
    }

    fn spilled_base(&mut self) -> Result<Option<SpilledBase>, StateError> {
        let base = self.table.spilled_base()?;
        Ok(base.map(|base| base.divided(self.names.clone(), SortedMap::fields().to_vec())))
    }

    fn take_spilled(&mut self) -> Result<Vec<FrozenTable>, StateError> {
        let parts = self.table.take_spilled()?;
        Ok(self.divided(&parts))
    }

    fn freeze(&mut self, full: bool) -> Result<Vec<FrozenTable>, StateError> {
        let parts = self.table.freeze(&self.members, full)?;
        Ok(self.divided(&parts))
    }

    /// Nothing to do: each call of [`KeySets::add`] does.
    fn make_room(&mut self) -> Result<(), StateError> {
        Ok(())
    }

    /// One set, whatever the others are. The next checkpoint must be a full one.
    fn restore(&mut self, stored: &RestoredTable) -> Result<(), StateError> {
        let Some(set) = self.names.iter().position(|name| *name == stored.name) else {
            return Err(StateError::Damaged(format!("there is no set {}", stored.name)));
        };
        for rows in &stored.segments {
            check_fields(&stored.name, rows, &SortedMap::fields())?;
            for start in (0..rows.num_rows()).step_by(RESTORED_ROWS) {
                let rows = rows.slice(start, RESTORED_ROWS.min(rows.num_rows() - start));
                self.restore_rows(1 << set, &rows)?;
            }
            // What left for the store is part of the full checkpoint.
            self.table.take_spilled()?;
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.table.bytes() + self.members.bytes()
    }
}

/// The sets of each key, a bit for each.
#[derive(Debug, Default)]
struct Members(Vec<u8>);

impl Members {
    fn resize(&mut self, slots: usize) {
        if slots > self.0.len() {
            self.0.resize(slots, 0);
        }
    }
}

impl ValueColumns for Members {
    fn fields(&self) -> Vec<Field> {
        vec![Field::new("sets", DataType::UInt8, true)]
    }

    fn gather(&self, groups: &[u32], _buffers: &CopyBuffers) -> Vec<ArrayRef> {
        vec![Arc::new(UInt8Array::from_iter_values(groups.iter().map(|group| self.0[*group as usize])))]
    }

    fn reset(&mut self, group: u32) {
        self.0[group as usize] = 0;
    }

    fn load(&mut self, slots: usize, groups: &[u32], columns: &[ArrayRef]) -> Result<(), StateError> {
        self.resize(slots);
        let [sets] = columns else { return Err(StateError::damaged("a spilled key without its sets")) };
        for (group, sets) in groups.iter().zip(sets.as_primitive::<UInt8Type>().values()) {
            self.0[*group as usize] = *sets;
        }
        Ok(())
    }

    fn reserve(&mut self, slots: usize) {
        self.0.reserve_exact(slots.saturating_sub(self.0.len()));
    }

    fn bytes(&self) -> usize {
        self.0.capacity()
    }
}

#[cfg(test)]
#[path = "key_sets/key_sets_test.rs"]
mod tests;
