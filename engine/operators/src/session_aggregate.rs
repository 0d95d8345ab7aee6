//! Aggregate per session and key: groups by the session's origin and key, shown when the watermark passes the session's end.
//!
//! Emits each session's row once, as an insert. Its state is two tables: the open sessions of each key, and what is aggregated in
//! each session. Sessions that become one are merged at once. Nothing is retracted, and there is one phase: which rows are one
//! session is known behind the exchange only. When to look at a key is derived from its sessions, so a restore needs nothing
//! else than the watermark.
//!
//! Example: `COUNT(*)` by `k` in `SESSION(gap 10 s)` over `a 0 s, a 5 s, b 7 s, a 30 s`: the watermark 16.999 s fires `a [0, 15) 2`
//! and `b [7, 17) 1`.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::DataType;
use millstream_batch::{EncodedKeys, MAX_BATCH_ROWS, StreamBatch, decode_keys};
use millstream_model::Watermark;
use millstream_model::key_group::key_hash;
use millstream_model::snapshot::OperatorCounters;
use millstream_model::time::MILLISECOND;
use millstream_plan::{WindowAggregateSpec, WindowField};
use millstream_state::{
    FrozenTable, GroupTable, KeyHashes, Resolved, RestoredTable, SpilledBase, TableSpill, ValueColumns as _,
};

use crate::aggregate::{Aggregates, Changes, PartialTable};
use crate::batch_keys::BatchKeys;
use crate::error::OperatorError;
use crate::event_time::{window_bounds, window_times, window_watermarks};
use crate::operator::{BuildContext, Operator, OperatorSpill, Output, Progress, TableSchema};
use crate::pending::Pending;
use crate::session::{
    Assignment, OpenSessions, RowTimes, SESSION_KEYS, SessionOfRow, Timer, Timers, index_hash, session_hash,
    session_key, user_key,
};

/// The table of what is aggregated. Stored under this name.
const SESSIONS: &str = "sessions";
/// Numbers in the store, far from those of the aggregates' tables.
const KEYS_TABLE: u8 = 254;
const TIMERS_TABLE: u8 = 253;
/// Parts of the budget: half for what is aggregated, a quarter for the keys, the rest for timers.
const BUDGET_PARTS: usize = 4;

/// The operator.
pub(crate) struct SessionAggregate {
    spec: WindowAggregateSpec,
    key_types: Vec<DataType>,
    open: OpenSessions,
    timers: Timers,
    table: GroupTable,
    aggregates: Aggregates,
    watermark: Watermark,
    max_parallelism: u32,
    pending: Pending,
    counters: OperatorCounters,
}

/// A session that is over.
struct Over {
    end: i64,
    start: i64,
    origin: i64,
    key: Box<[u8]>,
}

impl SessionAggregate {
    pub(crate) fn new(spec: WindowAggregateSpec, context: BuildContext) -> Result<Self, OperatorError> {
        if spec.is_merging || spec.is_retracting {
            return Err(OperatorError::Plan("sessions of rows that are only added, in one phase".into()));
        }
        if spec.window.size() <= 0 {
            return Err(OperatorError::Plan("a session without gap".into()));
        }
        Ok(Self {
            key_types: spec.keys.iter().map(|k| spec.rows_schema.field(*k).data_type().clone()).collect(),
            open: OpenSessions::new(context.key_groups, context.max_parallelism),
            timers: Timers::default(),
            table: GroupTable::new(SESSIONS, context.key_groups, context.max_parallelism),
            aggregates: Aggregates::new(&spec.calls, Changes::AppendOnly)?,
            spec,
            watermark: Watermark::MIN,
            max_parallelism: context.max_parallelism,
            pending: Pending::default(),
            counters: OperatorCounters::default(),
        })
    }

    fn apply(&mut self, batch: &StreamBatch) -> Result<(), OperatorError> {
        let window = &self.spec.window;
        let times = window_times(batch.columns(), window)?;
        let row_watermark = window_watermarks(window, batch.row_watermark().map(|w| &w[..]));
        let keys = BatchKeys::of(batch, &self.spec.keys)?;
        let mut resolved = Resolved::default();
        self.open.resolve(&keys.encoded, &keys.hashes, &mut resolved)?;
        let rows = RowTimes {
            times: &times,
            gap: window.size(),
            row_watermark: row_watermark.as_deref(),
            watermark: self.watermark,
        };
        let assigned = Assignment::of(&mut self.open, &resolved.groups, rows);
        self.counters.late_dropped += assigned.late;
        self.open.drop_empty(&resolved.created);
        for (row, at) in &assigned.timers {
            let key_group = self.key_group(keys.hashes[*row]);
            self.timers.set(Timer { at: *at, key_group, key: keys.encoded.get(*row).into() })?;
        }
        let groups = self.groups(&assigned, &keys)?;
        self.aggregates.update(&kept_rows(batch, &assigned)?, &groups, &self.table)?;
        Ok(())
    }

    fn key_group(&self, key_hash: u64) -> u16 {
        millstream_model::key_group::key_group_of(key_hash, self.max_parallelism)
    }

