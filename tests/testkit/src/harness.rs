//! Drives operators as a worker does: in order, with a budget, with checkpoints, restores and other parallelisms.
//!
//! A harness runs a keyed operator on some subtasks, and optionally its first phase in front of it. Example:
//! `push, watermark, checkpoint, restore(3), push, finish` must give the rows of `push, watermark, push, finish`.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::AsArray;
use millstream_batch::{Partitioner, StreamBatch};
use millstream_model::snapshot::OperatorCounters;
use millstream_model::{KeyGroupRange, Watermark};
use millstream_operators::{
    BuildContext, Clock, Expiring, Operator, OperatorError, OperatorSpill, Output, Progress, build,
};
use millstream_plan::OperatorSpec;
use millstream_state::{BasePolicy, FrozenTable, MemorySpill, RestoredTable, decode_segment};

/// Key groups of the jobs that a harness runs: few, so that ranges have edges.
const MAX_PARALLELISM: u32 = 16;

thread_local! {
    static NOW_MS: Cell<i64> = const { Cell::new(0) };
}

/// Sets the wall clock of all operators of this thread's harnesses, in milliseconds since 1970. It begins at 0.
pub fn set_clock(now_ms: i64) {
    NOW_MS.set(now_ms);
}

/// Puts something between the harness and an operator: a mutant, or nothing.
pub type Wrap = Arc<dyn Fn(Box<dyn Operator>) -> Box<dyn Operator>>;

/// Nothing in between.
#[must_use]
pub fn as_is() -> Wrap {
    Arc::new(|operator| operator)
}

/// A store behind each operator's state, so small a budget that groups come and go all the time.
#[must_use]
pub fn spilling(budget: usize) -> Wrap {
    Arc::new(move |mut operator| {
        let store = Arc::new(MemorySpill::default());
        // A store in memory takes every type that state has.
        operator.spill_to(&OperatorSpill { store, budget }).expect("state can be spilled");
        operator
    })
}

/// What a harness runs.
#[derive(Clone, Debug)]
pub struct HarnessPlan {
    /// The phase before the exchange.
    pub first: Option<OperatorSpec>,
    /// The operator behind it.
    pub keyed: OperatorSpec,
    /// Key columns of what enters `keyed`; without any there is one subtask.
    pub key_columns: Vec<usize>,
    /// Rows that an operator emits before it has to be resumed.
    pub budget_rows: usize,
}

/// A segment as it lies in storage.
#[derive(Clone, Debug)]
struct StoredSegment {
    table: String,
    bytes: Vec<u8>,
}

/// One subtask of the keyed operator.
struct Subtask {
    operator: Box<dyn Operator>,
    policy: BasePolicy,
    /// What a restore needs, in order.
    stored: Vec<StoredSegment>,
}

/// A running plan with the output since the last [`Harness::take_output`].
pub struct Harness {
    plan: HarnessPlan,
    wrap: Wrap,
    first: Option<Box<dyn Operator>>,
    subtasks: Vec<Subtask>,
    watermark: Watermark,
    output: Vec<StreamBatch>,
}

impl Harness {
    /// Starts the plan.
    ///
    /// # Errors
    /// When the plan cannot be built.
    pub fn new(plan: HarnessPlan, parallelism: u32, wrap: Wrap) -> Result<Self, OperatorError> {
        let mut harness = Self {
            plan,
            wrap,
            first: None,
            subtasks: Vec::new(),
            watermark: Watermark::MIN,
            output: Vec::new(),
        };
        harness.build(parallelism)?;
        Ok(harness)
    }

