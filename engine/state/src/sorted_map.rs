//! Counts of values per group, in the order of the values: for MIN and MAX over retractions, and for DISTINCT.
//!
//! A map from (group key, sort key) to a count that is never 0. Both keys are memcomparable, and no group key is a prefix of
//! another one's, so one ordered map of the joined bytes holds each group's values side by side, in order. Example: `add("g", 5, +1)`,
//! `add("g", 3, +1)`, `add("g", 3, -1)` leaves `("g", 5) -> 1`; the first and the last value of `g` is 5.
//!
//! With a store behind it the map in memory holds what was used or changed lately, on top of what lies there.

mod spilled;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray, BinaryArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, UInt16Type};
use millstream_model::key_group::KeyGroup;

use crate::error::StateError;
use crate::frozen_table::{FrozenTable, KeyColumns};
use crate::group_table::check_fields;
use crate::parts::Parts;
use crate::restored::{RESTORED_ROWS, RestoredTable};
use crate::segment::{KEY_COLUMNS, MAX_SEGMENT_ROWS};
use crate::side_table::SideTable;
use crate::spill::ScanOrder;
use crate::spilled_rows::{SpilledBase, SpilledRows, TableSpill};

/// Bytes of a map's node for each entry, beside the key: by estimate.
const ENTRY_BYTES: usize = 64;

/// What [`SortedMap::add`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountChange {
    /// The count before.
    pub before: i64,
    /// The count after; 0 if the entry is gone.
    pub after: i64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    count: i64,
    key_group: KeyGroup,
    is_dirty: bool,
    is_stored: bool,
    /// The store has a row of the entry, perhaps an old one.
    is_spilled: bool,
    /// The store's row is the entry as it is.
    is_current: bool,
}

/// Counts by (group key, sort key).
#[derive(Debug, Default)]
pub struct SortedMap {
    name: String,
    /// What a stored count becomes that is NULL.
    unknown: Option<i64>,
    entries: BTreeMap<Arc<[u8]>, Entry>,
    /// Stored entries that are gone since the last freeze. Apart, so that looking for a group's first value never walks over
    /// what a queue-like group left behind.
    gone: BTreeMap<Arc<[u8]>, KeyGroup>,
    gone_key_bytes: usize,
    /// Keys that became dirty since the last freeze; some may be gone, or stand here twice.
    dirty: Vec<Arc<[u8]>>,
    key_bytes: usize,
    scratch: Vec<u8>,
    spilled: Option<SpilledRows>,
    /// Changes that were evicted since the last freeze.
    parts: Parts,
}

impl SortedMap {
    /// An empty map, stored under this name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The same, which takes over rows of a table that did not count: they get this count. Without it such rows are damaged.
    #[must_use]
    pub fn with_unknown_count(self, count: i64) -> Self {
        Self { unknown: Some(count), ..self }
    }

    /// Number of entries in memory.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry in memory.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds `delta` to a count. The entry exists while its count is not 0; counts below 0 are kept until they are made up for.
    /// With a store, [`SortedMap::load`] must have been called for the key, and for no other keys since.
    pub fn add(&mut self, group_key: &[u8], sort_key: &[u8], key_group: KeyGroup, delta: i64) -> CountChange {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        scratch.extend_from_slice(group_key);
        scratch.extend_from_slice(sort_key);
        let change = self.add_joined(&scratch, key_group, delta);
        self.scratch = scratch;
        change
    }

    fn add_joined(&mut self, key: &[u8], key_group: KeyGroup, delta: i64) -> CountChange {
        let Some(entry) = self.entries.get_mut(key) else {
            if delta != 0 {
                self.insert(key, key_group, delta);
            }
            return CountChange { before: 0, after: delta };
        };
        let before = entry.count;
        entry.count += delta;
        let after = entry.count;
        entry.is_current = false;
        if after == 0 {
            self.remove(key);
        } else if !entry.is_dirty {
            entry.is_dirty = true;
            self.note_dirty(key);
        }
        CountChange { before, after }
    }

    fn insert(&mut self, key: &[u8], key_group: KeyGroup, count: i64) {
        let (key, is_stored) = match self.gone.remove_entry(key) {
            Some((key, _)) => {
                self.gone_key_bytes -= key.len();
                (key, true)
            }
            None => (Arc::from(key), false),
        };
        self.key_bytes += key.len();
        self.dirty.push(key.clone());
        let (is_dirty, is_spilled, is_current) = (true, false, false);
        self.entries.insert(key, Entry { count, key_group, is_dirty, is_stored, is_spilled, is_current });
        self.shorten_dirty();
    }

    fn note_dirty(&mut self, key: &[u8]) {
        if let Some((key, _)) = self.entries.get_key_value(key) {
            self.dirty.push(key.clone());
        }
        self.shorten_dirty();
    }

    fn remove(&mut self, key: &[u8]) {
        if let Some((key, entry)) = self.entries.remove_entry(key) {
            self.key_bytes -= key.len();
            if entry.is_spilled
                && let Some(spilled) = &mut self.spilled
            {
                spilled.doom(entry.key_group, &key);
            }
            if entry.is_stored {
                self.note_gone(key, entry.key_group);
            }
        }
    }

