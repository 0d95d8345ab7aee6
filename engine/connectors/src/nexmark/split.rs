//! Splits and positions, as bytes in checkpoints. The encodings are persistent formats: variants are only ever added.

use serde::{Deserialize, Serialize};

use super::generator::Place;

/// One generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NexmarkSplit {
    pub(super) index: u32,
    pub(super) splits: u32,
    pub(super) first_event_id: i64,
    pub(super) seed: u64,
    /// Event time of the first event, in milliseconds since 1970.
    pub(super) base_ms: i64,
    /// When the job first started, in milliseconds since 1970: when the first event was due.
    pub(super) start_ms: i64,
}

#[derive(Serialize, Deserialize)]
enum VersionedSplit {
    V1(NexmarkSplit),
}

#[derive(Serialize, Deserialize)]
enum VersionedPosition {
    /// Events before the position, and the state of the random numbers there.
    V1(i64, u64),
}

impl NexmarkSplit {
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

    /// How many of `all` events are here: the last split takes the remainder.
    pub(super) fn share(self, all: i64) -> i64 {
        let each = all / i64::from(self.splits);
        if self.index + 1 == self.splits { all - each * i64::from(self.splits - 1) } else { each }
    }
}

/// A position for a checkpoint.
pub(super) fn encode_position(place: Place) -> Vec<u8> {
    postcard::to_stdvec(&VersionedPosition::V1(place.events, place.random)).unwrap_or_default()
}

/// A position from a checkpoint; empty is the start, which is `None`.
pub(super) fn decode_position(bytes: &[u8]) -> Result<Option<Place>, String> {
    if bytes.is_empty() {
        return Ok(None);
    }
    match postcard::from_bytes(bytes) {
        Ok(VersionedPosition::V1(events, random)) => Ok(Some(Place { events, random })),
        Err(error) => Err(format!("the position in a split is damaged or from a newer version: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(index: u32, splits: u32) -> NexmarkSplit {
        NexmarkSplit { index, splits, first_event_id: 1, seed: 42, base_ms: 3, start_ms: -4 }
    }

    /// These bytes are in checkpoints of released versions.
    #[test]
    fn the_encodings_stay() {
        assert_eq!(split(1, 4).encode(), [0, 1, 4, 2, 42, 6, 7]);
        assert_eq!(NexmarkSplit::decode(&[0, 1, 4, 2, 42, 6, 7]), Ok(split(1, 4)));
        assert_eq!(encode_position(Place { events: 300, random: 5 }), [0, 216, 4, 5]);
        assert_eq!(decode_position(&[0, 216, 4, 5]), Ok(Some(Place { events: 300, random: 5 })));
        assert_eq!(decode_position(&[]), Ok(None));
    }

    #[test]
    fn damaged_bytes_are_refused() {
        assert_eq!(NexmarkSplit::decode(&split(4, 4).encode()).unwrap_err(), "there is no split 4 of 4");
        assert!(
            NexmarkSplit::decode(&[0, 4]).unwrap_err().starts_with("the description of a split is damaged")
        );
        assert!(decode_position(&[3]).unwrap_err().starts_with("the position in a split is damaged"));
    }

    #[test]
    fn the_last_split_takes_the_remainder() {
        let shares: Vec<i64> = (0..4).map(|index| split(index, 4).share(103)).collect();
        assert_eq!(shares, [25, 25, 25, 28]);
        assert_eq!(split(0, 1).share(103), 103);
    }
}
