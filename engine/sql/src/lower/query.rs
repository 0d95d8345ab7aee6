//! Plans to streams, node by node.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::DataFusionError;
use datafusion_expr::{Distinct, Expr, ExprSchemable, Filter, LogicalPlan, Projection, Union};
use datafusion_sql::sqlparser::tokenizer::{Span, TokenWithSpan};
use millstream_expr::proctime;
use millstream_plan::{StateTtl, WindowZone};

use super::Environment;
use super::compile::{internal, window_columns};
use super::identity::long_hash;
use super::needs::ColumnNeeds;
use super::node::{Changelog, Graph, Node, NodeId, NodeKind, UpdateCause};
use super::stream::{PendingWindow, Stream, StreamColumn, columns_are_among, reads, reference};
use crate::diagnostic::Problem;
use crate::plan::error::from_datafusion;
use crate::plan::state_ttl_node::{StateTtlNode, hint_above};
use crate::plan::time_attribute::{TimeRole, plain_column, time_roles};
use crate::plan::window_node::{WindowNode, WindowShape};

/// The state of lowering one job.
pub(crate) struct Lowering<'a> {
    pub(crate) graph: Graph,
    pub(crate) environment: &'a Environment<'a>,
    /// Columns of each table that any query of the job reads.
    pub(crate) used: BTreeMap<String, ColumnNeeds>,
    pub(crate) sources: BTreeMap<String, NodeId>,
    pub(crate) ttl_hints: TtlHintUse,
}

/// Places of hints `STATE_TTL`: those in the job's plans, and those of them that an aggregate obeys.
#[derive(Default)]
pub(crate) struct TtlHintUse {
    read: Vec<Span>,
    obeyed: Vec<Span>,
}

impl TtlHintUse {
    /// # Errors
    /// A hint that nothing obeys.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let Some(span) = self.read.iter().find(|span| !self.obeyed.contains(span)) else { return Ok(()) };
        Err(Problem::new(*span, "this query keeps no state that could expire")
            .label("nothing obeys this hint")
            .help("STATE_TTL is for GROUP BY without a window and for SELECT DISTINCT; windows are cleaned up by the watermark"))
    }
}

