//! Records as protobuf messages inside an envelope: the only code that turns them into bytes and back.
//!
//! The messages are written by hand with prost's derive, so that no field of a persistent format changes with a field of a
//! domain type. Rules: a tag is never reused, a field that is added is optional for older readers, anything else raises
//! [`RecordKind::version`]. What a message lacks or says twice is `Invalid`, never a default.

mod log;
mod manifest;

use prost::Message;

use crate::envelope::{RecordKind, seal, unseal};
use crate::error::DecodeError;

fn encode(kind: RecordKind, message: &impl Message) -> Vec<u8> {
    seal(kind, &message.encode_to_vec())
}

fn decode<M: Message + Default>(kind: RecordKind, bytes: &[u8]) -> Result<M, DecodeError> {
    let payload = unseal(kind, bytes)?;
    M::decode(payload).map_err(|e| invalid(kind, e.to_string()))
}

fn invalid(expected: RecordKind, reason: impl Into<String>) -> DecodeError {
    DecodeError::Invalid { expected, reason: reason.into() }
}

/// An object in the bucket.
#[derive(Clone, PartialEq, prost::Message)]
struct ObjectRefWire {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(uint64, tag = "2")]
    length: u64,
    #[prost(fixed64, tag = "3")]
    checksum: u64,
}

impl From<&millstream_model::snapshot::ObjectRef> for ObjectRefWire {
    fn from(object: &millstream_model::snapshot::ObjectRef) -> Self {
        Self { key: object.key.clone(), length: object.length, checksum: object.checksum }
    }
}

fn object(
    kind: RecordKind,
    wire: Option<ObjectRefWire>,
) -> Result<millstream_model::snapshot::ObjectRef, DecodeError> {
    let ObjectRefWire { key, length, checksum } =
        wire.ok_or_else(|| invalid(kind, "an object is missing"))?;
    if key.is_empty() {
        return Err(invalid(kind, "an object has no key"));
    }
    Ok(millstream_model::snapshot::ObjectRef { key, length, checksum })
}

#[cfg(test)]
#[path = "wire/wire_test.rs"]
mod wire_test;
