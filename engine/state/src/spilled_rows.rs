//! The rows of a table that are not in memory: entries of a store, keyed by (table, key group, key).
//!
//! Values are rows in Arrow's row format; nothing of it outlives the process. Example: the group `(7, "b")` of table 1 lies
//! under the key `01 0007 62`.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{Field, UInt16Type};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use millstream_model::key_group::KeyGroup;

use crate::error::StateError;
use crate::frozen_table::{FrozenTable, KeyColumns};
use crate::group_table::StorePlace;
use crate::segment::{KEY_COLUMNS, MAX_SEGMENT_ROWS};
use crate::spill::{ScanOrder, Spill, SpillChunk, SpillError};

/// Rows that are written or decoded at a time.
const BATCH: usize = 16 * 1024;
/// Bytes of a store's key before the group's key.
const PREFIX: usize = 3;
/// A part of a base is closed when it has as many bytes: it exists as entries, as columns and encoded at the same time.
const MAX_PART_BYTES: usize = 16 << 20;
/// What an entry of a part takes besides its bytes.
const ENTRY_OVERHEAD: usize = 64;

/// Where a table puts the groups that do not fit, and how much it may keep.
#[derive(Clone, Debug)]
pub struct TableSpill {
    /// The subtask's store.
    pub store: Arc<dyn Spill>,
    /// The table's number in the store: no two tables of a subtask have the same.
    pub table: u8,
    /// Bytes that keys, marks and values may take in memory. Exceeded by what one batch touches.
    pub budget: usize,
}

/// A table's rows in a store.
#[derive(Debug)]
pub(crate) struct SpilledRows {
    spill: TableSpill,
    fields: Vec<Field>,
    converter: RowConverter,
    /// Rows of groups that are gone, to be removed before anything else is written.
    doomed: Vec<Vec<u8>>,
    doomed_bytes: usize,
    rows: u64,
}

/// Some entries of a walk: keys and values row by row, and where it goes on unless that was the end.
pub(crate) struct SpilledStep {
    pub(crate) keys: Vec<(KeyGroup, Vec<u8>)>,
    pub(crate) columns: Vec<ArrayRef>,
    pub(crate) next: Option<StorePlace>,
}

impl SpilledRows {
    pub(crate) fn new(spill: TableSpill, fields: Vec<Field>) -> Result<Self, StateError> {
        let converter = converter(&fields)?;
        Ok(Self { spill, fields, converter, doomed: Vec::new(), doomed_bytes: 0, rows: 0 })
    }

    pub(crate) const fn budget(&self) -> usize {
        self.spill.budget
    }

    /// Nothing is in the store any more, although it was not told so entry by entry.
    pub(crate) const fn reset_rows(&mut self) {
        self.rows = 0;
    }

    /// Rows in the store, by estimate: never less than there are.
    pub(crate) const fn rows(&self) -> u64 {
        self.rows
    }

