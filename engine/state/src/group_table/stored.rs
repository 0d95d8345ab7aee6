//! The stored form of groups: the copy that a barrier makes, and the way back.
//!
//! Example: of 1,000,000 groups of which 2 changed and 1 was deleted, a freeze copies three rows, one of them a tombstone.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, BooleanArray, RecordBatch};
use arrow::buffer::{BooleanBuffer, OffsetBuffer};
use arrow::compute::{filter, filter_record_batch, not};
use arrow::datatypes::{Field, UInt16Type};
use arrow::error::ArrowError;

use super::{CURRENT, DIRTY, GroupTable, LIVE, SPILLED, STORED, TOUCHED, ValueColumns, check_owned};
use crate::copy_buffers::CopyBuffers;
use crate::error::StateError;
use crate::frozen_table::{FrozenTable, KeyColumns};
use crate::restored::{RESTORED_ROWS, RestoredTable};
use crate::segment::{KEY_COLUMNS, MAX_SEGMENT_ROWS, describe};
use crate::spilled_rows::SpilledRows;

/// If more than this part of the groups is dirty, all marks are looked at.
const SCAN_SHARE: usize = 16;

/// If more than this part of the groups is copied at a barrier, the bytes of their keys are not.
const SHARING_SHARE: usize = 16;
/// The same for fewer groups is not worth it: small copies are joined with others. Tests share with a few.
const SHARING_GROUPS: usize = if cfg!(test) { 8 } else { 4096 };

/// How the keys get into a copy of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyCopy {
    /// Byte by byte: of groups that leave memory, or of a few.
    Bytes,
    /// As views of the table's own bytes, which stay until the copy is encoded.
    Views,
}

impl GroupTable {
    /// Copies the changed groups, or all live ones if `full`, and clears the marks. Cut into parts of at most
    /// [`MAX_SEGMENT_ROWS`]; nothing if nothing changed, but a full freeze has always at least one part. With groups in a
    /// store, [`GroupTable::spilled_base`] comes before a full freeze, which is then what lies on top of it.
    ///
    /// # Errors
    /// [`StateError::Encode`] when the values' columns do not fit their fields; [`StateError::Spill`].
    pub fn freeze(&mut self, values: &dyn ValueColumns, full: bool) -> Result<Vec<FrozenTable>, StateError> {
        self.buffers.begin();
        let groups: Vec<u32> = if full {
            self.live_groups().filter(|g| self.marks[*g as usize] & CURRENT == 0).collect()
        } else {
            let is_needed = |g: &u32| {
                let marks = self.marks[*g as usize];
                marks & DIRTY != 0 && marks & (LIVE | STORED) != 0
            };
            // In the order of their numbers, which is that of memory, where that costs less than jumping does.
            match self.is_dense() {
                true => (0..self.marks.len() as u32).filter(is_needed).collect(),
                false => self.dirty.iter().copied().filter(is_needed).collect(),
            }
        };
        if let Some(spilled) = &mut self.spilled {
            spilled.flush()?;
        }
        let has_base = self.spilled.is_some();
        let has_many = groups.len() > SHARING_GROUPS.max(self.marks.len() / SHARING_SHARE);
        let keys = if has_many { KeyCopy::Views } else { KeyCopy::Bytes };
        let mut parts = self.parts.take();
        if full {
            // The base has them.
            parts.clear();
        }
        let empty: &[u32] = &[];
        let needs_base = full && !has_base;
        let chunks =
            groups.chunks(MAX_SEGMENT_ROWS).chain((needs_base && groups.is_empty()).then_some(empty));
        for part in chunks {
            let is_base = needs_base && parts.is_empty();
            parts.push(self.frozen(part, is_base, keys, values, &self.buffers)?);
        }
        // The table may let go of the bytes that it shares before the last part is encoded, and then they are the copy's alone.
        if let Some(last) = parts.last_mut() {
            last.own_all();
        }
        self.clear_marks();
        FrozenTable::joined(parts)
    }

    /// Changed groups that were evicted since the last call, or the last freeze, if they are many: parts of the next checkpoint
    /// that can be stored already.
    ///
    /// # Errors
    /// [`StateError::Encode`].
    pub fn take_spilled(&mut self) -> Result<Vec<FrozenTable>, StateError> {
        self.parts.take_if_many()
    }

