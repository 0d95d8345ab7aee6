//! Plans `FROM TABLE(TUMBLE(..))` and its other spellings as a [`WindowNode`], and gives every other relation Flink's types
//! before the query around it looks at them. Relations that are marked with the hint of their query get a node for it.
//!
//! Example: in `SELECT c + 1 FROM (SELECT CASE WHEN f THEN 1 ELSE 2.5 END AS c FROM t)` the sum is a decimal only if `c`
//! is one by then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion_common::{Column, DataFusionError, Result};
use datafusion_expr::planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning};
use datafusion_expr::{Expr, Extension, LogicalPlan};
use datafusion_sql::sqlparser::ast::{Ident, TableAlias, TableFactor};
use millstream_expr::coerce_plan;

use super::state_ttl::unmarked;
use super::state_ttl_node::StateTtlNode;
use super::time_attribute::{TimeRole, time_roles};
use super::window_call::{AskedTime, WindowCall, call_of, parse_window_call};
use super::window_node::WindowNode;
use crate::diagnostic::{Problem, did_you_mean};

/// The planner's hook for relations.
#[derive(Debug, Default)]
pub(crate) struct FlinkRelationPlanner {
    /// The next relation is this hook's own question to the library's planner.
    is_asking: AtomicBool,
}

impl RelationPlanner for FlinkRelationPlanner {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        if let Some((inner, hint)) = unmarked(&relation) {
            let plan = StateTtlNode::over(context.plan(inner.clone())?, hint);
            return Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, None))));
        }
        let call = match call_of(&relation) {
            Some((name, args)) => parse_window_call(name, args).map_err(DataFusionError::from)?,
            None => None,
        };
        let Some(call) = call else { return self.typed(relation, context) };
        let input = context.plan(call.input.clone())?;
        let plan = window_plan(input, &call)?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias_of(relation)))))
    }
}

impl FlinkRelationPlanner {
    /// What the library makes of a relation, with Flink's types.
    fn typed(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let is_own_question = self.is_asking.swap(false, Ordering::Relaxed);
        let is_plain = matches!(relation, TableFactor::Table { .. } | TableFactor::Derived { .. });
        if is_own_question || !is_plain {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        }
        self.is_asking.store(true, Ordering::Relaxed);
        let plan = context.plan(relation);
        self.is_asking.store(false, Ordering::Relaxed);
        let plan = coerce_plan(plan?)?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, None))))
    }
}

fn alias_of(relation: TableFactor) -> Option<TableAlias> {
    match relation {
        TableFactor::TableFunction { alias, .. } | TableFactor::Table { alias, .. } => alias,
        _ => None,
    }
}

fn window_plan(input: LogicalPlan, call: &WindowCall) -> Result<LogicalPlan> {
    let (time, is_processing) = time_column(&input, &call.time).map_err(DataFusionError::from)?;
    check_asked(call, is_processing).map_err(DataFusionError::from)?;
    for name in [&call.columns.start, &call.columns.end, &call.columns.time] {
        if input.schema().fields().iter().any(|field| field.name() == name) {
            let problem =
                Problem::new(call.span, format!("the window's input has a column `{name}` already"))
                    .label("would have two columns of this name")
                    .help("rename or leave out the column in a view below the window");
            return Err(problem.into());
        }
    }
    let partition = match &call.partition {
        None => None,
        Some(columns) => {
            let found = columns.iter().map(|column| partition_column(&input, column).map(Expr::Column));
            Some(found.collect::<Result<Vec<_>, _>>().map_err(DataFusionError::from)?)
        }
    };
    let shape = call.shape;
    let node =
        WindowNode::try_new(Arc::new(input), Expr::Column(time), shape, call.columns.clone(), partition)?;
    let node = node.with_processing_time(is_processing);
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
}

/// TUMBLE_ROWTIME and its kin are for windows over event time, TUMBLE_PROCTIME for those over processing time; sessions are over
/// event time only.
fn check_asked(call: &WindowCall, is_processing: bool) -> Result<(), Problem> {
    if is_processing && call.shape.is_session() {
        return Err(Problem::new(call.time.span, "SESSION over processing time is not supported yet")
            .label("is processing time")
            .help("use a column with a WATERMARK, or TUMBLE with the longest pause as its size"));
    }
    let (found, wrong, right) = match (call.asked, is_processing) {
        (Some(AskedTime::Event), true) => ("processing time", "ROWTIME", "PROCTIME"),
        (Some(AskedTime::Processing), false) => ("event time", "PROCTIME", "ROWTIME"),
        _ => return Ok(()),
    };
    let message = format!("a window over {found} has no {wrong}");
    Err(Problem::new(call.time.span, message)
        .label(format!("is {found}"))
        .help(format!("write TUMBLE_{right} or HOP_{right}")))
}

/// The time of a window, and whether it is processing time.
fn time_column(input: &LogicalPlan, time: &Ident) -> Result<(Column, bool), Problem> {
    let schema = input.schema();
    let roles = time_roles(input);
    let is_attribute = |role: &TimeRole| matches!(role, TimeRole::Attribute | TimeRole::Processing);
    let attributes = || {
        let names = schema.fields().iter().zip(&roles).filter(|(_, role)| is_attribute(role));
        names.map(|(field, _)| field.name().as_str()).collect::<Vec<_>>()
    };
    let index = column_index(input, time)?;
    let role = roles.get(index).copied().unwrap_or(TimeRole::Plain);
    if !is_attribute(&role) {
        let help = match attributes().as_slice() {
            [] => format!(
                "declare WATERMARK FOR {} AS ... in the table, and pass the column on unchanged",
                time.value
            ),
            names => format!("time attributes here: {}", names.join(", ")),
        };
        return Err(Problem::new(time.span, format!("`{}` is not a time attribute", time.value))
            .label("has no watermark here")
            .help(help));
    }
    Ok((Column::from(schema.qualified_field(index)), role == TimeRole::Processing))
}

fn partition_column(input: &LogicalPlan, column: &Ident) -> Result<Column, Problem> {
    Ok(Column::from(input.schema().qualified_field(column_index(input, column)?)))
}

fn column_index(input: &LogicalPlan, column: &Ident) -> Result<usize, Problem> {
    let fields = input.schema().fields();
    fields.iter().position(|field| field.name() == &column.value).ok_or_else(|| {
        let names = fields.iter().map(|field| field.name().as_str());
        Problem::new(column.span, format!("unknown column `{}`", column.value))
            .label("not a column of the window's input")
            .maybe_help(did_you_mean(&column.value, names))
    })
}
