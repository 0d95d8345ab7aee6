//! The part of a validated job that only a cluster acts on: upgrades, going back, snapshots, deletion, pods.
//!
//! Owns the values with their defaults; `millstream run` names the fields and reads none of this. Made together with the rest of a
//! [`ValidatedJob`](super::ValidatedJob), so durations are parsed, counts are in range and quantities do not exceed each other.

use std::time::Duration;

use crate::streamjob::{
    Approval, Autoscaling, DeletionPolicy, Fallback, PodTemplate, Resources, RollbackState, UpgradeMode, Warm,
};

/// What only the operator reads.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterSettings {
    /// `spec.restart.nonce`.
    pub restart_nonce: Option<i64>,
    /// How a changed job takes over.
    pub upgrade: UpgradeSettings,
    /// When and how to go back.
    pub rollback: RollbackSettings,
    /// What counts as stable.
    pub stability: StabilitySettings,
    /// Savepoints by the clock.
    pub snapshots: SnapshotSettings,
    /// Choosing the parallelism from the load, as it was written.
    pub autoscaling: Option<Autoscaling>,
    /// What happens to the running job when the object is deleted.
    pub deletion_policy: DeletionPolicy,
    /// The coordinator's pod.
    pub coordinator: PodSettings,
    /// Each worker's pod.
    pub worker: PodSettings,
    /// Slots of a worker, `1..=1024`.
    pub slots: u32,
}

/// `spec.upgrade` with its defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpgradeSettings {
    /// What a new revision starts from.
    pub mode: UpgradeMode,
    /// What to do when the savepoint cannot be taken.
    pub fallback: Fallback,
    /// Oldest checkpoint that `LastState` may start from.
    pub max_checkpoint_age: Duration,
    /// Whether a person approves plans.
    pub approval: Approval,
    /// Whether new pods start early.
    pub warm: Warm,
    /// Longest time that stopping behind a savepoint may take.
    pub savepoint_timeout: Duration,
    /// Whether state may be given up.
    pub allow_state_loss: bool,
}

/// `spec.rollback` with its defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollbackSettings {
    /// Whether to go back without being told.
    pub enabled: bool,
    /// A revision that is not stable by then is taken back.
    pub deadline: Duration,
    /// What the old revision starts from.
    pub state: RollbackState,
    /// Whether output may be written again.
    pub allow_repeated_output: bool,
}

/// `spec.stability` with its defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StabilitySettings {
    /// Least time of running without a restart.
    pub min_running: Duration,
    /// Least number of completed checkpoints.
    pub min_checkpoints: u32,
    /// Most restarts on the way there.
    pub max_restarts: u32,
}

/// `spec.snapshots` with its defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotSettings {
    /// Five cron fields in UTC whose grammar was checked; `None` takes none.
    pub schedule: Option<String>,
    /// Newest scheduled ones to keep, at least 1.
    pub count: u32,
    /// Age after which one goes, except for the newest.
    pub max_age: Duration,
}

/// `spec.coordinator` or `spec.worker`, as far as pods are concerned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodSettings {
    /// CPU and memory; `None` leaves the operator's default.
    pub resources: Option<Resources>,
    /// The overlay: `metadata` and `spec` only, its lists mergeable by name.
    pub template: Option<PodTemplate>,
}
