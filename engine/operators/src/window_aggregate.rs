//! Windowed aggregate: groups per slice and key, merged into windows when the watermark closes them.
//!
//! Emits each window's rows once, as inserts, in the order of (window, key), or (window, key group, key) while groups are spilled. Its state is one table, keyed by (slice end, visible from,
//! key); windows and timers are derived from the keys, so a restore needs nothing else than the watermark: what it closes has
//! fired, and what is over is left out. That is safe because watermarks are broadcast: all subtasks have the same one at a barrier.
//!
//! While all groups fit into memory it knows which slice has which groups. Once some lie in a store, windows fire from there, see
//! `window::spilled`, until no slice is left.
//!
//! Example: `HOP(slide 2 s, size 6 s)`: the watermark 5.999 s fires `[0, 6)` from the slices `[0, 2) [2, 4) [4, 6)` and drops the
//! first of them.

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int64Type;
use millstream_batch::{StreamBatch, compact};
use millstream_model::snapshot::OperatorCounters;
use millstream_model::{KeyGroupRange, Watermark};
use millstream_plan::WindowAggregateSpec;
use millstream_state::{
    FrozenTable, GroupTable, KeyHashes, Resolved, RestoredTable, SpilledBase, StateError, ValueColumns as _,
};

use crate::aggregate::{Aggregates, Changes};
use crate::error::OperatorError;
use crate::event_time::{window_times, window_watermarks};
use crate::operator::{BuildContext, Operator, OperatorSpill, Output, Progress, TableSchema};
use crate::pending::Pending;
use crate::window::{
    Assigned, Firing, MergeTree, SliceGroups, SlicePrefix, Slices, SpilledFiring, SpilledGroups, WindowKeys,
    WindowRows, assign, first_open_end,
};

/// The table of slices. Stored under this name.
const SLICES: &str = "slices";
/// Columns before the keys in partial rows: slice end, visible from.
const PREFIX_COLUMNS: usize = 2;

/// The operator.
pub(crate) struct WindowAggregate {
    spec: WindowAggregateSpec,
    /// Key columns of the input.
    key_columns: Vec<usize>,
    shape: WindowRows,
    table: GroupTable,
    aggregates: Aggregates,
    slices: Slices,
    tree: MergeTree,
    watermark: Watermark,
    /// End of the first window that has not fired.
    next_end: i64,
    firing: Option<Firing>,
    /// The same, while groups lie in a store.
    spilled_firing: Option<SpilledFiring>,
    /// Groups may lie in a store, and `slices` says only which slices there are.
    is_spilled: bool,
    changes: Changes,
    context: BuildContext,
    pending: Pending,
    counters: OperatorCounters,
}

impl WindowAggregate {
    pub(crate) fn new(spec: WindowAggregateSpec, context: BuildContext) -> Result<Self, OperatorError> {
        if spec.is_merging && (spec.is_retracting || spec.calls.iter().any(|c| c.is_distinct)) {
            return Err(OperatorError::Plan("retractions and DISTINCT have one phase".into()));
        }
        if spec.window.size() <= 0 || spec.window.slide() <= 0 {
            return Err(OperatorError::Plan("a window without length".into()));
        }
        let changes = if spec.is_retracting { Changes::RetractingParts } else { Changes::AppendOnly };
        let aggregates = Aggregates::new(&spec.calls, changes)?;
        let key_columns = if spec.is_merging {
            (PREFIX_COLUMNS..PREFIX_COLUMNS + spec.keys.len()).collect()
        } else {
            spec.keys.clone()
        };
        let shape = WindowRows {
            window: spec.window,
            key_types: spec.keys.iter().map(|k| spec.rows_schema.field(*k).data_type().clone()).collect(),
            output: spec.output.clone(),
            schema: spec.schema.clone(),
        };
        Ok(Self {
            table: GroupTable::new(SLICES, context.key_groups, context.max_parallelism),
            slices: Slices::new(spec.window),
            tree: MergeTree::new(spec.window, &spec.calls, changes, aggregates.is_columnar()),
            aggregates,
            key_columns,
            shape,
            spec,
            watermark: Watermark::MIN,
            next_end: i64::MIN,
            firing: None,
            spilled_firing: None,
            is_spilled: false,
            changes,
            context,
            pending: Pending::default(),
            counters: OperatorCounters::default(),
        })
    }

