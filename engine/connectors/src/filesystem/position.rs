//! Where a reader is, as bytes in checkpoints. The encoding is a persistent format: variants are only ever added.

use serde::{Deserialize, Serialize};

/// A place between two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FilePosition {
    /// Bytes before the next record, decompressed.
    pub(super) offset: u64,
}

#[derive(Serialize, Deserialize)]
enum Versioned {
    V1(FilePosition),
}

impl FilePosition {
    /// For a checkpoint.
    pub(super) fn encode(self) -> Vec<u8> {
        postcard::to_stdvec(&Versioned::V1(self)).unwrap_or_default()
    }

    /// From a checkpoint; `None` for the empty position, the start of the split.
    pub(super) fn decode(bytes: &[u8]) -> Result<Option<Self>, String> {
        if bytes.is_empty() {
            return Ok(None);
        }
        match postcard::from_bytes(bytes) {
            Ok(Versioned::V1(position)) => Ok(Some(position)),
            Err(error) => Err(format!("the position in a split is damaged or from a newer version: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These bytes are in checkpoints of released versions.
    #[test]
    fn the_encoding_stays() {
        let position = FilePosition { offset: 300 };
        assert_eq!(position.encode(), [0, 172, 2]);
        assert_eq!(FilePosition::decode(&[0, 172, 2]), Ok(Some(position)));
        assert_eq!(FilePosition::decode(&[]), Ok(None));
    }

    #[test]
    fn damaged_positions_are_refused() {
        for bytes in [&[0][..], &[0, 128], &[9, 1]] {
            let message = FilePosition::decode(bytes).unwrap_err();
            assert!(
                message.starts_with("the position in a split is damaged or from a newer version"),
                "{message}"
            );
        }
    }
}
