//! The header of a frame: 32 bytes, little endian.
//!
//! | bytes | field |
//! |---|---|
//! | 0..4 | bytes of the body behind the header |
//! | 4 | kind |
//! | 5 | flags: what a batch has beside its columns, the kind of a barrier, whether a channel is idle |
//! | 6..8 | zero |
//! | 8..12 | attempt |
//! | 12..16 | channel, as numbered by `Open` on this connection |
//! | 16..24 | sequence within the channel |
//! | 24..32 | watermark, checkpoint, or bytes of credit |

use bytes::{BufMut as _, BytesMut};
use millstream_model::Attempt;

/// Bytes of a header.
pub(super) const HEADER_BYTES: usize = 32;

/// Longest body. A batch is cut at 8,192 rows, and a row that is larger than this has no place in a stream.
pub(super) const MAX_BODY_BYTES: u32 = 256 << 20;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// Numbers a channel; the body says which one.
    Open = 1,
    /// Rows.
    Batch = 2,
    Watermark = 3,
    Idle = 4,
    Barrier = 5,
    End = 6,
    /// The channel will not be used any more.
    Close = 7,
    /// From the receiver: so many bytes were taken out of the channel.
    Credit = 8,
    /// A sign of life.
    Ping = 9,
    /// From the receiver: it ends the connection; the body says why.
    Farewell = 10,
}

impl Kind {
    const fn of(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Open,
            2 => Self::Batch,
            3 => Self::Watermark,
            4 => Self::Idle,
            5 => Self::Barrier,
            6 => Self::End,
            7 => Self::Close,
            8 => Self::Credit,
            9 => Self::Ping,
            10 => Self::Farewell,
            _ => return None,
        })
    }
}

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) body: u32,
    pub(super) kind: Kind,
    pub(super) flags: u8,
    pub(super) attempt: Attempt,
    pub(super) channel: u32,
    pub(super) sequence: u64,
    pub(super) argument: u64,
}

impl Header {
    /// One that says nothing but its kind and channel.
    pub(super) const fn new(kind: Kind, attempt: Attempt, channel: u32) -> Self {
        Self { body: 0, kind, flags: 0, attempt, channel, sequence: 0, argument: 0 }
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        out.put_u32_le(self.body);
        out.put_u8(self.kind as u8);
        out.put_u8(self.flags);
        out.put_u16_le(0);
        out.put_u32_le(self.attempt.0);
        out.put_u32_le(self.channel);
        out.put_u64_le(self.sequence);
        out.put_u64_le(self.argument);
    }

    /// Reads a header.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(bytes: &[u8; HEADER_BYTES]) -> Result<Self, String> {
        let four = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let eight = |at: usize| u64::from(four(at)) | u64::from(four(at + 4)) << 32;
        let kind = Kind::of(bytes[4]).ok_or_else(|| format!("sent a frame of unknown kind {}", bytes[4]))?;
        let body = four(0);
        if body > MAX_BODY_BYTES {
            return Err(format!("announced a frame of {body} bytes, more than {MAX_BODY_BYTES}"));
        }
        Ok(Self {
            body,
            kind,
            flags: bytes[5],
            attempt: Attempt(four(8)),
            channel: four(12),
            sequence: eight(16),
            argument: eight(24),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_as_they_were_written() {
        let kinds = (1..=10).map(|code| Kind::of(code).unwrap());
        for (number, kind) in kinds.enumerate() {
            let header = Header {
                body: 77,
                kind,
                flags: 3,
                attempt: Attempt(9),
                channel: 5,
                sequence: u64::MAX - number as u64,
                argument: (-1_i64).cast_unsigned(),
            };
            let mut bytes = BytesMut::new();
            header.write(&mut bytes);
            assert_eq!(Header::read(bytes[..].try_into().unwrap()), Ok(header));
        }
    }

    #[test]
    fn garbage_is_refused() {
        let error = Header::read(&[0; HEADER_BYTES]).unwrap_err();
        assert_eq!(error, "sent a frame of unknown kind 0");
        let mut bytes = [0xff; HEADER_BYTES];
        bytes[4] = Kind::Batch as u8;
        let error = Header::read(&bytes).unwrap_err();
        assert_eq!(error, "announced a frame of 4294967295 bytes, more than 268435456");
    }
}
