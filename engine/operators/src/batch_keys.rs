//! Keys of the rows of a batch: encoded once, hashed once.
//!
//! Example: the keys of `("a", 1) ("b", 2)` are the encodings of both columns, one after the other, row by row.

use arrow::buffer::ScalarBuffer;

use arrow::array::ArrayRef;
use millstream_batch::{EncodedKeys, StreamBatch, encode_keys};
use millstream_model::key_group::key_hash;

use crate::error::OperatorError;

/// Encoded keys with the hashes that decide their key groups.
#[derive(Debug)]
pub(crate) struct BatchKeys {
    pub(crate) encoded: EncodedKeys,
    pub(crate) hashes: ScalarBuffer<u64>,
}

impl BatchKeys {
    /// The keys of a batch. The exchange's hashes are used if they are there and belong to these columns.
    ///
    /// # Errors
    /// [`OperatorError::Key`] when a column cannot be part of a key.
    pub(crate) fn of(batch: &StreamBatch, columns: &[usize]) -> Result<Self, OperatorError> {
        let columns: Vec<ArrayRef> = columns.iter().map(|c| batch.column(*c).clone()).collect();
        let encoded = encode_keys(&columns, batch.num_rows())?;
        // A filter behind the exchange keeps the hashes; a forward edge may bring those of another key. One row tells.
        let is_ours =
            |hashes: &&ScalarBuffer<u64>| hashes.first().is_some_and(|h| *h == key_hash(encoded.get(0)));
        let hashes = match batch.key_hash().filter(is_ours) {
            Some(carried) => carried.clone(),
            None => encoded.hashes().into(),
        };
        Ok(Self { encoded, hashes })
    }
}
