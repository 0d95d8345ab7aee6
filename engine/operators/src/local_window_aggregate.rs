//! First phase of a windowed aggregate, before the exchange: judges lateness and aggregates per slice and key.
//!
//! Emits `slice_end, visible_from`, the keys, the partial states and the number of rows; the second phase does the windows. Has
//! no state in checkpoints, because a flush precedes every barrier and every watermark. Example: over windows of 10 s, the rows
//! `JFK 1 s, JFK 2 s, JFK 11 s` flush as `10 s, 10 s, JFK, .., 2` and `20 s, 20 s, JFK, .., 1`.

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use millstream_batch::StreamBatch;
use millstream_model::Watermark;
use millstream_model::snapshot::OperatorCounters;
use millstream_plan::WindowAggregateSpec;

use crate::aggregate::{Changes, PartialTable};
use crate::batch_keys::BatchKeys;
use crate::error::OperatorError;
use crate::event_time::{window_times, window_watermarks};
use crate::operator::{Operator, Output, Progress};
use crate::pending::Pending;
use crate::window::{WindowKeys, assign};
use crate::window_aggregate::kept_rows;

/// The operator.
pub(crate) struct LocalWindowAggregate {
    spec: WindowAggregateSpec,
    /// Slice end, visible from, keys.
    prefix_types: Vec<DataType>,
    table: PartialTable,
    watermark: Watermark,
    pending: Pending,
    counters: OperatorCounters,
}

impl LocalWindowAggregate {
    pub(crate) fn new(spec: WindowAggregateSpec) -> Result<Self, OperatorError> {
        if spec.is_retracting || spec.calls.iter().any(|c| c.is_distinct) {
            return Err(OperatorError::Plan("retractions and DISTINCT have one phase".into()));
        }
        if spec.window.is_session() {
            return Err(OperatorError::Plan("sessions have one phase".into()));
        }
        if spec.window.size() <= 0 || spec.window.slide() <= 0 {
            return Err(OperatorError::Plan("a window without length".into()));
        }
        let mut prefix_types = vec![DataType::Int64, DataType::Int64];
        prefix_types.extend(spec.keys.iter().map(|k| spec.rows_schema.field(*k).data_type().clone()));
        Ok(Self {
            table: PartialTable::new(&spec.calls, Changes::AppendOnly)?,
            spec,
            prefix_types,
            watermark: Watermark::MIN,
            pending: Pending::default(),
            counters: OperatorCounters::default(),
        })
    }

    fn apply(&mut self, batch: StreamBatch) -> Result<(), OperatorError> {
        let times = window_times(batch.columns(), &self.spec.window)?;
        let row_watermark = window_watermarks(&self.spec.window, batch.row_watermark().map(|w| &w[..]));
        let assigned = assign(&self.spec.window, &times, row_watermark.as_deref(), self.watermark);
        self.counters.late_dropped += assigned.late;
        let batch = kept_rows(batch, &assigned)?;
        let keys = WindowKeys::of(&batch, &self.spec.keys, assigned.slice_ends, assigned.visible_from)?;
        self.table.update(&batch, &BatchKeys { encoded: keys.encoded, hashes: keys.index_hashes })
    }

    fn empty_table(&mut self) -> Result<(), OperatorError> {
        if self.table.is_empty() {
            return Ok(());
        }
        let columns = self.table.partial_columns(&self.prefix_types)?;
        let rows = RecordBatch::try_new(self.spec.schema.clone(), columns)
            .map_err(OperatorError::columns("build partial rows"))?;
        self.pending.push(StreamBatch::new(rows));
        self.table.clear()?;
        Ok(())
    }
}

impl Operator for LocalWindowAggregate {
    fn process(&mut self, batch: StreamBatch, out: &mut Output) -> Result<Progress, OperatorError> {
        self.counters.rows_in += batch.num_rows() as u64;
        if batch.num_rows() > 0 {
            self.apply(batch)?;
        }
        if self.table.is_full() {
            self.empty_table()?;
        }
        self.resume(out)
    }

    fn resume(&mut self, out: &mut Output) -> Result<Progress, OperatorError> {
        Ok(self.pending.drain(out, &mut self.counters))
    }

    fn on_watermark(&mut self, watermark: Watermark, _out: &mut Output) -> Result<Progress, OperatorError> {
        self.watermark = self.watermark.max(self.spec.window.watermark(watermark));
        Ok(Progress::Done)
    }

    fn flush(&mut self, out: &mut Output) -> Result<Progress, OperatorError> {
        self.empty_table()?;
        self.resume(out)
    }

    fn restore(
        &mut self,
        tables: Vec<millstream_state::RestoredTable>,
        watermark: Watermark,
    ) -> Result<(), OperatorError> {
        self.watermark = self.spec.window.watermark(watermark);
        match tables.first() {
            None => Ok(()),
            Some(table) => Err(OperatorError::UnknownTable { table: table.name.clone() }),
        }
    }

    fn counters(&self) -> OperatorCounters {
        self.counters
    }

    fn restore_counters(&mut self, counters: OperatorCounters) {
        self.counters = counters;
    }

    fn state_bytes(&self) -> usize {
        self.table.bytes()
    }
}