    fn build(&mut self, parallelism: u32) -> Result<(), OperatorError> {
        let parallelism = if self.plan.key_columns.is_empty() { 1 } else { parallelism };
        let clock = Clock::new(|| NOW_MS.get());
        let context = |index| BuildContext::of_subtask(index, parallelism, MAX_PARALLELISM).with_clock(clock);
        self.first = match &self.plan.first {
            Some(spec) => Some((self.wrap)(build(spec, context(0))?)),
            None => None,
        };
        let subtask = |index| {
            let operator = (self.wrap)(build(&self.plan.keyed, context(index))?);
            Ok(Subtask { operator, policy: BasePolicy::default(), stored: Vec::new() })
        };
        self.subtasks = (0..parallelism).map(subtask).collect::<Result<_, OperatorError>>()?;
        Ok(())
    }

    /// Gives a batch to the plan.
    ///
    /// # Errors
    /// What the operators say.
    pub fn push(&mut self, batch: StreamBatch) -> Result<(), OperatorError> {
        match &mut self.first {
            None => self.exchange(batch),
            Some(first) => {
                let batches = drive(&mut **first, self.plan.budget_rows, |o, out| o.process(batch, out))?;
                batches.into_iter().try_for_each(|b| self.exchange(b))
            }
        }
    }

