//! Sources: an enumerator finds splits, readers read them.
//!
//! Positions and split descriptions are the connector's own bytes; they are stored in checkpoints, so their encodings are
//! persistent formats.

use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use millstream_model::snapshot::SplitState;

use crate::error::ConnectorError;

/// The readable side of a table. Shared by the coordinator (enumerator) and the workers (readers).
pub trait Source: Send + Sync {
    /// Whether the input ends by itself.
    fn is_bounded(&self) -> bool;

    /// More subtasks than this would have nothing to read; `None` if there is no such limit.
    fn max_parallelism(&self) -> Option<u32> {
        None
    }

    /// Splits that one task may have open at a time: with as much as a reader holds, what it takes in memory. 16 is right for
    /// readers that hold a few hundred KB.
    fn max_open_splits(&self) -> usize {
        16
    }

    /// The coordinator's side: finds splits.
    ///
    /// # Errors
    /// When the outside cannot be reached or the options do not fit what is there.
    fn enumerator(&self) -> Result<Box<dyn Enumerator>, ConnectorError>;

    /// The worker's side: reads one split from its stored position, decoding only the columns of `projection` (a subset
    /// of the table's physical columns, by name, in that order; may be empty: then only the number of rows counts).
    ///
    /// # Errors
    /// When the split is gone or shorter than the position, or cannot be opened.
    fn open(&self, split: &SplitState, projection: SchemaRef)
    -> Result<Box<dyn SplitReader>, ConnectorError>;
}

/// What an enumerator found since it was last asked.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// New splits, each at its start; ids never repeat.
    pub splits: Vec<SplitState>,
    /// Whether there will never be another one.
    pub is_complete: bool,
}

/// Finds splits. May block; it is called on a thread that may.
pub trait Enumerator: Send {
    /// Looks for splits that it has not reported yet.
    ///
    /// # Errors
    /// When the outside cannot be reached.
    fn discover(&mut self) -> Result<Discovery, ConnectorError>;

    /// What it has reported, as bytes for a checkpoint.
    fn snapshot(&self) -> Vec<u8>;

    /// Continues after a snapshot: nothing in it is reported again.
    ///
    /// # Errors
    /// When the bytes cannot be understood.
    fn restore(&mut self, state: &[u8]) -> Result<(), ConnectorError>;

    /// How long to wait before looking again; not used once discovery is complete.
    fn interval(&self) -> Duration {
        Duration::from_secs(10)
    }
}

/// What a reader came up with.
#[derive(Debug)]
pub enum ReadOutcome {
    /// Rows, and the position after the last of them.
    Batch(ReadBatch),
    /// Nothing now; ask again after a moment.
    Pending(Duration),
    /// The split is read to its end.
    End,
}

/// Decoded rows with the position after them.
#[derive(Debug)]
pub struct ReadBatch {
    /// The projected columns.
    pub columns: RecordBatch,
    /// Where to continue after these rows.
    pub position: Vec<u8>,
    /// Malformed records skipped on the way.
    pub skipped: u64,
    /// For progress: bytes (or rows) of the split consumed so far, and its length, if the split is bounded.
    pub progress: Option<(u64, u64)>,
}

/// Reads one split in order. May block; it runs on a thread of its own.
pub trait SplitReader: Send {
    /// The next rows, at most `max_rows`; must not wait longer than about 100 ms when there is nothing.
    ///
    /// # Errors
    /// A malformed record under `fail`, or a failure of the outside.
    fn read(&mut self, max_rows: usize) -> Result<ReadOutcome, ConnectorError>;
}