    /// Looks groups up, which ascend strictly. Gives the positions of those that are there, and their values.
    pub(crate) fn get(
        &self,
        groups: &[(KeyGroup, &[u8])],
    ) -> Result<(Vec<usize>, Vec<ArrayRef>), StateError> {
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(groups.len()));
        for (key_group, key) in groups {
            self.append_key(&mut bytes, *key_group, key);
            ends.push(bytes.len());
        }
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let keys: Vec<&[u8]> = starts.zip(&ends).map(|(start, end)| &bytes[start..*end]).collect();
        let (mut found, mut values, mut value_ends) = (Vec::new(), Vec::new(), Vec::new());
        self.spill.store.get(&keys, &mut |i, value| {
            found.push(i);
            values.extend_from_slice(value);
            value_ends.push(values.len());
        })?;
        if found.is_empty() {
            return Ok((found, Vec::new()));
        }
        let starts = std::iter::once(0).chain(value_ends.iter().copied());
        let rows = starts.zip(&value_ends).map(|(start, end)| &values[start..*end]);
        Ok((found, self.decode(rows)?))
    }

    /// Writes groups, which ascend strictly. `new` of them were not there before.
    pub(crate) fn put(
        &mut self,
        groups: &[(KeyGroup, &[u8])],
        columns: &[ArrayRef],
        new: usize,
    ) -> Result<(), StateError> {
        self.flush()?;
        let rows = self.converter.convert_columns(columns).map_err(encode_error)?;
        for start in (0..groups.len()).step_by(BATCH) {
            let end = groups.len().min(start + BATCH);
            let keys: Vec<Vec<u8>> = groups[start..end].iter().map(|(g, key)| self.key(*g, key)).collect();
            let changes: Vec<_> =
                (start..end).zip(&keys).map(|(row, key)| (&key[..], Some(rows.row(row).data()))).collect();
            self.spill.store.write(&changes)?;
        }
        self.rows += new as u64;
        Ok(())
    }

    /// Takes over a segment, which ascends strictly, removals included.
    pub(crate) fn restore(&mut self, segment: &RecordBatch) -> Result<(), StateError> {
        for start in (0..segment.num_rows()).step_by(BATCH) {
            let part = segment.slice(start, BATCH.min(segment.num_rows() - start));
            let key_groups = part.column(0).as_primitive::<UInt16Type>().values();
            let (keys, deleted) = (part.column(1).as_binary::<i32>(), part.column(2).as_boolean());
            let rows =
                self.converter.convert_columns(&part.columns()[KEY_COLUMNS..]).map_err(encode_error)?;
            let keys: Vec<Vec<u8>> =
                (0..part.num_rows()).map(|row| self.key(key_groups[row], keys.value(row))).collect();
            let value = |row: usize| (!deleted.value(row)).then(|| rows.row(row).data());
            let changes: Vec<_> = keys.iter().enumerate().map(|(row, key)| (&key[..], value(row))).collect();
            self.spill.store.write(&changes)?;
            self.rows += (part.num_rows() - deleted.true_count()) as u64;
        }
        Ok(())
    }

    /// Removes a group later, but before anything is written or read as a whole.
    pub(crate) fn doom(&mut self, key_group: KeyGroup, key: &[u8]) {
        let key = self.key(key_group, key);
        self.doomed_bytes += key.len() + size_of::<Vec<u8>>();
        self.doomed.push(key);
    }

    /// Allocated bytes of what is to be removed later, by estimate.
    pub(crate) const fn bytes(&self) -> usize {
        self.doomed_bytes
    }

    /// Removes what is doomed.
    pub(crate) fn flush(&mut self) -> Result<(), StateError> {
        if self.doomed.is_empty() {
            return Ok(());
        }
        let mut doomed = std::mem::take(&mut self.doomed);
        self.doomed_bytes = 0;
        doomed.sort_unstable();
        doomed.dedup();
        self.rows = self.rows.saturating_sub(doomed.len() as u64);
        for keys in doomed.chunks(BATCH) {
            let changes: Vec<_> = keys.iter().map(|key| (&key[..], None)).collect();
            self.spill.store.write(&changes)?;
        }
        Ok(())
    }

    /// Keys and values of the groups of one key group whose keys are in `from..to`, ascending.
    pub(crate) fn scan(
        &self,
        key_group: KeyGroup,
        from: &[u8],
        to: Option<&[u8]>,
    ) -> Result<(Vec<Vec<u8>>, Vec<ArrayRef>), StateError> {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        self.visit(key_group, from, to, ScanOrder::Ascending, &mut |key, value| {
            keys.push(key.to_vec());
            values.push(value.to_vec());
            ControlFlow::Continue(())
        })?;
        let columns =
            if keys.is_empty() { Vec::new() } else { self.decode(values.iter().map(Vec::as_slice))? };
        Ok((keys, columns))
    }

    /// Shows the entries of one key group whose keys are in `from..to`, or `from..`, until the visitor breaks: the key, and the
    /// value for [`SpilledRows::decode`].
    pub(crate) fn visit(
        &self,
        key_group: KeyGroup,
        from: &[u8],
        to: Option<&[u8]>,
        order: ScanOrder,
        visitor: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StateError> {
        let (from, to) = (self.key(key_group, from), self.end(key_group, to));
        Ok(self.spill.store.scan(&from, &to, order, &mut |key, value| visitor(&key[PREFIX..], value))?)
    }

    /// The next `limit` entries of the table in the order of its keys.
    pub(crate) fn walk(&self, place: &StorePlace, limit: usize) -> Result<SpilledStep, StateError> {
        let from = if place.0.is_empty() { vec![self.spill.table] } else { place.0.clone() };
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let mut last = None;
        self.spill.store.scan(&from, &[self.spill.table + 1], ScanOrder::Ascending, &mut |key, value| {
            keys.push((KeyGroup::from_be_bytes([key[1], key[2]]), key[PREFIX..].to_vec()));
            values.push(value.to_vec());
            if keys.len() < limit {
                return ControlFlow::Continue(());
            }
            last = Some(key.to_vec());
            ControlFlow::Break(())
        })?;
        let columns =
            if keys.is_empty() { Vec::new() } else { self.decode(values.iter().map(Vec::as_slice))? };
        // The smallest key behind the last one.
        let next = last.map(|key| StorePlace([&key[..], &[0]].concat()));
        Ok(SpilledStep { keys, columns, next })
    }

    /// The columns of values.
    pub(crate) fn decode<'a>(
        &self,
        values: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Vec<ArrayRef>, StateError> {
        decode(&self.converter, values)
    }

    /// All rows as they are now, to be read elsewhere.
    pub(crate) fn base(&mut self, table: &str) -> Result<SpilledBase, StateError> {
        self.flush()?;
        let chunks = self.spill.store.snapshot(&[self.spill.table], &[self.spill.table + 1])?;
        Ok(SpilledBase {
            table: table.to_owned(),
            converter: converter(&self.fields)?,
            fields: self.fields.clone(),
            live_rows: self.rows,
            chunks,
            is_begun: false,
            sets: None,
            divided: VecDeque::new(),
        })
    }

    /// Where a range of a key group ends in the store; without an end behind all keys of the key group.
    fn end(&self, key_group: KeyGroup, to: Option<&[u8]>) -> Vec<u8> {
        match (to, key_group.checked_add(1)) {
            (Some(to), _) => self.key(key_group, to),
            (None, Some(next)) => self.key(next, &[]),
            (None, None) => vec![self.spill.table + 1],
        }
    }

    fn key(&self, key_group: KeyGroup, key: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PREFIX + key.len());
        self.append_key(&mut bytes, key_group, key);
        bytes
    }

    fn append_key(&self, bytes: &mut Vec<u8>, key_group: KeyGroup, key: &[u8]) {
        bytes.push(self.spill.table);
        bytes.extend_from_slice(&key_group.to_be_bytes());
        bytes.extend_from_slice(key);
    }
}

