//! Why a task ended.

use std::error::Error;

use millstream_connectors::ConnectorError;
use millstream_exchange::ExchangeError;
use millstream_model::error::with_causes;
use millstream_model::{ErrorKind, JobError};
use millstream_operators::OperatorError;

/// A failure of one task. Each message says what was tried, on what, and why it failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// An edge to or from other subtasks does not work.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
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
    /// State takes more memory than it may.
    #[error(
        "{operator} holds {} of state, and its slot {} in all ({} of it are on their way to the bucket), more than the {} that a slot \
         has: {}, or more slots (parallelism.default)",
        mebibytes(*bytes),
        mebibytes(*slot_bytes),
        mebibytes(*being_stored_bytes),
        mebibytes(*budget_bytes),
        more_memory(*is_spilling)
    )]
    Memory {
        /// The operator that holds the most.
        operator: String,
        /// What it holds.
        bytes: usize,
        /// What the whole slot holds.
        slot_bytes: usize,
        /// Copies of state and staged output among it, that the bucket does not have yet.
        being_stored_bytes: usize,
        /// What it may hold.
        budget_bytes: usize,
        /// Whether state may lie in a store, too.
        is_spilling: bool,
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
            Self::Exchange(error) => error.kind(),
            Self::Connector(error) => error.kind(),
            // A restart would end the same way.
            Self::Data { .. } | Self::Memory { .. } => ErrorKind::User,
            Self::State { kind, .. } => *kind,
            Self::Bug { .. } => ErrorKind::Bug,
        }
    }

    /// The error as it is reported.
    pub(crate) fn into_job_error(self) -> JobError {
        JobError::new(self.kind(), self.to_string())
    }
}

const fn more_memory(is_spilling: bool) -> &'static str {
    if is_spilling {
        "give each slot more memory (state.backend.rocksdb.memory.fixed-per-slot)"
    } else {
        "keep state in RocksDB (SET 'state.backend.type' = 'rocksdb'), or give the job more memory \
         (taskmanager.memory.task.heap.size)"
    }
}

/// `1.5 MiB`.
fn mebibytes(bytes: usize) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
