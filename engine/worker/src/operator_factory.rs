//! Where a worker's operators come from.
//!
//! Owns nothing but the choice: the engine's own operators by default. A test puts something around each of them, an operator
//! that forgets the last row of every batch for example, and expects to see it in the result.

use std::fmt;
use std::sync::Arc;

use millstream_operators::{BuildContext, Operator, OperatorError};
use millstream_plan::OperatorSpec;

type Make = dyn Fn(&OperatorSpec, BuildContext) -> Result<Box<dyn Operator>, OperatorError> + Send + Sync;

/// Builds the operators of a worker's subtasks.
#[derive(Clone)]
pub struct OperatorFactory(Arc<Make>);

impl OperatorFactory {
    /// One that builds by this function, called once for each operator of each subtask.
    pub fn new(
        make: impl Fn(&OperatorSpec, BuildContext) -> Result<Box<dyn Operator>, OperatorError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self(Arc::new(make))
    }

    /// Builds an operator.
    ///
    /// # Errors
    /// Those of [`millstream_operators::build`].
    pub fn build(
        &self,
        spec: &OperatorSpec,
        context: BuildContext,
    ) -> Result<Box<dyn Operator>, OperatorError> {
        (self.0)(spec, context)
    }
}

impl Default for OperatorFactory {
    fn default() -> Self {
        Self::new(millstream_operators::build)
    }
}

impl fmt::Debug for OperatorFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OperatorFactory")
    }
}