    fn note_gone(&mut self, key: Arc<[u8]>, key_group: KeyGroup) {
        let length = key.len();
        if self.gone.insert(key, key_group).is_none() {
            self.gone_key_bytes += length;
        }
    }

    /// Without checkpoints nothing else would ever shorten the list of a group that comes and goes.
    fn shorten_dirty(&mut self) {
        if self.dirty.len() > 2 * self.entries.len() + 1024 {
            self.dirty.sort_unstable();
            self.dirty.dedup();
            let entries = &self.entries;
            self.dirty.retain(|key| entries.get(key).is_some_and(|e| e.is_dirty));
        }
    }

    /// The smallest sort key of a group with a count above 0.
    ///
    /// # Errors
    /// [`StateError::Spill`].
    pub fn first(&self, group_key: &[u8], key_group: KeyGroup) -> Result<Option<Vec<u8>>, StateError> {
        let cached = self.group(group_key).find(|(_, count)| *count > 0).map(|(key, _)| key);
        self.extreme(group_key, key_group, ScanOrder::Ascending, cached)
    }

    /// The greatest sort key of a group with a count above 0.
    ///
    /// # Errors
    /// [`StateError::Spill`].
    pub fn last(&self, group_key: &[u8], key_group: KeyGroup) -> Result<Option<Vec<u8>>, StateError> {
        let cached = self.group(group_key).rfind(|(_, count)| *count > 0).map(|(key, _)| key);
        self.extreme(group_key, key_group, ScanOrder::Descending, cached)
    }

    /// Sort keys and counts of a group in memory, in order.
    fn group<'a>(&'a self, group_key: &[u8]) -> impl DoubleEndedIterator<Item = (&'a [u8], i64)> + use<'a> {
        let prefix = group_key.len();
        let end = successor(group_key);
        let end = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        self.entries
            .range::<[u8], _>((Bound::Included(group_key), end))
            .map(move |(key, entry)| (&key[prefix..], entry.count))
    }

    /// Removes all entries of a group, and says how many there were.
    ///
    /// # Errors
    /// [`StateError::Spill`].
    pub fn remove_group(&mut self, group_key: &[u8], key_group: KeyGroup) -> Result<usize, StateError> {
        let keys: Vec<Vec<u8>> = self.group(group_key).map(|(key, _)| [group_key, key].concat()).collect();
        for key in &keys {
            self.remove(key);
        }
        Ok(keys.len() + self.remove_spilled(group_key, key_group)?)
    }

    /// Its columns beside the key.
    #[must_use]
    pub fn fields() -> [Field; 1] {
        [Field::new("count", DataType::Int64, true)]
    }

    /// What changed, or all, with the marks cleared: keys, key groups, and counts, which are 0 for removals.
    fn take_changes(&mut self, full: bool) -> Vec<(Arc<[u8]>, KeyGroup, i64)> {
        let mut changes: Vec<(Arc<[u8]>, KeyGroup, i64)> = Vec::new();
        let dirty = std::mem::take(&mut self.dirty);
        if full {
            for (key, entry) in &mut self.entries {
                (entry.is_dirty, entry.is_stored) = (false, true);
                if !entry.is_current {
                    changes.push((key.clone(), entry.key_group, entry.count));
                }
            }
            self.gone.clear();
            self.gone_key_bytes = 0;
        } else {
            for key in dirty {
                if let Some(entry) = self.entries.get_mut(&key).filter(|e| e.is_dirty) {
                    (entry.is_dirty, entry.is_stored) = (false, true);
                    changes.push((key, entry.key_group, entry.count));
                }
            }
            self.gone_key_bytes = 0;
            changes.extend(std::mem::take(&mut self.gone).into_iter().map(|(key, group)| (key, group, 0)));
        }
        changes
    }

    /// Takes over stored entries, and removals of earlier ones, into memory.
    fn restore_entries(&mut self, rows: &RecordBatch) {
        let key_groups = rows.column(0).as_primitive::<UInt16Type>().values();
        let keys = rows.column(1).as_binary::<i32>();
        let (deleted, counts) = (rows.column(2).as_boolean(), count_column(rows));
        for (row, key_group) in key_groups.iter().enumerate() {
            let (key, key_group) = (keys.value(row), *key_group);
            if deleted.value(row) {
                if self.entries.remove(key).is_some() {
                    self.key_bytes -= key.len();
                }
                continue;
            }
            let (is_dirty, is_stored, is_spilled, is_current) = (false, true, false, false);
            let entry =
                Entry { count: counts.value(row), key_group, is_dirty, is_stored, is_spilled, is_current };
            if self.entries.insert(Arc::from(key), entry).is_none() {
                self.key_bytes += key.len();
            }
        }
    }

    fn cut(
        &self,
        changes: &[(Arc<[u8]>, KeyGroup, i64)],
        needs_base: bool,
        parts: &mut Vec<FrozenTable>,
    ) -> Result<(), StateError> {
        let empty: &[_] = &[];
        let chunks =
            changes.chunks(MAX_SEGMENT_ROWS).chain((needs_base && changes.is_empty()).then_some(empty));
        let live = self.entries.len() as u64 + self.spilled.as_ref().map_or(0, SpilledRows::rows);
        for part in chunks {
            let keys = KeyColumns {
                key_groups: part.iter().map(|c| c.1).collect::<Vec<_>>().into(),
                keys: Arc::new(BinaryArray::from_iter_values(part.iter().map(|c| &c.0))),
                shared_bytes: 0,
                deleted: part.iter().map(|c| c.2 == 0).collect(),
            };
            let counts: ArrayRef = Arc::new(Int64Array::from_iter_values(part.iter().map(|c| c.2)));
            let is_base = needs_base && parts.is_empty();
            parts.push(FrozenTable::new(&self.name, is_base, live, keys, (&Self::fields(), vec![counts]))?);
        }
        Ok(())
    }
}

