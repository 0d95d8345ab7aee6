//! The settings of RocksDB, in one place: what differs from its defaults, and why.
//!
//! Every store of a process has the same, except for the size of its memtables, which [`resized`] changes while it is open.
//! Example: memtables of 16 MiB make files of 16 MiB and a first level of 64 MiB.

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, DBCompressionType, LogLevel, Options, ReadOptions,
    WriteBufferManager, WriteOptions,
};

use crate::settings::MEMTABLES_OF_A_STORE;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Memtables on level 0 before they are merged into level 1; as many bytes make the first level, so that merging one
/// rewrites the other once and not more.
const MERGED_MEMTABLES: u64 = 4;

/// Settings for which the binding has no function.
///
/// - A store that is closed is thrown away, so nothing is flushed for it.
/// - Batches are sorted: in the memtable, a read goes on from where the last one was found, and a write from where the
///   last one was put (one hint for all keys, which is what a prefix of no bytes means).
/// - Every read passes the removed ranges of a memtable one by one, so a memtable with 256 of them is flushed.
const BY_NAME: &str = "avoid_flush_during_shutdown=true;\
    memtable_batch_lookup_optimization=true;\
    memtable_insert_with_hint_prefix_extractor=capped:0;\
    memtable_max_range_deletions=256";

/// Files that a store keeps open. With files of 64 MiB this is 16 GiB of state, beyond which files are opened again.
const OPEN_FILES: i32 = 256;

/// For all stores of the process together, because they share RocksDB's threads: one flushes, one compacts.
const BACKGROUND_JOBS: i32 = 2;

/// What a store is opened with.
pub(crate) fn store_options(
    cache: &Cache,
    write_buffers: &WriteBufferManager,
    memtable_bytes: usize,
) -> Result<Options, rocksdb::Error> {
    let mut options = Options::default().get_options_from_string(BY_NAME)?;
    options.create_if_missing(true);
    // A folder that is not empty has been opened twice.
    options.set_error_if_exists(true);

    options.set_write_buffer_manager(write_buffers);
    options.set_write_buffer_size(memtable_bytes);
    options.set_max_write_buffer_number(i32::try_from(MEMTABLES_OF_A_STORE).unwrap_or(2));
    options.set_target_file_size_base(file_bytes(memtable_bytes));
    options.set_max_bytes_for_level_base(level_bytes(memtable_bytes));
    // One thread writes a store, so there is nobody to write beside.
    options.set_allow_concurrent_memtable_write(false);
    options.set_enable_write_thread_adaptive_yield(false);

    options.set_block_based_table_factory(&table_options(cache));
    options.set_compression_type(DBCompressionType::Lz4);

    options.set_max_background_jobs(BACKGROUND_JOBS);
    options.set_max_open_files(OPEN_FILES);
    // An empty store has no files to open with 16 threads.
    options.set_max_file_opening_threads(1);
    // The system starts to write while a file grows, so that closing it does not wait for all of it.
    options.set_bytes_per_sync(MIB as u64);

    // No statistics, and a log of warnings only: RocksDB's threads must not wake up an idle process.
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options.set_log_level(LogLevel::Warn);
    options.set_keep_log_file_num(1);
    options.set_max_log_file_size(MIB);
    options.set_manifest_preallocation_size(64 * KIB);
    Ok(options)
}

/// What [`store_options`] derives from the size of memtables, for a store that is open already.
pub(crate) fn resized(memtable_bytes: usize) -> [(&'static str, String); 3] {
    [
        ("write_buffer_size", memtable_bytes.to_string()),
        ("target_file_size_base", file_bytes(memtable_bytes).to_string()),
        ("max_bytes_for_level_base", level_bytes(memtable_bytes).to_string()),
    ]
}

/// What changes are written with: not logged, since nothing has to survive; refused where they would have to wait.
pub(crate) fn write_options() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.disable_wal(true);
    options.set_no_slowdown(true);
    options
}

/// What entries of `from..to` are read with. The blocks of a long scan that is not repeated would push useful ones out.
pub(crate) fn range_options(from: &[u8], to: &[u8], keep_blocks: bool) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_iterate_lower_bound(from);
    options.set_iterate_upper_bound(to);
    options.fill_cache(keep_blocks);
    options
}

/// Everything of a file that stays in memory is in the cache, and in pieces of some KiB: a filter of 20,000,000 keys is
/// 25 MB, which would push out everything else if it came and went as a whole.
fn table_options(cache: &Cache) -> BlockBasedOptions {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_cache_index_and_filter_blocks_with_high_priority(true);
    table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    table.set_partition_filters(true);
    table.set_pin_top_level_index_and_filter(true);
    table.set_optimize_filters_for_memory(true);
    // Whole filters, not one a block: 1 % of the blocks are read in vain.
    table.set_bloom_filter(10.0, false);
    table
}

/// Files of less than 1 MiB are not worth opening.
fn file_bytes(memtable_bytes: usize) -> u64 {
    memtable_bytes.max(MIB) as u64
}

fn level_bytes(memtable_bytes: usize) -> u64 {
    file_bytes(memtable_bytes) * MERGED_MEMTABLES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_by_name_are_known_to_this_version() {
        let cache = Cache::new_lru_cache(MIB);
        let buffers = WriteBufferManager::new_write_buffer_manager_with_cache(MIB, false, cache.clone());
        store_options(&cache, &buffers, MIB).unwrap();
    }

    #[test]
    fn files_and_levels_follow_memtables() {
        for (memtable, file, level) in [(64 * MIB, 64, 256), (16 * MIB, 16, 64), (256 * KIB, 1, 4)] {
            let mib = MIB as u64;
            let values = [memtable as u64, file * mib, level * mib].map(|bytes| bytes.to_string());
            assert_eq!(resized(memtable).map(|(_, value)| value), values);
        }
    }
}
