//! Aggregate calls and the layout of their partial results, shared by the planner and the operators.
//!
//! A local phase sends one row a group with the group's keys and each call's partial state; the global phase merges them.
//! Example: `AVG(INT a)` has the state columns `sum BIGINT, count BIGINT`.

use std::sync::Arc;

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Field, Schema, SchemaRef};
use millstream_expr::AggregateKind;

/// One call of an aggregate function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateCall {
    /// Which function.
    pub kind: AggregateKind,
    /// Input column of its argument; `None` for `COUNT(*)`.
    pub argument: Option<usize>,
    /// Type of the argument, `Null` without one.
    pub argument_type: DataType,
    /// `DISTINCT`: equal arguments count once.
    pub is_distinct: bool,
    /// Input column (BOOLEAN) of its `FILTER (WHERE ..)`.
    pub filter: Option<usize>,
    /// Type of the result.
    pub result_type: DataType,
    /// Name of the result column.
    pub name: String,
    /// What it computes, in terms of where its columns come from: `SUM(flights.delay)`. Its state is stored under this text,
    /// so that it survives other calls beside it and other names in the query.
    pub identity: String,
}

/// Types of a call's mergeable state, in order. All are nullable.
///
/// `COUNT`: `[Int64]`. `SUM`, `AVG`: `[sum, Int64 count of values]`, where integers are summed in 64 bits (wrapping),
/// floats as Float64 and decimals as Decimal128(38, scale). `MIN`, `MAX`: `[argument type]`.
fn state_types(call: &AggregateCall) -> Vec<DataType> {
    match call.kind {
        AggregateKind::CountStar | AggregateKind::Count => vec![DataType::Int64],
        AggregateKind::Sum | AggregateKind::Avg => vec![sum_type(&call.argument_type), DataType::Int64],
        AggregateKind::Min | AggregateKind::Max => vec![call.argument_type.clone()],
    }
}

/// Columns of a call's state as they are stored. `COUNT(*)`: one of that name; `SUM(t.a)`: `SUM(t.a).sum` and
/// `SUM(t.a).count`.
#[must_use]
pub fn state_fields(call: &AggregateCall) -> Vec<Field> {
    let types = state_types(call);
    let name = |place: usize| match (types.len(), place) {
        (1, _) => call.identity.clone(),
        (_, 0) => format!("{}.sum", call.identity),
        _ => format!("{}.count", call.identity),
    };
    types.iter().enumerate().map(|(place, t)| Field::new(name(place), t.clone(), true)).collect()
}

fn sum_type(argument: &DataType) -> DataType {
    match argument {
        DataType::Float32 | DataType::Float64 => DataType::Float64,
        DataType::Decimal128(_, scale) => DataType::Decimal128(DECIMAL128_MAX_PRECISION, *scale),
        _ => DataType::Int64,
    }
}

/// Schema between the two phases: `prefix` columns (keys; for windows also the slice), then each call's state columns,
/// then `rows BIGINT`, the number of rows of the group.
#[must_use]
pub fn partial_schema(prefix: &[Field], calls: &[AggregateCall]) -> SchemaRef {
    let mut fields = prefix.to_vec();
    for (i, call) in calls.iter().enumerate() {
        for (j, data_type) in state_types(call).into_iter().enumerate() {
            fields.push(Field::new(format!("{}${i}.{j}", call.name), data_type, true));
        }
    }
    fields.push(Field::new("rows$", DataType::Int64, false));
    Arc::new(Schema::new(fields))
}
