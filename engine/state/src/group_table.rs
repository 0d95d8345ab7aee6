//! A table of groups: their keys, key groups and marks. The values are the operator's own columns, indexed by group number.
//!
//! Marks say what the next checkpoint needs. Example: a group that was stored and is deleted leaves a tombstone until the next
//! freeze; a group that was created and deleted between two freezes (a short window) leaves nothing at all.
//!
//! With a store behind it the table is a cache: groups that were not used for long leave for the store, and come back when a
//! key of a batch is theirs. Example: with room for 1,000,000 groups, a batch of 8,192 new keys first sends at least 125,000
//! groups away, of which those that changed since the last checkpoint also become a part of the next one.

mod evict;
mod stored;
mod walk;

use std::ops::Range;

use arrow::array::ArrayRef;
use arrow::datatypes::Field;
use millstream_batch::EncodedKeys;
use millstream_model::KeyGroupRange;
use millstream_model::key_group::{KeyGroup, key_group_of};

use crate::copy_buffers::CopyBuffers;
use crate::error::StateError;
use crate::group_index::GroupIndex;
use crate::parts::Parts;
use crate::spilled_rows::{SpilledBase, SpilledRows, TableSpill};

pub(crate) use stored::check_fields;
pub use walk::{StorePlace, StoreStep};

/// The values of the groups of a table, in columns that are indexed by group number.
pub trait ValueColumns {
    /// The columns as they are stored. All are nullable.
    fn fields(&self) -> Vec<Field>;

    /// The values of these groups, one array a field, compactly copied into these buffers.
    fn gather(&self, groups: &[u32], buffers: &CopyBuffers) -> Vec<ArrayRef>;

    /// Makes the values of a group empty, as those of a new one.
    fn reset(&mut self, group: u32);

    /// Sets the values of these groups, whatever they were. `slots` is the length that the columns need.
    ///
    /// # Errors
    /// [`StateError::Damaged`] when a value cannot be one that was gathered.
    fn load(&mut self, slots: usize, groups: &[u32], columns: &[ArrayRef]) -> Result<(), StateError>;

    /// Allocates exactly as much as groups `0..slots` need, if that is more than there is.
    fn reserve(&mut self, slots: usize);

    /// Allocated bytes, by estimate.
    fn bytes(&self) -> usize;
}

/// What [`GroupTable::resolve`] found. Kept by the caller, so that its memory is used again.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// The group of each key.
    pub groups: Vec<u32>,
    /// Groups that were created, in the order of their first keys.
    pub created: Vec<u32>,
}

/// Hashes of the keys of a batch.
#[derive(Clone, Copy, Debug)]
pub struct KeyHashes<'a> {
    /// Of the part of the key that decides the key group.
    pub key: &'a [u64],
    /// Of the whole key, to find it. The same slice if there is no other part.
    pub index: &'a [u64],
}

/// What becomes of the groups that a batch finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Change,
    Look,
}

/// The group has a key and values.
const LIVE: u8 = 1;
/// The group is in `dirty`. Kept while a number is free, so that `dirty` never has a number twice.
const DIRTY: u8 = 2;
/// A segment has the group: its removal must be stored too.
const STORED: u8 = 4;
/// The spill store has a row of the group, perhaps an old one. Whatever is spilled is stored too.
const SPILLED: u8 = 8;
/// The spill store's row is the group as it is.
const CURRENT: u8 = 16;
/// The group was used since the last search for groups to evict.
const TOUCHED: u8 = 32;

/// Keys and marks of groups.
#[derive(Debug)]
pub struct GroupTable {
    index: GroupIndex,
    key_groups: Vec<KeyGroup>,
    marks: Vec<u8>,
    dirty: Vec<u32>,
    live: usize,
    range: KeyGroupRange,
    max_parallelism: u32,
    name: String,
    spilled: Option<SpilledRows>,
    /// Changed groups that were evicted since the last freeze.
    parts: Parts,
    /// Of the copies that barriers make.
    buffers: CopyBuffers,
    /// Whether groups change seldom once they are there.
    is_set: bool,
    /// Groups that there is room for in memory, once that is known.
    room: Option<usize>,
    /// Where the search for groups to evict goes on.
    hand: usize,
}

