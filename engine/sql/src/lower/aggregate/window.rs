//! Aggregates by window: the window is taken over from the input, or each row says which window it is of.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, IntervalMonthDayNano, SchemaRef};
use datafusion_common::ScalarValue;
use datafusion_expr::{Expr, LogicalPlan};
use datafusion_sql::sqlparser::tokenizer::Span;
use millstream_plan::{
    AggregateCall, LocalAggregateSpec, WindowAggregateSpec, WindowField, WindowKind, WindowSpec,
    partial_schema,
};

use super::call::{CallText, Rows};
use super::{Group, details, name_calls, titled, unique_schema, window_text};
use crate::diagnostic::Problem;
use crate::lower::compile::{compile, internal, window_types};
use crate::lower::identity::{long_hash, shape_of, stateful_uid, typed_keys};
use crate::lower::node::{Changelog, Node, NodeId, NodeKind};
use crate::lower::query::Lowering;
use crate::lower::stream::{Bound, Stream, StreamColumn, WINDOW_END, WINDOW_START, reference};
use crate::plan::window_node::WindowShape;

/// How long the first phase may hold rows back from windows over processing time: they belong to the window that is open when they
/// come out. A few milliseconds are less than what a row takes through full queues, and enough to make one row of thousands.
const MAX_HOLD_MS: i64 = 20;

/// The window that an aggregate works on.
struct Window {
    shape: WindowShape,
    time: Expr,
    /// Rows belong to windows by the clock of the aggregate.
    is_processing: bool,
    /// Filters on its bounds, for after the aggregate.
    filters: Vec<Expr>,
    /// Keys that have sessions of their own, if the query names them.
    partition: Option<Vec<Expr>>,
    /// The bounds are real columns.
    attached: Option<Attached>,
}

/// Windows whose bounds are in columns: the window's own `shape` has the distance of their ends.
struct Attached {
    shape: WindowShape,
    start: Start,
}

/// Where the start of an attached window comes from.
enum Start {
    /// It is so long before the end.
    Before(i64),
    /// It is a column, and one more key.
    Column(Expr),
}

impl Window {
    /// The shape of the windows as the user sees them.
    fn shown(&self) -> WindowShape {
        self.attached.as_ref().map_or(self.shape, |attached| attached.shape)
    }
}

