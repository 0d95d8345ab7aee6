//! Evaluates only where Flink would.
//!
//! Owns the rewriting, right before compilation, of everything that must not look at rows it does not need: DataFusion
//! evaluates the arguments of a function, and mostly both sides of `AND` and `OR`, for every row of a batch, but `CASE`
//! only for the rows that reach a branch. For example `b <> 0 AND a / b > 1` becomes
//! `CASE WHEN (b <> 0) IS FALSE THEN FALSE ELSE b <> 0 AND a / b > 1 END`, which never divides by zero.

use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_common::{DFSchema, Result, ScalarValue};
use datafusion_expr::expr::{BinaryExpr, Case, ScalarFunction};
use datafusion_expr::{Expr, ExprSchemable, Operator, lit};

use crate::cast::{self, cast};
use crate::functions::{self, Conditional};
use crate::types::SqlType;
use crate::unify::comparison_type;

/// Rewrites conditional functions and guarded conditions into `CASE`, from the leaves up.
pub(crate) fn rewrite(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let rewritten = expr.transform_up(|expr| match expr {
        Expr::ScalarFunction(call) => match functions::conditional(&call.func) {
            Some(kind) => Ok(Transformed::yes(branches(kind, call, schema)?)),
            None => Ok(Transformed::no(Expr::ScalarFunction(call))),
        },
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right })
            if can_fail(&right, schema)? =>
        {
            Ok(Transformed::yes(guarded(left, op, right)))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(rewritten.data)
}

fn branches(kind: Conditional, call: ScalarFunction, schema: &DFSchema) -> Result<Expr> {
    let ScalarFunction { func, mut args } = call;
    let case = match kind {
        Conditional::Coalesce => {
            let Some(last) = args.pop() else { return Ok(lit(ScalarValue::Null)) };
            if args.is_empty() {
                return Ok(last);
            }
            let when = args
                .into_iter()
                .map(|arg| (Box::new(Expr::IsNotNull(Box::new(arg.clone()))), Box::new(arg)))
                .collect();
            Case::new(None, when, Some(Box::new(last)))
        }
        Conditional::If => match <[Expr; 3]>::try_from(args) {
            Ok([condition, then, otherwise]) => {
                Case::new(None, vec![(Box::new(condition), Box::new(then))], Some(Box::new(otherwise)))
            }
            Err(args) => return Ok(Expr::ScalarFunction(ScalarFunction { func, args })),
        },
        Conditional::NullIf => match <[Expr; 2]>::try_from(args) {
            Ok([value, other]) => {
                let (left, right) = comparable(value.clone(), other, schema)?;
                let null = lit(ScalarValue::try_from(&value.get_type(schema)?)?);
                Case::new(None, vec![(Box::new(left.eq(right)), Box::new(null))], Some(Box::new(value)))
            }
            Err(args) => return Ok(Expr::ScalarFunction(ScalarFunction { func, args })),
        },
    };
    Ok(Expr::Case(case))
}

/// Both expressions in the type in which they are compared.
fn comparable(left: Expr, right: Expr, schema: &DFSchema) -> Result<(Expr, Expr)> {
    let (left_type, right_type) = (left.get_type(schema)?, right.get_type(schema)?);
    let common =
        comparison_type(&left_type, &right_type, true).and_then(|common| SqlType::from_arrow(&common));
    let Some(common) = common else { return Ok((left, right)) };
    let convert =
        |expr: Expr, from| if common.to_arrow() == from { expr } else { cast(expr, &common, false) };
    Ok((convert(left, left_type), convert(right, right_type)))
}

/// `left op right` with `right` evaluated only where `left` does not decide.
fn guarded(left: Box<Expr>, op: Operator, right: Box<Expr>) -> Expr {
    let (decided, value) = match op {
        Operator::And => (Expr::IsFalse(left.clone()), false),
        _ => (Expr::IsTrue(left.clone()), true),
    };
    let both = Expr::BinaryExpr(BinaryExpr { left, op, right });
    Expr::Case(Case::new(None, vec![(Box::new(decided), Box::new(lit(value)))], Some(Box::new(both))))
}

/// Whether some value of a row can make the expression fail.
fn can_fail(expr: &Expr, schema: &DFSchema) -> Result<bool> {
    let mut found = false;
    expr.apply(|node| {
        found = match node {
            Expr::ScalarFunction(call) => match cast::can_fail(call, schema)? {
                Some(answer) => answer,
                None => functions::can_fail(&call.func),
            },
            Expr::BinaryExpr(binary) => matches!(binary.op, Operator::Divide | Operator::Modulo),
            Expr::Cast(inner) => inner.expr.get_type(schema)?.is_string(),
            _ => false,
        };
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}