/// The spilled rows of a table at a barrier: a base in parts, made while they are read, away from the task. The first part of a
/// table is the base, even if it is empty; the others come on top of it.
pub struct SpilledBase {
    table: String,
    converter: RowConverter,
    fields: Vec<Field>,
    live_rows: u64,
    chunks: Box<dyn Iterator<Item = Result<SpillChunk, SpillError>> + Send>,
    is_begun: bool,
    /// Names and value columns of the sets that the rows are of.
    sets: Option<(Vec<String>, Vec<Field>)>,
    divided: VecDeque<FrozenTable>,
}

impl std::fmt::Debug for SpilledBase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpilledBase").field("table", &self.table).finish_non_exhaustive()
    }
}

impl SpilledBase {
    /// Name of the table within its operator.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The same rows as those of several sets; see [`FrozenTable::divided`].
    pub(crate) fn divided(self, names: Vec<String>, values: Vec<Field>) -> Self {
        Self { sets: Some((names, values)), ..self }
    }

    fn part(&self, entries: &SpillChunk, is_base: bool) -> Result<FrozenTable, StateError> {
        let key_groups: Vec<u16> =
            entries.iter().map(|(key, _)| u16::from_be_bytes([key[1], key[2]])).collect();
        let keys = BinaryArray::from_iter_values(entries.iter().map(|(key, _)| &key[PREFIX..]));
        let values = decode(&self.converter, entries.iter().map(|(_, value)| &value[..]))?;
        let keys = KeyColumns {
            key_groups: key_groups.into(),
            keys: Arc::new(keys),
            shared_bytes: 0,
            deleted: BooleanBuffer::new_unset(entries.len()),
        };
        FrozenTable::new(&self.table, is_base, self.live_rows, keys, (&self.fields, values))
    }
}

impl SpilledBase {
    fn next_part(&mut self) -> Option<Result<FrozenTable, StateError>> {
        let mut entries = SpillChunk::new();
        let mut bytes = 0;
        while entries.len() < MAX_SEGMENT_ROWS && bytes < MAX_PART_BYTES {
            match self.chunks.next() {
                None => break,
                Some(Ok(chunk)) => {
                    bytes += chunk
                        .iter()
                        .map(|(key, value)| key.len() + value.len() + ENTRY_OVERHEAD)
                        .sum::<usize>();
                    entries.extend(chunk);
                }
                Some(Err(error)) => return Some(Err(error.into())),
            }
        }
        let is_base = !std::mem::replace(&mut self.is_begun, true);
        (is_base || !entries.is_empty()).then(|| self.part(&entries, is_base))
    }
}

impl Iterator for SpilledBase {
    type Item = Result<FrozenTable, StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(part) = self.divided.pop_front() {
                return Some(Ok(part));
            }
            let part = self.next_part()?;
            let Some((names, values)) = &self.sets else { return Some(part) };
            match part {
                Ok(part) => self.divided.extend(part.divided(names, values)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn converter(fields: &[Field]) -> Result<RowConverter, StateError> {
    let fields = fields.iter().map(|f| SortField::new(f.data_type().clone())).collect();
    RowConverter::new(fields).map_err(encode_error)
}

fn decode<'a>(
    converter: &RowConverter,
    rows: impl Iterator<Item = &'a [u8]>,
) -> Result<Vec<ArrayRef>, StateError> {
    let parser = converter.parser();
    let rows: Vec<_> = rows.map(|row| parser.parse(row)).collect();
    converter.convert_rows(rows).map_err(|e| StateError::damaged(format!("a spilled row: {e}")))
}

fn encode_error(source: ArrowError) -> StateError {
    StateError::Encode { table: "spilled".to_owned(), source }
}