impl Lowering<'_> {
    pub(super) fn window_aggregate(
        &mut self,
        mut stream: Stream,
        kinds: &[Group],
        calls: &[Expr],
        input: &LogicalPlan,
        names: &[String],
    ) -> Result<Stream, Problem> {
        let window = take_window(&mut stream)?;
        let mut rows = Rows::default();
        let mut keys = Vec::new();
        for group in kinds {
            match (group, &window.attached) {
                (Group::Key(expr), _) | (Group::Start, Some(Attached { start: Start::Column(expr), .. })) => {
                    keys.push(rows.column(expr));
                }
                _ => {}
            }
        }
        check_partition(&window, kinds)?;
        let time_column = if window.is_processing { 0 } else { rows.column(&window.time) };
        let (calls, texts) =
            self.calls(&stream, calls, input, names.get(kinds.len()..).unwrap_or(&[]), &mut rows)?;
        let node = self.rows_node(&mut stream, &rows)?;
        let WindowShape { kind, offset, zone } = window.shape;
        let spec = WindowSpec { kind, offset, time_column, zone };
        let added = self.window_node(node, spec, &keys, calls, &texts, &window, kinds)?;
        let id = self.graph.add(added);
        self.windowed_stream(id, kinds, names, window)
    }

    /// The stream behind a window aggregate: its columns are those of the node, but a start that had to be computed.
    fn windowed_stream(
        &mut self,
        id: NodeId,
        kinds: &[Group],
        names: &[String],
        window: Window,
    ) -> Result<Stream, Problem> {
        let schema = Arc::clone(&self.graph.node(id).schema);
        let mut columns = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let own = reference(schema.field(index).name());
            let (expr, bound) = match (kinds.get(index), &window.attached) {
                // Sessions of several keys have nothing to do with each other: their bounds are values like others.
                _ if window.shape.is_session() => (own, None),
                (Some(Group::Start), Some(Attached { start: Start::Before(size), .. })) => {
                    (own - interval(*size), Some(Bound::Start))
                }
                (Some(Group::Start), _) => (own, Some(Bound::Start)),
                (Some(Group::End), _) => (own, Some(Bound::End)),
                // Still processing time: that of whoever reads it.
                (Some(Group::Time), _) if window.is_processing => (window.time.clone(), None),
                _ => (own, None),
            };
            // Nobody knows when the last row of such a window has come from all subtasks.
            let bound = bound.filter(|_| !window.is_processing);
            columns.push(StreamColumn { name: name.clone(), expr, bound });
        }
        let attached = (!window.is_processing).then(|| window.shown()).filter(|shape| !shape.is_session());
        let mut stream = Stream { node: id, filter: None, columns, window: None, attached };
        for filter in window.filters {
            let bounds = |name: &str| {
                let kind = |group: &Group| match name {
                    WINDOW_START => matches!(group, Group::Start),
                    WINDOW_END => matches!(group, Group::End),
                    _ => matches!(group, Group::Time),
                };
                let position = kinds.iter().position(kind);
                let end = kinds.iter().position(|group| matches!(group, Group::End));
                match (position, end) {
                    (Some(position), _) => stream.columns.get(position).map(|column| column.expr.clone()),
                    (None, Some(end)) => {
                        stream.columns.get(end).map(|column| column.expr.clone() - interval(1_000))
                    }
                    _ => None,
                }
            };
            let resolved = replace(&filter, &bounds);
            stream.and_filter(resolved);
        }
        Ok(stream)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "everything that a windowed aggregate is made of, in one place"
    )]
    fn window_node(
        &self,
        input: NodeId,
        window: WindowSpec,
        keys: &[usize],
        calls: Vec<AggregateCall>,
        texts: &[CallText],
        described: &Window,
        kinds: &[Group],
    ) -> Result<Node, Problem> {
        let node = self.graph.node(input);
        let rows_schema = Arc::clone(&node.schema);
        let is_retracting = node.changelog == Changelog::Retract;
        if window.is_session() && is_retracting {
            return Err(session_over_updates());
        }
        let two_phases = !window.is_session() && self.two_phases(&calls, is_retracting);
        let time_type = if described.is_processing {
            compile(&described.time, &rows_schema, self.environment.settings.time_zone())?.data_type().clone()
        } else {
            rows_schema.field(window.time_column).data_type().clone()
        };
        let call_texts: Vec<String> = texts.iter().map(|text| text.lineage(&node.lineage)).collect();
        let mut calls = calls;
        calls.iter_mut().zip(&call_texts).for_each(|(call, text)| call.identity.clone_from(text));
        name_calls(&mut calls, texts, &rows_schema);
        let (output, schema) = window_output(kinds, keys, &calls, &rows_schema, &time_type, described)?;
        let local = (two_phases && !described.is_processing).then(|| {
            let mut prefix = vec![
                Field::new("slice_end$", DataType::Int64, false),
                Field::new("visible_from$", DataType::Int64, false),
            ];
            prefix.extend(keys.iter().map(|key| rows_schema.field(*key).clone()));
            Box::new(WindowAggregateSpec {
                window,
                keys: keys.to_vec(),
                calls: calls.clone(),
                rows_schema: Arc::clone(&rows_schema),
                is_merging: false,
                is_retracting,
                output: Vec::new(),
                schema: partial_schema(&prefix, &calls),
            })
        });
        let lineage_of = |index: usize| node.lineage.get(index).cloned().unwrap_or_default();
        let key_lineages: Vec<String> = keys.iter().map(|key| lineage_of(*key)).collect();
        let window_shape = WindowShape { kind: window.kind, offset: window.offset, zone: window.zone };
        let mut uid_keys = typed_keys(&key_lineages, keys, &rows_schema);
        let (time_lineage, time_name) = match (described.is_processing, &described.attached) {
            (true, _) => ("processing time".to_owned(), "processing time"),
            (false, Some(_)) => (lineage_of(window.time_column), "window_end"),
            (false, None) => {
                (lineage_of(window.time_column), rows_schema.field(window.time_column).name().as_str())
            }
        };
        uid_keys.push(format!("{window_shape:?} {time_lineage}"));
        let uid = stateful_uid("window-aggregate", &uid_keys, &call_texts, &node.anchors);
        let key_names: Vec<&str> = keys.iter().map(|key| rows_schema.field(*key).name().as_str()).collect();
        let meaning = long_hash(&format!("window-aggregate\n{}\n{uid}\n{output:?}", node.meaning));
        let shape = shape_of(&uid);
        let lineage = output
            .iter()
            .map(|field| match field {
                WindowField::Key(key) => key_lineages.get(*key).cloned().unwrap_or_default(),
                WindowField::Call(call) => {
                    format!("{shape}.{}", call_texts.get(*call).cloned().unwrap_or_default())
                }
                other => format!("{shape}.{other:?}"),
            })
            .collect();
        let unique_key = (0..kinds.len()).collect();
        let held = match described.is_processing {
            true => "until the clock passes the window's end",
            false => "until the watermark passes the window's end",
        };
        let mut lines = details(&key_names, &calls, held);
        lines.insert(0, ("window", window_text(&described.shown(), time_name)));
        let global = |calls, is_merging, rows_schema, output, schema| {
            let keys = keys.to_vec();
            let spec = WindowAggregateSpec {
                window,
                keys,
                calls,
                rows_schema,
                is_merging,
                is_retracting,
                output,
                schema,
            };
            Box::new(spec)
        };
        Ok(Node {
            inputs: vec![input],
            schema: Arc::clone(&schema),
            changelog: Changelog::AppendOnly,
            unique_key: Some(unique_key),
            lineage,
            update_cause: None,
            anchors: vec![uid.clone()],
            uid,
            meaning,
            name: titled("WindowAggregate", &key_names),
            details: lines,
            bounded: node.bounded,
            kind: if described.is_processing {
                let prefix: Vec<Field> = keys.iter().map(|key| rows_schema.field(*key).clone()).collect();
                let local = two_phases.then(|| LocalAggregateSpec {
                    keys: keys.to_vec(),
                    calls: calls.clone(),
                    max_hold_ms: Some(MAX_HOLD_MS),
                    schema: partial_schema(&prefix, &calls),
                });
                let global = global(calls, local.is_some(), rows_schema, output, schema);
                NodeKind::ProcessingWindowAggregate { global, local }
            } else {
                let global = global(calls, local.is_some(), rows_schema, output, schema);
                NodeKind::WindowAggregate { global, local }
            },
        })
    }
}

