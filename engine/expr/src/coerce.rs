//! Gives an expression Flink's types where DataFusion's analyzer would choose others.
//!
//! Owns the pass between the SQL planner and the analyzer: casts become Flink's, the branches of a `CASE` and the items
//! of an `IN` or a `BETWEEN` are brought to Flink's common type, `ROUND(DECIMAL, 2)` gets the scale that its literal
//! says, `LIKE` loses its backslash escape and `SIMILAR TO` becomes a function. Operators were typed before, by [`crate::planner`]. For example
//! `CASE WHEN c THEN 1 ELSE 2.5 END` is `DECIMAL(11, 1)`.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::metadata::FieldMetadata;
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{DFSchema, Result, ScalarValue, plan_err};
use datafusion_expr::expr::{Between, BinaryExpr, Case, InList, ScalarFunction};
use datafusion_expr::expr_rewriter::NamePreserver;
use datafusion_expr::utils::merge_schema;
use datafusion_expr::{Expr, ExprSchemable, LogicalPlan, Operator, Projection, Union, lit};

use crate::cast::{self, cast};
use crate::functions;
use crate::type_of::type_of;
use crate::types::{SqlType, type_name};
use crate::unify::{common_type, comparison_type};

/// Rewrites `expr`, over columns of `schema`, so that every part has Flink's type.
///
/// Idempotent. Must run on every expression of a plan before DataFusion's type coercion, because afterwards the
/// analyzer's casts cannot be told from the user's.
///
/// # Errors
/// Types that have nothing in common, and casts to types that Flink does not have.
pub fn coerce(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let rewritten = expr.transform_up(|expr| {
        let replaced = cast::replace(expr)?;
        if replaced.transformed {
            return Ok(replaced);
        }
        match replaced.data {
            Expr::Literal(value, metadata) => Ok(literal(value, metadata)),
            Expr::Case(case) => case_branches(case, schema),
            Expr::InList(list) => in_list(list, schema),
            Expr::Between(between) => between_bounds(between, schema),
            Expr::BinaryExpr(BinaryExpr {
                left,
                op: op @ (Operator::IsDistinctFrom | Operator::IsNotDistinctFrom),
                right,
            }) => {
                let (left, right) = comparable(*left, *right, true, &op.to_string(), schema)?;
                Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))))
            }
            Expr::Like(like) => {
                texts("LIKE", [&like.expr, &like.pattern], schema)?;
                functions::like(like).map(Transformed::yes)
            }
            Expr::SimilarTo(like) => {
                texts("SIMILAR TO", [&like.expr, &like.pattern], schema)?;
                functions::similar_to(like).map(Transformed::yes)
            }
            Expr::ScalarFunction(call) if call.func.name() == "typeof" => {
                Ok(Transformed::yes(type_of(&call, schema)?))
            }
            Expr::ScalarFunction(call) => match cast::folded(&call) {
                Some(literal) => Ok(Transformed::yes(literal)),
                None => rounding(call, schema),
            },
            other => Ok(Transformed::no(other)),
        }
    })?;
    Ok(rewritten.data)
}

/// [`coerce`] for every expression of a plan, from the leaves up, subqueries too; names of columns stay.
///
/// # Errors
/// As [`coerce`].
pub fn coerce_plan(plan: LogicalPlan) -> Result<LogicalPlan> {
    let rewritten = plan.transform_up_with_subqueries(|plan| {
        let mut schema = merge_schema(&plan.inputs());
        if let LogicalPlan::TableScan(scan) = &plan {
            let table = scan.table_name.clone();
            schema.merge(&DFSchema::try_from_qualified_schema(table, &scan.source.schema())?);
        }
        let names = NamePreserver::new(&plan);
        plan.map_expressions(|expr| {
            let name = names.save(&expr);
            Ok(Transformed::yes(name.restore(coerce(expr, &schema)?)))
        })?
        .map_data(LogicalPlan::recompute_schema)?
        .map_data(union_branches)
    })?;
    Ok(rewritten.data)
}