impl SideTable for SortedMap {
    fn names(&self) -> &[String] {
        std::slice::from_ref(&self.name)
    }

    fn spill_to(&mut self, spill: TableSpill) -> Result<(), StateError> {
        self.spilled = Some(SpilledRows::new(spill, Self::fields().to_vec())?);
        Ok(())
    }

    /// All of them leave at once.
    fn make_room(&mut self) -> Result<(), StateError> {
        match self.spilled.as_ref().map(SpilledRows::budget) {
            Some(budget) if self.bytes() > budget => self.evict(),
            _ => Ok(()),
        }
    }

    fn freeze(&mut self, full: bool) -> Result<Vec<FrozenTable>, StateError> {
        if let Some(spilled) = &mut self.spilled {
            spilled.flush()?;
        }
        let mut parts = self.parts.take();
        if full {
            // The base has them.
            parts.clear();
        }
        let changes = self.take_changes(full);
        let needs_base = full && self.spilled.is_none();
        self.cut(&changes, needs_base, &mut parts)?;
        FrozenTable::joined(parts)
    }

    fn spilled_base(&mut self) -> Result<Option<SpilledBase>, StateError> {
        self.spilled.as_mut().map(|spilled| spilled.base(&self.name)).transpose()
    }

    fn take_spilled(&mut self) -> Result<Vec<FrozenTable>, StateError> {
        self.parts.take_if_many()
    }

    fn restore(&mut self, stored: &RestoredTable) -> Result<(), StateError> {
        for rows in &stored.segments {
            check_fields(&stored.name, rows, &Self::fields())?;
            let rows = &with_counts(&stored.name, rows, self.unknown)?;
            let (deleted, counts) = (rows.column(2).as_boolean(), count_column(rows));
            if (0..rows.num_rows()).any(|row| counts.value(row) == 0 && !deleted.value(row)) {
                return Err(StateError::damaged(format!("a count of 0 in the table {}", stored.name)));
            }
            for start in (0..rows.num_rows()).step_by(RESTORED_ROWS) {
                let part = rows.slice(start, RESTORED_ROWS.min(rows.num_rows() - start));
                self.make_room()?;
                match &mut self.spilled {
                    // What is behind the first entries that left follows them.
                    Some(spilled) if spilled.rows() > 0 => spilled.restore(&part)?,
                    _ => self.restore_entries(&part),
                }
            }
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.key_bytes
            + self.gone_key_bytes
            + (self.entries.len() + self.gone.len()) * ENTRY_BYTES
            + self.dirty.capacity() * 16
            + self.spilled.as_ref().map_or(0, SpilledRows::bytes)
    }
}

fn count_column(rows: &RecordBatch) -> &Int64Array {
    rows.column(KEY_COLUMNS).as_primitive::<Int64Type>()
}

/// The same rows with `unknown` for counts that are NULL. Counts of removed entries do not matter.
fn with_counts(table: &str, rows: &RecordBatch, unknown: Option<i64>) -> Result<RecordBatch, StateError> {
    let counts = count_column(rows);
    if counts.null_count() == 0 {
        return Ok(rows.clone());
    }
    let deleted = rows.column(2).as_boolean();
    let is_unknown = |row: usize| counts.is_null(row) && !deleted.value(row);
    if unknown.is_none() && (0..rows.num_rows()).any(is_unknown) {
        return Err(StateError::damaged(format!(
            "the table {table} has no counts: it was stored while the rows of the aggregate were only added, and now they are \
             updated, too; start without this state"
        )));
    }
    let known = counts.iter().map(|count| count.or(unknown).unwrap_or(0));
    let mut columns = rows.columns().to_vec();
    columns[KEY_COLUMNS] = Arc::new(Int64Array::from_iter_values(known));
    RecordBatch::try_new(rows.schema(), columns).map_err(|e| StateError::damaged(e.to_string()))
}

/// The smallest key that is greater than every key with this prefix; `None` if there is none.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|b| *b != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

#[cfg(test)]
#[path = "sorted_map/sorted_map_test.rs"]
mod tests;
