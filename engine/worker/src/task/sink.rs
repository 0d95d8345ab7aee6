//! The tail of a chain that writes out of the job.

use arrow::array::Array;
use millstream_batch::StreamBatch;
use millstream_connectors::sink::{ClosedSegment, SinkWriter};
use millstream_model::snapshot::OperatorCounters;
use millstream_model::{OperatorUid, Watermark};

use crate::error::TaskError;

/// Encoded rows of one writer beyond which its segments are closed before the next barrier, so that a long checkpoint
/// interval does not keep them in memory.
const MAX_BUFFERED_BYTES: usize = 8 * 1024 * 1024;

/// A sink's writer with what it has closed.
pub(crate) struct SinkStage {
    pub(crate) uid: OperatorUid,
    pub(crate) name: String,
    pub(crate) watermark: Watermark,
    pub(crate) counters: OperatorCounters,
    writer: Box<dyn SinkWriter>,
    /// Columns that must not be NULL, with their names.
    not_null: Vec<(usize, String)>,
    closed: Vec<ClosedSegment>,
}

impl SinkStage {
    pub(crate) fn new(
        uid: OperatorUid,
        name: String,
        writer: Box<dyn SinkWriter>,
        not_null: Vec<(usize, String)>,
    ) -> Self {
        Self {
            uid,
            name,
            watermark: Watermark::MIN,
            counters: OperatorCounters::default(),
            writer,
            not_null,
            closed: Vec::new(),
        }
    }

    pub(crate) fn write(&mut self, batch: &StreamBatch) -> Result<(), TaskError> {
        for (column, name) in &self.not_null {
            if batch.column(*column).null_count() > 0 {
                return Err(TaskError::Data {
                    operator: self.name.clone(),
                    message: format!(
                        "NULL for column `{name}`, which the table declares NOT NULL; filter such rows or drop the constraint"
                    ),
                });
            }
        }
        self.writer.write(batch)?;
        self.counters.rows_in += batch.num_rows() as u64;
        if self.writer.buffered_bytes() >= MAX_BUFFERED_BYTES {
            self.closed.extend(self.writer.close_segments()?);
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> Result<(), TaskError> {
        Ok(self.writer.flush()?)
    }

    /// Segments closed since the last call, without ending the open ones.
    pub(crate) fn take_closed(&mut self) -> Vec<ClosedSegment> {
        std::mem::take(&mut self.closed)
    }

    /// Ends the open segments and takes all, for a barrier.
    pub(crate) fn close(&mut self) -> Result<Vec<ClosedSegment>, TaskError> {
        self.writer.flush()?;
        self.closed.extend(self.writer.close_segments()?);
        Ok(self.take_closed())
    }
}
