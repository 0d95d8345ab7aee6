//! Dates, times and timestamps as text.
//!
//! Two families: the formats write as many digits of a second as are needed (`10:00:00.5`); Java's own classes, which the
//! print sink shows, write none, three, six or nine, and leave out seconds that are zero (`10:00`).

use arrow::datatypes::TimeUnit;

use crate::format::render::number::write_padded;

const NANOS: i64 = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;

/// Seconds since the epoch, and nanoseconds of the second in `0..10^9`.
pub(crate) fn split(value: i64, unit: TimeUnit) -> (i64, i64) {
    let per_second = match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => NANOS,
    };
    (value.div_euclid(per_second), value.rem_euclid(per_second) * (NANOS / per_second))
}

/// Appends `2024-01-31`.
pub(crate) fn write_date(days: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil_from_days(days);
    if year < 0 {
        out.push(b'-');
    } else if year > 9_999 {
        out.push(b'+');
    }
    write_padded(u128::from(year.unsigned_abs()), 4, out);
    out.push(b'-');
    write_two(month, out);
    out.push(b'-');
    write_two(day, out);
}

/// Appends `10:20:30.5`, as many digits as are needed.
pub(crate) fn write_time(second_of_day: i64, nanos: i64, out: &mut Vec<u8>) {
    write_two(second_of_day / 3_600, out);
    out.push(b':');
    write_two(second_of_day / 60 % 60, out);
    out.push(b':');
    write_two(second_of_day % 60, out);
    if nanos > 0 {
        let (mut fraction, mut width) = (nanos, 9);
        while fraction % 10 == 0 {
            fraction /= 10;
            width -= 1;
        }
        out.push(b'.');
        write_padded(u128::from(fraction.unsigned_abs()), width, out);
    }
}

/// Appends `2024-01-31 10:20:30.5`, date and time apart by `separator`.
pub(crate) fn write_timestamp(seconds: i64, nanos: i64, separator: u8, out: &mut Vec<u8>) {
    write_date(seconds.div_euclid(DAY_SECONDS), out);
    out.push(separator);
    write_time(seconds.rem_euclid(DAY_SECONDS), nanos, out);
}

/// Appends a time of day as `LocalTime.toString` does: `10:20`, `10:20:30`, `10:20:30.500`.
pub(crate) fn write_java_time(second_of_day: i64, nanos: i64, out: &mut Vec<u8>) {
    write_two(second_of_day / 3_600, out);
    out.push(b':');
    write_two(second_of_day / 60 % 60, out);
    if second_of_day % 60 > 0 || nanos > 0 {
        out.push(b':');
        write_two(second_of_day % 60, out);
    }
    write_java_fraction(nanos, out);
}

/// Appends a timestamp as `LocalDateTime.toString` does: `2024-01-31T10:20`.
pub(crate) fn write_java_timestamp(seconds: i64, nanos: i64, out: &mut Vec<u8>) {
    write_date(seconds.div_euclid(DAY_SECONDS), out);
    out.push(b'T');
    write_java_time(seconds.rem_euclid(DAY_SECONDS), nanos, out);
}

/// Appends a moment as `Instant.toString` does: `2024-01-31T10:20:00Z`.
pub(crate) fn write_java_instant(seconds: i64, nanos: i64, out: &mut Vec<u8>) {
    write_timestamp(seconds, 0, b'T', out);
    write_java_fraction(nanos, out);
    out.push(b'Z');
}

fn write_java_fraction(nanos: i64, out: &mut Vec<u8>) {
    let (fraction, width) = match nanos {
        0 => return,
        n if n % 1_000_000 == 0 => (n / 1_000_000, 3),
        n if n % 1_000 == 0 => (n / 1_000, 6),
        n => (n, 9),
    };
    out.push(b'.');
    write_padded(u128::from(fraction.unsigned_abs()), width, out);
}

fn write_two(value: i64, out: &mut Vec<u8>) {
    let digit = |d: i64| b'0' + u8::try_from(d).unwrap_or(0);
    out.extend_from_slice(&[digit(value / 10 % 10), digit(value % 10)]);
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    // Years begin in March, so that the leap day is the last one; 400 years are 146,097 days.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::parse::time::days_from_civil;

    fn text(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn dates_come_back() {
        for days in (-800_000..3_000_000).step_by(37) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), Some(days));
        }
        assert_eq!(text(|o| write_date(-719_162, o)), "0001-01-01");
        assert_eq!(text(|o| write_date(-719_893, o)), "-0001-01-01");
        assert_eq!(text(|o| write_date(2_932_897, o)), "+10000-01-01");
    }

    #[test]
    fn timestamps_of_formats_and_of_java() {
        let table = [
            (1_704_103_200, 0, "2024-01-01 10:00:00", "2024-01-01T10:00", "2024-01-01T10:00:00Z"),
            (1_704_103_205, 0, "2024-01-01 10:00:05", "2024-01-01T10:00:05", "2024-01-01T10:00:05Z"),
            (
                1_704_103_200,
                120_000_000,
                "2024-01-01 10:00:00.12",
                "2024-01-01T10:00:00.120",
                "2024-01-01T10:00:00.120Z",
            ),
            (
                1_704_103_200,
                1_000,
                "2024-01-01 10:00:00.000001",
                "2024-01-01T10:00:00.000001",
                "2024-01-01T10:00:00.000001Z",
            ),
            (
                -1,
                999_999_999,
                "1969-12-31 23:59:59.999999999",
                "1969-12-31T23:59:59.999999999",
                "1969-12-31T23:59:59.999999999Z",
            ),
        ];
        for (seconds, nanos, plain, local, instant) in table {
            assert_eq!(text(|o| write_timestamp(seconds, nanos, b' ', o)), plain);
            assert_eq!(text(|o| write_java_timestamp(seconds, nanos, o)), local);
            assert_eq!(text(|o| write_java_instant(seconds, nanos, o)), instant);
        }
    }

    #[test]
    fn values_split_into_seconds_and_nanoseconds() {
        assert_eq!(split(-1, TimeUnit::Millisecond), (-1, 999_000_000));
        assert_eq!(split(1_500, TimeUnit::Millisecond), (1, 500_000_000));
        assert_eq!(split(7, TimeUnit::Second), (7, 0));
        assert_eq!(split(7, TimeUnit::Nanosecond), (0, 7));
        assert_eq!(split(7, TimeUnit::Microsecond), (0, 7_000));
    }
}
