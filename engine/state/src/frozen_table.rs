//! Frozen rows of a state table, and how they become a segment.
//!
//! Example: the changes `+ (7, "b")`, `- (3, "a")` become a segment with the rows `3 a true`, `7 b false`.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, RecordBatch, UInt16Array, UInt32Array, new_null_array,
};
use arrow::buffer::{BooleanBuffer, ScalarBuffer};
use arrow::compute::{cast, concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt8Type, UInt16Type};
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
    /// See [`FrozenTable::rows`].
    pub(crate) rows: RecordBatch,
    /// Bytes of keys that are the table's own, too, for as long as it keeps them.
    shared_bytes: usize,
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
    /// Of all sets that share the copy.
    all_rows: usize,
}

/// Rows that have this bit in their last column.
fn members(rows: &RecordBatch, bit: u8) -> impl Iterator<Item = u32> {
    let sets = rows.column(KEY_COLUMNS).as_primitive::<UInt8Type>().values();
    (0..).zip(sets.iter()).filter(move |(_, sets)| **sets & bit != 0).map(|(row, _)| row)
}

impl FrozenTable {
    /// Rows with columns as in [`segment_schema`].
    #[must_use]
    pub fn of_rows(table: impl Into<String>, is_base: bool, rows: RecordBatch, live_rows: u64) -> Self {
        Self {
            table: table.into(),
            is_base,
            rows,
            live_rows,
            buffers: CopyBuffers::default(),
            set: None,
            shared_bytes: 0,
        }
    }

    /// Once encoded, the memory of the copy goes to these.
    pub(crate) fn returning(self, buffers: &CopyBuffers) -> Self {
        Self { buffers: buffers.clone(), ..self }
    }

    /// The tables of several sets, of which the last column of these rows has a bit each: all of the copy's memory is shared.
    /// What is of no row is left out, unless it is a base.
    pub(crate) fn divided(&self, names: &[String], values: &[Field]) -> Vec<Self> {
        let schema = segment_schema(values);
        let mut sets = Vec::new();
        for (place, name) in names.iter().enumerate() {
            let bit = 1 << place;
            let rows = members(&self.rows, bit).count();
            if rows > 0 || self.is_base {
                sets.push((name, Set { bit, schema: schema.clone(), rows, all_rows: 0 }));
            }
        }
        let all_rows = sets.iter().map(|(_, set)| set.rows).sum();
        let table = |(name, set): (&String, Set)| Self {
            table: name.clone(),
            set: Some(Set { all_rows, ..set }),
            ..self.clone()
        };
        sets.into_iter().map(table).collect()
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
        values: (&[Field], Vec<ArrayRef>),
    ) -> Result<Self, StateError> {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt16Array::new(keys.key_groups, None)),
            keys.keys,
            Arc::new(BooleanArray::new(keys.deleted, None)),
        ];
        columns.extend(values.1);
        let mut fields = segment_schema(values.0).fields().to_vec();
        fields[1] = Arc::new(Field::new("key", columns[1].data_type().clone(), false));
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
            .map_err(|source| StateError::Encode { table: table.to_owned(), source })?;
        Ok(Self { shared_bytes: keys.shared_bytes, ..Self::of_rows(table, is_base, rows, live_rows) })
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
                    && first.shared_bytes + part.shared_bytes == 0
                    && part.rows.schema_ref() == first.rows.schema_ref()
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
        let all = self.rows.get_array_memory_size().saturating_sub(self.shared_bytes);
        self.set
            .as_ref()
            .map_or(all, |set| (all as u128 * set.rows as u128 / set.all_rows.max(1) as u128) as usize)
    }

    /// Columns as in [`segment_schema`], but that keys may be views; of a set, the key columns of all sets and a column that says
    /// which.
    #[must_use]
    pub fn rows(&self) -> &RecordBatch {
        &self.rows
    }

    /// Puts other rows in the place of these, of the same columns.
    ///
    /// # Errors
    /// What `change` says.
    pub fn change_rows<E>(
        &mut self,
        change: impl FnOnce(&RecordBatch) -> Result<RecordBatch, E>,
    ) -> Result<(), E> {
        self.rows = change(&self.rows)?;
        if let Some(set) = &mut self.set {
            set.rows = members(&self.rows, set.bit).count();
        }
        Ok(())
    }

    /// From now on the copy stands for the bytes that it shares, too.
    pub(crate) fn own_all(&mut self) {
        self.shared_bytes = 0;
    }

    /// Sorts by (key group, key) and encodes. The expensive part of a checkpoint: call it away from the task.
    ///
    /// # Errors
    /// [`StateError::Encode`] when Arrow refuses a column.
    pub fn into_segment(self) -> Result<EncodedSegment, StateError> {
        let encoded = match &self.set {
            None => self.encoded(0..self.rows.num_rows() as u32),
            Some(set) => self.encoded(members(&self.rows, set.bit)),
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
        let parts = order.chunks(ENCODED_ROWS).map(|part| self.taken(part));
        Ok((order.len() as u64, encode(&self.stored_schema(), parts)?))
    }

    /// Columns of the segment.
    fn stored_schema(&self) -> SchemaRef {
        match &self.set {
            Some(set) => set.schema.clone(),
            None => {
                let values = self.rows.schema_ref().fields().iter().skip(KEY_COLUMNS);
                segment_schema(&values.map(|field| Field::clone(field)).collect::<Vec<_>>())
            }
        }
    }

    /// The rows of these numbers as they are stored.
    fn taken(&self, numbers: &[u32]) -> Result<RecordBatch, ArrowError> {
        let numbers = UInt32Array::from(numbers.to_vec());
        let rows = match &self.set {
            None => take_record_batch(&self.rows, &numbers)?,
            Some(_) => take_record_batch(&self.rows.project(&[0, 1, 2])?, &numbers)?,
        };
        let schema = self.stored_schema();
        let mut columns = rows.columns().to_vec();
        columns[1] = cast(&columns[1], &DataType::Binary)?;
        let missing = schema.fields().iter().skip(columns.len());
        columns.extend(missing.map(|field| new_null_array(field.data_type(), numbers.len())));
        RecordBatch::try_new(schema, columns)
    }
}

