//! Filter, then projection. Keeps nothing between batches.
//!
//! Example: `SELECT a + 1 WHERE b` over `(1, TRUE) (2, FALSE)` gives `(2)`. Change kinds and row watermarks follow their rows.

use arrow::array::{RecordBatch, RecordBatchOptions};
use millstream_batch::StreamBatch;
use millstream_model::snapshot::OperatorCounters;
use millstream_plan::CalcSpec;

use crate::error::OperatorError;
use crate::operator::{Clock, Operator, Output, Progress};

/// The operator.
#[derive(Debug)]
pub(crate) struct Calc {
    spec: CalcSpec,
    clock: Clock,
    reads_clock: bool,
    counters: OperatorCounters,
}

impl Calc {
    pub(crate) fn new(spec: CalcSpec, clock: Clock) -> Result<Self, OperatorError> {
        let types = spec.project.iter().map(|e| e.data_type());
        if !types.eq(spec.schema.fields().iter().map(|f| f.data_type())) {
            return Err(OperatorError::Plan("a projection does not have the types of its schema".into()));
        }
        let reads_clock = spec.project.iter().chain(&spec.filter).any(|e| e.reads_clock());
        Ok(Self { spec, clock, reads_clock, counters: OperatorCounters::default() })
    }

    fn apply(&self, batch: StreamBatch) -> Result<StreamBatch, OperatorError> {
        let now = if self.reads_clock { self.clock.now_ms() } else { 0 };
        let kept = match &self.spec.filter {
            None => batch,
            Some(filter) => {
                let mask = filter.evaluate_predicate_at(batch.columns(), now)?;
                batch.filter(&mask).map_err(OperatorError::columns("filter rows"))?
            }
        };
        if kept.num_rows() == 0 {
            return Ok(kept);
        }
        let evaluated = self.spec.project.iter().map(|e| e.evaluate_at(kept.columns(), now));
        let columns = evaluated.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(kept.num_rows()));
        let columns = RecordBatch::try_new_with_options(self.spec.schema.clone(), columns, &options)
            .map_err(OperatorError::columns("project columns"))?;
        Ok(kept.map_columns(columns))
    }
}

impl Operator for Calc {
    fn process(&mut self, batch: StreamBatch, out: &mut Output) -> Result<Progress, OperatorError> {
        self.counters.rows_in += batch.num_rows() as u64;
        let result = self.apply(batch)?;
        self.counters.rows_out += result.num_rows() as u64;
        out.emit(result);
        Ok(Progress::Done)
    }

    fn counters(&self) -> OperatorCounters {
        self.counters
    }

    fn restore_counters(&mut self, counters: OperatorCounters) {
        self.counters = counters;
    }
}
