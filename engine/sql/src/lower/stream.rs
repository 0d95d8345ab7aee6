//! A stream on its way through a query: a node, and what was not yet made an operator of its own.
//!
//! Projections and filters are gathered into one Calc, and window columns stay virtual until something needs their values:
//! an aggregate by window takes the window over and no row is ever multiplied. Example: `SELECT a + 1 AS b FROM t WHERE a
//! > 0` is the node of `t` with the filter `a > 0` and one column `a + 1`.
//!
//! A column of processing time stays a call of `PROCTIME()` until something needs its value, so that whoever does reads the clock
//! itself.

use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_common::{Column, DFSchema, Result};
use datafusion_expr::Expr;
use millstream_expr::is_proctime;

use super::node::NodeId;
use crate::plan::window_node::WindowShape;

/// Names of the virtual window columns inside expressions. No user can write them.
pub(crate) const WINDOW_START: &str = "$start";
pub(crate) const WINDOW_END: &str = "$end";
pub(crate) const WINDOW_TIME: &str = "$time";

/// A stream.
#[derive(Clone)]
pub(crate) struct Stream {
    pub(crate) node: NodeId,
    /// Over the node's columns.
    pub(crate) filter: Option<Expr>,
    /// The output columns, over the node's columns and the virtual ones.
    pub(crate) columns: Vec<StreamColumn>,
    /// A window that rows were not yet assigned to.
    pub(crate) window: Option<PendingWindow>,
    /// Every row belongs to one window of this shape, whose bounds are in columns.
    pub(crate) attached: Option<WindowShape>,
}

/// An output column.
#[derive(Clone)]
pub(crate) struct StreamColumn {
    pub(crate) name: String,
    pub(crate) expr: Expr,
    /// Whether it holds a bound of the attached window.
    pub(crate) bound: Option<Bound>,
}

/// A bound of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Start,
    End,
}

/// A window table function whose columns nobody has needed yet.
#[derive(Clone)]
pub(crate) struct PendingWindow {
    pub(crate) shape: WindowShape,
    /// The time attribute over the node's columns.
    pub(crate) time: Expr,
    /// Rows belong to windows by the clock of the operator that they come to, and `time` is for nothing but its type.
    pub(crate) is_processing: bool,
    /// Keys that have sessions of their own, over the node's columns; `None`: those of the aggregate, or no sessions.
    pub(crate) partition: Option<Vec<Expr>>,
    /// Filters on the window's columns alone.
    pub(crate) filters: Vec<Expr>,
}

impl Stream {
    /// An expression over a plan's columns, in terms of the node's columns.
    ///
    /// # Errors
    /// A column that the plan does not have: a fault of the planner.
    pub(crate) fn resolve(&self, expr: &Expr, schema: &DFSchema) -> Result<Expr> {
        let resolved = expr.clone().transform_up(|node| match &node {
            Expr::Column(column) => {
                let index = schema.index_of_column(column)?;
                let replacement = self.columns.get(index).map(|column| column.expr.clone());
                Ok(replacement.map_or_else(|| Transformed::no(node), Transformed::yes))
            }
            Expr::Alias(alias) => Ok(Transformed::yes((*alias.expr).clone())),
            _ => Ok(Transformed::no(node)),
        })?;
        Ok(resolved.data)
    }

    /// Whether putting this stream's columns into `exprs` would compute something more than once.
    pub(crate) fn would_repeat(&self, exprs: &[&Expr], schema: &DFSchema) -> Result<bool> {
        let mut uses = vec![0_usize; self.columns.len()];
        for expr in exprs {
            expr.apply(|node| {
                if let Expr::Column(column) = node
                    && let Some(count) = uses.get_mut(schema.index_of_column(column)?)
                {
                    *count += 1;
                }
                Ok(TreeNodeRecursion::Continue)
            })?;
        }
        let costs = |column: &StreamColumn| {
            !matches!(column.expr, Expr::Column(_) | Expr::Literal(..)) && !is_proctime(&column.expr)
        };
        Ok(self.columns.iter().zip(uses).any(|(column, count)| count > 1 && costs(column)))
    }

    /// The column that holds a bound of the window, attached or pending.
    pub(crate) fn bound(&self, bound: Bound) -> Option<&StreamColumn> {
        self.columns.iter().find(|column| column.bound == Some(bound))
    }

    pub(crate) fn and_filter(&mut self, condition: Expr) {
        self.filter = Some(match self.filter.take() {
            Some(filter) => filter.and(condition),
            None => condition,
        });
    }
}

/// Which virtual window columns and which real ones an expression reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    pub(crate) window: bool,
    pub(crate) rows: bool,
}

pub(crate) fn reads(expr: &Expr) -> Reads {
    let mut found = Reads::default();
    // The closure never fails.
    let _ = expr.apply(|node| {
        if let Expr::Column(column) = node {
            if is_virtual(&column.name) {
                found.window = true;
            } else {
                found.rows = true;
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
    found
}

/// Whether an expression reads no columns but these.
pub(crate) fn columns_are_among(expr: &Expr, columns: &[Expr]) -> bool {
    let mut are = true;
    // The closure never fails.
    let _ = expr.apply(|node| {
        are &= !matches!(node, Expr::Column(_)) || columns.contains(node);
        Ok(TreeNodeRecursion::Continue)
    });
    are
}

pub(crate) fn is_virtual(name: &str) -> bool {
    matches!(name, WINDOW_START | WINDOW_END | WINDOW_TIME)
}

/// A reference to a column of a node.
pub(crate) fn reference(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// The name, or the name with a number that is not taken.
pub(crate) fn free_name(name: &str, taken: &[String]) -> String {
    if !taken.iter().any(|other| other == name) {
        return name.to_owned();
    }
    (0..)
        .map(|n: usize| format!("{name}{n}"))
        .find(|candidate| !taken.contains(candidate))
        .unwrap_or_default()
}
