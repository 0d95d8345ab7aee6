//! Groups leave for the store and come back.
//!
//! Groups are let go in large bunches and in key order, which is what the store is quick at. Example: of 1,000,000 groups the
//! 125,000 that no batch touched since the last time leave at once.

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::Field;
use millstream_batch::EncodedKeys;
use millstream_model::key_group::{KeyGroup, key_group_of};

use super::stored::KeyCopy;
use super::{
    CURRENT, DIRTY, GroupTable, KeyHashes, LIVE, SPILLED, STORED, TOUCHED, ValueColumns, check_owned,
};
use crate::copy_buffers::CopyBuffers;
use crate::error::StateError;
use crate::segment::MAX_SEGMENT_ROWS;
use crate::spilled_rows::SpilledRows;

/// Already chosen to leave.
const CHOSEN: u8 = 64;
/// What a key takes in a copy that shares its bytes.
const VIEW_BYTES: usize = size_of::<u128>();
/// Of the table's budget, groups get three of eight parts once it is known how many fit, or six if they change seldom.
const BUDGET_PARTS: usize = 8;
const GROUP_PARTS: usize = 3;
const SET_PARTS: usize = 6;
/// Of the groups that there is room for, this part leaves at a time.
const BUNCH: usize = 8;

impl GroupTable {
    /// Lets groups go if `rows` more would exceed the budget.
    pub(super) fn make_room(&mut self, rows: usize, values: &mut dyn ValueColumns) -> Result<(), StateError> {
        let Some(room) = self.room(values) else { return Ok(()) };
        let held = self.index.len();
        if held + rows <= room {
            return Ok(());
        }
        let leaving = (held + rows).saturating_sub(room).max(room / BUNCH).min(held);
        if leaving == 0 { Ok(()) } else { self.evict(leaving, values) }
    }

    /// Whether so many more groups fit into the budget. Takes the memory for as many as fit as soon as that is known.
    pub(super) fn has_room(&mut self, rows: usize, values: &mut dyn ValueColumns) -> bool {
        self.room(values).is_none_or(|room| self.index.len() + rows <= room)
    }

    /// How many groups fit into memory. That is known as soon as their part of the budget is used, and columns get exactly that
    /// long: doubling on and on would waste up to half of the memory.
    fn room(&mut self, values: &mut dyn ValueColumns) -> Option<usize> {
        let budget = self.group_budget()?;
        if self.room.is_some() {
            return self.room;
        }
        let bytes = self.group_bytes() + values.bytes();
        if bytes <= budget {
            return None;
        }
        // The rest is for what grows in steps all the same, the bytes of keys and the hash table, and for the copy of
        // all groups that a barrier makes when each of them changed, and the sorted one that is encoded from it.
        let room = (self.marks.capacity() as u128 * budget as u128 / bytes.max(1) as u128) as usize;
        self.reserve(room, values);
        self.room = Some(room);
        self.room
    }

    /// Bytes that groups may take in memory, if there is a store for the others.
    fn group_budget(&self) -> Option<usize> {
        let parts = if self.is_set { SET_PARTS } else { GROUP_PARTS };
        self.spilled.as_ref().map(|spilled| spilled.budget() / BUDGET_PARTS * parts)
    }

    fn reserve(&mut self, slots: usize, values: &mut dyn ValueColumns) {
        let more = slots.saturating_sub(self.marks.len());
        self.marks.reserve_exact(more);
        self.key_groups.reserve_exact(more);
        self.dirty.reserve_exact(slots.saturating_sub(self.dirty.len()));
        self.index.reserve(slots);
        values.reserve(slots);
        if !self.is_set {
            self.prepare_copies(slots, &values.fields());
        }
    }

    /// Memory for the copies of so many groups: each of them may change before the next barrier.
    fn prepare_copies(&self, groups: usize, fields: &[Field]) {
        let widths = fields.iter().filter_map(|field| field.data_type().primitive_width());
        let widths: Vec<usize> = [VIEW_BYTES, size_of::<KeyGroup>()].into_iter().chain(widths).collect();
        for start in (0..groups).step_by(MAX_SEGMENT_ROWS) {
            let rows = MAX_SEGMENT_ROWS.min(groups - start);
            self.buffers.prepare(widths.iter().map(|width| rows * width));
        }
    }

