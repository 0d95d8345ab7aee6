//! Splits and positions as bytes in checkpoints. Both encodings are persistent formats: variants are only ever added.
//!
//! A split is a file of the table, by its key in the savepoint, which begins with the attempt that wrote it: another savepoint under
//! the same name has other files. A position is the number of rows that were read. Example: `00c0ffee00c0ffee/agg/main/00000-00064.parquet`
//! at 8,192.

use millstream_connectors::ConnectorError;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
enum Split {
    V1 { file: String },
}

#[derive(Serialize, Deserialize)]
enum Position {
    V1 { rows: u64 },
}

/// A split for a checkpoint.
pub(crate) fn encode_split(file: &str) -> Vec<u8> {
    postcard::to_stdvec(&Split::V1 { file: file.to_owned() }).unwrap_or_default()
}

/// The file of a split.
///
/// # Errors
/// `Position` when the bytes are none.
pub(crate) fn decode_split(table: &str, bytes: &[u8]) -> Result<String, ConnectorError> {
    match exact(bytes) {
        Ok(Split::V1 { file }) => Ok(file),
        Err(reason) => Err(damaged(table, "the description of a split", &reason)),
    }
}

/// A position for a checkpoint.
pub(crate) fn encode_position(rows: u64) -> Vec<u8> {
    postcard::to_stdvec(&Position::V1 { rows }).unwrap_or_default()
}

/// The rows before a position; the empty one is the start.
///
/// # Errors
/// `Position` when the bytes are none.
pub(crate) fn decode_position(table: &str, bytes: &[u8]) -> Result<u64, ConnectorError> {
    if bytes.is_empty() {
        return Ok(0);
    }
    match exact(bytes) {
        Ok(Position::V1 { rows }) => Ok(rows),
        Err(reason) => Err(damaged(table, "the position in a split", &reason)),
    }
}

/// A value that uses all of its bytes up.
pub(crate) fn exact<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Result<T, String> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(format!("{} bytes too many", rest.len())),
        Err(reason) => Err(reason.to_string()),
    }
}

/// The error about bytes of a checkpoint.
pub(crate) fn damaged(table: &str, what: &str, reason: &str) -> ConnectorError {
    let message = format!("{what} is damaged or from a newer version: {reason}");
    ConnectorError::Position { table: table.to_owned(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These bytes are in checkpoints of released versions.
    #[test]
    fn the_encodings_stay() {
        assert_eq!(encode_split("a/b"), [0, 3, b'a', b'/', b'b']);
        assert_eq!(decode_split("t", &[0, 3, b'a', b'/', b'b']).unwrap(), "a/b");
        assert_eq!(encode_position(300), [0, 172, 2]);
        assert_eq!(decode_position("t", &[0, 172, 2]).unwrap(), 300);
        assert_eq!(decode_position("t", &[]).unwrap(), 0);
    }

    #[test]
    fn damaged_bytes_are_refused() {
        for bytes in [&[1][..], &[0, 9, b'a'], &[0, 1, b'a', b'b']] {
            assert!(matches!(decode_split("t", bytes), Err(ConnectorError::Position { .. })), "{bytes:?}");
        }
        for bytes in [&[1, 1][..], &[0, 128], &[0, 1, 1]] {
            assert!(matches!(decode_position("t", bytes), Err(ConnectorError::Position { .. })), "{bytes:?}");
        }
    }
}
