//! Segments: frozen rows of a state table, sorted and encoded for storage. A persistent format.
//!
//! A segment is `MSSEG001`, the body's length and xxh3-64 (little-endian), and the body: an Arrow IPC stream with lz4 of the
//! columns `key_group UINT16, key BINARY, is_deleted BOOLEAN` and the table's value columns, strictly ascending by
//! (key group, key). Example: the changes `+ (7, "b")`, `- (3, "a")` become the rows `3 a true`, `7 b false`.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt16Type};
use arrow::error::ArrowError;
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use bytes::Bytes;
use millstream_model::KeyGroupRange;
use xxhash_rust::xxh3::xxh3_64;

use crate::error::StateError;
use crate::restored::filter_key_groups;

/// A segment never has more rows; a larger table is cut into several, of which only the first is a base. Keeps the offsets
/// of a binary column far from their 2 GB, lets several threads encode one table, and bounds what a restore decodes at a time.
pub const MAX_SEGMENT_ROWS: usize = 1 << 18;

const MAGIC: &[u8; 8] = b"MSSEG001";
const HEADER_BYTES: usize = 24;
/// Columns of a segment in front of the values.
pub const KEY_COLUMNS: usize = 3;

/// A segment ready to be uploaded.
#[derive(Clone, Debug)]
pub struct EncodedSegment {
    /// Name of the table within its operator.
    pub table: String,
    /// See [`crate::FrozenTable::is_base`].
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

/// Encodes rows that are given in order, a part at a time, so that no more than one of them exists twice.
pub(crate) fn encode(
    schema: &SchemaRef,
    parts: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
) -> Result<Vec<u8>, ArrowError> {
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let mut bytes = vec![0; HEADER_BYTES];
    let mut writer = StreamWriter::try_new_with_options(&mut bytes, schema, options)?;
    for part in parts {
        writer.write(&part?)?;
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
    use arrow::array::{ArrayRef, BinaryArray, BooleanArray, Int64Array, UInt16Array, UInt32Array};
    use arrow::compute::take_record_batch;

    use super::*;

    /// Rows of a part of a segment.
    const PART: usize = 10_000;

    fn rows_of(rows: &[(u16, &str, bool, i64)]) -> RecordBatch {
        let fields = [Field::new("v", DataType::Int64, true)];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt16Array::from_iter_values(rows.iter().map(|r| r.0))),
            Arc::new(BinaryArray::from_iter_values(rows.iter().map(|r| r.1.as_bytes()))),
            Arc::new(BooleanArray::from_iter(rows.iter().map(|r| Some(r.2)))),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.3))),
        ];
        RecordBatch::try_new(segment_schema(&fields), columns).unwrap()
    }

    /// A segment of parts of these rows, right or not.
    fn encoded(rows: &RecordBatch, order: &[u32]) -> Bytes {
        let part = |part: &[u32]| take_record_batch(rows, &UInt32Array::from(part.to_vec()));
        encode(rows.schema_ref(), order.chunks(PART).map(part)).unwrap().into()
    }

    #[test]
    fn a_subtask_sees_its_rows_part_by_part() {
        let count = 2 * PART as u32 + 1;
        let keys: Vec<String> = (0..count).map(|i| format!("{i:09}")).collect();
        let rows: Vec<_> =
            (0..count).zip(&keys).map(|(i, key)| ((i / 1_000) as u16, key.as_str(), false, 0)).collect();
        let rows = rows_of(&rows);
        let visit = |order: &[u32], key_groups| {
            let mut seen = Vec::new();
            visit_segment(&encoded(&rows, order), key_groups, |rows| {
                seen.extend(rows.column(1).as_binary::<i32>().iter().flatten().map(<[u8]>::to_vec));
            })?;
            Ok::<_, StateError>(seen)
        };
        let ascending: Vec<u32> = (0..count).collect();
        let mine = visit(&ascending, KeyGroupRange { start: 15, end: 18 }).unwrap();
        assert!(mine.iter().eq(keys[15_000..18_000].iter().map(String::as_bytes)));
        let all = KeyGroupRange { start: 0, end: 1_000 };
        let mut swapped = ascending.clone();
        swapped[..2 * PART].rotate_left(PART);
        let error = visit(&swapped, all).unwrap_err().to_string();
        assert_eq!(error, "damaged state segment: its parts are not in order");
        swapped = ascending;
        swapped.swap(0, 1_000);
        let error = visit(&swapped, all).unwrap_err().to_string();
        assert_eq!(error, "damaged state segment: its key groups are not in order");
    }

    #[test]
    fn an_empty_base_is_a_segment_too() {
        assert_eq!(decode_segment(&encoded(&rows_of(&[]), &[])).unwrap().num_rows(), 0);
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_found() {
        let bytes = encoded(&rows_of(&[(3, "a", false, 3), (7, "b", false, 1)]), &[0, 1]);
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
        let good = encoded(&rows_of(&[(3, "a", false, 3)]), &[0]);
        let mut other = good.to_vec();
        other[0] = b'X';
        let mut longer = good.to_vec();
        longer.push(0);
        let mut flipped = good.to_vec();
        *flipped.last_mut().unwrap() ^= 1;
        // Rows that were never sorted, under a correct checksum.
        let unsorted = encoded(&rows_of(&[(7, "b", false, 1), (3, "a", false, 3)]), &[0, 1]);
        let twice = encoded(&rows_of(&[(3, "a", false, 1), (3, "a", false, 3)]), &[0, 1]);
        let columns = encoded(&rows_of(&[(3, "a", false, 1)]).project(&[1, 0, 2]).unwrap(), &[0]);
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
