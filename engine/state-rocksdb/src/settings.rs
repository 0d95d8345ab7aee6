//! How much memory there is, and which part of it is for what. Pure arithmetic.
//!
//! Example: of 256 MiB, 52 MiB are for what RocksDB does not count, and memtables get 102 MiB. One store has memtables of
//! 48 MiB, four have 12 MiB each, because a store has two of them while it flushes.

use std::path::PathBuf;

/// Less than this is refused: indexes and filters would push each other out of the cache at every read.
pub const LEAST_MEMORY_BYTES: usize = 16 * MIB;

const MIB: usize = 1024 * 1024;

/// Larger memtables make fewer files, but their skip list falls out of the processor's caches.
const LARGEST_MEMTABLE_BYTES: usize = 64 * MIB;

/// Smaller ones make more files than compaction keeps up with.
const SMALLEST_MEMTABLE_BYTES: usize = MIB / 8;

/// The one that is written, and the one that is flushed meanwhile. Writes wait when both are full.
pub(crate) const MEMTABLES_OF_A_STORE: usize = 2;

/// Where the stores of a process are, and what they may take together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RocksSettings {
    /// A folder on a local disk for this process alone. It is made if it is not there.
    pub directory: PathBuf,
    /// Memory of all stores together, at least [`LEAST_MEMORY_BYTES`].
    pub memory_bytes: usize,
}

/// The parts of the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemorySplit {
    /// Capacity of the block cache. Memtables are charged to it, so this is everything that RocksDB counts.
    pub(crate) cache_bytes: usize,
    /// The part that memtables may take.
    pub(crate) write_buffer_bytes: usize,
}

impl MemorySplit {
    /// A fifth is for what RocksDB does not count: buffers of flushes and compactions, and what the allocator wastes on
    /// blocks of all sizes that come and go on three threads. Measured with one store, 55 MiB beyond a count of 128 MiB and
    /// of 256 MiB.
    ///
    /// Of the rest half is for writes: a batch of changes is cheaper the more of it meets the same block at a later compaction, and a
    /// block that is read is likely in the page cache of the system when it is not in ours.
    pub(crate) fn of(memory_bytes: usize) -> Self {
        let counted = memory_bytes / 5 * 4;
        Self { cache_bytes: counted, write_buffer_bytes: counted / 2 }
    }

    /// The size at which a store flushes when this many are open, so that the full memtables of all fit the budget and an
    /// idle store never forces a busy one to flush early. A power of two, or one and a half times one, so that it seldom
    /// changes while stores open.
    pub(crate) fn memtable_bytes(self, stores: usize) -> usize {
        let fair = self.write_buffer_bytes / (stores.max(1) * MEMTABLES_OF_A_STORE);
        let power = (fair + 1).next_power_of_two() / 2;
        let step = if fair >= power / 2 * 3 { power / 2 * 3 } else { power };
        step.clamp(SMALLEST_MEMTABLE_BYTES, LARGEST_MEMTABLE_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memtables_share_two_fifths_of_the_memory() {
        for (memory_mib, stores, expected_kib) in [
            (256, 1, 49_152),
            (256, 2, 24_576),
            (256, 3, 16_384),
            (256, 4, 12_288),
            (256, 5, 8_192),
            (256, 0, 49_152),
            (4_096, 1, 65_536),
            (4_096, 12, 65_536),
            (4_096, 13, 49_152),
            (16, 1, 3_072),
            (16, 8, 384),
            (16, 1_000, 128),
        ] {
            let split = MemorySplit::of(memory_mib * MIB);
            assert_eq!(
                split.memtable_bytes(stores),
                expected_kib * 1_024,
                "{memory_mib} MiB, {stores} stores"
            );
        }
    }

    #[test]
    fn full_memtables_of_all_stores_fit_the_budget() {
        for memory_mib in [16, 17, 100, 255, 256, 1_000, 10_000] {
            for stores in 1..=16 {
                let split = MemorySplit::of(memory_mib * MIB);
                let all = split.memtable_bytes(stores) * stores * MEMTABLES_OF_A_STORE;
                assert!(all <= split.write_buffer_bytes, "{memory_mib} MiB, {stores} stores: {all}");
            }
        }
    }
}
