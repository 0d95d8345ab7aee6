//! Where the state of a run lives.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use millstream_state::MemorySpills;
use millstream_state_rocksdb::{LEAST_MEMORY_BYTES, RocksSettings, RocksSpills};
use millstream_worker::SpillSettings;

/// All of it in memory, or beyond so many bytes of each operator in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StateKind {
    Memory,
    /// A store in memory: for thousands of runs.
    Spilled {
        table_bytes: usize,
    },
    RocksDb {
        table_bytes: usize,
    },
}

/// The stores of all runs, each in a folder of its own; gone with the process.
static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
static RUNS: AtomicU64 = AtomicU64::new(0);

impl StateKind {
    pub(crate) fn spill(self) -> Result<Option<SpillSettings>, String> {
        match self {
            Self::Memory => Ok(None),
            Self::Spilled { table_bytes } => {
                Ok(Some(SpillSettings { stores: Arc::new(MemorySpills), table_bytes }))
            }
            Self::RocksDb { table_bytes } => {
                let run = RUNS.fetch_add(1, Ordering::Relaxed);
                let directory = FOLDER.path().join(run.to_string());
                let settings = RocksSettings { directory, memory_bytes: LEAST_MEMORY_BYTES };
                let stores = RocksSpills::new(settings).map_err(|e| e.to_string())?;
                Ok(Some(SpillSettings { stores: Arc::new(stores), table_bytes }))
            }
        }
    }
}
