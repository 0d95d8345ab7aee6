//! Refuses, clause by clause and with its place, every part of a query that no job can run yet.
//!
//! This runs on the syntax tree before planning, because the planner would accept many of these clauses, some of them
//! silently with another meaning (`INTERSECT ALL`, `FOR SYSTEM_TIME AS OF`). Nothing here looks at tables or types.

mod expression;
mod relation;
mod select;

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{Expr, Query, Select, Spanned, TableFactor, Visit, Visitor};
use datafusion_sql::sqlparser::tokenizer::{Span, TokenWithSpan};

use crate::diagnostic::Problem;
use crate::dialect::tokens::is_word;

/// Refuses what cannot run anywhere in a query.
///
/// # Errors
/// The first clause that is not supported.
pub(crate) fn check_query(query: &Query, tokens: &[TokenWithSpan]) -> Result<(), Problem> {
    let mut checker = Checker { tokens, windowed_queries: Vec::new() };
    match query.visit(&mut checker) {
        ControlFlow::Break(problem) => Err(*problem),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Refuses what cannot run in the expression of a computed column or watermark.
///
/// # Errors
/// The first part that is not supported.
pub(crate) fn check_expression(expression: &Expr, tokens: &[TokenWithSpan]) -> Result<(), Problem> {
    let mut checker = Checker { tokens, windowed_queries: Vec::new() };
    match expression.visit(&mut checker) {
        ControlFlow::Break(problem) => Err(*problem),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Checker<'a> {
    tokens: &'a [TokenWithSpan],
    /// Places of queries that are the input of a window table function: the only ones allowed inside an expression.
    windowed_queries: Vec<Span>,
}

impl Visitor for Checker<'_> {
    type Break = Box<Problem>;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        flow(self.query(query))
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Self::Break> {
        flow(self.select(select))
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Self::Break> {
        flow(self.relation(factor))
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Self::Break> {
        flow(self.expression(expr))
    }
}

impl Checker<'_> {
    /// The last of these words before a place: where a clause begins whose syntax tree has no position of its own.
    fn word_before(&self, span: Span, word: &str) -> Span {
        let end = self.tokens.partition_point(|token| token.span.start < span.start);
        let before = self.tokens.get(..end).unwrap_or(&[]);
        before.iter().rev().find(|token| is_word(token, word)).map_or(span, |token| token.span)
    }

    /// The first of these words behind a place.
    fn word_behind(&self, span: Span, word: &str) -> Span {
        let start = self.tokens.partition_point(|token| token.span.start < span.end);
        let behind = self.tokens.get(start..).unwrap_or(&[]);
        behind.iter().find(|token| is_word(token, word)).map_or(span, |token| token.span)
    }
}

/// `what is not supported yet`, at a place.
fn not_yet(span: Span, what: impl Into<String>) -> Problem {
    Problem::new(span, format!("{} not supported yet", what.into())).label("cannot run")
}

fn flow(result: Result<(), Problem>) -> ControlFlow<Box<Problem>> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(problem) => ControlFlow::Break(Box::new(problem)),
    }
}

fn span(node: &impl Spanned) -> Span {
    node.span()
}
