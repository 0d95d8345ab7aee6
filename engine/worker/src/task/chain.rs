//! The operators of a chain, pushed one after the other in the same thread, with no queue in between but a few batches.
//!
//! An operator emits up to a budget and says whether it has more. The deepest stage with work goes first, so that what one
//! step emits has left the chain, and found room downstream, before the next step is taken.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use millstream_batch::StreamBatch;
use millstream_model::control::Barrier;
use millstream_model::{OperatorUid, Watermark};
use millstream_operators::{Expiring, Operator, Output, Progress};
use millstream_state::Spill;

use super::sink::SinkStage;
use crate::error::TaskError;
use millstream_exchange::Outbox;

/// What is pushed through the stages.
#[derive(Clone, Debug)]
enum Step {
    Batch(StreamBatch),
    Watermark(Watermark),
    /// Look at the clock.
    Clock,
    /// Emit what is held back.
    Flush,
}

/// One operator with what waits for it.
pub(crate) struct Stage {
    pub(crate) uid: OperatorUid,
    pub(crate) name: String,
    pub(crate) operator: Box<dyn Operator>,
    /// Where its state goes that does not fit.
    pub(crate) store: Option<Arc<dyn Spill>>,
    /// Input watermark, stored in checkpoints.
    pub(crate) watermark: Watermark,
    queue: VecDeque<Step>,
    /// The step that it said `More` to.
    current: Option<Step>,
}

impl Stage {
    pub(crate) fn new(
        uid: OperatorUid,
        name: String,
        operator: Box<dyn Operator>,
        watermark: Watermark,
    ) -> Self {
        Self { uid, name, operator, store: None, watermark, queue: VecDeque::new(), current: None }
    }

    fn has_work(&self) -> bool {
        self.current.is_some() || !self.queue.is_empty()
    }

    /// Takes one step; returns the step if it is complete.
    fn step(&mut self, out: &mut Output) -> Result<Option<Step>, TaskError> {
        let progress = if self.current.is_some() {
            self.operator.resume(out)
        } else {
            let Some(step) = self.queue.pop_front() else { return Ok(None) };
            let progress = match &step {
                Step::Batch(batch) => self.operator.process(batch.clone(), out),
                Step::Watermark(watermark) => {
                    self.watermark = self.watermark.max(*watermark);
                    self.operator.on_watermark(*watermark, out)
                }
                Step::Clock => self.operator.on_clock(out),
                Step::Flush => self.operator.flush(out),
            };
            self.current = Some(step);
            progress
        };
        match progress {
            Ok(Progress::Done) => Ok(self.current.take()),
            Ok(Progress::More) => Ok(None),
            Err(error) => Err(TaskError::from_operator(&self.name, &error)),
        }
    }
}

/// Where a chain's rows go.
pub(crate) enum Tail {
    /// To other chains; empty when nobody reads them.
    Exchange(Vec<Outbox>),
    /// Out of the job.
    Sink(Box<SinkStage>),
}

/// The operators and the tail of one subtask.
pub(crate) struct Chain {
    pub(crate) stages: Vec<Stage>,
    pub(crate) tail: Tail,
    pub(crate) rows_out: u64,
}

impl Chain {
    pub(crate) const fn new(stages: Vec<Stage>, tail: Tail) -> Self {
        Self { stages, tail, rows_out: 0 }
    }