    /// Rows of the first phase's input.
    fn apply_rows(&mut self, batch: StreamBatch) -> Result<(), OperatorError> {
        let times = window_times(batch.columns(), &self.spec.window)?;
        let row_watermark = window_watermarks(&self.spec.window, batch.row_watermark().map(|w| &w[..]));
        let assigned = assign(&self.spec.window, &times, row_watermark.as_deref(), self.watermark);
        self.counters.late_dropped += assigned.late;
        let batch = kept_rows(batch, &assigned)?;
        let groups = self.resolve(&batch, assigned.slice_ends, assigned.visible_from)?;
        self.aggregates.update(&batch, &groups, &self.table)?;
        Ok(())
    }

    /// Partial rows of the first phase.
    fn apply_partial(&mut self, batch: StreamBatch) -> Result<(), OperatorError> {
        let assigned = self.assign_partial(&batch);
        self.counters.late_dropped += assigned.late;
        let batch = kept_rows(batch, &assigned)?;
        let groups = self.resolve(&batch, assigned.slice_ends, assigned.visible_from)?;
        let state: &[ArrayRef] = &batch.columns().columns()[PREFIX_COLUMNS + self.key_columns.len()..];
        self.aggregates.merge(&groups, state)
    }

    /// The first phase judged lateness by a watermark that is at least this one, so nothing should be late here; but a row that is
    /// must never reach a window that has fired.
    fn assign_partial(&self, batch: &StreamBatch) -> Assigned {
        let window = &self.spec.window;
        let open = first_open_end(window, self.watermark);
        let slice_ends = batch.column(0).as_primitive::<Int64Type>().values();
        let visible_from = batch.column(1).as_primitive::<Int64Type>().values();
        if visible_from.iter().all(|v| *v >= open) {
            let (slice_ends, visible_from) = (slice_ends.to_vec(), visible_from.to_vec());
            return Assigned { slice_ends, visible_from, kept: None, late: 0 };
        }
        let rows = batch.column(batch.columns().num_columns() - 1).as_primitive::<Int64Type>();
        let mut assigned = Assigned { slice_ends: vec![], visible_from: vec![], kept: None, late: 0 };
        let mut kept = Vec::new();
        for (row, (slice_end, visible_from)) in slice_ends.iter().zip(visible_from).enumerate() {
            let visible_from = *visible_from.max(&open);
            if visible_from <= window.last_window_end(*slice_end) {
                assigned.slice_ends.push(*slice_end);
                assigned.visible_from.push(visible_from);
                kept.push(row as u32);
            } else {
                assigned.late += rows.value(row).unsigned_abs();
            }
        }
        assigned.kept = Some(UInt32Array::from(kept));
        assigned
    }

    /// Groups of the rows; new ones become part of their slices.
    fn resolve(
        &mut self,
        batch: &StreamBatch,
        slice_ends: Vec<i64>,
        visible_from: Vec<i64>,
    ) -> Result<Vec<u32>, OperatorError> {
        let keys = WindowKeys::of(batch, &self.key_columns, slice_ends, visible_from)?;
        let hashes = KeyHashes { key: &keys.key_hashes, index: &keys.index_hashes };
        let mut resolved = Resolved::default();
        self.table.resolve(&keys.encoded, hashes, &mut self.aggregates, &mut resolved)?;
        let Resolved { groups, created } = resolved;
        self.aggregates.resize(self.table.slots());
        if !self.is_spilled && self.table.has_spilled() {
            self.is_spilled = true;
            self.slices.forget_groups();
            self.tree.clear();
        }
        for group in created {
            self.place(group)?;
        }
        Ok(groups)
    }

    /// Makes a group part of its slice.
    fn place(&mut self, group: u32) -> Result<(), OperatorError> {
        let damaged = || StateError::Damaged("a key of the table slices has no slice".into());
        let prefix = SlicePrefix::of(self.table.key(group)).ok_or_else(damaged)?;
        if self.is_spilled {
            self.slices.note(prefix.slice_end);
        } else {
            self.slices.insert(prefix, group);
        }
        Ok(())
    }

