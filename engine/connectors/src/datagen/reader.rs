//! Generates the rows of one split.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use millstream_model::snapshot::SplitState;

use crate::clock::Clock;
use crate::datagen::DatagenSpec;
use crate::datagen::column::{RowNumbers, generate};
use crate::datagen::field::FieldValues;
use crate::datagen::split::{DatagenSplit, decode_position, encode_position};
use crate::error::ConnectorError;
use crate::pace::Pace;
use crate::source::{ReadBatch, ReadOutcome, SplitReader};

/// A batch has about this many bytes at most, but at least one row.
const MAX_BATCH_BYTES: u64 = 1024 * 1024;

/// See the module.
pub(super) struct DatagenReader {
    spec: Arc<DatagenSpec>,
    clock: Clock,
    split: DatagenSplit,
    projection: SchemaRef,
    /// Rows of the split that were read.
    done: u64,
    /// Rows of the split; `None`: without end.
    rows: Option<u64>,
    pace: Option<Pace>,
    max_rows: u64,
}

impl DatagenReader {
    pub(super) fn open(
        spec: Arc<DatagenSpec>,
        clock: Clock,
        state: &SplitState,
        projection: SchemaRef,
    ) -> Result<Self, ConnectorError> {
        let refuse = |message: String| ConnectorError::Position { table: spec.table.clone(), message };
        let split = DatagenSplit::decode(&state.descriptor).map_err(refuse)?;
        let done = decode_position(&state.position).map_err(refuse)?;
        let row_bytes: u64 = spec
            .fields
            .iter()
            .filter(|f| projection.index_of(&f.name).is_ok())
            .map(|f| if let FieldValues::Text { length, .. } = f.values { length } else { 8 })
            .sum();
        let pace = (spec.rows_per_second > 0)
            .then(|| Pace::new(spec.rows_per_second as f64 / f64::from(split.splits), clock.elapsed()));
        Ok(Self {
            rows: spec.rows.map(|rows| split.rows(rows)),
            max_rows: (MAX_BATCH_BYTES / row_bytes.max(1)).max(1),
            spec,
            clock,
            split,
            projection,
            done,
            pace,
        })
    }
}

impl SplitReader for DatagenReader {
    fn read(&mut self, max_rows: usize) -> Result<ReadOutcome, ConnectorError> {
        let left = self.rows.map_or(u64::MAX, |rows| rows.saturating_sub(self.done));
        if left == 0 {
            return Ok(ReadOutcome::End);
        }
        let mut count = left.min(self.max_rows).min(max_rows.max(1) as u64);
        if let Some(pace) = &mut self.pace {
            let now = self.clock.elapsed();
            count = count.min(pace.due(now));
            if count == 0 {
                return Ok(ReadOutcome::Pending(pace.wait(now)));
            }
            pace.handed_over(count);
        }
        let step = u64::from(self.split.splits);
        let first = u64::from(self.split.index) + self.done * step;
        let rows = RowNumbers { first, step, count: usize::try_from(count).unwrap_or(1) };
        let columns = self
            .projection
            .fields()
            .iter()
            .map(|wanted| match self.spec.fields.iter().find(|f| f.name == *wanted.name()) {
                Some(field) => generate(&self.spec, field, rows, self.split.start_ms),
                None => arrow::array::new_null_array(wanted.data_type(), rows.count),
            })
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows.count));
        let columns = RecordBatch::try_new_with_options(self.projection.clone(), columns, &options).map_err(
            |error| ConnectorError::Encode { table: self.spec.table.clone(), message: error.to_string() },
        )?;
        self.done += count;
        Ok(ReadOutcome::Batch(ReadBatch {
            columns,
            position: encode_position(self.done),
            skipped: 0,
            progress: self.rows.map(|rows| (self.done, rows)),
        }))
    }
}
