//! Plans of aggregates from short texts, as the planner would make them.
//!
//! Example: `Aggregation::over("k STRING | v INT", "k", "COUNT(*), SUM(DISTINCT v)").group_by()`.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use millstream_expr::{AggregateKind, result_type};
use millstream_plan::{
    AggregateCall, GroupAggregateSpec, LocalAggregateSpec, OperatorSpec, StateTtl, TtlTime,
    WindowAggregateSpec, WindowField, WindowKind, WindowSpec, partial_schema,
};

use crate::harness::HarnessPlan;
use crate::table::schema;

/// How long a first phase holds rows back from windows by the clock.
pub const MAX_HOLD_MS: i64 = 20;
const SECOND: i64 = 1_000_000;

/// An aggregate to be planned.
#[derive(Clone, Debug)]
pub struct Aggregation {
    /// Schema of the rows.
    pub rows: SchemaRef,
    /// Key columns.
    pub keys: Vec<usize>,
    /// The calls.
    pub calls: Vec<AggregateCall>,
    /// Whether rows may be retracted.
    pub is_retracting: bool,
    /// Whether there is a first phase.
    pub has_two_phases: bool,
    /// Whether `-U` rows are emitted.
    pub emits_update_before: bool,
    /// How long an unbounded aggregate's groups outlive their last write.
    pub ttl: Option<StateTtl>,
    /// See [`HarnessPlan::budget_rows`].
    pub budget_rows: usize,
}

impl Aggregation {
    /// An aggregate over append-only rows, in one phase. `keys` are column names with commas between them; `calls` are such as
    /// `COUNT(*), MAX(v) FILTER f`. Panics when they name no column: that is a fault of the test.
    #[must_use]
    pub fn over(rows: &str, keys: &str, calls: &str) -> Self {
        let rows = schema(rows);
        Self {
            keys: names(keys).map(|name| column(&rows, name)).collect(),
            calls: names(calls).map(|text| parse_call(&rows, text)).collect(),
            rows,
            is_retracting: false,
            has_two_phases: false,
            emits_update_before: true,
            ttl: None,
            budget_rows: usize::MAX,
        }
    }

    /// The same over rows that may be retracted.
    #[must_use]
    pub fn retracting(mut self) -> Self {
        self.is_retracting = true;
        self
    }

    /// The same in two phases.
    #[must_use]
    pub fn two_phases(mut self) -> Self {
        self.has_two_phases = true;
        self
    }

    /// The same with groups that expire so many milliseconds after their last write.
    #[must_use]
    pub fn expiring(mut self, millis: u64, time: TtlTime) -> Self {
        self.ttl = Some(StateTtl { millis, time });
        self
    }

    fn key_fields(&self) -> Vec<Field> {
        self.keys.iter().map(|k| self.rows.field(*k).clone()).collect()
    }

