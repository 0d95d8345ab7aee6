//! The aggregate functions as the planner sees them: names, accepted types and result types by Flink's rules.
//!
//! Owns no accumulator: how a sum is kept and retracted belongs to the operators, and DataFusion never executes an
//! aggregate here. For example `SUM(DECIMAL(10, 2))` is `DECIMAL(38, 2)`, and `AVG(INT)` is `INT`.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::{Result as DataFusionResult, not_impl_err, plan_err};
use datafusion_expr::function::AccumulatorArgs;
use datafusion_expr::utils::AggregateOrderSensitivity;
use datafusion_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};

use crate::error::ExprError;
use crate::types::{MAX_DECIMAL_PRECISION, SqlType, type_name};

/// Which aggregate an aggregate call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AggregateKind {
    /// `COUNT(*)`: rows
    CountStar,
    /// `COUNT(x)`: rows where `x` is not null
    Count,
    /// `SUM(x)`: null when every value is null
    Sum,
    /// `AVG(x)`: null when every value is null
    Avg,
    /// `MIN(x)`
    Min,
    /// `MAX(x)`
    Max,
}

impl AggregateKind {
    /// Every kind, in the order of this enum.
    pub const ALL: [Self; 6] = [Self::CountStar, Self::Count, Self::Sum, Self::Avg, Self::Min, Self::Max];

    /// The kind of the call `name(..)`, whatever the case of `name`; `COUNT` without an argument is
    /// [`AggregateKind::CountStar`].
    pub fn from_name(name: &str, arguments: usize) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "count" if arguments == 0 => Self::CountStar,
            "count" => Self::Count,
            "sum" => Self::Sum,
            "avg" => Self::Avg,
            "min" => Self::Min,
            "max" => Self::Max,
            _ => return None,
        })
    }

    /// The function's name as users write it.
    pub fn sql_name(&self) -> &'static str {
        match self {
            Self::CountStar | Self::Count => "COUNT",
            Self::Sum => "SUM",
            Self::Avg => "AVG",
            Self::Min => "MIN",
            Self::Max => "MAX",
        }
    }

    /// Whether the result can be null; only counts cannot.
    pub fn nullable(&self) -> bool {
        !matches!(self, Self::CountStar | Self::Count)
    }
}

impl fmt::Display for AggregateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CountStar => f.write_str("COUNT(*)"),
            other => f.write_str(other.sql_name()),
        }
    }
}

/// The type of an aggregate over an argument of type `argument` (ignored by `COUNT(*)`).
///
/// # Errors
/// [`ExprError::AggregateArgument`] when the function does not take that type.
pub fn result_type(kind: AggregateKind, argument: &DataType) -> Result<DataType, ExprError> {
    let refused = |expected| {
        Err(ExprError::AggregateArgument {
            function: kind.sql_name(),
            argument: type_name(argument),
            expected,
        })
    };
    let sql_type = SqlType::from_arrow(argument);
    match kind {
        AggregateKind::CountStar | AggregateKind::Count => Ok(DataType::Int64),
        AggregateKind::Sum | AggregateKind::Avg => match sql_type {
            Some(SqlType::Decimal { scale, .. }) => {
                let scale = if kind == AggregateKind::Avg { scale.max(6) } else { scale };
                Ok(DataType::Decimal128(MAX_DECIMAL_PRECISION, scale))
            }
            Some(number) if number.is_numeric() => Ok(argument.clone()),
            _ => refused("it takes a number"),
        },
        AggregateKind::Min | AggregateKind::Max => match sql_type {
            Some(SqlType::Null) | None => refused("it takes a value that can be ordered"),
            Some(other) if other.is_interval() || other.is_binary() => {
                refused("it takes a number, a string, a boolean, a date, a time or a timestamp")
            }
            Some(_) => Ok(argument.clone()),
        },
    }
}

/// The aggregate functions for the planner: `count`, `sum`, `avg`, `min` and `max`.
///
/// They carry names, argument checks and result types; asking one for an accumulator is an error.
pub fn aggregate_functions() -> Vec<Arc<AggregateUDF>> {
    [AggregateKind::Count, AggregateKind::Sum, AggregateKind::Avg, AggregateKind::Min, AggregateKind::Max]
        .into_iter()
        .map(|kind| Arc::new(AggregateUDF::from(PlannedAggregate::new(kind))))
        .collect()
}

/// One aggregate function for planning only.
#[derive(Debug, PartialEq, Eq, Hash)]
struct PlannedAggregate {
    kind: AggregateKind,
    name: String,
    signature: Signature,
}

