//! What went wrong with a savepoint, as an error of a connector.

use std::io;

use millstream_connectors::ConnectorError;
use millstream_model::{ErrorKind, JobError};
use millstream_savepoint::SavepointError;

/// An error of opening the savepoint: `'path'` stands in it, so that the message can be shown at the option.
pub(crate) fn of_opening(table: &str, path: &str, error: SavepointError) -> ConnectorError {
    let JobError { kind, message } = error.into();
    if kind == ErrorKind::Transient {
        return ConnectorError::Io {
            table: table.to_owned(),
            action: format!("cannot open the savepoint 'path' = '{path}'"),
            cause: message,
        };
    }
    ConnectorError::Options { table: table.to_owned(), message: format!("'path' = '{path}': {message}") }
}

/// An error of reading one of its files. Damage is no matter of positions: reading from the start would find it, too.
pub(crate) fn of_reading(table: &str, place: &str, error: SavepointError) -> ConnectorError {
    let JobError { kind, message } = error.into();
    if kind == ErrorKind::Transient {
        let action = format!("cannot read {place}");
        return ConnectorError::Io { table: table.to_owned(), action, cause: message };
    }
    // Damage names the file, which stands before the message anyway.
    let message = message.strip_prefix(&format!("{place} is ")).map_or(message.clone(), str::to_owned);
    ConnectorError::Record { table: table.to_owned(), place: place.to_owned(), message }
}

/// An error of the system, which may pass.
pub(crate) fn of_waiting(table: &str, action: String, error: &io::Error) -> ConnectorError {
    ConnectorError::Io { table: table.to_owned(), action, cause: error.to_string() }
}
