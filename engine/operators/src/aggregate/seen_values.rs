//! The values that the groups of an append-only aggregate have had, for DISTINCT: a value is there or not, and once it is there
//! nothing changes it, so neither a checkpoint nor a spill writes it again.
//!
//! A key of the table is a group's key and the encoded value behind it, as in a `SortedMap`, which restores the same rows: each
//! takes over what the other one stored, but for counts, which are NULL here. Example: after `("g", 5) ("g", 3) ("g", 5)` the
//! table has two groups.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Int64Array};
use arrow::datatypes::{Field, Int64Type};
use millstream_batch::EncodedKeys;
use millstream_model::KeyGroupRange;
use millstream_model::key_group::key_hash;
use millstream_state::{
    CopyBuffers, FrozenTable, GroupTable, KeyHashes, Resolved, RestoredTable, SortedMap, SpilledBase,
    StateError, TableSpill, ValueColumns,
};

use crate::aggregate::GroupKeys;

/// The values of one call.
pub(crate) struct SeenValues {
    table: GroupTable,
    resolved: Resolved,
}

impl fmt::Debug for SeenValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeenValues").field("table", &self.table).finish_non_exhaustive()
    }
}

impl SeenValues {
    pub(crate) fn new(name: &str, range: KeyGroupRange, max_parallelism: u32) -> Self {
        Self { table: GroupTable::of_keys(name, range, max_parallelism), resolved: Resolved::default() }
    }

    /// The rows, ascending, whose values their groups have not had before: `rows` are (row, group), `values` the encoded values
    /// of all rows.
    ///
    /// # Errors
    /// [`StateError::Spill`].
    pub(crate) fn new_rows(
        &mut self,
        rows: impl Iterator<Item = (usize, u32)>,
        values: &EncodedKeys,
        keys: &dyn GroupKeys,
    ) -> Result<Vec<(u32, u32)>, StateError> {
        let (mut joined, mut key_hashes) = (EncodedKeys::default(), Vec::new());
        let rows: Vec<(usize, u32)> = rows.collect();
        for (row, group) in &rows {
            let key = keys.key(*group);
            joined.push(&[key, values.get(*row)]);
            key_hashes.push(key_hash(key));
        }
        let hashes = joined.hashes();
        let hashes = KeyHashes { key: &key_hashes, index: &hashes };
        self.table.resolve_present(&joined, hashes, &mut Present, &mut self.resolved)?;
        // New ones stand in the order of their first rows.
        let mut created = self.resolved.created.iter().peekable();
        let is_new = |found: &u32| created.next_if(|next| *next == found).is_some();
        let new: Vec<bool> = self.resolved.groups.iter().map(is_new).collect();
        Ok(rows
            .iter()
            .zip(new)
            .filter(|(_, new)| *new)
            .map(|((row, group), _)| (*row as u32, *group))
            .collect())
    }

    pub(crate) fn spill_to(&mut self, spill: TableSpill) -> Result<(), StateError> {
        self.table.spill_to(spill, &Present)
    }

    pub(crate) fn spilled_base(&mut self) -> Result<Option<SpilledBase>, StateError> {
        self.table.spilled_base()
    }

    pub(crate) fn take_spilled(&mut self) -> Result<Vec<FrozenTable>, StateError> {
        self.table.take_spilled()
    }

    pub(crate) fn freeze(&mut self, full: bool) -> Result<Vec<FrozenTable>, StateError> {
        self.table.freeze(&Present, full)
    }

    pub(crate) fn restore(&mut self, table: &RestoredTable) -> Result<(), StateError> {
        self.table.restore(table, &mut Present, key_hash)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes()
    }
}

/// The column of counts, of which none is kept.
struct Present;

impl ValueColumns for Present {
    fn fields(&self) -> Vec<Field> {
        SortedMap::fields().into()
    }

    fn gather(&self, groups: &[u32], _buffers: &CopyBuffers) -> Vec<ArrayRef> {
        vec![Arc::new(Int64Array::new_null(groups.len()))]
    }

    fn reset(&mut self, _group: u32) {}

