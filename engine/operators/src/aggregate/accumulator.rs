//! The columns that hold one aggregate call's state for every group, indexed by group number.
//!
//! Updates are vectorised: a whole batch of (group, value) pairs a call. The state that leaves (to the second phase, to a
//! merge, to a checkpoint) has the types of `millstream_plan::state_fields`. Example: `AVG(INT)` over `2, 4, NULL` has the state
//! `sum 6, count 2` and the result 3.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use millstream_expr::AggregateKind;
use millstream_plan::AggregateCall;
use millstream_state::CopyBuffers;

use crate::aggregate::count::Count;
use crate::aggregate::extreme::extreme;
use crate::aggregate::sum::Sum;
use crate::error::OperatorError;

/// What becomes of a group whose last value is retracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Emptied {
    /// No value is left: what rounding left behind goes, too.
    IsEmpty,
    /// The group is one part of several, and its values may be retracted in another part.
    IsPart,
}

/// One call's state.
pub(crate) trait Accumulator: Send {
    /// Makes room for groups `0..slots`; new ones are empty.
    fn resize(&mut self, slots: usize);

    /// Allocates exactly as much as groups `0..slots` need, if that is more than there is.
    fn reserve(&mut self, slots: usize);

    /// Makes a group empty.
    fn reset(&mut self, group: u32);

    /// Adds the values, of which row `i` belongs to `groups[i]`, or takes them away where `signs[i]` is -1. NULLs do not
    /// count. `values` is `None` for `COUNT(*)`.
    fn update(&mut self, groups: &[u32], values: Option<&ArrayRef>, signs: Option<&[i64]>);

    /// Adds partial states, of which row `i` belongs to `groups[i]`.
    fn merge(&mut self, groups: &[u32], state: &[ArrayRef]);

    /// The partial states of groups, as [`Accumulator::merge`] takes them, copied into these buffers.
    fn state(&self, groups: &[u32], buffers: &CopyBuffers) -> Vec<ArrayRef>;

    /// The call's results.
    fn result(&self, groups: &[u32]) -> ArrayRef;

    /// Allocated bytes, by estimate.
    fn bytes(&self) -> usize;
}

/// The accumulator of a call.
///
/// # Errors
/// [`OperatorError::Plan`] for a type that the function does not take.
pub(crate) fn accumulator(
    call: &AggregateCall,
    emptied: Emptied,
) -> Result<Box<dyn Accumulator>, OperatorError> {
    let kind = call.kind;
    Ok(match kind {
        AggregateKind::CountStar | AggregateKind::Count => Box::new(Count::default()),
        AggregateKind::Sum | AggregateKind::Avg => match &call.argument_type {
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
                Box::new(Sum::<Int64Type>::new(call, emptied))
            }
            DataType::Float32 | DataType::Float64 => Box::new(Sum::<Float64Type>::new(call, emptied)),
            DataType::Decimal128(_, _) => Box::new(Sum::<Decimal128Type>::new(call, emptied)),
            other => return Err(OperatorError::Plan(format!("{kind} over {other}"))),
        },
        AggregateKind::Min | AggregateKind::Max => extreme(call)?,
    })
}
