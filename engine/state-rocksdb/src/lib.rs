//! Spilled state in RocksDB, on a disk of this machine.
//!
//! This crate is the only one that names rocksdb. It owns how a [`millstream_state::Spill`] lies on disk and how much memory
//! all of them take together. It never keeps anything that must survive: there is no log and no sync that we ask for, a
//! store's folder is emptied when it is opened and removed when it is dropped. It never sorts: callers bring keys in order.
//!
//! Example: four subtasks share 256 MiB. RocksDB counts 205 MiB: memtables take at most 102 MiB of them (12 MiB each, twice
//! while one is flushed), blocks of files, indexes and filters get what memtables leave.
//!
//! Memory is one budget. The block cache has all of it, and the write buffer manager charges what memtables take to the
//! cache, which then holds fewer blocks. A fifth of the budget is for what RocksDB takes beyond its own account: buffers of
//! compactions, what the allocator wastes, the blocks that a single read of [`Spill::get`] holds (256 keys, 1 MiB), and
//! chunks of a snapshot that is being read (3 MiB).
//!
//! [`Spill::get`]: millstream_state::Spill::get

mod directory;
mod error;
mod options;
mod settings;
mod shared;
mod snapshot;
mod spills;
mod store;

pub use settings::{LEAST_MEMORY_BYTES, RocksSettings};
pub use spills::RocksSpills;
