//! Why a task ended.

use std::error::Error;

use millstream_connectors::ConnectorError;
use millstream_model::error::with_causes;
use millstream_model::{ErrorKind, JobError};
use millstream_operators::OperatorError;

/// A failure of one task. Each message says what was tried, on what, and why it failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// Rows were lost between two tasks.
    #[error("channel {channel} skipped from element {expected} to {found}: rows were lost on the way")]
    SequenceGap {
        /// Which channel of the gate.
        channel: usize,
        /// The number that should have come.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// Source or sink failed.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    /// An expression failed on the data.
    #[error("{operator}: {message}")]
    Data {
        /// Which operator.
        operator: String,
        /// What is wrong with which value.
        message: String,
    },
    /// State could not be stored, fetched or understood.
    #[error("{action}: {cause}")]
    State {
        /// What was tried.
        action: String,
        /// Why it failed.
        cause: String,
        /// Whether trying again may help.
        kind: ErrorKind,
    },
    /// An invariant of the engine broke.
    #[error("{action}: {cause}; this is a bug in Millstream")]
    Bug {
        /// What was tried.
        action: String,
        /// What broke.
        cause: String,
    },
}

impl TaskError {
    pub(crate) fn bug(action: &str, cause: &(dyn Error + 'static)) -> Self {
        Self::Bug { action: action.into(), cause: with_causes(cause) }
    }

    pub(crate) fn from_operator(operator: &str, error: &OperatorError) -> Self {
        match error.kind() {
            ErrorKind::User => Self::Data { operator: operator.into(), message: with_causes(error) },
            ErrorKind::Bug => Self::bug(operator, error),
            kind => Self::State { action: operator.into(), cause: with_causes(error), kind },
        }
    }

    const fn kind(&self) -> ErrorKind {
        match self {
            Self::SequenceGap { .. } => ErrorKind::Transient,
            Self::Connector(error) => error.kind(),
            Self::Data { .. } => ErrorKind::User,
            Self::State { kind, .. } => *kind,
            Self::Bug { .. } => ErrorKind::Bug,
        }
    }

    /// The error as it is reported.
    pub(crate) fn into_job_error(self) -> JobError {
        JobError::new(self.kind(), self.to_string())
    }
}