    /// Pushes rows through all operators to the tail.
    pub(crate) async fn batch(&mut self, batch: StreamBatch) -> Result<(), TaskError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.feed(Step::Batch(batch)).await
    }

    /// Lets event time advance: held-back rows first, then whatever the watermark fires, then the watermark itself.
    pub(crate) async fn watermark(&mut self, watermark: Watermark) -> Result<(), TaskError> {
        self.feed(Step::Flush).await?;
        self.feed(Step::Watermark(watermark)).await
    }

    /// Lets operators do what is due by the clock.
    pub(crate) async fn clock(&mut self) -> Result<(), TaskError> {
        self.feed(Step::Clock).await
    }

    /// When the first of the operators wants to look at the clock, in milliseconds since 1970; `None` if none does.
    pub(crate) fn wakes_at_ms(&self) -> Option<i64> {
        self.stages.iter().filter_map(|stage| stage.operator.wakes_at_ms()).min()
    }

    /// Emits what operators hold back. Rows may still wait in the tail.
    pub(crate) async fn flush_operators(&mut self) -> Result<(), TaskError> {
        self.feed(Step::Flush).await
    }

    /// Emits everything: called when input runs dry.
    pub(crate) async fn flush(&mut self) -> Result<(), TaskError> {
        self.flush_operators().await?;
        match &mut self.tail {
            Tail::Exchange(outboxes) => {
                for outbox in outboxes {
                    outbox.flush().await?;
                }
                Ok(())
            }
            Tail::Sink(sink) => sink.flush(),
        }
    }

    /// Tells the chains behind whether this subtask counts for their watermark.
    pub(crate) async fn idle(&mut self, is_idle: bool) -> Result<(), TaskError> {
        self.flush_operators().await?;
        if let Tail::Exchange(outboxes) = &mut self.tail {
            for outbox in outboxes {
                outbox.idle(is_idle).await?;
            }
        }
        Ok(())
    }

    /// Passes a barrier on. The caller has flushed and frozen before.
    pub(crate) async fn barrier(&mut self, barrier: Barrier) -> Result<(), TaskError> {
        if let Tail::Exchange(outboxes) = &mut self.tail {
            for outbox in outboxes {
                outbox.barrier(barrier).await?;
            }
        }
        Ok(())
    }

    /// The end of all input: the maximum watermark, a flush, and the end marker.
    pub(crate) async fn end(&mut self) -> Result<(), TaskError> {
        self.watermark(Watermark::MAX).await?;
        self.flush().await?;
        if let Tail::Exchange(outboxes) = &mut self.tail {
            for outbox in outboxes {
                outbox.end().await?;
            }
        }
        Ok(())
    }

    /// Takes one step in removing expired state in each operator. Called between steps of the input, when no operator has rows left.
    pub(crate) fn expire(&mut self) -> Result<Expiring, TaskError> {
        let mut left = Expiring::Never;
        for stage in &mut self.stages {
            let more = stage.operator.expire().map_err(|e| TaskError::from_operator(&stage.name, &e))?;
            left = match (left, more) {
                (Expiring::More, _) | (_, Expiring::More) => Expiring::More,
                (Expiring::Later, _) | (_, Expiring::Later) => Expiring::Later,
                (Expiring::Never, Expiring::Never) => Expiring::Never,
            };
        }
        Ok(left)
    }

    /// Bytes in the stores of its operators. Asks them, which is not for every batch.
    pub(crate) fn spilled_bytes(&self) -> u64 {
        self.stages.iter().filter_map(|s| s.store.as_ref()).map(|store| store.disk_bytes()).sum()
    }

    /// Bytes of state of all operators, by their estimate.
    pub(crate) fn state_bytes(&self) -> usize {
        self.stages.iter().map(|s| s.operator.state_bytes()).sum()
    }

    /// Bytes of rows that wait in the tail for company.
    pub(crate) fn waiting_bytes(&self) -> usize {
        match &self.tail {
            Tail::Exchange(outboxes) => outboxes.iter().map(Outbox::waiting_bytes).sum(),
            Tail::Sink(_) => 0,
        }
    }

    /// Time that this chain has waited for room downstream.
    pub(crate) fn backpressured(&self) -> Duration {
        match &self.tail {
            Tail::Exchange(outboxes) => outboxes.iter().map(Outbox::backpressured).sum(),
            Tail::Sink(_) => Duration::ZERO,
        }
    }

    async fn feed(&mut self, step: Step) -> Result<(), TaskError> {
        let Some(first) = self.stages.first_mut() else { return self.deliver(step).await };
        first.queue.push_back(step);
        let mut out = Output::default();
        while let Some(index) = self.stages.iter().rposition(Stage::has_work) {
            let complete = self.stages[index].step(&mut out)?;
            let emitted = out.take().into_iter().filter(|b| b.num_rows() > 0).map(Step::Batch);
            // A batch ends here; watermarks and flushes go on to the next stage. What a watermark fired may be held back by
            // the next stage, and must leave it before the watermark does: behind it, its rows would be late.
            let passed = match complete {
                None | Some(Step::Batch(_)) => vec![],
                Some(Step::Flush) => vec![Step::Flush],
                Some(Step::Watermark(watermark)) => vec![Step::Flush, Step::Watermark(watermark)],
                Some(Step::Clock) => vec![Step::Flush, Step::Clock],
            };
            let steps: Vec<Step> = emitted.chain(passed).collect();
            if let Some(next) = self.stages.get_mut(index + 1) {
                next.queue.extend(steps);
            } else {
                for step in steps {
                    self.deliver(step).await?;
                }
            }
        }
        Ok(())
    }

    async fn deliver(&mut self, step: Step) -> Result<(), TaskError> {
        if let Step::Batch(batch) = &step {
            self.rows_out += batch.num_rows() as u64;
        }
        match (&mut self.tail, step) {
            (Tail::Exchange(outboxes), Step::Batch(batch)) => {
                for outbox in outboxes {
                    outbox.send(batch.clone()).await?;
                }
                Ok(())
            }
            (Tail::Exchange(outboxes), Step::Watermark(watermark)) => {
                for outbox in outboxes {
                    outbox.watermark(watermark).await?;
                }
                Ok(())
            }
            (Tail::Sink(sink), Step::Batch(batch)) => sink.write(&batch),
            (Tail::Sink(sink), Step::Watermark(watermark)) => {
                sink.watermark = sink.watermark.max(watermark);
                Ok(())
            }
            (_, Step::Flush | Step::Clock) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use arrow::array::Int64Array;
    use arrow::record_batch::RecordBatch;
    use millstream_connectors::ConnectorError;
    use millstream_connectors::sink::{ClosedSegment, SinkWriter};
    use millstream_model::snapshot::OperatorCounters;
    use millstream_operators::OperatorError;

    use super::*;

    type Log = Arc<Mutex<Vec<String>>>;

    /// Fires a row at every watermark, or holds rows back until it is flushed.
    struct Told {
        log: Log,
        fires: bool,
        held: Vec<StreamBatch>,
    }

    impl Operator for Told {
        fn process(&mut self, batch: StreamBatch, _: &mut Output) -> Result<Progress, OperatorError> {
            self.held.push(batch);
            Ok(Progress::Done)
        }

        fn on_watermark(
            &mut self,
            watermark: Watermark,
            out: &mut Output,
        ) -> Result<Progress, OperatorError> {
            if self.fires {
                let column = Arc::new(Int64Array::from(vec![watermark.0])) as arrow::array::ArrayRef;
                out.emit(StreamBatch::new(RecordBatch::try_from_iter([("w", column)]).unwrap()));
            } else {
                self.log.lock().unwrap().push(format!(
                    "watermark {} over {} held",
                    watermark.0,
                    self.held.len()
                ));
            }
            Ok(Progress::Done)
        }

        fn on_clock(&mut self, out: &mut Output) -> Result<Progress, OperatorError> {
            if self.fires { self.on_watermark(Watermark(0), out) } else { Ok(Progress::Done) }
        }

        fn wakes_at_ms(&self) -> Option<i64> {
            Some(if self.fires { 8 } else { 9 })
        }

        fn flush(&mut self, out: &mut Output) -> Result<Progress, OperatorError> {
            self.held.drain(..).for_each(|b| out.emit(b));
            Ok(Progress::Done)
        }

        fn counters(&self) -> OperatorCounters {
            OperatorCounters::default()
        }

        fn restore_counters(&mut self, _: OperatorCounters) {}
    }

    impl SinkWriter for Told {
        fn write(&mut self, batch: &StreamBatch) -> Result<(), ConnectorError> {
            self.log.lock().unwrap().push(format!("{} rows out", batch.num_rows()));
            Ok(())
        }

        fn buffered_bytes(&self) -> usize {
            0
        }

        fn close_segments(&mut self) -> Result<Vec<ClosedSegment>, ConnectorError> {
            Ok(Vec::new())
        }

        fn flush(&mut self) -> Result<(), ConnectorError> {
            Ok(())
        }
    }

    /// One operator that fires, one that holds rows back, and a sink.
    fn chain_of_two(log: &Log) -> Chain {
        let told = |fires| Told { log: log.clone(), fires, held: Vec::new() };
        let uid = || OperatorUid("u".into());
        let stage = |fires| Stage::new(uid(), "told".into(), Box::new(told(fires)), Watermark::MIN);
        let sink = SinkStage::new(uid(), "sink".into(), Box::new(told(false)), Vec::new());
        Chain::new(vec![stage(true), stage(false)], Tail::Sink(Box::new(sink)))
    }

    #[tokio::test]
    async fn what_a_watermark_fires_leaves_the_chain_before_it() {
        let log = Log::default();
        chain_of_two(&log).watermark(Watermark(7)).await.unwrap();
        assert_eq!(*log.lock().unwrap(), ["1 rows out", "watermark 7 over 0 held"]);
    }

    #[tokio::test]
    async fn what_the_clock_fires_leaves_the_chain() {
        let log = Log::default();
        let mut chain = chain_of_two(&log);
        assert_eq!(chain.wakes_at_ms(), Some(8));
        chain.clock().await.unwrap();
        assert_eq!(*log.lock().unwrap(), ["1 rows out"]);
    }
}
