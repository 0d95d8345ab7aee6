//! Messages between the coordinator and its workers. In one process they travel over queues, between processes over gRPC;
//! nothing else differs. Each message carries the attempt; what an older attempt says is dropped by its number.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::JobError;
use crate::id::{Attempt, CheckpointId, Epoch, Generation, OperatorUid, SplitId, SubtaskId};
use crate::snapshot::{SplitState, SubtaskProgress, SubtaskRestore, SubtaskSnapshot};

/// Identity of a worker within its job.
pub type WorkerId = u32;

/// Why a barrier was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BarrierKind {
    /// By interval; the job goes on.
    Checkpoint,
    /// For a savepoint: no staged output is held back. The job goes on.
    Savepoint,
    /// The last one: sources stop behind it, and tasks end when its epoch is published.
    Stop,
    /// The last one, and the end of all input: what waits for more is flushed in front of it.
    Drain,
}

impl BarrierKind {
    /// Whether nothing is read behind it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Stop | Self::Drain)
    }
}

/// In-band marker of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Barrier {
    /// Which checkpoint.
    pub checkpoint: CheckpointId,
    /// What comes after it.
    pub kind: BarrierKind,
}

/// Coordinator to worker. Order is kept; `AssignSplits` and `TriggerBarrier` for one source subtask share one ordered stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToWorker {
    /// A new attempt begins: who runs what, and where the others are. It comes before the attempt's first `Deploy`.
    Prepare {
        /// The deployment.
        attempt: Attempt,
        /// The worker of every subtask of the job.
        placement: Vec<(SubtaskId, WorkerId)>,
        /// Where workers of the attempt listen for rows; those of one process need no address.
        addresses: Vec<(WorkerId, String)>,
        /// At which parallelism the job was compiled; `None`: as its text says.
        parallelism: Option<u32>,
        /// Of the graph that this gives.
        fingerprint: String,
    },
    /// Build a subtask and restore it; answer `SubtaskRunning` or `SubtaskFailed`.
    Deploy {
        /// The deployment.
        attempt: Attempt,
        /// The coordinator that asks.
        generation: Generation,
        /// Which subtask.
        subtask: SubtaskId,
        /// What it starts from.
        restore: SubtaskRestore,
    },
    /// All subtasks run: sources may start to read.
    Start {
        /// The deployment.
        attempt: Attempt,
    },
    /// Stop every subtask of the attempt at once, without a snapshot; answer `Cancelled`.
    Cancel {
        /// The deployment.
        attempt: Attempt,
    },
    /// Add splits to a source subtask, each with the position to start from.
    AssignSplits {
        /// The deployment.
        attempt: Attempt,
        /// The source subtask.
        subtask: SubtaskId,
        /// What to read, from where.
        splits: Vec<SplitState>,
        /// Whether the enumerator will never find another one: the subtask ends when its splits are read.
        no_more: bool,
    },
    /// Start a barrier at a source subtask.
    TriggerBarrier {
        /// The deployment.
        attempt: Attempt,
        /// The source subtask.
        subtask: SubtaskId,
        /// The marker.
        barrier: Barrier,
    },
    /// The checkpoint is owned: what was pending up to it may be forgotten.
    EpochOwned {
        /// The deployment.
        attempt: Attempt,
        /// Which checkpoint.
        checkpoint: CheckpointId,
        /// The epoch that it became.
        epoch: Epoch,
    },
    /// The checkpoint will never complete; what it froze goes to the next one.
    CheckpointAborted {
        /// The deployment.
        attempt: Attempt,
        /// Which checkpoint.
        checkpoint: CheckpointId,
    },
    /// Leave: tasks that are finished, and whose final epoch is published, may end.
    Shutdown {
        /// The deployment.
        attempt: Attempt,
    },
}

/// Slots that a worker has run: of the state of their subtasks it may have copies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldSlots {
    /// How many slots the job had in all; 0 if the worker has run none.
    pub of: u32,
    /// Which of them, ascending.
    pub slots: Vec<u32>,
}

impl HeldSlots {
    /// Those of a worker by a placement: slot `n` has subtask `n` of every chain.
    #[must_use]
    pub fn of(placement: impl IntoIterator<Item = (SubtaskId, WorkerId)>, worker: WorkerId) -> Self {
        let (mut of, mut slots) = (0, BTreeSet::new());
        for (subtask, on) in placement {
            of = of.max(subtask.index + 1);
            if on == worker {
                slots.insert(subtask.index);
            }
        }
        Self { of, slots: slots.into_iter().collect() }
    }
}

/// Worker to coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromWorker {
    /// A worker offers its slots.
    Registered {
        /// Who.
        worker: WorkerId,
        /// How many pipeline slices it can run.
        slots: u32,
        /// Fingerprint of the job graph that it compiled.
        fingerprint: String,
        /// Host and port at which it listens for rows of other workers; `None` in one process.
        address: Option<String>,
        /// What it ran for an earlier coordinator of the job.
        held: HeldSlots,
    },
    /// The subtask is restored and runs.
    SubtaskRunning {
        /// The deployment.
        attempt: Attempt,
        /// Which subtask.
        subtask: SubtaskId,
    },
    /// The subtask ended with an error.
    SubtaskFailed {
        /// The deployment.
        attempt: Attempt,
        /// Which subtask.
        subtask: SubtaskId,
        /// Why.
        error: JobError,
    },
    /// Everything of the subtask for this checkpoint is uploaded.
    SnapshotStored {
        /// The deployment.
        attempt: Attempt,
        /// Which checkpoint.
        checkpoint: CheckpointId,
        /// The contribution.
        snapshot: SubtaskSnapshot,
    },
    /// The subtask could not store its part; the checkpoint must be aborted, the job goes on.
    SnapshotFailed {
        /// The deployment.
        attempt: Attempt,
        /// Which checkpoint.
        checkpoint: CheckpointId,
        /// Which subtask.
        subtask: SubtaskId,
        /// Why.
        error: JobError,
    },
    /// The subtask saw the end of all its input and flushed; it still answers barriers.
    SubtaskFinished {
        /// The deployment.
        attempt: Attempt,
        /// Which subtask.
        subtask: SubtaskId,
    },
    /// A source subtask has read these splits to their end, or wants more work.
    SplitsFinished {
        /// The deployment.
        attempt: Attempt,
        /// The source subtask.
        subtask: SubtaskId,
        /// The source's uid.
        source: OperatorUid,
        /// Which splits.
        splits: Vec<SplitId>,
    },
    /// Every subtask of the attempt on this worker is gone.
    Cancelled {
        /// The deployment.
        attempt: Attempt,
        /// Who.
        worker: WorkerId,
    },
    /// A sign of life with figures for display.
    Heartbeat {
        /// The deployment.
        attempt: Attempt,
        /// Who.
        worker: WorkerId,
        /// Each subtask's progress.
        progress: Vec<(SubtaskId, SubtaskProgress)>,
    },
}
