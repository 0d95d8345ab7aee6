//! The frame around every record in the bucket: what it is, which format, how long, and a checksum.
//!
//! ```text
//! 0..4  "MLST"     4  kind     5..7  format version     7..15  payload length     payload     8 bytes xxh3 of all before
//! ```
//!
//! Numbers are little-endian. Length and checksum are looked at first, so that damage is never mistaken for a newer version.
//! Example: an empty payload gives 23 bytes.

use std::fmt;

use xxhash_rust::xxh3::xxh3_64;

use crate::error::DecodeError;

const MAGIC: [u8; 4] = *b"MLST";
const HEADER_BYTES: usize = 15;
const CHECKSUM_BYTES: usize = 8;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// A checkpoint's list of objects.
    Manifest,
    /// An entry of the epoch log.
    Epoch,
    /// A coordinator's claim of a generation.
    Generation,
    /// A hold on an epoch's objects.
    Pin,
    /// The mark of a published checkpoint.
    Published,
    /// A savepoint's list of files.
    Savepoint,
    /// Whose attempt the name of a savepoint belongs to.
    SavepointClaim,
}

impl RecordKind {
    const ALL: [Self; 7] = [
        Self::Manifest,
        Self::Epoch,
        Self::Generation,
        Self::Pin,
        Self::Published,
        Self::Savepoint,
        Self::SavepointClaim,
    ];

    /// The newest format that this version writes and reads.
    #[must_use]
    pub const fn version(self) -> u16 {
        1
    }

    /// Most bytes that a record may have. A state segment takes about 150 bytes of a manifest, so 256 MiB are 1.7 million
    /// segments; everything else has a handful of fields.
    #[must_use]
    pub const fn limit(self) -> u64 {
        match self {
            Self::Manifest | Self::Savepoint => 256 << 20,
            Self::Epoch | Self::Generation | Self::Pin | Self::Published | Self::SavepointClaim => 64 << 10,
        }
    }

    const fn tag(self) -> u8 {
        match self {
            Self::Manifest => b'M',
            Self::Epoch => b'E',
            Self::Generation => b'G',
            Self::Pin => b'P',
            Self::Published => b'D',
            Self::Savepoint => b'S',
            Self::SavepointClaim => b'C',
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manifest => "manifest",
            Self::Epoch => "epoch record",
            Self::Generation => "generation record",
            Self::Pin => "pin",
            Self::Published => "published marker",
            Self::Savepoint => "savepoint manifest",
            Self::SavepointClaim => "savepoint claim",
        })
    }
}

/// Frames a payload. The result is at most [`RecordKind::limit`] bytes or is refused when read; writers check it first with
/// [`check_size`].
#[must_use]
pub fn seal(kind: RecordKind, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len() + CHECKSUM_BYTES);
    bytes.extend_from_slice(&MAGIC);
    bytes.push(kind.tag());
    bytes.extend_from_slice(&kind.version().to_le_bytes());
    bytes.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&xxh3_64(&bytes).to_le_bytes());
    bytes
}

