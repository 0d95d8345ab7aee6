//! Cutting the rows of a table into segments that a job can take over.
//!
//! Each segment is a base of its own run of key groups, so that a subtask's later base supersedes exactly what it owns. A key
//! group that is too large for one segment gets a base and changes on top of it. Example: at most 4 rows, and batches with rows
//! in the key groups `0 0 1 5 5` and `5 5 5 6` of 8: a base of `[0, 5)` with 3 rows, one of `[5, 6)` with 2, changes in `[5, 6)`
//! with 3, and a base of `[6, 8)` with 1. Batches are never cut for the sake of a full segment.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::UInt16Type;
use millstream_model::KeyGroupRange;

/// The rows of one segment.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// Which key groups it is of.
    pub(crate) key_groups: KeyGroupRange,
    /// Whether it is all there is in them, or on top of the piece before it.
    pub(crate) is_base: bool,
    /// Its rows; nothing for a base without rows.
    pub(crate) batches: Vec<RecordBatch>,
}

/// Takes rows in the order of their key groups and gives pieces that together cover `[0, end)`, except behind a key group that
/// was too large and is the last one with rows.
#[derive(Debug)]
pub(crate) struct Cutter {
    max_rows: usize,
    max_bytes: usize,
    end: u32,
    /// First key group of the piece that is being filled.
    start: u32,
    /// Rows of that piece by key group.
    held: Vec<(u32, RecordBatch)>,
    rows: usize,
    bytes: usize,
    /// The piece continues key group `start`, whose base was given already.
    is_continued: bool,
}

impl Cutter {
    pub(crate) fn new(max_rows: usize, max_bytes: usize, end: u32) -> Self {
        let (max_rows, max_bytes) = (max_rows.max(1), max_bytes.max(1));
        Self { max_rows, max_bytes, end, start: 0, held: Vec::new(), rows: 0, bytes: 0, is_continued: false }
    }

