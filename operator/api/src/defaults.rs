//! What a field means when a manifest does not set it.
//!
//! Only `parallelism`, `maxParallelism` and `desiredState` are also defaults of the schema, because the scale subresource
//! and the CEL rules need them present. The others are applied where they are read: a schema default would be written
//! into every stored object and would then outlive a better default.

use std::time::Duration;

/// `spec.parallelism`.
pub const PARALLELISM: i32 = 1;
/// `spec.maxParallelism`, the number of key groups.
pub const MAX_PARALLELISM: i32 = 256;
/// `spec.checkpoint.interval`.
pub const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(10);
/// `spec.checkpoint.timeout`.
pub const CHECKPOINT_TIMEOUT: Duration = Duration::from_secs(600);
/// `spec.checkpoint.minPause`.
pub const CHECKPOINT_MIN_PAUSE: Duration = Duration::ZERO;
/// `spec.checkpoint.retained`.
pub const CHECKPOINTS_RETAINED: u32 = 3;
/// `spec.checkpoint.tolerableFailures`.
pub const TOLERABLE_FAILURES: u32 = 3;
/// `spec.restart.initial`.
pub const RESTART_INITIAL: Duration = Duration::from_secs(1);
/// `spec.restart.max`.
pub const RESTART_MAX: Duration = Duration::from_secs(60);
/// `spec.restart.attempts`.
pub const RESTART_ATTEMPTS: u32 = 20;
/// `spec.restart.resetAfter`.
pub const RESTART_RESET_AFTER: Duration = Duration::from_secs(120);
/// `spec.worker.slots`.
pub const WORKER_SLOTS: u32 = 2;
/// `spec.upgrade.maxCheckpointAge`.
pub const MAX_CHECKPOINT_AGE: Duration = Duration::from_secs(600);
/// `spec.upgrade.savepointTimeout`.
pub const SAVEPOINT_TIMEOUT: Duration = Duration::from_secs(600);
/// `spec.rollback.deadline`.
pub const ROLLBACK_DEADLINE: Duration = Duration::from_secs(300);
/// `spec.stability.minRunning`.
pub const STABLE_RUNNING: Duration = Duration::from_secs(60);
/// `spec.stability.minCheckpoints`.
pub const STABLE_CHECKPOINTS: u32 = 2;
/// `spec.stability.maxRestarts`.
pub const STABLE_RESTARTS: u32 = 3;
/// `spec.snapshots.retention.count`.
pub const SNAPSHOTS_KEPT: u32 = 10;
/// `spec.snapshots.retention.maxAge`.
pub const SNAPSHOT_MAX_AGE: Duration = Duration::from_secs(168 * 3_600);
