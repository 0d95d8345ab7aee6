//! The engine's own encoding of reports and orders.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest message. A restore lists the objects of a subtask's state: 100,000 of them are some 20 MB.
pub const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// A message that is no message of this version.
#[derive(Debug, thiserror::Error)]
#[error("a message cannot be read: {0}; both sides must be of the same version")]
pub struct DecodeError(#[from] postcard::Error);

/// A report or an order as bytes.
///
/// # Errors
/// None for the types of `millstream_model::control`; others may have parts that have no encoding.
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>, DecodeError> {
    Ok(postcard::to_stdvec(message)?)
}

/// The report or order in these bytes.
///
/// # Errors
/// They are none.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    Ok(postcard::from_bytes(bytes)?)
}

#[cfg(test)]
mod tests {
    use millstream_model::control::{FromWorker, HeldSlots, ToWorker};
    use millstream_model::snapshot::SubtaskRestore;
    use millstream_model::{Attempt, ChainId, Generation, SubtaskId};

    use super::*;

    #[test]
    fn messages_come_back_as_they_were_sent() {
        let subtask = SubtaskId { chain: ChainId(3), index: 7 };
        let restore = SubtaskRestore::default();
        let order = ToWorker::Deploy { attempt: Attempt(1), generation: Generation(2), subtask, restore };
        assert_eq!(decode::<ToWorker>(&encode(&order).unwrap()).unwrap(), order);
        let fingerprint = "f".to_owned();
        let held = HeldSlots { of: 2, slots: vec![1] };
        let report = FromWorker::Registered { worker: 1, slots: 2, fingerprint, address: None, held };
        let bytes = encode(&report).unwrap();
        assert_eq!(decode::<FromWorker>(&bytes).unwrap(), report);
        let error = decode::<FromWorker>(&bytes[..bytes.len() - 1]).unwrap_err().to_string();
        assert!(error.ends_with("both sides must be of the same version"), "{error}");
    }
}
