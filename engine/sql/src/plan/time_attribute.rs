//! Which columns of a plan are time attributes: still the event time that watermarks speak of, or the processing time of
//! whoever looks at a row.
//!
//! A column stays one as long as it is passed on by name: through views, filters, projections of plain columns and UNION
//! ALL of time attributes of one kind. Any computation ends it. Behind a window only `window_time` is one. Example: in
//! `SELECT ts, ts + INTERVAL '1' HOUR AS later, PROCTIME() AS p FROM t`, `ts` is event time, `p` processing time, and `later`
//! is neither.

use datafusion_common::Column;
use datafusion_expr::{Expr, LogicalPlan};
use millstream_expr::is_proctime;

use super::state_ttl_node::StateTtlNode;
use super::window_node::WindowNode;
use crate::catalog::StreamTable;

/// What a column is to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeRole {
    /// An ordinary value.
    Plain,
    /// A time attribute of event time.
    Attribute,
    /// A time attribute of processing time: whoever needs its value reads the clock.
    Processing,
    /// `window_start` of the window that a row belongs to.
    WindowStart,
    /// `window_end` of the window that a row belongs to.
    WindowEnd,
}

/// The role of each output column of a plan.
pub(crate) fn time_roles(plan: &LogicalPlan) -> Vec<TimeRole> {
    let count = plan.schema().fields().len();
    let plain = || vec![TimeRole::Plain; count];
    match plan {
        LogicalPlan::TableScan(scan) => match scan.source.downcast_ref::<StreamTable>() {
            Some(table) => {
                let time = table.watermark_column();
                let role = |index| match table.columns.get(index) {
                    _ if Some(index) == time => TimeRole::Attribute,
                    Some(column) if column.is_proctime() => TimeRole::Processing,
                    _ => TimeRole::Plain,
                };
                match &scan.projection {
                    Some(indexes) => indexes.iter().map(|index| role(*index)).collect(),
                    None => (0..count).map(role).collect(),
                }
            }
            None => plain(),
        },
        LogicalPlan::Projection(projection) => {
            let roles = time_roles(&projection.input);
            projection.expr.iter().map(|expr| role_of(expr, &projection.input, &roles)).collect()
        }
        LogicalPlan::Filter(filter) => time_roles(&filter.input),
        LogicalPlan::SubqueryAlias(alias) => time_roles(&alias.input),
        LogicalPlan::Union(union) => union
            .inputs
            .iter()
            .map(|input| time_roles(input))
            .reduce(|a, b| {
                let attribute = |(a, b)| match a {
                    TimeRole::Attribute | TimeRole::Processing if a == b => a,
                    _ => TimeRole::Plain,
                };
                a.into_iter().zip(b).map(attribute).collect()
            })
            .unwrap_or_else(plain),
        LogicalPlan::Aggregate(aggregate) => {
            let input = time_roles(&aggregate.input);
            let groups: Vec<TimeRole> =
                aggregate.group_expr.iter().map(|expr| role_of(expr, &aggregate.input, &input)).collect();
            if !(groups.contains(&TimeRole::WindowStart) && groups.contains(&TimeRole::WindowEnd)) {
                return plain();
            }
            groups.into_iter().chain(std::iter::repeat(TimeRole::Plain)).take(count).collect()
        }
        hinted if let Some(node) = StateTtlNode::of(hinted) => time_roles(&node.input),
        LogicalPlan::Extension(extension) => match extension.node.as_any().downcast_ref::<WindowNode>() {
            Some(window) => {
                let mut roles = vec![TimeRole::Plain; count.saturating_sub(3)];
                let time = if window.is_processing { TimeRole::Processing } else { TimeRole::Attribute };
                roles.extend([TimeRole::WindowStart, TimeRole::WindowEnd, time]);
                roles
            }
            None => plain(),
        },
        _ => plain(),
    }
}

fn role_of(expr: &Expr, input: &LogicalPlan, roles: &[TimeRole]) -> TimeRole {
    if is_proctime(unnamed(expr)) {
        return TimeRole::Processing;
    }
    plain_column(expr)
        .and_then(|column| input.schema().index_of_column(column).ok())
        .and_then(|index| roles.get(index).copied())
        .unwrap_or(TimeRole::Plain)
}

/// The column that an expression passes on unchanged, if it does.
pub(crate) fn plain_column(expr: &Expr) -> Option<&Column> {
    match unnamed(expr) {
        Expr::Column(column) => Some(column),
        _ => None,
    }
}

fn unnamed(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => unnamed(&alias.expr),
        _ => expr,
    }
}
