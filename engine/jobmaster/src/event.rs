//! What happens to a job, as the job master hears it.
//!
//! Every event prints one line; a log of (event, commands) pairs replays a decision as a test.

use std::collections::BTreeSet;
use std::fmt;

use millstream_checkpoint::Manifest;
use millstream_model::control::{FromWorker, WorkerId};
use millstream_model::graph::JobGraph;
use millstream_model::snapshot::SplitState;
use millstream_model::{Attempt, CheckpointId, Epoch, Generation, JobError, OperatorUid};
use serde::{Deserialize, Serialize};

use crate::command::Timer;
use crate::rescales::RescaleId;
use crate::savepoints::{AfterSavepoint, SavepointId, SavepointReport};

/// A fact that the job master has to react to. Facts about an older attempt, checkpoint or timer are harmless: they are
/// recognised by their number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The job is this coordinator's: its generation and its `Start` record stand in the bucket. The first event.
    TookOver(Box<Takeover>),
    /// A worker said something. Heartbeats do not come here: liveness and figures are the coordinator's.
    FromWorker(FromWorker),
    /// A worker is gone, with everything that ran on it.
    WorkerLost {
        /// Who.
        worker: WorkerId,
        /// How that was noticed.
        reason: String,
    },
    /// An enumerator found splits, or the end.
    SplitsDiscovered {
        /// The deployment that it was started for.
        attempt: Attempt,
        /// The source.
        source: OperatorUid,
        /// What is new.
        splits: Vec<SplitState>,
        /// What the enumerator remembers, these splits included.
        enumerator: Vec<u8>,
        /// Whether it will never find another one.
        no_more: bool,
    },
    /// An enumerator cannot go on.
    EnumeratorFailed {
        /// The deployment that it was started for.
        attempt: Attempt,
        /// The source.
        source: OperatorUid,
        /// Why.
        error: JobError,
    },
    /// The manifest is in the bucket.
    ManifestWritten {
        /// Of which checkpoint.
        checkpoint: CheckpointId,
    },
    /// The manifest could not be written; the checkpoint is lost, nothing is owned.
    ManifestFailed {
        /// Of which checkpoint.
        checkpoint: CheckpointId,
        /// Why.
        error: JobError,
    },
    /// The checkpoint is the job's newest state from now on.
    EpochOwned {
        /// Which checkpoint.
        checkpoint: CheckpointId,
        /// The epoch that it became.
        epoch: Epoch,
    },
    /// The store refused the claim: nothing is owned, the checkpoint is lost.
    ClaimRefused {
        /// Which checkpoint.
        checkpoint: CheckpointId,
        /// Why.
        error: JobError,
    },
    /// Whether the checkpoint is owned could not be found out. This coordinator must not decide anything any more.
    ClaimUnknown {
        /// Which checkpoint.
        checkpoint: CheckpointId,
        /// What was tried.
        error: JobError,
    },
    /// The job is to go on at another parallelism. Answered by `Rescaled` or `RefuseRescale`.
    RescaleRequested {
        /// Which order; the coordinator counts them.
        id: RescaleId,
        /// The new one.
        parallelism: u32,
        /// The job, compiled for it.
        graph: Box<JobGraph>,
    },
    /// All output of the epoch is visible.
    Published {
        /// Which epoch.
        epoch: Epoch,
    },
    /// The output could not be made visible; trying again is safe.
    PublishFailed {
        /// Which epoch.
        epoch: Epoch,
        /// Why. The kind `User` means that the target refuses for good.
        error: JobError,
    },
    /// The bucket says that the epoch is published.
    Marked {
        /// Which epoch.
        epoch: Epoch,
    },
    /// The marker could not be written; trying again is safe.
    MarkFailed {
        /// Which epoch.
        epoch: Epoch,
        /// Why.
        error: JobError,
    },
    /// Retention is done, or gave up until the next time.
    Swept,
    /// Somebody wants a savepoint.
    SavepointRequested {
        /// The order's number.
        id: SavepointId,
        /// What becomes of the job.
        then: AfterSavepoint,
    },
    /// The savepoint is complete.
    SavepointWritten {
        /// Which order.
        id: SavepointId,
        /// What came of it.
        report: SavepointReport,
    },
    /// The savepoint could not be written; there is none.
    SavepointFailed {
        /// Which order.
        id: SavepointId,
        /// Why.
        error: JobError,
    },
    /// Somebody wants the job to stop behind a final checkpoint.
    StopRequested,
    /// Somebody wants the job to stop at once; what came after the newest epoch is read again next time.
    CancelRequested,
    /// The moment of a [`crate::Command::SetTimer`] has come.
    TimerFired(Timer),
    /// A newer coordinator owns the job.
    Fenced {
        /// Its generation.
        by: Generation,
        /// Who and where, for people.
        reason: String,
    },
}

