//! A window table function without an aggregate: every row once for each of its windows, with the window's columns.
//!
//! Lateness is not its business: as in Flink, no row is dropped here but one in a gap between windows. Example: in
//! `HOP(slide 2 s, size 6 s)` a row at 5 s becomes three rows, of the windows that end at 6, 8 and 10 s.

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use millstream_batch::{MAX_BATCH_ROWS, StreamBatch};
use millstream_model::snapshot::OperatorCounters;
use millstream_model::time::MILLISECOND;
use millstream_plan::WindowAssignSpec;

use crate::error::OperatorError;
use crate::event_time::{window_bounds, window_times};
use crate::operator::{Operator, Output, Progress};

/// Columns that the operator adds: start, end, time.
const WINDOW_COLUMNS: usize = 3;

/// The operator.
#[derive(Debug)]
pub(crate) struct WindowAssign {
    spec: WindowAssignSpec,
    /// A batch that is not done, the times of its rows, and the first (row, window end) that waits.
    rest: Option<(StreamBatch, Vec<i64>, Next)>,
    counters: OperatorCounters,
}

#[derive(Clone, Copy, Debug)]
struct Next {
    row: usize,
    /// `None`: the first window of the row.
    end: Option<i64>,
}

impl WindowAssign {
    pub(crate) fn new(spec: WindowAssignSpec) -> Result<Self, OperatorError> {
        if spec.window.is_session() {
            return Err(OperatorError::Plan("sessions without an aggregate".into()));
        }
        if spec.window.size() <= 0 || spec.window.slide() <= 0 {
            return Err(OperatorError::Plan("a window without length".into()));
        }
        if spec.schema.fields().len() < WINDOW_COLUMNS {
            return Err(OperatorError::Plan("a window function without window columns".into()));
        }
        Ok(Self { spec, rest: None, counters: OperatorCounters::default() })
    }

    /// Rows and window ends of the next batch of output.
    fn next_rows(&self, times: &[i64], mut next: Next) -> (Vec<u32>, Vec<i64>, Next) {
        let window = &self.spec.window;
        let (mut rows, mut ends) = (Vec::new(), Vec::new());
        while next.row < times.len() && rows.len() < MAX_BATCH_ROWS {
            let slice_end = window.slice_end(times[next.row]);
            let end = next.end.unwrap_or_else(|| window.first_window_end(slice_end));
            if end > window.last_window_end(slice_end) {
                next = Next { row: next.row + 1, end: None };
                continue;
            }
            rows.push(next.row as u32);
            ends.push(end);
            next.end = Some(end + window.slide());
        }
        (rows, ends, next)
    }

    fn with_windows(
        &self,
        batch: &StreamBatch,
        rows: Vec<u32>,
        ends: &[i64],
    ) -> Result<StreamBatch, OperatorError> {
        let repeated = batch.take(&UInt32Array::from(rows)).map_err(OperatorError::columns("repeat rows"))?;
        let fields = self.spec.schema.fields();
        let window_types = fields.iter().skip(fields.len() - WINDOW_COLUMNS).map(|f| f.data_type());
        let mut columns: Vec<ArrayRef> = repeated.columns().columns().to_vec();
        let window = &self.spec.window;
        let starts = ends.iter().map(|end| window.window_start(*end)).collect();
        let times = ends.iter().map(|end| end - MILLISECOND).collect();
        for (data_type, micros) in window_types.zip([starts, ends.to_vec(), times]) {
            columns.push(window_bounds(window, micros, data_type)?);
        }
        let columns = RecordBatch::try_new(self.spec.schema.clone(), columns)
            .map_err(OperatorError::columns("add window columns"))?;
        Ok(repeated.map_columns(columns))
    }
}

impl Operator for WindowAssign {
    fn process(&mut self, batch: StreamBatch, out: &mut Output) -> Result<Progress, OperatorError> {
        self.counters.rows_in += batch.num_rows() as u64;
        let times = window_times(batch.columns(), &self.spec.window)?;
        self.rest = Some((batch, times, Next { row: 0, end: None }));
        self.resume(out)
    }

    fn resume(&mut self, out: &mut Output) -> Result<Progress, OperatorError> {
        while let Some((batch, times, next)) = self.rest.take() {
            if !out.has_room() {
                self.rest = Some((batch, times, next));
                return Ok(Progress::More);
            }
            let (rows, ends, next) = self.next_rows(&times, next);
            if rows.is_empty() {
                break;
            }
            let result = self.with_windows(&batch, rows, &ends)?;
            self.counters.rows_out += result.num_rows() as u64;
            out.emit(result);
            self.rest = Some((batch, times, next));
        }
        Ok(Progress::Done)
    }

    fn counters(&self) -> OperatorCounters {
        self.counters
    }

    fn restore_counters(&mut self, counters: OperatorCounters) {
        self.counters = counters;
    }
}
