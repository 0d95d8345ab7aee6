//! The logical node that carries the hint `STATE_TTL` of a query: its input, unchanged.
//!
//! Filters and columns move through it as if it were not there, so that a hint changes neither the operators nor their uids.
//! Example: of `SELECT /*+ STATE_TTL('t' = '1 d') */ DISTINCT k FROM t WHERE a > 5` the filter ends up below it.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use datafusion_common::{DFSchemaRef, DataFusionError, Result};
use datafusion_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion_sql::sqlparser::tokenizer::Span;

/// How long the state of a query outlives its last write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TtlHint {
    /// In milliseconds; 0: for ever.
    pub(crate) millis: u64,
    /// Where it stands.
    pub(crate) span: Span,
}

/// The input of a query with the hint of the query, if it has one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StateTtlNode {
    pub(crate) input: Arc<LogicalPlan>,
    pub(crate) hint: Option<TtlHint>,
}

impl StateTtlNode {
    /// The node over a plan, as a plan.
    pub(crate) fn over(input: LogicalPlan, hint: Option<TtlHint>) -> LogicalPlan {
        LogicalPlan::Extension(Extension { node: Arc::new(Self { input: Arc::new(input), hint }) })
    }

    /// The node, if a plan is one.
    pub(crate) fn of(plan: &LogicalPlan) -> Option<&Self> {
        let LogicalPlan::Extension(extension) = plan else { return None };
        extension.node.as_any().downcast_ref()
    }
}

/// The hint of the query that an aggregate over `input` is part of.
pub(crate) fn hint_above(input: &LogicalPlan) -> Option<TtlHint> {
    match input {
        LogicalPlan::Projection(projection) => hint_above(&projection.input),
        LogicalPlan::Filter(filter) => hint_above(&filter.input),
        // DISTINCT over a GROUP BY of the same query.
        LogicalPlan::Aggregate(aggregate) => hint_above(&aggregate.input),
        // Anything else ends the query: a name, a table, a UNION.
        other => StateTtlNode::of(other).and_then(|node| node.hint),
    }
}

impl UserDefinedLogicalNodeCore for StateTtlNode {
    fn name(&self) -> &str {
        "StateTtl"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        HashSet::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateTtl: {:?}", self.hint.map(|hint| hint.millis))
    }

    fn with_exprs_and_inputs(&self, _exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        match inputs.into_iter().next() {
            Some(input) => Ok(Self { input: Arc::new(input), hint: self.hint }),
            None => Err(DataFusionError::Internal("a hint has one input".to_owned())),
        }
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![output_columns.to_vec()])
    }
}

impl PartialOrd for StateTtlNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.input.partial_cmp(&other.input).filter(|order| *order != Ordering::Equal || self == other)
    }
}
