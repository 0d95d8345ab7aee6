//! Segments: frozen rows of a state table, sorted and encoded for storage. A persistent format.
//!
//! A segment is `MSSEG001`, the body's length and xxh3-64 (little-endian), and the body: an Arrow IPC stream with lz4 of the
//! columns `key_group UINT16, key BINARY, is_deleted BOOLEAN` and the table's value columns, strictly ascending by
//! (key group, key). Example: the changes `+ (7, "b")`, `- (3, "a")` become the rows `3 a true`, `7 b false`.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BinaryArray, BooleanArray, RecordBatch, UInt16Array, UInt32Array};
use arrow::buffer::{BooleanBuffer, ScalarBuffer};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt16Type};
use arrow::error::ArrowError;
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use bytes::Bytes;
use millstream_model::KeyGroupRange;
use millstream_model::key_group::KeyGroup;
use xxhash_rust::xxh3::xxh3_64;

use crate::copy_buffers::CopyBuffers;
use crate::error::StateError;
use crate::restored::filter_key_groups;

/// A segment never has more rows; a larger table is cut into several, of which only the first is a base. Keeps the offsets
/// of a binary column far from their 2 GB, lets several threads encode one table, and bounds what a restore decodes at a time.
pub const MAX_SEGMENT_ROWS: usize = 1 << 18;

/// Rows that are sorted, compressed and written in one step.
const ENCODED_ROWS: usize = 1 << 15;

const MAGIC: &[u8; 8] = b"MSSEG001";
const HEADER_BYTES: usize = 24;
/// Bytes of changes that left memory from which on they are stored before the next barrier.
pub(crate) const EARLY_BYTES: usize = 4 << 20;
/// Columns of a segment in front of the values.
pub const KEY_COLUMNS: usize = 3;

/// Rows of a state table as they were at a barrier: a compact copy, unsorted. Of rows with the same key the last one counts.
#[derive(Clone, Debug)]
pub struct FrozenTable {
    /// Name of the table within its operator.
    pub table: String,
    /// Whether these rows (and the deltas that follow) are all there is, rather than changes on top of earlier segments.
    pub is_base: bool,
    /// Columns as in [`segment_schema`].
    pub rows: RecordBatch,
    /// Rows that the table had when it was frozen; see [`crate::BasePolicy`].
    pub live_rows: u64,
    buffers: CopyBuffers,
}

/// A segment ready to be uploaded.
#[derive(Clone, Debug)]
pub struct EncodedSegment {
    /// Name of the table within its operator.
    pub table: String,
    /// See [`FrozenTable::is_base`].
    pub is_base: bool,
    /// Rows in it, deletions included.
    pub rows: u64,
    /// The object's content.
    pub bytes: Bytes,
}

/// Schema of a segment with these value columns.
#[must_use]
pub fn segment_schema(values: &[Field]) -> SchemaRef {
    let mut fields = vec![
        Field::new("key_group", DataType::UInt16, false),
        Field::new("key", DataType::Binary, false),
        Field::new("is_deleted", DataType::Boolean, false),
    ];
    fields.extend(values.iter().cloned());
    Arc::new(Schema::new(fields))
}

impl FrozenTable {
    /// Rows with columns as in [`segment_schema`].
    #[must_use]
    pub fn of_rows(table: impl Into<String>, is_base: bool, rows: RecordBatch, live_rows: u64) -> Self {
        Self { table: table.into(), is_base, rows, live_rows, buffers: CopyBuffers::default() }
    }

    /// Once encoded, the memory of the copy goes to these.
    pub(crate) fn returning(self, buffers: &CopyBuffers) -> Self {
        Self { buffers: buffers.clone(), ..self }
    }

    /// Ends the copy without encoding it.
    pub(crate) fn release(self) {
        self.buffers.give_back(self.rows);
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

    /// Bytes that the copy holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.rows.get_array_memory_size()
    }

    /// Sorts by (key group, key) and encodes. The expensive part of a checkpoint: call it away from the task.
    ///
    /// # Errors
    /// [`StateError::Encode`] when Arrow refuses a column.
    pub fn into_segment(self) -> Result<EncodedSegment, StateError> {
        let order = sorted(&self.rows);
        let encoded = encode(&self.rows, &order);
        self.buffers.give_back(self.rows);
        match encoded {
            Ok(bytes) => {
                let rows = order.len() as u64;
                Ok(EncodedSegment { table: self.table, is_base: self.is_base, rows, bytes: bytes.into() })
            }
            Err(source) => Err(StateError::Encode { table: self.table, source }),
        }
    }
}

/// The key columns of frozen rows.
pub(crate) struct KeyColumns {
    pub(crate) key_groups: ScalarBuffer<u16>,
    pub(crate) keys: BinaryArray,
    pub(crate) deleted: BooleanBuffer,
}

