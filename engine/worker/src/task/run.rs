//! What source tasks and gate tasks have in common: control messages, barriers, progress.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use millstream_model::control::{Barrier, BarrierKind, FromWorker};
use millstream_model::snapshot::{OperatorCounters, OperatorFacts, SplitState, SubtaskProgress};
use millstream_model::{Attempt, CheckpointId, SubtaskId, Watermark};
use millstream_state::BasePolicy;
use tokio::sync::mpsc;

use super::chain::{Chain, Tail};
use super::snapshot::{Cut, FrozenRows, FrozenState, RELIEF, Snapshots};
use crate::clock::now;
use crate::error::TaskError;
use crate::memory::TaskMemory;
use crate::sabotage::Sabotage;
use millstream_exchange::Inbox;

/// How old the size of what is spilled may be in a display.
const SPILLED_BYTES_AGE: Duration = Duration::from_millis(500);

/// Coordinator to one task, in order.
#[derive(Debug)]
pub(crate) enum Control {
    Start,
    AssignSplits { splits: Vec<SplitState>, no_more: bool },
    TriggerBarrier(Barrier),
    EpochOwned(CheckpointId),
    Aborted(CheckpointId),
    Shutdown,
}

/// Figures for display, written by the task, read by the worker's heartbeat.
pub(crate) type SharedProgress = Arc<Mutex<SubtaskProgress>>;

/// The parts of a running task that do not depend on where its input comes from.
pub(crate) struct Core {
    pub(crate) memory: Rc<TaskMemory>,
    /// What waits for this task; without channels for a source.
    pub(crate) inbox: Inbox,
    pub(crate) attempt: Attempt,
    pub(crate) subtask: SubtaskId,
    pub(crate) chain: Chain,
    pub(crate) snapshots: Rc<Snapshots>,
    pub(crate) reports: mpsc::Sender<FromWorker>,
    pub(crate) progress: SharedProgress,
    /// Per stage: when to write all of its state again.
    pub(crate) policies: Vec<BasePolicy>,
    pub(crate) is_finished: bool,
    pub(crate) started: Instant,
    /// Bytes in the operators' stores, and when that was asked.
    pub(crate) spilled: Cell<(Instant, u64)>,
    pub(crate) idle: Duration,
    /// Newest checkpoint that is known to be aborted: its barrier is passed on without a snapshot.
    pub(crate) aborted: Option<CheckpointId>,
    pub(crate) sabotage: Sabotage,
}

impl Core {
    /// Handles what every kind of task does alike; gives back the rest.
    pub(crate) fn control(&mut self, message: Control) -> Option<Control> {
        match message {
            Control::EpochOwned(checkpoint) => {
                self.snapshots.owned(checkpoint);
                None
            }
            Control::Aborted(checkpoint) => {
                self.aborted = self.aborted.max(Some(checkpoint));
                if self.sabotage.forget_aborted {
                    self.snapshots.forget(checkpoint);
                }
                None
            }
            other => Some(other),
        }
    }

    /// The synchronous part of a checkpoint, then the barrier goes on, then storing begins.
    ///
    /// `source` is the head's own facts and splits, for source tasks.
    pub(crate) async fn barrier(
        &mut self,
        barrier: Barrier,
        splits: Vec<SplitState>,
        source: Option<OperatorFacts>,
    ) -> Result<(), TaskError> {
        self.chain.flush_operators().await?;
        if self.aborted.is_some_and(|aborted| barrier.checkpoint <= aborted) {
            return self.chain.barrier(barrier).await;
        }
        self.snapshots.room_for_barrier().await;
        let since = now();
        let mut frozen = Vec::new();
        let mut facts: Vec<OperatorFacts> = source.into_iter().collect();
        for (stage, policy) in self.chain.stages.iter_mut().zip(&mut self.policies) {
            // A window's rows in a store end without a trace in the deltas: an operator knows by its watermark that they are
            // over, but whoever reads a savepoint does not.
            let is_read = matches!(barrier.kind, BarrierKind::Savepoint | BarrierKind::Drain);
            let is_base = policy.needs_base() || (is_read && stage.store.is_some());
            let failed = |e| TaskError::from_operator(&stage.name, &e);
            if is_base {
                let bases = stage.operator.spilled_bases().map_err(failed)?;
                frozen.extend(
                    bases.into_iter().map(|base| FrozenState {
                        operator: stage.uid.clone(),
                        rows: FrozenRows::Base(base),
                    }),
                );
            }
            let tables = stage.operator.freeze(is_base).map_err(failed)?;
            policy.froze(is_base, &tables);
            frozen.extend(
                tables
                    .into_iter()
                    .map(|table| FrozenState { operator: stage.uid.clone(), rows: FrozenRows::Table(table) }),
            );
            facts.push(OperatorFacts {
                operator: stage.uid.clone(),
                watermark: stage.watermark,
                counters: stage.operator.counters(),
            });
        }
        let mut closed = None;
        if let Tail::Sink(sink) = &mut self.chain.tail {
            closed = Some((sink.uid.clone(), sink.close()?));
            facts.push(OperatorFacts {
                operator: sink.uid.clone(),
                watermark: sink.watermark,
                counters: sink.counters,
            });
        }
        let freeze_us = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        let rows = |state: &FrozenState| match &state.rows {
            FrozenRows::Table(table) => table.row_count(),
            FrozenRows::Base(_) => 0,
        };
        let rows: usize = frozen.iter().map(rows).sum();
        tracing::debug!(subtask = %self.subtask, checkpoint = %barrier.checkpoint, rows, freeze_us, "froze state");
        self.chain.barrier(barrier).await?;
        let cut =
            Cut { checkpoint: barrier.checkpoint, splits, facts, is_finished: self.is_finished, freeze_us };
        self.snapshots.begin(cut, frozen, closed.as_ref().map(|(uid, segments)| (uid, segments.clone())));
        Ok(())
    }