impl GroupTable {
    /// An empty table for the keys of these key groups, stored under this name.
    #[must_use]
    pub fn new(name: impl Into<String>, range: KeyGroupRange, max_parallelism: u32) -> Self {
        Self {
            index: GroupIndex::default(),
            key_groups: Vec::new(),
            marks: Vec::new(),
            dirty: Vec::new(),
            live: 0,
            range,
            max_parallelism,
            name: name.into(),
            spilled: None,
            parts: Parts::default(),
            buffers: CopyBuffers::keeping(),
            is_set: false,
            room: None,
            hand: 0,
        }
    }

    /// An empty table whose groups change seldom: only [`GroupTable::resolve_present`] may be used. A barrier copies those that
    /// are new or changed, which are few, so nearly all of the budget is for groups.
    #[must_use]
    pub fn of_keys(name: impl Into<String>, range: KeyGroupRange, max_parallelism: u32) -> Self {
        Self { is_set: true, ..Self::new(name, range, max_parallelism) }
    }

    /// What it is stored under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// From now on, groups beyond the budget lie in the store. The table must be empty.
    ///
    /// # Errors
    /// [`StateError::Encode`] when a value has a type that cannot be spilled.
    pub fn spill_to(&mut self, spill: TableSpill, values: &dyn ValueColumns) -> Result<(), StateError> {
        self.spilled = Some(SpilledRows::new(spill, values.fields())?);
        Ok(())
    }

    /// Whether groups may be in a store.
    #[must_use]
    pub const fn is_spilling(&self) -> bool {
        self.spilled.is_some()
    }

