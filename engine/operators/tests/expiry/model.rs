//! What groups with a TTL do, row by row, as simply as it can be said.

use std::collections::BTreeMap;

use millstream_plan::{StateTtl, TtlTime};

/// One group: how often each value is there, which may be less than never.
#[derive(Clone, Debug, Default)]
struct Group {
    rows: i64,
    sum: i64,
    counts: BTreeMap<i64, i64>,
    /// By the clock of the TTL; `None` if it had not begun.
    written: Option<i64>,
}

/// All groups, and both clocks in milliseconds.
#[derive(Debug)]
pub(crate) struct Model {
    groups: BTreeMap<String, Group>,
    pub(crate) ttl: Option<StateTtl>,
    pub(crate) now: i64,
    pub(crate) watermark: Option<i64>,
    /// Rows are distinct keys, with no results that could change.
    pub(crate) has_calls: bool,
    pub(crate) is_retracting: bool,
    pub(crate) lost: u64,
}

impl Model {
    pub(crate) fn new(ttl: Option<StateTtl>, has_calls: bool, is_retracting: bool) -> Self {
        Self { groups: BTreeMap::new(), ttl, now: 0, watermark: None, has_calls, is_retracting, lost: 0 }
    }

    fn time(&self) -> Option<i64> {
        match self.ttl?.time {
            TtlTime::Processing => Some(self.now),
            TtlTime::Event => self.watermark,
        }
    }

    /// The watermark advances: what was written before the first one was written now.
    pub(crate) fn advance(&mut self, watermark: i64) {
        self.watermark = self.watermark.max(Some(watermark));
        let time = self.time();
        self.groups.values_mut().for_each(|g| g.written = g.written.or(time));
    }

    /// The job goes on with this TTL.
    pub(crate) fn restore(&mut self, ttl: Option<StateTtl>) {
        let keeps_times = self.ttl.map(|ttl| ttl.time) == ttl.map(|ttl| ttl.time);
        self.ttl = ttl;
        let time = self.time();
        let is_wall_clock = ttl.is_some_and(|ttl| ttl.time == TtlTime::Processing);
        for group in self.groups.values_mut() {
            group.written = group.written.filter(|_| keeps_times).or(time);
            if is_wall_clock {
                group.written = group.written.min(time);
            }
        }
    }

    /// Takes out what has expired.
    pub(crate) fn sweep(&mut self) {
        let (Some(ttl), Some(now)) = (self.ttl, self.time()) else { return };
        self.groups.retain(|_, g| g.written.is_none_or(|at| now < at + ttl.millis as i64));
    }

    /// Applies rows `(sign, key, value)` and gives the lines of the changes, sorted.
    pub(crate) fn batch(&mut self, rows: &[(i64, String, i64)]) -> Vec<String> {
        let time = self.time();
        self.sweep();
        let before = self.groups.clone();
        for (sign, key, value) in rows {
            let group = self.groups.entry(key.clone()).or_default();
            if *sign < 0 && group.rows == 0 {
                self.lost += 1;
                continue;
            }
            group.rows += sign;
            // Retractions of rows of an older group may leave a sum without rows, which goes.
            group.sum = if group.rows == 0 { 0 } else { group.sum + sign * value };
            *group.counts.entry(*value).or_default() += sign;
            group.written = time;
        }
        let mut lines = Vec::new();
        let mut keys: Vec<&String> = rows.iter().map(|(_, key, _)| key).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            let (old, new) = (before.get(key).map(|g| self.line(key, g)), self.groups.get(key));
            let new = new.filter(|g| g.rows > 0).map(|g| self.line(key, g));
            match (old, new) {
                (None, Some(new)) => lines.push(format!("+I | {new}")),
                (Some(old), None) => lines.push(format!("-D | {old}")),
                (Some(old), Some(new)) if old != new || self.emits_equal() => {
                    lines.push(format!("-U | {old}"));
                    lines.push(format!("+U | {new}"));
                }
                _ => {}
            }
        }
        self.groups.retain(|_, g| g.rows > 0);
        lines.sort();
        lines
    }

    fn emits_equal(&self) -> bool {
        self.ttl.is_some() && (self.has_calls || self.is_retracting)
    }

    /// `COUNT(*), SUM(v), MAX(v), COUNT(DISTINCT v)`.
    fn line(&self, key: &str, group: &Group) -> String {
        if !self.has_calls {
            return key.to_owned();
        }
        let values = || group.counts.iter().filter(|(_, count)| **count > 0).map(|(value, _)| value);
        let max = values().max().map_or("NULL".to_owned(), i64::to_string);
        format!("{key} | {} | {} | {max} | {}", group.rows, group.sum, values().count())
    }
}
