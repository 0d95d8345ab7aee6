//! A job whose spec broke no rule, with defaults filled in and texts parsed.
//!
//! Owns the values that the engine and the operator act on. It is made only by [`crate::StreamJob::validate`], so
//! whoever holds one need not check anything again: `parallelism` is at least 1 and at most `max_parallelism`,
//! durations are durations, addresses have a known scheme.

mod cluster;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::names::DEFAULT_NAMESPACE;

pub use cluster::{
    ClusterSettings, PodSettings, RollbackSettings, SnapshotSettings, StabilitySettings, UpgradeSettings,
};

pub use crate::streamjob::{
    DesiredStateName as DesiredState, RestorePolicy, StateBackendName as StateBackend,
};

/// What `spec` means.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidatedJob {
    /// `metadata.name`. A manifest for a laptop may leave it out; an object from an API server always has one.
    pub name: Option<String>,
    /// `metadata.namespace`, or `default`.
    pub namespace: String,
    /// Where the SQL is.
    pub sql: SqlSource,
    /// Values for `${NAME}`.
    pub variables: BTreeMap<String, String>,
    /// Names of the secrets that the SQL may refer to.
    pub secrets: Vec<String>,
    /// Whether the job should run.
    pub desired_state: DesiredState,
    /// Subtasks of each operator, `1..=max_parallelism`.
    pub parallelism: u32,
    /// Number of key groups, `1..=32768`.
    pub max_parallelism: u32,
    /// Where state lives.
    pub state_backend: StateBackend,
    /// Address of the bucket and folder, if the manifest names one.
    pub storage: Option<String>,
    /// Checkpointing.
    pub checkpoint: CheckpointSettings,
    /// What happens after a failure.
    pub restart: RestartPolicy,
    /// The snapshot to start from, if the manifest asks for one.
    pub restore: Option<Restore>,
    /// Engine settings by name.
    pub config: BTreeMap<String, String>,
    /// What only a cluster acts on.
    pub cluster: ClusterSettings,
    /// Paths of the fields that only a cluster acts on, in the order of the reference: `spec.upgrade`, ...
    pub ignored_locally: Vec<&'static str>,
}

impl ValidatedJob {
    /// Whether `namespace` is the default one.
    pub fn is_in_default_namespace(&self) -> bool {
        self.namespace == DEFAULT_NAMESPACE
    }
}

/// Where a job's SQL is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SqlSource {
    /// In the manifest.
    Inline(String),
    /// In a config map.
    ConfigMap {
        /// Its name.
        name: String,
        /// The key in it.
        key: String,
    },
}

impl SqlSource {
    /// The SQL, when it is in the manifest.
    pub fn inline(&self) -> Option<&str> {
        match self {
            SqlSource::Inline(sql) => Some(sql),
            SqlSource::ConfigMap { .. } => None,
        }
    }
}

/// `spec.checkpoint` with its defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointSettings {
    /// Time between two starts, at least 10 ms.
    pub interval: Duration,
    /// After this a checkpoint is given up.
    pub timeout: Duration,
    /// Least time between an end and the next start.
    pub min_pause: Duration,
    /// Completed checkpoints that are kept, at least 1.
    pub retained: u32,
    /// Failures in a row that are put up with.
    pub tolerable_failures: u32,
}

/// `spec.restart` with its defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartPolicy {
    /// Pauses of `initial`, twice that, ... up to `max`.
    ExponentialDelay {
        /// Pause before the first attempt.
        initial: Duration,
        /// Longest pause, not below `initial`.
        max: Duration,
        /// Attempts before the job has failed.
        attempts: u32,
        /// Running this long starts the count again.
        reset_after: Duration,
    },
    /// Pauses of equal length.
    FixedDelay {
        /// The pause.
        delay: Duration,
        /// Attempts before the job has failed.
        attempts: u32,
        /// Running this long starts the count again.
        reset_after: Duration,
    },
    /// Pauses of equal length, however long the job ran between.
    FailureRate {
        /// The pause.
        delay: Duration,
        /// Attempts within the interval before the job has failed.
        attempts: u32,
        /// How far back attempts count.
        interval: Duration,
    },
    /// The first failure is final.
    Never,
}

/// `spec.restore`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restore {
    /// Address of a savepoint or checkpoint; `None` means the newest of the job itself.
    pub from: Option<String>,
    /// Acts once for each new number.
    pub nonce: Option<i64>,
    /// What nothing to restore means.
    pub policy: RestorePolicy,
}