/// Takes the frame off.
///
/// # Errors
/// Whatever is wrong with the frame; see [`DecodeError`].
pub fn unseal(expected: RecordKind, bytes: &[u8]) -> Result<&[u8], DecodeError> {
    check_size(expected, bytes.len() as u64)?;
    let minimum = (HEADER_BYTES + CHECKSUM_BYTES) as u64;
    let found = bytes.len() as u64;
    let truncated = |needed| DecodeError::Truncated { expected, found, needed };
    if bytes.len() >= MAGIC.len() && !bytes.starts_with(&MAGIC) {
        return Err(DecodeError::Foreign { expected });
    }
    let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or_else(|| truncated(minimum))?;
    let [_, _, _, _, tag, version @ .., _, _, _, _, _, _, _, _] = *header;
    let length = header.last_chunk::<8>().map_or(0, |l| u64::from_le_bytes(*l));
    let needed = length.saturating_add(minimum);
    if found < needed {
        return Err(truncated(needed));
    }
    let damaged = DecodeError::Damaged { expected };
    let Some((payload, checksum)) = rest.split_last_chunk::<CHECKSUM_BYTES>() else {
        return Err(truncated(minimum));
    };
    let covered = bytes.len() - CHECKSUM_BYTES;
    let is_intact = bytes.get(..covered).is_some_and(|b| xxh3_64(b).to_le_bytes() == *checksum);
    if found != needed || !is_intact {
        return Err(damaged);
    }
    if tag != expected.tag() {
        let known = RecordKind::ALL.iter().find(|k| k.tag() == tag);
        let found = known.map_or_else(|| format!("record of kind {tag}"), ToString::to_string);
        return Err(DecodeError::WrongKind { expected, found });
    }
    let version = u16::from_le_bytes(version);
    if version > expected.version() {
        return Err(DecodeError::Newer { expected, found: version, supported: expected.version() });
    }
    Ok(payload)
}

/// Refuses a record larger than its kind may be, before it is read.
///
/// # Errors
/// `TooLarge`.
pub fn check_size(expected: RecordKind, bytes: u64) -> Result<(), DecodeError> {
    if bytes > expected.limit() {
        return Err(DecodeError::TooLarge { expected, found: bytes, limit: expected.limit() });
    }
    Ok(())
}

/// xxh3-64 of a whole object, as it stands in references to it. Never changes.
#[must_use]
pub fn checksum(body: &[u8]) -> u64 {
    xxh3_64(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_gives_its_payload_back() {
        for payload in [&b""[..], b"x", &[7; 1_000]] {
            let bytes = seal(RecordKind::Epoch, payload);
            assert_eq!(bytes.len(), payload.len() + 23);
            assert_eq!(unseal(RecordKind::Epoch, &bytes).unwrap(), payload);
        }
    }

    #[test]
    fn the_frame_is_a_persistent_format() {
        let hex: String = seal(RecordKind::Pin, b"ab").iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(&hex[..34], "4d4c53545001000200000000000000".to_owned() + "6162");
        assert_eq!(hex.len(), 50);
    }

    #[test]
    fn each_kind_of_damage_has_its_own_message() {
        let good = seal(RecordKind::Epoch, b"payload");
        let mut newer = good[..good.len() - 8].to_vec();
        newer[5] = 9;
        newer.extend_from_slice(&xxh3_64(&newer).to_le_bytes());
        let mut flipped = good.clone();
        flipped[17] ^= 1;
        let mut longer = good.clone();
        longer.push(0);
        let table: [(&[u8], RecordKind, &str); 9] = [
            (b"", RecordKind::Epoch, "the epoch record is cut off: 0 of 23 bytes"),
            (&good[..10], RecordKind::Epoch, "the epoch record is cut off: 10 of 23 bytes"),
            (&good[..25], RecordKind::Epoch, "the epoch record is cut off: 25 of 30 bytes"),
            (b"{\"json\": true}", RecordKind::Epoch, "this is no epoch record of Millstream"),
            (
                &flipped,
                RecordKind::Epoch,
                "the epoch record is damaged: its checksum does not match its content",
            ),
            (
                &longer,
                RecordKind::Epoch,
                "the epoch record is damaged: its checksum does not match its content",
            ),
            (&good, RecordKind::Manifest, "expected: manifest; found: epoch record"),
            (
                &newer,
                RecordKind::Epoch,
                "the epoch record was written by a newer Millstream (format 9, this one reads up to 1); run that version or \
                 a newer one",
            ),
            (
                &vec![0; 65_537],
                RecordKind::Pin,
                "the pin is too large: 65537 bytes, at most 65536 are allowed",
            ),
        ];
        for (bytes, kind, message) in table {
            assert_eq!(unseal(kind, bytes).unwrap_err().to_string(), message);
        }
    }
}
