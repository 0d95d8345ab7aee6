//! Rewrites a checked syntax tree into one that DataFusion plans with Flink's meaning.
//!
//! - literals get Flink's types: `5` is INT, `1e3` DOUBLE, `TIMESTAMP '2024-01-01 00:00:00.000'` TIMESTAMP(3);
//! - columns get Flink's names: the second item of `SELECT a, a + 1, a` is `EXPR$1`, the third `a0`;
//! - group windows become window table functions; special forms become calls; intervals get one unit.
//!
//! Places survive: whatever is put in carries the span of what it replaces.

mod call;
mod group_window;
mod literal;
mod names;
mod star;

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{
    Expr, GroupByExpr, ObjectName, Query, Select, Spanned, Value, VisitMut, VisitorMut,
};
use datafusion_sql::sqlparser::tokenizer::{Span, TokenWithSpan};

use crate::diagnostic::Problem;
pub(crate) use names::{free_name, name_columns, plain_name};
pub(crate) use star::everything_from;

/// Rewrites a query.
///
/// # Errors
/// Literals that mean nothing, and group windows that do not fit their functions.
pub(crate) fn rewrite_query(query: &mut Query, _tokens: &[TokenWithSpan]) -> Result<(), Problem> {
    run(|rewriter| query.visit(rewriter))
}

/// Rewrites an expression outside of a query.
///
/// # Errors
/// Literals that mean nothing.
pub(crate) fn rewrite_expression(expression: &mut Expr) -> Result<(), Problem> {
    run(|rewriter| expression.visit(rewriter))
}

fn run(visit: impl FnOnce(&mut Rewriter) -> ControlFlow<Box<Problem>>) -> Result<(), Problem> {
    match visit(&mut Rewriter::default()) {
        ControlFlow::Break(problem) => Err(*problem),
        ControlFlow::Continue(()) => Ok(()),
    }
}

#[derive(Default)]
struct Rewriter {
    /// Places of numbers that are positions in a select list, not values.
    ordinals: Vec<Span>,
}

impl VisitorMut for Rewriter {
    type Break = Box<Problem>;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        if !names::has_company(select) {
            name_columns(select);
        }
        if let Err(problem) = group_window::rewrite(select) {
            return ControlFlow::Break(Box::new(problem));
        }
        if let GroupByExpr::Expressions(expressions, _) = &select.group_by {
            let numbers = expressions
                .iter()
                .filter(|e| matches!(e, Expr::Value(value) if matches!(value.value, Value::Number(..))));
            self.ordinals.extend(numbers.map(Spanned::span));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<Self::Break> {
        match names::local_table_name(relation) {
            Ok(()) => ControlFlow::Continue(()),
            Err(problem) => ControlFlow::Break(Box::new(problem)),
        }
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        match literal::before_children(expr).and_then(|()| call::rewrite(expr)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(problem) => ControlFlow::Break(Box::new(problem)),
        }
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        if let Expr::Value(value) = expr
            && !self.ordinals.contains(&value.span)
        {
            literal::type_number(expr);
        }
        ControlFlow::Continue(())
    }
}
