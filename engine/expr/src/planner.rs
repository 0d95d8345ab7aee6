//! Operators and special syntax as Flink types them.
//!
//! Owns the answers to DataFusion's SQL planner: which types `a + b` or `a = b` may have, what is converted, and which of
//! our functions stands behind `EXTRACT`, `SUBSTRING`, `POSITION` and `OVERLAY`. It never evaluates anything. For example
//! `INT / INT` is an integer division that fails on zero, `DECIMAL(10, 2) * DECIMAL(5, 1)` is `DECIMAL(16, 3)`, and
//! `ts > '2020-01-01'` reads the text as a timestamp.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion_common::{Column, DFSchema, Result, TableReference, plan_err};
use datafusion_expr::expr::ScalarFunction;
use datafusion_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion_expr::sqlparser::ast::BinaryOperator;
use datafusion_expr::{Expr, ExprSchemable, ScalarUDF};

use crate::coerce::{coerce, comparable, condition, convert};
use crate::decimal::Arithmetic;
use crate::functions::{self, ArithmeticFunction};
use crate::row_field::field_access;
use crate::types::{SqlType, type_name};
use crate::unify::{is_comparable, numbers};

/// The planners that give DataFusion's SQL planner Flink's operators, in the order in which they must be asked.
pub fn expr_planners() -> Vec<Arc<dyn ExprPlanner>> {
    vec![Arc::new(FlinkExprPlanner)]
}

/// Flink's operators and special syntax.
#[derive(Debug, Clone, Copy, Default)]
pub struct FlinkExprPlanner;

impl ExprPlanner for FlinkExprPlanner {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let RawBinaryExpr { op, left, right } = expr;
        // The operands get their final types first, because the operator's type follows from them.
        let left = coerce(left, schema)?;
        let right = coerce(right, schema)?;
        if let Some(arithmetic) = arithmetic_of(&op) {
            return plan_arithmetic(op, arithmetic, left, right, schema);
        }
        match op {
            BinaryOperator::Eq | BinaryOperator::NotEq | BinaryOperator::Spaceship => {
                plan_comparison(op, true, left, right, schema)
            }
            BinaryOperator::Lt | BinaryOperator::LtEq | BinaryOperator::Gt | BinaryOperator::GtEq => {
                plan_comparison(op, false, left, right, schema)
            }
            BinaryOperator::And | BinaryOperator::Or => {
                condition(&left, &op.to_string(), schema)?;
                condition(&right, &op.to_string(), schema)?;
                Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }))
            }
            BinaryOperator::StringConcat => call("concat", vec![left, right]),
            _ => Ok(PlannerResult::Original(RawBinaryExpr { op, left, right })),
        }
    }

    /// `row.field`, named after the field. That there is such a field is checked with the types.
    fn plan_compound_identifier(
        &self,
        field: &Field,
        qualifier: Option<&TableReference>,
        nested_names: &[String],
    ) -> Result<PlannerResult<Vec<Expr>>> {
        if !field.data_type().is_nested() {
            return plan_err!("`{}` is not a row", field.name());
        }
        let row = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        let access = nested_names.iter().fold(row, |row, name| field_access(row, name));
        Ok(PlannerResult::Planned(match nested_names.last() {
            Some(name) => access.alias(name),
            None => access,
        }))
    }

    fn plan_extract(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        call("extract", args)
    }

    fn plan_position(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        call("position", args)
    }

    fn plan_substring(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        call("substring", args)
    }

    fn plan_overlay(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        call("overlay", args)
    }
}

fn call<T>(name: &str, args: Vec<Expr>) -> Result<PlannerResult<T>> {
    match functions::function(name) {
        Some(function) => {
            Ok(PlannerResult::Planned(Expr::ScalarFunction(ScalarFunction::new_udf(function, args))))
        }
        None => plan_err!("the function {} does not exist", name.to_uppercase()),
    }
}

fn arithmetic_of(op: &BinaryOperator) -> Option<Arithmetic> {
    Some(match op {
        BinaryOperator::Plus => Arithmetic::Add,
        BinaryOperator::Minus => Arithmetic::Subtract,
        BinaryOperator::Multiply => Arithmetic::Multiply,
        BinaryOperator::Divide => Arithmetic::Divide,
        BinaryOperator::Modulo => Arithmetic::Remainder,
        _ => return None,
    })
}

fn plan_comparison(
    op: BinaryOperator,
    equality: bool,
    left: Expr,
    right: Expr,
    schema: &DFSchema,
) -> Result<PlannerResult<RawBinaryExpr>> {
    let (left, right) = comparable(left, right, equality, &op.to_string(), schema)?;
    let data_type = left.get_type(schema)?;
    if !equality && !is_comparable(&data_type) {
        return plan_err!("values of type {} have no order for '{op}'", type_name(&data_type));
    }
    Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }))
}

