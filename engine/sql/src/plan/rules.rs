//! The library's rules that run over a plan, in a fixed order.
//!
//! The list is frozen per version of the plan, because rules decide the shape of state. Left out are all that merge
//! aggregates, drop sources (`WHERE FALSE` must keep the source, so that the job still ends and checkpoints), push limits
//! or filters into scans, or add projections.

use std::sync::Arc;

use datafusion_common::Result;
use datafusion_common::config::ConfigOptions;
use datafusion_expr::LogicalPlan;
use datafusion_optimizer::analyzer::Analyzer;
use datafusion_optimizer::analyzer::type_coercion::TypeCoercion;
use datafusion_optimizer::optimize_projections::OptimizeProjections;
use datafusion_optimizer::optimize_unions::OptimizeUnions;
use datafusion_optimizer::push_down_filter::PushDownFilter;
use datafusion_optimizer::simplify_expressions::SimplifyExpressions;
use datafusion_optimizer::{Optimizer, OptimizerContext, OptimizerRule};

/// Gives every expression its final types.
///
/// # Errors
/// Operands and arguments whose types do not fit.
pub(crate) fn analyze(plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
    // First by Flink's rules; the library's coercion then finds little left to decide.
    let plan = millstream_expr::coerce_plan(plan)?;
    Analyzer::with_rules(vec![Arc::new(TypeCoercion::new())]).execute_and_check(plan, config, |_, _| {})
}

/// Simplifies expressions, moves filters towards the sources and removes columns that nobody reads.
///
/// # Errors
/// A failure of the library; none is known.
pub(crate) fn optimize(plan: LogicalPlan, config: &Arc<ConfigOptions>) -> Result<LogicalPlan> {
    let rules: Vec<Arc<dyn OptimizerRule + Send + Sync>> = vec![
        Arc::new(OptimizeUnions::new()),
        Arc::new(SimplifyExpressions::new()),
        Arc::new(PushDownFilter::new()),
        Arc::new(OptimizeProjections::new()),
    ];
    let context =
        OptimizerContext::new_with_config_options(Arc::clone(config)).without_query_execution_start_time();
    Optimizer::with_rules(rules).optimize(plan, &context, |_, _| {})
}
