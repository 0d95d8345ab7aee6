//! Aggregates: over windows, or unbounded with a changelog.
//!
//! A window's aggregate takes over the window that its input has only been promised: rows go to slices before the
//! exchange, and a window's row leaves when the watermark closes it. Two phases wherever nothing is DISTINCT and rows are
//! only inserted. Example: `COUNT(*) .. GROUP BY window_start, window_end, k` over parallelism 2 is `LocalWindowAggregate
//! -hash(k)-> WindowAggregate`.

mod call;
mod group;
mod window;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion_expr::{Expr, ExprSchemable, LogicalPlan};
use datafusion_sql::sqlparser::tokenizer::Span;
use millstream_plan::{AggregateCall, WindowKind};

use super::node::UpdateCause;
use super::query::{Lowering, fault};
use super::stream::{Bound, Stream, StreamColumn, WINDOW_TIME, free_name, reads};
use super::text::plain_text;
use crate::diagnostic::Problem;
use crate::plan::window_node::WindowShape;
use call::CallText;

/// What a group expression is.
#[derive(Clone)]
enum Group {
    Start,
    End,
    Time,
    Key(Expr),
}

impl Lowering<'_> {
    pub(super) fn aggregate(
        &mut self,
        stream: Stream,
        input: &LogicalPlan,
        groups: &[Expr],
        calls: &[Expr],
        plan: &LogicalPlan,
        cause: UpdateCause,
    ) -> Result<Stream, Problem> {
        let schema = input.schema();
        // `GROUP BY f, f` has one field for both in the plan's schema.
        let mut unique: Vec<Expr> = Vec::with_capacity(groups.len());
        for group in groups {
            if !unique.contains(group) {
                unique.push(group.clone());
            }
        }
        let groups = unique.as_slice();
        refuse_rows(groups, input, cause)?;
        let exprs: Vec<&Expr> = groups.iter().chain(calls).collect();
        let stream =
            if stream.would_repeat(&exprs, schema).map_err(fault)? { self.flush(stream)? } else { stream };
        let mut stream = stream;
        let mut kinds = self.group_kinds(&stream, groups, input)?;
        let is_windowed = |kinds: &[Group]| {
            kinds.iter().any(|group| matches!(group, Group::Start))
                && kinds.iter().any(|group| matches!(group, Group::End))
        };
        let computes = self.computes_bounds(&stream, &kinds, calls, input)?;
        if stream.window.is_some() && (computes || !is_windowed(&kinds)) {
            stream = self.materialize(stream)?;
            kinds = self.group_kinds(&stream, groups, input)?;
        }
        let names: Vec<String> = plan.schema().fields().iter().map(|field| field.name().clone()).collect();
        if is_windowed(&kinds) {
            return self.window_aggregate(stream, &kinds, calls, input, &names);
        }
        self.group_aggregate(stream, groups, calls, input, &names, cause)
    }

    fn group_kinds(
        &self,
        stream: &Stream,
        groups: &[Expr],
        input: &LogicalPlan,
    ) -> Result<Vec<Group>, Problem> {
        let schema = input.schema();
        groups
            .iter()
            .map(|group| {
                let index = match group {
                    Expr::Column(column) => schema.index_of_column(column).ok(),
                    _ => None,
                };
                let column = index.and_then(|index| stream.columns.get(index));
                Ok(match column {
                    Some(StreamColumn { bound: Some(Bound::Start), .. }) => Group::Start,
                    Some(StreamColumn { bound: Some(Bound::End), .. }) => Group::End,
                    Some(StreamColumn { expr: Expr::Column(found), .. }) if found.name == WINDOW_TIME => {
                        Group::Time
                    }
                    _ => Group::Key(stream.resolve(group, schema).map_err(fault)?),
                })
            })
            .collect()
    }

    /// Whether a key, an argument or a filter needs the value of a pending window's bound.
    fn computes_bounds(
        &self,
        stream: &Stream,
        kinds: &[Group],
        calls: &[Expr],
        input: &LogicalPlan,
    ) -> Result<bool, Problem> {
        let mut computes = kinds.iter().any(|group| matches!(group, Group::Key(expr) if reads(expr).window));
        for call in calls {
            let resolved = stream.resolve(call, input.schema()).map_err(fault)?;
            computes |= reads(&resolved).window;
        }
        Ok(computes)
    }

    fn two_phases(&self, calls: &[AggregateCall], is_retracting: bool) -> bool {
        !is_retracting && !calls.iter().any(|call| call.is_distinct) && !self.environment.settings.one_phase()
    }
}

