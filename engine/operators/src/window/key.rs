//! Keys of slices: `slice_end BIGINT, visible_from BIGINT`, then the user's key, in the memcomparable encoding.
//!
//! The key group is that of the user's key alone, so that all slices of a key live in one subtask. Example: the slice `[4 s, 6 s)`,
//! visible from the window that ends at 6 s on, of the global group has a key of 18 bytes.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::buffer::ScalarBuffer;
use millstream_batch::{EncodedKeys, StreamBatch, encode_keys};
use millstream_model::key_group::key_hash;

use crate::error::OperatorError;

/// Two encoded BIGINTs that are not NULL.
const PREFIX_BYTES: usize = 18;

/// What stands before the user's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlicePrefix {
    pub(crate) slice_end: i64,
    pub(crate) visible_from: i64,
}

impl SlicePrefix {
    /// Reads the prefix of a key; `None` if the key has none.
    pub(crate) fn of(key: &[u8]) -> Option<Self> {
        let prefix = key.first_chunk::<PREFIX_BYTES>()?;
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&prefix[at..at + 8]);
            (u64::from_be_bytes(bytes) ^ (1 << 63)) as i64
        };
        (prefix[0] == 1 && prefix[9] == 1).then(|| Self { slice_end: number(1), visible_from: number(10) })
    }

    /// The smallest key of any slice that ends at `slice_end` or later.
    pub(crate) fn first_key(slice_end: i64) -> Vec<u8> {
        let mut key = vec![1];
        key.extend_from_slice(&((slice_end as u64) ^ (1 << 63)).to_be_bytes());
        key
    }

    /// The hash of a slice's whole key from that of the user's key.
    const fn hash(self, user_key_hash: u64) -> u64 {
        let slice = (self.slice_end as u64).wrapping_mul(0xff51_afd7_ed55_8ccd);
        let visible = (self.visible_from as u64).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        user_key_hash ^ slice.rotate_left(31) ^ visible
    }

    /// The hash of a stored key.
    pub(crate) fn index_hash(key: &[u8]) -> u64 {
        Self::of(key).map_or(0, |prefix| prefix.hash(key_hash(user_key(key))))
    }
}

/// The user's part of a slice's key.
pub(crate) fn user_key(key: &[u8]) -> &[u8] {
    key.get(PREFIX_BYTES..).unwrap_or_default()
}

/// Keys of the rows of a batch.
#[derive(Debug)]
pub(crate) struct WindowKeys {
    pub(crate) encoded: EncodedKeys,
    /// Of the user's keys: they decide the key group.
    pub(crate) key_hashes: ScalarBuffer<u64>,
    /// Of the whole keys.
    pub(crate) index_hashes: ScalarBuffer<u64>,
}

impl WindowKeys {
    /// Encodes the slices and the key columns of a batch.
    ///
    /// # Errors
    /// [`OperatorError::Key`] when a column cannot be part of a key.
    pub(crate) fn of(
        batch: &StreamBatch,
        columns: &[usize],
        slice_ends: Vec<i64>,
        visible_from: Vec<i64>,
    ) -> Result<Self, OperatorError> {
        let prefixes: Vec<SlicePrefix> = slice_ends
            .iter()
            .zip(&visible_from)
            .map(|(slice_end, visible_from)| SlicePrefix {
                slice_end: *slice_end,
                visible_from: *visible_from,
            })
            .collect();
        let mut arrays: Vec<ArrayRef> =
            vec![Arc::new(Int64Array::from(slice_ends)), Arc::new(Int64Array::from(visible_from))];
        arrays.extend(columns.iter().map(|c| batch.column(*c).clone()));
        let encoded = encode_keys(&arrays, batch.num_rows())?;
        let user_hash = |row: usize| key_hash(user_key(encoded.get(row)));
        let is_ours = |hashes: &&ScalarBuffer<u64>| hashes.first().is_some_and(|h| *h == user_hash(0));
        let key_hashes: ScalarBuffer<u64> = match batch.key_hash().filter(is_ours) {
            Some(carried) => carried.clone(),
            None => (0..batch.num_rows()).map(user_hash).collect(),
        };
        let index_hashes =
            prefixes.iter().zip(&*key_hashes).map(|(prefix, hash)| prefix.hash(*hash)).collect();
        Ok(Self { encoded, key_hashes, index_hashes })
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{RecordBatch, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    #[test]
    fn prefixes_come_back_and_stored_keys_hash_as_new_ones() {
        let schema = Arc::new(Schema::new(vec![Field::new("k", DataType::Utf8, true)]));
        let rows =
            RecordBatch::try_new(schema, vec![Arc::new(StringArray::from(vec![Some("a"), None]))]).unwrap();
        let keys =
            WindowKeys::of(&StreamBatch::new(rows), &[0], vec![-6, i64::MAX], vec![6, i64::MIN]).unwrap();
        let expected = [(-6, 6), (i64::MAX, i64::MIN)];
        for (row, (slice_end, visible_from)) in expected.into_iter().enumerate() {
            let key = keys.encoded.get(row);
            assert_eq!(SlicePrefix::of(key), Some(SlicePrefix { slice_end, visible_from }));
            assert_eq!(SlicePrefix::index_hash(key), keys.index_hashes[row]);
            assert_eq!(key_hash(user_key(key)), keys.key_hashes[row]);
        }
    }

    #[test]
    fn what_is_no_slice_key_has_no_prefix() {
        for key in [&b""[..], &[1; 17], &[0; 18]] {
            assert_eq!(SlicePrefix::of(key), None);
            assert_eq!((user_key(key).len(), SlicePrefix::index_hash(key)), (0, 0));
        }
    }
}
