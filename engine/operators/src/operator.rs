//! The trait that the worker drives, and what goes in and out of it.
//!
//! An operator is synchronous and resumable: it emits up to the budget of [`Output`], returns [`Progress::More`], and goes
//! on when [`Operator::resume`] is called, so that a chain with bounded queues never deadlocks. It reads no clock but the one
//! that it is given, never waits and never does I/O.
//!
//! Example: a window of 20,000 keys fires into an output with a budget of 8,192 rows: `on_watermark` emits 8,192 rows and
//! returns `More`, `resume` emits 8,192 and returns `More`, `resume` emits 3,616 and returns `Done`.

use std::sync::Arc;

use arrow::datatypes::Field;
use millstream_batch::{MAX_BATCH_ROWS, StreamBatch};
use millstream_model::snapshot::OperatorCounters;
use millstream_model::{KeyGroupRange, Watermark};
use millstream_state::{FrozenTable, RestoredTable, Spill, SpilledBase, TableSpill};

use crate::error::OperatorError;

/// Whether a call did all it had to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// All done; anything may be called next.
    Done,
    /// The output is full: take it and call [`Operator::resume`] before anything else.
    More,
}

/// What is left to do about state that expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Expiring {
    /// No state of this operator expires by time.
    Never,
    /// Nothing to do now; ask again when some time has passed.
    Later,
    /// More to do at once, if nothing else is.
    More,
}

/// One transformation of one subtask.
///
/// The worker calls, for each subtask: first [`Operator::restore`], if there is stored state, and [`Operator::end_restore`]; then
/// `process`, `on_watermark`, `flush` and `freeze` in the order of the input, `on_clock` anywhere between them, where `flush`
/// precedes every watermark, barrier, idleness and the end of input.
/// After `More` nothing but `resume` is called. At the end of input it calls `on_watermark(Watermark::MAX)` and `flush`.
pub trait Operator: Send {
    /// Takes a batch.
    ///
    /// # Errors
    /// [`OperatorError`]; the operator must not be called again.
    fn process(&mut self, batch: StreamBatch, out: &mut Output) -> Result<Progress, OperatorError>;

    /// Goes on after `More`.
    ///
    /// # Errors
    /// [`OperatorError`]; the operator must not be called again.
    fn resume(&mut self, _out: &mut Output) -> Result<Progress, OperatorError> {
        Ok(Progress::Done)
    }

    /// The input's watermark advanced (already the minimum over inputs). Fires what it closes.
    ///
    /// # Errors
    /// [`OperatorError`]; the operator must not be called again.
    fn on_watermark(&mut self, _watermark: Watermark, _out: &mut Output) -> Result<Progress, OperatorError> {
        Ok(Progress::Done)
    }

    /// The clock may have moved: does what is due by it. The worker calls it soon after [`Operator::wakes_at_ms`], whether input comes
    /// or not, and never between `More` and `Done`.
    ///
    /// # Errors
    /// [`OperatorError`]; the operator must not be called again.
    fn on_clock(&mut self, _out: &mut Output) -> Result<Progress, OperatorError> {
        Ok(Progress::Done)
    }

    /// When [`Operator::on_clock`] has something to do, in milliseconds since 1970 by the operator's [`Clock`]; `None` if nothing is
    /// waiting for a time.
    fn wakes_at_ms(&self) -> Option<i64> {
        None
    }

    /// Emits what is held back to save work downstream; afterwards a stateless operator holds nothing.
    ///
    /// # Errors
    /// [`OperatorError`]; the operator must not be called again.
    fn flush(&mut self, _out: &mut Output) -> Result<Progress, OperatorError> {
        Ok(Progress::Done)
    }

    /// Takes one short step in removing state that has expired, so that state which nothing asks for any more goes too; after a
    /// batch with much new state, as many as it takes to keep up. Emits nothing. The worker calls it after each batch and
    /// watermark, and while it waits for input; never between `More` and `Done`.
    ///
    /// # Errors
    /// [`OperatorError`]; the operator must not be called again.
    fn expire(&mut self) -> Result<Expiring, OperatorError> {
        Ok(Expiring::Never)
    }

    /// Copies the state that changed since the last call, or all of it if `full`, and clears the marks. Whoever calls keeps
    /// the result until an epoch that contains it is owned. Tables without changes are left out of a delta.
    ///
    /// # Errors
    /// [`OperatorError`]; the operator must not be called again.
    fn freeze(&mut self, _full: bool) -> Result<Vec<FrozenTable>, OperatorError> {
        Ok(Vec::new())
    }

    /// From now on, state beyond a budget lies in a store. Called at most once, before anything else. An operator without keyed
    /// state has nothing to put there.
    ///
    /// # Errors
    /// [`OperatorError::State`].
    fn spill_to(&mut self, _spill: &OperatorSpill) -> Result<(), OperatorError> {
        Ok(())
    }

    /// What lies in the store, for a full checkpoint: called right before a full [`Operator::freeze`], which then gives what lies
    /// on top of it.
    ///
    /// # Errors
    /// [`OperatorError`]; the operator must not be called again.
    fn spilled_bases(&mut self) -> Result<Vec<SpilledBase>, OperatorError> {
        Ok(Vec::new())
    }

    /// Changed state that left for the store since the last call, or the last freeze, if it is much: parts of the next checkpoint
    /// that can be stored already, in this order and before what is frozen then.
    ///
    /// # Errors
    /// [`OperatorError`]; the operator must not be called again.
    fn take_spilled(&mut self) -> Result<Vec<FrozenTable>, OperatorError> {
        Ok(Vec::new())
    }

