//! Arrow values in the notation of the recorded files.
//!
//! Owns how a value is written: `true`, `-7`, `1.50` for a DECIMAL of scale 2, `2024-01-01`, `10:00:00`,
//! `2024-01-01 00:00:00.123` with as many digits as the SQL type has, bytes in hexadecimal. Floating point may be written in
//! any way that reads back as the same number.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use chrono::{DateTime, NaiveDate, TimeDelta};
use thiserror::Error;

use crate::column_type::ColumnType;
use crate::expected::Expected;
use crate::text::{Cell, Row};

/// A column whose Arrow type has no notation, or a value outside of the calendar.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a {data_type} cannot be written as {column_type:?}")]
pub struct Unrenderable {
    data_type: DataType,
    column_type: ColumnType,
}

/// The rows of a batch in the notation of the recorded files, in the batch's order.
///
/// The columns of `expected` say how many digits a time has; a column past them is left out, which the comparison of schemas
/// reports.
///
/// # Errors
/// [`Unrenderable`] for the first value that has no notation.
pub fn cells(batch: &RecordBatch, expected: &Expected) -> Result<Vec<Row>, Unrenderable> {
    let mut rows = vec![Row::with_capacity(expected.columns.len()); batch.num_rows()];
    for (array, column) in batch.columns().iter().zip(&expected.columns) {
        for (index, row) in rows.iter_mut().enumerate() {
            row.push(cell(array.as_ref(), index, column.column_type)?);
        }
    }
    Ok(rows)
}

fn cell(array: &dyn Array, row: usize, column_type: ColumnType) -> Result<Cell, Unrenderable> {
    if array.is_null(row) {
        return Ok(None);
    }
    let unrenderable = || Unrenderable { data_type: array.data_type().clone(), column_type };
    let value = match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).to_string(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float32 => array.as_primitive::<Float32Type>().value(row).to_string(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Decimal128(_, _) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Binary => {
            array.as_binary::<i32>().value(row).iter().map(|byte| format!("{byte:02x}")).collect()
        }
        DataType::Date32 => {
            let days = TimeDelta::days(i64::from(array.as_primitive::<Date32Type>().value(row)));
            let day = NaiveDate::default().checked_add_signed(days).ok_or_else(unrenderable)?;
            day.format("%Y-%m-%d").to_string()
        }
        DataType::Time32(TimeUnit::Millisecond) => {
            let millis = i64::from(array.as_primitive::<Time32MillisecondType>().value(row));
            let moment = moment(millis, 1_000).ok_or_else(unrenderable)?;
            format!("{}{}", moment.format("%H:%M:%S"), fraction(moment, column_type))
        }
        DataType::Timestamp(unit, _) => {
            let (value, per_second) = match unit {
                TimeUnit::Second => (array.as_primitive::<TimestampSecondType>().value(row), 1),
                TimeUnit::Millisecond => (array.as_primitive::<TimestampMillisecondType>().value(row), 1_000),
                TimeUnit::Microsecond => {
                    (array.as_primitive::<TimestampMicrosecondType>().value(row), 1_000_000)
                }
                TimeUnit::Nanosecond => {
                    (array.as_primitive::<TimestampNanosecondType>().value(row), 1_000_000_000)
                }
            };
            let moment = moment(value, per_second).ok_or_else(unrenderable)?;
            format!("{}{}", moment.format("%Y-%m-%d %H:%M:%S"), fraction(moment, column_type))
        }
        _ => return Err(unrenderable()),
    };
    Ok(Some(value))
}

/// The moment that lies `value` parts of a second after 1970, rounded down to whole seconds before the rest is added.
fn moment(value: i64, per_second: i64) -> Option<DateTime<chrono::Utc>> {
    let nanos = value.rem_euclid(per_second) * (1_000_000_000 / per_second);
    DateTime::from_timestamp(value.div_euclid(per_second), u32::try_from(nanos).ok()?)
}

fn fraction(moment: DateTime<chrono::Utc>, column_type: ColumnType) -> String {
    let digits = match column_type {
        ColumnType::Time { digits }
        | ColumnType::Timestamp { digits }
        | ColumnType::TimestampLtz { digits } => digits,
        _ => 0,
    };
    if digits == 0 {
        return String::new();
    }
    let nanos = format!("{:09}", moment.timestamp_subsec_nanos());
    format!(".{}", nanos.chars().take(usize::from(digits)).collect::<String>())
}
