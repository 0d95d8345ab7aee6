//! From optimized logical plans to a compiled job.
//!
//! Three steps, each plain data: `query` turns plans into a DAG of stream operators with changelog modes, keys and
//! lineages (`node`); `chain` fuses them and gives them parallelism and exchanges; `identity` names them so that state
//! survives changes of the text. Nothing here reads SQL, and nothing here depends on the position of a statement.

pub(crate) mod aggregate;
pub(crate) mod chain;
pub(crate) mod compile;
pub(crate) mod identity;
pub(crate) mod needs;
pub(crate) mod node;
pub(crate) mod query;
pub(crate) mod sink;
pub(crate) mod source;
pub(crate) mod stream;
pub(crate) mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion_expr::LogicalPlan;
use datafusion_sql::sqlparser::tokenizer::TokenWithSpan;
use millstream_connectors::ConnectorRegistry;

use crate::catalog::StreamTable;
use crate::diagnostic::Problem;
use crate::dialect::statement::Name;
use crate::settings::Settings;
use node::Graph;

/// Where the rows of a plan go.
pub(crate) enum Output {
    /// INSERT INTO a table.
    Table { table: Arc<StreamTable>, name: Name },
    /// A bare SELECT.
    Collect,
}

/// An optimized plan with its destination.
pub(crate) struct PlannedOutput {
    pub(crate) plan: LogicalPlan,
    pub(crate) output: Output,
    pub(crate) tokens: Vec<TokenWithSpan>,
}

/// What lowering needs to know besides the plans.
pub(crate) struct Environment<'a> {
    pub(crate) connectors: &'a ConnectorRegistry,
    pub(crate) settings: &'a Settings,
    /// Subtasks of each chain.
    pub(crate) parallelism: u32,
}

/// Lowers all outputs of a job into one graph of operators; tables that several of them read are read once.
///
/// # Errors
/// Plans that cannot run as streams, and sinks that do not take what the plan gives.
pub(crate) fn lower(outputs: &[PlannedOutput], environment: &Environment<'_>) -> Result<Graph, Problem> {
    let used = needs::table_needs(outputs);
    let mut lowering = query::Lowering {
        graph: Graph::default(),
        environment,
        used,
        sources: BTreeMap::new(),
        ttl_hints: query::TtlHintUse::default(),
    };
    for output in outputs {
        let place = |problem| compile::place_clock(problem, &output.tokens);
        let stream = lowering.query(&output.plan, &output.tokens).map_err(place)?;
        lowering.sink(stream, output).map_err(place)?;
    }
    lowering.ttl_hints.check()?;
    Ok(lowering.graph)
}
