//! Splits and positions, as bytes in checkpoints. The encodings are persistent formats: variants are only ever added.

use serde::{Deserialize, Serialize};

/// Rows `index`, `index + splits`, ...
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DatagenSplit {
    pub(super) index: u32,
    pub(super) splits: u32,
    /// When the job first started, in milliseconds since 1970: what "now" starts at.
    pub(super) start_ms: i64,
}

#[derive(Serialize, Deserialize)]
enum VersionedSplit {
    V1(DatagenSplit),
}

#[derive(Serialize, Deserialize)]
enum VersionedPosition {
    /// Rows of the split that were read.
    V1(u64),
}

impl DatagenSplit {
    /// For a checkpoint.
    pub(super) fn encode(self) -> Vec<u8> {
        postcard::to_stdvec(&VersionedSplit::V1(self)).unwrap_or_default()
    }

    /// From a checkpoint.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, String> {
        match postcard::from_bytes(bytes) {
            Ok(VersionedSplit::V1(split)) if split.index < split.splits => Ok(split),
            Ok(VersionedSplit::V1(split)) => {
                Err(format!("there is no split {} of {}", split.index, split.splits))
            }
            Err(error) => {
                Err(format!("the description of a split is damaged or from a newer version: {error}"))
            }
        }
    }

    /// How many of the table's rows are here.
    pub(super) fn rows(self, of: u64) -> u64 {
        let (index, splits) = (u64::from(self.index), u64::from(self.splits));
        of.saturating_sub(index).div_ceil(splits)
    }
}

/// A position for a checkpoint.
pub(super) fn encode_position(rows: u64) -> Vec<u8> {
    postcard::to_stdvec(&VersionedPosition::V1(rows)).unwrap_or_default()
}

/// A position from a checkpoint; empty is the start.
pub(super) fn decode_position(bytes: &[u8]) -> Result<u64, String> {
    if bytes.is_empty() {
        return Ok(0);
    }
    match postcard::from_bytes(bytes) {
        Ok(VersionedPosition::V1(rows)) => Ok(rows),
        Err(error) => Err(format!("the position in a split is damaged or from a newer version: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These bytes are in checkpoints of released versions.
    #[test]
    fn the_encodings_stay() {
        let split = DatagenSplit { index: 1, splits: 4, start_ms: 1_000 };
        assert_eq!(split.encode(), [0, 1, 4, 208, 15]);
        assert_eq!(DatagenSplit::decode(&[0, 1, 4, 208, 15]), Ok(split));
        assert_eq!(encode_position(300), [0, 172, 2]);
        assert_eq!((decode_position(&[0, 172, 2]), decode_position(&[])), (Ok(300), Ok(0)));
    }

    #[test]
    fn damaged_bytes_are_refused() {
        assert_eq!(DatagenSplit::decode(&[0, 4, 4, 0]).unwrap_err(), "there is no split 4 of 4");
        assert!(
            DatagenSplit::decode(&[0, 4]).unwrap_err().starts_with("the description of a split is damaged")
        );
        assert!(decode_position(&[3]).unwrap_err().starts_with("the position in a split is damaged"));
    }

    #[test]
    fn splits_share_all_rows() {
        for rows in [0, 1, 3, 4, 5, 103] {
            let shares: Vec<u64> =
                (0..4).map(|index| DatagenSplit { index, splits: 4, start_ms: 0 }.rows(rows)).collect();
            assert_eq!(shares.iter().sum::<u64>(), rows, "{shares:?}");
            assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
        }
    }
}