    /// Fires closed windows until the output is full.
    fn fire(&mut self, out: &mut Output) -> Result<Progress, OperatorError> {
        loop {
            if self.pending.drain(out, &mut self.counters) == Progress::More {
                return Ok(Progress::More);
            }
            let is_firing = self.firing.is_some() || self.spilled_firing.is_some();
            if !out.has_room() && (is_firing || self.next_closed().is_some()) {
                return Ok(Progress::More);
            }
            if self.is_spilled {
                if self.fire_spilled()? == Progress::Done {
                    return Ok(Progress::Done);
                }
                continue;
            }
            let Some(firing) = &mut self.firing else {
                match self.next_closed() {
                    None => return Ok(Progress::Done),
                    Some(end) => self.firing = Some(self.start(end)?),
                }
                continue;
            };
            match firing.next_chunk(&self.shape, &self.table, &self.aggregates)? {
                Some(chunk) => {
                    self.counters.lost_retractions += chunk.lost_retractions;
                    self.pending.push(chunk.rows);
                }
                None => {
                    let end = firing.end();
                    self.firing = None;
                    self.finish(end)?;
                }
            }
        }
    }

    /// One chunk, or the begin or end of a window, from the store.
    fn fire_spilled(&mut self) -> Result<Progress, OperatorError> {
        let Some(firing) = &mut self.spilled_firing else {
            let Some(end) = self.next_closed() else { return Ok(Progress::Done) };
            self.table.evict_all(&mut self.aggregates)?;
            let KeyGroupRange { start, end: behind } = self.context.key_groups;
            self.spilled_firing = Some(SpilledFiring::new(self.spec.window, end, start..behind));
            return Ok(Progress::More);
        };
        let mut groups = SpilledGroups {
            table: &mut self.table,
            aggregates: &mut self.aggregates,
            calls: &self.spec.calls,
            changes: self.changes,
            shape: &self.shape,
        };
        match firing.next_chunk(&mut groups)? {
            Some(chunk) => {
                self.counters.lost_retractions += chunk.lost_retractions;
                self.pending.push(chunk.rows);
            }
            None => {
                self.next_end = firing.end().saturating_add(self.spec.window.slide());
                self.spilled_firing = None;
                self.slices.expire(self.next_end);
                if self.slices.is_empty() {
                    self.table.forget_spilled();
                    self.is_spilled = false;
                }
            }
        }
        Ok(Progress::More)
    }

    /// End of the next window to fire, if the watermark closes it.
    fn next_closed(&self) -> Option<i64> {
        self.slices.next_window(self.next_end).filter(|end| self.watermark.closes(*end))
    }

    fn start(&mut self, end: i64) -> Result<Firing, OperatorError> {
        let window = &self.spec.window;
        if window.slice() == window.size() {
            let groups = self.slices.get(end).map(|s| s.on_time.clone()).unwrap_or_default();
            return Ok(Firing::of_slice(end, groups, &self.table));
        }
        let groups = SliceGroups { slices: &self.slices, table: &self.table, aggregates: &self.aggregates };
        Ok(Firing::of_merged(end, self.tree.merge(end, groups)?))
    }

    /// Drops what only the fired window needed.
    fn finish(&mut self, end: i64) -> Result<(), OperatorError> {
        self.next_end = end.saturating_add(self.spec.window.slide());
        for group in self.slices.expire(self.next_end) {
            self.aggregates.clear(group, self.table.key(group), self.table.key_group(group))?;
            self.table.delete(group);
        }
        self.tree.expire(self.next_end);
        if self.table.is_empty() {
            self.tree.clear();
        }
        Ok(())
    }

