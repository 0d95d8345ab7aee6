//! Why a command did not succeed, and the exit code that says so.

use std::io::Write as _;

use millstream_checkpoint_store::StoreError;
use millstream_model::{ErrorKind, JobError};
use millstream_savepoint::SavepointError;

/// Version, commit and build profile, as `millstream --version` shows them.
pub(crate) fn version() -> &'static str {
    concat!(env!("CARGO_PKG_VERSION"), " (", env!("MILLSTREAM_COMMIT"), ", ", env!("MILLSTREAM_PROFILE"), ")")
}

/// A command that did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// The user's mistake: manifest, SQL, options. Exit code 2.
    Mistake(String),
    /// Storage has nothing that the job may go on from. Exit code 2.
    NothingToRestore(String),
    /// The job failed. Exit code 1.
    Job(String),
    /// Something outside did not do its part, such as a storage or a coordinator elsewhere: trying again later may help. Exit
    /// code 1.
    Unavailable(String),
    /// Another coordinator took the job over. Exit code 1.
    Fenced(String),
}

impl Failure {
    /// The process's exit code.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Mistake(_) | Self::NothingToRestore(_) => 2,
            Self::Job(_) | Self::Unavailable(_) | Self::Fenced(_) => 1,
        }
    }

    /// The text for the user.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::Mistake(message)
            | Self::NothingToRestore(message)
            | Self::Job(message)
            | Self::Unavailable(message)
            | Self::Fenced(message) => message,
        }
    }

    /// Writes the message to stderr. Reports that come rendered are left as they are.
    pub(crate) fn print(&self) {
        let message = self.message();
        let prefix =
            if message.starts_with("error") || message.starts_with('\u{1b}') { "" } else { "error: " };
        let _ = writeln!(std::io::stderr(), "{prefix}{message}");
    }
}

/// The only place that says which errors of a command are the user's: those that a person has to decide on. A job that ran is
/// judged by how it ended.
impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        match error.kind {
            ErrorKind::User | ErrorKind::State => Self::Mistake(error.message),
            ErrorKind::Fenced => Self::Fenced(error.message),
            ErrorKind::Transient | ErrorKind::Unavailable => Self::Unavailable(error.message),
            ErrorKind::Bug => Self::Job(error.message),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let is_too_old = matches!(error, StoreError::TooOld { .. });
        let error = JobError::from(error);
        if is_too_old { Self::NothingToRestore(error.message) } else { Self::from(error) }
    }
}

impl From<SavepointError> for Failure {
    fn from(error: SavepointError) -> Self {
        Self::from(JobError::from(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream_model::Generation;

    #[test]
    fn the_exit_code_says_who_has_to_act() {
        let fenced = SavepointError::Fenced { by: Generation(2), coordinator: "other".into() };
        assert_eq!(Failure::from(fenced).code(), 1);
        let name = SavepointError::Name { name: "a b".into(), reason: "it has a blank" };
        assert_eq!(Failure::from(name).code(), 2);
        let codes = [
            (ErrorKind::User, 2),
            (ErrorKind::State, 2),
            (ErrorKind::Transient, 1),
            (ErrorKind::Unavailable, 1),
            (ErrorKind::Fenced, 1),
            (ErrorKind::Bug, 1),
        ];
        for (kind, code) in codes {
            assert_eq!(Failure::from(JobError::new(kind, "x")).code(), code, "{kind:?}");
        }
    }
}
