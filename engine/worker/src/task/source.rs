//! A task that reads splits.
//!
//! The watermark of the task is the minimum over its splits that are neither finished nor idle, those that wait to be
//! opened included. Splits that are assigned later start behind and cannot take it back. Idle is a split whose reader has given
//! no row for the timeout, as the reading thread finds out: rows that wait in queues, behind a full exchange or for a free
//! reader do not make it so, and how much other splits have does not keep it from being so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema};
use arrow::error::ArrowError;
use millstream_batch::StreamBatch;
use millstream_connectors::source::ReadBatch;
use millstream_expr::CompiledExpr;
use millstream_model::control::{BarrierKind, FromWorker};
use millstream_model::snapshot::{OperatorCounters, OperatorFacts, SplitState};
use millstream_model::{CheckpointId, OperatorUid, SplitId, Watermark};
use millstream_plan::SourceSpec;
use tokio::sync::mpsc;

use super::fetch::{Fetched, Fetcher};
use super::run::{Control, Core};
use super::split_clock::SplitClock;
use crate::clock::{now, wall_clock_ms};
use crate::error::TaskError;

/// How often figures are shown while nothing comes.
const TICK: Duration = Duration::from_millis(500);

/// How long the planted bug waits for rows to misplace.
const PLANTED_WAIT: Duration = Duration::from_millis(10);

struct Split {
    state: SplitState,
    clock: SplitClock,
    /// The first checkpoint behind its last row.
    ends_in: Option<CheckpointId>,
    progress: Option<(u64, u64)>,
}

/// What a task has to tell the chains behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    Idle(bool),
    Watermark(Watermark),
}

/// The reading half of a source task.
pub(crate) struct SourceHead {
    pub(crate) uid: OperatorUid,
    pub(crate) name: String,
    pub(crate) spec: SourceSpec,
    pub(crate) fetcher: Fetcher,
    pub(crate) counters: OperatorCounters,
    pub(crate) watermark: Watermark,
    /// What this attempt has told: after a restore the chains behind do not know this task's watermark any more.
    told: Watermark,
    splits: BTreeMap<SplitId, Split>,
    /// Progress of splits that are no longer among `splits`.
    read_out: Option<(u64, u64)>,
    has_assignment: bool,
    no_more: bool,
    is_idle: bool,
}

impl SourceHead {
    pub(crate) const fn new(
        uid: OperatorUid,
        name: String,
        spec: SourceSpec,
        fetcher: Fetcher,
        counters: OperatorCounters,
        watermark: Watermark,
    ) -> Self {
        Self {
            uid,
            name,
            spec,
            fetcher,
            counters,
            watermark,
            told: Watermark::MIN,
            splits: BTreeMap::new(),
            read_out: None,
            has_assignment: false,
            no_more: false,
            is_idle: false,
        }
    }

    fn assign(&mut self, splits: Vec<SplitState>, no_more: bool) {
        self.has_assignment = true;
        self.no_more |= no_more;
        for mut state in splits {
            // What was idle may have rows by now, and they must not find that the others ran ahead.
            state.is_idle = false;
            if !state.is_finished {
                self.fetcher.add(state.clone());
            }
            let clock = SplitClock::new(state.watermark);
            let split = Split { clock, ends_in: None, progress: None, state };
            self.splits.insert(split.state.split.clone(), split);
        }
    }

    fn is_read_out(&self) -> bool {
        self.no_more && self.splits.values().all(|s| s.state.is_finished)
    }