    /// Number of live groups in memory.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.live
    }

    /// Whether no group in memory is live.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// The length that value columns need.
    #[must_use]
    pub const fn slots(&self) -> usize {
        self.index.slots()
    }

    /// The key of a live group.
    #[must_use]
    pub fn key(&self, group: u32) -> &[u8] {
        self.index.key(group)
    }

    /// The key group of a live group.
    #[must_use]
    pub fn key_group(&self, group: u32) -> KeyGroup {
        self.key_groups[group as usize]
    }

    /// Live groups in memory in ascending order of their numbers.
    pub fn live_groups(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.marks.len() as u32).filter(|g| self.marks[*g as usize] & LIVE != 0)
    }

    /// Live groups in memory of these numbers, ascending: for a walk over all of them in steps.
    pub fn live_among(&self, numbers: Range<usize>) -> impl Iterator<Item = u32> + '_ {
        let end = numbers.end.min(self.marks.len());
        (numbers.start.min(end)..end).filter(|g| self.marks[*g] & LIVE != 0).map(|g| g as u32)
    }

    /// Finds or creates the group of each key, marks it dirty, and replaces the content of `resolved`.
    /// Values of a new group are what the operator left when it deleted the number's former one: empty. Numbers of groups that
    /// were found earlier may have become others' if groups are spilled.
    ///
    /// # Errors
    /// [`StateError::ForeignKeyGroup`] when a new key belongs to another subtask; [`StateError::Spill`].
    pub fn resolve(
        &mut self,
        keys: &EncodedKeys,
        hashes: KeyHashes<'_>,
        values: &mut dyn ValueColumns,
        resolved: &mut Resolved,
    ) -> Result<(), StateError> {
        self.resolve_for(Use::Change, keys, hashes, values, resolved)
    }

    /// The same, but only groups that are new change by it; see [`GroupTable::changed`].
    ///
    /// # Errors
    /// As [`GroupTable::resolve`].
    pub fn resolve_present(
        &mut self,
        keys: &EncodedKeys,
        hashes: KeyHashes<'_>,
        values: &mut dyn ValueColumns,
        resolved: &mut Resolved,
    ) -> Result<(), StateError> {
        self.resolve_for(Use::Look, keys, hashes, values, resolved)
    }

    fn resolve_for(
        &mut self,
        purpose: Use,
        keys: &EncodedKeys,
        hashes: KeyHashes<'_>,
        values: &mut dyn ValueColumns,
        resolved: &mut Resolved,
    ) -> Result<(), StateError> {
        if self.spilled.is_some() {
            self.make_room(keys.len(), values)?;
            self.load_missing(keys, hashes, values)?;
        }
        let Resolved { groups, created } = resolved;
        groups.clear();
        created.clear();
        groups.reserve(keys.len());
        for row in 0..keys.len() {
            let (group, _) = self.index.find_or_insert(hashes.index[row], keys.get(row));
            groups.push(group);
            match self.marks.get_mut(group as usize) {
                Some(marks)
                    if *marks & (LIVE | DIRTY | CURRENT) == LIVE | DIRTY
                        || (purpose == Use::Look && *marks & LIVE != 0) =>
                {
                    *marks |= TOUCHED;
                    continue;
                }
                Some(_) => {}
                None => {
                    self.marks.push(0);
                    self.key_groups.push(0);
                }
            }
            if self.marks[group as usize] & LIVE == 0 {
                let key_group = key_group_of(hashes.key[row], self.max_parallelism);
                check_owned(self.range, key_group)?;
                self.key_groups[group as usize] = key_group;
                self.live += 1;
                created.push(group);
            }
            self.mark(group, LIVE);
        }
        Ok(())
    }

    /// Marks a live group as changed: for one that [`GroupTable::resolve_present`] found.
    pub fn changed(&mut self, group: u32) {
        self.mark(group, LIVE);
    }

    /// Sets marks and puts the group on the list of dirty ones.
    fn mark(&mut self, group: u32, marks: u8) {
        let all = &mut self.marks[group as usize];
        if *all & DIRTY == 0 {
            self.dirty.push(group);
        }
        *all = (*all & !CURRENT) | marks | DIRTY | TOUCHED;
    }

    /// Ends a live group. The caller empties its values.
    pub fn delete(&mut self, group: u32) {
        let marks = self.marks[group as usize];
        if marks & LIVE == 0 {
            return;
        }
        self.live -= 1;
        self.doom(group);
        if marks & STORED == 0 {
            self.index.remove(group);
        } else {
            // The key stays until the next freeze, which stores the removal.
            self.mark(group, 0);
        }
        self.marks[group as usize] &= !LIVE;
    }

    /// The groups in the store as they are at a barrier, for a full checkpoint; nothing if no store is used.
    ///
    /// # Errors
    /// [`StateError::Spill`].
    pub fn spilled_base(&mut self) -> Result<Option<SpilledBase>, StateError> {
        self.spilled.as_mut().map(|spilled| spilled.base(&self.name)).transpose()
    }

    /// Whether some group may be in the store and not in memory.
    #[must_use]
    pub fn has_spilled(&self) -> bool {
        self.spilled.as_ref().is_some_and(|spilled| spilled.rows() > 0)
    }

    /// The caller knows that no group is left in the store.
    pub fn forget_spilled(&mut self) {
        if let Some(spilled) = &mut self.spilled {
            spilled.reset_rows();
        }
    }

    /// Allocated bytes without the values, by estimate.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.group_bytes() + self.buffers.bytes()
    }

    /// Those that grow with the groups.
    fn group_bytes(&self) -> usize {
        self.index.bytes()
            + self.key_groups.capacity() * 2
            + self.marks.capacity()
            + self.dirty.capacity() * 4
            + self.spilled.as_ref().map_or(0, SpilledRows::bytes)
    }
}

fn check_owned(range: KeyGroupRange, key_group: KeyGroup) -> Result<(), StateError> {
    if range.contains(key_group) {
        return Ok(());
    }
    Err(StateError::ForeignKeyGroup { key_group, start: range.start, end: range.end })
}

#[cfg(test)]
#[path = "group_table/group_table_test.rs"]
mod tests;
