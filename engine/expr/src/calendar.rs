//! The proleptic Gregorian calendar: days, dates, wall clocks and the units in which Arrow counts them.
//!
//! Owns the arithmetic and Flink's text forms of dates and times; zones are `zone`, patterns are `pattern`. Every
//! rounding is toward the past, also before 1970. For example day 0 is 1970-01-01 and day -1 is 1969-12-31.

use std::fmt::Write;

use arrow::datatypes::TimeUnit;

pub(crate) const SECONDS_PER_DAY: i64 = 86_400;
const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// A point on a time line: whole seconds since 1970 and the nanoseconds behind them, `0..1_000_000_000`.
///
/// Whether the line is UTC or some wall clock is for the user of it to know. Arithmetic stops at the ends of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub(crate) seconds: i64,
    pub(crate) nanos: u32,
}

impl Moment {
    pub(crate) fn new(seconds: i64, nanos: u32) -> Self {
        Self { seconds, nanos }
    }

    /// Midnight of a day counted from 1970-01-01.
    pub(crate) fn midnight(day: i64) -> Self {
        Self { seconds: day.saturating_mul(SECONDS_PER_DAY), nanos: 0 }
    }

    /// A date and a time of day.
    pub(crate) fn of(date: Date, time: Clock) -> Self {
        let seconds = date.day().saturating_mul(SECONDS_PER_DAY).saturating_add(time.seconds());
        Self { seconds, nanos: time.nanos }
    }

    /// `value` counted in `unit` since 1970.
    pub(crate) fn from_unit(value: i64, unit: TimeUnit) -> Self {
        let per_second = units_per_second(unit);
        let nanos = value.rem_euclid(per_second) * (NANOS_PER_SECOND / per_second);
        Self { seconds: value.div_euclid(per_second), nanos: nanos as u32 }
    }

    /// The moment counted in `unit`, cut off toward the past; `None` when it does not fit 64 bits.
    pub(crate) fn to_unit(self, unit: TimeUnit) -> Option<i64> {
        let per_second = units_per_second(unit);
        let part = i64::from(self.nanos) / (NANOS_PER_SECOND / per_second);
        if self.seconds < 0 {
            // Counted back from the next second, because the product of the first second can be out of range alone.
            (self.seconds + 1).checked_mul(per_second)?.checked_add(part - per_second)
        } else {
            self.seconds.checked_mul(per_second)?.checked_add(part)
        }
    }

    /// The day that the moment lies on.
    pub(crate) fn day(self) -> i64 {
        self.seconds.div_euclid(SECONDS_PER_DAY)
    }

    /// The date that the moment lies on.
    pub(crate) fn date(self) -> Date {
        Date::from_day(self.day())
    }

    /// The time of its day.
    pub(crate) fn clock(self) -> Clock {
        Clock::from_seconds(self.seconds.rem_euclid(SECONDS_PER_DAY), self.nanos)
    }

    /// The same moment with only `digits` digits of the second.
    pub(crate) fn truncated(self, digits: u8) -> Self {
        let step = 10_u32.pow(u32::from(9 - digits.min(9)));
        Self { seconds: self.seconds, nanos: self.nanos / step * step }
    }

    /// Adds nanoseconds of any size.
    pub(crate) fn plus_nanos(self, nanos: i64) -> Self {
        let total = i64::from(self.nanos) + nanos.rem_euclid(NANOS_PER_SECOND);
        Self {
            seconds: self
                .seconds
                .saturating_add(nanos.div_euclid(NANOS_PER_SECOND))
                .saturating_add(total / NANOS_PER_SECOND),
            nanos: (total % NANOS_PER_SECOND) as u32,
        }
    }

    /// Adds months and keeps the day of the month, or takes the month's last day when it is too short.
    pub(crate) fn plus_months(self, months: i64) -> Self {
        Self::of(self.date().plus_months(months), self.clock())
    }
}

fn units_per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => NANOS_PER_SECOND,
    }
}

/// A date of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date {
    pub(crate) year: i64,
    /// `1..=12`
    pub(crate) month: u32,
    /// `1..=31`
    pub(crate) day_of_month: u32,
}

impl Date {
    /// The date if it exists.
    pub(crate) fn new(year: i64, month: u32, day_of_month: u32) -> Option<Self> {
        let exists = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day_of_month);
        exists.then_some(Self { year, month, day_of_month })
    }

    /// The date, or the month's last day if `day_of_month` is at most 31 but too great for the month.
    pub(crate) fn clamped(year: i64, month: u32, day_of_month: u32) -> Option<Self> {
        if !(1..=12).contains(&month) || !(1..=31).contains(&day_of_month) {
            return None;
        }
        Some(Self { year, month, day_of_month: day_of_month.min(days_in_month(year, month)) })
    }

    /// The date of a day counted from 1970-01-01.
    pub(crate) fn from_day(day: i64) -> Self {
        // Counted in eras of 400 years that begin on the first of March, so that the leap day comes last.
        let shifted = day + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day_of_month = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 } as u32;
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self { year, month, day_of_month }
    }

    /// The day counted from 1970-01-01.
    pub(crate) fn day(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let shifted_month = (i64::from(self.month) + 9) % 12;
        let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(self.day_of_month) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    /// The day of the year, from 1.
    pub(crate) fn day_of_year(self) -> u32 {
        (self.day() - Self { year: self.year, month: 1, day_of_month: 1 }.day() + 1) as u32
    }

    /// The day of the week with Monday = 1 and Sunday = 7.
    pub(crate) fn iso_weekday(self) -> u32 {
        ((self.day() + 3).rem_euclid(7) + 1) as u32
    }

    /// The year and number of the ISO week, which begins on Monday and belongs to the year of its Thursday.
    pub(crate) fn iso_week(self) -> (i64, u32) {
        let thursday = Self::from_day(self.day() + 4 - i64::from(self.iso_weekday()));
        (thursday.year, (thursday.day_of_year() - 1) / 7 + 1)
    }

    /// The quarter of the year, from 1.
    pub(crate) fn quarter(self) -> u32 {
        (self.month - 1) / 3 + 1
    }

    /// Adds months; see [`Moment::plus_months`].
    pub(crate) fn plus_months(self, months: i64) -> Self {
        /// Beyond every moment that 64 bits of seconds reach; the result is out of range for every type anyway.
        const MOST: i64 = 12 * 300_000_000_000;
        let total = (self.year * 12 + i64::from(self.month - 1)).saturating_add(months).clamp(-MOST, MOST);
        let (year, month) = (total.div_euclid(12), total.rem_euclid(12) as u32 + 1);
        Self { year, month, day_of_month: self.day_of_month.min(days_in_month(year, month)) }
    }

    /// Appends `2020-01-02`.
    pub(crate) fn write(self, out: &mut String) {
        let _ = write!(out, "{:04}-{:02}-{:02}", self.year, self.month, self.day_of_month);
    }
}

