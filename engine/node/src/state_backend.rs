//! Where state lives while a job runs here: in memory, or beyond a budget in RocksDB.
//!
//! Example: 256 MB a slot at parallelism 2 are 154 MB of tables for each of two slots, and 205 MB of block cache and write buffers
//! that both share.

use std::collections::BTreeMap;
use std::path::Path;

use millstream_api::StateBackend;
use millstream_connectors::options::parse_bytes;
use millstream_worker::SpillSettings;

use crate::cli::Failure;

const BACKEND: &str = "state.backend.type";
const MEMORY: &str = "state.backend.rocksdb.memory.fixed-per-slot";

/// Memory of a slot's state unless told otherwise.
const DEFAULT_SLOT_BYTES: u64 = 256 << 20;

/// What a worker keeps on disk; `None` keeps everything in memory. Settings win over the manifest; the compiler has checked them.
/// RocksDB's files lie below `folder`.
///
/// # Errors
/// [`Failure`] when the folder cannot be used, or this build has no RocksDB.
pub(crate) fn spill(
    settings: &BTreeMap<String, String>,
    manifest: StateBackend,
    folder: &Path,
    slots: u32,
) -> Result<Option<SpillSettings>, Failure> {
    let is_rocksdb = match settings.get(BACKEND) {
        Some(name) => name.trim().eq_ignore_ascii_case("rocksdb"),
        None => manifest == StateBackend::RocksDB,
    };
    if !is_rocksdb {
        clean(folder);
        return Ok(None);
    }
    let slot = settings.get(MEMORY).and_then(|text| parse_bytes(text)).unwrap_or(DEFAULT_SLOT_BYTES);
    // Three fifths for tables in memory, the rest for RocksDB's caches.
    let tables = slot - slot / 5 * 2;
    let shared = (slot - tables).saturating_mul(u64::from(slots));
    let table_bytes = usize::try_from(tables).unwrap_or(usize::MAX);
    tracing::info!("state beyond {tables} bytes a slot lies in RocksDB below {}", folder.display());
    stores(folder, usize::try_from(shared).unwrap_or(usize::MAX))
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
    match RocksSpills::beside_others(settings) {
        Ok(stores) => Ok(std::sync::Arc::new(stores)),
        Err(error) => Err(Failure::Mistake(error.to_string())),
    }
}

/// What killed processes left only wastes space: it never stops a job.
#[cfg(feature = "rocksdb")]
fn clean(folder: &Path) {
    if let Err(error) = millstream_state_rocksdb::RocksSpills::clean(folder) {
        tracing::warn!("{error}");
    }
}

#[cfg(not(feature = "rocksdb"))]
const fn clean(_: &Path) {}

#[cfg(not(feature = "rocksdb"))]
fn stores(_: &Path, _: usize) -> Result<std::sync::Arc<dyn millstream_state::SpillFactory>, Failure> {
    let advice = "use the backend Memory (hashmap), or a build with the feature rocksdb";
    Err(Failure::Mistake(format!("this millstream was built without RocksDB; {advice}")))
}
