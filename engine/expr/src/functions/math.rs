//! Numbers: roots, logarithms, angles, signs, whole parts, bases.
//!
//! Owns the functions of doubles and those that keep the type of their argument; rounding to digits is `rounding`.
//! Integers wrap: `ABS(-2147483648)` is -2147483648.

use arrow::array::{Array, ArrayRef};
use arrow::compute::kernels::arity::unary;
use arrow::datatypes::{
    DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use datafusion_common::{Result, internal_err, plan_err};
use std::fmt::Write;
use std::sync::Arc;

use super::datetime;
use super::definition::{Call, Definition, Kernel, Parameter, Returns};
use crate::decimal;
use crate::types::SqlType;

use Parameter::{Any, Double, Integer, Number, Text};

pub(super) fn definitions() -> Vec<Definition> {
    let mut all = vec![
        Definition::new("power", &[Double, Double], DOUBLE, |call| two(call, f64::powf)),
        Definition::new("atan2", &[Double, Double], DOUBLE, |call| two(call, f64::atan2)),
        Definition::new("log", &[Double, Double], DOUBLE, logarithm).optional(1),
        Definition::new("pi", &[], DOUBLE, |call| call.doubles(|_| Ok(Some(std::f64::consts::PI)))),
        Definition::new("e", &[], DOUBLE, |call| call.doubles(|_| Ok(Some(std::f64::consts::E)))),
        Definition::new("abs", &[Number], Returns::Argument(0), absolute),
        Definition::new("sign", &[Number], Returns::Argument(0), sign),
        // With a unit of time as the second argument these round a date or a timestamp.
        Definition::new("ceil", &[Any, Text], Returns::Of(whole_type), ceil)
            .optional(1)
            .unify(number_or_time)
            .aliases(&["ceiling"])
            .failing(),
        Definition::new("floor", &[Any, Text], Returns::Of(whole_type), floor)
            .optional(1)
            .unify(number_or_time)
            .failing(),
        Definition::new("bin", &[Integer], Returns::Type(SqlType::String), binary),
        Definition::new("hex", &[Parameter::TextOrInteger], Returns::Type(SqlType::String), hexadecimal),
    ];
    let of_one: [(&'static str, Kernel); 17] = [
        ("sqrt", |call| one(call, f64::sqrt)),
        ("exp", |call| one(call, f64::exp)),
        ("ln", |call| one(call, f64::ln)),
        ("log2", |call| one(call, |x| x.ln() / 2_f64.ln())),
        ("log10", |call| one(call, f64::log10)),
        ("sin", |call| one(call, f64::sin)),
        ("cos", |call| one(call, f64::cos)),
        ("tan", |call| one(call, f64::tan)),
        ("cot", |call| one(call, |x| 1.0 / x.tan())),
        ("asin", |call| one(call, f64::asin)),
        ("acos", |call| one(call, f64::acos)),
        ("atan", |call| one(call, f64::atan)),
        ("sinh", |call| one(call, f64::sinh)),
        ("cosh", |call| one(call, f64::cosh)),
        ("tanh", |call| one(call, f64::tanh)),
        ("degrees", |call| one(call, f64::to_degrees)),
        ("radians", |call| one(call, f64::to_radians)),
    ];
    all.extend(of_one.map(|(name, evaluate)| Definition::new(name, &[Double], DOUBLE, evaluate)));
    all
}

const DOUBLE: Returns = Returns::Type(SqlType::Double);

fn one(call: &Call<'_>, f: fn(f64) -> f64) -> Result<ArrayRef> {
    let x = call.double(0)?;
    call.doubles(|row| Ok(x.get(row).map(f)))
}

fn two(call: &Call<'_>, f: fn(f64, f64) -> f64) -> Result<ArrayRef> {
    let (x, y) = (call.double(0)?, call.double(1)?);
    call.doubles(|row| Ok(x.get(row).zip(y.get(row)).map(|(x, y)| f(x, y))))
}

/// `LOG(x)` is the natural logarithm, `LOG(base, x)` that of a base.
fn logarithm(call: &Call<'_>) -> Result<ArrayRef> {
    if call.count() == 1 {
        return one(call, f64::ln);
    }
    two(call, |base, x| x.ln() / base.ln())
}

fn absolute(call: &Call<'_>) -> Result<ArrayRef> {
    let column = call.column(0)?;
    Ok(match column.array.data_type() {
        DataType::Int8 => Arc::new(unary::<Int8Type, _, Int8Type>(column.array_of()?, i8::wrapping_abs)),
        DataType::Int16 => Arc::new(unary::<Int16Type, _, Int16Type>(column.array_of()?, i16::wrapping_abs)),
        DataType::Int32 => Arc::new(unary::<Int32Type, _, Int32Type>(column.array_of()?, i32::wrapping_abs)),
        DataType::Int64 => Arc::new(unary::<Int64Type, _, Int64Type>(column.array_of()?, i64::wrapping_abs)),
        DataType::Float32 => Arc::new(unary::<Float32Type, _, Float32Type>(column.array_of()?, f32::abs)),
        DataType::Float64 => Arc::new(unary::<Float64Type, _, Float64Type>(column.array_of()?, f64::abs)),
        to @ DataType::Decimal128(_, _) => {
            let absolute = unary::<Decimal128Type, _, Decimal128Type>(column.array_of()?, i128::wrapping_abs);
            Arc::new(absolute.with_data_type(to.clone()))
        }
        other => return internal_err!("ABS of {other}"),
    })
}

fn sign(call: &Call<'_>) -> Result<ArrayRef> {
    /// -1, 0 or 1, and NaN for NaN.
    fn of_double(x: f64) -> f64 {
        if x == 0.0 || x.is_nan() { x } else { x.signum() }
    }
    let column = call.column(0)?;
    Ok(match column.array.data_type() {
        DataType::Int8 => Arc::new(unary::<Int8Type, _, Int8Type>(column.array_of()?, i8::signum)),
        DataType::Int16 => Arc::new(unary::<Int16Type, _, Int16Type>(column.array_of()?, i16::signum)),
        DataType::Int32 => Arc::new(unary::<Int32Type, _, Int32Type>(column.array_of()?, i32::signum)),
        DataType::Int64 => Arc::new(unary::<Int64Type, _, Int64Type>(column.array_of()?, i64::signum)),
        DataType::Float32 => Arc::new(unary::<Float32Type, _, Float32Type>(column.array_of()?, |x: f32| {
            of_double(f64::from(x)) as f32
        })),
        DataType::Float64 => Arc::new(unary::<Float64Type, _, Float64Type>(column.array_of()?, of_double)),
        to @ DataType::Decimal128(precision, scale) => {
            let to_type = (*precision, *scale);
            let (values, _) = column.decimals()?;
            return crate::column::build_primitives::<Decimal128Type>(call.rows, to, |row| {
                Ok(values.get(row).and_then(|value| decimal::rescale(value.signum(), 0, to_type)))
            });
        }
        other => return internal_err!("SIGN of {other}"),
    })
}

fn ceil(call: &Call<'_>) -> Result<ArrayRef> {
    if call.count() > 1 { datetime::round(call, true) } else { whole(call, f64::ceil, 1) }
}

fn floor(call: &Call<'_>) -> Result<ArrayRef> {
    if call.count() > 1 { datetime::round(call, false) } else { whole(call, f64::floor, -1) }
}

/// One number, or a date, time or timestamp and a unit.
fn number_or_time(name: &str, arguments: &[DataType]) -> Result<Vec<DataType>> {
    let (parameter, rest) = match arguments {
        [_] => (Number, None),
        [_, unit] => (Parameter::Temporal, Some(unit.clone())),
        _ => return plan_err!("{name} takes 1 to 2 arguments, not {}", arguments.len()),
    };
    let first = parameter.check(name, 1, &arguments[0])?;
    Ok(std::iter::once(first).chain(rest).collect())
}

/// A whole number of the same type; a decimal keeps its precision and loses its scale.
fn whole_type(arguments: &[DataType]) -> Result<DataType> {
    match arguments {
        [DataType::Decimal128(precision, _)] => Ok(DataType::Decimal128(*precision, 0)),
        [other, ..] => Ok(other.clone()),
        [] => plan_err!("a whole part is taken of one number"),
    }
}

fn whole(call: &Call<'_>, of_double: fn(f64) -> f64, toward: i128) -> Result<ArrayRef> {
    let column = call.column(0)?;
    Ok(match column.array.data_type() {
        DataType::Float32 => Arc::new(unary::<Float32Type, _, Float32Type>(column.array_of()?, |x: f32| {
            of_double(f64::from(x)) as f32
        })),
        DataType::Float64 => Arc::new(unary::<Float64Type, _, Float64Type>(column.array_of()?, of_double)),
        DataType::Decimal128(_, scale) => {
            let (values, _) = column.decimals()?;
            let step = 10_i128.pow(u32::from(scale.unsigned_abs()));
            return crate::column::build_primitives::<Decimal128Type>(call.rows, call.return_type, |row| {
                Ok(values.get(row).map(|value| {
                    let cut = value / step;
                    let beyond = value % step != 0 && (value > 0) == (toward > 0);
                    if beyond { cut + toward } else { cut }
                }))
            });
        }
        _ => column.array.clone(),
    })
}

fn binary(call: &Call<'_>) -> Result<ArrayRef> {
    let x = call.integer(0)?;
    call.strings(|row, out| {
        let Some(x) = x.get(row) else { return Ok(None) };
        let _ = write!(out, "{x:b}");
        Ok(Some(()))
    })
}

fn hexadecimal(call: &Call<'_>) -> Result<ArrayRef> {
    if call.column(0)?.array.data_type() == &DataType::Int64 {
        let x = call.integer(0)?;
        return call.strings(|row, out| {
            let Some(x) = x.get(row) else { return Ok(None) };
            let _ = write!(out, "{x:X}");
            Ok(Some(()))
        });
    }
    let text = call.text(0)?;
    call.strings(|row, out| {
        let Some(text) = text.get(row) else { return Ok(None) };
        for byte in text.bytes() {
            let _ = write!(out, "{byte:02X}");
        }
        Ok(Some(()))
    })
}

#[cfg(test)]
mod math_test;
