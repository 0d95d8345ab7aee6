//! From a specification of the compiled plan to an operator of a subtask.

use millstream_plan::OperatorSpec;

use crate::calc::Calc;
use crate::error::OperatorError;
use crate::group_aggregate::GroupAggregate;
use crate::local_aggregate::LocalAggregate;
use crate::local_window_aggregate::LocalWindowAggregate;
use crate::operator::{BuildContext, Operator};
use crate::processing_window_aggregate::ProcessingWindowAggregate;
use crate::session_aggregate::SessionAggregate;
use crate::window_aggregate::WindowAggregate;
use crate::window_assign::WindowAssign;

/// Builds the operator of a specification for one subtask. Sources and sinks are the worker's.
///
/// # Errors
/// [`OperatorError::Plan`] when the specification contradicts itself, or is a source's or a sink's.
pub fn build(spec: &OperatorSpec, context: BuildContext) -> Result<Box<dyn Operator>, OperatorError> {
    Ok(match spec {
        OperatorSpec::Calc(spec) => Box::new(Calc::new(spec.clone(), context.clock)?),
        OperatorSpec::WindowAssign(spec) => Box::new(WindowAssign::new(spec.clone())?),
        OperatorSpec::LocalWindowAggregate(spec) => Box::new(LocalWindowAggregate::new(spec.clone())?),
        OperatorSpec::WindowAggregate(spec) if spec.window.is_session() => {
            Box::new(SessionAggregate::new(spec.clone(), context)?)
        }
        OperatorSpec::WindowAggregate(spec) => Box::new(WindowAggregate::new(spec.clone(), context)?),
        OperatorSpec::ProcessingWindowAggregate(spec) => {
            Box::new(ProcessingWindowAggregate::new(spec.clone(), context)?)
        }
        OperatorSpec::LocalAggregate(spec) => Box::new(LocalAggregate::new(spec.clone(), context.clock)?),
        OperatorSpec::GroupAggregate(spec) => Box::new(GroupAggregate::new(spec.clone(), context)?),
        OperatorSpec::Source(_) => {
            return Err(OperatorError::Plan("a source is not an operator of a chain".into()));
        }
        OperatorSpec::Sink(_) => {
            return Err(OperatorError::Plan("a sink is not an operator of a chain".into()));
        }
    })
}
