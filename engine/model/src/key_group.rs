//! Key groups: the hash buckets of keys, the unit in which state moves between subtasks.
//!
//! The mapping is a persistent format. `key_group = hash % max_parallelism`, and subtask `i` of `p` owns the half-open range
//! `[ceil(i * max / p), ceil((i + 1) * max / p))`: with 256 groups and 3 subtasks `[0, 86) [86, 171) [171, 256)`.

use serde::{Deserialize, Serialize};

/// A bucket of keys, in `0..max_parallelism`.
pub type KeyGroup = u16;

/// Largest number of key groups a job may have.
pub const MAX_KEY_GROUPS: u32 = 32_768;

/// The key group of a key's hash (xxh3 of its memcomparable encoding).
#[must_use]
pub const fn key_group_of(key_hash: u64, max_parallelism: u32) -> KeyGroup {
    let groups = max_parallelism as u64;
    // A division takes longer than the hash itself, and most jobs have a power of two.
    let group = if groups.is_power_of_two() { key_hash & (groups - 1) } else { key_hash % groups };
    group as KeyGroup
}

/// The subtask, of `parallelism`, that owns a key group.
#[must_use]
pub const fn subtask_of(group: KeyGroup, parallelism: u32, max_parallelism: u32) -> u32 {
    (group as u64 * parallelism as u64 / max_parallelism as u64) as u32
}

/// The hash that decides a key's group, over the key's memcomparable encoding. Never changes.
#[must_use]
pub fn key_hash(encoded_key: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(encoded_key)
}

/// A half-open range of key groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeyGroupRange {
    /// First group.
    pub start: u32,
    /// One past the last group.
    pub end: u32,
}

impl KeyGroupRange {
    /// The groups that subtask `index` of `parallelism` owns.
    #[must_use]
    pub const fn of_subtask(index: u32, parallelism: u32, max_parallelism: u32) -> Self {
        let (max, p) = (max_parallelism as u64, parallelism as u64);
        Self {
            start: (index as u64 * max).div_ceil(p) as u32,
            end: ((index as u64 + 1) * max).div_ceil(p) as u32,
        }
    }

    /// Whether the range has this group.
    #[must_use]
    pub const fn contains(self, group: KeyGroup) -> bool {
        self.start <= group as u32 && (group as u32) < self.end
    }

    /// Whether two ranges share a group.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_agree_with_the_owner_of_each_group() {
        for max in [1, 7, 128, 256, 1000] {
            for parallelism in (1..=max.min(17)).chain([max]) {
                let ranges: Vec<_> =
                    (0..parallelism).map(|i| KeyGroupRange::of_subtask(i, parallelism, max)).collect();
                assert_eq!(ranges[0].start, 0);
                assert_eq!(ranges[parallelism as usize - 1].end, max);
                for group in 0..max {
                    let owner = subtask_of(group as KeyGroup, parallelism, max);
                    assert!(
                        ranges[owner as usize].contains(group as KeyGroup),
                        "{group} of {max} / {parallelism}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_documented_example_holds() {
        let ranges: Vec<_> = (0..3).map(|i| KeyGroupRange::of_subtask(i, 3, 256)).collect();
        assert_eq!(
            ranges.iter().map(|r| (r.start, r.end)).collect::<Vec<_>>(),
            [(0, 86), (86, 171), (171, 256)]
        );
        assert!(ranges[0].overlaps(KeyGroupRange { start: 85, end: 90 }));
        assert!(!ranges[0].overlaps(ranges[1]));
    }

    #[test]
    fn the_hash_is_a_persistent_format() {
        assert_eq!(key_hash(b""), 0x2d06_8005_38d3_94c2);
        assert_eq!(key_group_of(key_hash(b""), 256), 0xc2);
    }
}