    pub(super) fn frozen(
        &self,
        groups: &[u32],
        is_base: bool,
        keys: KeyCopy,
        values: &dyn ValueColumns,
        buffers: &CopyBuffers,
    ) -> Result<FrozenTable, StateError> {
        let live = self.live as u64 + self.spilled.as_ref().map_or(0, SpilledRows::rows);
        let is_deleted = |g: &u32| self.marks[*g as usize] & LIVE == 0;
        let (keys, shared_bytes): (ArrayRef, usize) = match keys {
            KeyCopy::Bytes => (Arc::new(self.copied_keys(groups, buffers)), 0),
            KeyCopy::Views => {
                let keys = self.index.shared_keys(groups, buffers);
                let keys = keys.map_err(|source| StateError::Encode { table: self.name.clone(), source })?;
                (Arc::new(keys), self.index.shared_bytes())
            }
        };
        let keys = KeyColumns {
            key_groups: buffers.buffer(groups.iter().map(|g| self.key_groups[*g as usize])),
            keys,
            shared_bytes,
            deleted: groups.iter().map(is_deleted).collect(),
        };
        let values = (&*values.fields(), values.gather(groups, buffers));
        Ok(FrozenTable::new(&self.name, is_base, live, keys, values)?.returning(buffers))
    }

    fn copied_keys(&self, groups: &[u32], buffers: &CopyBuffers) -> BinaryArray {
        // Room at once for all of them, and no look at what cannot be NULL: a barrier waits for this copy.
        let mut end = 0;
        let ends = groups.iter().map(|g| {
            end += self.index.key(*g).len() as i32;
            end
        });
        let mut offsets = buffers.take((groups.len() + 1) * size_of::<i32>());
        offsets.push(0_i32);
        offsets.extend(ends);
        let mut bytes = buffers.take(end as usize);
        groups.iter().for_each(|g| bytes.extend_from_slice(self.index.key(*g)));
        BinaryArray::new(OffsetBuffer::new(offsets.into()), bytes.into(), None)
    }

    /// Whether so many groups are dirty that looking at all marks in their order costs less than jumping to theirs.
    fn is_dense(&self) -> bool {
        self.dirty.len() > self.marks.len() / SCAN_SHARE
    }

    fn clear_marks(&mut self) {
        let is_dense = self.is_dense();
        let Self { dirty, marks, index, .. } = self;
        let mut clear = |group: u32, marks: &mut u8| {
            let was = *marks;
            let kept = was & (SPILLED | CURRENT | TOUCHED);
            *marks = if was & LIVE == 0 { 0 } else { LIVE | STORED | kept };
            if was & (LIVE | STORED) == STORED {
                index.remove(group);
            }
        };
        if is_dense {
            let all = (0..).zip(marks).filter(|(_, marks)| **marks & DIRTY != 0);
            all.for_each(|(group, marks)| clear(group, marks));
        } else {
            dirty.iter().for_each(|group| clear(*group, &mut marks[*group as usize]));
        }
        dirty.clear();
    }

    /// Takes over stored rows. `index_hash` gives the hash that later lookups of a stored key will use. The groups count as
    /// stored and not as dirty. With a store, groups come into memory while they fit into their part of the budget; of those
    /// behind them the ones that are in memory change there, and the others go to the store.
    ///
    /// # Errors
    /// [`StateError::Schema`] when the stored columns are not those of `values`; [`StateError::ForeignKeyGroup`] when rows
    /// of other subtasks were not left out; [`StateError::Spill`]; what `values` says.
    pub fn restore(
        &mut self,
        stored: &RestoredTable,
        values: &mut dyn ValueColumns,
        index_hash: impl Fn(&[u8]) -> u64,
    ) -> Result<(), StateError> {
        for rows in &stored.segments {
            check_fields(&stored.name, rows, &values.fields())?;
            let key_groups = rows.column(0).as_primitive::<UInt16Type>().values();
            key_groups.iter().try_for_each(|g| check_owned(self.range, *g))?;
            for start in (0..rows.num_rows()).step_by(RESTORED_ROWS) {
                let part = rows.slice(start, RESTORED_ROWS.min(rows.num_rows() - start));
                if !self.has_spilled() && self.has_room(part.num_rows(), values) {
                    self.restore_rows(&part, values, &index_hash)?;
                } else {
                    self.restore_beyond(&part, values, &index_hash)?;
                }
            }
        }
        Ok(())
    }