    /// A stored count below 1 is of a table over updates: values that are owed would count as had.
    fn load(&mut self, _slots: usize, _groups: &[u32], columns: &[ArrayRef]) -> Result<(), StateError> {
        let counts = columns.iter().flat_map(|c| c.as_primitive::<Int64Type>().iter().flatten());
        match counts.min() {
            Some(..=0) => {
                Err(StateError::Damaged("a count below 1 of a value of an append-only group".into()))
            }
            _ => Ok(()),
        }
    }

    fn reserve(&mut self, _slots: usize) {}

    fn bytes(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use millstream_batch::encode_keys;
    use millstream_state::{decode_segment, filter_key_groups};

    use super::*;

    struct Groups;

    impl GroupKeys for Groups {
        fn key(&self, group: u32) -> &[u8] {
            [&b"a"[..], b"b"][group as usize]
        }

        fn key_group(&self, group: u32) -> u16 {
            millstream_model::key_group::key_group_of(key_hash(self.key(group)), 8)
        }
    }

    fn all() -> KeyGroupRange {
        KeyGroupRange { start: 0, end: 8 }
    }

    fn new_rows(seen: &mut SeenValues, rows: &[(u32, i64)]) -> Vec<(u32, u32)> {
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1)));
        let encoded = encode_keys(&[values], rows.len()).unwrap();
        let groups = rows.iter().enumerate().map(|(row, (group, _))| (row, *group));
        seen.new_rows(groups, &encoded, &Groups).unwrap()
    }

    fn stored(parts: Vec<FrozenTable>) -> RestoredTable {
        let mut table = RestoredTable { name: "values".into(), segments: Vec::new() };
        for part in parts {
            let rows = decode_segment(&part.into_segment().unwrap().bytes).unwrap();
            table.segments.push(filter_key_groups(&rows, all()));
        }
        table
    }

    #[test]
    fn a_value_is_new_once_and_written_once() {
        let mut seen = SeenValues::new("values", all(), 8);
        assert_eq!(new_rows(&mut seen, &[(0, 5), (1, 5), (0, 5), (0, 3)]), [(0, 0), (1, 1), (3, 0)]);
        assert_eq!(seen.freeze(false).unwrap()[0].rows.num_rows(), 3);
        assert_eq!(new_rows(&mut seen, &[(1, 5), (1, 3)]), [(1, 1)]);
        assert_eq!(seen.freeze(false).unwrap()[0].rows.num_rows(), 1);
        assert_eq!(new_rows(&mut seen, &[(0, 5), (1, 3)]), []);
        assert!(seen.freeze(false).unwrap().is_empty());
    }

    #[test]
    fn counted_values_and_seen_ones_take_each_other_over() {
        let mut counted = SortedMap::new("values");
        let value: ArrayRef = Arc::new(Int64Array::from(vec![5]));
        let value = encode_keys(&[value], 1).unwrap();
        counted.add(b"a", value.get(0), Groups.key_group(0), 2);
        let mut seen = SeenValues::new("values", all(), 8);
        seen.restore(&stored(counted.freeze(true).unwrap())).unwrap();
        assert_eq!(new_rows(&mut seen, &[(0, 5), (1, 5)]), [(1, 1)]);

        let rows = stored(seen.freeze(true).unwrap());
        let error = SortedMap::new("values").restore(&rows, None).unwrap_err().to_string();
        assert!(error.contains("the table values has no counts"), "{error}");
        let mut counted = SortedMap::new("values");
        counted.restore(&rows, Some(1)).unwrap();
        assert_eq!(counted.add(b"a", value.get(0), Groups.key_group(0), 1).before, 1);
        assert_eq!(counted.add(b"b", value.get(0), Groups.key_group(1), 1).before, 1);
    }

    #[test]
    fn a_value_that_is_owed_is_refused() {
        let mut counted = SortedMap::new("values");
        counted.add(b"a", b"x", Groups.key_group(0), -1);
        let rows = stored(counted.freeze(true).unwrap());
        let error = SeenValues::new("values", all(), 8).restore(&rows).unwrap_err().to_string();
        assert!(error.contains("a count below 1"), "{error}");
    }
}
