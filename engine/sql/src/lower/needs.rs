//! Which columns of tables a job reads, and of columns that are rows which fields.
//!
//! Only tells what a source must make; it changes no plan. A row that is passed on, compared with NULL or written is read
//! whole. Example: `SELECT bid.price FROM t WHERE event_type = 2` reads `event_type` and of `bid` the field `price`.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::DFSchema;
use datafusion_common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion_expr::{Expr, LogicalPlan};
use millstream_expr::field_of;

use super::PlannedOutput;
use crate::catalog::StreamTable;
use crate::plan::state_ttl_node::StateTtlNode;
use crate::plan::window_node::WindowNode;

/// What is read of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Some fields of a row; at least one.
    Fields(BTreeMap<String, Need>),
    /// All of it.
    Whole,
}

impl Need {
    fn add(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Fields(fields), Self::Fields(more)) => {
                for (name, need) in more {
                    add(fields, name, need);
                }
            }
            _ => *self = Self::Whole,
        }
    }

    /// The part of a column that is needed; fields keep their order.
    pub(crate) fn of(&self, column: &FieldRef) -> FieldRef {
        let (Self::Fields(needed), DataType::Struct(fields)) = (self, column.data_type()) else {
            return Arc::clone(column);
        };
        let kept = fields.iter().filter_map(|field| needed.get(field.name()).map(|need| need.of(field)));
        let data_type = DataType::Struct(kept.collect());
        Arc::new(Field::new(column.name(), data_type, column.is_nullable()))
    }
}

fn add<K: Ord>(needs: &mut BTreeMap<K, Need>, key: K, need: Need) {
    match needs.get_mut(&key) {
        Some(known) => known.add(need),
        None => {
            needs.insert(key, need);
        }
    }
}

/// Columns by their index.
pub(crate) type ColumnNeeds = BTreeMap<usize, Need>;

/// What the plans of a job read, by table and column.
pub(crate) fn table_needs(outputs: &[PlannedOutput]) -> BTreeMap<String, ColumnNeeds> {
    let mut tables = BTreeMap::new();
    for output in outputs {
        plan_needs(&output.plan, whole(&output.plan), &mut tables);
    }
    tables
}

/// What an expression reads of the columns of `schema`.
pub(crate) fn expression_needs(expr: &Expr, schema: &DFSchema, needs: &mut ColumnNeeds) {
    // The closure never fails.
    let _ = expr.apply(|node| {
        let (row, need) = path_need(node, Need::Whole);
        match row {
            Expr::Column(column) => {
                if let Ok(index) = schema.index_of_column(column) {
                    add(needs, index, need);
                }
                Ok(TreeNodeRecursion::Jump)
            }
            _ => Ok(TreeNodeRecursion::Continue),
        }
    });
}

/// What is needed of `a` if `need` of `a.b.c` is.
fn path_need(expr: &Expr, need: Need) -> (&Expr, Need) {
    match expr {
        Expr::Alias(alias) => path_need(&alias.expr, need),
        _ => match field_of(expr) {
            Some((row, field)) => path_need(row, Need::Fields([(field.to_owned(), need)].into())),
            None => (expr, need),
        },
    }
}

fn whole(plan: &LogicalPlan) -> ColumnNeeds {
    (0..plan.schema().fields().len()).map(|index| (index, Need::Whole)).collect()
}

/// Adds what `plan` reads of tables, if `needs` of its own columns are read.
fn plan_needs(plan: &LogicalPlan, needs: ColumnNeeds, tables: &mut BTreeMap<String, ColumnNeeds>) {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let Some(table) = scan.source.downcast_ref::<StreamTable>() else { return };
            let read = tables.entry(table.config.name.clone()).or_default();
            for index in 0..plan.schema().fields().len() {
                let column = scan.projection.as_ref().map_or(Some(index), |kept| kept.get(index).copied());
                // A scan gives all of its columns, so one that nobody needs is made all the same.
                if let Some(column) = column {
                    add(read, column, needs.get(&index).cloned().unwrap_or(Need::Whole));
                }
            }
        }
        LogicalPlan::Projection(projection) => {
            let schema = projection.input.schema();
            let mut below = ColumnNeeds::new();
            for (index, expr) in projection.expr.iter().enumerate() {
                // One that nobody needs may be computed all the same.
                let need = needs.get(&index).cloned().unwrap_or(Need::Whole);
                match path_need(expr, need) {
                    (Expr::Column(column), need) => {
                        if let Ok(column) = schema.index_of_column(column) {
                            add(&mut below, column, need);
                        }
                    }
                    _ => expression_needs(expr, schema, &mut below),
                }
            }
            plan_needs(&projection.input, below, tables);
        }
        LogicalPlan::Filter(filter) => {
            let mut below = needs;
            expression_needs(&filter.predicate, filter.input.schema(), &mut below);
            plan_needs(&filter.input, below, tables);
        }
        LogicalPlan::Aggregate(aggregate) => {
            let mut below = ColumnNeeds::new();
            for expr in aggregate.group_expr.iter().chain(&aggregate.aggr_expr) {
                expression_needs(expr, aggregate.input.schema(), &mut below);
            }
            plan_needs(&aggregate.input, below, tables);
        }
        LogicalPlan::SubqueryAlias(alias) => plan_needs(&alias.input, needs, tables),
        LogicalPlan::Union(union) => {
            for input in &union.inputs {
                plan_needs(input, needs.clone(), tables);
            }
        }
        other => {
            if let Some(node) = StateTtlNode::of(other) {
                return plan_needs(&node.input, needs, tables);
            }
            if let Some(window) = window_of(other) {
                let columns = window.input.schema().fields().len();
                let mut below: ColumnNeeds =
                    needs.into_iter().filter(|(index, _)| *index < columns).collect();
                for expr in std::iter::once(&window.time).chain(window.partition.iter().flatten()) {
                    expression_needs(expr, window.input.schema(), &mut below);
                }
                return plan_needs(&window.input, below, tables);
            }
            for input in other.inputs() {
                plan_needs(input, whole(input), tables);
            }
        }
    }
}

fn window_of(plan: &LogicalPlan) -> Option<&WindowNode> {
    let LogicalPlan::Extension(extension) = plan else { return None };
    extension.node.as_any().downcast_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(needs: &[(&str, Need)]) -> Need {
        Need::Fields(needs.iter().map(|(name, need)| ((*name).to_owned(), need.clone())).collect())
    }

    #[test]
    fn needs_of_one_column_are_joined_and_cut_its_type() {
        let inner = DataType::Struct(
            [Field::new("x", DataType::Int32, true), Field::new("y", DataType::Int32, true)]
                .into_iter()
                .collect(),
        );
        let row = DataType::Struct(
            [Field::new("a", DataType::Int64, true), Field::new("deep", inner, true)].into_iter().collect(),
        );
        let column: FieldRef = Arc::new(Field::new("row", row, true));
        let mut need = fields(&[("deep", fields(&[("y", Need::Whole)]))]);
        let shown = |need: &Need| millstream_expr::type_name(need.of(&column).data_type());
        assert_eq!(shown(&need), "ROW<`deep` ROW<`y` INT>>");
        need.add(fields(&[("a", Need::Whole)]));
        assert_eq!(shown(&need), "ROW<`a` BIGINT, `deep` ROW<`y` INT>>");
        need.add(fields(&[("deep", Need::Whole)]));
        assert_eq!(shown(&need), "ROW<`a` BIGINT, `deep` ROW<`x` INT, `y` INT>>");
        need.add(Need::Whole);
        need.add(fields(&[("a", Need::Whole)]));
        assert_eq!(need, Need::Whole);
    }
}
