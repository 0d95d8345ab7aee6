//! The manifest: everything a checkpoint consists of, in one immutable object.
//!
//! It is written before the epoch is claimed and names every other object with its full key, length and checksum, so a
//! manifest that can be read and whose objects are there is a complete checkpoint. This module is plain data; building one
//! is `assemble`, reading a job's state back from one is `restore`, bytes are `wire`.
//!
//! Example: an aggregate at parallelism 2 whose subtask 0 wrote a base and then two deltas has four segments here, subtask
//! 1's base `[128, 256)` being the fourth. When subtask 0 sends a new base `[0, 128)`, the three older ones disappear.

use millstream_model::control::BarrierKind;
use millstream_model::snapshot::{ObjectRef, OperatorFacts, SplitState, StagedSegment, StateSegment};
use millstream_model::{Attempt, CheckpointId, Epoch, Generation, JobIdentity, OperatorUid, SubtaskId};
use serde::{Deserialize, Serialize};

/// A complete checkpoint of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Whose state it is; a manifest of another job is refused.
    pub job: JobIdentity,
    /// The checkpoint's own number, from its trigger on. The epoch that it becomes is in the epoch log alone.
    pub checkpoint: CheckpointId,
    /// The coordinator that wrote it.
    pub generation: Generation,
    /// The deployment whose tasks are in it.
    pub attempt: Attempt,
    /// When it was assembled, by the coordinator's clock; for people.
    pub created_at_ms: u64,
    /// Number of key groups of the job.
    pub max_parallelism: u32,
    /// Fingerprint of the job graph that it was taken from.
    pub fingerprint: String,
    /// The SQL that the graph was compiled from.
    pub sql: String,
    /// Version of the engine that wrote it.
    pub engine_version: String,
    /// What became of the job at this checkpoint.
    pub outcome: Outcome,
    /// Every operator of the graph.
    pub operators: Vec<OperatorState>,
    /// Every source of the graph.
    pub sources: Vec<SourceState>,
    /// Every sink of the graph that stages its output.
    pub sinks: Vec<SinkState>,
    /// Subtasks that had seen the end of all their input.
    pub finished: Vec<SubtaskId>,
}

/// What became of the job at a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// It went on.
    Running,
    /// It was stopped behind this checkpoint; running it again continues.
    Stopped,
    /// All input has ended and everything is in this checkpoint; running it again does nothing.
    Finished,
}

impl Outcome {
    /// What a checkpoint of `kind` means when `is_finished` says that every subtask has seen the end of its input.
    #[must_use]
    pub const fn of(kind: BarrierKind, is_finished: bool) -> Self {
        match (is_finished, kind) {
            (true, _) => Self::Finished,
            (false, BarrierKind::Stop | BarrierKind::Drain) => Self::Stopped,
            (false, BarrierKind::Checkpoint | BarrierKind::Savepoint) => Self::Running,
        }
    }

    /// Whether no further checkpoint of this run follows. Such a checkpoint leaves no staged output pending.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Running)
    }
}

/// One operator's part of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorState {
    /// Its stable identity.
    pub uid: OperatorUid,
    /// For people.
    pub name: String,
    /// Hash of what it computes, to tell `Kept` from `Kept, input changed`.
    pub meaning: String,
    /// Number of its subtasks.
    pub parallelism: u32,
    /// Whether it keeps keyed state, even if it has none at the moment.
    pub is_stateful: bool,
    /// Its state, table by table, in the order in which segments must be applied.
    pub segments: Vec<StateSegment>,
    /// The minimum of its subtasks' watermarks, the sum of their counters.
    pub facts: OperatorFacts,
}

/// One source's part of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceState {
    /// Its stable identity.
    pub uid: OperatorUid,
    /// The enumerator's own encoding of what it has found.
    pub enumerator: Vec<u8>,
    /// Every split ever found and not forgotten: finished, being read, and waiting (with an empty position).
    pub splits: Vec<SplitState>,
}

/// One staged sink's part of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkState {
    /// Its stable identity: the table's name.
    pub uid: OperatorUid,
    /// Publisher slots of the sink: the highest parallelism it ever had; only grows.
    pub slots: u32,
    /// The newest epoch before this checkpoint that had output here; `None` if none is known. Once everything older than this
    /// checkpoint is visible, the target's progress record must have reached it.
    pub last_output: Option<Epoch>,
    /// Output that becomes visible once this checkpoint is owned, in the order in which it was staged.
    pub publications: Vec<Publication>,
    /// Output that waits for a later checkpoint, by the roll policy.
    pub pending: Vec<StagedSegment>,
    /// Keys of segments that an earlier epoch publishes and that a subtask still reported, because it had not yet heard
    /// that the epoch is owned. They must not be published twice; a subtask can only repeat what it reported before, so
    /// this list, `pending` and `publications` are all that the next checkpoint has to compare with.
    pub repeated: Vec<String>,
}

/// One unit of visible output: a file, or one transaction of a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// `{checkpoint:010}-{generation}-{slot}-{n}`: unique within the sink for the life of the job, because a checkpoint
    /// number and generation are claimed once. Final names derive from it.
    pub id: String,
    /// The slot that has to publish it.
    pub slot: u32,
    /// The connector's own grouping: for files the partition's folder, else empty.
    pub partition: String,
    /// The staged rows, in order; never empty.
    pub segments: Vec<StagedSegment>,
}

impl Publication {
    /// The id of the `n`-th publication of `slot` in a checkpoint.
    #[must_use]
    pub fn id_of(checkpoint: CheckpointId, generation: Generation, slot: u32, n: usize) -> String {
        format!("{:010}-{generation}-{slot}-{n}", checkpoint.0)
    }

    /// Rows in it.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.segments.iter().map(|s| s.rows).sum()
    }

    /// Bytes of its staged segments.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|s| s.object.length).sum()
    }
}

impl Manifest {
    /// Every object that must be in the bucket for this checkpoint to be complete. Staged output that only earlier epochs
    /// publish is not among them.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectRef> {
        let state = self.operators.iter().flat_map(|o| &o.segments).map(|s| &s.object);
        let pending = self.sinks.iter().flat_map(|s| &s.pending);
        let publications = self.sinks.iter().flat_map(|s| &s.publications).flat_map(|p| &p.segments);
        state.chain(pending.chain(publications).map(|s| &s.object))
    }

    /// The operator with this uid, if the checkpoint has it.
    #[must_use]
    pub fn operator(&self, uid: &OperatorUid) -> Option<&OperatorState> {
        self.operators.iter().find(|o| o.uid == *uid)
    }

    /// The source with this uid, if the checkpoint has it.
    #[must_use]
    pub fn source(&self, uid: &OperatorUid) -> Option<&SourceState> {
        self.sources.iter().find(|s| s.uid == *uid)
    }

    /// The staged sink with this uid, if the checkpoint has it.
    #[must_use]
    pub fn sink(&self, uid: &OperatorUid) -> Option<&SinkState> {
        self.sinks.iter().find(|s| s.uid == *uid)
    }
}
