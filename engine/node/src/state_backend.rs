//! Where state lives while a job runs here: in memory, or beyond a budget in RocksDB.
//!
//! Example: 256 MB a slot at parallelism 2 are 154 MB of tables for each of two slots, and 205 MB of block cache and write buffers
//! that both share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use millstream_api::StateBackend;
use millstream_connectors::options::parse_bytes;
use millstream_worker::SpillSettings;

use crate::cli::Failure;

const BACKEND: &str = "state.backend.type";
const MEMORY: &str = "state.backend.rocksdb.memory.fixed-per-slot";

/// Memory of a slot's state unless told otherwise.
const DEFAULT_SLOT_BYTES: u64 = 256 << 20;

/// Where a process keeps what it spills: a folder of its own, so that a second run of the job can take over while the first one
/// still has its files open.
#[derive(Debug)]
pub(crate) struct Folder {
    parent: PathBuf,
    prefix: String,
}

impl Folder {
    /// The folder of this process for `job`, below `parent`.
    pub(crate) fn of(parent: &Path, job: &str) -> Self {
        Self { parent: parent.to_owned(), prefix: format!("spilled-{job}-") }
    }

    fn path(&self) -> PathBuf {
        self.parent.join(format!("{}{}", self.prefix, std::process::id()))
    }

    /// Removes what killed processes left. What cannot be removed is only wasted space, and stays.
    pub(crate) fn remove_leftovers(&self) {
        let Ok(entries) = std::fs::read_dir(&self.parent) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let process = name.to_str().and_then(|n| n.strip_prefix(&self.prefix)?.parse::<u32>().ok());
            if process.is_some_and(|id| !Path::new("/proc").join(id.to_string()).exists()) {
                tracing::debug!("removing {}, which a killed process left", entry.path().display());
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }
}

/// What a worker keeps on disk; `None` keeps everything in memory. Settings win over the manifest; the compiler has checked them.
/// RocksDB's files lie below `folder`.
///
/// # Errors
/// [`Failure`] when the folder cannot be used, or this build has no RocksDB.
pub(crate) fn spill(
    settings: &BTreeMap<String, String>,
    manifest: StateBackend,
    folder: &Folder,
    slots: u32,
) -> Result<Option<SpillSettings>, Failure> {
    let is_rocksdb = match settings.get(BACKEND) {
        Some(name) => name.trim().eq_ignore_ascii_case("rocksdb"),
        None => manifest == StateBackend::RocksDB,
    };
    if !is_rocksdb {
        return Ok(None);
    }
    let slot = settings.get(MEMORY).and_then(|text| parse_bytes(text)).unwrap_or(DEFAULT_SLOT_BYTES);
    // Three fifths for tables in memory, the rest for RocksDB's caches.
    let tables = slot - slot / 5 * 2;
    let shared = (slot - tables).saturating_mul(u64::from(slots));
    let table_bytes = usize::try_from(tables).unwrap_or(usize::MAX);
    tracing::info!("state beyond {tables} bytes a slot lies in RocksDB below {}", folder.path().display());
    stores(&folder.path(), usize::try_from(shared).unwrap_or(usize::MAX))
        .map(|stores| Some(SpillSettings { stores, table_bytes }))
}

#[cfg(feature = "rocksdb")]
fn stores(
    folder: &Path,
    memory_bytes: usize,
) -> Result<std::sync::Arc<dyn millstream_state::SpillFactory>, Failure> {
    use millstream_state_rocksdb::{LEAST_MEMORY_BYTES, RocksSettings, RocksSpills};

    let settings =
        RocksSettings { directory: folder.to_owned(), memory_bytes: memory_bytes.max(LEAST_MEMORY_BYTES) };
    match RocksSpills::new(settings) {
        Ok(stores) => Ok(std::sync::Arc::new(stores)),
        Err(error) => Err(Failure::Mistake(error.to_string())),
    }
}

#[cfg(not(feature = "rocksdb"))]
fn stores(_: &Path, _: usize) -> Result<std::sync::Arc<dyn millstream_state::SpillFactory>, Failure> {
    let advice = "use the backend Memory (hashmap), or a build with the feature rocksdb";
    Err(Failure::Mistake(format!("this millstream was built without RocksDB; {advice}")))
}
