//! Frozen rows of a state table, and how they become a segment.
//!
//! Example: the changes `+ (7, "b")`, `- (3, "a")` become a segment with the rows `3 a true`, `7 b false`.

use std::sync::Arc;

use arrow::array::{
    AsArray as _, BinaryArray, BooleanArray, RecordBatch, UInt16Array, UInt32Array, new_null_array,
};
use arrow::buffer::{BooleanBuffer, ScalarBuffer};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Field, SchemaRef, UInt8Type, UInt16Type};
use arrow::error::ArrowError;
use millstream_model::key_group::KeyGroup;

use crate::copy_buffers::CopyBuffers;
use crate::error::StateError;
use crate::segment::{EncodedSegment, KEY_COLUMNS, MAX_SEGMENT_ROWS, encode, segment_schema};

/// Rows that are gathered, compressed and written in one step.
pub(crate) const ENCODED_ROWS: usize = 1 << 15;

/// Bytes of changes that left memory from which on they are stored before the next barrier.
pub(crate) const EARLY_BYTES: usize = 4 << 20;

/// Rows of a state table as they were at a barrier: a compact copy, unsorted. Of rows with the same key the last one counts.
#[derive(Clone, Debug)]
pub struct FrozenTable {
    /// Name of the table within its operator.
    pub table: String,
    /// Whether these rows (and the deltas that follow) are all there is, rather than changes on top of earlier segments.
    pub is_base: bool,
    /// Columns as in [`segment_schema`]; or, if it is of a `set`, the key columns and the sets of each key.
    pub rows: RecordBatch,
    /// Rows that the table had when it was frozen; see [`crate::BasePolicy`].
    pub live_rows: u64,
    buffers: CopyBuffers,
    set: Option<Set>,
}

/// Which of the rows belong to the table: those with this bit in their last column. In the segment the values of all are NULL.
#[derive(Clone, Debug)]
struct Set {
    bit: u8,
    schema: SchemaRef,
    rows: usize,
}

impl Set {
    fn members<'a>(&self, rows: &'a RecordBatch) -> impl Iterator<Item = u32> + use<'a> {
        let (sets, bit) = (rows.column(KEY_COLUMNS).as_primitive::<UInt8Type>().values(), self.bit);
        (0..).zip(sets.iter()).filter(move |(_, sets)| **sets & bit != 0).map(|(row, _)| row)
    }
}

impl FrozenTable {
    /// Rows with columns as in [`segment_schema`].
    #[must_use]
    pub fn of_rows(table: impl Into<String>, is_base: bool, rows: RecordBatch, live_rows: u64) -> Self {
        Self { table: table.into(), is_base, rows, live_rows, buffers: CopyBuffers::default(), set: None }
    }

    /// Once encoded, the memory of the copy goes to these.
    pub(crate) fn returning(self, buffers: &CopyBuffers) -> Self {
        Self { buffers: buffers.clone(), ..self }
    }

    /// The tables of several sets, of which the last column of these rows has a bit each: all of the copy's memory is shared.
    /// What is of no row is left out, unless it is a base.
    pub(crate) fn divided(&self, names: &[String], values: &[Field]) -> Vec<Self> {
        let schema = segment_schema(values);
        let table = |(place, name): (usize, &String)| {
            let mut set = Set { bit: 1 << place, schema: schema.clone(), rows: 0 };
            set.rows = set.members(&self.rows).count();
            (set.rows > 0 || self.is_base).then(|| Self {
                table: name.clone(),
                set: Some(set),
                ..self.clone()
            })
        };
        names.iter().enumerate().filter_map(table).collect()
    }