    fn evict(&mut self, count: usize, values: &mut dyn ValueColumns) -> Result<(), StateError> {
        if let Some(spilled) = &mut self.spilled {
            spilled.flush()?;
        }
        let mut leaving = self.choose(count);
        let (key_groups, index) = (&self.key_groups, &self.index);
        leaving.sort_unstable_by(|a, b| {
            let of = |group: &u32| (key_groups[*group as usize], index.key(*group));
            of(a).cmp(&of(b))
        });
        // Each step copies its groups, and makes a segment of those that changed.
        leaving.chunks(MAX_SEGMENT_ROWS / 4).try_for_each(|part| self.send(part, values))
    }

    /// Sends groups, in key order, to the store.
    fn send(&mut self, leaving: &[u32], values: &mut dyn ValueColumns) -> Result<(), StateError> {
        let is = |group: &u32, marks: u8| self.marks[*group as usize] & marks == marks;
        let changed: Vec<u32> = leaving.iter().copied().filter(|g| is(g, DIRTY)).collect();
        if !changed.is_empty() {
            let part = self.frozen(&changed, false, KeyCopy::Bytes, values, &CopyBuffers::default())?;
            self.parts.push(part);
        }
        let written: Vec<u32> = leaving.iter().copied().filter(|g| is(g, LIVE) && !is(g, CURRENT)).collect();
        let new = written.iter().filter(|g| !is(g, SPILLED)).count();
        let columns = values.gather(&written, &CopyBuffers::default());
        let rows: Vec<(KeyGroup, &[u8])> =
            written.iter().map(|g| (self.key_groups[*g as usize], self.index.key(*g))).collect();
        if let Some(spilled) = &mut self.spilled {
            spilled.put(&rows, &columns, new)?;
        }
        for group in leaving.iter().copied() {
            let marks = &mut self.marks[group as usize];
            self.live -= usize::from(*marks & LIVE != 0);
            // The list of dirty groups may have the number.
            *marks &= DIRTY;
            values.reset(group);
            self.index.remove(group);
        }
        Ok(())
    }

    /// Groups that were not used since the hand passed them last; removed ones among them, if their removal is to be stored.
    fn choose(&mut self, count: usize) -> Vec<u32> {
        let slots = self.marks.len();
        let mut chosen = Vec::with_capacity(count);
        for _ in 0..2 * slots {
            if chosen.len() == count {
                break;
            }
            self.hand = if self.hand + 1 < slots { self.hand + 1 } else { 0 };
            let marks = &mut self.marks[self.hand];
            if *marks & (LIVE | STORED) == 0 || *marks & CHOSEN != 0 {
                continue;
            }
            if *marks & TOUCHED != 0 {
                *marks &= !TOUCHED;
                continue;
            }
            *marks |= CHOSEN;
            chosen.push(self.hand as u32);
        }
        chosen
    }

    /// Brings in the groups of a batch that are in the store.
    pub(super) fn load_missing(
        &mut self,
        keys: &EncodedKeys,
        hashes: KeyHashes<'_>,
        values: &mut dyn ValueColumns,
    ) -> Result<(), StateError> {
        let Some(spilled) = &self.spilled else { return Ok(()) };
        if spilled.rows() == 0 {
            return Ok(());
        }
        let mut missing: Vec<(KeyGroup, u32)> = Vec::new();
        for row in 0..keys.len() {
            if self.index.find(hashes.index[row], keys.get(row)).is_none() {
                let key_group = key_group_of(hashes.key[row], self.max_parallelism);
                check_owned(self.range, key_group)?;
                missing.push((key_group, row as u32));
            }
        }
        missing.sort_unstable_by(|a, b| {
            let of = |(key_group, row): &(KeyGroup, u32)| (*key_group, keys.get(*row as usize));
            of(a).cmp(&of(b))
        });
        missing.dedup_by(|a, b| keys.get(a.1 as usize) == keys.get(b.1 as usize));
        let wanted: Vec<(KeyGroup, &[u8])> =
            missing.iter().map(|(key_group, row)| (*key_group, keys.get(*row as usize))).collect();
        let (found, columns) = spilled.get(&wanted)?;
        if found.is_empty() {
            return Ok(());
        }
        let mut groups = Vec::with_capacity(found.len());
        for i in found {
            let (key_group, row) = missing[i];
            let row = row as usize;
            groups.push(self.adopt(hashes.index[row], keys.get(row), key_group));
        }
        values.load(self.index.slots(), &groups, &columns)
    }

