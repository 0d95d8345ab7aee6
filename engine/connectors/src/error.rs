//! What can go wrong at the edge to other systems, classified by remedy.

use millstream_model::ErrorKind;

/// A failure of a connector or of a format. The message names the table, the place (file, line, offset) and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// The table's options are wrong.
    #[error("table `{table}`: {message}")]
    Options {
        /// The table.
        table: String,
        /// What is wrong, and what is allowed.
        message: String,
    },
    /// A record cannot be decoded, and the table says `fail`.
    #[error("table `{table}`: {place}: {message}")]
    Record {
        /// The table.
        table: String,
        /// File and line, or partition and offset.
        place: String,
        /// What is wrong with it.
        message: String,
    },
    /// A row cannot be encoded for this sink.
    #[error("table `{table}`: cannot write the row: {message}")]
    Encode {
        /// The table.
        table: String,
        /// Why.
        message: String,
    },
    /// The outside failed in a way that may pass.
    #[error("table `{table}`: {action}: {cause}")]
    Io {
        /// The table.
        table: String,
        /// What was tried, on which object.
        action: String,
        /// What came back.
        cause: String,
    },
    /// A stored position or split description cannot be read, or no longer fits what is outside.
    #[error("table `{table}`: cannot continue from the stored position: {message}")]
    Position {
        /// The table.
        table: String,
        /// Why.
        message: String,
    },
    /// The target refuses this output for good.
    #[error("table `{table}`: the target refuses the output of epoch {epoch}: {message}")]
    Refused {
        /// The table.
        table: String,
        /// Which epoch.
        epoch: u64,
        /// Why, and what to do.
        message: String,
    },
    /// A newer owner has written to the target: this one must stop.
    #[error("table `{table}`: fenced by a newer owner: {message}")]
    Fenced {
        /// The table.
        table: String,
        /// By whom.
        message: String,
    },
}

impl ConnectorError {
    /// What has to happen next.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Options { .. } | Self::Record { .. } | Self::Encode { .. } => ErrorKind::User,
            Self::Io { .. } => ErrorKind::Transient,
            Self::Position { .. } | Self::Refused { .. } => ErrorKind::State,
            Self::Fenced { .. } => ErrorKind::Fenced,
        }
    }
}
