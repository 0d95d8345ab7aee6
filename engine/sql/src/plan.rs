//! From syntax trees to analyzed logical plans, through DataFusion's planner, analyzer and a chosen list of its rules.
//!
//! Names and types are resolved here; what a plan needs to run as a stream (state, changelogs, exchanges) is decided in
//! `lower`. Traps of the library that are closed here: filters never enter a table scan (they would slip below the
//! watermark), empty relations never replace a source, identifiers keep their case, literals have Flink's types.

pub(crate) mod context;
pub(crate) mod error;
pub(crate) mod expression;
pub(crate) mod insert;
pub(crate) mod interval;
pub(crate) mod locate;
pub(crate) mod relation;
pub(crate) mod rules;
pub(crate) mod state_ttl;
pub(crate) mod state_ttl_node;
pub(crate) mod time_attribute;
pub(crate) mod wildcard;
pub(crate) mod window_call;
pub(crate) mod window_node;

use datafusion_expr::LogicalPlan;
use datafusion_sql::planner::{ParserOptions, SqlToRel};
use datafusion_sql::sqlparser::ast::{Query, Statement};
use datafusion_sql::sqlparser::tokenizer::TokenWithSpan;

use crate::check::check_query;
use crate::diagnostic::Problem;
use crate::rewrite::rewrite_query;
use context::PlanContext;

/// Plans a query without optimizing it.
///
/// # Errors
/// Clauses that cannot run, unknown names, types that do not fit: in place where the planner knows the place.
pub(crate) fn plan_query(
    query: &Query,
    tokens: &[TokenWithSpan],
    context: &PlanContext<'_>,
) -> Result<LogicalPlan, Problem> {
    check_query(query, tokens)?;
    let hints = state_ttl::hints_of(query, tokens)?;
    let mut rewritten = query.clone();
    rewrite_query(&mut rewritten, tokens)?;
    let options = ParserOptions::from(&context.config().sql_parser);
    let planner = SqlToRel::new_with_options(context, options);
    let plan = |query: Query| {
        planner
            .sql_statement_to_plan(Statement::Query(Box::new(query)))
            .map_err(|error| error::from_datafusion(&error, tokens))
    };
    wildcard::expand_wildcards(&mut rewritten, &|query| {
        Ok(plan(query)?.schema().fields().iter().map(|field| field.name().clone()).collect())
    })?;
    state_ttl::mark(&mut rewritten, &hints);
    plan(rewritten)
}
