//! Output that waits for room: cuts what an operator computed into batches and hands them on within the budget.
//!
//! Batches have at most [`MAX_BATCH_ROWS`] rows, and the two halves of an update are never cut apart. Example: 8,193 rows whose
//! rows 8,191 and 8,192 are `-U` and `+U` go out as 8,191 and 2 rows.

use std::collections::VecDeque;

use millstream_batch::{MAX_BATCH_ROWS, RowOp, StreamBatch};
use millstream_model::snapshot::OperatorCounters;

use crate::operator::{Output, Progress};

/// A queue of computed rows.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    batches: VecDeque<StreamBatch>,
}

impl Pending {
    /// Adds rows of any number.
    pub(crate) fn push(&mut self, batch: StreamBatch) {
        if batch.num_rows() > 0 {
            self.batches.push_back(batch);
        }
    }

    /// Emits until the output is full or nothing waits; counts what goes out.
    pub(crate) fn drain(&mut self, out: &mut Output, counters: &mut OperatorCounters) -> Progress {
        while let Some(batch) = self.batches.pop_front() {
            if !out.has_room() {
                self.batches.push_front(batch);
                return Progress::More;
            }
            let rows = first_cut(&batch);
            if rows < batch.num_rows() {
                self.batches.push_front(batch.slice(rows, batch.num_rows() - rows));
            }
            counters.rows_out += rows as u64;
            out.emit(if rows < batch.num_rows() { batch.slice(0, rows) } else { batch });
        }
        Progress::Done
    }
}

/// Rows of the first batch to cut off.
fn first_cut(batch: &StreamBatch) -> usize {
    if batch.num_rows() <= MAX_BATCH_ROWS {
        return batch.num_rows();
    }
    let splits_pair = batch.op(MAX_BATCH_ROWS - 1) == RowOp::UpdateBefore;
    if splits_pair { MAX_BATCH_ROWS - 1 } else { MAX_BATCH_ROWS }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, RecordBatch};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    fn batch(ops: Vec<RowOp>) -> StreamBatch {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
        let n = Int64Array::from_iter_values(0..ops.len() as i64);
        StreamBatch::new(RecordBatch::try_new(schema, vec![Arc::new(n)]).unwrap()).with_ops(Some(ops.into()))
    }

    #[test]
    fn pairs_stay_together() {
        let mut pending = Pending::default();
        let mut ops = vec![RowOp::Insert];
        ops.extend([RowOp::UpdateBefore, RowOp::UpdateAfter].repeat(MAX_BATCH_ROWS));
        pending.push(batch(ops));
        let (mut out, mut counters) = (Output::new(usize::MAX, usize::MAX), OperatorCounters::default());
        assert_eq!(pending.drain(&mut out, &mut counters), Progress::Done);
        let batches = out.take();
        assert_eq!(batches.iter().map(StreamBatch::num_rows).collect::<Vec<_>>(), [8_191, 8_192, 2]);
        for b in &batches[1..] {
            assert_eq!((b.op(0), b.op(b.num_rows() - 1)), (RowOp::UpdateBefore, RowOp::UpdateAfter));
        }
        assert_eq!(counters.rows_out, 16_385);
    }

    #[test]
    fn the_budget_is_kept_up_to_one_batch() {
        let mut pending = Pending::default();
        for _ in 0..3 {
            pending.push(batch(vec![RowOp::Insert; 10]));
        }
        let (mut out, mut counters) = (Output::new(15, usize::MAX), OperatorCounters::default());
        assert_eq!(pending.drain(&mut out, &mut counters), Progress::More);
        assert_eq!((out.take().len(), counters.rows_out), (2, 20));
        assert_eq!(pending.drain(&mut out, &mut counters), Progress::Done);
        assert_eq!((out.take().len(), counters.rows_out), (1, 30));
    }
}