/// The rows to store, in their order.
fn sorted(rows: &RecordBatch) -> Vec<u32> {
    let groups = rows.column(0).as_primitive::<UInt16Type>().values();
    let keys = rows.column(1).as_binary::<i32>();
    // Most rows differ in their heads: few comparisons look at the keys themselves.
    let mut order: Vec<(u128, u32)> =
        (0..rows.num_rows()).map(|row| (head(groups[row], keys.value(row)), row as u32)).collect();
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

/// Encodes these rows, a few at a time, so that only they exist twice.
fn encode(rows: &RecordBatch, order: &[u32]) -> Result<Vec<u8>, ArrowError> {
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let mut bytes = vec![0; HEADER_BYTES];
    let mut writer = StreamWriter::try_new_with_options(&mut bytes, rows.schema_ref(), options)?;
    for part in order.chunks(ENCODED_ROWS) {
        writer.write(&take_record_batch(rows, &UInt32Array::from(part.to_vec()))?)?;
    }
    writer.finish()?;
    drop(writer);
    let body = &bytes[HEADER_BYTES..];
    let (length, checksum) = (body.len() as u64, xxh3_64(body));
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..16].copy_from_slice(&length.to_le_bytes());
    bytes[16..24].copy_from_slice(&checksum.to_le_bytes());
    Ok(bytes)
}

/// Reads a segment back: its rows, strictly ascending by (key group, key).
///
/// The checksum is compared before anything is parsed: Arrow's reader panics on some damaged streams.
///
/// # Errors
/// [`StateError::Damaged`] when the bytes are not exactly such a segment.
pub fn decode_segment(bytes: &[u8]) -> Result<RecordBatch, StateError> {
    let reader = read_segment(bytes)?;
    let schema = reader.schema();
    let mut batches = reader.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    let rows = match batches.len() {
        1 => batches.remove(0),
        _ => concat_batches(&schema, &batches).map_err(unreadable)?,
    };
    check_rows(&rows)?;
    Ok(rows)
}

/// Decodes a segment and shows its rows of these key groups, some at a time.
///
/// # Errors
/// [`StateError::Damaged`] when the bytes are not such a segment. The order of the rows of other key groups is not looked at.
pub(crate) fn visit_segment(
    bytes: &[u8],
    key_groups: KeyGroupRange,
    mut visitor: impl FnMut(RecordBatch),
) -> Result<(), StateError> {
    let mut before: Option<RecordBatch> = None;
    for rows in read_segment(bytes)? {
        let rows = rows.map_err(unreadable)?;
        check_columns(&rows)?;
        if !rows.column(0).as_primitive::<UInt16Type>().values().is_sorted() {
            return Err(StateError::damaged("its key groups are not in order"));
        }
        let rows = filter_key_groups(&rows, key_groups);
        if rows.num_rows() == 0 {
            continue;
        }
        check_order(&rows)?;
        if before.is_some_and(|before| place(&before, before.num_rows() - 1) >= place(&rows, 0)) {
            return Err(StateError::damaged("its parts are not in order"));
        }
        before = Some(rows.clone());
        visitor(rows);
    }
    Ok(())
}

fn checked_body(bytes: &[u8]) -> Result<&[u8], StateError> {
    let Some((header, body)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return Err(StateError::damaged(format!("{} bytes are shorter than the header", bytes.len())));
    };
    if header[..8] != *MAGIC {
        return Err(StateError::damaged("it does not start with MSSEG001"));
    }
    let number = |at: usize| {
        let mut le = [0; 8];
        le.copy_from_slice(&header[at..at + 8]);
        u64::from_le_bytes(le)
    };
    if number(8) != body.len() as u64 {
        return Err(StateError::damaged(format!(
            "{} bytes follow the header, not {}",
            body.len(),
            number(8)
        )));
    }
    if number(16) != xxh3_64(body) {
        return Err(StateError::damaged("the checksum is wrong"));
    }
    Ok(body)
}

fn read_segment(bytes: &[u8]) -> Result<StreamReader<Cursor<&[u8]>>, StateError> {
    StreamReader::try_new(Cursor::new(checked_body(bytes)?), None).map_err(unreadable)
}

fn unreadable(error: ArrowError) -> StateError {
    StateError::damaged(format!("its body cannot be read: {error}"))
}

/// Checks the key columns and their order.
pub(crate) fn check_rows(rows: &RecordBatch) -> Result<(), StateError> {
    check_columns(rows)?;
    check_order(rows)
}

fn check_columns(rows: &RecordBatch) -> Result<(), StateError> {
    let expected = [DataType::UInt16, DataType::Binary, DataType::Boolean];
    let found = rows.schema_ref().fields().iter().take(KEY_COLUMNS).map(|f| f.data_type());
    if !found.eq(&expected) {
        return Err(StateError::damaged(format!(
            "its columns are ({})",
            describe(rows.schema_ref().fields())
        )));
    }
    if rows.columns().iter().take(KEY_COLUMNS).any(|c| c.null_count() > 0) {
        return Err(StateError::damaged("a key is NULL"));
    }
    Ok(())
}

