//! Windowed aggregate by the clock: groups per window and key, emitted when the clock passes the window's end.
//!
//! A row belongs to the windows that hold the moment at which it comes here, so no row is ever late. The state is one table, keyed by
//! (window end, the same once more, key) as slices are, and says all there is to say: a window that has fired is not in it, and
//! leaves a removal in the next checkpoint. That is why windows that overlap share nothing here: subtasks fire at slightly different
//! moments, and no watermark tells a restore at another parallelism which windows of a shared slice had fired. The end of input is the
//! end of time: what is open fires.
//!
//! Example: `HOP(slide 2 s, size 6 s)`: a row that comes at 12:00:05.100 counts in the windows that end at 12:00:06, :08 and :10, and
//! at 12:00:06.000 the first of them fires, whether anything comes or not.

use std::collections::BTreeMap;

use arrow::array::{ArrayRef, AsArray};
use millstream_batch::StreamBatch;
use millstream_model::key_group::KeyGroup;
use millstream_model::snapshot::OperatorCounters;
use millstream_model::time::MILLISECOND;
use millstream_model::{KeyGroupRange, Watermark};
use millstream_plan::{WindowAggregateSpec, WindowSpec};
use millstream_state::{
    FrozenTable, GroupTable, KeyHashes, Resolved, RestoredTable, SpilledBase, StateError, ValueColumns as _,
};

use crate::aggregate::{Aggregates, Changes};
use crate::error::OperatorError;
use crate::operator::{BuildContext, Clock, Operator, OperatorSpill, Output, Progress, TableSchema};
use crate::pending::Pending;
use crate::window::{Firing, SlicePrefix, WindowKeys, WindowRows};

/// The table of windows. Stored under this name, as the slices of event time are: a window here is a slice of its own.
const SLICES: &str = "slices";
/// A clock that is set back by no more than this stands still instead, so that windows do not come twice. One that was wrong by more
/// is believed: standing still for hours would be worse.
const MAX_STANDSTILL_MS: i64 = 60_000;
/// When to look again at a window whose end the wall clock of its zone will show once more.
const LOOK_AGAIN_MS: i64 = 1_000;

/// The operator.
pub(crate) struct ProcessingWindowAggregate {
    spec: WindowAggregateSpec,
    /// Key columns of the input.
    key_columns: Vec<usize>,
    shape: WindowRows,
    table: GroupTable,
    aggregates: Aggregates,
    /// The groups of each window by its end; empty lists while groups may lie in a store.
    windows: BTreeMap<i64, Vec<u32>>,
    is_spilled: bool,
    clock: OperatorClock,
    /// When the clock last found nothing more to fire.
    looked_at_ms: i64,
    /// Windows that end here or before fire, in the time in which windows are.
    closed_until: i64,
    firing: Option<ProcessingFiring>,
    key_groups: KeyGroupRange,
    pending: Pending,
    counters: OperatorCounters,
}

/// A window that fires.
struct ProcessingFiring {
    end: i64,
    /// Rows that are to be shown.
    current: Option<Firing>,
    /// Their groups, which end with them.
    groups: Vec<u32>,
    /// Key groups that are still to be brought in from the store.
    key_groups: std::ops::Range<u32>,
}

/// The clock, which does not go back by a little.
#[derive(Debug)]
struct OperatorClock {
    clock: Clock,
    last_ms: i64,
}

impl OperatorClock {
    fn now_ms(&mut self) -> i64 {
        let now = self.clock.now_ms();
        let is_standing = (1..=MAX_STANDSTILL_MS).contains(&self.last_ms.saturating_sub(now));
        if !is_standing {
            self.last_ms = now;
        }
        self.last_ms
    }
}

/// Microseconds of the clock in the time in which the windows are.
fn window_time(window: &WindowSpec, now_ms: i64) -> i64 {
    let instant = now_ms.saturating_mul(MILLISECOND);
    window.zone.map_or(instant, |zone| zone.local(instant))
}

/// Ends of the windows that hold a time.
fn window_ends(window: WindowSpec, time: i64) -> impl Iterator<Item = i64> {
    let slice_end = window.slice_end(time);
    let (last, slide) = (window.last_window_end(slice_end), window.slide());
    std::iter::successors(Some(window.first_window_end(slice_end)), move |end| end.checked_add(slide))
        .take_while(move |end| *end <= last)
}