/// The branches of a union in the types that their columns have in common; what has nothing in common stays as it is, for
/// whoever reports it.
fn union_branches(plan: LogicalPlan) -> Result<LogicalPlan> {
    let LogicalPlan::Union(union) = plan else { return Ok(plan) };
    let width = union.schema.fields().len();
    if union.inputs.iter().any(|input| input.schema().fields().len() != width) {
        return Ok(LogicalPlan::Union(union));
    }
    let in_common = |column: usize| {
        common_type(union.inputs.iter().map(|input| input.schema().field(column).data_type()))
    };
    let types: Vec<Option<DataType>> = (0..width).map(in_common).collect();
    let converted = |input: Arc<LogicalPlan>| -> Result<Arc<LogicalPlan>> {
        let columns = input.schema().columns();
        let mut changes = false;
        let mut exprs = Vec::with_capacity(width);
        for ((column, field), to) in columns.into_iter().zip(input.schema().fields()).zip(&types) {
            exprs.push(match to {
                Some(to) if to != field.data_type() => {
                    changes = true;
                    let (relation, name) = (column.relation.clone(), column.name.clone());
                    convert(Expr::Column(column), field.data_type(), to).alias_qualified(relation, name)
                }
                _ => Expr::Column(column),
            });
        }
        if !changes {
            return Ok(input);
        }
        Ok(Arc::new(LogicalPlan::Projection(Projection::try_new(exprs, input)?)))
    };
    let inputs = union.inputs.iter().cloned().map(converted).collect::<Result<Vec<_>>>()?;
    Ok(LogicalPlan::Union(Union::try_new_with_loose_types(inputs)?))
}

/// DataFusion reads `1E7` as a decimal with a negative scale, which nothing else here knows: it is a double.
fn literal(value: ScalarValue, metadata: Option<FieldMetadata>) -> Transformed<Expr> {
    match value {
        ScalarValue::Decimal128(Some(digits), _, scale) if scale < 0 => {
            let double = digits as f64 * 10_f64.powi(-i32::from(scale));
            Transformed::yes(lit(double))
        }
        other => Transformed::no(Expr::Literal(other, metadata)),
    }
}

/// `expr` of type `from` in the type `to`.
pub(crate) fn convert(expr: Expr, from: &DataType, to: &DataType) -> Expr {
    if from == to {
        return expr;
    }
    match SqlType::from_arrow(to) {
        Some(sql_type) => cast(expr, &sql_type, false),
        None => expr,
    }
}

/// Both expressions in the type in which they are compared.
///
/// # Errors
/// When the types cannot be compared.
pub(crate) fn comparable(
    left: Expr,
    right: Expr,
    equality: bool,
    symbol: &str,
    schema: &DFSchema,
) -> Result<(Expr, Expr)> {
    let (left_type, right_type) = (left.get_type(schema)?, right.get_type(schema)?);
    if left_type.is_nested() && right_type.is_nested() {
        return plan_err!("rows cannot be compared by '{symbol}' yet; compare their fields");
    }
    let Some(common) = comparison_type(&left_type, &right_type, equality) else {
        return plan_err!(
            "cannot compare {} with {} by '{symbol}'; cast one of them to the type of the other",
            type_name(&left_type),
            type_name(&right_type)
        );
    };
    Ok((convert(left, &left_type, &common), convert(right, &right_type, &common)))
}

/// Refuses an operand of `what` that is not a boolean.
///
/// # Errors
/// A plan error that names the type.
pub(crate) fn condition(expr: &Expr, what: &str, schema: &DFSchema) -> Result<()> {
    match expr.get_type(schema)? {
        DataType::Boolean | DataType::Null => Ok(()),
        other => plan_err!("{what} takes a BOOLEAN, not {}", type_name(&other)),
    }
}

/// Refuses operands of `what` that are not strings.
fn texts(what: &str, operands: [&Expr; 2], schema: &DFSchema) -> Result<()> {
    for operand in operands {
        match operand.get_type(schema)? {
            DataType::Utf8 | DataType::Null => {}
            other => return plan_err!("{what} takes strings, not {}", type_name(&other)),
        }
    }
    Ok(())
}

