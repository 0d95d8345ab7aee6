//! What each operator computes.
//!
//! Column indexes refer to the operator's input; expressions are compiled against the input's schema.

use arrow::datatypes::SchemaRef;
use millstream_connectors::TableConfig;
use millstream_expr::CompiledExpr;

use crate::aggregate::AggregateCall;
use crate::state_ttl::StateTtl;
use crate::window::WindowSpec;

/// One operator of a chain.
#[derive(Clone, Debug)]
pub enum OperatorSpec {
    /// Head of a chain: reads a table.
    Source(SourceSpec),
    /// Filter, then projection.
    Calc(CalcSpec),
    /// Adds `window_start`, `window_end`, `window_time`; one output row a window.
    WindowAssign(WindowAssignSpec),
    /// First phase of a windowed aggregate, before the exchange: judges lateness, aggregates per slice.
    LocalWindowAggregate(WindowAggregateSpec),
    /// Windowed aggregate. Its input is the first phase's output if `is_merging`, else rows.
    WindowAggregate(WindowAggregateSpec),
    /// The same by the clock of the operator instead of a time column, which the specification does not have: a row belongs to
    /// the windows that hold the moment at which it comes, and a window is emitted when the clock passes its end. Its input
    /// comes from a [`OperatorSpec::LocalAggregate`] if `is_merging`, and has no retractions.
    ProcessingWindowAggregate(WindowAggregateSpec),
    /// First phase of a group aggregate, or of a windowed one over processing time, before the exchange.
    LocalAggregate(LocalAggregateSpec),
    /// Unbounded aggregate by key; emits a changelog.
    GroupAggregate(GroupAggregateSpec),
    /// Tail of a chain: writes to a table, or collects.
    Sink(SinkSpec),
}

/// A source table, read with only the columns that the query needs.
#[derive(Clone, Debug)]
pub struct SourceSpec {
    /// The table.
    pub table: TableConfig,
    /// Physical columns to decode, a subset of the table's, possibly empty.
    pub decode: SchemaRef,
    /// Output columns, over the decoded ones: plain references and computed columns.
    pub columns: Vec<CompiledExpr>,
    /// Schema of the output.
    pub schema: SchemaRef,
    /// How watermarks come about; `None`: only at the end of input.
    pub watermark: Option<WatermarkSpec>,
}

/// `WATERMARK FOR time AS watermark`: the time over the decoded columns, the watermark over these and the time behind them.
#[derive(Clone, Debug)]
pub struct WatermarkSpec {
    /// The time attribute; a NULL fails the job.
    pub time: CompiledExpr,
    /// Name of the time attribute, for messages.
    pub time_name: String,
    /// The watermark's value for a row: a timestamp, or NULL for none.
    pub watermark: CompiledExpr,
    /// A split without rows for this long is idle; `None`: never (`table.exec.source.idle-timeout` = 0).
    pub idle_timeout_ms: Option<u64>,
    /// The running watermark moves only when it would advance by more than this (`pipeline.auto-watermark-interval`,
    /// here in event time so that results do not depend on speed). 0: with every row.
    pub emit_interval_ms: u64,
}

/// Filter, then projection.
#[derive(Clone, Debug)]
pub struct CalcSpec {
    /// Rows for which it is not TRUE are dropped.
    pub filter: Option<CompiledExpr>,
    /// Output columns.
    pub project: Vec<CompiledExpr>,
    /// Schema of the output.
    pub schema: SchemaRef,
}

/// Window columns for every row: a window table function without an aggregate.
#[derive(Clone, Debug)]
pub struct WindowAssignSpec {
    /// The windows.
    pub window: WindowSpec,
    /// The input's columns, then `window_start`, `window_end`, `window_time`.
    pub schema: SchemaRef,
}

/// An output column of a windowed aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowField {
    /// The key at this index of `keys`.
    Key(usize),
    /// The result of the call at this index of `calls`.
    Call(usize),
    /// Start of the window.
    Start,
    /// Exclusive end of the window.
    End,
    /// The window's event time: its end minus 1 ms.
    Time,
}