/// The key columns of frozen rows.
pub(crate) struct KeyColumns {
    pub(crate) key_groups: ScalarBuffer<u16>,
    /// Binary, or views of it.
    pub(crate) keys: ArrayRef,
    /// Bytes of them that are the table's own.
    pub(crate) shared_bytes: usize,
    pub(crate) deleted: BooleanBuffer,
}

/// Those of the rows that are to be stored, in their order.
fn sorted(rows: &RecordBatch, numbers: impl Iterator<Item = u32>) -> Vec<u32> {
    let groups = rows.column(0).as_primitive::<UInt16Type>().values();
    match rows.column(1).as_binary_view_opt() {
        Some(keys) => sorted_by(groups, |row| keys.value(row), numbers),
        None => {
            let keys = rows.column(1).as_binary::<i32>();
            sorted_by(groups, |row| keys.value(row), numbers)
        }
    }
}

fn sorted_by<'a>(
    groups: &[KeyGroup],
    key: impl Fn(usize) -> &'a [u8],
    numbers: impl Iterator<Item = u32>,
) -> Vec<u32> {
    // Most rows differ in their heads. Where they do not, the key is at hand: to find it for each comparison costs more.
    let entry = |row: u32| {
        let key = key(row as usize);
        (head(groups[row as usize], key), key, row)
    };
    let mut order: Vec<(u128, &[u8], u32)> = numbers.map(entry).collect();
    order.sort_unstable();
    // The last of equal keys is the newest.
    let is_last = |(at, row): (usize, &(u128, &[u8], u32))| match order.get(at + 1) {
        Some(next) => row.0 != next.0 || row.1 != next.1,
        None => true,
    };
    order.iter().enumerate().filter(|row| is_last(*row)).map(|(_, row)| row.2).collect()
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
    use arrow::array::{BinaryArray, Int64Array, UInt8Array};

    use super::*;
    use crate::segment::decode_segment;

    fn frozen(rows: &[(u16, &str, bool, i64)]) -> FrozenTable {
        let keys = KeyColumns {
            key_groups: rows.iter().map(|r| r.0).collect::<Vec<_>>().into(),
            keys: Arc::new(BinaryArray::from_iter_values(rows.iter().map(|r| r.1.as_bytes()))),
            shared_bytes: 0,
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
            keys: Arc::new(BinaryArray::from_iter_values(["c", "a", "b"])),
            shared_bytes: 0,
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
        let bytes: usize = tables.iter().map(FrozenTable::bytes).sum();
        assert!((copy.bytes() - 1..=copy.bytes()).contains(&bytes), "{bytes} of {}", copy.bytes());
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
