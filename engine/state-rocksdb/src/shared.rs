//! What all stores of a process share: the block cache, the account of memtables, and the list of who is open.
//!
//! Example: with 256 MiB and two stores, each flushes at 24 MiB. When a third opens, all three flush at 16 MiB; when two have
//! closed, the one that is left flushes at 48 MiB.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rocksdb::{Cache, Options, WriteBufferManager};

use crate::options::store_options;
use crate::settings::MemorySplit;
use crate::store::Database;

/// See the module.
pub(crate) struct Shared {
    split: MemorySplit,
    cache: Cache,
    write_buffers: WriteBufferManager,
    open: Mutex<Open>,
}

struct Open {
    stores: Vec<Weak<Database>>,
    /// What the stores of the list have.
    memtable_bytes: usize,
}

impl Shared {
    pub(crate) fn new(memory_bytes: usize) -> Self {
        let split = MemorySplit::of(memory_bytes);
        // Not strict: a strict cache fails reads when all of it is in use, and there is no state that can do without.
        let cache = Cache::new_lru_cache(split.cache_bytes);
        // Writers do not wait for this account but for their own two memtables: an idle store would hold up all others.
        let write_buffers = WriteBufferManager::new_write_buffer_manager_with_cache(
            split.write_buffer_bytes,
            false,
            cache.clone(),
        );
        let open = Open { stores: Vec::new(), memtable_bytes: split.memtable_bytes(1) };
        Self { split, cache, write_buffers, open: Mutex::new(open) }
    }

    /// What the next store is opened with.
    pub(crate) fn options(&self) -> Result<Options, rocksdb::Error> {
        let memtable_bytes = self.open.lock().unwrap_or_else(PoisonError::into_inner).memtable_bytes;
        store_options(&self.cache, &self.write_buffers, memtable_bytes)
    }

    /// Counts the store in.
    ///
    /// # Errors
    /// A store does not take its new size.
    pub(crate) fn opened(&self, store: &Arc<Database>) -> Result<(), rocksdb::Error> {
        self.resize(Some(store))
    }

    /// Counts a store out that is being dropped.
    pub(crate) fn closed(&self) {
        // The others go on with smaller memtables if this fails, which is slower and no fault.
        let _ = self.resize(None);
    }

    fn resize(&self, new: Option<&Arc<Database>>) -> Result<(), rocksdb::Error> {
        // Outlives the lock: letting go of the last reference to a store comes back to `closed`.
        let mut alive: Vec<Arc<Database>> = Vec::new();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.stores.extend(new.map(Arc::downgrade));
        open.stores.retain(|store| store.strong_count() > 0);
        let memtable_bytes = self.split.memtable_bytes(open.stores.len());
        if open.memtable_bytes == memtable_bytes {
            return Ok(());
        }
        open.memtable_bytes = memtable_bytes;
        alive.extend(open.stores.iter().filter_map(Weak::upgrade));
        let results: Vec<_> = alive.iter().map(|store| store.resize_memtables(memtable_bytes)).collect();
        drop(open);
        results.into_iter().collect()
    }

    /// One store's part of the blocks in the cache. RocksDB does not say whose a block is, so all have the same part.
    pub(crate) fn cached_bytes_of_one(&self) -> usize {
        let stores = self.open.lock().unwrap_or_else(PoisonError::into_inner).stores.len();
        self.block_bytes() / stores.max(1)
    }

    /// Bytes of blocks in the cache, without what is only charged to it.
    pub(crate) fn block_bytes(&self) -> usize {
        self.cache.get_usage().saturating_sub(self.write_buffers.get_usage())
    }

    /// Bytes of all memtables.
    pub(crate) fn memtables_bytes(&self) -> usize {
        self.write_buffers.get_usage()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usage = (self.block_bytes(), self.memtables_bytes());
        f.debug_struct("Shared").field("split", &self.split).field("blocks_and_memtables", &usage).finish()
    }
}