/// What a coordinator found when it took the job over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Takeover {
    /// The coordinator's own number, claimed in the bucket.
    pub generation: Generation,
    /// The epoch of its `Start` record.
    pub start: Epoch,
    /// The first checkpoint number that was never used.
    pub next_checkpoint: CheckpointId,
    /// What the job goes on from; `None` begins anew.
    pub restored: Option<OwnedEpoch>,
    /// Owned epochs whose output is not known to be visible, oldest first. They are published before any task starts.
    pub unpublished: Vec<OwnedEpoch>,
    /// Epochs whose output was given up by name.
    pub discarded: BTreeSet<Epoch>,
}

/// A checkpoint that is part of the job's history for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedEpoch {
    /// Its place in the log.
    pub epoch: Epoch,
    /// What it consists of.
    pub manifest: Manifest,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TookOver(takeover) => takeover.fmt(f),
            Self::FromWorker(message) => from_worker(message, f),
            Self::WorkerLost { worker, reason } => write!(f, "worker {worker} lost: {reason}"),
            Self::SplitsDiscovered { attempt, source, splits, no_more, .. } => {
                let end = if *no_more { ", the last ones" } else { "" };
                write!(f, "attempt {attempt}: source {source} found {} splits{end}", splits.len())
            }
            Self::EnumeratorFailed { attempt, source, error } => {
                write!(f, "attempt {attempt}: enumerator of {source} failed: {error}")
            }
            Self::ManifestWritten { checkpoint } => write!(f, "manifest of checkpoint {checkpoint} written"),
            Self::ManifestFailed { checkpoint, error } => {
                write!(f, "manifest of checkpoint {checkpoint} failed: {error}")
            }
            Self::EpochOwned { checkpoint, epoch } => write!(f, "checkpoint {checkpoint} is epoch {epoch}"),
            Self::ClaimRefused { checkpoint, error } => {
                write!(f, "claim of checkpoint {checkpoint} refused: {error}")
            }
            Self::ClaimUnknown { checkpoint, error } => {
                write!(f, "claim of checkpoint {checkpoint} has no answer: {error}")
            }
            Self::RescaleRequested { id, parallelism, .. } => {
                write!(f, "rescale {id} to {parallelism} requested")
            }
            Self::Published { epoch } => write!(f, "epoch {epoch} published"),
            Self::PublishFailed { epoch, error } => write!(f, "publishing epoch {epoch} failed: {error}"),
            Self::Marked { epoch } => write!(f, "epoch {epoch} marked"),
            Self::MarkFailed { epoch, error } => write!(f, "marking epoch {epoch} failed: {error}"),
            Self::Swept => f.write_str("swept"),
            Self::SavepointRequested { id, then } => write!(f, "savepoint {id} requested ({then:?})"),
            Self::SavepointWritten { id, report } => {
                write!(f, "savepoint {id} of epoch {} written to {}", report.epoch, report.location)
            }
            Self::SavepointFailed { id, error } => write!(f, "savepoint {id} failed: {error}"),
            Self::StopRequested => f.write_str("stop requested"),
            Self::CancelRequested => f.write_str("cancel requested"),
            Self::TimerFired(timer) => write!(f, "timer {timer} fired"),
            Self::Fenced { by, reason } => write!(f, "fenced by generation {by}: {reason}"),
        }
    }
}

impl fmt::Display for Takeover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "took over as generation {}, start at epoch {}, ", self.generation, self.start)?;
        match &self.restored {
            Some(owned) => write!(f, "from epoch {}", owned.epoch)?,
            None => f.write_str("from nothing")?,
        }
        write!(f, ", {} epochs to publish", self.unpublished.len())
    }
}

fn from_worker(message: &FromWorker, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match message {
        FromWorker::Registered { worker, slots, fingerprint, .. } => {
            write!(f, "worker {worker} registered: {slots} slots, job {fingerprint}")
        }
        FromWorker::SubtaskRunning { attempt, subtask } => write!(f, "attempt {attempt}: {subtask} runs"),
        FromWorker::SubtaskFailed { attempt, subtask, error } => {
            write!(f, "attempt {attempt}: {subtask} failed ({:?}): {error}", error.kind)
        }
        FromWorker::SnapshotStored { attempt, checkpoint, snapshot } => {
            write!(f, "attempt {attempt}: {} stored checkpoint {checkpoint}", snapshot.subtask)
        }
        FromWorker::SnapshotFailed { attempt, checkpoint, subtask, error } => {
            write!(f, "attempt {attempt}: {subtask} failed to store checkpoint {checkpoint}: {error}")
        }
        FromWorker::SubtaskFinished { attempt, subtask } => {
            write!(f, "attempt {attempt}: {subtask} finished")
        }
        FromWorker::SplitsFinished { attempt, subtask, splits, .. } => {
            write!(f, "attempt {attempt}: {subtask} finished {} splits", splits.len())
        }
        FromWorker::Cancelled { attempt, worker } => {
            write!(f, "attempt {attempt}: worker {worker} cancelled")
        }
        FromWorker::Heartbeat { attempt, worker, .. } => {
            write!(f, "attempt {attempt}: worker {worker} alive")
        }
    }
}
