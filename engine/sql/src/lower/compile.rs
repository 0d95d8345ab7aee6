//! Compiles expressions against a node's schema, and turns what a stream has gathered into a Calc.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion_common::{DFSchema, ToDFSchema};
use datafusion_expr::Expr;
use datafusion_sql::sqlparser::tokenizer::{Span, TokenWithSpan};
use millstream_expr::{CompiledExpr, has_clock, is_proctime};
use millstream_plan::{CalcSpec, WindowAssignSpec, WindowSpec};

use super::identity::{lineage_of, long_hash};
use super::node::{Changelog, Node, NodeId, NodeKind};
use super::query::Lowering;
use super::stream::{
    Bound, Stream, StreamColumn, WINDOW_END, WINDOW_START, WINDOW_TIME, free_name, is_virtual, reference,
};
use super::text::plain_text;
use crate::diagnostic::Problem;
use crate::dialect::tokens::is_word;

/// A fault of the planner, not of the author; still shown with the expression that caused it.
pub(crate) fn internal(what: impl std::fmt::Display) -> Problem {
    Problem::new(Span::empty(), format!("this query cannot be compiled: {what}"))
}

/// Compiles an expression over a schema.
pub(crate) fn compile(expr: &Expr, schema: &SchemaRef, time_zone: &str) -> Result<CompiledExpr, Problem> {
    let df_schema: DFSchema =
        Arc::clone(schema).to_dfschema().map_err(|error| internal(error.strip_backtrace()))?;
    CompiledExpr::compile_in_zone(expr, &df_schema, time_zone).map_err(internal)
}