impl PlannedAggregate {
    fn new(kind: AggregateKind) -> Self {
        Self {
            kind,
            name: kind.sql_name().to_ascii_lowercase(),
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }

    fn checked(&self, arguments: &[DataType]) -> DataFusionResult<DataType> {
        match (self.kind, arguments) {
            (AggregateKind::Count, []) => Ok(DataType::Int64),
            (kind, [argument]) => match result_type(kind, argument) {
                Ok(data_type) => Ok(data_type),
                Err(error) => plan_err!("{error}"),
            },
            (kind, _) => plan_err!("{kind} takes one argument, not {}", arguments.len()),
        }
    }
}

impl AggregateUDFImpl for PlannedAggregate {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> DataFusionResult<DataType> {
        self.checked(arguments)
    }

    fn is_nullable(&self) -> bool {
        self.kind.nullable()
    }

    fn coerce_types(&self, arguments: &[DataType]) -> DataFusionResult<Vec<DataType>> {
        self.checked(arguments)?;
        Ok(arguments.to_vec())
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn accumulator(&self, _arguments: AccumulatorArgs) -> DataFusionResult<Box<dyn Accumulator>> {
        not_impl_err!("{} runs in Millstream's own operators", self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::{IntervalUnit, TimeUnit};

    #[test]
    fn result_types_are_those_of_flink() {
        use AggregateKind::{Avg, Count, CountStar, Max, Min, Sum};
        let ts = DataType::Timestamp(TimeUnit::Millisecond, None);
        // (aggregate, argument, result or None for refused)
        let cases = [
            (CountStar, DataType::Null, Some(DataType::Int64)),
            (Count, DataType::Utf8, Some(DataType::Int64)),
            (Sum, DataType::Int8, Some(DataType::Int8)),
            (Sum, DataType::Int16, Some(DataType::Int16)),
            (Sum, DataType::Int32, Some(DataType::Int32)),
            (Sum, DataType::Int64, Some(DataType::Int64)),
            (Sum, DataType::Float32, Some(DataType::Float32)),
            (Sum, DataType::Float64, Some(DataType::Float64)),
            (Sum, DataType::Decimal128(10, 2), Some(DataType::Decimal128(38, 2))),
            (Sum, DataType::Utf8, None),
            (Sum, DataType::Boolean, None),
            (Sum, ts.clone(), None),
            (Avg, DataType::Int8, Some(DataType::Int8)),
            (Avg, DataType::Int32, Some(DataType::Int32)),
            (Avg, DataType::Float32, Some(DataType::Float32)),
            (Avg, DataType::Decimal128(10, 2), Some(DataType::Decimal128(38, 6))),
            (Avg, DataType::Decimal128(20, 9), Some(DataType::Decimal128(38, 9))),
            (Avg, DataType::Date32, None),
            (Min, DataType::Utf8, Some(DataType::Utf8)),
            (Min, ts.clone(), Some(ts)),
            (Max, DataType::Boolean, Some(DataType::Boolean)),
            (Max, DataType::Decimal128(10, 2), Some(DataType::Decimal128(10, 2))),
            (Max, DataType::Binary, None),
            (Max, DataType::Null, None),
            (Max, DataType::Interval(IntervalUnit::MonthDayNano), None),
            (Max, DataType::LargeUtf8, None),
        ];
        for (kind, argument, expected) in cases {
            assert_eq!(result_type(kind, &argument).ok(), expected, "{kind}({argument})");
        }
    }

    #[test]
    fn the_planner_gets_five_functions_that_refuse_with_a_clear_message() {
        let functions = aggregate_functions();
        let names: Vec<&str> = functions.iter().map(|function| function.name()).collect();
        assert_eq!(names, ["count", "sum", "avg", "min", "max"]);
        let error = functions[1].coerce_types(&[DataType::Utf8]).unwrap_err();
        assert_eq!(
            crate::error::plain_message(&error),
            "SUM does not take an argument of type STRING; it takes a number"
        );
        let error = functions[3].return_type(&[]).unwrap_err();
        assert_eq!(crate::error::plain_message(&error), "MIN takes one argument, not 0");
        assert!(functions[0].return_type(&[]).is_ok(), "COUNT without an argument counts rows");
        assert!(!functions[0].is_nullable() && functions[2].is_nullable());
    }

    #[test]
    fn names_are_found_whatever_their_case() {
        assert_eq!(AggregateKind::from_name("Count", 0), Some(AggregateKind::CountStar));
        assert_eq!(AggregateKind::from_name("COUNT", 1), Some(AggregateKind::Count));
        for kind in AggregateKind::ALL {
            let arguments = usize::from(kind != AggregateKind::CountStar);
            assert_eq!(AggregateKind::from_name(kind.sql_name(), arguments), Some(kind));
        }
        assert_eq!(AggregateKind::from_name("listagg", 1), None);
    }
}