    /// Rows of the table, deletions included.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.set.as_ref().map_or(self.rows.num_rows(), |set| set.rows)
    }

    /// Puts key columns and value columns together.
    pub(crate) fn new(
        table: &str,
        is_base: bool,
        live_rows: u64,
        keys: KeyColumns,
        values: (&[Field], Vec<arrow::array::ArrayRef>),
    ) -> Result<Self, StateError> {
        let mut columns: Vec<arrow::array::ArrayRef> = vec![
            Arc::new(UInt16Array::new(keys.key_groups, None)),
            Arc::new(keys.keys),
            Arc::new(BooleanArray::new(keys.deleted, None)),
        ];
        columns.extend(values.1);
        let rows = RecordBatch::try_new(segment_schema(values.0), columns)
            .map_err(|source| StateError::Encode { table: table.to_owned(), source })?;
        Ok(Self::of_rows(table, is_base, rows, live_rows))
    }

    /// Joins small parts of one table that follow each other, so that they do not become as many objects. What is large stays as
    /// it is: a barrier waits for the copy. None may be a base, but the first.
    ///
    /// # Errors
    /// [`StateError::Encode`] when their columns differ.
    pub(crate) fn joined(parts: Vec<Self>) -> Result<Vec<Self>, StateError> {
        let mut joined: Vec<Self> = Vec::new();
        let mut parts = parts.into_iter().peekable();
        while let Some(first) = parts.next() {
            let first_bytes = first.bytes();
            let mut rows = vec![first.rows.clone()];
            let (mut count, mut bytes) = (rows[0].num_rows(), first_bytes);
            let mut live_rows = first.live_rows;
            let fits = |part: &Self, count: usize, bytes: usize| {
                !part.is_base
                    && count + part.rows.num_rows() <= MAX_SEGMENT_ROWS
                    && bytes + part.bytes() <= 2 * EARLY_BYTES
            };
            while let Some(next) = parts.next_if(|part| fits(part, count, bytes)) {
                count += next.rows.num_rows();
                bytes += next.bytes();
                live_rows = next.live_rows;
                rows.push(next.rows);
            }
            let rows = match rows.len() {
                1 => rows.remove(0),
                _ => concat_batches(&rows[0].schema(), &rows)
                    .map_err(|source| StateError::Encode { table: first.table.clone(), source })?,
            };
            joined.push(Self { rows, live_rows, ..first });
        }
        Ok(joined)
    }

    /// Bytes that the copy holds; of a set, its share of them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let all = self.rows.get_array_memory_size();
        if self.set.is_none() { all } else { all / self.rows.num_rows().max(1) * self.row_count() }
    }

    /// Sorts by (key group, key) and encodes. The expensive part of a checkpoint: call it away from the task.
    ///
    /// # Errors
    /// [`StateError::Encode`] when Arrow refuses a column.
    pub fn into_segment(self) -> Result<EncodedSegment, StateError> {
        let encoded = match &self.set {
            None => self.encoded(0..self.rows.num_rows() as u32),
            Some(set) => self.encoded(set.members(&self.rows)),
        };
        self.buffers.give_back(self.rows);
        match encoded {
            Ok((rows, bytes)) => {
                Ok(EncodedSegment { table: self.table, is_base: self.is_base, rows, bytes: bytes.into() })
            }
            Err(source) => Err(StateError::Encode { table: self.table, source }),
        }
    }

    fn encoded(&self, rows: impl Iterator<Item = u32>) -> Result<(u64, Vec<u8>), ArrowError> {
        let order = sorted(&self.rows, rows);
        let schema = self.set.as_ref().map_or_else(|| self.rows.schema(), |set| set.schema.clone());
        let parts = order.chunks(ENCODED_ROWS).map(|part| self.taken(part));
        Ok((order.len() as u64, encode(&schema, parts)?))
    }

    /// The rows of these numbers as they are stored.
    fn taken(&self, numbers: &[u32]) -> Result<RecordBatch, ArrowError> {
        let numbers = UInt32Array::from(numbers.to_vec());
        let Some(set) = &self.set else { return take_record_batch(&self.rows, &numbers) };
        let keys: Vec<usize> = (0..KEY_COLUMNS).collect();
        let mut columns = take_record_batch(&self.rows.project(&keys)?, &numbers)?.columns().to_vec();
        let values = set.schema.fields().iter().skip(KEY_COLUMNS);
        columns.extend(values.map(|field| new_null_array(field.data_type(), numbers.len())));
        RecordBatch::try_new(set.schema.clone(), columns)
    }
}

/// The key columns of frozen rows.
pub(crate) struct KeyColumns {
    pub(crate) key_groups: ScalarBuffer<u16>,
    pub(crate) keys: BinaryArray,
    pub(crate) deleted: BooleanBuffer,
}

/// Those of the rows that are to be stored, in their order.
fn sorted(rows: &RecordBatch, numbers: impl Iterator<Item = u32>) -> Vec<u32> {
    let groups = rows.column(0).as_primitive::<UInt16Type>().values();
    let keys = rows.column(1).as_binary::<i32>();
    // Most rows differ in their heads: few comparisons look at the keys themselves.
    let mut order: Vec<(u128, u32)> =
        numbers.map(|row| (head(groups[row as usize], keys.value(row as usize)), row)).collect();
    let key = |row: u32| keys.value(row as usize);
    order.sort_unstable_by(|a, b| {
        if a.0 == b.0 { key(a.1).cmp(key(b.1)).then(a.1.cmp(&b.1)) } else { a.0.cmp(&b.0) }
    });
    // The last of equal keys is the newest.
    let is_last = |(at, row): (usize, &(u128, u32))| match order.get(at + 1) {
        Some(next) => row.0 != next.0 || key(row.1) != key(next.1),
        None => true,
    };
    order.iter().enumerate().filter(|row| is_last(*row)).map(|(_, row)| row.1).collect()
}

