//! Keys of sessions: `origin BIGINT`, then the user's key, in the memcomparable encoding.
//!
//! The origin is the time of the row that began the session, and stays when earlier rows are added to it. The key group is that of
//! the user's key alone. Example: a session of the global group has a key of 9 bytes.

use millstream_model::key_group::key_hash;

/// An encoded BIGINT that is not NULL.
const ORIGIN_BYTES: usize = 9;

/// What stands before the user's key.
pub(crate) const fn session_key(origin: i64) -> [u8; ORIGIN_BYTES] {
    let [a, b, c, d, e, f, g, h] = ((origin as u64) ^ (1 << 63)).to_be_bytes();
    [1, a, b, c, d, e, f, g, h]
}

/// The user's part of a session's key.
pub(crate) fn user_key(key: &[u8]) -> &[u8] {
    key.get(ORIGIN_BYTES..).unwrap_or_default()
}

/// The origin in a session's key; 0 if there is none.
pub(crate) fn origin_of(key: &[u8]) -> i64 {
    match key.first_chunk::<ORIGIN_BYTES>() {
        Some([_, number @ ..]) => (u64::from_be_bytes(*number) ^ (1 << 63)) as i64,
        None => 0,
    }
}

/// The hash of a session's whole key from that of the user's key.
pub(crate) const fn session_hash(origin: i64, user_key_hash: u64) -> u64 {
    user_key_hash ^ (origin as u64).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(31)
}

/// The hash of a stored key.
pub(crate) fn index_hash(key: &[u8]) -> u64 {
    session_hash(origin_of(key), key_hash(user_key(key)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use millstream_batch::encode_keys;

    use super::*;

    #[test]
    fn keys_are_those_of_two_columns_and_come_back() {
        let origins = [0, -5, i64::MAX, i64::MIN];
        let columns: [ArrayRef; 2] = [
            Arc::new(Int64Array::from(origins.to_vec())),
            Arc::new(StringArray::from(vec![Some("a"), None, Some(""), Some("b")])),
        ];
        let both = encode_keys(&columns, 4).unwrap();
        let users = encode_keys(&columns[1..], 4).unwrap();
        for (row, origin) in origins.into_iter().enumerate() {
            let key = [&session_key(origin)[..], users.get(row)].concat();
            assert_eq!(key, both.get(row));
            assert_eq!((origin_of(&key), user_key(&key)), (origin, users.get(row)));
            assert_eq!(index_hash(&key), session_hash(origin, key_hash(users.get(row))));
        }
    }

    #[test]
    fn what_is_too_short_is_no_key() {
        assert_eq!((origin_of(&[1; 8]), user_key(&[1; 8]).len()), (0, 0));
    }
}
