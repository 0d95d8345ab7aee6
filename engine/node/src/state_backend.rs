//! Where state lives while a job runs here, and how much memory it may take.
//!
//! In RocksDB: 256 MB a slot at parallelism 2 are 96 MB of tables for each of two slots, with the copies that a barrier makes of
//! them, 128 MB of block cache and write buffers that both share, and 96 MB a slot for batches on their way, what RocksDB does not
//! count and what the allocator cannot give back. What cannot be spilled in time may take a quarter more, then the job ends. In
//! memory: seven tenths of what the machine, or the container, has, in equal parts for the slots, copies that a checkpoint makes
//! included; the job ends before the system ends the process.

use std::collections::BTreeMap;
use std::path::Path;

use millstream_api::StateBackend;
use millstream_connectors::options::parse_bytes;
use millstream_worker::SpillSettings;

use crate::cli::Failure;

const BACKEND: &str = "state.backend.type";
const MEMORY: &str = "state.backend.rocksdb.memory.fixed-per-slot";
const COPIES: &str = "state.backend.local-recovery";
const HEAP: &str = "taskmanager.memory.task.heap.size";

/// A slot has this for its state, however small the budget: batches on their way need some.
const LEAST_SLOT_BYTES: u64 = 64 << 20;

/// Memory of a slot's state unless told otherwise.
const DEFAULT_SLOT_BYTES: u64 = 256 << 20;

/// What state may take, and where it goes beyond that.
#[derive(Debug)]
pub(crate) struct StateMemory {
    /// What a worker keeps on disk; `None` keeps everything in memory.
    pub(crate) spill: Option<SpillSettings>,
    /// What the state of a slot may take in memory; `None`: as much as there is.
    pub(crate) slot_bytes: Option<usize>,
}

/// The backend that the settings choose, else the manifest; the compiler has checked the settings. RocksDB's files lie below
/// `folder`.
///
/// # Errors
/// [`Failure`] when the folder cannot be used, or this build has no RocksDB.
pub(crate) fn open(
    settings: &BTreeMap<String, String>,
    manifest: StateBackend,
    folder: &Path,
    slots: u32,
) -> Result<StateMemory, Failure> {
    let is_rocksdb = match settings.get(BACKEND) {
        Some(name) => name.trim().eq_ignore_ascii_case("rocksdb"),
        None => manifest == StateBackend::RocksDB,
    };
    if !is_rocksdb {
        clean(folder);
        return in_memory(settings, slots);
    }
    let slot = settings.get(MEMORY).and_then(|text| parse_bytes(text)).unwrap_or(DEFAULT_SLOT_BYTES);
    let tables = slot / 8 * 3;
    let shared = (slot / 4).saturating_mul(u64::from(slots));
    let table_bytes = usize::try_from(tables).unwrap_or(usize::MAX);
    tracing::info!("state beyond {tables} bytes a slot lies in RocksDB below {}", folder.display());
    let stores = stores(folder, usize::try_from(shared).unwrap_or(usize::MAX))?;
    let slot_bytes = (tables + slot / 4).max(LEAST_SLOT_BYTES);
    Ok(StateMemory {
        spill: Some(SpillSettings { stores, table_bytes }),
        slot_bytes: usize::try_from(slot_bytes).ok(),
    })
}

/// Whether state segments that go to this address are kept on this machine, too. A folder of this machine is as near itself.
pub(crate) fn keeps_copies(settings: &BTreeMap<String, String>, location: &str) -> bool {
    let is_remote = location.starts_with("s3://");
    is_remote && settings.get(COPIES).is_none_or(|text| text.trim().eq_ignore_ascii_case("true"))
}

/// Everything in memory, up to what the settings allow or the machine has.
fn in_memory(settings: &BTreeMap<String, String>, slots: u32) -> Result<StateMemory, Failure> {
    let set = settings.get(HEAP).and_then(|text| parse_bytes(text));
    let Some(all) = set.or_else(|| Some(memory_limit()? / 10 * 7)) else {
        return Ok(StateMemory { spill: None, slot_bytes: None });
    };
    let slot = all / u64::from(slots.max(1));
    if slot < LEAST_SLOT_BYTES {
        let (all, least) = (all >> 20, LEAST_SLOT_BYTES >> 20);
        return Err(Failure::Mistake(format!(
            "there are {all} MiB for the state and the queues of {slots} slots, and each needs {least} MiB: run fewer slots \
             (parallelism.default) or give the job more memory ({HEAP}, or the limit of the container)"
        )));
    }
    Ok(StateMemory { spill: None, slot_bytes: usize::try_from(slot).ok() })
}

/// What this process may have: the limit of its control group if there is one, else the machine's memory.
fn memory_limit() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let in_kb = |line: &str| line.split_whitespace().nth(1)?.parse::<u64>().ok();
    let machine = read("/proc/meminfo")?.lines().find(|l| l.starts_with("MemTotal:")).and_then(in_kb)? * 1024;
    let group = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .into_iter()
        .find_map(|path| read(path)?.trim().parse::<u64>().ok());
    Some(group.map_or(machine, |limit| limit.min(machine)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_far_is_copied() {
        let set = |value: &str| BTreeMap::from([(COPIES.to_owned(), value.to_owned())]);
        assert!(keeps_copies(&BTreeMap::new(), "s3://bucket/x"));
        assert!(keeps_copies(&set("TRUE"), "s3://bucket/x") && !keeps_copies(&set("false"), "s3://bucket/x"));
        assert!(!keeps_copies(&set("true"), "file:///x") && !keeps_copies(&set("true"), "memory://x"));
    }

    #[test]
    fn slots_share_what_there_is() {
        let settings = |size: &str| BTreeMap::from([(HEAP.to_owned(), size.to_owned())]);
        let slot_bytes = |size, slots| in_memory(&settings(size), slots).map(|memory| memory.slot_bytes);
        assert_eq!(slot_bytes("1 gb", 4).unwrap(), Some(256 << 20));
        let error = format!("{:?}", slot_bytes("255 mb", 4).unwrap_err());
        assert!(error.contains("there are 255 MiB for the state and the queues of 4 slots"), "{error}");
        let limit = usize::try_from(memory_limit().unwrap()).unwrap();
        let all = in_memory(&BTreeMap::new(), 1).unwrap().slot_bytes.unwrap();
        assert!(all < limit && all > limit / 2, "{all} of {limit}");
    }
}