impl ProcessingWindowAggregate {
    pub(crate) fn new(spec: WindowAggregateSpec, context: BuildContext) -> Result<Self, OperatorError> {
        if spec.is_retracting {
            return Err(OperatorError::Plan("retractions do not find their window by the clock".into()));
        }
        if spec.is_merging && spec.calls.iter().any(|c| c.is_distinct) {
            return Err(OperatorError::Plan("DISTINCT has one phase".into()));
        }
        if spec.window.size() <= 0 || spec.window.slide() <= 0 {
            return Err(OperatorError::Plan("a window without length".into()));
        }
        let key_columns = if spec.is_merging { (0..spec.keys.len()).collect() } else { spec.keys.clone() };
        let shape = WindowRows {
            window: spec.window,
            key_types: spec.keys.iter().map(|k| spec.rows_schema.field(*k).data_type().clone()).collect(),
            output: spec.output.clone(),
            schema: spec.schema.clone(),
        };
        Ok(Self {
            table: GroupTable::new(SLICES, context.key_groups, context.max_parallelism),
            aggregates: Aggregates::new(&spec.calls, Changes::AppendOnly)?,
            key_columns,
            shape,
            spec,
            windows: BTreeMap::new(),
            is_spilled: false,
            clock: OperatorClock { clock: context.clock, last_ms: i64::MIN },
            looked_at_ms: i64::MIN,
            closed_until: i64::MIN,
            firing: None,
            key_groups: context.key_groups,
            pending: Pending::default(),
            counters: OperatorCounters::default(),
        })
    }

    fn apply(&mut self, batch: &StreamBatch) -> Result<(), OperatorError> {
        let time = window_time(&self.spec.window, self.clock.now_ms());
        for end in window_ends(self.spec.window, time) {
            let groups = self.resolve(batch, end)?;
            if self.spec.is_merging {
                let state: &[ArrayRef] = &batch.columns().columns()[self.key_columns.len()..];
                self.aggregates.merge(&groups, state)?;
            } else {
                self.aggregates.update(batch, &groups, &self.table)?;
            }
        }
        Ok(())
    }

    /// Groups of the rows in one window; new ones become part of it.
    fn resolve(&mut self, batch: &StreamBatch, end: i64) -> Result<Vec<u32>, OperatorError> {
        let ends = vec![end; batch.num_rows()];
        let keys = WindowKeys::of(batch, &self.key_columns, ends.clone(), ends)?;
        let hashes = KeyHashes { key: &keys.key_hashes, index: &keys.index_hashes };
        let mut resolved = Resolved::default();
        self.table.resolve(&keys.encoded, hashes, &mut self.aggregates, &mut resolved)?;
        let Resolved { groups, created } = resolved;
        self.aggregates.resize(self.table.slots());
        if !self.is_spilled && self.table.has_spilled() {
            self.is_spilled = true;
            self.windows.values_mut().for_each(|groups| *groups = Vec::new());
        }
        let window = self.windows.entry(end).or_default();
        if !self.is_spilled {
            window.extend(created);
        }
        Ok(groups)
    }

    /// Looks at the clock, and fires what it has closed.
    fn advance(&mut self, out: &mut Output) -> Result<Progress, OperatorError> {
        self.looked_at_ms = self.clock.now_ms();
        let instant = Watermark(self.looked_at_ms.saturating_mul(MILLISECOND));
        self.closed_until = self.spec.window.watermark(instant).0;
        self.fire(out)
    }

    /// Fires closed windows until the output is full.
    fn fire(&mut self, out: &mut Output) -> Result<Progress, OperatorError> {
        loop {
            if self.pending.drain(out, &mut self.counters) == Progress::More {
                return Ok(Progress::More);
            }
            if self.firing.is_none() {
                let closed = self.windows.first_key_value().map(|(end, _)| *end);
                let Some(end) = closed.filter(|end| *end <= self.closed_until) else {
                    return Ok(Progress::Done);
                };
                if !out.has_room() {
                    return Ok(Progress::More);
                }
                self.firing = Some(self.start(end)?);
            }
            if !out.has_room() {
                return Ok(Progress::More);
            }
            self.fire_chunk()?;
        }
    }

    fn start(&mut self, end: i64) -> Result<ProcessingFiring, OperatorError> {
        let groups = self.windows.remove(&end).unwrap_or_default();
        let KeyGroupRange { start, end: behind } = self.key_groups;
        let key_groups = if self.is_spilled { start..behind } else { 0..0 };
        if self.is_spilled {
            // What lies in the store is all there is, and comes key group by key group.
            self.table.evict_all(&mut self.aggregates)?;
        }
        let current = (!self.is_spilled).then(|| Firing::of_slice(end, groups.clone(), &self.table));
        Ok(ProcessingFiring { end, current, groups, key_groups })
    }