fn check_order(rows: &RecordBatch) -> Result<(), StateError> {
    let groups = rows.column(0).as_primitive::<UInt16Type>().values();
    let keys = rows.column(1).as_binary::<i32>();
    for row in 1..rows.num_rows() {
        if (groups[row - 1], keys.value(row - 1)) >= (groups[row], keys.value(row)) {
            return Err(StateError::damaged(format!("row {row} is not in order")));
        }
    }
    Ok(())
}

/// Key group and key of a row.
fn place(rows: &RecordBatch, row: usize) -> (u16, &[u8]) {
    let key_group = rows.column(0).as_primitive::<UInt16Type>().value(row);
    (key_group, rows.column(1).as_binary::<i32>().value(row))
}

/// `name TYPE, name TYPE` for messages.
pub(crate) fn describe<'a>(fields: impl IntoIterator<Item = &'a Arc<Field>>) -> String {
    let fields: Vec<String> = fields.into_iter().map(|f| format!("{} {}", f.name(), f.data_type())).collect();
    fields.join(", ")
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;

    use super::*;

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

    #[test]
    fn a_subtask_sees_its_rows_part_by_part() {
        let count = 2 * ENCODED_ROWS as u32 + 1;
        let keys: Vec<String> = (0..count).map(|i| format!("{i:09}")).collect();
        let rows: Vec<_> =
            (0..count).zip(&keys).map(|(i, key)| ((i / 1_000) as u16, key.as_str(), false, 0)).collect();
        let table = frozen(&rows);
        let visit = |order: &[u32], key_groups| {
            let mut seen = Vec::new();
            visit_segment(&encode(&table.rows, order).unwrap(), key_groups, |rows| {
                seen.extend(rows.column(1).as_binary::<i32>().iter().flatten().map(<[u8]>::to_vec));
            })?;
            Ok::<_, StateError>(seen)
        };
        let ascending: Vec<u32> = (0..count).collect();
        let mine = visit(&ascending, KeyGroupRange { start: 15, end: 18 }).unwrap();
        assert!(mine.iter().eq(keys[15_000..18_000].iter().map(String::as_bytes)));
        let all = KeyGroupRange { start: 0, end: 1_000 };
        let mut swapped = ascending.clone();
        swapped[..2 * ENCODED_ROWS].rotate_left(ENCODED_ROWS);
        let error = visit(&swapped, all).unwrap_err().to_string();
        assert_eq!(error, "damaged state segment: its parts are not in order");
        swapped = ascending;
        swapped.swap(0, 1_000);
        let error = visit(&swapped, all).unwrap_err().to_string();
        assert_eq!(error, "damaged state segment: its key groups are not in order");
    }

    #[test]
    fn an_empty_base_is_a_segment_too() {
        let segment = frozen(&[]).into_segment().unwrap();
        assert_eq!(decode_segment(&segment.bytes).unwrap().num_rows(), 0);
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_found() {
        let bytes = frozen(&[(7, "b", false, 1), (3, "a", false, 3)]).into_segment().unwrap().bytes;
        for length in 0..bytes.len() {
            assert!(
                matches!(decode_segment(&bytes[..length]), Err(StateError::Damaged(_))),
                "cut at {length}"
            );
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(decode_segment(&flipped), Err(StateError::Damaged(_))), "bit {bit}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let good = frozen(&[(3, "a", false, 3)]).into_segment().unwrap().bytes;
        let mut other = good.to_vec();
        other[0] = b'X';
        let mut longer = good.to_vec();
        longer.push(0);
        let mut flipped = good.to_vec();
        *flipped.last_mut().unwrap() ^= 1;
        // Rows that were never sorted, under a correct checksum.
        let unsorted = encode(&frozen(&[(7, "b", false, 1), (3, "a", false, 3)]).rows, &[0, 1]).unwrap();
        let twice = encode(&frozen(&[(3, "a", false, 1), (3, "a", false, 3)]).rows, &[0, 1]).unwrap();
        let columns = encode(&frozen(&[(3, "a", false, 1)]).rows.project(&[1, 0, 2]).unwrap(), &[0]).unwrap();
        let cases: [(&[u8], &str); 7] = [
            (b"", "0 bytes are shorter than the header"),
            (&other, "it does not start with MSSEG001"),
            (&longer, &format!("{} bytes follow the header, not {}", longer.len() - 24, good.len() - 24)),
            (&flipped, "the checksum is wrong"),
            (&unsorted, "row 1 is not in order"),
            (&twice, "row 1 is not in order"),
            (&columns, "its columns are (key Binary, key_group UInt16, is_deleted Boolean)"),
        ];
        for (bytes, expected) in cases {
            let error = decode_segment(bytes).unwrap_err().to_string();
            assert_eq!(error, format!("damaged state segment: {expected}"));
        }
    }
}