/// The key group and the first fourteen bytes of a key, as a number that sorts like them.
fn head(key_group: KeyGroup, key: &[u8]) -> u128 {
    let mut head = [0; 16];
    let length = key.len().min(14);
    head[..2].copy_from_slice(&key_group.to_be_bytes());
    head[2..2 + length].copy_from_slice(&key[..length]);
    u128::from_be_bytes(head)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array as _, Int64Array, UInt8Array};
    use arrow::datatypes::DataType;

    use super::*;
    use crate::segment::decode_segment;

    fn frozen(rows: &[(u16, &str, bool, i64)]) -> FrozenTable {
        let keys = KeyColumns {
            key_groups: rows.iter().map(|r| r.0).collect::<Vec<_>>().into(),
            keys: BinaryArray::from_iter_values(rows.iter().map(|r| r.1.as_bytes())),
            deleted: rows.iter().map(|r| r.2).collect(),
        };
        let fields = [Field::new("v", DataType::Int64, true)];
        let values = Int64Array::from_iter_values(rows.iter().map(|r| r.3));
        FrozenTable::new("t", false, 2, keys, (&fields, vec![Arc::new(values)])).unwrap()
    }

    #[test]
    fn the_tables_of_sets_share_one_copy() {
        let keys = KeyColumns {
            key_groups: vec![3, 1, 2].into(),
            keys: BinaryArray::from_iter_values(["c", "a", "b"]),
            deleted: BooleanBuffer::new_unset(3),
        };
        let sets = Arc::new(UInt8Array::from(vec![0b01, 0b11, 0b10]));
        let copy = FrozenTable::new(
            "all",
            false,
            3,
            keys,
            (&[Field::new("sets", DataType::UInt8, true)], vec![sets]),
        );
        let copy = copy.unwrap();
        let names = ["x", "y", "none"].map(String::from);
        let tables = copy.divided(&names, &[Field::new("n", DataType::Int64, true)]);
        let place = |table: &FrozenTable| table.rows.column(1).to_data().buffers()[1].as_ptr();
        assert!(tables.iter().all(|table| place(table) == place(&copy)));
        let found: Vec<_> = tables.iter().map(|t| (t.table.clone(), t.row_count())).collect();
        assert_eq!(found, [("x".to_owned(), 2), ("y".to_owned(), 2)]);
        let keys_of = |table: FrozenTable| {
            let rows = decode_segment(&table.into_segment().unwrap().bytes).unwrap();
            assert_eq!(rows.column(3).null_count(), rows.num_rows());
            let keys = rows.column(1).as_binary::<i32>().iter().flatten().map(<[u8]>::to_vec);
            keys.collect::<Vec<_>>()
        };
        let keys: Vec<_> = tables.into_iter().map(keys_of).collect();
        assert_eq!(keys, [[b"a".to_vec(), b"c".to_vec()], [b"a".to_vec(), b"b".to_vec()]]);
    }

    #[test]
    fn rows_come_back_sorted() {
        let segment =
            frozen(&[(7, "b", false, 1), (3, "z", true, 2), (3, "a", false, 3)]).into_segment().unwrap();
        assert_eq!((segment.rows, segment.is_base, segment.table.as_str()), (3, false, "t"));
        let rows = decode_segment(&segment.bytes).unwrap();
        assert_eq!(rows.column(0).as_primitive::<UInt16Type>().values().to_vec(), [3, 3, 7]);
        let keys: Vec<&[u8]> = rows.column(1).as_binary::<i32>().iter().flatten().collect();
        assert_eq!(keys, [b"a", b"z", b"b"]);
        let values = rows.column(3).as_primitive::<arrow::datatypes::Int64Type>();
        assert_eq!(values.values().to_vec(), [3, 2, 1]);
    }

    #[test]
    fn keys_sort_by_their_bytes_and_the_newest_of_equal_ones_stays() {
        let (head, long) = ("a".repeat(14), "a".repeat(15));
        let longer = format!("{head}b");
        let keys = [longer.as_str(), "a\0", "", head.as_str(), "b", "a", long.as_str(), "a", "a\0\0"];
        let rows: Vec<_> = keys.iter().enumerate().map(|(i, key)| (1, *key, false, i as i64)).collect();
        let segment = frozen(&rows).into_segment().unwrap();
        let rows = decode_segment(&segment.bytes).unwrap();
        let values = rows.column(3).as_primitive::<arrow::datatypes::Int64Type>();
        assert_eq!(values.values().to_vec(), [2, 7, 1, 8, 3, 6, 0, 4], "5 is an older row of 7's key");
        assert_eq!(segment.rows, 8);
    }

    #[test]
    fn many_rows_are_encoded_part_by_part() {
        let count = 2 * ENCODED_ROWS as u32 + 1;
        let keys: Vec<String> = (0..count).rev().map(|i| format!("{i:09}")).collect();
        let rows: Vec<_> = keys.iter().map(|key| (1, key.as_str(), false, 0)).collect();
        let rows = decode_segment(&frozen(&rows).into_segment().unwrap().bytes).unwrap();
        let found = rows.column(1).as_binary::<i32>();
        assert!(found.iter().flatten().eq(keys.iter().rev().map(String::as_bytes)));
    }
}
