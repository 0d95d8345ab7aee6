//! How a table's key groups are divided into files, and how many of them are read at a time.
//!
//! Example: 256 key groups in 4 buckets are `[0, 64) [64, 128) [128, 192) [192, 256)`. With 100 MB in each and room for 256 MB
//! at a time, the table is read in two passes of two buckets.

use millstream_model::KeyGroupRange;
use millstream_model::snapshot::StateSegment;

use crate::settings::SavepointSettings;

/// A segment is compressed; its rows take about this many times its bytes.
const EXPANSION: u64 = 4;
/// What a row takes at least.
const ROW_BYTES: u64 = 24;

/// A division of `[0, max_parallelism)` into runs of key groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// How many.
    pub count: u32,
    /// Number of key groups of the job.
    pub max_parallelism: u32,
}

impl Buckets {
    /// The smallest power of two of buckets that keeps each within the settings' size, by estimate; at most one a key group.
    #[must_use]
    pub(crate) fn of_segments(
        segments: &[&StateSegment],
        max_parallelism: u32,
        settings: &SavepointSettings,
    ) -> Self {
        let bytes: u64 = segments.iter().map(|s| estimated_bytes(s)).sum();
        let mut count: u32 = 1;
        while u64::from(count).saturating_mul(settings.bucket_bytes.max(1)) < bytes
            && count * 2 <= max_parallelism
        {
            count *= 2;
        }
        Self { count, max_parallelism }
    }

    /// The key groups of a bucket.
    #[must_use]
    pub const fn range(self, bucket: u32) -> KeyGroupRange {
        KeyGroupRange::of_subtask(bucket, self.count, self.max_parallelism)
    }

    /// Runs of buckets (first, one past the last) that fit into the settings' memory together, by estimate; at least one each.
    pub(crate) fn passes(self, segments: &[&StateSegment], settings: &SavepointSettings) -> Vec<(u32, u32)> {
        let mut passes = Vec::new();
        let (mut first, mut held) = (0, 0_u64);
        for bucket in 0..self.count {
            let range = self.range(bucket);
            let bytes = segments.iter().map(|s| share(s, range)).sum::<u64>();
            if bucket > first && held.saturating_add(bytes) > settings.memory_bytes {
                passes.push((first, bucket));
                (first, held) = (bucket, 0);
            }
            held = held.saturating_add(bytes);
        }
        passes.push((first, self.count));
        passes
    }
}

fn estimated_bytes(segment: &StateSegment) -> u64 {
    segment.object.length.saturating_mul(EXPANSION).max(segment.rows.saturating_mul(ROW_BYTES))
}

/// What the rows of these key groups take of a segment, if its rows are spread evenly.
fn share(segment: &StateSegment, range: KeyGroupRange) -> u64 {
    let (start, end) = (segment.key_groups.start.max(range.start), segment.key_groups.end.min(range.end));
    let width = segment.key_groups.end.saturating_sub(segment.key_groups.start).max(1);
    let common = end.saturating_sub(start);
    let bytes = u128::from(estimated_bytes(segment)) * u128::from(common) / u128::from(width);
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use millstream_model::OperatorUid;
    use millstream_model::snapshot::ObjectRef;

    use super::*;

    fn segment(length: u64, rows: u64, start: u32, end: u32) -> StateSegment {
        StateSegment {
            operator: OperatorUid("agg".to_owned()),
            table: "main".to_owned(),
            object: ObjectRef { key: "k".to_owned(), length, checksum: 0 },
            rows,
            key_groups: KeyGroupRange { start, end },
            is_base: true,
        }
    }

    fn settings(bucket_bytes: u64, memory_bytes: u64) -> SavepointSettings {
        SavepointSettings { bucket_bytes, memory_bytes, ..SavepointSettings::default() }
    }

    #[test]
    fn buckets_keep_to_the_size() {
        // (length, rows, bucket bytes, key groups, buckets)
        let table = [
            (0, 0, 100, 256, 1),
            (25, 0, 100, 256, 1),
            (26, 0, 100, 256, 2),
            (1_000, 0, 100, 256, 64),
            (1_000_000, 0, 100, 256, 256),
            (1_000_000, 0, 100, 7, 4),
            (0, 100, 100, 256, 32),
            (1_000, 0, 0, 1, 1),
        ];
        for (length, rows, bucket_bytes, max, expected) in table {
            let one = segment(length, rows, 0, max);
            let buckets = Buckets::of_segments(&[&one], max, &settings(bucket_bytes, 0));
            assert_eq!(buckets.count, expected, "{length} bytes, {rows} rows in {bucket_bytes}");
        }
    }

    #[test]
    fn passes_cover_every_bucket_once() {
        let (a, b) = (segment(1_000, 0, 0, 128), segment(500, 0, 64, 256));
        for memory in [0, 500, 1_000, 3_000, 100_000] {
            let buckets = Buckets { count: 8, max_parallelism: 256 };
            let passes = buckets.passes(&[&a, &b], &settings(0, memory));
            assert_eq!((passes[0].0, passes[passes.len() - 1].1), (0, 8));
            assert!(passes.windows(2).all(|p| p[0].1 == p[1].0), "{passes:?}");
            assert!(passes.iter().all(|(first, end)| first < end));
        }
    }

    #[test]
    fn the_documented_example_holds() {
        let whole = segment(100 << 20, 0, 0, 256);
        let buckets = Buckets { count: 4, max_parallelism: 256 };
        assert_eq!(buckets.range(2), KeyGroupRange { start: 128, end: 192 });
        assert_eq!(buckets.passes(&[&whole], &settings(0, 256 << 20)), [(0, 2), (2, 4)]);
    }
}