    fn exchange(&mut self, batch: StreamBatch) -> Result<(), OperatorError> {
        let parallelism = self.subtasks.len() as u32;
        let partitioner = Partitioner::new(self.plan.key_columns.clone(), parallelism, MAX_PARALLELISM);
        let parts = partitioner.partition(batch).map_err(|e| OperatorError::Plan(e.to_string()))?;
        for (target, part) in parts {
            if let Some(subtask) = self.subtasks.get_mut(target as usize) {
                let operator = &mut *subtask.operator;
                self.output.extend(drive(operator, self.plan.budget_rows, |o, out| o.process(part, out))?);
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), OperatorError> {
        if let Some(first) = &mut self.first {
            let batches = drive(&mut **first, self.plan.budget_rows, |o, out| o.flush(out))?;
            batches.into_iter().try_for_each(|b| self.exchange(b))?;
        }
        for subtask in &mut self.subtasks {
            self.output.extend(drive(&mut *subtask.operator, self.plan.budget_rows, |o, out| o.flush(out))?);
        }
        Ok(())
    }

    /// Advances the watermark of all operators, in microseconds.
    ///
    /// # Errors
    /// What the operators say.
    pub fn watermark(&mut self, micros: i64) -> Result<(), OperatorError> {
        self.watermark = self.watermark.max(Watermark(micros));
        self.flush()?;
        let watermark = self.watermark;
        if let Some(first) = &mut self.first {
            let batches =
                drive(&mut **first, self.plan.budget_rows, |o, out| o.on_watermark(watermark, out))?;
            batches.into_iter().try_for_each(|b| self.exchange(b))?;
        }
        for subtask in &mut self.subtasks {
            let operator = &mut *subtask.operator;
            let fired = drive(operator, self.plan.budget_rows, |o, out| o.on_watermark(watermark, out))?;
            self.output.extend(fired);
        }
        Ok(())
    }

    /// Lets the first so many subtasks do what is due by the clock, as the worker does when they ask to be woken.
    ///
    /// # Errors
    /// What the operators say.
    pub fn clock(&mut self, subtasks: usize) -> Result<(), OperatorError> {
        for subtask in self.subtasks.iter_mut().take(subtasks) {
            if subtask.operator.wakes_at_ms().is_some_and(|at| at <= NOW_MS.get()) {
                let done = drive(&mut *subtask.operator, self.plan.budget_rows, |o, out| o.on_clock(out))?;
                self.output.extend(done);
            }
        }
        Ok(())
    }

    /// When the first subtask wants to be woken, in milliseconds.
    #[must_use]
    pub fn wakes_at_ms(&self) -> Option<i64> {
        self.subtasks.iter().filter_map(|s| s.operator.wakes_at_ms()).min()
    }

    /// Ends the input.
    ///
    /// # Errors
    /// What the operators say.
    pub fn finish(&mut self) -> Result<(), OperatorError> {
        self.watermark(i64::MAX)?;
        self.flush()
    }

    /// Lets every subtask take up to this many steps in removing expired state. Returns whether one has more to do.
    ///
    /// # Errors
    /// What the operators say.
    pub fn expire(&mut self, steps: usize) -> Result<bool, OperatorError> {
        let mut has_more = false;
        for subtask in &mut self.subtasks {
            let mut left = Expiring::More;
            for _ in 0..steps {
                if left == Expiring::More {
                    left = subtask.operator.expire()?;
                    let early = subtask.operator.take_spilled()?;
                    subtask.store(early)?;
                }
            }
            has_more |= left == Expiring::More;
        }
        Ok(has_more)
    }

    /// Passes a barrier through: freezes and stores what changed.
    ///
    /// # Errors
    /// What the operators and their state say.
    pub fn checkpoint(&mut self) -> Result<(), OperatorError> {
        self.flush()?;
        for subtask in &mut self.subtasks {
            let is_full = subtask.policy.needs_base();
            subtask.freeze(is_full)?;
        }
        Ok(())
    }

    /// Throws the operators away and goes on from the last checkpoint at another parallelism.
    ///
    /// # Errors
    /// What the operators and their state say.
    pub fn restore(&mut self, parallelism: u32) -> Result<(), OperatorError> {
        let counters = self.counters();
        let first_counters = self.first.as_ref().map(|f| f.counters());
        let stored: Vec<StoredSegment> =
            self.subtasks.iter_mut().flat_map(|s| std::mem::take(&mut s.stored)).collect();
        self.build(parallelism)?;
        let watermark = self.watermark;
        if let (Some(first), Some(counters)) = (&mut self.first, first_counters) {
            first.restore(Vec::new(), watermark)?;
            first.end_restore()?;
            first.restore_counters(counters);
        }
        let count = self.subtasks.len() as u32;
        for (index, subtask) in self.subtasks.iter_mut().enumerate() {
            let range = KeyGroupRange::of_subtask(index as u32, count, MAX_PARALLELISM);
            subtask.operator.restore(restored_tables(&stored, range)?, watermark)?;
            subtask.operator.end_restore()?;
        }
        if let Some(subtask) = self.subtasks.first_mut() {
            subtask.operator.restore_counters(counters);
        }
        // Bases, so that nothing depends on segments of other key groups any longer.
        self.checkpoint_bases()
    }

    /// The same with another plan for the same state.
    ///
    /// # Errors
    /// What the operators and their state say.
    pub fn restore_as(&mut self, plan: HarnessPlan, parallelism: u32) -> Result<(), OperatorError> {
        self.plan = plan;
        self.restore(parallelism)
    }

    fn checkpoint_bases(&mut self) -> Result<(), OperatorError> {
        for subtask in &mut self.subtasks {
            subtask.stored.clear();
            subtask.freeze(true)?;
        }
        Ok(())
    }

    /// The sum of what the keyed operator's subtasks counted.
    #[must_use]
    pub fn counters(&self) -> OperatorCounters {
        let mut sum = OperatorCounters::default();
        self.subtasks.iter().for_each(|s| sum.add(s.operator.counters()));
        sum
    }

    /// What the first phase counted.
    #[must_use]
    pub fn first_counters(&self) -> OperatorCounters {
        self.first.as_ref().map(|f| f.counters()).unwrap_or_default()
    }

    /// Bytes of state of all subtasks.
    #[must_use]
    pub fn state_bytes(&self) -> usize {
        self.subtasks.iter().map(|s| s.operator.state_bytes()).sum()
    }

    /// Rows in the segments that a restore would read now.
    ///
    /// # Errors
    /// When a segment is damaged.
    pub fn stored_rows(&self) -> Result<usize, OperatorError> {
        let segments = self.subtasks.iter().flat_map(|s| &s.stored);
        let rows = segments.map(|s| Ok(millstream_state::decode_segment(&s.bytes)?.num_rows()));
        rows.sum::<Result<usize, OperatorError>>()
    }

    /// Rows of each table that a restore would find, after all changes. Tables without rows are left out.
    ///
    /// # Errors
    /// When a segment is damaged.
    pub fn live_rows(&self) -> Result<BTreeMap<String, usize>, OperatorError> {
        let mut live: BTreeMap<String, BTreeSet<Vec<u8>>> = BTreeMap::new();
        for segment in self.subtasks.iter().flat_map(|s| &s.stored) {
            let rows = decode_segment(&segment.bytes)?;
            let (keys, deleted) = (rows.column(1).as_binary::<i32>(), rows.column(2).as_boolean());
            let table = live.entry(segment.table.clone()).or_default();
            for row in 0..rows.num_rows() {
                if deleted.value(row) {
                    table.remove(keys.value(row));
                } else {
                    table.insert(keys.value(row).to_vec());
                }
            }
        }
        live.retain(|_, rows| !rows.is_empty());
        Ok(live.into_iter().map(|(table, rows)| (table, rows.len())).collect())
    }

    /// What was emitted since the last call, subtask by subtask for each input.
    pub fn take_output(&mut self) -> Vec<StreamBatch> {
        std::mem::take(&mut self.output)
    }
}

impl Subtask {
    /// Freezes and stores, what left for a store first.
    fn freeze(&mut self, is_full: bool) -> Result<(), OperatorError> {
        let early = self.operator.take_spilled()?;
        self.store(early)?;
        if is_full {
            for base in self.operator.spilled_bases()? {
                let parts = base.collect::<Result<Vec<_>, _>>()?;
                self.store(parts)?;
            }
        }
        let frozen = self.operator.freeze(is_full)?;
        self.policy.froze(is_full, &frozen);
        self.store(frozen)
    }

    /// Stores frozen tables as the coordinator would: a base replaces what was stored of its table.
    fn store(&mut self, frozen: Vec<FrozenTable>) -> Result<(), OperatorError> {
        for table in frozen {
            let segment = table.into_segment()?;
            if segment.is_base {
                self.stored.retain(|s| s.table != segment.table);
            }
            self.stored.push(StoredSegment { table: segment.table, bytes: segment.bytes.to_vec() });
        }
        Ok(())
    }
}

fn restored_tables(
    stored: &[StoredSegment],
    range: KeyGroupRange,
) -> Result<Vec<RestoredTable>, OperatorError> {
    let mut tables: Vec<RestoredTable> = Vec::new();
    for segment in stored {
        let known = tables.iter().position(|t| t.name == segment.table);
        let index = known.unwrap_or_else(|| {
            tables.push(RestoredTable::new(segment.table.clone()));
            tables.len() - 1
        });
        if let Some(table) = tables.get_mut(index) {
            table.push_segment(&segment.bytes, range)?;
        }
    }
    Ok(tables)
}

/// Calls an operator and resumes it until it is done; returns what it emitted.
///
/// # Errors
/// What the operator says, and [`OperatorError::Plan`] when it asks to be resumed without emitting anything.
pub fn drive(
    operator: &mut dyn Operator,
    budget_rows: usize,
    call: impl FnOnce(&mut dyn Operator, &mut Output) -> Result<Progress, OperatorError>,
) -> Result<Vec<StreamBatch>, OperatorError> {
    let mut out = Output::new(budget_rows, usize::MAX);
    let mut progress = call(operator, &mut out)?;
    let mut batches = Vec::new();
    loop {
        let emitted = out.take();
        if progress == Progress::Done {
            batches.extend(emitted);
            return Ok(batches);
        }
        if emitted.is_empty() {
            return Err(OperatorError::Plan("the operator asks to be resumed but emits nothing".into()));
        }
        batches.extend(emitted);
        progress = operator.resume(&mut out)?;
    }
}