    /// Takes over rows of which only those of groups in memory have a place there: any other one may have an older row in the store.
    fn restore_beyond(
        &mut self,
        rows: &RecordBatch,
        values: &mut dyn ValueColumns,
        index_hash: impl Fn(&[u8]) -> u64,
    ) -> Result<(), StateError> {
        let keys = rows.column(1).as_binary::<i32>();
        let is_held = |row: usize| self.index.find(index_hash(keys.value(row)), keys.value(row)).is_some();
        let held = BooleanArray::from(BooleanBuffer::collect_bool(rows.num_rows(), is_held));
        if held.true_count() > 0 {
            self.restore_rows(&kept(rows, &held)?, values, &index_hash)?;
        }
        match &mut self.spilled {
            Some(spilled) if held.true_count() == 0 => spilled.restore(rows),
            Some(spilled) => spilled.restore(&kept(rows, &not(&held).map_err(damaged)?)?),
            None => Err(StateError::damaged("rows that do not fit have no store")),
        }
    }

    fn restore_rows(
        &mut self,
        rows: &RecordBatch,
        values: &mut dyn ValueColumns,
        index_hash: impl Fn(&[u8]) -> u64,
    ) -> Result<(), StateError> {
        let key_groups = rows.column(0).as_primitive::<UInt16Type>().values();
        let keys = rows.column(1).as_binary::<i32>();
        let deleted = rows.column(2).as_boolean();
        let mut groups = Vec::with_capacity(rows.num_rows());
        for row in 0..rows.num_rows() {
            let (key, hash) = (keys.value(row), index_hash(keys.value(row)));
            if deleted.value(row) {
                if let Some(group) = self.index.find(hash, key) {
                    self.forget(group);
                    values.reset(group);
                }
                continue;
            }
            let (group, is_new) = self.index.find_or_insert(hash, key);
            if group as usize == self.marks.len() {
                self.marks.push(0);
                self.key_groups.push(0);
            }
            self.marks[group as usize] |= LIVE | STORED;
            self.key_groups[group as usize] = key_groups[row];
            self.live += usize::from(is_new);
            groups.push(group);
        }
        let mut columns = rows.columns()[KEY_COLUMNS..].to_vec();
        if groups.len() < rows.num_rows() {
            let is_kept = not(deleted).map_err(damaged)?;
            for column in &mut columns {
                *column = filter(column, &is_kept).map_err(damaged)?;
            }
        }
        values.load(self.index.slots(), &groups, &columns)
    }

    /// Removes a group while restoring, before anything can be dirty.
    fn forget(&mut self, group: u32) {
        self.index.remove(group);
        self.marks[group as usize] = 0;
        self.live -= 1;
    }
}

fn kept(rows: &RecordBatch, is_kept: &BooleanArray) -> Result<RecordBatch, StateError> {
    filter_record_batch(rows, is_kept).map_err(damaged)
}

fn damaged(error: ArrowError) -> StateError {
    StateError::damaged(error.to_string())
}

/// Compares the value columns of stored rows with those that an operator keeps; names and types must agree.
pub(crate) fn check_fields(table: &str, rows: &RecordBatch, expected: &[Field]) -> Result<(), StateError> {
    let found = rows.schema();
    let same = |(a, b): (&Arc<Field>, &Field)| a.name() == b.name() && a.data_type() == b.data_type();
    let values = found.fields().iter().skip(KEY_COLUMNS);
    if values.len() == expected.len() && values.clone().zip(expected).all(same) {
        return Ok(());
    }
    let expected: Vec<Arc<Field>> = expected.iter().cloned().map(Arc::new).collect();
    Err(StateError::Schema {
        table: table.to_owned(),
        expected: describe(&expected),
        found: describe(found.fields().iter().skip(KEY_COLUMNS)),
    })
}
