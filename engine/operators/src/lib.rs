//! Operators: synchronous, resumable transformations of batches.
//!
//! This crate owns what each step of a job computes and its keyed state. It never does I/O, never reads a clock and never
//! plans: it is driven by the worker through [`Operator`] and built from a compiled plan by [`build`].
//! Example: `GroupAggregate(origin: COUNT(*))` turns the rows `JFK, LGA, JFK` of one batch into `+I JFK 2`, `+I LGA 1`.

mod error;
mod operator;

pub use error::OperatorError;
pub use operator::{BuildContext, Operator, Output, Progress};

use millstream_plan::OperatorSpec;

/// Builds the operator of a specification for one subtask. Sources and sinks are the worker's.
///
/// # Errors
/// [`OperatorError::Plan`] when the specification contradicts itself, or is a source's or a sink's.
pub fn build(spec: &OperatorSpec, _context: BuildContext) -> Result<Box<dyn Operator>, OperatorError> {
    match spec {
        OperatorSpec::Source(_) => Err(OperatorError::Plan("a source is not an operator of a chain".into())),
        OperatorSpec::Sink(_) => Err(OperatorError::Plan("a sink is not an operator of a chain".into())),
        _ => Err(OperatorError::Plan("the operator is not built yet".into())),
    }
}