    /// Waits for memory if the copies that are on their way to the bucket are what exceeds the slot's budget: they come back, and a
    /// bucket that is slow for a moment must not end a job.
    async fn fit(&self) -> Result<(), TaskError> {
        loop {
            let Err(over) = self.hold() else { return Ok(()) };
            let relieved = self.snapshots.relieve().await.map_err(|e| TaskError::State {
                action: "make room in memory".into(),
                kind: e.kind,
                cause: e.message,
            })?;
            if !relieved && !self.memory.comes_back() {
                return Err(over);
            }
            if !relieved {
                tokio::time::sleep(RELIEF).await;
            }
        }
    }

    /// Looks whether there is memory for all that the task holds: its operators' state, copies of it on their way to the bucket,
    /// and rows in queues.
    fn hold(&self) -> Result<(), TaskError> {
        let held = self.chain.stages.iter().map(|stage| (stage.name.as_str(), stage.operator.state_bytes()));
        let queued = self.inbox.queued_bytes() + self.chain.waiting_bytes();
        self.memory.hold(held, queued)
    }

    /// Starts to store what left memory before any barrier: state that an operator spilled, and what a sink closed because it was
    /// much. Waits if too much of it is on its way.
    pub(crate) async fn store_early(&mut self) -> Result<(), TaskError> {
        self.fit().await?;
        for (stage, policy) in self.chain.stages.iter_mut().zip(&mut self.policies) {
            let spilled = stage.operator.take_spilled();
            let spilled = spilled.map_err(|e| TaskError::from_operator(&stage.name, &e))?;
            // The next checkpoint has all of the state: what changed since the last one would be stored for nothing.
            if spilled.is_empty() || policy.needs_base() {
                continue;
            }
            policy.stores_early(&spilled);
            self.snapshots.add_spilled(&stage.uid, spilled);
            self.snapshots.room().await.map_err(|e| TaskError::State {
                action: format!("store the state of {}", stage.name),
                kind: e.kind,
                cause: e.message,
            })?;
        }
        let Tail::Sink(sink) = &mut self.chain.tail else { return Ok(()) };
        let closed = sink.take_closed();
        if closed.is_empty() {
            return Ok(());
        }
        self.snapshots.add_closed(&sink.uid, closed);
        self.snapshots.room().await.map_err(|e| TaskError::State {
            action: format!("stage the output of {}", sink.name),
            kind: e.kind,
            cause: e.message,
        })
    }

    /// The end of all input: everything is flushed, the coordinator told; barriers are still answered.
    pub(crate) async fn finish(&mut self) -> Result<(), TaskError> {
        self.chain.end().await?;
        self.is_finished = true;
        self.report(FromWorker::SubtaskFinished { attempt: self.attempt, subtask: self.subtask }).await;
        Ok(())
    }

    pub(crate) async fn report(&self, message: FromWorker) {
        // A closed queue means that the coordinator is gone; the worker notices by itself.
        let _ = self.reports.send(message).await;
    }

    fn spilled_bytes(&self) -> u64 {
        let (asked, bytes) = self.spilled.get();
        if asked.elapsed() < SPILLED_BYTES_AGE {
            return bytes;
        }
        let bytes = self.chain.spilled_bytes();
        self.spilled.set((now(), bytes));
        bytes
    }

    /// Writes the figures that displays show.
    pub(crate) fn show(&self, head: OperatorCounters, watermark: Watermark, position: Option<(u64, u64)>) {
        let counters = self.chain.stages.iter().map(|s| s.operator.counters());
        let late_dropped = counters.map(|c| c.late_dropped).sum::<u64>() + head.late_dropped;
        let micros = |d: Duration| u64::try_from(d.as_micros()).unwrap_or(u64::MAX);
        let backpressured = self.chain.backpressured();
        let busy = self.started.elapsed().saturating_sub(self.idle).saturating_sub(backpressured);
        let rows_out = match &self.chain.tail {
            Tail::Sink(sink) => sink.counters.rows_in,
            Tail::Exchange(_) => self.chain.rows_out,
        };
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = SubtaskProgress {
            rows_in: head.rows_in,
            rows_out,
            late_dropped,
            skipped: head.skipped,
            watermark: (watermark > Watermark::MIN).then_some(watermark.0),
            position,
            state_bytes: self.chain.state_bytes() as u64,
            spilled_bytes: self.spilled_bytes(),
            busy_us: micros(busy),
            backpressured_us: micros(backpressured),
            idle_us: micros(self.idle),
        };
    }
}
