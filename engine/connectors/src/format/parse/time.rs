//! Dates, times of day and timestamps.
//!
//! `2024-01-01 10:00:00.123` (standard SQL) or `2024-01-01T10:00:00.123` (ISO-8601); with local time zone a `Z` follows.
//! Digits beyond the column's precision are cut, and `24:00:00` is the next midnight, as in Flink. Unlike Flink, which moves
//! it to another day, the 30th of February is no date.

use arrow::datatypes::TimeUnit;

const DAY_SECONDS: i64 = 86_400;

/// Which of the two spellings a table uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimestampStandard {
    /// `2024-01-01 10:00:00.123`
    Sql,
    /// `2024-01-01T10:00:00.123`
    Iso8601,
}

/// Days since 1970-01-01 of `2024-01-31`.
pub(crate) fn date(text: &str) -> Option<i32> {
    let mut cursor = Cursor(text.as_bytes());
    let days = cursor.date(2)?;
    cursor.end(i32::try_from(days).ok()?)
}

/// The same, one digit being enough for month and day.
pub(crate) fn lenient_date(text: &str) -> Option<i32> {
    let mut cursor = Cursor(text.as_bytes());
    let days = cursor.date(1)?;
    cursor.end(i32::try_from(days).ok()?)
}

/// Milliseconds since midnight of `10:20:30.123`.
pub(crate) fn time(text: &str) -> Option<i32> {
    milliseconds_of_day(text, SecondsPart::Required)
}

/// The same, seconds being optional.
pub(crate) fn lenient_time(text: &str) -> Option<i32> {
    milliseconds_of_day(text, SecondsPart::Optional)
}

/// A timestamp without time zone, in `unit`s since the epoch.
pub(crate) fn timestamp(text: &str, standard: TimestampStandard, unit: TimeUnit) -> Option<i64> {
    if let Some(moment) = usual_moment(text.as_bytes(), standard) {
        return moment.in_unit(unit);
    }
    let mut cursor = Cursor(text.as_bytes());
    let moment = cursor.moment(standard)?;
    cursor.end(moment.in_unit(unit)?)
}

/// A timestamp with all digits at their usual places, within a day, and up to three digits of a fraction: most of all. `None`: read
/// it piece by piece.
fn usual_moment(text: &[u8], standard: TimestampStandard) -> Option<Moment> {
    const NANOS: [i64; 4] = [0, 100_000_000, 10_000_000, 1_000_000];
    let (head, fraction) = text.split_first_chunk::<19>()?;
    let separator = if standard == TimestampStandard::Sql { b' ' } else { b'T' };
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, between, h0, h1, b':', i0, i1, b':', s0, s1] = *head
    else {
        return None;
    };
    let mut is_number = between == separator;
    let mut digit = |byte: u8| {
        is_number &= byte.is_ascii_digit();
        i64::from(byte.wrapping_sub(b'0'))
    };
    let mut pair = |tens: u8, ones: u8| digit(tens) * 10 + digit(ones);
    let (year, month, day) = (pair(y0, y1) * 100 + pair(y2, y3), pair(m0, m1), pair(d0, d1));
    let (hours, minutes, seconds) = (pair(h0, h1), pair(i0, i1), pair(s0, s1));
    let mut nanos = 0;
    if let [b'.', digits @ ..] = fraction {
        let nanos_of_last = NANOS.get(digits.len())?;
        nanos = digits.iter().fold(0, |number, byte| number * 10 + digit(*byte)) * nanos_of_last;
    } else if !fraction.is_empty() {
        return None;
    }
    if !is_number || hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let seconds = hours * 3_600 + minutes * 60 + seconds;
    Some(Moment { seconds: days_from_civil(year, month, day)? * DAY_SECONDS + seconds, nanos })
}

/// A timestamp with `Z`, or under ISO-8601 with an offset such as `+01:00`.
pub(crate) fn instant(text: &str, standard: TimestampStandard, unit: TimeUnit) -> Option<i64> {
    let mut cursor = Cursor(text.as_bytes());
    let moment = cursor.moment(standard)?;
    if cursor.take(b'Z') {
        return cursor.end(moment.in_unit(unit)?);
    }
    if standard == TimestampStandard::Sql {
        return None;
    }
    let sign = if cursor.take(b'+') { 1 } else { -i64::from(cursor.take(b'-')) };
    let hours = cursor.digits(2, 2)?;
    cursor.expect(b':')?;
    let minutes = cursor.digits(2, 2)?;
    if sign == 0 || hours > 18 || minutes > 59 {
        return None;
    }
    let shifted = Moment { seconds: moment.seconds - sign * (hours * 3_600 + minutes * 60), ..moment };
    cursor.end(shifted.in_unit(unit)?)
}

/// Days since 1970-01-01 of a proleptic Gregorian date; `None` if there is no such day.
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(is_leap),
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Years begin in March, so that the leap day is the last one; 400 years are 146,097 days.
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SecondsPart {
    Required,
    Optional,
}

