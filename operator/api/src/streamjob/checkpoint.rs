//! State and checkpoints as a manifest states them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::DurationText;

/// What the CRD demands of a place for checkpoints. The part between the slashes holds no `@`, so that a password in an
/// address is refused before it is stored.
pub(crate) const STORAGE_PATTERN: &str =
    r"^((s3|gs|abfss)://[^/@:?#\s]+([/?]\S*)?|file:///\S*|memory://\S*)$";
/// Longest address, in characters.
pub(crate) const MAX_URI: usize = 1024;

/// `spec.state`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct State {
    /// Where state lives while the job runs: Memory, or RocksDB for state that is larger than memory, within
    /// state.backend.rocksdb.memory.fixed-per-slot of config (256 MB). Default Memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<StateBackendName>,
    /// Bucket and folder for checkpoints and savepoints: s3://, gs://, abfss://, file:/// or memory://. Credentials do
    /// not belong here. Moving it leaves the old state behind, so it takes upgrade.allowStateLoss or a restore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_URI), regex(pattern = STORAGE_PATTERN))]
    pub storage: Option<String>,
}

/// Where state lives while the job runs: Memory, or RocksDB for state that is larger than memory. Default Memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum StateBackendName {
    /// In the worker's memory.
    Memory,
    /// On the worker's disk, with a cache in memory.
    RocksDB,
}

/// `spec.checkpoint`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Checkpoint {
    /// Time between the starts of two checkpoints; exactly-once output becomes visible at this pace. At least 10ms.
    /// Default 10s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<DurationText>,
    /// A checkpoint that takes longer is given up and counts as failed. Default 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<DurationText>,
    /// Least time between the end of one checkpoint and the start of the next. Default 0s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_pause: Option<DurationText>,
    /// How many completed checkpoints are kept. Default 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub retained: Option<i32>,
    /// How many checkpoints may fail in a row before the job is restarted. Default 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub tolerable_failures: Option<i32>,
}
