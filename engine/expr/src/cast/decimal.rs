//! Casts to `DECIMAL`: rounded half away from zero, null when the value has too many digits before the point.
//!
//! A double is taken by its shortest text, as Java's `BigDecimal.valueOf` takes it, so `CAST(1.005E0 AS DECIMAL(5, 2))`
//! is 1.01. Text with too many digits is a bad value, not an overflow: Flink fails on it.

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use datafusion_common::{Result, internal_err};

use super::Target;
use crate::column::{Column, build_primitives};
use crate::decimal::{DecimalType, Parsed, parse, rescale};
use crate::java;

/// Casts to `DECIMAL(to.0, to.1)`.
pub(super) fn cast(column: &Column, rows: usize, to: DecimalType, target: &Target) -> Result<ArrayRef> {
    let array = column.array.as_ref();
    match array.data_type() {
        DataType::Boolean => {
            let truth = column.booleans()?;
            build(rows, to, |row| Ok(truth.get(row).and_then(|value| rescale(i128::from(value), 0, to))))
        }
        DataType::Int8 => from_integers(array.as_primitive::<Int8Type>(), rows, to),
        DataType::Int16 => from_integers(array.as_primitive::<Int16Type>(), rows, to),
        DataType::Int32 => from_integers(array.as_primitive::<Int32Type>(), rows, to),
        DataType::Int64 => from_integers(array.as_primitive::<Int64Type>(), rows, to),
        DataType::Float32 => {
            let values = column.primitives::<Float32Type>()?;
            let mut text = String::new();
            build(rows, to, |row| {
                let Some(value) = values.get(row) else { return Ok(None) };
                text.clear();
                java::write_double(f64::from(value), &mut text);
                from_double_text(&text, to, target)
            })
        }
        DataType::Float64 => {
            let values = column.primitives::<Float64Type>()?;
            let mut text = String::new();
            build(rows, to, |row| {
                let Some(value) = values.get(row) else { return Ok(None) };
                text.clear();
                java::write_double(value, &mut text);
                from_double_text(&text, to, target)
            })
        }
        DataType::Decimal128(_, scale) => {
            let values = column.primitives::<Decimal128Type>()?;
            build(rows, to, |row| Ok(values.get(row).and_then(|value| rescale(value, *scale, to))))
        }
        DataType::Utf8 => {
            let values = column.strings()?;
            build(rows, to, |row| {
                let Some(text) = values.get(row) else { return Ok(None) };
                match parse(text, to) {
                    Parsed::Value(value) => Ok(Some(value)),
                    Parsed::TooLarge | Parsed::NotANumber => target.refuse(text),
                }
            })
        }
        other => internal_err!("no cast from {other} to {}", target.to),
    }
}

fn from_integers<T>(array: &arrow::array::PrimitiveArray<T>, rows: usize, to: DecimalType) -> Result<ArrayRef>
where
    T: arrow::array::ArrowPrimitiveType,
    T::Native: Into<i64>,
{
    use arrow::array::Array;
    build(rows, to, |row| {
        if array.is_null(row) {
            return Ok(None);
        }
        let value: i64 = array.value(row).into();
        Ok(rescale(i128::from(value), 0, to))
    })
}

fn from_double_text(text: &str, to: DecimalType, target: &Target) -> Result<Option<i128>> {
    match parse(text, to) {
        Parsed::Value(value) => Ok(Some(value)),
        Parsed::TooLarge => Ok(None),
        Parsed::NotANumber => target.refuse(text),
    }
}

fn build(rows: usize, to: DecimalType, row: impl FnMut(usize) -> Result<Option<i128>>) -> Result<ArrayRef> {
    build_primitives::<Decimal128Type>(rows, &DataType::Decimal128(to.0, to.1), row)
}