#[derive(Clone, Copy)]
struct Moment {
    seconds: i64,
    nanos: i64,
}

impl Moment {
    fn in_unit(self, unit: TimeUnit) -> Option<i64> {
        let (factor, divisor) = match unit {
            TimeUnit::Second => (1, 1_000_000_000),
            TimeUnit::Millisecond => (1_000, 1_000_000),
            TimeUnit::Microsecond => (1_000_000, 1_000),
            TimeUnit::Nanosecond => (1_000_000_000, 1),
        };
        self.seconds.checked_mul(factor)?.checked_add(self.nanos / divisor)
    }
}

fn milliseconds_of_day(text: &str, seconds: SecondsPart) -> Option<i32> {
    let mut cursor = Cursor(text.as_bytes());
    let time = cursor.time_of_day(seconds)?;
    let milliseconds = (time.seconds % DAY_SECONDS) * 1_000 + time.nanos / 1_000_000;
    cursor.end(i32::try_from(milliseconds).ok()?)
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }

    fn end<T>(&self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }

    fn digits(&mut self, least: usize, most: usize) -> Option<i64> {
        let (mut value, mut count) = (0, 0);
        while count < most
            && let Some((digit @ b'0'..=b'9', rest)) = self.0.split_first()
        {
            value = value * 10 + i64::from(digit - b'0');
            count += 1;
            self.0 = rest;
        }
        (count >= least).then_some(value)
    }

    fn date(&mut self, least_digits: usize) -> Option<i64> {
        let is_negative = self.take(b'-');
        let year = self.digits(4, 4)?;
        self.expect(b'-')?;
        let month = self.digits(least_digits, 2)?;
        self.expect(b'-')?;
        let day = self.digits(least_digits, 2)?;
        days_from_civil(if is_negative { -year } else { year }, month, day)
    }

    fn time_of_day(&mut self, seconds_part: SecondsPart) -> Option<Moment> {
        let hours = self.digits(2, 2)?;
        self.expect(b':')?;
        let minutes = self.digits(2, 2)?;
        let (mut seconds, mut nanos) = (0, 0);
        if self.take(b':') {
            seconds = self.digits(2, 2)?;
            if self.take(b'.') {
                let before = self.0.len();
                let digits = self.digits(0, 9)?;
                let missing = 9_usize.saturating_sub(before - self.0.len());
                nanos = digits * 10_i64.pow(u32::try_from(missing).ok()?);
            }
        } else if seconds_part == SecondsPart::Required {
            return None;
        }
        let is_midnight_after = hours == 24 && minutes == 0 && seconds == 0 && nanos == 0;
        if minutes > 59 || seconds > 59 || (hours > 23 && !is_midnight_after) {
            return None;
        }
        Some(Moment { seconds: hours * 3_600 + minutes * 60 + seconds, nanos })
    }

    fn moment(&mut self, standard: TimestampStandard) -> Option<Moment> {
        let days = self.date(2)?;
        let seconds_part = match standard {
            TimestampStandard::Sql => {
                self.expect(b' ')?;
                SecondsPart::Required
            }
            TimestampStandard::Iso8601 => {
                if !self.take(b'T') {
                    self.expect(b't')?;
                }
                SecondsPart::Optional
            }
        };
        let time = self.time_of_day(seconds_part)?;
        Some(Moment { seconds: days * DAY_SECONDS + time.seconds, ..time })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every timestamp that is one byte away from a usual one is read at a glance as it is piece by piece, or not at a glance.
    #[test]
    fn usual_timestamps_are_read_as_others_are() {
        let bytes = b"0123456789 :-.TtZ+x\xff";
        for standard in [TimestampStandard::Sql, TimestampStandard::Iso8601] {
            let separator = if standard == TimestampStandard::Sql { ' ' } else { 'T' };
            let mut at_a_glance = 0;
            for fraction in ["", ".", ".1", ".12", ".123", ".1234"] {
                for moment in ["2024-02-29?23:59:59", "1969-12-31?00:00:00", "0001-01-01?24:00:00"] {
                    let text = format!("{}{fraction}", moment.replace('?', &separator.to_string()));
                    for (place, byte) in (0..text.len()).flat_map(|place| bytes.map(|byte| (place, byte))) {
                        let mut changed = text.clone().into_bytes();
                        changed[place] = byte;
                        let Some(found) = usual_moment(&changed, standard) else { continue };
                        let mut cursor = Cursor(&changed);
                        let slowly = cursor.moment(standard).and_then(|moment| cursor.end(moment));
                        let nanos = |moment: Moment| moment.in_unit(TimeUnit::Nanosecond);
                        assert!(slowly.is_some(), "{}", changed.escape_ascii());
                        assert_eq!(nanos(found), slowly.and_then(nanos), "{}", changed.escape_ascii());
                        at_a_glance += 1;
                    }
                }
            }
            assert!(at_a_glance > 500, "only {at_a_glance}");
        }
    }

    #[test]
    fn dates() {
        let table = [
            ("1970-01-01", Some(0)),
            ("2024-02-29", Some(19_782)),
            ("1969-12-31", Some(-1)),
            ("0001-01-01", Some(-719_162)),
            ("-0001-01-01", Some(-719_893)),
            ("9999-12-31", Some(2_932_896)),
            ("2024-02-30", None),
            ("2023-02-29", None),
            ("2024-13-01", None),
            ("2024-1-1", None),
            ("20240101", None),
            ("2024-01-01Z", None),
            (" 2024-01-01", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(date(text), expected, "{text:?}");
        }
        assert_eq!(lenient_date("2024-1-1"), date("2024-01-01"));
    }

    #[test]
    fn times_of_day() {
        let table = [
            ("00:00:00", Some(0)),
            ("10:20:30", Some(37_230_000)),
            ("10:20:30.1239", Some(37_230_123)),
            ("23:59:59.999", Some(86_399_999)),
            ("24:00:00", Some(0)),
            ("24:00:01", None),
            ("10:60:00", None),
            ("10:20:60", None),
            ("10:20", None),
            ("1:2:3", None),
            ("10:20:30Z", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(time(text), expected, "{text:?}");
        }
        assert_eq!((lenient_time("10:20"), lenient_time("10")), (Some(37_200_000), None));
    }

    #[test]
    fn timestamps_in_both_standards() {
        use TimestampStandard::{Iso8601, Sql};
        let ms = TimeUnit::Millisecond;
        let table = [
            (Sql, "2024-01-01 10:00:00.123", Some(1_704_103_200_123)),
            (Sql, "2024-01-01 10:00:00", Some(1_704_103_200_000)),
            (Sql, "2024-01-01 10:00:00.", Some(1_704_103_200_000)),
            (Sql, "2024-01-01 10:00:00.9996", Some(1_704_103_200_999)),
            (Sql, "2024-01-01 24:00:00", Some(1_704_153_600_000)),
            (Sql, "1969-12-31 23:59:59.5", Some(-500)),
            (Sql, "2024-01-01 10:00", None),
            (Sql, "2024-01-01T10:00:00", None),
            (Sql, "2024-01-01", None),
            (Sql, "2024-02-30 10:00:00", None),
            (Sql, "2024-01-01 10:00:00Z", None),
            (Sql, "2024-01-01 10:00:00.1234567891", None),
            (Iso8601, "2024-01-01T10:00:00.123", Some(1_704_103_200_123)),
            (Iso8601, "2024-01-01T10:00", Some(1_704_103_200_000)),
            (Iso8601, "2024-01-01t10:00:00", Some(1_704_103_200_000)),
            (Iso8601, "2024-01-01 10:00:00", None),
            (Iso8601, "2024-01-01T10:00:00Z", None),
        ];
        for (standard, text, expected) in table {
            assert_eq!(timestamp(text, standard, ms), expected, "{standard:?} {text:?}");
        }
        assert_eq!(
            timestamp("2024-01-01 10:00:00.123456789", Sql, TimeUnit::Nanosecond),
            Some(1_704_103_200_123_456_789)
        );
        assert_eq!(timestamp("9999-01-01 10:00:00", Sql, TimeUnit::Nanosecond), None);
        assert_eq!(timestamp("2024-01-01 10:00:00.9", Sql, TimeUnit::Second), Some(1_704_103_200));
    }

    #[test]
    fn instants_need_a_zone() {
        use TimestampStandard::{Iso8601, Sql};
        let table = [
            (Sql, "2024-01-01 10:00:00Z", Some(1_704_103_200)),
            (Sql, "2024-01-01 10:00:00", None),
            (Sql, "2024-01-01 10:00:00+01:00", None),
            (Iso8601, "2024-01-01T10:00Z", Some(1_704_103_200)),
            (Iso8601, "2024-01-01T10:00:00+01:00", Some(1_704_099_600)),
            (Iso8601, "2024-01-01T10:00:00-00:30", Some(1_704_105_000)),
            (Iso8601, "2024-01-01T10:00:00", None),
            (Iso8601, "2024-01-01T10:00:00+19:00", None),
            (Iso8601, "2024-01-01T10:00:00+1", None),
        ];
        for (standard, text, expected) in table {
            assert_eq!(instant(text, standard, TimeUnit::Second), expected, "{standard:?} {text:?}");
        }
    }

    #[test]
    fn every_day_of_800_years_follows_the_one_before() {
        let mut expected = days_from_civil(1600, 1, 1).unwrap();
        for year in 1600..2400 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Some(days) = days_from_civil(year, month, day) {
                        assert_eq!(days, expected, "{year}-{month}-{day}");
                        expected += 1;
                    }
                }
            }
        }
        assert_eq!(expected, days_from_civil(2400, 1, 1).unwrap());
    }
}
