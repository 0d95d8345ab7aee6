//! `CAST` and `TRY_CAST` with Flink's semantics.
//!
//! Owns which pairs of types may be cast, the expression that casts, and the choice of the kernel; the kernels lie in
//! `cast/`, one per target. A value that does not look like the target fails the job under `CAST` and is null under
//! `TRY_CAST`; a decimal that does not fit is null under both, integers wrap. For example `CAST('5.7' AS INT)` is 5,
//! `CAST(300 AS TINYINT)` is 44, `CAST('abc' AS INT)` fails with `cannot cast 'abc' to INT`.
//!
//! DataFusion's own casts are never meant for the user's `CAST`: they remain only where the analyzer widens arguments.

mod binary;
mod decimal;
mod number;
mod temporal;
mod text;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::datatypes::{DataType, Field, FieldRef};
use chrono_tz::Tz;
use datafusion_common::tree_node::Transformed;
use datafusion_common::{DFSchema, DataFusionError, Result, ScalarValue, plan_err};
use datafusion_expr::expr::ScalarFunction;
use datafusion_expr::{
    ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::column::Column;
use crate::error::ValueError;
use crate::types::{SqlType, type_name};

/// The key under which a field of a plan carries the Flink type that Arrow cannot express, such as `VARCHAR(3)`.
pub const SQL_TYPE_KEY: &str = "millstream.sql_type";

/// The expression `CAST(expr AS to)`, or `TRY_CAST` when `try_cast`.
///
/// Whether the cast is allowed is decided when the type of `expr` is known: [`can_cast`] asks beforehand, and otherwise
/// the analyzer refuses it with the same message.
pub fn cast(expr: Expr, to: &SqlType, try_cast: bool) -> Expr {
    if let Some(literal) = integer_literal(&expr, to) {
        return literal;
    }
    let failure = if try_cast { OnFailure::Null } else { OnFailure::Error };
    Expr::ScalarFunction(ScalarFunction::new_udf(
        Arc::new(ScalarUDF::from(CastFunction::new(*to, failure))),
        vec![expr],
    ))
}

/// An integer literal in another integer type that holds it: functions look at literals, and a call is none.
fn integer_literal(expr: &Expr, to: &SqlType) -> Option<Expr> {
    let Expr::Literal(ScalarValue::Int64(Some(value)), _) = expr else { return None };
    let value = match to {
        SqlType::TinyInt => ScalarValue::Int8(Some(i8::try_from(*value).ok()?)),
        SqlType::SmallInt => ScalarValue::Int16(Some(i16::try_from(*value).ok()?)),
        SqlType::Int => ScalarValue::Int32(Some(i32::try_from(*value).ok()?)),
        SqlType::BigInt => ScalarValue::Int64(Some(*value)),
        _ => return None,
    };
    Some(Expr::Literal(value, None))
}

/// The cast with Flink's semantics for one that DataFusion's SQL planner made; other expressions stay.
///
/// The target is the Flink type in the field's metadata, see [`type_field`], or else the widest type that lies in Arrow
/// in the same way.
///
/// # Errors
/// When the target lies in no Flink type.
pub(crate) fn replace(expr: Expr) -> Result<Transformed<Expr>> {
    let (inner, field, try_cast) = match expr {
        Expr::Cast(inner) => (inner.expr, inner.field, false),
        Expr::TryCast(inner) => (inner.expr, inner.field, true),
        other => return Ok(Transformed::no(other)),
    };
    let declared = field.metadata().get(SQL_TYPE_KEY).and_then(|text| text.parse().ok());
    let Some(to) = declared.or_else(|| SqlType::from_arrow(field.data_type())) else {
        return plan_err!("a cast to {} is not supported", field.data_type());
    };
    Ok(Transformed::yes(cast(*inner, &to, try_cast)))
}

/// Whether a value of type `from` may be cast to `to`.
///
/// # Errors
/// Why not, and what to write instead if there is something, in Flink's spelling of the types.
pub fn can_cast(from: &SqlType, to: &SqlType) -> Result<(), String> {
    use SqlType::{Boolean, Date, Null, Time, Timestamp, TimestampLtz};
    let allowed = match (from, to) {
        (_, Null) => matches!(from, Null),
        (Null, _) => true,
        (from, to) if to.is_character() => from != to || from.is_character(),
        (from, to) if to.is_binary() => from.is_binary() || from.is_character(),
        (from, to) if to.is_interval() => from.is_interval(),
        (from, Boolean) => matches!(from, Boolean) || from.is_character() || from.is_numeric(),
        (from, to) if to.is_numeric() => from.is_numeric() || from.is_character() || matches!(from, Boolean),
        (from, Date) => matches!(from, Date) || from.is_character() || from.is_timestamp(),
        (from, Time(_)) => matches!(from, Time(_)) || from.is_character() || from.is_timestamp(),
        (from, Timestamp(_) | TimestampLtz(_)) => {
            matches!(from, Date | Time(_)) || from.is_character() || from.is_timestamp()
        }
        _ => false,
    };
    if allowed {
        return Ok(());
    }
    let instead = match (from, to) {
        (from, Timestamp(_)) if from.is_numeric() => {
            "; write TO_TIMESTAMP(FROM_UNIXTIME(x)) for a number of seconds"
        }
        (from, TimestampLtz(_)) if from.is_numeric() => {
            "; write TO_TIMESTAMP_LTZ(x, 0) for seconds or TO_TIMESTAMP_LTZ(x, 3) for milliseconds"
        }
        (Timestamp(_), to) if to.is_numeric() => "; write UNIX_TIMESTAMP(CAST(x AS STRING))",
        (from, to) if from.is_numeric() && to.is_binary() => "; cast it to STRING first",
        (from, to) if from.is_binary() && to.is_numeric() => "; cast it to STRING first",
        _ => "",
    };
    Err(format!("a value of type {from} cannot be cast to {to}{instead}"))
}

/// What a value that does not look like the target becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum OnFailure {
    /// An error that fails the job.
    Error,
    /// Null.
    Null,
}

