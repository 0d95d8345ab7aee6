//! `COALESCE`, `IFNULL`, `IF`, `NULLIF`, `GREATEST`, `LEAST` and the `IS_` tests of text.
//!
//! Owns their types; the first four are compiled as a `CASE` (see `lazy`), so that a branch is evaluated only where it is
//! chosen. For example `IF(b = 0, 0, a / b)` never divides by zero, and `GREATEST(1, NULL)` is null.

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::compute::kernels::cmp::{gt, lt};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{is_null, nullif, or};
use arrow::datatypes::DataType;
use datafusion_common::{Result, exec_err, plan_err};

use super::definition::{Call, Definition, Parameter, Returns};
use crate::java;
use crate::types::{SqlType, type_name};
use crate::unify::{common_type, comparison_type};

use Parameter::Any;

/// A function that evaluates some of its arguments only where they are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conditional {
    /// `COALESCE(a, b, ..)` and `IFNULL(a, b)`
    Coalesce,
    /// `IF(condition, then, otherwise)`
    If,
    /// `NULLIF(value, other)`
    NullIf,
}

pub(super) fn definitions() -> Vec<Definition> {
    let boolean = Returns::Type(SqlType::Boolean);
    vec![
        Definition::new("coalesce", &[Any, Any], Returns::Argument(0), only_as_case)
            .variadic()
            .unify(to_common)
            .conditional(Conditional::Coalesce),
        Definition::new("ifnull", &[Any, Any], Returns::Argument(0), only_as_case)
            .unify(to_common)
            .conditional(Conditional::Coalesce),
        Definition::new("if", &[Parameter::Boolean, Any, Any], Returns::Argument(1), only_as_case)
            .unify(branches_to_common)
            .conditional(Conditional::If),
        Definition::new("nullif", &[Any, Any], Returns::Argument(0), only_as_case)
            .unify(must_compare)
            .conditional(Conditional::NullIf),
        Definition::new("greatest", &[Any, Any], Returns::Argument(0), greatest).variadic().unify(to_common),
        Definition::new("least", &[Any, Any], Returns::Argument(0), least).variadic().unify(to_common),
        // Replaced by a literal when its argument has a type. The second argument changes no name that is known here.
        Definition::new("typeof", &[Any, Parameter::Boolean], Returns::Type(SqlType::String), only_as_case)
            .optional(1),
        Definition::new("is_alpha", &[Any], boolean, |call| {
            test_text(call, |text| text.chars().all(char::is_alphabetic))
        }),
        Definition::new("is_digit", &[Any], boolean, |call| {
            test_text(call, |text| text.chars().all(is_java_digit))
        }),
        Definition::new("is_decimal", &[Any], boolean, is_decimal),
    ]
}

fn to_common(name: &str, arguments: &[DataType]) -> Result<Vec<DataType>> {
    match common_type(arguments) {
        Some(common) => Ok(vec![common; arguments.len()]),
        None => no_common_type(name, arguments),
    }
}

fn branches_to_common(name: &str, arguments: &[DataType]) -> Result<Vec<DataType>> {
    let [condition, then, otherwise] = arguments else {
        return plan_err!("{name} takes 3 arguments, not {}", arguments.len());
    };
    match common_type([then, otherwise]) {
        Some(common) => Ok(vec![condition.clone(), common.clone(), common]),
        None => no_common_type(name, &arguments[1..]),
    }
}

fn must_compare(name: &str, arguments: &[DataType]) -> Result<Vec<DataType>> {
    match arguments {
        [left, right] if comparison_type(left, right, true).is_none() => no_common_type(name, arguments),
        _ => Ok(arguments.to_vec()),
    }
}

fn no_common_type<T>(name: &str, arguments: &[DataType]) -> Result<T> {
    let names: Vec<String> = arguments.iter().map(type_name).collect();
    plan_err!("{name}: the arguments have no type in common: {}", names.join(", "))
}

/// Constant folding asks a function directly; refusing leaves the call for the rewriting into a `CASE`.
fn only_as_case(call: &Call<'_>) -> Result<ArrayRef> {
    exec_err!("{} runs as a CASE", call.name.to_uppercase())
}

fn greatest(call: &Call<'_>) -> Result<ArrayRef> {
    extreme(call, |candidate, best| gt(&candidate, &best))
}

fn least(call: &Call<'_>) -> Result<ArrayRef> {
    extreme(call, |candidate, best| lt(&candidate, &best))
}

fn extreme(
    call: &Call<'_>,
    better: fn(ArrayRef, ArrayRef) -> Result<BooleanArray, arrow::error::ArrowError>,
) -> Result<ArrayRef> {
    let full = |at: usize| -> Result<ArrayRef> {
        let column = call.column(at)?;
        if !column.constant || call.rows == 1 {
            return Ok(column.array.clone());
        }
        let repeated = arrow::array::UInt64Array::from(vec![0_u64; call.rows]);
        Ok(arrow::compute::take(column.array.as_ref(), &repeated, None)?)
    };
    let mut best = full(0)?;
    if best.data_type() == &DataType::Null {
        return Ok(best);
    }
    let mut missing = is_null(best.as_ref())?;
    for at in 1..call.count() {
        let candidate = full(at)?;
        missing = or(&missing, &is_null(candidate.as_ref())?)?;
        let chosen = better(candidate.clone(), best.clone())?;
        best = zip(&chosen, &candidate, &best)?;
    }
    Ok(nullif(best.as_ref(), &missing)?)
}

/// A test of text: false for null, for empty text and for everything that is not text.
fn test_text(call: &Call<'_>, test: fn(&str) -> bool) -> Result<ArrayRef> {
    if call.column(0)?.array.data_type() != &DataType::Utf8 {
        return call.booleans(|_| Ok(Some(false)));
    }
    let text = call.text(0)?;
    call.booleans(|row| Ok(Some(text.get(row).is_some_and(|text| !text.is_empty() && test(text)))))
}

/// `Character.isDigit`: the decimal digits of every script.
fn is_java_digit(c: char) -> bool {
    c.is_ascii_digit() || (!c.is_ascii() && c.is_numeric() && c.to_digit(10).is_none() && is_decimal_digit(c))
}

/// The first characters of the blocks of ten decimal digits in the Basic Multilingual Plane.
fn is_decimal_digit(c: char) -> bool {
    const ZEROS: [u32; 36] = [
        0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50,
        0xED0, 0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40,
        0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
    ];
    let code = u32::from(c);
    ZEROS.iter().any(|zero| (*zero..*zero + 10).contains(&code))
}

fn is_decimal(call: &Call<'_>) -> Result<ArrayRef> {
    let column = call.column(0)?;
    match column.array.data_type() {
        DataType::Utf8 => {
            let text = call.text(0)?;
            call.booleans(|row| Ok(Some(text.get(row).and_then(java::parse_double).is_some())))
        }
        other => {
            let number = SqlType::from_arrow(other).is_some_and(|sql_type| sql_type.is_numeric());
            call.booleans(|row| {
                let row = if column.constant { 0 } else { row };
                Ok(Some(number && !column.array.is_null(row)))
            })
        }
    }
}

#[cfg(test)]
mod conditional_test;
