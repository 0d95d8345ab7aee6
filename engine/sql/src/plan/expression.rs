//! Single expressions outside of queries: computed columns and watermarks.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion_common::{DFSchema, DFSchemaRef, ToDFSchema};
use datafusion_expr::Expr;
use datafusion_expr::simplify::SimplifyContext;
use datafusion_optimizer::simplify_expressions::ExprSimplifier;
use datafusion_sql::planner::{ParserOptions, PlannerContext, SqlToRel};
use datafusion_sql::sqlparser::ast::{self, Spanned};
use datafusion_sql::sqlparser::tokenizer::TokenWithSpan;

use super::context::PlanContext;
use super::error::from_datafusion;
use crate::check::check_expression;
use crate::diagnostic::Problem;
use crate::rewrite::rewrite_expression;

/// Plans an expression over the columns of `schema`, with final types.
///
/// # Errors
/// Unknown names, types that do not fit, aggregates.
pub(crate) fn plan_expression(
    expression: &ast::Expr,
    schema: &SchemaRef,
    tokens: &[TokenWithSpan],
    context: &PlanContext<'_>,
) -> Result<Expr, Problem> {
    check_expression(expression, tokens)?;
    let mut rewritten = expression.clone();
    rewrite_expression(&mut rewritten)?;
    let place = expression.span();
    let inside: Vec<TokenWithSpan> = tokens
        .iter()
        .filter(|token| token.span.start >= place.start && token.span.end <= place.end)
        .cloned()
        .collect();
    let translate = |error: datafusion_common::DataFusionError| from_datafusion(&error, &inside).or_at(place);
    let df_schema: DFSchema = Arc::clone(schema).to_dfschema().map_err(translate)?;
    let planner = SqlToRel::new_with_options(context, ParserOptions::from(&context.config().sql_parser));
    let planned =
        planner.sql_to_expr(rewritten, &df_schema, &mut PlannerContext::new()).map_err(translate)?;
    let df_schema: DFSchemaRef = Arc::new(df_schema);
    finish(planned, &df_schema, context).map_err(translate)
}

/// Coerces and simplifies an expression.
fn finish(expr: Expr, schema: &DFSchemaRef, context: &PlanContext<'_>) -> datafusion_common::Result<Expr> {
    let info = SimplifyContext::builder()
        .with_schema(Arc::clone(schema))
        .with_config_options(Arc::clone(context.config()))
        .build();
    let simplifier = ExprSimplifier::new(info);
    let coerced = simplifier.coerce(millstream_expr::coerce(expr, schema)?, schema)?;
    simplifier.simplify(coerced)
}
