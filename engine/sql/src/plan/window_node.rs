//! The logical node of a window table function: its input with `window_start`, `window_end` and `window_time` added.
//!
//! It assigns nothing yet: an aggregate above it may take the window over. The optimizer may push filters and prune columns
//! below it, but never filters on the columns that it adds.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion_common::{DFSchema, DFSchemaRef, DataFusionError, ExprSchema, Result, plan_err};
use datafusion_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use millstream_plan::{WindowKind, WindowZone};

/// Names of the three columns that a window adds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct WindowColumns {
    pub(crate) start: String,
    pub(crate) end: String,
    pub(crate) time: String,
}

impl WindowColumns {
    /// The columns of a window table function.
    pub(crate) fn visible() -> Self {
        Self { start: "window_start".into(), end: "window_end".into(), time: "window_time".into() }
    }

    /// The columns behind a group window (`GROUP BY TUMBLE(..)`), which no user can name.
    pub(crate) fn hidden() -> Self {
        Self { start: "$window_start".into(), end: "$window_end".into(), time: "$window_time".into() }
    }
}

/// Shape of the windows, without the time column.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WindowShape {
    pub(crate) kind: WindowKind,
    pub(crate) offset: i64,
    /// The zone by whose wall clock they begin; `None` for UTC, and for windows over a wall clock.
    pub(crate) zone: Option<WindowZone>,
}

impl WindowShape {
    /// Whether windows depend on the rows.
    pub(crate) const fn is_session(&self) -> bool {
        matches!(self.kind, WindowKind::Session { .. })
    }
}

/// Part of what uids are hashed from: it must never change.
impl fmt::Debug for WindowShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shape = f.debug_struct("WindowShape");
        shape.field("kind", &self.kind).field("offset", &self.offset);
        if let Some(zone) = &self.zone {
            shape.field("zone", &zone.to_string());
        }
        shape.finish()
    }
}

/// Input plus window columns.
#[derive(Clone, Debug)]
pub(crate) struct WindowNode {
    pub(crate) input: Arc<LogicalPlan>,
    pub(crate) time: Expr,
    pub(crate) shape: WindowShape,
    pub(crate) columns: WindowColumns,
    /// Rows belong to windows by the clock, not by a time of theirs.
    pub(crate) is_processing: bool,
    /// Keys that have sessions of their own; `None`: those of the aggregate above, or no sessions.
    pub(crate) partition: Option<Vec<Expr>>,
    schema: DFSchemaRef,
}

impl WindowNode {
    pub(crate) fn try_new(
        input: Arc<LogicalPlan>,
        time: Expr,
        shape: WindowShape,
        columns: WindowColumns,
        partition: Option<Vec<Expr>>,
    ) -> Result<Self> {
        let schema = schema_with_window(&input, &time, &columns)?;
        Ok(Self { input, time, shape, columns, is_processing: false, partition, schema: Arc::new(schema) })
    }

    /// The same over a time of this kind.
    pub(crate) fn with_processing_time(self, is_processing: bool) -> Self {
        Self { is_processing, ..self }
    }
}

fn schema_with_window(input: &LogicalPlan, time: &Expr, columns: &WindowColumns) -> Result<DFSchema> {
    let Expr::Column(column) = time else { return plan_err!("the time of a window must be a column") };
    let time_type = input.schema().field_from_column(column)?.data_type().clone();
    let window_time = match time_type {
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Millisecond, zone),
        other => return plan_err!("the time of a window must be a timestamp, not {other}"),
    };
    let bound = DataType::Timestamp(TimeUnit::Millisecond, None);
    let mut fields: Vec<_> =
        input.schema().iter().map(|(qualifier, field)| (qualifier.cloned(), field.clone())).collect();
    for (name, data_type) in
        [(&columns.start, bound.clone()), (&columns.end, bound), (&columns.time, window_time)]
    {
        fields.push((None, Arc::new(Field::new(name, data_type, false))));
    }
    DFSchema::new_with_metadata(fields, input.schema().as_arrow().metadata().clone())
}

fn matches_name(partition: &[Expr], name: &str) -> bool {
    partition.iter().any(|key| matches!(key, Expr::Column(column) if column.name == name))
}

impl UserDefinedLogicalNodeCore for WindowNode {
    fn name(&self) -> &str {
        "Window"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        std::iter::once(&self.time).chain(self.partition.iter().flatten()).cloned().collect()
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        let bounds = [&self.columns.start, &self.columns.end, &self.columns.time].into_iter().cloned();
        // Rows that a filter above leaves out are part of a session all the same, unless all rows of a key are left out.
        let rows = self.partition.as_ref().map(|partition| {
            let is_key = |name: &str| matches_name(partition, name);
            self.input.schema().fields().iter().map(|f| f.name().clone()).filter(move |name| !is_key(name))
        });
        bounds.chain(rows.into_iter().flatten()).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Window: {:?} on {}", self.shape, self.time)
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let mut exprs = exprs.into_iter();
        let (Some(time), Some(input)) = (exprs.next(), inputs.into_iter().next()) else {
            return Err(DataFusionError::Internal("a window has one input and a time".to_owned()));
        };
        let partition = self.partition.as_ref().map(|_| exprs.collect());
        let node = Self::try_new(Arc::new(input), time, self.shape, self.columns.clone(), partition)?;
        Ok(node.with_processing_time(self.is_processing))
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let count = self.input.schema().fields().len();
        let mut needed: Vec<usize> = output_columns.iter().copied().filter(|index| *index < count).collect();
        for expr in self.expressions() {
            let Expr::Column(column) = &expr else { return None };
            needed.push(self.input.schema().index_of_column(column).ok()?);
        }
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }
}

impl PartialEq for WindowNode {
    fn eq(&self, other: &Self) -> bool {
        self.input == other.input
            && self.time == other.time
            && self.shape == other.shape
            && self.is_processing == other.is_processing
            && self.columns == other.columns
            && self.partition == other.partition
    }
}

impl Eq for WindowNode {}

impl Hash for WindowNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.input.hash(state);
        self.time.hash(state);
        self.shape.hash(state);
        self.is_processing.hash(state);
        self.columns.hash(state);
        self.partition.hash(state);
    }
}

impl PartialOrd for WindowNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.input.partial_cmp(&other.input).filter(|order| *order != Ordering::Equal || self == other)
    }
}
