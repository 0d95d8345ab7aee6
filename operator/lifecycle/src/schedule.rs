//! When a cron schedule of five fields is due, in UTC.
//!
//! Owns working out times; the grammar was checked by validation. As in cron, a day is due by day of month or by day of week when both
//! are restricted. `0 */6 * * *` is due at 00:00, 06:00, 12:00 and 18:00.

use millstream_api::k8s_openapi::jiff::tz::TimeZone;

use crate::time::Timestamp;

/// A parsed schedule: a bit for each value that a field allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether both kinds of day are restricted, so that either is enough.
    either_day: bool,
}

/// How far back a due time is looked for: what is older than two days is not caught up with minute by minute.
const LOOK_BACK_MINUTES: i64 = 2 * 24 * 60;

impl Schedule {
    /// Reads five fields; `None` for what validation would have refused.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = parts.as_slice() else { return None };
        let weekdays = field(weekday, 0, 7)?;
        Some(Self {
            minutes: field(minute, 0, 59)?,
            hours: field(hour, 0, 23)?,
            days: field(day, 1, 31)?,
            months: field(month, 1, 12)?,
            // Sunday is 0 and 7.
            weekdays: weekdays | (weekdays >> 7),
            either_day: !day.starts_with('*') && !weekday.starts_with('*'),
        })
    }

    /// Whether the minute that `at` lies in is due.
    pub fn is_due(&self, at: Timestamp) -> bool {
        let time = at.to_zoned(TimeZone::UTC);
        let has = |bits: u64, value: i8| bits & (1 << value) != 0;
        let day = has(self.days, time.day());
        let weekday = has(self.weekdays, time.weekday().to_sunday_zero_offset());
        let is_day = if self.either_day { day || weekday } else { day && weekday };
        is_day
            && has(self.minutes, time.minute())
            && has(self.hours, time.hour())
            && has(self.months, time.month())
    }

    /// The newest minute that is due in `from < minute <= to`. Looks two days back at most.
    pub fn newest_between(&self, from: Timestamp, to: Timestamp) -> Option<Timestamp> {
        let newest = to.as_second().div_euclid(60);
        let oldest = from.as_second().div_euclid(60).max(newest - LOOK_BACK_MINUTES);
        let minute = |minute: i64| Timestamp::from_second(minute * 60).ok();
        (oldest + 1..=newest).rev().filter_map(minute).find(|at| self.is_due(*at))
    }
}

fn field(text: &str, min: u32, max: u32) -> Option<u64> {
    text.split(',').try_fold(0, |bits, item| Some(bits | self::item(item, min, max)?))
}

fn item(text: &str, min: u32, max: u32) -> Option<u64> {
    let (range, step) = match text.split_once('/') {
        Some((range, step)) => (range, step.parse().ok().filter(|step: &usize| *step > 0)?),
        None => (text, 1),
    };
    let (from, to) = match range.split_once('-') {
        _ if range == "*" => (min, max),
        Some((from, to)) => (from.parse().ok()?, to.parse().ok()?),
        // A step behind a single number means from there on.
        None if text.contains('/') => (range.parse().ok()?, max),
        None => (range.parse().ok()?, range.parse().ok()?),
    };
    (min <= from && to <= max).then(|| (from..=to).step_by(step).fold(0, |bits, value| bits | 1 << value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn newest_due_times() {
        // 2026-03-01 is a Sunday.
        for (schedule, from, to, expected) in [
            ("0 */6 * * *", "2026-03-01T00:00:00Z", "2026-03-01T13:59:59Z", Some("2026-03-01T12:00:00Z")),
            ("0 */6 * * *", "2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z", None),
            ("0 */6 * * *", "2026-03-01T11:59:59Z", "2026-03-01T12:00:00Z", Some("2026-03-01T12:00:00Z")),
            ("30 9 * * 7", "2026-02-28T00:00:00Z", "2026-03-01T10:00:00Z", Some("2026-03-01T09:30:00Z")),
            ("30 9 * * 0", "2026-02-28T00:00:00Z", "2026-03-01T10:00:00Z", Some("2026-03-01T09:30:00Z")),
            ("30 9 * * 1-5", "2026-02-27T10:00:00Z", "2026-03-01T10:00:00Z", None),
            ("0 0 15 * 0", "2026-02-27T10:00:00Z", "2026-03-01T10:00:00Z", Some("2026-03-01T00:00:00Z")),
            ("0 0 15 * *", "2026-02-27T10:00:00Z", "2026-03-01T10:00:00Z", None),
            ("5/20 * 1 3 *", "2026-02-27T10:00:00Z", "2026-03-01T10:30:00Z", Some("2026-03-01T10:25:00Z")),
            ("* * * * *", "2020-01-01T00:00:00Z", "2026-03-01T10:30:30Z", Some("2026-03-01T10:30:00Z")),
            ("0 0 1 1 *", "2020-01-01T00:00:00Z", "2026-03-01T10:30:30Z", None),
        ] {
            let schedule = Schedule::parse(schedule).unwrap();
            assert_eq!(
                schedule.newest_between(at(from), at(to)),
                expected.map(at),
                "{schedule:?} {from} {to}"
            );
        }
        for bad in ["", "* * * *", "60 * * * *", "* * 0 * *", "x * * * *", "*/0 * * * *"] {
            assert_eq!(Schedule::parse(bad), None, "{bad}");
        }
    }
}