    /// The group of each kept row, with what was absorbed merged in.
    fn groups(&mut self, assigned: &Assignment, keys: &BatchKeys) -> Result<Vec<u32>, OperatorError> {
        let absorbed = assigned.absorbed.iter().map(|(session, _)| session);
        let mut sessions = SessionKeys::default();
        for SessionOfRow { row, origin } in assigned.sessions.iter().chain(absorbed) {
            sessions.push(*origin, keys.encoded.get(*row), keys.hashes[*row]);
        }
        let found = self.resolve(&sessions)?;
        let (groups, absorbed) = found.split_at(assigned.sessions.len());
        if !absorbed.is_empty() {
            let into: Vec<u32> = assigned.absorbed.iter().map(|(_, into)| groups[*into as usize]).collect();
            self.merge(absorbed, &into)?;
        }
        Ok(assigned.of_rows.iter().map(|session| groups[*session as usize]).collect())
    }

    fn resolve(&mut self, sessions: &SessionKeys) -> Result<Vec<u32>, OperatorError> {
        let hashes = KeyHashes { key: &sessions.key_hashes, index: &sessions.index_hashes };
        let mut resolved = Resolved::default();
        self.table.resolve(&sessions.encoded, hashes, &mut self.aggregates, &mut resolved)?;
        self.aggregates.resize(self.table.slots());
        Ok(resolved.groups)
    }

    /// Groups `gone[i]` become part of the groups `into[i]`.
    fn merge(&mut self, gone: &[u32], into: &[u32]) -> Result<(), OperatorError> {
        let mut copy = PartialTable::new(&self.spec.calls, Changes::AppendOnly)?;
        let keys = gone.iter().map(|group| {
            let key = self.table.key(*group);
            (key_hash(key), key)
        });
        copy.absorb(keys, (&self.aggregates, gone, &self.table))?;
        self.remove(gone)?;
        copy.add_to(&mut self.aggregates, into, &self.table)
    }

    fn remove(&mut self, groups: &[u32]) -> Result<(), OperatorError> {
        for group in groups {
            self.aggregates.clear(*group, self.table.key(*group), self.table.key_group(*group))?;
            self.table.delete(*group);
        }
        Ok(())
    }

    /// Fires closed sessions until the output is full.
    fn fire(&mut self, out: &mut Output) -> Result<Progress, OperatorError> {
        loop {
            if self.pending.drain(out, &mut self.counters) == Progress::More {
                return Ok(Progress::More);
            }
            if !self.timers.has_due(self.watermark) {
                return Ok(Progress::Done);
            }
            if !out.has_room() {
                return Ok(Progress::More);
            }
            let due = self.timers.take_due(self.watermark, MAX_BATCH_ROWS)?;
            let mut over = self.end_sessions(due)?;
            over.sort_unstable_by(|a, b| (a.end, a.start, &a.key).cmp(&(b.end, b.start, &b.key)));
            self.show(&over)?;
        }
    }

    /// Takes the sessions that are over from the keys of these timers, and sets the timers of those that are left.
    fn end_sessions(&mut self, mut due: Vec<Timer>) -> Result<Vec<Over>, OperatorError> {
        // A key may have several timers; its sessions are looked at once.
        due.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        due.dedup_by(|a, b| a.key == b.key);
        let mut encoded = EncodedKeys::default();
        due.iter().for_each(|timer| encoded.push(&[&timer.key]));
        let hashes = encoded.hashes();
        let mut resolved = Resolved::default();
        self.open.resolve(&encoded, &hashes, &mut resolved)?;
        let mut over = Vec::new();
        for (key, timer) in resolved.groups.iter().zip(due) {
            let spans = self.open.of(*key);
            let closed = spans.extract_if(.., |span| self.watermark.closes(span.end));
            over.extend(closed.map(|span| Over {
                end: span.end,
                start: span.start,
                origin: span.origin,
                key: timer.key.clone(),
            }));
            if let Some(at) = spans.iter().map(|span| span.end).min() {
                self.timers.set(Timer { at, ..timer })?;
            }
        }
        self.open.drop_empty(&resolved.groups);
        Ok(over)
    }

    /// Shows sessions that are over, and forgets them.
    fn show(&mut self, over: &[Over]) -> Result<(), OperatorError> {
        if over.is_empty() {
            return Ok(());
        }
        let mut sessions = SessionKeys::default();
        over.iter().for_each(|session| sessions.push(session.origin, &session.key, key_hash(&session.key)));
        let groups = self.resolve(&sessions)?;
        let keys = decode_keys(groups.iter().map(|g| user_key(self.table.key(*g))), &self.key_types)?;
        let results = self.aggregates.results(&groups);
        let rows = build_rows(&self.spec, over, &keys, &results)?;
        self.pending.push(rows);
        self.remove(&groups)
    }
}

/// Keys of sessions with their hashes.
#[derive(Default)]
struct SessionKeys {
    encoded: EncodedKeys,
    key_hashes: Vec<u64>,
    index_hashes: Vec<u64>,
}

