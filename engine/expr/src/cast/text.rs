//! Casts to character strings, in the spelling of Flink: `TRUE`, `1.0E7`, `2020-01-02 03:04:05.678`, `+1 02:03:04.500`.
//!
//! `VARCHAR(n)` cuts after `n` code points, `CHAR(n)` also pads with blanks.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    IntervalMonthDayNanoType, IntervalUnit,
};
use datafusion_common::{Result, internal_err};
use std::fmt::Write;

use super::Target;
use crate::column::{Column, Moments, build_strings};
use crate::types::{SqlType, precision_of};
use crate::{calendar, decimal, java, zone};

/// Casts to one of the character string types.
pub(super) fn cast(column: &Column, rows: usize, target: &Target) -> Result<ArrayRef> {
    let writer = Writer::new(column, target)?;
    build_strings(rows, |row, out| {
        let row = if column.constant { 0 } else { row };
        if column.array.is_null(row) {
            return Ok(None);
        }
        let start = out.len();
        writer.write(row, out)?;
        fit(target.to, start, out);
        Ok(Some(()))
    })
}

/// Cuts or pads what stands behind `start` to the declared length.
fn fit(to: SqlType, start: usize, texts: &mut String) {
    let (length, pad) = match to {
        SqlType::Char(length) => (length as usize, true),
        SqlType::Varchar(length) => (length as usize, false),
        _ => return,
    };
    // Fewer bytes than allowed code points cannot be too long.
    let text = &texts[start..];
    if text.len() > length
        && let Some((at, _)) = text.char_indices().nth(length)
    {
        texts.truncate(start + at);
    }
    if pad {
        let missing = length.saturating_sub(texts[start..].chars().count());
        texts.extend(std::iter::repeat_n(' ', missing));
    }
}

/// Writes the values of one column.
struct Writer<'a> {
    array: &'a dyn Array,
    moments: Option<Moments<'a>>,
    zone: chrono_tz::Tz,
}

impl<'a> Writer<'a> {
    fn new(column: &'a Column, target: &Target) -> Result<Self> {
        let temporal = matches!(
            column.array.data_type(),
            DataType::Date32 | DataType::Time32(_) | DataType::Timestamp(_, _)
        );
        let moments = if temporal { Some(column.moments()?) } else { None };
        Ok(Self { array: column.array.as_ref(), moments, zone: target.zone })
    }

    fn write(&self, row: usize, out: &mut String) -> Result<()> {
        let array = self.array;
        match array.data_type() {
            DataType::Boolean => out.push_str(if array.as_boolean().value(row) { "TRUE" } else { "FALSE" }),
            DataType::Int8 => write_integer(array.as_primitive::<Int8Type>().value(row), out),
            DataType::Int16 => write_integer(array.as_primitive::<Int16Type>().value(row), out),
            DataType::Int32 => write_integer(array.as_primitive::<Int32Type>().value(row), out),
            DataType::Int64 => write_integer(array.as_primitive::<Int64Type>().value(row), out),
            DataType::Float32 => java::write_float(array.as_primitive::<Float32Type>().value(row), out),
            DataType::Float64 => java::write_double(array.as_primitive::<Float64Type>().value(row), out),
            DataType::Decimal128(_, scale) => {
                decimal::write(array.as_primitive::<Decimal128Type>().value(row), *scale, out);
            }
            DataType::Utf8 => out.push_str(array.as_string::<i32>().value(row)),
            DataType::Binary => out.push_str(&String::from_utf8_lossy(array.as_binary::<i32>().value(row))),
            DataType::Date32 | DataType::Time32(_) | DataType::Timestamp(_, _) => {
                self.write_temporal(row, out)
            }
            DataType::Interval(IntervalUnit::MonthDayNano) => {
                let interval = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
                write_interval(interval.months, interval.days, interval.nanoseconds, out);
            }
            other => return internal_err!("no cast from {other} to a string"),
        }
        Ok(())
    }

    fn write_temporal(&self, row: usize, out: &mut String) {
        let Some(mut moment) = self.moments.as_ref().and_then(|moments| moments.get(row)) else { return };
        match self.array.data_type() {
            DataType::Date32 => moment.date().write(out),
            DataType::Time32(_) => {
                let clock = moment.clock();
                clock.write(if clock.nanos == 0 { 0 } else { 3 }, out);
            }
            DataType::Timestamp(unit, time_zone) => {
                if time_zone.is_some() {
                    moment.seconds = zone::to_local(self.zone, moment.seconds);
                }
                moment.date().write(out);
                out.push(' ');
                moment.clock().write(precision_of(unit), out);
            }
            _ => {}
        }
    }
}

fn write_integer(value: impl Into<i64>, out: &mut String) {
    let _ = write!(out, "{}", value.into());
}

/// `+1-02` for 14 months; `+1 02:03:04.500` for days and below.
fn write_interval(months: i32, days: i32, nanos: i64, out: &mut String) {
    if months != 0 {
        let sign = if months < 0 { '-' } else { '+' };
        let months = months.unsigned_abs();
        let _ = write!(out, "{sign}{}-{:02}", months / 12, months % 12);
        return;
    }
    let total = i64::from(days) * calendar::SECONDS_PER_DAY * 1_000 + nanos / 1_000_000;
    let sign = if total < 0 { '-' } else { '+' };
    let total = total.unsigned_abs();
    let (days, rest) = (total / 86_400_000, total % 86_400_000);
    let _ = write!(
        out,
        "{sign}{days} {:02}:{:02}:{:02}.{:03}",
        rest / 3_600_000,
        rest / 60_000 % 60,
        rest / 1_000 % 60,
        rest % 1_000
    );
}