impl Lowering<'_> {
    /// Gives the stream's columns, without the virtual ones, to a Calc unless they are the node's columns already.
    /// Afterwards the stream has no filter and its real columns are plain references, but for those of processing time.
    pub(super) fn flush(&mut self, stream: Stream) -> Result<Stream, Problem> {
        let is_virtual = |column: &StreamColumn| is_window_column(column) || is_proctime(&column.expr);
        let real = (0..stream.columns.len()).filter(|i| !is_virtual(&stream.columns[*i])).collect();
        self.flush_columns(stream, real)
    }

    /// The same with values for the columns of processing time, too, and without the columns at these positions.
    pub(super) fn flush_without(
        &mut self,
        stream: Stream,
        is_left_out: impl Fn(usize) -> bool,
    ) -> Result<Stream, Problem> {
        let columns = stream.columns.iter().enumerate();
        let real = columns.filter(|(i, column)| !is_left_out(*i) && !is_window_column(column));
        let real = real.map(|(i, _)| i).collect();
        self.flush_columns(stream, real)
    }

    fn flush_columns(&mut self, mut stream: Stream, real: Vec<usize>) -> Result<Stream, Problem> {
        let mut project: Vec<(String, Expr)> = Vec::new();
        let mut names = Vec::new();
        for index in &real {
            let column = &stream.columns[*index];
            let name = free_name(&column.name, &names);
            names.push(name.clone());
            project.push((name, column.expr.clone()));
        }
        // What a pending window needs stays, whether the query shows it or not.
        let mut keep = |expr: &Expr, name: &str| {
            let found = project.iter().find(|(_, other)| other == expr).map(|(name, _)| name.clone());
            reference(&found.unwrap_or_else(|| {
                let name = free_name(name, &names);
                names.push(name.clone());
                project.push((name.clone(), expr.clone()));
                name
            }))
        };
        if let Some(window) = stream.window.as_mut().filter(|window| !window.is_processing) {
            window.time = keep(&window.time, "$rowtime");
            window.partition.iter_mut().flatten().for_each(|key| *key = keep(key, "$session_key"));
        }
        let node = self.calc(stream.node, stream.filter.take(), &project)?;
        stream.node = node;
        for (index, (name, _)) in real.into_iter().zip(&project) {
            stream.columns[index].expr = reference(name);
        }
        Ok(stream)
    }

    /// A Calc over a node, or the node itself if it would change nothing.
    pub(super) fn calc(
        &mut self,
        input: NodeId,
        filter: Option<Expr>,
        project: &[(String, Expr)],
    ) -> Result<NodeId, Problem> {
        let node = self.graph.node(input);
        let is_identity = filter.is_none()
            && project.len() == node.schema.fields().len()
            && project.iter().zip(node.schema.fields()).all(|((name, expr), field)| {
                name == field.name() && matches!(expr, Expr::Column(column) if &column.name == field.name())
            });
        if is_identity {
            return Ok(input);
        }
        let exprs = project.iter().map(|(_, expr)| expr).chain(&filter);
        if node.changelog == Changelog::Retract && exprs.into_iter().any(has_clock) {
            return Err(clock_over_updates());
        }
        let zone = self.environment.settings.time_zone();
        let schema = Arc::clone(&node.schema);
        let compiled_filter = filter.as_ref().map(|expr| compile(expr, &schema, zone)).transpose()?;
        let mut columns = Vec::with_capacity(project.len());
        let mut fields: Vec<Field> = Vec::with_capacity(project.len());
        for (name, expr) in project {
            let compiled = compile(expr, &schema, zone)?;
            fields.push(compiled.field(name));
            columns.push(compiled);
        }
        let output = Arc::new(Schema::new(fields));
        let added = self.calc_node(
            input,
            filter,
            project,
            CalcSpec { filter: compiled_filter, project: columns, schema: output },
        );
        Ok(self.graph.add(added))
    }

    fn calc_node(
        &self,
        input: NodeId,
        filter: Option<Expr>,
        project: &[(String, Expr)],
        spec: CalcSpec,
    ) -> Node {
        let node = self.graph.node(input);
        let names = |name: &str| {
            let index = node.schema.index_of(name).ok()?;
            node.lineage.get(index).cloned()
        };
        let lineage: Vec<String> = project.iter().map(|(_, expr)| lineage_of(expr, &names)).collect();
        let position = |index: &usize| {
            let name = node.schema.field(*index).name();
            project.iter().position(|(_, expr)| matches!(expr, Expr::Column(column) if &column.name == name))
        };
        let unique_key =
            node.unique_key.as_ref().and_then(|key| key.iter().map(position).collect::<Option<Vec<_>>>());
        let shown: Vec<String> = project.iter().map(|(name, expr)| shown(name, expr)).collect();
        let mut details = vec![("columns", shown.join(", "))];
        if let Some(filter) = &filter {
            details.insert(0, ("filter", plain_text(filter)));
        }
        let text = format!(
            "calc\n{}\nwhere {}\n{}",
            node.meaning,
            filter.as_ref().map_or_else(String::new, plain_text),
            shown.join(", ")
        );
        let meaning = long_hash(&text);
        Node {
            inputs: vec![input],
            schema: Arc::clone(&spec.schema),
            kind: NodeKind::Calc(spec),
            changelog: node.changelog,
            unique_key,
            lineage,
            update_cause: node.update_cause,
            uid: format!("calc-{}", &meaning[..16]),
            meaning,
            anchors: node.anchors.clone(),
            name: "Calc".to_owned(),
            details,
            bounded: node.bounded,
        }
    }

    /// Assigns rows to the pending window, so that its bounds are columns.
    pub(super) fn materialize(&mut self, stream: Stream) -> Result<Stream, Problem> {
        match &stream.window {
            None => return Ok(stream),
            Some(window) if window.is_processing => return Err(processing_window_alone()),
            Some(window) if window.shape.is_session() => return Err(session_without_aggregate()),
            Some(_) => {}
        }
        let mut stream = self.flush(stream)?;
        let Some(window) = stream.window.take() else { return Ok(stream) };
        let Expr::Column(time) = &window.time else { return Err(internal("the window has no time column")) };
        let node = self.graph.node(stream.node);
        let time_column = node.schema.index_of(&time.name).map_err(internal)?;
        let mut names: Vec<String> = node.schema.fields().iter().map(|field| field.name().clone()).collect();
        let mut fields: Vec<Arc<Field>> = node.schema.fields().to_vec();
        let mut lineage = node.lineage.clone();
        let shape = window.shape;
        let mut added = Vec::new();
        for (name, data_type) in window_types(node.schema.field(time_column).data_type()) {
            let free = free_name(name, &names);
            names.push(free.clone());
            lineage.push(format!(
                "{name}({shape:?}, {})",
                node.lineage.get(time_column).cloned().unwrap_or_default()
            ));
            fields.push(Arc::new(Field::new(&free, data_type, false)));
            added.push(free);
        }
        let time_name =
            node.lineage.get(time_column).map_or("", |lineage| lineage.rsplit('.').next().unwrap_or(lineage));
        let schema = Arc::new(Schema::new(fields));
        let spec = WindowAssignSpec {
            window: WindowSpec { kind: shape.kind, offset: shape.offset, time_column, zone: shape.zone },
            schema: Arc::clone(&schema),
        };
        let meaning = long_hash(&format!("window-assign\n{}\n{shape:?} {time_column}", node.meaning));
        let assigned = Node {
            inputs: vec![stream.node],
            schema,
            kind: NodeKind::WindowAssign(spec),
            changelog: node.changelog,
            unique_key: None,
            lineage,
            update_cause: node.update_cause,
            uid: format!("window-assign-{}", &meaning[..16]),
            meaning,
            anchors: node.anchors.clone(),
            name: "WindowAssign".to_owned(),
            details: vec![("window", super::aggregate::window_text(&shape, time_name))],
            bounded: node.bounded,
        };
        stream.node = self.graph.add(assigned);
        let real = |expr: &Expr| replace_virtual(expr, &added);
        for column in &mut stream.columns {
            column.expr = real(&column.expr);
        }
        for filter in window.filters {
            stream.and_filter(real(&filter));
        }
        stream.attached = Some(shape);
        Ok(stream)
    }
}

