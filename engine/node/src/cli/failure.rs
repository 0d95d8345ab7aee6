//! Why a command did not succeed, and the exit code that says so.

use std::io::Write as _;

use millstream_model::{ErrorKind, JobError};

/// Version, commit and build profile, as `millstream --version` shows them.
pub(crate) fn version() -> &'static str {
    concat!(env!("CARGO_PKG_VERSION"), " (", env!("MILLSTREAM_COMMIT"), ", ", env!("MILLSTREAM_PROFILE"), ")")
}

/// A command that did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// The user's mistake: manifest, SQL, options. Exit code 2.
    Mistake(String),
    /// The job failed or was fenced. Exit code 1.
    Job(String),
}

impl Failure {
    /// The process's exit code.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Mistake(_) => 2,
            Self::Job(_) => 1,
        }
    }

    /// The text for the user.
    #[must_use]
    pub fn message(&self) -> &str {
        let (Self::Mistake(message) | Self::Job(message)) = self;
        message
    }

    /// Writes the message to stderr. Reports that come rendered are left as they are.
    pub(crate) fn print(&self) {
        let message = self.message();
        let prefix =
            if message.starts_with("error") || message.starts_with('\u{1b}') { "" } else { "error: " };
        let _ = writeln!(std::io::stderr(), "{prefix}{message}");
    }
}

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        match error.kind {
            ErrorKind::State => Self::Mistake(error.message),
            _ => Self::Job(error.message),
        }
    }
}
