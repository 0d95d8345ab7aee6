//! Sinks: writers encode rows, publishers make them visible.
//!
//! A staged sink's writer never touches the target: it closes segments at barriers, the worker stores them with the
//! checkpoint, and after the epoch is owned the publisher makes them visible and moves the target's progress record. A
//! direct sink writes at once, at least once.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use millstream_batch::StreamBatch;
use millstream_model::Epoch;
use millstream_model::graph::RollPolicy;
use millstream_model::snapshot::{ObjectRef, StagedSegment};

use crate::error::ConnectorError;

/// Who writes: subtask `index` of `parallelism`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriterContext {
    /// Which subtask; also the publisher slot.
    pub index: u32,
    /// Of how many.
    pub parallelism: u32,
}

/// The writable side of a table.
pub trait Sink: Send + Sync {
    /// Whether rows other than `+I` are understood.
    fn accepts_updates(&self) -> bool;

    /// Whether output is staged and published (exactly once) rather than written at once (at least once).
    fn is_staged(&self) -> bool;

    /// When pending segments become visible; only for staged sinks.
    fn roll_policy(&self) -> RollPolicy {
        RollPolicy { bytes: 0, age_ms: 0 }
    }

    /// More subtasks than this cannot write; `None` if there is no such limit.
    fn max_parallelism(&self) -> Option<u32> {
        None
    }

    /// The worker's side.
    ///
    /// # Errors
    /// When the target cannot be reached.
    fn writer(&self, context: WriterContext) -> Result<Box<dyn SinkWriter>, ConnectorError>;

    /// The coordinator's side; `None` for a direct sink.
    ///
    /// # Errors
    /// When the options do not fit the target.
    fn publisher(&self) -> Result<Option<Box<dyn Publisher>>, ConnectorError>;
}

/// Encoded rows that a writer is done with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedSegment {
    /// The connector's own grouping, for files the partition's folder; else empty.
    pub partition: String,
    /// The rows, encoded so that segments of one partition can be joined end to end.
    pub bytes: Bytes,
    /// How many rows.
    pub rows: u64,
}

/// Encodes or writes rows. Synchronous; must not block on the network.
pub trait SinkWriter: Send {
    /// Takes the rows of a batch.
    ///
    /// # Errors
    /// When a row cannot be encoded, or a direct write fails.
    fn write(&mut self, batch: &StreamBatch) -> Result<(), ConnectorError>;

    /// Bytes that wait in memory for [`Self::close_segments`].
    fn buffered_bytes(&self) -> usize;

    /// Ends the open segments and hands them over; empty for a direct sink. Called at every barrier, and earlier when
    /// much is buffered.
    ///
    /// # Errors
    /// When encoding cannot be completed.
    fn close_segments(&mut self) -> Result<Vec<ClosedSegment>, ConnectorError>;

    /// Pushes what a direct sink has buffered to the outside. Called at every barrier and when input runs dry.
    ///
    /// # Errors
    /// When the write fails.
    fn flush(&mut self) -> Result<(), ConnectorError>;
}

/// Segments that become visible together: for files, one final file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedOutput {
    /// Unique for ever within the job: `<checkpoint>-<generation>-<slot>-<n>`, fixed in the manifest.
    pub id: String,
    /// Publisher slot.
    pub slot: u32,
    /// The connector's own grouping.
    pub partition: String,
    /// The staged segments, in order.
    pub segments: Vec<StagedSegment>,
}

/// Reads staged segments back, verified against their checksums.
#[async_trait]
pub trait StagedReader: Send + Sync {
    /// The content of a staged object.
    ///
    /// # Errors
    /// When it is missing, damaged or cannot be reached; the text says which.
    async fn read(&self, object: &ObjectRef) -> Result<Bytes, String>;
}

/// Makes owned output visible. One per sink, driven by the coordinator, epochs in ascending order.
#[async_trait]
pub trait Publisher: Send + fmt::Debug {
    /// Says whose output this is: the job's identity and something that is new whenever the job starts afresh, so that its
    /// progress records are told from those of others. Called before anything else, or never: then records of any owner
    /// are taken for one's own.
    fn set_owner(&mut self, _owner: &str) {}

    /// The newest epoch that the target itself says is published; `None` if it has no progress record.
    ///
    /// # Errors
    /// When the target cannot be reached or its record cannot be read.
    async fn progress(&mut self) -> Result<Option<Epoch>, ConnectorError>;

    /// Makes all outputs of `epoch` visible, then moves the progress record to it. May be called again for the same epoch
    /// after any failure, by this or another process, and must then leave the same result. An epoch at or below the
    /// progress record is a no-op.
    ///
    /// # Errors
    /// When it is not known to be complete: the caller asks again, with a new publisher.
    async fn publish(
        &mut self,
        epoch: Epoch,
        outputs: &[StagedOutput],
        staged: &dyn StagedReader,
    ) -> Result<(), ConnectorError>;
}
