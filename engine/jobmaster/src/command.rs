//! What the job master wants done. The coordinator does it, in this order, and decides nothing.
//!
//! Every command prints one line. Commands to one worker keep their order; that order is what makes a split part of exactly
//! one snapshot of each checkpoint.

use std::fmt;

use millstream_checkpoint::Manifest;
use millstream_model::control::{ToWorker, WorkerId};
use millstream_model::{Attempt, CheckpointId, Epoch, Generation, JobError, OperatorUid};
use serde::{Deserialize, Serialize};

use crate::rescales::RescaleId;
use crate::savepoints::SavepointId;
use crate::status::StatusReport;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Send a message to a worker, behind everything sent to it before.
    Send {
        /// To whom.
        worker: WorkerId,
        /// What.
        message: ToWorker,
    },
    /// Give a worker up: close its connection and ignore what it still says.
    ReleaseWorker {
        /// Whom.
        worker: WorkerId,
        /// Why, for the log.
        reason: String,
    },
    /// Start, or start again, the search for splits of a source. Answers `SplitsDiscovered`, `EnumeratorFailed`.
    StartEnumerator {
        /// The deployment that it works for.
        attempt: Attempt,
        /// The source.
        source: OperatorUid,
        /// What it remembered at the checkpoint; `None` starts from nothing.
        state: Option<Vec<u8>>,
    },
    /// End the search for splits of every source; what is still on its way is dropped by its attempt.
    StopEnumerators {
        /// The deployment that they worked for.
        attempt: Attempt,
    },
    /// Write the manifest. Answers `ManifestWritten`, `ManifestFailed`, `Fenced`.
    WriteManifest {
        /// What the checkpoint consists of.
        manifest: Box<Manifest>,
    },
    /// Claim the next epoch for a checkpoint whose manifest is written. Answers `EpochOwned`, `ClaimRefused`,
    /// `ClaimUnknown`, `Fenced`.
    ClaimEpoch {
        /// Which checkpoint.
        checkpoint: CheckpointId,
    },
    /// Make the staged output of an owned epoch visible, at every sink. Answers `Published`, `PublishFailed`, `Fenced`.
    Publish {
        /// Which epoch.
        epoch: Epoch,
        /// What is to be published, and what was before.
        manifest: Box<Manifest>,
    },
    /// Note in the bucket that the epoch is published. Answers `Marked`, `MarkFailed`, `Fenced`.
    MarkPublished {
        /// Which epoch.
        epoch: Epoch,
        /// Its checkpoint.
        checkpoint: CheckpointId,
        /// The coordinator that wrote its manifest.
        generation: Generation,
    },
    /// Write a savepoint from this epoch, which is visible and stays until the answer: `SavepointWritten`, `SavepointFailed`,
    /// `Fenced`.
    WriteSavepoint {
        /// Which order.
        id: SavepointId,
        /// From what.
        epoch: Epoch,
    },
    /// Tell whoever asked that there will be no savepoint. No answer.
    RefuseSavepoint {
        /// Which order.
        id: SavepointId,
        /// Why.
        error: JobError,
    },
    /// Tell whoever asked that records flow at the new parallelism. No answer.
    Rescaled {
        /// Which order.
        id: RescaleId,
        /// The deployment that has it.
        attempt: Attempt,
    },
    /// Tell whoever asked that the parallelism stays. No answer.
    RefuseRescale {
        /// Which order.
        id: RescaleId,
        /// Why.
        error: JobError,
    },
    /// Delete what no retained checkpoint needs. Answers `Swept`.
    Sweep {
        /// What this attempt and later ones wrote stays, owned or not; `None` when no task writes any more.
        writing: Option<Attempt>,
    },
    /// Say `TimerFired` at this time. Setting a timer again moves it.
    SetTimer {
        /// Which one.
        timer: Timer,
        /// By the clock that `handle` is given.
        at_ms: u64,
    },
    /// Show this.
    ReportStatus(Box<StatusReport>),
    /// It is over; no event is needed any more.
    End(JobEnd),
}

/// What a timer is for. A timer whose subject is gone fires without effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Timer {
    /// A checkpoint may be due.
    Checkpoint(Attempt),
    /// A checkpoint takes too long.
    CheckpointTimeout(CheckpointId),
    /// The pause after a failure is over; the number is that of the failed attempt.
    Restart(Attempt),
    /// Restoring takes too long.
    Deploy(Attempt),
    /// Workers take too long to end their tasks.
    Cancel(Attempt),
    /// Waited long enough for slots since the attempt with this number.
    Slots(Attempt),
    /// Publish this epoch again.
    Publish(Epoch),
}

