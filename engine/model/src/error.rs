//! Why a job stopped, classified by what has to happen next.

use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The remedy. Exit codes, restart decisions and, later, phases and event reasons derive from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorKind {
    /// A passing fault (network, storage): restart the tasks.
    Transient,
    /// Something outside that the job needs, such as its storage, did not do its part for as long as it was waited for here:
    /// start the job again.
    Unavailable,
    /// The data or the SQL is wrong: restarting gives the same error.
    User,
    /// A newer coordinator owns the job: stop for good.
    Fenced,
    /// State or configuration cannot be reconciled: a person must decide.
    State,
    /// An invariant of the engine broke.
    Bug,
}

/// A failure of a task or of the coordinator, as it is reported and recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// What has to happen next.
    pub kind: ErrorKind,
    /// The whole story in one line: what failed, on which object, why, and what to do.
    pub message: String,
}

impl JobError {
    /// An error of `kind` that says `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// An error of `kind` that says what `error` and its causes say.
    pub fn of(kind: ErrorKind, error: &(dyn Error + 'static)) -> Self {
        Self::new(kind, with_causes(error))
    }
}

/// An error and its causes in one line; a cause that the text before it tells already is left out.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let part = cause.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        source = cause.source();
    }
    text
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for JobError {}