    /// The rows of a batch with computed columns and the watermark before each row.
    fn accept(&mut self, id: &SplitId, batch: ReadBatch) -> Result<StreamBatch, TaskError> {
        let rows = batch.columns.num_rows();
        self.counters.rows_in += rows as u64;
        self.counters.rows_out += rows as u64;
        self.counters.skipped += batch.skipped;
        let data = |e: millstream_expr::ExprError| TaskError::Data {
            operator: self.name.clone(),
            message: e.to_string(),
        };
        let now_ms = wall_clock_ms();
        let columns = self
            .spec
            .columns
            .iter()
            .map(|c| c.evaluate_at(&batch.columns, now_ms))
            .collect::<Result<Vec<_>, _>>()
            .map_err(data)?;
        let mut row_watermark = None;
        if let Some(split) = self.splits.get_mut(id) {
            if let Some(spec) = &self.spec.watermark {
                let is_time = |(expr, _): &(&CompiledExpr, &ArrayRef)| expr.text() == spec.time.text();
                let times = match self.spec.columns.iter().zip(&columns).find(is_time) {
                    Some((_, times)) => times.clone(),
                    None => spec.time.evaluate_at(&batch.columns, now_ms).map_err(data)?,
                };
                if times.null_count() > 0 {
                    return Err(TaskError::Data {
                        operator: self.name.clone(),
                        message: format!(
                            "NULL in the time attribute `{}`; filter such rows in front of the watermark or compute a default with COALESCE",
                            spec.time_name
                        ),
                    });
                }
                let with_time = with_column(&batch.columns, &spec.time_name, times)
                    .map_err(|e| TaskError::bug("put the time behind the rows of a source", &e))?;
                let marks = spec.watermark.evaluate_at(&with_time, now_ms).map_err(data)?;
                let interval = i64::try_from(spec.emit_interval_ms).unwrap_or(i64::MAX).saturating_mul(1_000);
                row_watermark = Some(split.clock.advance(&marks, interval)?);
                split.state.watermark = split.clock.watermark();
            }
            split.state.position = batch.position;
            // Malformed records give no rows: as far as time is concerned, nothing came.
            split.state.is_idle &= rows == 0;
            split.progress = batch.progress.or(split.progress);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let columns = RecordBatch::try_new_with_options(self.spec.schema.clone(), columns, &options)
            .map_err(|e| TaskError::bug("build the rows of a source", &e))?;
        Ok(StreamBatch::new(columns).with_row_watermark(row_watermark))
    }

    fn fell_idle(&mut self, split: &SplitId) {
        if let Some(split) = self.splits.get_mut(split) {
            split.state.is_idle = true;
        }
    }

    /// The splits for a checkpoint's snapshot; what has ended is in this one for the first time, or was in one before.
    fn snapshot(&mut self, checkpoint: CheckpointId) -> Vec<SplitState> {
        for split in self.splits.values_mut().filter(|s| s.state.is_finished) {
            split.ends_in.get_or_insert(checkpoint);
        }
        self.splits.values().map(|s| s.state.clone()).collect()
    }

    /// The checkpoint is owned: splits that ended in front of it need not be reported again.
    fn forget(&mut self, owned: CheckpointId) {
        let ended =
            self.splits.extract_if(.., |_, s| s.ends_in.is_some_and(|checkpoint| checkpoint <= owned));
        let progress = ended.filter_map(|(_, split)| split.progress);
        self.read_out = self.read_out.into_iter().chain(progress).reduce(sum);
    }

    /// What the splits' watermarks and idleness mean for the whole task, as far as nobody was told.
    fn news(&mut self) -> Vec<News> {
        let mut news = Vec::new();
        if self.spec.watermark.is_none() || !self.has_assignment {
            return news;
        }
        let active = self.splits.values().filter(|s| !s.state.is_finished && !s.state.is_idle);
        if let Some(minimum) = active.map(|s| s.clock.watermark()).min() {
            if self.is_idle {
                self.is_idle = false;
                news.push(News::Idle(false));
            }
            self.watermark = self.watermark.max(minimum);
            if self.watermark > self.told {
                self.told = self.watermark;
                news.push(News::Watermark(self.watermark));
            }
        } else if !self.is_idle && !self.is_read_out() {
            self.is_idle = true;
            news.push(News::Idle(true));
        }
        news
    }

    /// Passes the news on.
    async fn progress(&mut self, core: &mut Core) -> Result<(), TaskError> {
        for news in self.news() {
            match news {
                News::Idle(is_idle) => core.chain.idle(is_idle).await?,
                News::Watermark(watermark) => core.chain.watermark(watermark).await?,
            }
        }
        Ok(())
    }

    fn position(&self) -> Option<(u64, u64)> {
        self.splits.values().filter_map(|s| s.progress).chain(self.read_out).reduce(sum)
    }

    fn facts(&self) -> OperatorFacts {
        OperatorFacts { operator: self.uid.clone(), watermark: self.watermark, counters: self.counters }
    }

    fn show(&self, core: &Core) {
        let watermark = if core.is_finished { Watermark::MAX } else { self.watermark };
        core.show(self.counters, watermark, self.position());
    }
}

const fn sum(a: (u64, u64), b: (u64, u64)) -> (u64, u64) {
    (a.0 + b.0, a.1 + b.1)
}

/// Runs until shutdown or failure. Control goes before timers, timers before data.
pub(crate) async fn run(
    mut core: Core,
    mut head: SourceHead,
    mut control: mpsc::Receiver<Control>,
) -> Result<(), TaskError> {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // Reading begins when all subtasks run, and ends behind the barrier of a stop.
    let mut is_reading = false;
    loop {
        let since = now();
        tokio::select! {
            biased;
            message = control.recv() => {
                let Some(message) = message else { return Ok(()) };
                if let Control::EpochOwned(checkpoint) = message {
                    head.forget(checkpoint);
                }
                match core.control(message) {
                    None => {}
                    Some(Control::Shutdown) => return Ok(()),
                    Some(Control::Start) => is_reading = true,
                    Some(Control::AssignSplits { splits, no_more }) => head.assign(splits, no_more),
                    Some(Control::TriggerBarrier(barrier)) => {
                        if barrier.kind == BarrierKind::Drain && !core.is_finished {
                            core.finish().await?;
                        }
                        let behind = read_behind(&mut core, &mut head, is_reading).await?;
                        core.barrier(barrier, head.snapshot(barrier.checkpoint), Some(head.facts())).await?;
                        if let Some(rows) = behind {
                            core.chain.batch(rows).await?;
                        }
                        if barrier.kind.is_final() {
                            is_reading = false;
                        }
                    }
                    Some(Control::EpochOwned(_) | Control::Aborted(_)) => {}
                }
            }
            _ = ticks.tick() => {
                if head.fetcher.fetched.is_empty() && is_reading {
                    core.idle += since.elapsed();
                }
            }
            fetched = head.fetcher.fetched.recv(), if is_reading && !core.is_finished => {
                core.idle += since.elapsed();
                fetched_one(&mut core, &mut head, fetched).await?;
            }
        }
        if is_reading && !core.is_finished {
            head.progress(&mut core).await?;
            if head.is_read_out() {
                core.finish().await?;
            } else if head.fetcher.fetched.is_empty() {
                core.chain.flush().await?;
            }
        }
        core.store_early().await?;
        head.show(&core);
        tokio::task::yield_now().await;
    }
}

/// Only with a bug planted: rows that go behind the barrier although the positions in front of it count them.
async fn read_behind(
    core: &mut Core,
    head: &mut SourceHead,
    is_reading: bool,
) -> Result<Option<StreamBatch>, TaskError> {
    if !core.sabotage.positions_after_barrier || !is_reading || core.is_finished {
        return Ok(None);
    }
    match tokio::time::timeout(PLANTED_WAIT, head.fetcher.fetched.recv()).await {
        Ok(Some(Fetched::Batch(split, batch))) => head.accept(&split, batch).map(Some),
        Ok(other) => fetched_one(core, head, other).await.map(|()| None),
        Err(_) => Ok(None),
    }
}

async fn fetched_one(
    core: &mut Core,
    head: &mut SourceHead,
    fetched: Option<Fetched>,
) -> Result<(), TaskError> {
    match fetched {
        Some(Fetched::Batch(split, batch)) => {
            let rows = head.accept(&split, batch)?;
            core.chain.batch(rows).await
        }
        Some(Fetched::Idle(split)) => {
            head.fell_idle(&split);
            Ok(())
        }
        Some(Fetched::End(split)) => {
            if let Some(state) = head.splits.get_mut(&split) {
                state.state.is_finished = true;
            }
            let message = FromWorker::SplitsFinished {
                attempt: core.attempt,
                subtask: core.subtask,
                source: head.uid.clone(),
                splits: vec![split],
            };
            core.report(message).await;
            Ok(())
        }
        Some(Fetched::Failed(error)) => Err(error.into()),
        None => Err(TaskError::Bug {
            action: format!("read {}", head.name),
            cause: "the reading thread ended without a word".into(),
        }),
    }
}

/// The batch with one more column behind the others.
fn with_column(batch: &RecordBatch, name: &str, column: ArrayRef) -> Result<RecordBatch, ArrowError> {
    let mut fields = batch.schema_ref().fields().to_vec();
    fields.push(Arc::new(Field::new(name, column.data_type().clone(), true)));
    let mut columns = batch.columns().to_vec();
    columns.push(column);
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

#[cfg(test)]
mod source_test;
