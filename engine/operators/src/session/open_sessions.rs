//! The open sessions of every key: a table of the user's keys, whose value is the list of the key's sessions.
//!
//! What is aggregated in a session lies elsewhere, under its own key. A key without sessions is not kept. The stored column is 24
//! bytes a session: start, end and origin, big-endian microseconds. Example: the key `a` with the session `[0, 10)` s is the row
//! `a | 00..00 00..0098_9680 00..00`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, RecordBatch};
use arrow::datatypes::{DataType, Field, UInt16Type};
use millstream_batch::EncodedKeys;
use millstream_model::KeyGroupRange;
use millstream_model::key_group::key_hash;
use millstream_state::{
    CopyBuffers, FrozenTable, GroupTable, KEY_COLUMNS, KeyHashes, Resolved, RestoredTable, SpilledBase,
    StateError, TableSpill, ValueColumns,
};

use super::span::{Span, UNTOUCHED};
use super::timers::{Timer, Timers};
use crate::operator::TableSchema;

/// The table of keys. Stored under this name.
pub(crate) const SESSION_KEYS: &str = "session-keys";
/// Its column.
const COLUMN: &str = "sessions";
const SPAN_BYTES: usize = 24;

/// Keys with their sessions.
#[derive(Debug)]
pub(crate) struct OpenSessions {
    table: GroupTable,
    lists: Lists,
}

/// Lists of sessions by number of the key.
#[derive(Debug, Default)]
struct Lists(Vec<Vec<Span>>);

impl OpenSessions {
    pub(crate) fn new(key_groups: KeyGroupRange, max_parallelism: u32) -> Self {
        Self { table: GroupTable::new(SESSION_KEYS, key_groups, max_parallelism), lists: Lists::default() }
    }

    /// The numbers of these keys until the next call. Keys that are new have no sessions: they must get some, or be dropped with
    /// [`OpenSessions::drop_empty`].
    ///
    /// # Errors
    /// As [`GroupTable::resolve`].
    pub(crate) fn resolve(
        &mut self,
        keys: &EncodedKeys,
        hashes: &[u64],
        resolved: &mut Resolved,
    ) -> Result<(), StateError> {
        let hashes = KeyHashes { key: hashes, index: hashes };
        self.table.resolve(keys, hashes, &mut self.lists, resolved)?;
        self.lists.resize(self.table.slots());
        Ok(())
    }

    /// The sessions of a key.
    pub(crate) fn of(&mut self, key: u32) -> &mut Vec<Span> {
        &mut self.lists.0[key as usize]
    }

    /// Removes those of these keys that have no sessions.
    pub(crate) fn drop_empty(&mut self, keys: &[u32]) {
        for key in keys.iter().filter(|key| self.lists.0[**key as usize].is_empty()) {
            self.table.delete(*key);
        }
    }

    pub(crate) fn spill_to(&mut self, spill: TableSpill) -> Result<(), StateError> {
        self.table.spill_to(spill, &self.lists)
    }

    pub(crate) fn spilled_base(&mut self) -> Result<Option<SpilledBase>, StateError> {
        self.table.spilled_base()
    }

    pub(crate) fn take_spilled(&mut self) -> Result<Vec<FrozenTable>, StateError> {
        self.table.take_spilled()
    }

    pub(crate) fn freeze(&mut self, full: bool) -> Result<Vec<FrozenTable>, StateError> {
        self.table.freeze(&self.lists, full)
    }

    pub(crate) fn schema() -> TableSchema {
        TableSchema {
            name: SESSION_KEYS.to_owned(),
            columns: Lists::default().fields(),
            dispensable: Vec::new(),
            indispensable: vec![COLUMN.to_owned()],
        }
    }

    /// Takes over stored keys and sets a timer for each. A later segment may change or remove a key: then its timer finds nothing
    /// to do.
    ///
    /// # Errors
    /// As [`GroupTable::restore`].
    pub(crate) fn restore(&mut self, stored: &RestoredTable, timers: &mut Timers) -> Result<(), StateError> {
        self.table.restore(stored, &mut self.lists, key_hash)?;
        stored.segments.iter().try_for_each(|rows| set_timers(rows, timers))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes() + self.lists.bytes()
    }
}

