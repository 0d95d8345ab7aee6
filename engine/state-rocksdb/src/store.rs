//! One store: a RocksDB database that goes with its folder.

use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use millstream_state::{Change, ScanOrder, Spill, SpillChunk, SpillError};
use rocksdb::properties::{SIZE_ALL_MEM_TABLES, TOTAL_SST_FILES_SIZE};
use rocksdb::{
    ColumnFamily, DB, DEFAULT_COLUMN_FAMILY_NAME, ErrorKind, Options, ReadOptions, Snapshot, WriteBatch,
    WriteOptions,
};

use crate::directory::StoreDirectory;
use crate::error::{refused, store_failed};
use crate::options::{range_options, resized, write_options};
use crate::shared::Shared;
use crate::snapshot;

/// Keys of one call to RocksDB. It holds the block of each until the call's values are dropped: 256 blocks are 1 MiB, while
/// a batch of 8,192 keys at once would hold 32 MiB beyond the budget. RocksDB itself goes on in groups of 32.
const KEYS_OF_A_READ: usize = 256;

/// Bytes of changes of one call to RocksDB, which keeps a copy of them meanwhile.
const BYTES_OF_A_WRITE: usize = 1024 * 1024;

/// Between two tries of a write for which there is no room. RocksDB itself must not wait: a write that waits for a flush which
/// then finds the disk full keeps the thread out that would try the flush again, and both wait forever.
const PAUSE: Duration = Duration::from_millis(1);

/// After some two minutes a write has failed. It can wait for a compaction of gigabytes on a slow disk, behind those of other
/// stores; but a task that was cancelled is to end before the 180 s after which its worker would.
const MOST_PAUSES: u32 = 100_000;

/// What RocksDB adds to an entry of a batch, at most: its kind and two lengths.
const ENTRY_OVERHEAD: usize = 11;

/// The database, shared by the store and by the snapshots that are being read.
pub(crate) struct Database {
    // Fields are dropped in this order: the database is closed before its folder is removed.
    db: DB,
    directory: StoreDirectory,
    shared: Arc<Shared>,
}

impl Database {
    pub(crate) fn open(
        options: &Options,
        directory: StoreDirectory,
        shared: Arc<Shared>,
    ) -> Result<Self, rocksdb::Error> {
        let families = [(DEFAULT_COLUMN_FAMILY_NAME, options.clone())];
        let db = DB::open_cf_with_opts(options, directory.path(), families)?;
        Ok(Self { db, directory, shared })
    }

    pub(crate) fn place(&self) -> &Path {
        self.directory.path()
    }

    /// All entries as they are now.
    pub(crate) fn snapshot(&self) -> Snapshot<'_> {
        self.db.snapshot()
    }

    pub(crate) fn resize_memtables(&self, memtable_bytes: usize) -> Result<(), rocksdb::Error> {
        let options = resized(memtable_bytes);
        let options: Vec<_> = options.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.db.set_options(&options)
    }

    fn family(&self) -> Result<&ColumnFamily, SpillError> {
        let missing = || refused("read", self.place(), "the default column family is missing");
        self.db.cf_handle(DEFAULT_COLUMN_FAMILY_NAME).ok_or_else(missing)
    }

    fn number(&self, property: &rocksdb::properties::PropName) -> u64 {
        self.db.property_int_value(property).ok().flatten().unwrap_or(0)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.shared.closed();
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").field(&self.place()).finish()
    }
}

/// A [`Spill`] in RocksDB.
pub(crate) struct RocksSpill {
    database: Arc<Database>,
    read_options: ReadOptions,
    write_options: WriteOptions,
}

impl RocksSpill {
    pub(crate) fn new(database: Arc<Database>) -> Self {
        Self { database, read_options: ReadOptions::default(), write_options: write_options() }
    }

    /// Writes a batch, as soon as there is room for it among what is not flushed yet.
    fn apply(&self, pauses: &mut u32, batch: impl Fn() -> WriteBatch) -> Result<(), SpillError> {
        loop {
            match self.database.db.write_opt(batch(), &self.write_options) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Incomplete && *pauses < MOST_PAUSES => {
                    *pauses += 1;
                    std::thread::sleep(PAUSE);
                }
                Err(error) => return Err(store_failed("write", self.database.place(), &error)),
            }
        }
    }
}

impl fmt::Debug for RocksSpill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RocksSpill").field(&self.database.place()).finish()
    }
}

impl Spill for RocksSpill {
    fn get(&self, keys: &[&[u8]], found: &mut dyn FnMut(usize, &[u8])) -> Result<(), SpillError> {
        let family = self.database.family()?;
        for (part, keys) in keys.chunks(KEYS_OF_A_READ).enumerate() {
            let values = self.database.db.batched_multi_get_cf_opt(family, keys, true, &self.read_options);
            for (position, value) in values.into_iter().enumerate() {
                let value = value.map_err(|error| store_failed("read", self.database.place(), &error))?;
                if let Some(value) = value {
                    found(part * KEYS_OF_A_READ + position, &value);
                }
            }
        }
        Ok(())
    }

    fn write(&self, changes: &[Change<'_>]) -> Result<(), SpillError> {
        let bytes = |(key, value): &Change<'_>| key.len() + value.map_or(0, <[u8]>::len) + ENTRY_OVERHEAD;
        let (mut rest, mut pauses) = (changes, 0);
        while !rest.is_empty() {
            let mut size = 0;
            let fits = rest.iter().take_while(|change| {
                let before = size;
                size += bytes(change);
                before < BYTES_OF_A_WRITE
            });
            let (part, later) = rest.split_at(fits.count());
            rest = later;
            self.apply(&mut pauses, || {
                let mut batch = WriteBatch::with_capacity_bytes(part.iter().map(bytes).sum::<usize>() + 12);
                for (key, value) in part {
                    match value {
                        Some(value) => batch.put(key, value),
                        None => batch.delete(key),
                    }
                }
                batch
            })?;
        }
        Ok(())
    }

    fn delete_range(&self, from: &[u8], to: &[u8]) -> Result<(), SpillError> {
        if from >= to {
            return Ok(());
        }
        self.apply(&mut 0, || {
            let mut batch = WriteBatch::default();
            batch.delete_range(from, to);
            batch
        })
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        order: ScanOrder,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), SpillError> {
        if from >= to {
            return Ok(());
        }
        let mut entries = self.database.db.raw_iterator_opt(range_options(from, to, true));
        match order {
            ScanOrder::Ascending => entries.seek_to_first(),
            ScanOrder::Descending => entries.seek_to_last(),
        }
        while let Some((key, value)) = entries.item() {
            if visit(key, value).is_break() {
                return Ok(());
            }
            match order {
                ScanOrder::Ascending => entries.next(),
                ScanOrder::Descending => entries.prev(),
            }
        }
        entries.status().map_err(|error| store_failed("scan", self.database.place(), &error))
    }

    fn snapshot(
        &self,
        from: &[u8],
        to: &[u8],
    ) -> Result<Box<dyn Iterator<Item = Result<SpillChunk, SpillError>> + Send>, SpillError> {
        if from >= to {
            return Ok(Box::new(std::iter::empty()));
        }
        Ok(Box::new(snapshot::read(&self.database, from, to)?))
    }

    fn memory_bytes(&self) -> usize {
        let memtables = usize::try_from(self.database.number(SIZE_ALL_MEM_TABLES)).unwrap_or(usize::MAX);
        memtables.saturating_add(self.database.shared.cached_bytes_of_one())
    }

    fn disk_bytes(&self) -> u64 {
        self.database.number(TOTAL_SST_FILES_SIZE)
    }
}
