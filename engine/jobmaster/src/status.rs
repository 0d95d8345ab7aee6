//! What people are told about a job: one plain value, reported whenever it changes.

use std::fmt;

use millstream_model::{Attempt, CheckpointId, Epoch, Generation};
use serde::{Deserialize, Serialize};

use crate::savepoints::SavepointReport;

/// Where the job stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JobPhase {
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
    /// The newest owned checkpoint's epoch.
    pub epoch: Option<Epoch>,
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
    /// Checkpoints that this coordinator had to abort.
    pub failed_checkpoints: u64,
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
