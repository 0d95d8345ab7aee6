//! Merging the segments of a table into its rows.
//!
//! Later segments win over earlier ones, deletions remove, and a base ends whatever earlier segments said about its key
//! groups. Example: base `(3, a) -> 1, (3, b) -> 2`, delta `(3, a) -> 5, (3, b) deleted, (7, c) -> 9` gives
//! `(3, a) -> 5, (7, c) -> 9`.

use std::cmp::Ordering;

use arrow::array::{AsArray, BinaryArray, BooleanArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::UInt16Type;
use arrow::error::ArrowError;
use millstream_model::KeyGroupRange;

/// Columns of a segment in front of the values; the third says what is deleted.
const SEGMENT_KEY_COLUMNS: usize = 3;

/// The rows of one segment, or a part of them, sorted by (key group, key).
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    /// Columns `key_group, key, is_deleted` and the values.
    pub(crate) rows: RecordBatch,
    /// Key groups in which this segment ends the earlier ones; empty for changes.
    pub(crate) base_of: Option<KeyGroupRange>,
}

/// The key columns of a slice.
struct Keys<'a> {
    groups: &'a [u16],
    keys: &'a BinaryArray,
    deleted: &'a BooleanArray,
}

/// A row of a slice, with enough of its key to settle most comparisons without looking at it.
#[derive(Clone, Copy)]
struct Place {
    /// The key group, then the first bytes of the key: ordered as they are.
    head: (u16, u64),
    slice: u32,
    row: u32,
}

impl Place {
    fn key<'a>(&self, keys: &'a [Keys<'_>]) -> &'a [u8] {
        keys[self.slice as usize].keys.value(self.row as usize)
    }

    fn compare(&self, other: &Self, keys: &[Keys<'_>]) -> Ordering {
        self.head.cmp(&other.head).then_with(|| self.key(keys).cmp(other.key(keys)))
    }
}

/// The rows of these key groups, in batches of at most `batch_rows`: `key_group, key` and the values, strictly ascending by
/// (key group, key). `slices` are in the order in which they were written.
pub(crate) fn merge(
    slices: &[Slice],
    range: KeyGroupRange,
    batch_rows: usize,
) -> Result<Vec<RecordBatch>, ArrowError> {
    let keys: Vec<Keys<'_>> = slices
        .iter()
        .map(|s| Keys {
            groups: s.rows.column(0).as_primitive::<UInt16Type>().values(),
            keys: s.rows.column(1).as_binary(),
            deleted: s.rows.column(2).as_boolean(),
        })
        .collect();
    let mut places = candidates(slices, &keys, range);
    // Segments are sorted, so this sort meets one long run a segment; it is stable, so the latest of equal keys is the last.
    places.sort_by(|a, b| a.compare(b, &keys));
    let is_last =
        |at: usize| places.get(at + 1).is_none_or(|next| places[at].compare(next, &keys) != Ordering::Equal);
    let live: Vec<(usize, usize)> = (0..places.len())
        .filter(|at| is_last(*at))
        .map(|at| (places[at].slice as usize, places[at].row as usize))
        .filter(|(slice, row)| !keys[*slice].deleted.value(*row))
        .collect();
    let columns = |rows: &RecordBatch| -> Result<RecordBatch, ArrowError> {
        let kept: Vec<usize> = (0..rows.num_columns()).filter(|c| *c + 1 != SEGMENT_KEY_COLUMNS).collect();
        rows.project(&kept)
    };
    let sources: Vec<RecordBatch> = slices.iter().map(|s| columns(&s.rows)).collect::<Result<_, _>>()?;
    let sources: Vec<&RecordBatch> = sources.iter().collect();
    live.chunks(batch_rows.max(1)).map(|chunk| interleave_record_batch(&sources, chunk)).collect()
}

/// Rows of these key groups that no later base ends, slice by slice.
fn candidates(slices: &[Slice], keys: &[Keys<'_>], range: KeyGroupRange) -> Vec<Place> {
    // By key group of the range: the first slice that counts.
    let mut first = vec![0_usize; range.end.saturating_sub(range.start) as usize];
    for (index, slice) in slices.iter().enumerate() {
        let Some(base) = slice.base_of else { continue };
        for group in base.start.max(range.start)..base.end.min(range.end) {
            first[(group - range.start) as usize] = index;
        }
    }
    let mut places = Vec::new();
    for (index, keys) in keys.iter().enumerate() {
        let start = keys.groups.partition_point(|g| u32::from(*g) < range.start);
        let end = keys.groups.partition_point(|g| u32::from(*g) < range.end);
        let counts = |row: &usize| first[(u32::from(keys.groups[*row]) - range.start) as usize] <= index;
        places.extend((start..end).filter(counts).map(|row| Place {
            head: (keys.groups[row], head_of(keys.keys.value(row))),
            slice: index as u32,
            row: row as u32,
        }));
    }
    places
}

/// The first 8 bytes as a number; what is shorter is filled up with zeros, so equal heads say nothing.
fn head_of(key: &[u8]) -> u64 {
    key.first_chunk::<8>().map_or_else(
        || key.iter().enumerate().fold(0, |head, (at, byte)| head | u64::from(*byte) << (56 - 8 * at)),
        |head| u64::from_be_bytes(*head),
    )
}

#[cfg(test)]
#[path = "merge/merge_test.rs"]
mod merge_test;