pub(crate) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(crate) fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    /// `0..24`
    pub(crate) hour: u32,
    /// `0..60`
    pub(crate) minute: u32,
    /// `0..60`
    pub(crate) second: u32,
    /// `0..1_000_000_000`
    pub(crate) nanos: u32,
}

impl Clock {
    /// The time if it exists.
    pub(crate) fn new(hour: u32, minute: u32, second: u32, nanos: u32) -> Option<Self> {
        (hour < 24 && minute < 60 && second < 60).then_some(Self { hour, minute, second, nanos })
    }

    /// The time at `seconds` of a day, `0..86_400`.
    pub(crate) fn from_seconds(seconds: i64, nanos: u32) -> Self {
        let seconds = seconds as u32;
        Self { hour: seconds / 3_600, minute: seconds / 60 % 60, second: seconds % 60, nanos }
    }

    /// Seconds since midnight.
    pub(crate) fn seconds(self) -> i64 {
        i64::from(self.hour * 3_600 + self.minute * 60 + self.second)
    }

    /// Appends `03:04:05` and, with `digits > 0`, the fraction of the second.
    pub(crate) fn write(self, digits: u8, out: &mut String) {
        let _ = write!(out, "{:02}:{:02}:{:02}", self.hour, self.minute, self.second);
        if digits > 0 {
            let digits = digits.min(9);
            let fraction = self.nanos / 10_u32.pow(u32::from(9 - digits));
            let _ = write!(out, ".{fraction:0width$}", width = usize::from(digits));
        }
    }
}

/// Reads a date as Flink's cast does: `2020-01-02`, `2020-1-2`, `2020-01`, `2020`, with anything after a blank ignored.
pub(crate) fn parse_date(text: &str) -> Option<Date> {
    let text = text.trim_matches(' ');
    let text = text.split_once(' ').map_or(text, |(date, _)| date);
    let mut parts = text.split('-');
    let year = number(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |part| number(part, 2))?;
    let day = parts.next().map_or(Some(1), |part| number(part, 2))?;
    if parts.next().is_some() {
        return None;
    }
    Date::new(i64::from(year), month, day)
}

/// Reads a time as Flink's cast does: `03:04:05.678`, `3:4:5`, `03:04`, `03`.
pub(crate) fn parse_clock(text: &str) -> Option<Clock> {
    let text = text.trim_matches(' ');
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(a, b)| (a, Some(b)));
    let mut parts = whole.split(':');
    let hour = number(parts.next()?, 2)?;
    let minute = parts.next().map_or(Some(0), |part| number(part, 2))?;
    let second = parts.next();
    if parts.next().is_some() || (second.is_none() && fraction.is_some()) {
        return None;
    }
    let second = second.map_or(Some(0), |part| number(part, 2))?;
    Clock::new(hour, minute, second, fraction.map_or(Some(0), parse_fraction)?)
}

/// Reads a timestamp as Flink's cast does: a date of three parts, and behind a blank a time of three parts with up to
/// nine digits of a fraction. A day that the month does not have becomes its last day; 24:00:00 is the next midnight.
pub(crate) fn parse_timestamp(text: &str) -> Option<Moment> {
    let (date, time) = text.split_once(' ').map_or((text, None), |(date, time)| (date, Some(time)));
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4)?;
    let month = number(parts.next()?, 2)?;
    let day = number(parts.next()?, 2)?;
    if parts.next().is_some() {
        return None;
    }
    let date = Date::clamped(i64::from(year), month, day)?;
    let Some(time) = time else { return Some(Moment::midnight(date.day())) };
    if time.bytes().filter(|byte| *byte == b':').count() != 2 {
        return None;
    }
    if time.trim_end_matches(['0', '.']) == "24:00:" || time == "24:00:00" {
        return Some(Moment::midnight(date.day() + 1));
    }
    if time.starts_with(' ') || time.ends_with(' ') {
        return None;
    }
    Some(Moment::of(date, parse_clock(time)?))
}

/// One to `width` decimal digits.
fn number(text: &str, width: usize) -> Option<u32> {
    let plain = (1..=width).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// Up to nine digits behind a point, as nanoseconds.
fn parse_fraction(text: &str) -> Option<u32> {
    if text.is_empty() {
        return Some(0);
    }
    let value = number(text, 9)?;
    Some(value * 10_u32.pow(9 - text.len() as u32))
}

#[cfg(test)]
mod calendar_test;
