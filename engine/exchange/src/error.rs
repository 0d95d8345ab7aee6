//! Why an edge does not work.

use std::error::Error;

use millstream_model::ErrorKind;
use millstream_model::error::with_causes;

/// A failure of a channel, or of the rows in it.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
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
    /// Another process does not answer any more, or never did.
    #[error("{reason}")]
    ConnectionLost {
        /// Which one, and what happened.
        reason: String,
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

impl ExchangeError {
    pub(crate) fn bug(action: &str, cause: &(dyn Error + 'static)) -> Self {
        Self::Bug { action: action.into(), cause: with_causes(cause) }
    }

    /// Whether trying again may help.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::SequenceGap { .. } | Self::ConnectionLost { .. } => ErrorKind::Transient,
            Self::Bug { .. } => ErrorKind::Bug,
        }
    }
}