    /// Takes over stored state of this subtask's key groups and the watermark that it had seen: a window that it closed
    /// stays fired, a row that was late stays late. May be called several times in a row, with a segment at a time;
    /// [`Operator::end_restore`] comes behind the last.
    ///
    /// # Errors
    /// [`OperatorError::State`] when the tables are not this operator's.
    fn restore(&mut self, tables: Vec<RestoredTable>, _watermark: Watermark) -> Result<(), OperatorError> {
        match tables.first() {
            None => Ok(()),
            Some(table) => Err(OperatorError::UnknownTable { table: table.name.clone() }),
        }
    }

    /// All stored state was taken over. Called once, before anything is processed.
    ///
    /// # Errors
    /// [`OperatorError::State`] when the tables are not this operator's.
    fn end_restore(&mut self) -> Result<(), OperatorError> {
        Ok(())
    }

    /// The tables of its keyed state, whether anything is in them or not: what [`Operator::freeze`] gives and
    /// [`Operator::restore`] takes.
    fn tables(&self) -> Vec<TableSchema> {
        Vec::new()
    }

    /// What it counted since the job began.
    fn counters(&self) -> OperatorCounters;

    /// Goes on counting from these figures.
    fn restore_counters(&mut self, counters: OperatorCounters);

    /// Bytes of state, by estimate.
    fn state_bytes(&self) -> usize {
        0
    }
}

/// A table of an operator's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSchema {
    /// Unique within the operator, stable across versions of the job.
    pub name: String,
    /// Its columns beside the key.
    pub columns: Vec<Field>,
    /// Columns that stored rows may have as well, and that are not needed.
    pub dispensable: Vec<String>,
    /// Columns that stored rows must have: empty ones would miss what the rows so far have put there, and rows that are updated
    /// take it out again.
    pub indispensable: Vec<String>,
}

/// Where an operator's state goes that does not fit.
#[derive(Clone, Debug)]
pub struct OperatorSpill {
    /// The operator's own store.
    pub store: Arc<dyn Spill>,
    /// Bytes that its tables may take in memory.
    pub budget: usize,
}

impl OperatorSpill {
    /// The share of one of `tables` tables.
    #[must_use]
    pub fn table(&self, table: u8, tables: usize) -> TableSpill {
        TableSpill { store: self.store.clone(), table, budget: self.budget / tables.max(1) }
    }
}

/// Tells operators what time it is.
///
/// The worker has the real one; a test says the time. Operators ask once a batch, so that all rows of a batch see the same
/// time.
#[derive(Clone, Copy, Debug)]
pub struct Clock(fn() -> i64);

impl Clock {
    /// Asks `read` for the milliseconds since 1970, UTC.
    #[must_use]
    pub const fn new(read: fn() -> i64) -> Self {
        Self(read)
    }

    /// Always 1970: for operators that do not ask.
    #[must_use]
    pub const fn stopped() -> Self {
        Self(|| 0)
    }

    /// Milliseconds since 1970, UTC.
    #[must_use]
    pub fn now_ms(self) -> i64 {
        (self.0)()
    }
}

/// What the operators of a subtask are built for.
#[derive(Clone, Copy, Debug)]
pub struct BuildContext {
    /// The key groups that the subtask owns.
    pub key_groups: KeyGroupRange,
    /// Number of key groups of the job.
    pub max_parallelism: u32,
    /// What `CURRENT_TIMESTAMP` and its kin read.
    pub clock: Clock,
}

impl BuildContext {
    /// For subtask `index` of `parallelism`, with a clock that has stopped.
    #[must_use]
    pub const fn of_subtask(index: u32, parallelism: u32, max_parallelism: u32) -> Self {
        let key_groups = KeyGroupRange::of_subtask(index, parallelism, max_parallelism);
        Self { key_groups, max_parallelism, clock: Clock::stopped() }
    }

    /// The same with this clock.
    #[must_use]
    pub const fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }
}

/// Collects what an operator emits, within a budget.
///
/// The budget is a pressure, not a lid: an operator looks at [`Output::has_room`] before each piece of work and may exceed
/// it by what that piece yields, at most one batch.
#[derive(Debug)]
pub struct Output {
    batches: Vec<StreamBatch>,
    rows: usize,
    bytes: usize,
    max_rows: usize,
    max_bytes: usize,
}

impl Output {
    /// A budget of two full batches of about 1 MB each: enough to be worth a call, little enough for a queue.
    pub const DEFAULT_ROWS: usize = 2 * MAX_BATCH_ROWS;
    /// See [`Output::DEFAULT_ROWS`].
    pub const DEFAULT_BYTES: usize = 2 << 20;

    /// An empty output with this budget.
    #[must_use]
    pub const fn new(max_rows: usize, max_bytes: usize) -> Self {
        Self { batches: Vec::new(), rows: 0, bytes: 0, max_rows, max_bytes }
    }

    /// Whether the budget is not used up.
    #[must_use]
    pub const fn has_room(&self) -> bool {
        self.rows < self.max_rows && self.bytes < self.max_bytes
    }

    /// Adds a batch; one without rows is dropped.
    pub fn emit(&mut self, batch: StreamBatch) {
        if batch.num_rows() == 0 {
            return;
        }
        self.rows += batch.num_rows();
        self.bytes += batch.queued_bytes();
        self.batches.push(batch);
    }

    /// Rows emitted since the last [`Output::take`].
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Whether nothing was emitted since the last [`Output::take`].
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Takes what was emitted, in order; the budget is whole again.
    pub fn take(&mut self) -> Vec<StreamBatch> {
        self.rows = 0;
        self.bytes = 0;
        std::mem::take(&mut self.batches)
    }
}

impl Default for Output {
    fn default() -> Self {
        Self::new(Self::DEFAULT_ROWS, Self::DEFAULT_BYTES)
    }
}