    /// The next rows of the window that fires, or of the next key group of it; its end if there are none.
    fn fire_chunk(&mut self) -> Result<(), OperatorError> {
        let Some(firing) = &mut self.firing else { return Ok(()) };
        if let Some(current) = &mut firing.current {
            if let Some(chunk) = current.next_chunk(&self.shape, &self.table, &self.aggregates)? {
                self.counters.lost_retractions += chunk.lost_retractions;
                self.pending.push(chunk.rows);
                return Ok(());
            }
            firing.current = None;
            let ended = std::mem::take(&mut firing.groups);
            return self.end(&ended);
        }
        let Some(key_group) = firing.key_groups.next() else {
            self.firing = None;
            if self.is_spilled && self.windows.is_empty() {
                self.table.forget_spilled();
                self.is_spilled = false;
            }
            return Ok(());
        };
        let key_group = KeyGroup::try_from(key_group)
            .map_err(|_| OperatorError::Plan("more key groups than there can be".into()))?;
        let (from, to) =
            (SlicePrefix::first_key(firing.end), SlicePrefix::first_key(firing.end.saturating_add(1)));
        let range = (&from[..], &to[..]);
        // None of them goes without leaving a removal: see the head of this file.
        let is_last = |_: &[u8]| false;
        firing.groups = self.table.load_range(
            key_group,
            range,
            SlicePrefix::index_hash,
            is_last,
            &mut self.aggregates,
        )?;
        firing.current = Some(Firing::of_slice(firing.end, firing.groups.clone(), &self.table));
        Ok(())
    }

    /// Removes groups that were shown.
    fn end(&mut self, groups: &[u32]) -> Result<(), OperatorError> {
        for group in groups {
            self.aggregates.clear(*group, self.table.key(*group), self.table.key_group(*group))?;
            self.table.delete(*group);
        }
        if self.is_spilled && !groups.is_empty() {
            // Removals take memory until they are part of a checkpoint, and a key group's are all that there is room for.
            self.table.evict_all(&mut self.aggregates)?;
        }
        Ok(())
    }
}

impl Operator for ProcessingWindowAggregate {
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

    /// Event time closes no window here, but the end of input closes all.
    fn on_watermark(&mut self, watermark: Watermark, out: &mut Output) -> Result<Progress, OperatorError> {
        if watermark == Watermark::MAX {
            self.closed_until = i64::MAX;
        }
        self.fire(out)
    }

    fn on_clock(&mut self, out: &mut Output) -> Result<Progress, OperatorError> {
        self.advance(out)
    }

    fn wakes_at_ms(&self) -> Option<i64> {
        let (end, _) = self.windows.first_key_value()?;
        let instant = self.spec.window.zone.map_or(*end, |zone| zone.instant(*end));
        // The first millisecond at or behind the end.
        let at = instant.saturating_add(MILLISECOND - 1).div_euclid(MILLISECOND);
        let was_looked_at = at <= self.looked_at_ms && self.looked_at_ms <= self.clock.last_ms;
        Some(if was_looked_at { self.looked_at_ms.saturating_add(LOOK_AGAIN_MS) } else { at })
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

    fn restore(&mut self, tables: Vec<RestoredTable>, _watermark: Watermark) -> Result<(), OperatorError> {
        for table in tables {
            if table.name != SLICES {
                self.aggregates.restore_kept(&table)?;
                continue;
            }
            self.table.restore(&table, &mut self.aggregates, SlicePrefix::index_hash)?;
            if self.table.is_spilling() {
                // Removed ones are noted too: a window without groups shows nothing.
                let keys = table.segments.iter().flat_map(|rows| rows.column(1).as_binary::<i32>().iter());
                let ends = keys.flatten().filter_map(SlicePrefix::of).map(|prefix| prefix.slice_end);
                self.windows.extend(ends.map(|end| (end, Vec::new())));
            }
        }
        Ok(())
    }

    fn end_restore(&mut self) -> Result<(), OperatorError> {
        self.is_spilled = self.table.has_spilled();
        if self.is_spilled {
            return Ok(());
        }
        self.windows.clear();
        for group in self.table.live_groups() {
            let damaged = || StateError::Damaged("a key of the table slices has no window".into());
            let prefix = SlicePrefix::of(self.table.key(group)).ok_or_else(damaged)?;
            self.windows.entry(prefix.slice_end).or_default().push(group);
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
        let windows: usize = self.windows.values().map(|groups| 64 + groups.capacity() * 4).sum();
        self.table.bytes() + self.aggregates.bytes() + self.aggregates.kept_bytes() + windows
    }
}
