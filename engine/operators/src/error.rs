//! What can go wrong in an operator.

use arrow::error::ArrowError;
use millstream_batch::KeyError;
use millstream_expr::ExprError;
use millstream_model::ErrorKind;
use millstream_state::StateError;

/// An error of an operator. The task cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// An expression could not be evaluated.
    #[error(transparent)]
    Expression(#[from] ExprError),
    /// A row without event time reached a window.
    #[error("the time attribute {column} is NULL; a window needs a time for every row")]
    NullTime {
        /// The time column.
        column: String,
    },
    /// A key could not be encoded or decoded.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// State could not be frozen or restored.
    #[error(transparent)]
    State(#[from] StateError),
    /// The checkpoint has a table that this operator does not keep.
    #[error("the checkpoint has a state table {table} that the operator does not keep")]
    UnknownTable {
        /// The table.
        table: String,
    },
    /// Columns could not be built.
    #[error("{action}")]
    Columns {
        /// What was being done.
        action: &'static str,
        /// What Arrow said.
        source: ArrowError,
    },
    /// The plan asks for something that operators cannot do, or its parts contradict each other.
    #[error("the compiled plan is wrong: {0}")]
    Plan(String),
}

impl OperatorError {
    /// What has to happen next.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Expression(ExprError::Value { .. }) | Self::NullTime { .. } => ErrorKind::User,
            Self::State(StateError::ForeignKeyGroup { .. }) => ErrorKind::Bug,
            // A restore fills the store anew.
            Self::State(StateError::Spill(_)) => ErrorKind::Transient,
            Self::State(_) | Self::UnknownTable { .. } => ErrorKind::State,
            Self::Expression(_) | Self::Key(_) | Self::Columns { .. } | Self::Plan(_) => ErrorKind::Bug,
        }
    }

    /// For `map_err` on Arrow's results.
    pub(crate) fn columns(action: &'static str) -> impl FnOnce(ArrowError) -> Self {
        move |source| Self::Columns { action, source }
    }
}