fn case_branches(case: Case, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Case { expr: operand, when_then_expr, else_expr } = case;
    let branches: Vec<&Expr> =
        when_then_expr.iter().map(|(_, then)| then.as_ref()).chain(else_expr.as_deref()).collect();
    let types = branches.iter().map(|branch| branch.get_type(schema)).collect::<Result<Vec<_>>>()?;
    let Some(common) = common_type(&types) else {
        let names: Vec<String> = types.iter().map(type_name).collect();
        return plan_err!("the branches of a CASE have no type in common: {}", names.join(", "));
    };
    let mut types = types.into_iter();
    let mut converted = |branch: Box<Expr>| match types.next() {
        Some(from) => Box::new(convert(*branch, &from, &common)),
        None => branch,
    };
    let mut arms = Vec::with_capacity(when_then_expr.len());
    for (when, then) in when_then_expr {
        // `CASE x WHEN y` compares x with y; written out, both sides get their common type.
        let when = match &operand {
            Some(operand) => {
                let (left, right) = comparable(operand.as_ref().clone(), *when, true, "=", schema)?;
                Box::new(left.eq(right))
            }
            None => {
                condition(&when, "WHEN", schema)?;
                when
            }
        };
        arms.push((when, converted(then)));
    }
    let otherwise = else_expr.map(converted);
    Ok(Transformed::yes(Expr::Case(Case::new(None, arms, otherwise))))
}

fn in_list(list: InList, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let InList { expr, list: items, negated } = list;
    let from = expr.get_type(schema)?;
    let types = items.iter().map(|item| item.get_type(schema)).collect::<Result<Vec<_>>>()?;
    let mut common = from.clone();
    for data_type in &types {
        match comparison_type(&common, data_type, true) {
            Some(next) => common = next,
            None => {
                return plan_err!(
                    "cannot compare {} with {} by 'IN'; cast one of them to the type of the other",
                    type_name(&common),
                    type_name(data_type)
                );
            }
        }
    }
    let items = items.into_iter().zip(&types).map(|(item, from)| convert(item, from, &common)).collect();
    let expr = Box::new(convert(*expr, &from, &common));
    Ok(Transformed::yes(Expr::InList(InList::new(expr, items, negated))))
}

fn between_bounds(between: Between, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Between { expr, negated, low, high } = between;
    let types = [expr.get_type(schema)?, low.get_type(schema)?, high.get_type(schema)?];
    let common = comparison_type(&types[0], &types[1], false)
        .and_then(|common| comparison_type(&common, &types[2], false));
    let Some(common) = common else {
        return plan_err!(
            "cannot compare {} with {} and {} by 'BETWEEN'; cast them to one type",
            type_name(&types[0]),
            type_name(&types[1]),
            type_name(&types[2])
        );
    };
    Ok(Transformed::yes(Expr::Between(Between {
        expr: Box::new(convert(*expr, &types[0], &common)),
        negated,
        low: Box::new(convert(*low, &types[1], &common)),
        high: Box::new(convert(*high, &types[2], &common)),
    })))
}

/// `ROUND` and `TRUNCATE` of a decimal to a literal number of digits: the result has that scale.
fn rounding(call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    // Idempotent because the inner function is not the one that the user calls.
    let Some(in_place) = functions::rounding_in_place(&call.func) else {
        return Ok(Transformed::no(Expr::ScalarFunction(call)));
    };
    let digits = match call.args.get(1) {
        None => Some(0),
        Some(Expr::Literal(ScalarValue::Int32(Some(digits)), _)) => Some(i64::from(*digits)),
        Some(Expr::Literal(ScalarValue::Int64(Some(digits)), _)) => Some(*digits),
        Some(Expr::Negative(inner)) => match inner.as_ref() {
            Expr::Literal(ScalarValue::Int32(Some(digits)), _) => Some(-i64::from(*digits)),
            Expr::Literal(ScalarValue::Int64(Some(digits)), _) => Some(-*digits),
            _ => None,
        },
        Some(_) => None,
    };
    let from = call.args.first().map(|value| value.get_type(schema)).transpose()?;
    let (Some(digits), Some(DataType::Decimal128(precision, scale))) = (digits, from) else {
        return Ok(Transformed::no(Expr::ScalarFunction(call)));
    };
    let kept = digits.clamp(0, 38) as i8;
    let to = if digits >= i64::from(scale) {
        SqlType::Decimal { precision, scale }
    } else {
        let precision = (1 + precision as i8 - scale + kept).clamp(1, 38) as u8;
        SqlType::Decimal { precision, scale: kept }
    };
    let rounded = Expr::ScalarFunction(ScalarFunction::new_udf(in_place, call.args));
    Ok(Transformed::yes(cast(rounded, &to, false)))
}

#[cfg(test)]
mod coerce_test;