/// How a job ended for this coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobEnd {
    /// All input was read, and all output is visible.
    Finished {
        /// The last epoch.
        epoch: Epoch,
    },
    /// Stopped on request. Running it again continues.
    Stopped {
        /// The newest owned checkpoint's epoch; `None` if the job never completed one.
        epoch: Option<Epoch>,
    },
    /// It cannot go on.
    Failed(JobError),
    /// A newer coordinator owns the job.
    Fenced {
        /// Its generation.
        by: Generation,
    },
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { worker, message } => {
                write!(f, "worker {worker}: ")?;
                to_worker(message, f)
            }
            Self::ReleaseWorker { worker, reason } => write!(f, "release worker {worker}: {reason}"),
            Self::StartEnumerator { attempt, source, state } => {
                let from = if state.is_some() { "where it was" } else { "nothing" };
                write!(f, "attempt {attempt}: enumerate {source} from {from}")
            }
            Self::StopEnumerators { attempt } => write!(f, "attempt {attempt}: stop enumerators"),
            Self::WriteManifest { manifest } => {
                write!(f, "write manifest of checkpoint {} ({:?})", manifest.checkpoint, manifest.outcome)
            }
            Self::ClaimEpoch { checkpoint } => write!(f, "claim an epoch for checkpoint {checkpoint}"),
            Self::Publish { epoch, manifest } => {
                let publications: usize = manifest.sinks.iter().map(|s| s.publications.len()).sum();
                write!(f, "publish epoch {epoch}: {publications} publications")
            }
            Self::MarkPublished { epoch, checkpoint, .. } => {
                write!(f, "mark epoch {epoch} (checkpoint {checkpoint}) published")
            }
            Self::WriteSavepoint { id, epoch } => write!(f, "write savepoint {id} from epoch {epoch}"),
            Self::RefuseSavepoint { id, error } => write!(f, "refuse savepoint {id}: {error}"),
            Self::Rescaled { id, attempt } => write!(f, "rescale {id} is done by attempt {attempt}"),
            Self::RefuseRescale { id, error } => write!(f, "refuse rescale {id}: {error}"),
            Self::Sweep { writing: Some(attempt) } => {
                write!(f, "sweep what attempt {attempt} does not write")
            }
            Self::Sweep { writing: None } => f.write_str("sweep"),
            Self::SetTimer { timer, at_ms } => write!(f, "timer {timer} at {at_ms}"),
            Self::ReportStatus(status) => write!(f, "status: {status}"),
            Self::End(end) => write!(f, "end: {end}"),
        }
    }
}

fn to_worker(message: &ToWorker, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match message {
        ToWorker::Prepare { attempt, addresses, parallelism, .. } => {
            write!(f, "prepare attempt {attempt}")?;
            let peers: Vec<_> = addresses.iter().map(|(worker, at)| format!("{worker} at {at}")).collect();
            if !peers.is_empty() {
                write!(f, " of workers {}", peers.join(", "))?;
            }
            parallelism.map_or(Ok(()), |parallelism| write!(f, " at parallelism {parallelism}"))
        }
        ToWorker::Deploy { attempt, subtask, restore, .. } => {
            write!(f, "deploy {subtask} of attempt {attempt}")?;
            match restore.segments.len() {
                0 => Ok(()),
                segments => write!(f, " with {segments} segments"),
            }
        }
        ToWorker::Start { attempt } => write!(f, "start attempt {attempt}"),
        ToWorker::Cancel { attempt } => write!(f, "cancel attempt {attempt}"),
        ToWorker::AssignSplits { subtask, splits, no_more, .. } => {
            let ids: Vec<_> = splits.iter().map(|s| s.split.0.as_str()).collect();
            let end = if *no_more { ", no more" } else { "" };
            write!(f, "assign {subtask} [{}]{end}", ids.join(" "))
        }
        ToWorker::TriggerBarrier { subtask, barrier, .. } => {
            write!(f, "barrier {} ({:?}) at {subtask}", barrier.checkpoint, barrier.kind)
        }
        ToWorker::EpochOwned { checkpoint, epoch, .. } => {
            write!(f, "checkpoint {checkpoint} is owned as epoch {epoch}")
        }
        ToWorker::CheckpointAborted { checkpoint, .. } => write!(f, "checkpoint {checkpoint} is aborted"),
        ToWorker::Shutdown { attempt } => write!(f, "shut down attempt {attempt}"),
    }
}

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint(attempt) => write!(f, "checkpoint of attempt {attempt}"),
            Self::CheckpointTimeout(checkpoint) => write!(f, "end of checkpoint {checkpoint}"),
            Self::Restart(attempt) => write!(f, "restart after attempt {attempt}"),
            Self::Deploy(attempt) => write!(f, "deploy of attempt {attempt}"),
            Self::Cancel(attempt) => write!(f, "cancel of attempt {attempt}"),
            Self::Slots(attempt) => write!(f, "slots after attempt {attempt}"),
            Self::Publish(epoch) => write!(f, "publish of epoch {epoch}"),
        }
    }
}

impl fmt::Display for JobEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished { epoch } => write!(f, "finished at epoch {epoch}"),
            Self::Stopped { epoch: Some(epoch) } => write!(f, "stopped at epoch {epoch}"),
            Self::Stopped { epoch: None } => f.write_str("stopped before the first checkpoint"),
            Self::Failed(error) => write!(f, "failed ({:?}): {error}", error.kind),
            Self::Fenced { by } => write!(f, "fenced by generation {by}"),
        }
    }
}
