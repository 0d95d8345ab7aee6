//! First phase of a group aggregate, before the exchange: one partial row a key instead of many rows.
//!
//! Holds rows back until it is flushed, until its table is full, or for as long as the plan allows; it has no state in
//! checkpoints, because a flush precedes every barrier. Example: `COUNT(*)` over `JFK, LGA, JFK` flushes `JFK 2, LGA 1`, in the order of first rows.

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use millstream_batch::StreamBatch;
use millstream_model::snapshot::OperatorCounters;
use millstream_plan::LocalAggregateSpec;

use crate::aggregate::{Changes, PartialTable};
use crate::batch_keys::BatchKeys;
use crate::error::OperatorError;
use crate::operator::{Clock, Operator, Output, Progress};
use crate::pending::Pending;

/// The operator.
pub(crate) struct LocalAggregate {
    spec: LocalAggregateSpec,
    key_types: Vec<DataType>,
    table: PartialTable,
    clock: Clock,
    /// When the first of the rows came that are held back, if that matters.
    held_since_ms: Option<i64>,
    pending: Pending,
    counters: OperatorCounters,
}

impl LocalAggregate {
    pub(crate) fn new(spec: LocalAggregateSpec, clock: Clock) -> Result<Self, OperatorError> {
        if spec.calls.iter().any(|c| c.is_distinct) {
            return Err(OperatorError::Plan("DISTINCT has one phase".into()));
        }
        let fields = spec.schema.fields();
        let key_types = fields.iter().take(spec.keys.len()).map(|f| f.data_type().clone()).collect();
        let table = PartialTable::new(&spec.calls, Changes::AppendOnly)?;
        Ok(Self {
            spec,
            key_types,
            table,
            clock,
            held_since_ms: None,
            pending: Pending::default(),
            counters: OperatorCounters::default(),
        })
    }

    /// Whether rows were held back for as long as they may be. Asked once a batch: when no more come, there is a flush.
    fn has_held_long(&mut self) -> bool {
        let Some(limit) = self.spec.max_hold_ms else { return false };
        let now = self.clock.now_ms();
        let since = *self.held_since_ms.get_or_insert(now);
        // A clock that was set back must not hold rows.
        !(since..since.saturating_add(limit)).contains(&now)
    }

    fn empty_table(&mut self) -> Result<(), OperatorError> {
        self.held_since_ms = None;
        if self.table.is_empty() {
            return Ok(());
        }
        let columns = self.table.partial_columns(&self.key_types)?;
        let rows = RecordBatch::try_new(self.spec.schema.clone(), columns)
            .map_err(OperatorError::columns("build partial rows"))?;
        self.pending.push(StreamBatch::new(rows));
        self.table.clear()?;
        Ok(())
    }
}

impl Operator for LocalAggregate {
    fn process(&mut self, batch: StreamBatch, out: &mut Output) -> Result<Progress, OperatorError> {
        self.counters.rows_in += batch.num_rows() as u64;
        let keys = BatchKeys::of(&batch, &self.spec.keys)?;
        self.table.update(&batch, &keys)?;
        if self.has_held_long() || self.table.is_full() {
            self.empty_table()?;
        }
        self.resume(out)
    }

    fn resume(&mut self, out: &mut Output) -> Result<Progress, OperatorError> {
        Ok(self.pending.drain(out, &mut self.counters))
    }

    fn flush(&mut self, out: &mut Output) -> Result<Progress, OperatorError> {
        self.empty_table()?;
        self.resume(out)
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