impl SessionKeys {
    fn push(&mut self, origin: i64, user_key: &[u8], user_key_hash: u64) {
        self.encoded.push(&[&session_key(origin), user_key]);
        self.key_hashes.push(user_key_hash);
        self.index_hashes.push(session_hash(origin, user_key_hash));
    }
}

fn kept_rows(batch: &StreamBatch, assigned: &Assignment) -> Result<StreamBatch, OperatorError> {
    match &assigned.kept {
        None => Ok(batch.clone()),
        Some(kept) => batch.take(kept).map_err(OperatorError::columns("leave late rows out")),
    }
}

fn build_rows(
    spec: &WindowAggregateSpec,
    over: &[Over],
    keys: &[ArrayRef],
    results: &[ArrayRef],
) -> Result<StreamBatch, OperatorError> {
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(spec.output.len());
    for (field, target) in spec.output.iter().zip(spec.schema.fields()) {
        let missing = || OperatorError::Plan(format!("no column for the window field {}", target.name()));
        let time = |of: &dyn Fn(&Over) -> i64| {
            window_bounds(&spec.window, over.iter().map(of).collect(), target.data_type())
        };
        columns.push(match field {
            WindowField::Key(i) => keys.get(*i).ok_or_else(missing)?.clone(),
            WindowField::Call(i) => results.get(*i).ok_or_else(missing)?.clone(),
            WindowField::Start => time(&|session| session.start)?,
            WindowField::End => time(&|session| session.end)?,
            WindowField::Time => time(&|session| session.end - MILLISECOND)?,
        });
    }
    let options = RecordBatchOptions::new().with_row_count(Some(over.len()));
    let rows = RecordBatch::try_new_with_options(Arc::clone(&spec.schema), columns, &options)
        .map_err(OperatorError::columns("build the rows of sessions"))?;
    Ok(StreamBatch::new(rows))
}

impl Operator for SessionAggregate {
    fn process(&mut self, batch: StreamBatch, out: &mut Output) -> Result<Progress, OperatorError> {
        self.counters.rows_in += batch.num_rows() as u64;
        if batch.num_rows() > 0 {
            self.apply(&batch)?;
        }
        Ok(self.pending.drain(out, &mut self.counters))
    }

    fn resume(&mut self, out: &mut Output) -> Result<Progress, OperatorError> {
        self.fire(out)
    }

    fn on_watermark(&mut self, watermark: Watermark, out: &mut Output) -> Result<Progress, OperatorError> {
        self.watermark = self.watermark.max(self.spec.window.watermark(watermark));
        self.fire(out)
    }

    fn spill_to(&mut self, spill: &OperatorSpill) -> Result<(), OperatorError> {
        let part = spill.budget / BUDGET_PARTS;
        let table = |table| TableSpill { store: spill.store.clone(), table, budget: part };
        self.open.spill_to(table(KEYS_TABLE))?;
        self.timers.spill_to(table(TIMERS_TABLE));
        let rest = OperatorSpill { store: spill.store.clone(), budget: spill.budget - 2 * part };
        Ok(self.aggregates.spill_to(&mut self.table, &rest)?)
    }

    fn spilled_bases(&mut self) -> Result<Vec<SpilledBase>, OperatorError> {
        let mut bases = self.aggregates.spilled_bases(&mut self.table)?;
        bases.extend(self.open.spilled_base()?);
        Ok(bases)
    }

    fn take_spilled(&mut self) -> Result<Vec<FrozenTable>, OperatorError> {
        let mut parts = self.aggregates.take_spilled(&mut self.table)?;
        parts.extend(self.open.take_spilled()?);
        Ok(parts)
    }

    fn tables(&self) -> Vec<TableSchema> {
        let mut tables = self.aggregates.tables(&self.table);
        tables.push(OpenSessions::schema());
        tables
    }

    fn freeze(&mut self, full: bool) -> Result<Vec<FrozenTable>, OperatorError> {
        let mut tables = self.aggregates.freeze(&mut self.table, full)?;
        tables.extend(self.open.freeze(full)?);
        Ok(tables)
    }

    fn restore(&mut self, tables: Vec<RestoredTable>, watermark: Watermark) -> Result<(), OperatorError> {
        self.watermark = self.spec.window.watermark(watermark);
        for table in tables {
            match table.name.as_str() {
                SESSIONS => self.table.restore(&table, &mut self.aggregates, index_hash)?,
                SESSION_KEYS => self.open.restore(&table, &mut self.timers)?,
                _ => self.aggregates.restore_kept(&table)?,
            }
        }
        Ok(())
    }

    fn counters(&self) -> OperatorCounters {
        self.counters
    }

    fn restore_counters(&mut self, counters: OperatorCounters) {
        self.counters = counters;
    }

    fn state_bytes(&self) -> usize {
        self.table.bytes()
            + self.aggregates.bytes()
            + self.aggregates.kept_bytes()
            + self.open.bytes()
            + self.timers.bytes()
    }
}
