//! The library's rules that run over a plan, in a fixed order.
//!
//! The list is frozen per version of the plan, because rules decide the shape of state. Left out are all that merge
//! aggregates, drop sources (`WHERE FALSE` must keep the source, so that the job still ends and checkpoints), push limits
//! or filters into scans, or add projections.

use std::sync::Arc;

use datafusion_common::config::ConfigOptions;
use datafusion_common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion_common::{Result, plan_err};
use datafusion_expr::LogicalPlan;
use datafusion_optimizer::analyzer::Analyzer;
use datafusion_optimizer::analyzer::type_coercion::TypeCoercion;
use datafusion_optimizer::optimize_projections::OptimizeProjections;
use datafusion_optimizer::optimize_unions::OptimizeUnions;
use datafusion_optimizer::push_down_filter::PushDownFilter;
use datafusion_optimizer::simplify_expressions::SimplifyExpressions;
use datafusion_optimizer::{Optimizer, OptimizerContext, OptimizerRule};
use millstream_expr::{SqlType, coerce_plan, type_name};

/// Gives every expression its final types: Flink's first, then what the library still wants to convert.
///
/// # Errors
/// Operands and arguments whose types do not fit.
pub(crate) fn analyze(plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
    let plan = coerce_plan(plan)?;
    check_unions(&plan)?;
    coerce_rest(plan, config)
}

/// Converts what the library wants to convert in a plan that has Flink's types already.
///
/// # Errors
/// Operands and arguments whose types do not fit.
pub(crate) fn coerce_rest(plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
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

/// The library would turn numbers into strings to make a union fit; Flink does not.
fn check_unions(plan: &LogicalPlan) -> Result<()> {
    plan.apply(|node| {
        if let LogicalPlan::Union(union) = node
            && let Some((first, rest)) = union.inputs.split_first()
        {
            for other in rest {
                let columns = first.schema().fields().iter().zip(other.schema().fields());
                for (index, (a, b)) in columns.enumerate() {
                    let (a_type, b_type) = (a.data_type(), b.data_type());
                    if (a_type.is_nested() || b_type.is_nested()) && a_type != b_type {
                        return plan_err!(
                            "column {} of this UNION is {} in one query and {} in another; select the fields instead",
                            index + 1,
                            type_name(a_type),
                            type_name(b_type)
                        );
                    }
                    let (left, right) = (SqlType::from_arrow(a.data_type()), SqlType::from_arrow(b.data_type()));
                    if let (Some(left), Some(right)) = (left, right)
                        && !have_common_type(&left, &right)
                    {
                        return plan_err!(
                            "column {} of this UNION is {left} in one query and {right} in another; cast one of them",
                            index + 1
                        );
                    }
                }
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

fn have_common_type(a: &SqlType, b: &SqlType) -> bool {
    a == b
        || matches!((a, b), (SqlType::Null, _) | (_, SqlType::Null))
        || (a.is_numeric() && b.is_numeric())
        || (a.is_character() && b.is_character())
        || (a.is_binary() && b.is_binary())
        || (a.is_timestamp() && b.is_timestamp())
        || (a.is_interval() && b.is_interval())
        || matches!((a, b), (SqlType::Date, SqlType::Timestamp(_)) | (SqlType::Timestamp(_), SqlType::Date))
}