/// The window that an aggregate by window bounds works on, taken off the stream.
fn take_window(stream: &mut Stream) -> Result<Window, Problem> {
    if let Some(pending) = stream.window.take() {
        return Ok(Window {
            shape: pending.shape,
            time: pending.time,
            is_processing: pending.is_processing,
            filters: pending.filters,
            partition: pending.partition,
            attached: None,
        });
    }
    let (Some(shape), Some(end)) = (stream.attached, stream.bound(Bound::End)) else {
        return Err(internal("an aggregate by window without a window"));
    };
    // Every row says which window it is of. Ends are one slide apart, so that windows of one slide that hold the last
    // millisecond before an end tell them apart.
    let (size, slide) = match shape.kind {
        WindowKind::Tumble { size } => (size, size),
        WindowKind::Hop { size, slide } => (size, slide),
        WindowKind::Cumulate { size, step } => (size, step),
        WindowKind::Session { .. } => return Err(internal("sessions with bounds in columns")),
    };
    let start = match (shape.kind, stream.bound(Bound::Start)) {
        (WindowKind::Cumulate { .. }, Some(start)) => Start::Column(start.expr.clone()),
        _ => Start::Before(size),
    };
    let shifted = WindowShape {
        kind: WindowKind::Tumble { size: slide },
        offset: (shape.offset + size).rem_euclid(slide),
        zone: shape.zone,
    };
    Ok(Window {
        shape: shifted,
        time: end.expr.clone() - interval(1_000),
        is_processing: false,
        filters: Vec::new(),
        partition: None,
        attached: Some(Attached { shape, start }),
    })
}

