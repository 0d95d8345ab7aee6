//! `ROUND` and `TRUNCATE`: to a number of digits behind the point, or before it when negative.
//!
//! Halves are rounded away from zero. A double is taken by its shortest text, as Java's `BigDecimal.valueOf` takes it:
//! `ROUND(1.005E0, 2)` is 1.01. A decimal result gets the scale that a literal number of digits says, see `coerce`; the
//! kernel here keeps the scale and adds a digit before the point for `9.99` that becomes `10.00`.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, Float32Array, Float64Array, Int64Array};
use arrow::datatypes::{
    DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use datafusion_common::{Result, plan_err};

use super::definition::{Call, Definition, Parameter, Returns};
use crate::column::{Values, build_primitives};
use crate::decimal::{self, Parsed, Rounding};
use crate::java;
use crate::types::MAX_DECIMAL_PRECISION;

pub(super) fn definitions() -> Vec<Definition> {
    let define = |name, evaluate| {
        Definition::new(name, &[Parameter::Number, Parameter::Integer], Returns::Of(kept_type), evaluate)
            .optional(1)
    };
    vec![
        define("round", |call| to_digits(call, Rounding::HalfUp)),
        define("truncate", |call| to_digits(call, Rounding::Down)),
        define("round_in_place", |call| to_digits(call, Rounding::HalfUp)),
        define("truncate_in_place", |call| to_digits(call, Rounding::Down)),
    ]
}

fn kept_type(arguments: &[DataType]) -> Result<DataType> {
    match arguments.first() {
        Some(DataType::Decimal128(precision, scale)) => {
            Ok(DataType::Decimal128((precision + 1).min(MAX_DECIMAL_PRECISION), *scale))
        }
        Some(other) => Ok(other.clone()),
        None => plan_err!("a number to round is missing"),
    }
}

/// The number of digits for each row; without the argument it is zero.
struct Digits<'a>(Option<Values<'a, Int64Array>>);

impl Digits<'_> {
    fn get(&self, row: usize) -> Option<i64> {
        match &self.0 {
            Some(values) => values.get(row),
            None => Some(0),
        }
    }
}

fn to_digits(call: &Call<'_>, rounding: Rounding) -> Result<ArrayRef> {
    let digits = Digits(if call.count() > 1 { Some(call.integer(1)?) } else { None });
    let column = call.column(0)?;
    match column.array.data_type() {
        DataType::Int8 => integers::<Int8Type>(call, &digits, rounding, |wide| wide as i8),
        DataType::Int16 => integers::<Int16Type>(call, &digits, rounding, |wide| wide as i16),
        DataType::Int32 => integers::<Int32Type>(call, &digits, rounding, |wide| wide as i32),
        DataType::Int64 => integers::<Int64Type>(call, &digits, rounding, |wide| wide as i64),
        DataType::Float32 => {
            let values: Values<'_, Float32Array> = column.primitives::<Float32Type>()?;
            build_primitives::<Float32Type>(call.rows, call.return_type, |row| {
                let (Some(value), Some(digits)) = (values.get(row), digits.get(row)) else { return Ok(None) };
                Ok(Some(of_double(f64::from(value), digits, rounding) as f32))
            })
        }
        DataType::Float64 => {
            let values: Values<'_, Float64Array> = column.doubles()?;
            build_primitives::<Float64Type>(call.rows, call.return_type, |row| {
                let (Some(value), Some(digits)) = (values.get(row), digits.get(row)) else { return Ok(None) };
                Ok(Some(of_double(value, digits, rounding)))
            })
        }
        DataType::Decimal128(_, _) => {
            let (values, scale) = column.decimals()?;
            let DataType::Decimal128(precision, to_scale) = *call.return_type else {
                return plan_err!("a rounded decimal must be a decimal, not {}", call.return_type);
            };
            build_primitives::<Decimal128Type>(call.rows, call.return_type, |row| {
                let (Some(value), Some(digits)) = (values.get(row), digits.get(row)) else { return Ok(None) };
                let rounded = of_exact(value, i64::from(scale).saturating_sub(digits), rounding);
                Ok(rounded.and_then(|value| decimal::rescale(value, scale, (precision, to_scale))))
            })
        }
        other => plan_err!("cannot round {other}"),
    }
}

fn integers<T>(
    call: &Call<'_>,
    digits: &Digits<'_>,
    rounding: Rounding,
    narrow: fn(i128) -> T::Native,
) -> Result<ArrayRef>
where
    T: ArrowPrimitiveType,
    T::Native: Into<i64>,
{
    let values = call.column(0)?.primitives::<T>()?;
    build_primitives::<T>(call.rows, &T::DATA_TYPE, |row| {
        let (Some(value), Some(digits)) = (values.get(row), digits.get(row)) else { return Ok(None) };
        let wide: i64 = value.into();
        Ok(of_exact(i128::from(wide), digits.saturating_neg(), rounding).map(narrow))
    })
}

/// Replaces the last `count` digits of an integer by zeros; nothing happens for `count <= 0`.
fn of_exact(value: i128, count: i64, rounding: Rounding) -> Option<i128> {
    if count <= 0 {
        return Some(value);
    }
    let Some(step) = u32::try_from(count).ok().and_then(|count| 10_i128.checked_pow(count)) else {
        return Some(0);
    };
    let rest = value % step;
    let cut = value - rest;
    if rounding == Rounding::HalfUp && rest.unsigned_abs() * 2 >= step.unsigned_abs() {
        return cut.checked_add(if value < 0 { -step } else { step });
    }
    Some(cut)
}

fn of_double(value: f64, digits: i64, rounding: Rounding) -> f64 {
    // Beyond 20 digits a double has none that could change, and beyond 2^53 none behind the point.
    let beyond = value.abs() >= 9_007_199_254_740_992.0 && digits >= 0;
    if !value.is_finite() || digits > 20 || beyond {
        return value;
    }
    let Ok(scale) = i8::try_from(digits.max(-38)) else { return value };
    let mut text = String::new();
    java::write_double(value, &mut text);
    match decimal::parse_rounded(&text, (MAX_DECIMAL_PRECISION, scale), rounding) {
        Parsed::Value(rounded) if scale >= 0 => decimal::to_double(rounded, scale),
        Parsed::Value(rounded) => rounded as f64 * 10_f64.powi(-i32::from(scale)),
        Parsed::TooLarge | Parsed::NotANumber => value,
    }
}