/// Aggregate per window and key. Emits a window's rows, as inserts, when the watermark closes it.
///
/// The first phase emits `slice_end BIGINT, visible_from BIGINT` (microseconds), the keys, the partial states, `rows`: see
/// `partial_schema`. `visible_from` is the end of the first window that the rows may still count in: later than the
/// slice's first window only for rows that were late for some of its windows.
#[derive(Clone, Debug)]
pub struct WindowAggregateSpec {
    /// The windows. `time_column` has no meaning when `is_merging`.
    pub window: WindowSpec,
    /// Key columns in the rows' schema (not the partial one).
    pub keys: Vec<usize>,
    /// The calls, over the rows' schema.
    pub calls: Vec<AggregateCall>,
    /// Schema of the rows that enter the first phase.
    pub rows_schema: SchemaRef,
    /// Whether the input is the first phase's output.
    pub is_merging: bool,
    /// Whether rows may be retracted.
    pub is_retracting: bool,
    /// Output columns; empty for the first phase.
    pub output: Vec<WindowField>,
    /// Schema of the output (of the partial rows for the first phase).
    pub schema: SchemaRef,
}

/// First phase of an aggregate over append-only input that does not ask for the rows' time: emits keys, partial states, `rows`.
#[derive(Clone, Debug)]
pub struct LocalAggregateSpec {
    /// Key columns.
    pub keys: Vec<usize>,
    /// The calls.
    pub calls: Vec<AggregateCall>,
    /// Most milliseconds of the clock that rows are held back; `None`: until a flush, or until there are many groups.
    pub max_hold_ms: Option<i64>,
    /// Schema of the partial rows.
    pub schema: SchemaRef,
}

/// Unbounded aggregate by key.
#[derive(Clone, Debug)]
pub struct GroupAggregateSpec {
    /// Key columns in the rows' schema; after a first phase they are columns `0..keys.len()` of the input.
    pub keys: Vec<usize>,
    /// The calls, over the rows' schema.
    pub calls: Vec<AggregateCall>,
    /// Schema of the rows that enter the (first phase of the) aggregate.
    pub rows_schema: SchemaRef,
    /// Whether the input is the first phase's output.
    pub is_merging: bool,
    /// Whether rows may be retracted.
    pub is_retracting: bool,
    /// Whether `-U` rows are wanted by what follows.
    pub emits_update_before: bool,
    /// How long a group outlives its last write; `None`: for ever.
    pub ttl: Option<StateTtl>,
    /// Keys, then results.
    pub schema: SchemaRef,
}

/// Where a sink's rows go.
#[derive(Clone, Debug)]
pub enum SinkTarget {
    /// A table's connector.
    Table(TableConfig),
    /// The caller of a bare SELECT.
    Collect,
}

/// A sink.
#[derive(Clone, Debug)]
pub struct SinkSpec {
    /// Where to.
    pub target: SinkTarget,
    /// Schema of the rows, with the target's column names.
    pub schema: SchemaRef,
    /// Columns that are NOT NULL in the target: a NULL fails the job.
    pub not_null: Vec<usize>,
    /// Columns by which a complete result is shown in order; none: as the rows come.
    pub order: Vec<usize>,
}

impl OperatorSpec {
    /// Schema of what leaves the operator; `None` for a sink.
    #[must_use]
    pub fn output_schema(&self) -> Option<SchemaRef> {
        Some(match self {
            Self::Source(s) => s.schema.clone(),
            Self::Calc(s) => s.schema.clone(),
            Self::WindowAssign(s) => s.schema.clone(),
            Self::LocalWindowAggregate(s) | Self::WindowAggregate(s) | Self::ProcessingWindowAggregate(s) => {
                s.schema.clone()
            }
            Self::LocalAggregate(s) => s.schema.clone(),
            Self::GroupAggregate(s) => s.schema.clone(),
            Self::Sink(_) => return None,
        })
    }
}