    /// The rows of stored slices that are in a window which has not fired.
    fn open_rows(&self, rows: &RecordBatch) -> Result<RecordBatch, OperatorError> {
        let keys = rows.column(1).as_binary::<i32>();
        let window = &self.spec.window;
        let is_open = |key: Option<&[u8]>| {
            key.and_then(SlicePrefix::of).is_none_or(|p| window.last_window_end(p.slice_end) >= self.next_end)
        };
        let mask: BooleanArray = keys.iter().map(|key| Some(is_open(key))).collect();
        if mask.true_count() == rows.num_rows() {
            return Ok(rows.clone());
        }
        filter_record_batch(rows, &mask).map_err(OperatorError::columns("leave slices out that are over"))
    }
}

/// The rows that were not left out, in their order.
pub(crate) fn kept_rows(batch: StreamBatch, assigned: &Assigned) -> Result<StreamBatch, OperatorError> {
    match &assigned.kept {
        None => Ok(batch),
        Some(kept) => batch.take(kept).map_err(OperatorError::columns("leave late rows out")),
    }
}

impl Operator for WindowAggregate {
    fn process(&mut self, batch: StreamBatch, out: &mut Output) -> Result<Progress, OperatorError> {
        self.counters.rows_in += batch.num_rows() as u64;
        if batch.num_rows() > 0 {
            if self.spec.is_merging {
                self.apply_partial(batch)?;
            } else if self.aggregates.keeps_values() && batch.row_watermark().is_none() {
                // With row watermarks, equal rows may differ in lateness and must not cancel.
                self.apply_rows(compact(&batch).map_err(OperatorError::columns("cancel opposite rows"))?)?;
            } else {
                self.apply_rows(batch)?;
            }
        }
        Ok(self.pending.drain(out, &mut self.counters))
    }

    fn resume(&mut self, out: &mut Output) -> Result<Progress, OperatorError> {
        self.fire(out)
    }

    fn on_watermark(&mut self, watermark: Watermark, out: &mut Output) -> Result<Progress, OperatorError> {
        let watermark = self.spec.window.watermark(watermark);
        if watermark > self.watermark {
            self.next_end = self.next_end.max(first_open_end(&self.spec.window, self.watermark));
            self.watermark = watermark;
        }
        self.fire(out)
    }

    fn spill_to(&mut self, spill: &OperatorSpill) -> Result<(), OperatorError> {
        Ok(self.aggregates.spill_to(&mut self.table, spill)?)
    }

    fn spilled_bases(&mut self) -> Result<Vec<SpilledBase>, OperatorError> {
        Ok(self.aggregates.spilled_bases(&mut self.table)?)
    }

    fn take_spilled(&mut self) -> Result<Vec<FrozenTable>, OperatorError> {
        Ok(self.aggregates.take_spilled(&mut self.table)?)
    }

    fn tables(&self) -> Vec<TableSchema> {
        self.aggregates.tables(&self.table)
    }

    fn freeze(&mut self, full: bool) -> Result<Vec<FrozenTable>, OperatorError> {
        Ok(self.aggregates.freeze(&mut self.table, full)?)
    }

    fn restore(&mut self, tables: Vec<RestoredTable>, watermark: Watermark) -> Result<(), OperatorError> {
        self.watermark = self.spec.window.watermark(watermark);
        self.next_end = first_open_end(&self.spec.window, self.watermark);
        for mut table in tables {
            for rows in &mut table.segments {
                *rows = self.open_rows(rows)?;
            }
            if table.name != SLICES {
                self.aggregates.restore_kept(&table)?;
                continue;
            }
            self.table.restore(&table, &mut self.aggregates, SlicePrefix::index_hash)?;
            if self.table.is_spilling() {
                let keys = table.segments.iter().flat_map(|rows| rows.column(1).as_binary::<i32>().iter());
                let ends = keys.flatten().filter_map(SlicePrefix::of).map(|prefix| prefix.slice_end);
                ends.for_each(|end| self.slices.note(end));
            }
        }
        Ok(())
    }

    fn end_restore(&mut self) -> Result<(), OperatorError> {
        self.is_spilled = self.table.has_spilled();
        if self.is_spilled {
            return Ok(());
        }
        self.slices = Slices::new(self.spec.window);
        let groups: Vec<u32> = self.table.live_groups().collect();
        groups.into_iter().try_for_each(|group| self.place(group))
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
            + self.slices.bytes()
            + self.tree.bytes()
    }
}
