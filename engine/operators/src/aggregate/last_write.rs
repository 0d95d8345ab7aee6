//! When each group was last written: a column of its own beside the calls' state, kept only where groups expire. It is exact, to
//! the millisecond: a group that a batch touches is part of the next checkpoint anyway, so a coarser time would save nothing.
//!
//! A group whose time is not known (it was stored without one, or written before there was any watermark) counts as written at the
//! first moment that is known. Such a group is stored as NULL until then. The two clocks have columns of different names, because
//! the times of one mean nothing to the other: whoever changes the clock finds no times. Example: groups `a, b` written at 1,000
//! and 1,500 ms are the column `last_write 1000, 1500`; with a TTL of 1,000 ms only `a` has expired at 2,000.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type, Schema};
use arrow::error::ArrowError;
use millstream_plan::TtlTime;
use millstream_state::{CopyBuffers, KEY_COLUMNS};

/// The column of each clock. Part of every checkpoint.
const COLUMNS: [(TtlTime, &str); 2] =
    [(TtlTime::Processing, "last_write"), (TtlTime::Event, "last_write_watermark")];
/// Names of the columns of all clocks.
pub(crate) fn columns() -> Vec<String> {
    COLUMNS.iter().map(|(_, name)| (*name).to_owned()).collect()
}

/// The group was written, but nobody knows when.
const UNKNOWN: i64 = i64::MIN;

/// Milliseconds of the last write of each group, by group number.
#[derive(Debug)]
pub(crate) struct LastWrites {
    time: TtlTime,
    millis: Vec<i64>,
    /// When groups of unknown time count as written.
    unknown_is: i64,
}

impl LastWrites {
    pub(crate) const fn new(time: TtlTime) -> Self {
        Self { time, millis: Vec::new(), unknown_is: UNKNOWN }
    }

    /// Says when groups of unknown time were written, unless that was said before.
    pub(crate) const fn begin(&mut self, now_ms: i64) {
        if self.unknown_is == UNKNOWN {
            self.unknown_is = now_ms;
        }
    }

    /// Notes a write.
    pub(crate) fn note(&mut self, group: u32, now_ms: Option<i64>) {
        self.millis[group as usize] = now_ms.unwrap_or(UNKNOWN);
    }

    /// Whether a group was last written at `until_ms` or before.
    pub(crate) fn is_idle_since(&self, group: u32, until_ms: i64) -> bool {
        is_idle(self.known(self.millis[group as usize]), until_ms)
    }

    /// Judges stored groups by the same rule.
    pub(crate) const fn judge(&self, until_ms: i64) -> StoredWrites {
        StoredWrites { unknown_is: self.unknown_is, until_ms }
    }

    const fn known(&self, millis: i64) -> i64 {
        if millis == UNKNOWN { self.unknown_is } else { millis }
    }

    pub(crate) fn field(&self) -> Field {
        Field::new(self.column(), DataType::Int64, true)
    }

    fn column(&self) -> &'static str {
        match self.time {
            TtlTime::Processing => COLUMNS[0].1,
            TtlTime::Event => COLUMNS[1].1,
        }
    }

    pub(crate) fn gather(&self, groups: &[u32], buffers: &CopyBuffers) -> ArrayRef {
        let millis = groups.iter().map(|g| self.known(self.millis[*g as usize]));
        let known = millis.map(|millis| (millis != UNKNOWN).then_some(millis));
        Arc::new(buffers.optional_values::<Int64Type>(known))
    }

    pub(crate) fn load(&mut self, groups: &[u32], column: &ArrayRef) {
        let stored = column.as_primitive::<Int64Type>();
        for (group, millis) in groups.iter().zip(stored.iter()) {
            self.millis[*group as usize] = millis.unwrap_or(UNKNOWN);
        }
    }

    pub(crate) fn reset(&mut self, group: u32) {
        self.millis[group as usize] = UNKNOWN;
    }

    pub(crate) fn resize(&mut self, slots: usize) {
        self.millis.resize(slots.max(self.millis.len()), UNKNOWN);
    }

    pub(crate) fn reserve(&mut self, slots: usize) {
        self.millis.reserve_exact(slots.saturating_sub(self.millis.len()));
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.millis.capacity() * 8
    }
}

/// Tells which stored groups were last written at a time or before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredWrites {
    unknown_is: i64,
    until_ms: i64,
}

impl StoredWrites {
    /// Their rows in a stored column.
    pub(crate) fn idle_rows(self, column: &ArrayRef) -> Vec<u32> {
        let millis = column.as_primitive::<Int64Type>().iter().map(|m| m.unwrap_or(self.unknown_is));
        millis.enumerate().filter(|(_, m)| is_idle(*m, self.until_ms)).map(|(row, _)| row as u32).collect()
    }
}

const fn is_idle(millis: i64, until_ms: i64) -> bool {
    millis != UNKNOWN && millis <= until_ms
}