    /// Adds rows, and returns what is complete.
    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let groups = batch.column(0).as_primitive::<UInt16Type>().values();
        let row_bytes = batch.get_array_memory_size() / batch.num_rows().max(1);
        let most = (self.max_bytes / row_bytes.max(1)).clamp(1, self.max_rows);
        let mut at = 0;
        while let Some(group) = groups.get(at) {
            let run = groups[at..].partition_point(|g| g <= group).min(most);
            self.add(u32::from(*group), batch.slice(at, run), run * row_bytes, &mut pieces);
            at += run;
        }
        pieces
    }

    /// What is left.
    pub(crate) fn finish(mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if self.is_continued {
            self.flush(self.start + 1, false, &mut pieces);
        } else if self.start < self.end {
            self.flush(self.end, true, &mut pieces);
        }
        pieces
    }

    fn add(&mut self, group: u32, run: RecordBatch, bytes: usize, pieces: &mut Vec<Piece>) {
        if self.is_continued && group > self.start {
            self.flush(self.start + 1, false, pieces);
            self.start += 1;
            self.is_continued = false;
        }
        if self.is_full(&run, bytes) && !self.is_continued {
            // Whole key groups first.
            let whole = self.held.partition_point(|(held, _)| *held < group);
            let rest = self.held.split_off(whole);
            if whole > 0 {
                self.flush(group, true, pieces);
                self.start = group;
            }
            self.hold(rest);
        }
        if self.is_full(&run, bytes) {
            let is_base = !self.is_continued;
            self.flush(group + 1, is_base, pieces);
            self.start = group;
            self.is_continued = true;
        }
        self.rows += run.num_rows();
        self.bytes += bytes;
        self.held.push((group, run));
    }

    fn is_full(&self, run: &RecordBatch, bytes: usize) -> bool {
        !self.held.is_empty()
            && (self.rows + run.num_rows() > self.max_rows || self.bytes + bytes > self.max_bytes)
    }

    fn hold(&mut self, rows: Vec<(u32, RecordBatch)>) {
        self.rows = rows.iter().map(|(_, r)| r.num_rows()).sum();
        self.bytes = rows.iter().map(|(_, r)| r.get_array_memory_size()).sum::<usize>().min(self.bytes);
        self.held = rows;
    }

    fn flush(&mut self, end: u32, is_base: bool, pieces: &mut Vec<Piece>) {
        let batches: Vec<RecordBatch> = std::mem::take(&mut self.held).into_iter().map(|(_, r)| r).collect();
        (self.rows, self.bytes) = (0, 0);
        if is_base || !batches.is_empty() {
            let key_groups = KeyGroupRange { start: self.start, end };
            pieces.push(Piece { key_groups, is_base, batches });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::UInt16Array;
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    fn batch(groups: &[u16]) -> RecordBatch {
        let schema = Arc::new(Schema::new(vec![Field::new("key_group", DataType::UInt16, false)]));
        RecordBatch::try_new(schema, vec![Arc::new(UInt16Array::from(groups.to_vec()))]).unwrap()
    }

    fn groups_of(piece: &Piece) -> Vec<u16> {
        let groups = |b: &RecordBatch| b.column(0).as_primitive::<UInt16Type>().values().to_vec();
        piece.batches.iter().flat_map(groups).collect()
    }

    fn cut(batches: &[&[u16]], max_rows: usize, end: u32) -> Vec<Piece> {
        let mut cutter = Cutter::new(max_rows, usize::MAX, end);
        let mut pieces: Vec<Piece> = batches.iter().flat_map(|groups| cutter.push(&batch(groups))).collect();
        pieces.extend(cutter.finish());
        pieces
    }

    fn shape(pieces: &[Piece]) -> Vec<(u32, u32, bool, usize)> {
        pieces.iter().map(|p| (p.key_groups.start, p.key_groups.end, p.is_base, groups_of(p).len())).collect()
    }

    #[test]
    fn the_documented_example_holds() {
        let pieces = cut(&[&[0, 0, 1, 5, 5], &[5, 5, 5, 6]], 4, 8);
        assert_eq!(shape(&pieces), [(0, 5, true, 3), (5, 6, true, 2), (5, 6, false, 3), (6, 8, true, 1)]);
    }

    #[test]
    fn a_table_without_rows_is_one_base() {
        assert_eq!(shape(&cut(&[], 4, 8)), [(0, 8, true, 0)]);
        assert_eq!(shape(&cut(&[&[]], 4, 8)), [(0, 8, true, 0)]);
    }

    #[test]
    fn applied_in_order_the_pieces_are_the_rows() {
        let mut seed = 17_u64;
        let mut draw = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for _ in 0..500 {
            let end = 1 + draw(6) as u32;
            let mut rows: Vec<u16> = (0..draw(30)).map(|_| draw(u64::from(end)) as u16).collect();
            rows.sort_unstable();
            let batches: Vec<&[u16]> = rows.chunks(1 + draw(7) as usize).collect();
            let max_rows = 1 + draw(9) as usize;
            let pieces = cut(&batches, max_rows, end);
            let mut stored: Vec<u16> = Vec::new();
            let mut covered = 0;
            for piece in &pieces {
                let (range, groups) = (piece.key_groups, groups_of(piece));
                assert!(groups.len() <= max_rows && groups.iter().all(|g| range.contains(*g)), "{pieces:?}");
                if piece.is_base {
                    assert_eq!(range.start, covered, "{pieces:?}");
                    covered = range.end;
                    stored.retain(|g| !range.contains(*g));
                } else {
                    assert_eq!((range.start + 1, range.end), (covered, covered), "{pieces:?}");
                    assert!(!groups.is_empty());
                }
                stored.extend(groups);
            }
            assert_eq!(stored, rows);
        }
    }

    #[test]
    fn bytes_are_a_limit_too() {
        let whole = batch(&[0; 64]);
        let mut cutter = Cutter::new(1_000, whole.get_array_memory_size() / 4, 1);
        let mut pieces = cutter.push(&whole);
        pieces.extend(cutter.finish());
        assert!(pieces.len() >= 4, "{pieces:?}");
        assert_eq!(pieces.iter().map(|p| groups_of(p).len()).sum::<usize>(), 64);
    }
}