/// The target of a cast and everything that decides its result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) to: SqlType,
    pub(crate) failure: OnFailure,
    /// The zone of the session.
    pub(crate) zone: Tz,
}

impl Target {
    /// What the row gets whose `value` does not look like the target.
    pub(crate) fn refuse<T>(&self, value: &str) -> Result<Option<T>> {
        match self.failure {
            OnFailure::Null => Ok(None),
            OnFailure::Error => {
                let shown: String = value.chars().take(100).collect();
                Err(ValueError::Cast { value: shown, target: self.to.to_string() }.raise())
            }
        }
    }
}

/// Casts a whole column; the result has the Arrow type of the target.
pub(crate) fn cast_column(column: &Column, rows: usize, target: &Target) -> Result<ArrayRef> {
    let to = target.to.to_arrow();
    let from = column.array.data_type();
    if from == &DataType::Null {
        return Ok(new_null_array(&to, rows));
    }
    let Some(from_type) = SqlType::from_arrow(from) else {
        return plan_err!("a value of type {from} cannot be cast to {}", target.to);
    };
    let changes_nothing = from == &to
        && !matches!(
            target.to,
            SqlType::Char(_)
                | SqlType::Varchar(_)
                | SqlType::Binary(_)
                | SqlType::Varbinary(_)
                | SqlType::Timestamp(_)
                | SqlType::TimestampLtz(_)
                | SqlType::Time(_)
        );
    if changes_nothing && !column.constant {
        return Ok(column.array.clone());
    }
    match target.to {
        SqlType::Boolean => number::to_boolean(column, rows, target),
        SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => {
            number::to_integer(column, rows, target)
        }
        SqlType::Float | SqlType::Double => number::to_approximate(column, rows, target),
        SqlType::Decimal { precision, scale } => decimal::cast(column, rows, (precision, scale), target),
        SqlType::Char(_) | SqlType::Varchar(_) | SqlType::String => text::cast(column, rows, target),
        SqlType::Binary(_) | SqlType::Varbinary(_) | SqlType::Bytes => binary::cast(column, rows, target),
        SqlType::Date | SqlType::Time(_) | SqlType::Timestamp(_) | SqlType::TimestampLtz(_) => {
            temporal::cast(column, rows, from_type, target)
        }
        SqlType::IntervalYearToMonth | SqlType::IntervalDayToSecond => Ok(column.array.clone()),
        SqlType::Null => Ok(new_null_array(&to, rows)),
    }
}