/// Stored rows with the column that `writes` wants, or without any if there is none. Rows that have no time get `now_ms`; times of
/// the wall clock that are still to come, because the clock was set back, become `now_ms` as well.
///
/// # Errors
/// What Arrow says about columns that were never stored like this.
pub(crate) fn with_last_write(
    rows: &RecordBatch,
    writes: Option<&LastWrites>,
    now_ms: Option<i64>,
) -> Result<RecordBatch, ArrowError> {
    let is_time = |field: &FieldRef| COLUMNS.iter().any(|(_, name)| field.name() == name);
    let fields = rows.schema_ref().fields().iter().zip(rows.columns());
    let is_value = |index: usize, field: &FieldRef| index < KEY_COLUMNS || !is_time(field);
    let (mut kept, mut columns): (Vec<FieldRef>, Vec<ArrayRef>) = fields
        .enumerate()
        .filter(|(index, (field, _))| is_value(*index, field))
        .map(|(_, (field, column))| (field.clone(), column.clone()))
        .unzip();
    if let Some(writes) = writes {
        let stored = rows.column_by_name(writes.column()).and_then(|c| c.as_primitive_opt::<Int64Type>());
        let latest = match writes.time {
            TtlTime::Processing => now_ms.unwrap_or(i64::MAX),
            TtlTime::Event => i64::MAX,
        };
        let time = |row: usize| match stored.filter(|column| column.is_valid(row)) {
            Some(column) => Some(column.value(row).min(latest)),
            None => now_ms,
        };
        kept.push(Arc::new(writes.field()));
        columns.push(Arc::new((0..rows.num_rows()).map(time).collect::<Int64Array>()));
    }
    RecordBatch::try_new(Arc::new(Schema::new(kept)), columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(columns: &[(&str, Vec<Option<i64>>)]) -> RecordBatch {
        let keys = ["key_group", "key", "is_deleted"].map(|name| (name, vec![Some(1); columns[0].1.len()]));
        let all = keys.iter().chain(columns);
        let all =
            all.map(|(name, cells)| (*name, Arc::new(Int64Array::from(cells.clone())) as ArrayRef, true));
        RecordBatch::try_from_iter_with_nullable(all).unwrap()
    }

    fn column(rows: &RecordBatch, name: &str) -> Option<Vec<Option<i64>>> {
        Some(rows.column_by_name(name)?.as_primitive::<Int64Type>().iter().collect())
    }

    #[test]
    fn a_column_comes_goes_and_never_changes_its_clock() {
        let (event, processing) = (LastWrites::new(TtlTime::Event), LastWrites::new(TtlTime::Processing));
        let none = rows(&[("rows", vec![Some(7), Some(8)])]);
        let added = with_last_write(&none, Some(&processing), Some(50)).unwrap();
        assert_eq!(column(&added, "last_write"), Some(vec![Some(50), Some(50)]));
        assert_eq!(column(&added, "rows"), column(&none, "rows"));
        // Not yet a watermark.
        let unknown = with_last_write(&none, Some(&event), None).unwrap();
        assert_eq!(column(&unknown, "last_write_watermark"), Some(vec![None, None]));
        // Of another clock, and of none.
        let other = with_last_write(&added, Some(&event), Some(9)).unwrap();
        assert_eq!(column(&other, "last_write_watermark"), Some(vec![Some(9), Some(9)]));
        assert_eq!(column(&other, "last_write"), None);
        assert_eq!(with_last_write(&added, None, Some(60)).unwrap(), none);
        // What the clock has not reached yet, and what has no time.
        let times = rows(&[("last_write", vec![Some(3), None, Some(90)])]);
        let kept = with_last_write(&times, Some(&processing), Some(60)).unwrap();
        assert_eq!(column(&kept, "last_write"), Some(vec![Some(3), Some(60), Some(60)]));
    }

    #[test]
    fn unknown_times_are_the_first_that_is_known() {
        let mut writes = LastWrites::new(TtlTime::Event);
        writes.resize(2);
        writes.note(0, None);
        writes.note(1, Some(10));
        assert_eq!((writes.is_idle_since(0, i64::MAX), writes.is_idle_since(1, 9)), (false, false));
        assert_eq!(
            writes
                .gather(&[0, 1], &CopyBuffers::default())
                .as_primitive::<Int64Type>()
                .iter()
                .collect::<Vec<_>>(),
            [None, Some(10)]
        );
        writes.begin(5);
        writes.begin(8);
        assert_eq!(writes.gather(&[0], &CopyBuffers::default()).as_primitive::<Int64Type>().value(0), 5);
        assert_eq!(writes.judge(7).idle_rows(&writes.gather(&[1, 0], &CopyBuffers::default())), [1]);
        assert!(writes.is_idle_since(0, 5) && writes.is_idle_since(1, 10));
    }
}
