//! Aggregate calls, and the columns of the rows that they are computed from.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion_expr::expr::{AggregateFunction, AggregateFunctionParams};
use datafusion_expr::{Expr, LogicalPlan};
use millstream_expr::AggregateKind;
use millstream_plan::AggregateCall;

use crate::diagnostic::Problem;
use crate::lower::compile::{compile, internal};
use crate::lower::node::NodeId;
use crate::lower::query::{Lowering, fault};
use crate::lower::stream::{Stream, free_name};
use crate::lower::text::plain_text;

/// A computed column without a name is called by its expression, up to so many characters; plans show it.
const MAX_NAME_CHARS: usize = 40;

/// The columns that an aggregate reads: keys, time, arguments, filters; each expression once.
#[derive(Default)]
pub(super) struct Rows {
    exprs: Vec<Expr>,
}

impl Rows {
    /// Index of an expression in the rows' schema.
    pub(super) fn column(&mut self, expr: &Expr) -> usize {
        if let Some(position) = self.exprs.iter().position(|other| other == expr) {
            return position;
        }
        self.exprs.push(expr.clone());
        self.exprs.len() - 1
    }
}

/// What a call says, for its identity and for people.
pub(super) struct CallText {
    kind: AggregateKind,
    argument: Option<usize>,
    is_distinct: bool,
    filter: Option<usize>,
}

impl CallText {
    /// The call in terms of where its columns come from.
    pub(super) fn lineage(&self, lineage: &[String]) -> String {
        self.text(|index| lineage.get(index).cloned().unwrap_or_default())
    }

    /// The call in terms of the rows' columns.
    pub(super) fn shown(&self, rows: &SchemaRef) -> String {
        self.text(|index| rows.field(index).name().clone())
    }

    fn text(&self, name: impl Fn(usize) -> String) -> String {
        let filter = self.filter.map_or_else(String::new, |index| format!(" FILTER (WHERE {})", name(index)));
        let distinct = if self.is_distinct { "DISTINCT " } else { "" };
        match self.argument {
            Some(index) => format!("{}({distinct}{}){filter}", self.kind.sql_name(), name(index)),
            None => format!("{}(*){filter}", self.kind.sql_name()),
        }
    }
}

impl Lowering<'_> {
    /// Plans the calls; the columns that they read are added to `rows`.
    pub(super) fn calls(
        &mut self,
        stream: &Stream,
        calls: &[Expr],
        input: &LogicalPlan,
        names: &[String],
        rows: &mut Rows,
    ) -> Result<(Vec<AggregateCall>, Vec<CallText>), Problem> {
        let mut planned = Vec::new();
        for (call, name) in calls.iter().zip(names) {
            planned.push(self.plan_call(stream, call, input, name, rows)?);
        }
        let texts = planned.iter().map(|call| CallText {
            kind: call.kind,
            argument: call.argument,
            is_distinct: call.is_distinct,
            filter: call.filter,
        });
        let texts = texts.collect();
        Ok((planned, texts))
    }

    fn plan_call(
        &self,
        stream: &Stream,
        call: &Expr,
        input: &LogicalPlan,
        name: &str,
        rows: &mut Rows,
    ) -> Result<AggregateCall, Problem> {
        let mut call = call;
        while let Expr::Alias(alias) = call {
            call = &alias.expr;
        }
        let Expr::AggregateFunction(AggregateFunction { func, params }) = call else {
            return Err(internal(format!("{call} is not an aggregate")));
        };
        let AggregateFunctionParams { args, distinct, filter, order_by, .. } = params;
        if !order_by.is_empty() || args.len() > 1 {
            return Err(internal(format!("{call} has arguments that are not supported")));
        }
        let Some(mut kind) = AggregateKind::from_name(func.name(), args.len()) else {
            return Err(internal(format!("{} is not an aggregate function", func.name())));
        };
        let resolve = |expr: &Expr| stream.resolve(expr, input.schema()).map_err(fault);
        let mut argument = args.first().map(resolve).transpose()?;
        let is_constant = matches!(&argument, Some(Expr::Literal(value, _)) if !value.is_null());
        if kind == AggregateKind::Count && !distinct && is_constant {
            // COUNT(1) counts rows.
            kind = AggregateKind::CountStar;
            argument = None;
        }
        let schema = Arc::clone(&self.graph.node(stream.node).schema);
        let zone = self.environment.settings.time_zone();
        let argument_type = match &argument {
            Some(expr) => compile(expr, &schema, zone)?.data_type().clone(),
            None => DataType::Null,
        };
        Ok(AggregateCall {
            kind,
            argument: argument.map(|expr| rows.column(&expr)),
            result_type: millstream_expr::result_type(kind, &argument_type).map_err(internal)?,
            argument_type,
            // MIN and MAX of distinct values are those of all values.
            is_distinct: *distinct && !matches!(kind, AggregateKind::Min | AggregateKind::Max),
            filter: filter.as_deref().map(resolve).transpose()?.map(|expr| rows.column(&expr)),
            name: name.to_owned(),
            identity: String::new(),
        })
    }

    /// The node that gives exactly the rows' columns, in their order.
    pub(super) fn rows_node(&mut self, stream: &mut Stream, rows: &Rows) -> Result<NodeId, Problem> {
        let mut names: Vec<String> = Vec::new();
        let mut project = Vec::new();
        for expr in &rows.exprs {
            let name = free_name(&self.row_name(stream, expr), &names);
            names.push(name.clone());
            project.push((name, expr.clone()));
        }
        self.calc(stream.node, stream.filter.take(), &project)
    }

    /// A column keeps its name; a computed one takes the name that the query gave it, if it did.
    fn row_name(&self, stream: &Stream, expr: &Expr) -> String {
        if let Expr::Column(column) = expr {
            return column.name.clone();
        }
        let named =
            stream.columns.iter().find(|column| column.expr == *expr).map(|column| column.name.clone());
        named.unwrap_or_else(|| {
            let text = plain_text(expr);
            if text.chars().count() <= MAX_NAME_CHARS {
                return text;
            }
            text.chars().take(MAX_NAME_CHARS - 1).chain(['…']).collect()
        })
    }
}
