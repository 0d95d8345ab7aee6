//! Makes stores: one of these for a process.

use std::path::Path;
use std::sync::Arc;

use millstream_state::{Spill, SpillError, SpillFactory};

use crate::directory::{SpillDirectory, clean_below};
use crate::error::{refused, store_failed};
use crate::settings::{LEAST_MEMORY_BYTES, RocksSettings};
use crate::shared::Shared;
use crate::store::{Database, RocksSpill};

/// Stores in RocksDB, which share memory and RocksDB's two background threads.
#[derive(Debug)]
pub struct RocksSpills {
    directory: Arc<SpillDirectory>,
    shared: Arc<Shared>,
}

impl RocksSpills {
    /// Takes the folder for this process and removes what an earlier one left in it. Nothing else in it is touched.
    ///
    /// # Errors
    /// There is too little memory, the folder cannot be made or written, or another process uses it.
    pub fn new(settings: RocksSettings) -> Result<Self, SpillError> {
        Self::in_folder(settings, SpillDirectory::claim)
    }

    /// The same in the first folder of `settings.directory` that no process uses: processes that have the same settings do not meet,
    /// and a second run of a job can take over while the first one still has its files.
    ///
    /// # Errors
    /// There is too little memory, or a folder cannot be made or written.
    pub fn beside_others(settings: RocksSettings) -> Result<Self, SpillError> {
        Self::in_folder(settings, SpillDirectory::claim_one_below)
    }

    /// Removes what killed processes left in a directory of [`RocksSpills::beside_others`].
    ///
    /// # Errors
    /// It cannot be read, or something in it not be removed.
    pub fn clean(directory: &Path) -> Result<(), SpillError> {
        clean_below(directory)
    }

    fn in_folder(
        settings: RocksSettings,
        claim: fn(&Path) -> Result<SpillDirectory, SpillError>,
    ) -> Result<Self, SpillError> {
        let RocksSettings { directory, memory_bytes } = settings;
        if memory_bytes < LEAST_MEMORY_BYTES {
            let cause =
                format!("{memory_bytes} bytes of memory are too few; give it at least {LEAST_MEMORY_BYTES}");
            return Err(refused("set up the store for", &directory, cause));
        }
        let directory = Arc::new(claim(&directory)?);
        Ok(Self { directory, shared: Arc::new(Shared::new(memory_bytes)) })
    }

    /// Bytes of memory of all stores together, by RocksDB's own account: about four fifths of what the settings say, at most.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.shared.block_bytes() + self.shared.memtables_bytes()
    }
}

impl SpillFactory for RocksSpills {
    fn open(&self, name: &str) -> Result<Arc<dyn Spill>, SpillError> {
        let directory = self.directory.store(name)?;
        let place = directory.path().to_owned();
        let failed = |error| store_failed("open", &place, &error);
        let options = self.shared.options().map_err(failed)?;
        let database = Database::open(&options, directory, Arc::clone(&self.shared)).map_err(failed)?;
        let database = Arc::new(database);
        self.shared.opened(&database).map_err(failed)?;
        Ok(Arc::new(RocksSpill::new(database)))
    }
}