/// Sessions are those of the keys that PARTITION BY names; the aggregate must be of the same.
fn check_partition(window: &Window, kinds: &[Group]) -> Result<(), Problem> {
    let Some(partition) = &window.partition else { return Ok(()) };
    let keys = || kinds.iter().filter_map(|kind| if let Group::Key(key) = kind { Some(key) } else { None });
    if keys().all(|key| partition.contains(key))
        && partition.iter().all(|column| keys().any(|key| key == column))
    {
        return Ok(());
    }
    Err(Problem::new(
        Span::empty(),
        "GROUP BY must name the columns of the SESSION window's PARTITION BY and no others",
    )
    .label("has other keys than its sessions")
    .help("write SESSION(TABLE t PARTITION BY k, ..) and GROUP BY k, window_start, window_end"))
}

/// A row that is taken back may have held two sessions together.
fn session_over_updates() -> Problem {
    Problem::new(Span::empty(), "SESSION windows over rows that are updated are not supported yet")
        .label("has rows that may be taken back")
        .help("put the window below the aggregate that updates its rows, or use TUMBLE or HOP")
}

fn interval(micros: i64) -> Expr {
    let value = IntervalMonthDayNano::new(0, 0, micros.saturating_mul(1_000));
    Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(value)), None)
}

fn replace(expr: &Expr, bounds: &dyn Fn(&str) -> Option<Expr>) -> Expr {
    use datafusion_common::tree_node::{Transformed, TreeNode};
    let replaced = expr.clone().transform_up(|node| {
        let replacement = match &node {
            Expr::Column(column) => bounds(&column.name),
            _ => None,
        };
        Ok(replacement.map_or_else(|| Transformed::no(node), Transformed::yes))
    });
    replaced.map_or_else(|_| expr.clone(), |replaced| replaced.data)
}

fn window_output(
    kinds: &[Group],
    keys: &[usize],
    calls: &[AggregateCall],
    rows_schema: &SchemaRef,
    time_type: &DataType,
    window: &Window,
) -> Result<(Vec<WindowField>, SchemaRef), Problem> {
    let [(_, start_type), (_, end_type), (_, window_time)] = window_types(time_type);
    let mut output = Vec::new();
    let mut columns: Vec<(String, DataType, bool)> = Vec::new();
    let mut next_key = 0;
    for kind in kinds {
        match kind {
            Group::Start => {
                output.push(match &window.attached {
                    None => WindowField::Start,
                    // What follows computes it from the end.
                    Some(Attached { start: Start::Before(_), .. }) => WindowField::End,
                    Some(Attached { start: Start::Column(_), .. }) => {
                        next_key += 1;
                        WindowField::Key(next_key - 1)
                    }
                });
                columns.push(("window_start".to_owned(), start_type.clone(), false));
            }
            Group::End => {
                output.push(WindowField::End);
                columns.push(("window_end".to_owned(), end_type.clone(), false));
            }
            Group::Time => {
                output.push(WindowField::Time);
                columns.push(("window_time".to_owned(), window_time.clone(), false));
            }
            Group::Key(_) => {
                let key = keys.get(next_key).ok_or_else(|| internal("a key is missing"))?;
                output.push(WindowField::Key(next_key));
                let field = rows_schema.field(*key);
                columns.push((field.name().clone(), field.data_type().clone(), true));
                next_key += 1;
            }
        }
    }
    for (index, call) in calls.iter().enumerate() {
        output.push(WindowField::Call(index));
        columns.push((call.name.clone(), call.result_type.clone(), true));
    }
    Ok((output, unique_schema(columns)))
}
