//! Parsing against rendering, and against other implementations.

use arrow::datatypes::TimeUnit;
use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _};
use proptest::prelude::*;

use super::decimal::{ParsedDecimal, decimal};
use super::time::{TimestampStandard, date, instant, time, timestamp};
use super::{number, time as times};
use crate::format::render::number::{
    DecimalNotation, write_decimal, write_double, write_float, write_integer,
};
use crate::format::render::time as render;

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

fn units() -> impl Strategy<Value = (TimeUnit, i64)> {
    proptest::sample::select(vec![
        (TimeUnit::Second, 1),
        (TimeUnit::Millisecond, 1_000),
        (TimeUnit::Microsecond, 1_000_000),
        (TimeUnit::Nanosecond, 1_000_000_000),
    ])
}

proptest! {
    #[test]
    fn numbers_come_back(integer in any::<i64>(), double in any::<f64>(), float in any::<f32>()) {
        prop_assert_eq!(text(|o| write_integer(integer, o)), integer.to_string());
        prop_assert_eq!(number::integer::<i64>(&integer.to_string()), Some(integer));
        let read: f64 = number::float(&text(|o| write_double(double, o))).unwrap();
        prop_assert!(read.to_bits() == double.to_bits() || (read.is_nan() && double.is_nan()), "{double}");
        let read: f32 = number::float(&text(|o| write_float(float, o))).unwrap();
        prop_assert!(read.to_bits() == float.to_bits() || (read.is_nan() && float.is_nan()), "{float}");
    }

    #[test]
    fn decimals_come_back(value in -(10_i128.pow(38) - 1)..10_i128.pow(38), scale in 0_i8..38) {
        for notation in [DecimalNotation::Java, DecimalNotation::Plain] {
            let written = text(|o| write_decimal(value, scale, notation, o));
            prop_assert_eq!(decimal(&written, 38, scale), ParsedDecimal::Value(value), "{}", written);
        }
    }

    /// Against rounding digit by digit on text.
    #[test]
    fn decimals_round_half_up(digits in "[0-9]{1,12}", fraction in "[0-9]{1,12}", scale in 0_i8..10) {
        let kept = usize::try_from(scale).unwrap();
        let padded = format!("{fraction:0<24}");
        let (kept, dropped) = padded.split_at(kept);
        let unrounded: i128 = format!("{digits}{kept}").parse().unwrap();
        let expected = unrounded + i128::from(dropped.as_bytes()[0] >= b'5');
        for sign in ["", "-"] {
            let value = if sign.is_empty() { expected } else { -expected };
            let parsed = decimal(&format!("{sign}{digits}.{fraction}"), 38, scale);
            prop_assert_eq!(parsed, ParsedDecimal::Value(value));
        }
        let shifted = decimal(&format!("{digits}{fraction}e-{}", fraction.len()), 38, scale);
        prop_assert_eq!(shifted, ParsedDecimal::Value(expected));
    }

    #[test]
    fn timestamps_come_back((unit, per_second) in units(), seconds in -9_000_000_000_i64..9_000_000_000, part in any::<u32>()) {
        let value = seconds * per_second + i64::from(part) % per_second;
        let (whole, nanos) = render::split(value, unit);
        for (standard, separator) in [(TimestampStandard::Sql, b' '), (TimestampStandard::Iso8601, b'T')] {
            let written = text(|o| render::write_timestamp(whole, nanos, separator, o));
            prop_assert_eq!(timestamp(&written, standard, unit), Some(value), "{}", written);
            prop_assert_eq!(instant(&format!("{written}Z"), standard, unit), Some(value), "{}", written);
        }
        let java = text(|o| render::write_java_timestamp(whole, nanos, o));
        prop_assert_eq!(timestamp(&java, TimestampStandard::Iso8601, unit), Some(value), "{}", java);
        let java = text(|o| render::write_java_instant(whole, nanos, o));
        prop_assert_eq!(instant(&java, TimestampStandard::Iso8601, unit), Some(value), "{}", java);
    }

    #[test]
    fn times_of_day_come_back(milliseconds in 0_i32..86_400_000) {
        let (seconds, nanos) = render::split(milliseconds.into(), TimeUnit::Millisecond);
        prop_assert_eq!(time(&text(|o| render::write_time(seconds, nanos, o))), Some(milliseconds));
        prop_assert_eq!(times::lenient_time(&text(|o| render::write_java_time(seconds, nanos, o))), Some(milliseconds));
    }

    /// Another implementation of the calendar.
    #[test]
    fn the_calendar_agrees_with_chrono(year in 1_i32..9_999, month in 0_u32..14, day in 0_u32..33, seconds in -60_000_000_000_i64..200_000_000_000) {
        let ours = date(&format!("{year:04}-{month:02}-{day:02}"));
        let theirs = NaiveDate::from_ymd_opt(year, month, day).map(|d| d.num_days_from_ce() - 719_163);
        prop_assert_eq!(ours, theirs);
        let moment = DateTime::from_timestamp(seconds, 0).unwrap();
        let expected = format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            moment.year(), moment.month(), moment.day(), moment.hour(), moment.minute(), moment.second()
        );
        prop_assert_eq!(text(|o| render::write_timestamp(seconds, 0, b' ', o)), expected);
    }

    #[test]
    fn no_text_upsets_a_parser(text in "[-+0-9eE.:TZ dfNaInity]{0,30}") {
        let _ = decimal(&text, 10, 2);
        let _ = number::float::<f64>(&text);
        let _ = number::truncated::<i64>(&text);
        for standard in [TimestampStandard::Sql, TimestampStandard::Iso8601] {
            for unit in [TimeUnit::Second, TimeUnit::Nanosecond] {
                let _ = timestamp(&text, standard, unit);
                let _ = instant(&text, standard, unit);
            }
        }
        let _ = (date(&text), times::lenient_date(&text), time(&text), times::lenient_time(&text));
    }
}