fn set_timers(rows: &RecordBatch, timers: &mut Timers) -> Result<(), StateError> {
    let key_groups = rows.column(0).as_primitive::<UInt16Type>().values();
    let (keys, deleted) = (rows.column(1).as_binary::<i32>(), rows.column(2).as_boolean());
    let lists = binary(rows.column(KEY_COLUMNS))?;
    for row in (0..rows.num_rows()).filter(|row| !deleted.value(*row)) {
        let first_end = decode(lists.value(row))?.iter().map(|span| span.end).min();
        if let Some(at) = first_end {
            timers.set(Timer { at, key_group: key_groups[row], key: keys.value(row).into() })?;
        }
    }
    Ok(())
}

impl Lists {
    fn resize(&mut self, slots: usize) {
        if slots > self.0.len() {
            self.0.resize_with(slots, Vec::new);
        }
    }
}

impl ValueColumns for Lists {
    fn fields(&self) -> Vec<Field> {
        vec![Field::new(COLUMN, DataType::Binary, true)]
    }

    fn gather(&self, groups: &[u32], _buffers: &CopyBuffers) -> Vec<ArrayRef> {
        let encoded = groups.iter().map(|group| encode(&self.0[*group as usize]));
        vec![Arc::new(BinaryArray::from_iter_values(encoded))]
    }

    fn reset(&mut self, group: u32) {
        if let Some(list) = self.0.get_mut(group as usize) {
            list.clear();
        }
    }

    fn load(&mut self, slots: usize, groups: &[u32], columns: &[ArrayRef]) -> Result<(), StateError> {
        self.resize(slots);
        let [column] = columns else { return Err(StateError::Damaged("sessions without a column".into())) };
        let lists = binary(column)?;
        for (row, group) in groups.iter().enumerate() {
            self.0[*group as usize] = decode(lists.value(row))?;
        }
        Ok(())
    }

    fn reserve(&mut self, slots: usize) {
        self.0.reserve_exact(slots.saturating_sub(self.0.len()));
    }

    fn bytes(&self) -> usize {
        // Nearly every key has one session, in a list of its own.
        self.0.capacity() * (size_of::<Vec<Span>>() + size_of::<Span>() + 16)
    }
}

fn binary(column: &ArrayRef) -> Result<&BinaryArray, StateError> {
    let found = column.as_binary_opt::<i32>().filter(|lists| lists.null_count() == 0);
    found.ok_or_else(|| StateError::Damaged("a key without sessions".into()))
}

fn encode(spans: &[Span]) -> Vec<u8> {
    let numbers = spans.iter().flat_map(|span| [span.start, span.end, span.origin]);
    numbers.flat_map(i64::to_be_bytes).collect()
}

fn decode(bytes: &[u8]) -> Result<Vec<Span>, StateError> {
    let (spans, rest) = bytes.as_chunks::<SPAN_BYTES>();
    if spans.is_empty() || !rest.is_empty() {
        return Err(StateError::Damaged("a list of sessions of a wrong length".into()));
    }
    let number = |span: &[u8; SPAN_BYTES], at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&span[at..at + 8]);
        i64::from_be_bytes(bytes)
    };
    let span = |bytes: &[u8; SPAN_BYTES]| Span {
        start: number(bytes, 0),
        end: number(bytes, 8),
        origin: number(bytes, 16),
        touched: UNTOUCHED,
    };
    Ok(spans.iter().map(span).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back_and_their_form_stays() {
        let span = |start, end, origin| Span { start, end, origin, touched: UNTOUCHED };
        let spans = vec![span(-1, 10_000_000, 0), span(i64::MIN / 4, i64::MAX / 4, 7)];
        let bytes = encode(&spans);
        assert_eq!(decode(&bytes).unwrap(), spans);
        assert_eq!(bytes[..24], [[255; 8], [0, 0, 0, 0, 0, 0x98, 0x96, 0x80], [0; 8]].concat());
        for damaged in [&bytes[..23], &[]] {
            assert!(decode(damaged).is_err());
        }
    }
}