/// The function behind a cast; one per target type.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CastFunction {
    name: String,
    to: SqlType,
    failure: OnFailure,
    signature: Signature,
}

impl CastFunction {
    fn new(to: SqlType, failure: OnFailure) -> Self {
        let verb = match failure {
            OnFailure::Error => "CAST",
            OnFailure::Null => "TRY_CAST",
        };
        Self {
            name: format!("{verb} AS {to} "),
            to,
            failure,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }

    fn checked(&self, arguments: &[DataType]) -> Result<()> {
        let [from] = arguments else {
            return plan_err!("a cast takes one value, not {}", arguments.len());
        };
        let Some(from_type) = SqlType::from_arrow(from) else {
            return plan_err!("a value of type {} cannot be cast to {}", type_name(from), self.to);
        };
        can_cast(&from_type, &self.to).map_err(DataFusionError::Plan)
    }
}

impl ScalarUDFImpl for CastFunction {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.checked(arguments)?;
        Ok(self.to.to_arrow())
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.checked(arguments)?;
        Ok(arguments.to_vec())
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let zone = match &call.config_options.execution.time_zone {
            Some(name) => crate::zone::parse(name)?,
            None => Tz::UTC,
        };
        let target = Target { to: self.to, failure: self.failure, zone };
        match call.args.into_iter().next() {
            Some(ColumnarValue::Scalar(value)) => {
                let column = Column { array: value.to_array()?, constant: true };
                let result = cast_column(&column, 1, &target)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?))
            }
            Some(ColumnarValue::Array(array)) => {
                let rows = array.len();
                let column = Column { array, constant: false };
                Ok(ColumnarValue::Array(cast_column(&column, rows, &target)?))
            }
            None => plan_err!("a cast takes one value, not 0"),
        }
    }
}

/// The literal that a cast of an integer literal to another integer type gives, if `call` is one.
pub(crate) fn folded(call: &ScalarFunction) -> Option<Expr> {
    let function = call.func.inner().downcast_ref::<CastFunction>()?;
    integer_literal(call.args.first()?, &function.to)
}

/// The target of a call that is a cast, and whether a value that does not fit fails the job instead of being null.
pub(crate) fn target(call: &ScalarFunction) -> Option<(SqlType, bool)> {
    let function = call.func.inner().downcast_ref::<CastFunction>()?;
    Some((function.to, function.failure == OnFailure::Error))
}

/// Whether a call is a cast that some value makes fail; `None` when it is no cast.
pub(crate) fn can_fail(call: &ScalarFunction, schema: &DFSchema) -> Result<Option<bool>> {
    let Some(function) = call.func.inner().downcast_ref::<CastFunction>() else { return Ok(None) };
    let from = match call.args.first() {
        Some(argument) => argument.get_type(schema)?,
        None => DataType::Null,
    };
    let into_decimal = matches!(function.to, SqlType::Decimal { .. });
    let bad_values = match from {
        DataType::Utf8 => !function.to.is_character() && !function.to.is_binary(),
        // NaN and the infinities have no decimal.
        DataType::Float32 | DataType::Float64 => into_decimal,
        _ => false,
    };
    Ok(Some(bad_values && function.failure == OnFailure::Error))
}

/// A field that stands for `sql_type` in a plan: its Arrow type, and under [`SQL_TYPE_KEY`] what Arrow does not keep.
///
/// A type planner returns it for the target of a cast, so that [`coerce`](crate::coerce()) finds `VARCHAR(3)` again.
pub fn type_field(sql_type: &SqlType) -> FieldRef {
    let metadata = [(SQL_TYPE_KEY.to_string(), sql_type.to_string())].into();
    Arc::new(Field::new("", sql_type.to_arrow(), true).with_metadata(metadata))
}

#[cfg(test)]
mod cast_test;
