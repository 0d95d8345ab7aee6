//! The claim: whose attempt the name of a savepoint belongs to.
//!
//! It is created before anything else of an attempt and removed before anything else of a savepoint, so a reader that starts
//! at it never meets files of another attempt, nor a manifest whose files are being deleted.

use millstream_checkpoint::DecodeError;
use millstream_checkpoint::envelope::{RecordKind, seal, unseal};
use millstream_model::Epoch;
use prost::Message;

const KIND: RecordKind = RecordKind::SavepointClaim;

/// The first object of every savepoint. Where a manifest should be, it says that this attempt will never have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavepointClaim {
    /// The attempt: random, and the name of the folder of its files.
    pub attempt: u64,
    /// The epoch that is being saved.
    pub epoch: Epoch,
    /// Whose, for people.
    pub job: String,
    /// When it was begun, in milliseconds, by the caller's clock; for people.
    pub created_at_ms: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ClaimWire {
    #[prost(fixed64, tag = "1")]
    attempt: u64,
    #[prost(uint64, tag = "2")]
    epoch: u64,
    #[prost(string, tag = "3")]
    job: String,
    #[prost(uint64, tag = "4")]
    created_at_ms: u64,
}

impl SavepointClaim {
    /// The claim's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let wire = ClaimWire {
            attempt: self.attempt,
            epoch: self.epoch.0,
            job: self.job.clone(),
            created_at_ms: self.created_at_ms,
        };
        seal(KIND, &wire.encode_to_vec())
    }

    /// The claim in these bytes.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let ClaimWire { attempt, epoch, job, created_at_ms } = ClaimWire::decode(unseal(KIND, bytes)?)
            .map_err(|e| DecodeError::Invalid { expected: KIND, reason: e.to_string() })?;
        Ok(Self { attempt, epoch: Epoch(epoch), job, created_at_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_comes_back_and_damage_does_not() {
        let claim = SavepointClaim {
            attempt: 0x00c0_ffee,
            epoch: Epoch(41),
            job: "default.a.b".into(),
            created_at_ms: 7,
        };
        let bytes = claim.encode();
        assert_eq!(SavepointClaim::decode(&bytes).unwrap(), claim);
        for length in 0..bytes.len() {
            assert!(SavepointClaim::decode(&bytes[..length]).is_err(), "cut at {length}");
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(SavepointClaim::decode(&flipped).is_err(), "bit {bit}");
        }
    }
}