    fn result_fields(&self) -> impl Iterator<Item = Field> + '_ {
        self.calls.iter().map(|c| Field::new(&c.name, c.result_type.clone(), true))
    }

    /// An unbounded aggregate: keys, then results.
    #[must_use]
    pub fn group_by(&self) -> HarnessPlan {
        let local = LocalAggregateSpec {
            max_hold_ms: None,
            keys: self.keys.clone(),
            calls: self.calls.clone(),
            schema: partial_schema(&self.key_fields(), &self.calls),
        };
        let global = GroupAggregateSpec {
            keys: self.keys.clone(),
            calls: self.calls.clone(),
            rows_schema: self.rows.clone(),
            is_merging: self.has_two_phases,
            is_retracting: self.is_retracting,
            emits_update_before: self.emits_update_before,
            ttl: self.ttl,
            schema: Arc::new(Schema::new(
                self.key_fields().into_iter().chain(self.result_fields()).collect::<Vec<_>>(),
            )),
        };
        HarnessPlan {
            first: self.has_two_phases.then_some(OperatorSpec::LocalAggregate(local)),
            keyed: OperatorSpec::GroupAggregate(global),
            key_columns: if self.has_two_phases { (0..self.keys.len()).collect() } else { self.keys.clone() },
            budget_rows: self.budget_rows,
        }
    }

    /// A windowed aggregate over the column `time`, with a size and a slide in seconds: window start, window end, keys, results.
    #[must_use]
    pub fn windows(&self, time: &str, size: i64, slide: i64) -> HarnessPlan {
        let (size, slide) = (size * SECOND, slide * SECOND);
        let kind = if size == slide { WindowKind::Tumble { size } } else { WindowKind::Hop { size, slide } };
        self.windowed(column(&self.rows, time), kind)
    }

    /// The same over windows that grow by a step.
    #[must_use]
    pub fn growing_windows(&self, time: &str, size: i64, step: i64) -> HarnessPlan {
        let kind = WindowKind::Cumulate { size: size * SECOND, step: step * SECOND };
        self.windowed(column(&self.rows, time), kind)
    }

    /// The same over sessions, in one phase.
    #[must_use]
    pub fn sessions(&self, time: &str, gap: i64) -> HarnessPlan {
        self.windowed(column(&self.rows, time), WindowKind::Session { gap: gap * SECOND })
    }

    fn windowed(&self, time_column: usize, kind: WindowKind) -> HarnessPlan {
        let window = WindowSpec { kind, offset: 0, time_column, zone: None };
        let big = |name| Field::new(name, DataType::Int64, false);
        let prefix: Vec<Field> =
            [big("slice_end"), big("visible_from")].into_iter().chain(self.key_fields()).collect();
        let moment = |name| Field::new(name, DataType::Timestamp(TimeUnit::Millisecond, None), false);
        let fields = [moment("window_start"), moment("window_end")].into_iter();
        let fields: Vec<Field> = fields.chain(self.key_fields()).chain(self.result_fields()).collect();
        let output = [WindowField::Start, WindowField::End].into_iter();
        let output = output.chain((0..self.keys.len()).map(WindowField::Key));
        let spec = WindowAggregateSpec {
            window,
            keys: self.keys.clone(),
            calls: self.calls.clone(),
            rows_schema: self.rows.clone(),
            is_merging: self.has_two_phases,
            is_retracting: self.is_retracting,
            output: output.chain((0..self.calls.len()).map(WindowField::Call)).collect(),
            schema: Arc::new(Schema::new(fields)),
        };
        let local = WindowAggregateSpec {
            is_merging: false,
            output: Vec::new(),
            schema: partial_schema(&prefix, &self.calls),
            ..spec.clone()
        };
        HarnessPlan {
            first: self.has_two_phases.then_some(OperatorSpec::LocalWindowAggregate(local)),
            keyed: OperatorSpec::WindowAggregate(spec),
            key_columns: if self.has_two_phases {
                (2..2 + self.keys.len()).collect()
            } else {
                self.keys.clone()
            },
            budget_rows: self.budget_rows,
        }
    }

    /// A windowed aggregate by the clock, with a size and a slide in seconds: window start, window end, keys, results.
    #[must_use]
    pub fn processing_windows(&self, size: i64, slide: i64) -> HarnessPlan {
        let (size, slide) = (size * SECOND, slide * SECOND);
        let kind = if size == slide { WindowKind::Tumble { size } } else { WindowKind::Hop { size, slide } };
        self.by_clock(kind)
    }

    /// The same over windows that grow by a step.
    #[must_use]
    pub fn growing_processing_windows(&self, size: i64, step: i64) -> HarnessPlan {
        self.by_clock(WindowKind::Cumulate { size: size * SECOND, step: step * SECOND })
    }

    fn by_clock(&self, kind: WindowKind) -> HarnessPlan {
        let local = LocalAggregateSpec {
            keys: self.keys.clone(),
            calls: self.calls.clone(),
            max_hold_ms: Some(MAX_HOLD_MS),
            schema: partial_schema(&self.key_fields(), &self.calls),
        };
        let mut plan = self.windowed(0, kind);
        plan.keyed = match plan.keyed {
            OperatorSpec::WindowAggregate(spec) => OperatorSpec::ProcessingWindowAggregate(spec),
            other => other,
        };
        if self.has_two_phases {
            plan.first = Some(OperatorSpec::LocalAggregate(local));
            plan.key_columns = (0..self.keys.len()).collect();
        }
        plan
    }
}

fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

#[expect(clippy::panic, reason = "a plan that names no column is a fault of the test")]
fn column(rows: &SchemaRef, name: &str) -> usize {
    rows.index_of(name).unwrap_or_else(|_| panic!("no column {name}"))
}

/// `COUNT(*)`, `SUM(DISTINCT v)`, `MAX(v) FILTER f`.
#[expect(clippy::panic, reason = "a call that is none is a fault of the test")]
fn parse_call(rows: &SchemaRef, text: &str) -> AggregateCall {
    let (call, filter) = text.split_once(" FILTER ").map_or((text, None), |(c, f)| (c, Some(f)));
    let (function, argument) = call.split_once('(').unwrap_or_else(|| panic!("no call: {text}"));
    let argument = argument.trim_end_matches(')');
    let (is_distinct, argument) =
        argument.strip_prefix("DISTINCT ").map_or((false, argument), |argument| (true, argument));
    let argument = (argument != "*").then(|| column(rows, argument));
    let kind = AggregateKind::from_name(function, usize::from(argument.is_some()));
    let kind = kind.unwrap_or_else(|| panic!("no function: {text}"));
    let argument_type = argument.map_or(DataType::Null, |a| rows.field(a).data_type().clone());
    AggregateCall {
        kind,
        argument,
        result_type: result_type(kind, &argument_type).unwrap_or_else(|e| panic!("{e}")),
        argument_type,
        is_distinct,
        filter: filter.map(|f| column(rows, f)),
        name: text.to_owned(),
        identity: text.to_owned(),
    }
}
