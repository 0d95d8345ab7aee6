//! What people are told about a job: one plain value, reported whenever it changes.

use std::fmt;

use millstream_checkpoint::{Manifest, layout};
use millstream_model::{Attempt, CheckpointId, Epoch, Generation};
use serde::{Deserialize, Serialize};

use crate::event::OwnedEpoch;
use crate::savepoints::SavepointReport;

/// Where the job stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JobPhase {
    /// There is no coordinator yet: what the job starts from is looked for, or a savepoint becomes its state.
    Starting,
    /// The coordinator claims nothing before it is activated.
    Standby,
    /// The coordinator makes the job its own.
    #[default]
    TakingOver,
    /// Output that a predecessor owned and did not publish becomes visible.
    Recovering,
    /// The workers offer too few slots.
    WaitingForSlots,
    /// Subtasks are restored.
    Deploying,
    /// Records flow.
    Running,
    /// On the way to the final checkpoint.
    Stopping,
    /// After a failure, the tasks are ended.
    Cancelling,
    /// A pause before the next attempt.
    Backoff,
    /// The last epoch is owned, or the job failed; output that is owned becomes visible.
    Publishing,
    /// Over: all input read.
    Finished,
    /// Over: stopped on request.
    Stopped,
    /// Over: failed.
    Failed,
    /// Over: a newer coordinator owns the job.
    Fenced,
}

/// What the job master knows, for displays and logs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport {
    /// Where the job stands.
    pub phase: JobPhase,
    /// The coordinator.
    pub generation: Generation,
    /// The newest deployment; 0 before the first.
    pub attempt: Attempt,
    /// Restarts since this coordinator began.
    pub restarts: u32,
    /// Subtasks of each operator, but of those that have a limit of their own.
    pub parallelism: u32,
    /// The newest owned checkpoint's epoch.
    pub epoch: Option<Epoch>,
    /// The same epoch, and where it is.
    pub newest: Option<EpochReport>,
    /// The epoch that the newest attempt was restored from; `None` if it began from nothing.
    pub restored_from: Option<Epoch>,
    /// Owned epochs that wait to be published.
    pub unpublished: usize,
    /// The checkpoint under way.
    pub in_flight: Option<CheckpointId>,
    /// The newest checkpoint that this coordinator owned.
    pub last_checkpoint: Option<CheckpointReport>,
    /// The newest savepoint that this coordinator wrote.
    pub last_savepoint: Option<SavepointReport>,
    /// Savepoints that were asked for and are not complete.
    pub savepoints_under_way: usize,
    /// Milliseconds from one checkpoint to the next at least; `None` if none is taken by the clock.
    pub checkpoint_interval_ms: Option<u64>,
    /// Checkpoints that this coordinator had to abort.
    pub failed_checkpoints: u64,
    /// Those of them behind the last one that was owned.
    pub failed_checkpoints_in_a_row: u64,
    /// The newest failure, in one line.
    pub last_error: Option<String>,
    /// What happens next, in one line, if that is not plain from the phase.
    pub next: Option<String>,
}

/// A completed checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointReport {
    /// Its place in the log.
    pub epoch: Epoch,
    /// Its own number.
    pub checkpoint: CheckpointId,
    /// Bytes of everything that it refers to.
    pub bytes: u64,
    /// Bytes of what the checkpoint before it did not refer to: what was uploaded for it.
    pub new_bytes: u64,
    /// From the trigger until it was owned.
    pub duration_ms: u64,
    /// The longest synchronous part of a subtask.
    pub freeze_us: u64,
    /// When it was owned.
    pub at_ms: u64,
}

/// An epoch that the job owns, whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Its place in the log.
    pub epoch: Epoch,
    /// Key of its manifest in the job's folder.
    pub manifest: String,
    /// Bytes of everything that it refers to.
    pub bytes: u64,
    /// When it was owned; of one that another coordinator wrote, when its manifest was made.
    pub at_ms: u64,
    /// From the trigger until it was owned; not known of one that another coordinator wrote.
    pub duration_ms: Option<u64>,
}

impl EpochReport {
    /// What is known of an epoch that another coordinator wrote.
    pub(crate) fn found(owned: &OwnedEpoch) -> Self {
        Self::of(owned.epoch, &owned.manifest, owned.manifest.created_at_ms, None)
    }

    /// What is known of an epoch that is owned since just now.
    pub(crate) fn taken(report: &CheckpointReport, manifest: &Manifest) -> Self {
        Self::of(report.epoch, manifest, report.at_ms, Some(report.duration_ms))
    }

    fn of(epoch: Epoch, manifest: &Manifest, at_ms: u64, duration_ms: Option<u64>) -> Self {
        Self {
            epoch,
            manifest: layout::manifest(manifest.checkpoint, manifest.generation),
            bytes: manifest.objects().map(|o| o.length).sum(),
            at_ms,
            duration_ms,
        }
    }
}

impl JobPhase {
    /// Whether nothing follows.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Stopped | Self::Failed | Self::Fenced)
    }
}

impl fmt::Display for JobPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Display for StatusReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} attempt {} restarts {}", self.phase, self.attempt, self.restarts)?;
        if let Some(epoch) = self.epoch {
            write!(f, " epoch {epoch}")?;
        }
        if self.unpublished > 0 {
            write!(f, " unpublished {}", self.unpublished)?;
        }
        if let Some(next) = &self.next {
            write!(f, ", next: {next}")?;
        }
        Ok(())
    }
}
