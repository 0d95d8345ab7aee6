//! Calls to the engine: begun in the background, looked at later, never waited for.

use std::fmt;

use millstream_api::status::StopMethod;

use crate::time::Timestamp;

/// A call that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Whom: the coordinator of this deployment.
    pub attempt: i64,
    /// For which plan; the result of another plan's call means nothing for this one.
    pub plan: String,
    /// What was asked.
    pub kind: CallKind,
    /// How far it is.
    pub state: CallState,
}

/// What the engine is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// Stop in this way.
    Stop(StopMethod),
    /// Go on at this parallelism.
    Rescale(i32),
    /// Take the job over.
    Activate,
}

/// How far a call is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallState {
    /// No answer yet.
    Running {
        /// When it began.
        since: Timestamp,
    },
    /// It is done.
    Done {
        /// The epoch that it ended at, if it was about one.
        epoch: Option<i64>,
        /// When that was known.
        at: Timestamp,
    },
    /// It was refused, failed, or ran into its deadline; the engine may have done it nevertheless.
    Failed {
        /// What was said.
        message: String,
        /// When that was known.
        at: Timestamp,
    },
}

impl fmt::Display for CallKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stop(method) => write!(f, "stop ({method:?})"),
            Self::Rescale(parallelism) => write!(f, "rescale to {parallelism}"),
            Self::Activate => f.write_str("activate"),
        }
    }
}
