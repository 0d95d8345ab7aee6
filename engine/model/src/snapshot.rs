//! What a subtask reports about a checkpoint, and what it gets back when it is restored.
//!
//! Small values (positions, watermarks) travel inline; state tables and staged output are objects in the bucket that were
//! uploaded before the report, referenced with length and checksum.

use serde::{Deserialize, Serialize};

use crate::id::{OperatorUid, SplitId, SubtaskId};
use crate::key_group::KeyGroupRange;
use crate::time::{EventTime, Watermark};

/// An immutable object in the job's bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRef {
    /// Full key, relative to the storage root.
    pub key: String,
    /// Length in bytes.
    pub length: u64,
    /// xxh3-64 of the whole object.
    pub checksum: u64,
}

/// A part of a state table: rows sorted by (key group, key), deletions included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateSegment {
    /// Whose state.
    pub operator: OperatorUid,
    /// Which of its tables.
    pub table: String,
    /// The object.
    pub object: ObjectRef,
    /// Rows in it.
    pub rows: u64,
    /// Which key groups it may hold.
    pub key_groups: KeyGroupRange,
    /// `true`: the table's whole content in these key groups, superseding every earlier segment of this subtask.
    /// `false`: changes on top of the earlier ones.
    pub is_base: bool,
}

/// A split with the position after the last row that is in the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitState {
    /// Which split.
    pub split: SplitId,
    /// The connector's own description of the split, enough to open it again.
    pub descriptor: Vec<u8>,
    /// The connector's own position; empty at the start.
    pub position: Vec<u8>,
    /// The split's running watermark: a lower bound after a restore, so that a row that was late stays late.
    pub watermark: Watermark,
    /// Whether the split was excluded from the minimum.
    pub is_idle: bool,
    /// Whether every row of the split is in the checkpoint.
    pub is_finished: bool,
}

/// Output that a sink staged, not visible yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedSegment {
    /// The sink.
    pub sink: OperatorUid,
    /// Publisher slot that has to publish it: the subtask that wrote it.
    pub slot: u32,
    /// The connector's own grouping within a slot: for files the partition's folder, else empty.
    pub partition: String,
    /// The encoded rows.
    pub object: ObjectRef,
    /// Rows in it.
    pub rows: u64,
    /// When it was closed, in milliseconds since the epoch by the worker's clock; only the roll policy looks at it.
    pub closed_at_ms: u64,
}

/// Counters that belong to the checkpoint, so that they survive a restart and count each row once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorCounters {
    /// Rows that came in.
    pub rows_in: u64,
    /// Rows that went out.
    pub rows_out: u64,
    /// Rows dropped because they were behind the watermark.
    pub late_dropped: u64,
    /// Malformed records skipped.
    pub skipped: u64,
    /// Retractions for rows that are not there.
    pub lost_retractions: u64,
}

impl OperatorCounters {
    /// Adds the counts of `other`.
    pub fn add(&mut self, other: Self) {
        self.rows_in += other.rows_in;
        self.rows_out += other.rows_out;
        self.late_dropped += other.late_dropped;
        self.skipped += other.skipped;
        self.lost_retractions += other.lost_retractions;
    }
}

/// Small per-operator facts of one subtask at a barrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorFacts {
    /// Which operator.
    pub operator: OperatorUid,
    /// Its input watermark: a lower bound after a restore, so that a fired window stays fired.
    pub watermark: Watermark,
    /// What it counted since the job began (restored counts included, on subtask 0 after a rescale).
    pub counters: OperatorCounters,
}

/// Everything one subtask contributes to a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtaskSnapshot {
    /// Who.
    pub subtask: SubtaskId,
    /// State segments since the last epoch that this subtask knows to be owned.
    pub segments: Vec<StateSegment>,
    /// Splits assigned to it, if it is a source.
    pub splits: Vec<SplitState>,
    /// One entry an operator.
    pub facts: Vec<OperatorFacts>,
    /// Output staged since the last epoch that this subtask knows to be owned.
    pub staged: Vec<StagedSegment>,
    /// Whether the subtask has seen the end of all its input.
    pub is_finished: bool,
    /// Length of the synchronous part, in microseconds.
    pub freeze_us: u64,
}

/// What a subtask starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtaskRestore {
    /// Segments of its operators that overlap its key groups, in the order in which they must be applied.
    pub segments: Vec<StateSegment>,
    /// Its share of the facts: the watermark is the minimum over the old subtasks, counters go to subtask 0.
    pub facts: Vec<OperatorFacts>,
}

/// How far a subtask has come, for progress displays. Not part of any checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtaskProgress {
    /// Sum over the chain's source, or head, of rows in.
    pub rows_in: u64,
    /// Rows that left the chain.
    pub rows_out: u64,
    /// Late rows dropped.
    pub late_dropped: u64,
    /// Malformed records skipped.
    pub skipped: u64,
    /// Current watermark; `None` before the first.
    pub watermark: Option<EventTime>,
    /// For a bounded source: bytes (or rows) read of those it was assigned.
    pub position: Option<(u64, u64)>,
    /// Bytes of state in memory, by estimate.
    pub state_bytes: u64,
    /// Bytes of state on the worker's disk.
    pub spilled_bytes: u64,
    /// Microseconds spent working, waiting for room downstream, and waiting for input.
    pub busy_us: u64,
    /// See `busy_us`.
    pub backpressured_us: u64,
    /// See `busy_us`.
    pub idle_us: u64,
}
