//! Casts to `BOOLEAN`, the integers and the approximate numbers.
//!
//! Integers wrap among themselves; a double goes to 32 or 64 bits by saturation and from there wraps, as in Java, so
//! `CAST(1E10 AS TINYINT)` is -1; decimals lose their fraction and wrap.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Int64Array};
use arrow::compute::kernels::arity::unary;
use arrow::datatypes::{
    ArrowNativeTypeOp, DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type,
};
use datafusion_common::{Result, internal_err};
use std::sync::Arc;

use super::Target;
use crate::column::{Column, build_booleans, build_primitives};
use crate::types::SqlType;
use crate::{decimal, java};

/// Casts to `BOOLEAN`: every number but zero is true, and so are the words `true`, `t`, `yes`, `y` and `1`.
pub(super) fn to_boolean(column: &Column, rows: usize, target: &Target) -> Result<ArrayRef> {
    fn nonzero<T: ArrowPrimitiveType>(array: &dyn Array) -> ArrayRef {
        let array = array.as_primitive::<T>();
        Arc::new(BooleanArray::from_unary(array, |value| value != T::Native::ZERO))
    }
    let array = column.array.as_ref();
    Ok(match array.data_type() {
        DataType::Boolean => column.array.clone(),
        DataType::Int8 => nonzero::<Int8Type>(array),
        DataType::Int16 => nonzero::<Int16Type>(array),
        DataType::Int32 => nonzero::<Int32Type>(array),
        DataType::Int64 => nonzero::<Int64Type>(array),
        DataType::Float32 => nonzero::<Float32Type>(array),
        DataType::Float64 => nonzero::<Float64Type>(array),
        DataType::Decimal128(_, _) => nonzero::<Decimal128Type>(array),
        DataType::Utf8 => {
            let text = column.strings()?;
            return build_booleans(rows, |row| match text.get(row) {
                None => Ok(None),
                Some(word) => match word.to_ascii_lowercase().as_str() {
                    "true" | "t" | "yes" | "y" | "1" => Ok(Some(true)),
                    "false" | "f" | "no" | "n" | "0" => Ok(Some(false)),
                    _ => target.refuse(word),
                },
            });
        }
        other => return internal_err!("no cast from {other} to BOOLEAN"),
    })
}

/// Casts to one of the four integers.
pub(super) fn to_integer(column: &Column, rows: usize, target: &Target) -> Result<ArrayRef> {
    if column.array.data_type() == &DataType::Utf8 {
        return integer_from_text(column, rows, target);
    }
    let wide = to_wide(column, target.to)?;
    Ok(match target.to {
        SqlType::TinyInt => Arc::new(unary::<_, _, Int8Type>(&wide, |value| value as i8)),
        SqlType::SmallInt => Arc::new(unary::<_, _, Int16Type>(&wide, |value| value as i16)),
        SqlType::Int => Arc::new(unary::<_, _, Int32Type>(&wide, |value| value as i32)),
        _ => Arc::new(wide),
    })
}

fn to_wide(column: &Column, to: SqlType) -> Result<Int64Array> {
    // Java narrows a double to 32 bits first when the target is narrower than 64.
    let from_double = move |value: f64| match to {
        SqlType::BigInt => value as i64,
        _ => i64::from(value as i32),
    };
    let array = column.array.as_ref();
    Ok(match array.data_type() {
        DataType::Boolean => array.as_boolean().iter().map(|value| value.map(i64::from)).collect(),
        DataType::Int8 => unary(array.as_primitive::<Int8Type>(), i64::from),
        DataType::Int16 => unary(array.as_primitive::<Int16Type>(), i64::from),
        DataType::Int32 => unary(array.as_primitive::<Int32Type>(), i64::from),
        DataType::Int64 => array.as_primitive::<Int64Type>().clone(),
        DataType::Float32 => {
            unary(array.as_primitive::<Float32Type>(), |value| from_double(f64::from(value)))
        }
        DataType::Float64 => unary(array.as_primitive::<Float64Type>(), from_double),
        DataType::Decimal128(_, scale) => {
            unary(array.as_primitive::<Decimal128Type>(), |value| decimal::truncate(value, *scale) as i64)
        }
        other => return internal_err!("no cast from {other} to {to}"),
    })
}