impl Lowering<'_> {
    /// Lowers an optimized plan. Column `i` of the stream is column `i` of the plan.
    ///
    /// # Errors
    /// Plans that cannot run as streams.
    pub(crate) fn query(&mut self, plan: &LogicalPlan, tokens: &[TokenWithSpan]) -> Result<Stream, Problem> {
        match plan {
            LogicalPlan::TableScan(scan) => self.scan(scan, tokens),
            LogicalPlan::SubqueryAlias(alias) => {
                let mut stream = self.query(&alias.input, tokens)?;
                rename(&mut stream, plan);
                Ok(stream)
            }
            LogicalPlan::Projection(projection) => {
                let input = self.query(&projection.input, tokens)?;
                self.project(input, projection)
            }
            LogicalPlan::Filter(filter) => {
                let input = self.query(&filter.input, tokens)?;
                self.filter(input, filter)
            }
            LogicalPlan::Union(union) => self.union(union, plan, tokens),
            LogicalPlan::Aggregate(aggregate) => {
                let input = self.query(&aggregate.input, tokens)?;
                let cause = match (aggregate.group_expr.is_empty(), aggregate.aggr_expr.is_empty()) {
                    (true, _) => UpdateCause::GlobalAggregate,
                    (false, _) => UpdateCause::GroupBy,
                };
                self.aggregate(
                    input,
                    &aggregate.input,
                    &aggregate.group_expr,
                    &aggregate.aggr_expr,
                    plan,
                    cause,
                )
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let stream = self.query(input, tokens)?;
                let groups: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
                self.aggregate(stream, input, &groups, &[], plan, UpdateCause::Distinct)
            }
            hinted if let Some(node) = StateTtlNode::of(hinted) => {
                self.ttl_hints.read.extend(node.hint.map(|hint| hint.span));
                self.query(&node.input, tokens)
            }
            LogicalPlan::Extension(extension) => match extension.node.as_any().downcast_ref::<WindowNode>() {
                Some(window) => {
                    let input = self.query(&window.input, tokens)?;
                    self.window(input, window)
                }
                None => Err(internal(plan.display())),
            },
            _ => Err(Problem::new(
                Span::empty(),
                format!("this part of the query is not supported yet: {}", plan.display()),
            )),
        }
    }

    /// How long the groups of an aggregate over `input` outlive their last write: the query's hint, else the setting.
    pub(super) fn state_ttl(&mut self, input: &LogicalPlan) -> Option<StateTtl> {
        match hint_above(input) {
            Some(hint) => {
                self.ttl_hints.obeyed.push(hint.span);
                self.environment.settings.state_ttl_of(hint.millis)
            }
            None => self.environment.settings.state_ttl(),
        }
    }

    fn project(&mut self, input: Stream, projection: &Projection) -> Result<Stream, Problem> {
        let schema = projection.input.schema();
        let exprs: Vec<&Expr> = projection.expr.iter().collect();
        let input =
            if input.would_repeat(&exprs, schema).map_err(fault)? { self.flush(input)? } else { input };
        let touches_window = |stream: &Stream, expr: &Expr| -> Result<bool, Problem> {
            let resolved = stream.resolve(expr, schema).map_err(fault)?;
            Ok(reads(&resolved).window && !matches!(resolved, Expr::Column(_)))
        };
        let mut computes_bounds = false;
        for expr in &exprs {
            computes_bounds |= touches_window(&input, expr)?;
        }
        let input = if computes_bounds { self.materialize(input)? } else { input };
        let mut columns = Vec::with_capacity(exprs.len());
        for (expr, field) in exprs.iter().zip(projection.schema.fields()) {
            let bound = plain_column(expr)
                .and_then(|column| schema.index_of_column(column).ok())
                .and_then(|index| input.columns.get(index))
                .and_then(|column| column.bound);
            let expr = input.resolve(expr, schema).map_err(fault)?;
            columns.push(StreamColumn { name: field.name().clone(), expr, bound });
        }
        Ok(Stream { columns, ..input })
    }

    fn filter(&mut self, input: Stream, filter: &Filter) -> Result<Stream, Problem> {
        let schema = filter.input.schema();
        let input = if input.would_repeat(&[&filter.predicate], schema).map_err(fault)? {
            self.flush(input)?
        } else {
            input
        };
        let mut stream = input;
        let conditions: Vec<Expr> = datafusion_expr::utils::split_conjunction_owned(filter.predicate.clone());
        for condition in conditions {
            let resolved = stream.resolve(&condition, schema).map_err(fault)?;
            let found = reads(&resolved);
            match (found.window, found.rows, &mut stream.window) {
                (true, false, Some(window)) => window.filters.push(resolved),
                (true, true, Some(_)) => {
                    stream = self.materialize(stream)?;
                    let resolved = stream.resolve(&condition, schema).map_err(fault)?;
                    stream.and_filter(resolved);
                }
                (_, _, window) => {
                    check_session_filter(window.as_ref(), &resolved)?;
                    stream.and_filter(resolved);
                }
            }
        }
        Ok(stream)
    }

    fn window(&mut self, input: Stream, window: &WindowNode) -> Result<Stream, Problem> {
        let shape = WindowShape { zone: self.window_zone(window)?, ..window.shape };
        let mut input = self.materialize(input)?;
        let is_processing = window.is_processing;
        if is_processing && self.graph.node(input.node).changelog == Changelog::Retract {
            return Err(Problem::new(
                Span::empty(),
                "a window over processing time cannot read rows that are updated",
            )
            .label("would take a row back from another window than it is in")
            .help("aggregate in windows over event time, or in a window below the rows that are updated"));
        }
        let time = match is_processing {
            true => proctime(),
            false => input.resolve(&window.time, window.input.schema()).map_err(fault)?,
        };
        let names =
            [window.columns.start.as_str(), window.columns.end.as_str(), window.columns.time.as_str()];
        input.columns = window_columns(input.columns, names);
        let partition = window.partition.as_ref().map(|keys| {
            let resolved = keys.iter().map(|key| input.resolve(key, window.input.schema()).map_err(fault));
            resolved.collect::<Result<Vec<_>, _>>()
        });
        let partition = partition.transpose()?;
        input.window = Some(PendingWindow { shape, time, is_processing, partition, filters: Vec::new() });
        input.attached = None;
        Ok(input)
    }

    /// Windows over instants begin at the hours and days of the session's zone.
    fn window_zone(&self, window: &WindowNode) -> Result<Option<WindowZone>, Problem> {
        let time_type = window.time.get_type(window.input.schema()).map_err(fault)?;
        let is_instant = matches!(time_type, DataType::Timestamp(_, Some(_)));
        Ok(if is_instant { WindowZone::named(self.environment.settings.time_zone()) } else { None })
    }

    fn union(
        &mut self,
        union: &Union,
        plan: &LogicalPlan,
        tokens: &[TokenWithSpan],
    ) -> Result<Stream, Problem> {
        // Rows need a column, whether it is needed or not.
        let mut roles = time_roles(plan);
        if roles.iter().all(|role| *role == TimeRole::Processing) {
            roles.clear();
        }
        let is_virtual = |i: usize| roles.get(i) == Some(&TimeRole::Processing);
        let mut branches = Vec::new();
        for input in &union.inputs {
            let mut stream = self.query(input, tokens)?;
            rename(&mut stream, plan);
            let stream = self.materialize(stream)?;
            branches.push(self.flush_without(stream, is_virtual)?);
        }
        let inputs: Vec<NodeId> = branches.iter().map(|branch| branch.node).collect();
        let Some(first) = branches.first().cloned() else { return Err(internal("a union of nothing")) };
        let nodes: Vec<&Node> = inputs.iter().map(|id| self.graph.node(*id)).collect();
        let is_updating = nodes.iter().any(|node| node.changelog == Changelog::Retract);
        let lineage = (0..nodes.first().map_or(0, |node| node.lineage.len()))
            .map(|i| {
                let mut parts: Vec<&str> =
                    nodes.iter().filter_map(|node| node.lineage.get(i).map(String::as_str)).collect();
                parts.dedup();
                if let [one] = parts.as_slice() {
                    (*one).to_owned()
                } else {
                    format!("union({})", parts.join(", "))
                }
            })
            .collect();
        let mut anchors: Vec<String> = nodes.iter().flat_map(|node| node.anchors.iter().cloned()).collect();
        anchors.sort();
        anchors.dedup();
        let meanings: Vec<&str> = nodes.iter().map(|node| node.meaning.as_str()).collect();
        let meaning = long_hash(&format!("union\n{}", meanings.join("\n")));
        let node = Node {
            kind: NodeKind::Union,
            schema: Arc::clone(&nodes[0].schema),
            changelog: if is_updating { Changelog::Retract } else { Changelog::AppendOnly },
            unique_key: None,
            lineage,
            update_cause: nodes.iter().find_map(|node| node.update_cause),
            uid: format!("union-{}", &meaning[..16]),
            meaning,
            anchors,
            name: "Union".to_owned(),
            details: Vec::new(),
            bounded: nodes.iter().all(|node| node.bounded),
            inputs,
        };
        let same_window = branches.iter().all(|branch| {
            branch.attached == first.attached
                && branch.columns.iter().zip(&first.columns).all(|(a, b)| a.bound == b.bound)
        });
        let schema = Arc::clone(&node.schema);
        let id = self.graph.add(node);
        let mut fields = schema.fields().iter();
        let columns = first
            .columns
            .iter()
            .enumerate()
            .filter_map(|(i, column)| {
                let expr =
                    if is_virtual(i) { proctime() } else { reference(fields.next().map(|f| f.name())?) };
                let bound = column.bound.filter(|_| same_window);
                Some(StreamColumn { name: column.name.clone(), expr, bound })
            })
            .collect();
        Ok(Stream {
            node: id,
            filter: None,
            columns,
            window: None,
            attached: first.attached.filter(|_| same_window),
        })
    }
}

/// Rows that are left out behind SESSION belong to its sessions, so only whole keys may be.
fn check_session_filter(window: Option<&PendingWindow>, filter: &Expr) -> Result<(), Problem> {
    let Some(partition) = window.and_then(|window| window.partition.as_ref()) else { return Ok(()) };
    if columns_are_among(filter, partition) {
        return Ok(());
    }
    Err(Problem::new(
        Span::empty(),
        "rows behind a SESSION window cannot be filtered before they are aggregated",
    )
    .label("filters on more than the PARTITION BY columns")
    .help("filter the rows in a view below the window, or write FILTER (WHERE ..) behind the aggregate"))
}

/// Names the stream's columns as the plan does.
fn rename(stream: &mut Stream, plan: &LogicalPlan) {
    for (column, field) in stream.columns.iter_mut().zip(plan.schema().fields()) {
        column.name = field.name().clone();
    }
}

/// A failure of the library while lowering.
pub(super) fn fault(error: DataFusionError) -> Problem {
    from_datafusion(&error, &[])
}