    /// Sends all groups to the store.
    ///
    /// # Errors
    /// [`StateError::Spill`].
    pub fn evict_all(&mut self, values: &mut dyn ValueColumns) -> Result<(), StateError> {
        for marks in &mut self.marks {
            *marks &= !TOUCHED;
        }
        let held = self.index.len();
        if held == 0 || self.spilled.is_none() { Ok(()) } else { self.evict(held, values) }
    }

    /// Brings in the groups of one key group whose keys are in `from..to` and appends their numbers. Those that end with this,
    /// by `is_last`, go from the store without leaving a removal for the next checkpoint: a restore must tell by itself that they
    /// are over. Groups that are in memory stay as they are and are not appended.
    ///
    /// # Errors
    /// [`StateError::Spill`].
    pub fn load_range(
        &mut self,
        key_group: KeyGroup,
        (from, to): (&[u8], &[u8]),
        index_hash: impl Fn(&[u8]) -> u64,
        is_last: impl Fn(&[u8]) -> bool,
        values: &mut dyn ValueColumns,
    ) -> Result<Vec<u32>, StateError> {
        let Some(spilled) = &self.spilled else { return Ok(Vec::new()) };
        let (keys, columns) = spilled.scan(key_group, from, Some(to))?;
        let hidden = |key: &Vec<u8>| self.index.find(index_hash(key), key).is_some();
        let rows: Vec<u32> = (0..keys.len() as u32).filter(|row| !hidden(&keys[*row as usize])).collect();
        let mut groups = Vec::with_capacity(rows.len());
        for row in &rows {
            let key = &keys[*row as usize];
            let group = self.adopt(index_hash(key), key, key_group);
            if is_last(key) {
                self.marks[group as usize] &= !SPILLED;
                if let Some(spilled) = &mut self.spilled {
                    spilled.doom(key_group, key);
                }
            }
            groups.push(group);
        }
        self.load_rows(&groups, rows, &columns, values)?;
        Ok(groups)
    }

    /// Sets the values of adopted groups to these rows of the store.
    pub(super) fn load_rows(
        &self,
        groups: &[u32],
        rows: Vec<u32>,
        columns: &[ArrayRef],
        values: &mut dyn ValueColumns,
    ) -> Result<(), StateError> {
        if groups.is_empty() {
            return Ok(());
        }
        let rows = UInt32Array::from(rows);
        let columns = columns.iter().map(|column| take(column, &rows, None));
        let columns =
            columns.collect::<Result<Vec<_>, _>>().map_err(|e| StateError::damaged(e.to_string()))?;
        values.load(self.index.slots(), groups, &columns)
    }

    /// Lets groups of [`GroupTable::load_range`] go again that nobody changed since, and those that ended from the store.
    ///
    /// # Errors
    /// [`StateError::Spill`].
    pub fn drop_loaded(&mut self, groups: &[u32], values: &mut dyn ValueColumns) -> Result<(), StateError> {
        for group in groups {
            let marks = &mut self.marks[*group as usize];
            if *marks & (LIVE | CURRENT) == LIVE | CURRENT {
                *marks &= DIRTY;
                self.live -= 1;
                values.reset(*group);
                self.index.remove(*group);
            }
        }
        self.spilled.as_mut().map_or(Ok(()), SpilledRows::flush)
    }

    /// Gives a group that the store has a number.
    pub(super) fn adopt(&mut self, index_hash: u64, key: &[u8], key_group: KeyGroup) -> u32 {
        let (group, _) = self.index.find_or_insert(index_hash, key);
        if group as usize == self.marks.len() {
            self.marks.push(0);
            self.key_groups.push(0);
        }
        self.marks[group as usize] |= LIVE | STORED | SPILLED | CURRENT | TOUCHED;
        self.key_groups[group as usize] = key_group;
        self.live += 1;
        group
    }

    /// The group is about to be deleted: its row in the store goes too.
    pub(super) fn doom(&mut self, group: u32) {
        let marks = &mut self.marks[group as usize];
        if let Some(spilled) = &mut self.spilled
            && *marks & SPILLED != 0
        {
            *marks &= !(SPILLED | CURRENT);
            spilled.doom(self.key_groups[group as usize], self.index.key(group));
        }
    }
}