fn integer_from_text(column: &Column, rows: usize, target: &Target) -> Result<ArrayRef> {
    fn build<T: ArrowPrimitiveType>(column: &Column, rows: usize, target: &Target) -> Result<ArrayRef>
    where
        T::Native: TryFrom<i64>,
    {
        let text = column.strings()?;
        build_primitives::<T>(rows, &T::DATA_TYPE, |row| {
            let Some(text) = text.get(row) else { return Ok(None) };
            match java::parse_integer(text).and_then(|value| T::Native::try_from(value).ok()) {
                Some(value) => Ok(Some(value)),
                None => target.refuse(text),
            }
        })
    }
    match target.to {
        SqlType::TinyInt => build::<Int8Type>(column, rows, target),
        SqlType::SmallInt => build::<Int16Type>(column, rows, target),
        SqlType::Int => build::<Int32Type>(column, rows, target),
        _ => build::<Int64Type>(column, rows, target),
    }
}

/// Casts to `FLOAT` or `DOUBLE`.
pub(super) fn to_approximate(column: &Column, rows: usize, target: &Target) -> Result<ArrayRef> {
    let float = target.to == SqlType::Float;
    if column.array.data_type() == &DataType::Utf8 {
        let text = column.strings()?;
        return if float {
            build_primitives::<Float32Type>(rows, &DataType::Float32, |row| match text.get(row) {
                None => Ok(None),
                Some(text) => java::parse_float(text).map_or_else(|| target.refuse(text), |v| Ok(Some(v))),
            })
        } else {
            build_primitives::<Float64Type>(rows, &DataType::Float64, |row| match text.get(row) {
                None => Ok(None),
                Some(text) => java::parse_double(text).map_or_else(|| target.refuse(text), |v| Ok(Some(v))),
            })
        };
    }
    let array = column.array.as_ref();
    match array.data_type() {
        // Straight from 64 bits to a float, because a way over a double would round twice.
        DataType::Int64 if float => {
            let narrow = unary::<_, _, Float32Type>(array.as_primitive::<Int64Type>(), |value| value as f32);
            return Ok(Arc::new(narrow));
        }
        DataType::Float32 if float => return Ok(column.array.clone()),
        _ => {}
    }
    let doubles = to_doubles(column)?;
    Ok(if float {
        Arc::new(unary::<_, _, Float32Type>(&doubles, |value| value as f32))
    } else {
        Arc::new(doubles)
    })
}

fn to_doubles(column: &Column) -> Result<arrow::array::Float64Array> {
    let array = column.array.as_ref();
    Ok(match array.data_type() {
        DataType::Boolean => {
            array.as_boolean().iter().map(|value| value.map(|value| f64::from(u8::from(value)))).collect()
        }
        DataType::Int8 => unary(array.as_primitive::<Int8Type>(), f64::from),
        DataType::Int16 => unary(array.as_primitive::<Int16Type>(), f64::from),
        DataType::Int32 => unary(array.as_primitive::<Int32Type>(), f64::from),
        DataType::Int64 => unary(array.as_primitive::<Int64Type>(), |value| value as f64),
        DataType::Float32 => unary(array.as_primitive::<Float32Type>(), f64::from),
        DataType::Float64 => array.as_primitive::<Float64Type>().clone(),
        DataType::Decimal128(_, scale) => {
            unary(array.as_primitive::<Decimal128Type>(), |value| decimal::to_double(value, *scale))
        }
        other => return internal_err!("no cast from {other} to an approximate number"),
    })
}