/// Where a session ends is known only when it is over.
fn session_without_aggregate() -> Problem {
    Problem::new(Span::empty(), "SESSION windows need an aggregate")
        .label("uses sessions in another way")
        .help(
            "aggregate right behind the window: GROUP BY its PARTITION BY columns, window_start, window_end",
        )
}

const CLOCK_OVER_UPDATES: &str = "a query over rows that are updated cannot read the clock";

/// Gives [`clock_over_updates`] the place of the first reading of the clock in a statement.
pub(super) fn place_clock(problem: Problem, tokens: &[TokenWithSpan]) -> Problem {
    const CLOCKS: [&str; 9] = [
        "CURRENT_TIMESTAMP",
        "NOW",
        "CURRENT_ROW_TIMESTAMP",
        "PROCTIME",
        "LOCALTIMESTAMP",
        "CURRENT_DATE",
        "CURRENT_TIME",
        "LOCALTIME",
        "UNIX_TIMESTAMP",
    ];
    if problem.message != CLOCK_OVER_UPDATES {
        return problem;
    }
    let found = tokens.iter().find(|token| CLOCKS.iter().any(|clock| is_word(token, clock)));
    found.map_or(problem.clone(), |token| problem.or_at(token.span))
}

/// A row that is taken back must be the row that was sent, and the clock has moved on since.
fn clock_over_updates() -> Problem {
    Problem::new(Span::empty(), CLOCK_OVER_UPDATES).label("would take back other rows than it sent").help(
        "read the clock below the aggregate: in a view over the table, say, or in a computed column of it",
    )
}

/// Which window a row belongs to is known when it comes to the aggregate, and nowhere before.
fn processing_window_alone() -> Problem {
    Problem::new(
        Span::empty(),
        "a window over processing time must be aggregated: GROUP BY window_start, window_end",
    )
    .label("needs the bounds of windows before their aggregate")
    .help("compute with window_start and window_end in a query around the aggregate")
}

fn shown(name: &str, expr: &Expr) -> String {
    match expr {
        Expr::Column(column) if column.name == name => name.to_owned(),
        _ => match plain_text(expr) {
            text if text == name => text,
            text => format!("{text} AS {name}"),
        },
    }
}

fn is_window_column(column: &StreamColumn) -> bool {
    matches!(&column.expr, Expr::Column(found) if is_virtual(&found.name))
}

/// Names and types of the columns that a window adds.
pub(super) fn window_types(
    time: &arrow::datatypes::DataType,
) -> [(&'static str, arrow::datatypes::DataType); 3] {
    use arrow::datatypes::{DataType, TimeUnit};
    let zone = match time {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    let bound = DataType::Timestamp(TimeUnit::Millisecond, None);
    [
        ("window_start", bound.clone()),
        ("window_end", bound),
        ("window_time", DataType::Timestamp(TimeUnit::Millisecond, zone)),
    ]
}

/// Puts real columns in the place of the virtual ones.
fn replace_virtual(expr: &Expr, added: &[String]) -> Expr {
    use datafusion_common::tree_node::{Transformed, TreeNode};
    let index = |name: &str| match name {
        WINDOW_START => Some(0),
        WINDOW_END => Some(1),
        WINDOW_TIME => Some(2),
        _ => None,
    };
    let replaced = expr.clone().transform_up(|node| {
        let name = match &node {
            Expr::Column(column) => index(&column.name).and_then(|index| added.get(index)),
            _ => None,
        };
        Ok(name.map_or_else(|| Transformed::no(node.clone()), |name| Transformed::yes(reference(name))))
    });
    replaced.map_or_else(|_| expr.clone(), |replaced| replaced.data)
}

/// The columns of a window table function: the input's, then the three virtual ones.
pub(super) fn window_columns(columns: Vec<StreamColumn>, names: [&str; 3]) -> Vec<StreamColumn> {
    let mut columns: Vec<StreamColumn> =
        columns.into_iter().map(|column| StreamColumn { bound: None, ..column }).collect();
    let [start, end, time] = names;
    let virtual_column = |name: &str, inner: &str, bound| StreamColumn {
        name: name.to_owned(),
        expr: reference(inner),
        bound,
    };
    columns.push(virtual_column(start, WINDOW_START, Some(Bound::Start)));
    columns.push(virtual_column(end, WINDOW_END, Some(Bound::End)));
    columns.push(virtual_column(time, WINDOW_TIME, None));
    columns
}