fn plan_arithmetic(
    op: BinaryOperator,
    arithmetic: Arithmetic,
    left: Expr,
    right: Expr,
    schema: &DFSchema,
) -> Result<PlannerResult<RawBinaryExpr>> {
    let (left_type, right_type) = (left.get_type(schema)?, right.get_type(schema)?);
    let refused = |hint: &str| {
        plan_err!(
            "cannot apply '{}' to {} and {}{hint}",
            arithmetic.symbol(),
            type_name(&left_type),
            type_name(&right_type)
        )
    };
    let (Some(a), Some(b)) = (SqlType::from_arrow(&left_type), SqlType::from_arrow(&right_type)) else {
        return refused("");
    };
    if a.is_interval() || b.is_interval() || !is_number_or_null(a) || !is_number_or_null(b) {
        return match temporal(arithmetic, a, b) {
            Temporal::AsWritten => Ok(PlannerResult::Original(RawBinaryExpr { op, left, right })),
            Temporal::OfDay => call(time_shift(arithmetic), vec![left, right]),
            Temporal::OfDaySwapped => call(time_shift(arithmetic), vec![right, left]),
            Temporal::Swapped => Ok(PlannerResult::Original(RawBinaryExpr { op, left: right, right: left })),
            Temporal::Refused(hint) => refused(hint),
        };
    }
    // A bare NULL takes the type of the other side; two of them are integers.
    let (left_type, right_type) = match (&left_type, &right_type) {
        (DataType::Null, DataType::Null) => (DataType::Int32, DataType::Int32),
        (DataType::Null, other) | (other, DataType::Null) => (other.clone(), other.clone()),
        _ => (left_type.clone(), right_type.clone()),
    };
    let Some(common) = numbers(&left_type, &right_type) else { return refused("") };
    let integers = SqlType::from_arrow(&common).is_some_and(|common| common.is_integer());
    match arithmetic {
        Arithmetic::Remainder if matches!(common, DataType::Float32 | DataType::Float64) => {
            refused("; it takes integers and decimals")
        }
        _ if matches!(common, DataType::Decimal128(_, _)) => Ok(own(arithmetic, left, right)),
        Arithmetic::Divide | Arithmetic::Remainder if integers => Ok(own(arithmetic, left, right)),
        _ => {
            let left = convert(left.clone(), &left.get_type(schema)?, &common);
            let right = convert(right.clone(), &right.get_type(schema)?, &common);
            Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }))
        }
    }
}

fn own(arithmetic: Arithmetic, left: Expr, right: Expr) -> PlannerResult<RawBinaryExpr> {
    let function = Arc::new(ScalarUDF::from(ArithmeticFunction::new(arithmetic)));
    PlannerResult::Planned(Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![left, right])))
}

fn is_number_or_null(sql_type: SqlType) -> bool {
    sql_type.is_numeric() || sql_type == SqlType::Null
}

/// What becomes of arithmetic with dates, timestamps and intervals.
enum Temporal {
    AsWritten,
    Swapped,
    /// A time of day, which a function of our own moves.
    OfDay,
    OfDaySwapped,
    Refused(&'static str),
}

fn time_shift(arithmetic: Arithmetic) -> &'static str {
    if arithmetic == Arithmetic::Subtract { "$time_subtract" } else { "$time_add" }
}

fn temporal(arithmetic: Arithmetic, left: SqlType, right: SqlType) -> Temporal {
    let point = |sql_type: SqlType| sql_type.is_timestamp() || sql_type == SqlType::Date;
    match (arithmetic, left, right) {
        (Arithmetic::Add | Arithmetic::Subtract, left, right)
            if (point(left) || left.is_interval()) && right.is_interval() =>
        {
            Temporal::AsWritten
        }
        (Arithmetic::Add | Arithmetic::Subtract, SqlType::Time(_), right) if right.is_interval() => {
            Temporal::OfDay
        }
        (Arithmetic::Add, left, SqlType::Time(_)) if left.is_interval() => Temporal::OfDaySwapped,
        (Arithmetic::Add, left, right) if left.is_interval() && point(right) => Temporal::Swapped,
        (Arithmetic::Subtract, left, right) if point(left) && point(right) => {
            Temporal::Refused("; write TIMESTAMPDIFF(SECOND, earlier, later)")
        }
        (_, left, right) if left.is_character() || right.is_character() => {
            Temporal::Refused("; cast the string to a number, or write || to join strings")
        }
        _ => Temporal::Refused(""),
    }
}

#[cfg(test)]
mod planner_test;
