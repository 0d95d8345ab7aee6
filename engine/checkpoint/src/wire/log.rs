//! The small records: epochs, generations, markers, pins.

use millstream_model::{CheckpointId, Epoch, Generation};

use super::{ObjectRefWire, decode, encode, invalid, object};
use crate::envelope::RecordKind;
use crate::epoch::{EpochKind, EpochRecord, StartFrom};
use crate::error::DecodeError;
use crate::generation::{GenerationRecord, Pin, PublishedMarker};

#[derive(Clone, PartialEq, prost::Message)]
struct EpochWire {
    #[prost(uint64, tag = "1")]
    generation: u64,
    #[prost(fixed64, tag = "2")]
    nonce: u64,
    #[prost(oneof = "KindWire", tags = "3, 4, 5")]
    kind: Option<KindWire>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum KindWire {
    #[prost(message, tag = "3")]
    Checkpoint(CheckpointWire),
    #[prost(message, tag = "4")]
    Start(StartWire),
    #[prost(message, tag = "5")]
    Closed(EmptyWire),
}

#[derive(Clone, PartialEq, prost::Message)]
struct CheckpointWire {
    #[prost(uint64, tag = "1")]
    checkpoint: u64,
    #[prost(message, optional, tag = "2")]
    manifest: Option<ObjectRefWire>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct StartWire {
    #[prost(oneof = "FromWire", tags = "1, 2, 3")]
    from: Option<FromWire>,
    #[prost(uint64, repeated, tag = "4")]
    discarded: Vec<u64>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum FromWire {
    #[prost(message, tag = "1")]
    Newest(EmptyWire),
    #[prost(uint64, tag = "2")]
    Epoch(u64),
    #[prost(message, tag = "3")]
    Empty(EmptyWire),
}

#[derive(Clone, PartialEq, prost::Message)]
struct EmptyWire {}

impl EpochRecord {
    /// The record's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let kind = match &self.kind {
            EpochKind::Checkpoint { checkpoint, manifest } => KindWire::Checkpoint(CheckpointWire {
                checkpoint: checkpoint.0,
                manifest: Some(manifest.into()),
            }),
            EpochKind::Start { from, discarded } => KindWire::Start(StartWire {
                from: Some(match from {
                    StartFrom::Newest => FromWire::Newest(EmptyWire {}),
                    StartFrom::Epoch(epoch) => FromWire::Epoch(epoch.0),
                    StartFrom::Empty => FromWire::Empty(EmptyWire {}),
                }),
                discarded: discarded.iter().map(|e| e.0).collect(),
            }),
            EpochKind::Closed => KindWire::Closed(EmptyWire {}),
        };
        let wire = EpochWire { generation: self.generation.0, nonce: self.nonce, kind: Some(kind) };
        encode(RecordKind::Epoch, &wire)
    }

    /// The record in these bytes.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        const KIND: RecordKind = RecordKind::Epoch;
        let wire: EpochWire = decode(KIND, bytes)?;
        let kind = match wire
            .kind
            .ok_or_else(|| invalid(KIND, "it is of a kind that this version does not know"))?
        {
            KindWire::Checkpoint(c) => EpochKind::Checkpoint {
                checkpoint: CheckpointId(c.checkpoint),
                manifest: object(KIND, c.manifest)?,
            },
            KindWire::Start(start) => EpochKind::Start {
                from: match start.from {
                    Some(FromWire::Newest(_)) => StartFrom::Newest,
                    Some(FromWire::Epoch(epoch)) => StartFrom::Epoch(Epoch(epoch)),
                    Some(FromWire::Empty(_)) => StartFrom::Empty,
                    None => {
                        return Err(invalid(
                            KIND,
                            "it starts from something that this version does not know",
                        ));
                    }
                },
                discarded: start.discarded.into_iter().map(Epoch).collect(),
            },
            KindWire::Closed(_) => EpochKind::Closed,
        };
        Ok(Self { kind, generation: Generation(wire.generation), nonce: wire.nonce })
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct GenerationWire {
    #[prost(uint64, tag = "1")]
    generation: u64,
    #[prost(string, tag = "2")]
    coordinator: String,
    #[prost(fixed64, tag = "3")]
    nonce: u64,
}

impl GenerationRecord {
    /// The record's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let wire = GenerationWire {
            generation: self.generation.0,
            coordinator: self.coordinator.clone(),
            nonce: self.nonce,
        };
        encode(RecordKind::Generation, &wire)
    }

    /// The record in these bytes.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let GenerationWire { generation, coordinator, nonce } = decode(RecordKind::Generation, bytes)?;
        Ok(Self { generation: Generation(generation), coordinator, nonce })
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct PublishedWire {
    #[prost(uint64, tag = "1")]
    epoch: u64,
    #[prost(uint64, tag = "2")]
    checkpoint: u64,
}

impl PublishedMarker {
    /// The marker's bytes: the same from whoever writes it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let wire = PublishedWire { epoch: self.epoch.0, checkpoint: self.checkpoint.0 };
        encode(RecordKind::Published, &wire)
    }

    /// The marker in these bytes.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let PublishedWire { epoch, checkpoint } = decode(RecordKind::Published, bytes)?;
        Ok(Self { epoch: Epoch(epoch), checkpoint: CheckpointId(checkpoint) })
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct PinWire {
    #[prost(uint64, tag = "1")]
    epoch: u64,
    #[prost(uint64, tag = "2")]
    generation: u64,
    #[prost(string, tag = "3")]
    reason: String,
}

impl Pin {
    /// The pin's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let wire =
            PinWire { epoch: self.epoch.0, generation: self.generation.0, reason: self.reason.clone() };
        encode(RecordKind::Pin, &wire)
    }

    /// The pin in these bytes.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let PinWire { epoch, generation, reason } = decode(RecordKind::Pin, bytes)?;
        Ok(Self { epoch: Epoch(epoch), generation: Generation(generation), reason })
    }
}