fn unique_schema(columns: impl IntoIterator<Item = (String, DataType, bool)>) -> SchemaRef {
    let mut taken: Vec<String> = Vec::new();
    let fields = columns.into_iter().map(|(name, data_type, nullable)| {
        let name = free_name(&name, &taken);
        taken.push(name.clone());
        Field::new(name, data_type, nullable)
    });
    let fields: Vec<Field> = fields.collect();
    Arc::new(Schema::new(fields))
}

/// Inside the job a call is named by what it is; the query's names come with the projection behind it.
fn name_calls(calls: &mut [AggregateCall], texts: &[CallText], rows_schema: &SchemaRef) {
    for (call, text) in calls.iter_mut().zip(texts) {
        call.name = text.shown(rows_schema);
    }
}

/// The lines of the explanation that both kinds of aggregate have.
fn details(keys: &[&str], calls: &[AggregateCall], state: &str) -> Vec<(&'static str, String)> {
    let calls: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
    let mut details = Vec::new();
    if !keys.is_empty() {
        details.push(("keys", keys.join(", ")));
    }
    if !calls.is_empty() {
        details.push(("calls", calls.join(", ")));
    }
    details.push(("state", state.to_owned()));
    details
}

fn titled(kind: &str, keys: &[&str]) -> String {
    if keys.is_empty() { kind.to_owned() } else { format!("{kind}({})", keys.join(", ")) }
}

/// `HOP(ts, slide 5 min, size 1 h)`.
pub(super) fn window_text(shape: &WindowShape, time: &str) -> String {
    let offset =
        if shape.offset == 0 { String::new() } else { format!(", offset {}", length_text(shape.offset)) };
    let zone = shape.zone.map_or_else(String::new, |zone| format!(", in {zone}"));
    match shape.kind {
        WindowKind::Tumble { size } => format!("TUMBLE({time}, size {}{offset}{zone})", length_text(size)),
        WindowKind::Hop { size, slide } => {
            format!("HOP({time}, slide {}, size {}{offset}{zone})", length_text(slide), length_text(size))
        }
        WindowKind::Cumulate { size, step } => {
            format!("CUMULATE({time}, step {}, size {}{offset}{zone})", length_text(step), length_text(size))
        }
        WindowKind::Session { gap } => format!("SESSION({time}, gap {}{zone})", length_text(gap)),
    }
}

fn length_text(micros: i64) -> String {
    let units =
        [(86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "min"), (1_000_000, "s"), (1_000, "ms")];
    match units.iter().find(|(unit, _)| micros % unit == 0) {
        Some((unit, name)) => format!("{} {name}", micros / unit),
        None => format!("{micros} us"),
    }
}
/// Rows have no order and no encoding as a key.
fn refuse_rows(groups: &[Expr], input: &LogicalPlan, cause: UpdateCause) -> Result<(), Problem> {
    for group in groups {
        let data_type = group.get_type(input.schema()).map_err(fault)?;
        if data_type.is_nested() {
            let clause = if cause == UpdateCause::Distinct { "SELECT DISTINCT" } else { "GROUP BY" };
            let message = format!("`{}` is a row, which cannot be a key of {clause} yet", plain_text(group));
            return Err(Problem::new(Span::empty(), message)
                .label("has a key that is a row")
                .help("name the fields that make the key"));
        }
    }
    Ok(())
}
