//! Every record comes back as it was, and no damaged byte passes for a record.

use millstream_model::snapshot::ObjectRef;
use millstream_model::{CheckpointId, Epoch, Generation};

use super::*;
use crate::epoch::{EpochKind, EpochRecord, StartFrom};
use crate::generation::{GenerationRecord, Pin, PublishedMarker};
use crate::manifest::{Manifest, Outcome};
use crate::testing::{a_manifest, job};

fn an_object() -> ObjectRef {
    ObjectRef { key: "checkpoint/0000000001.2/manifest".to_owned(), length: 77, checksum: u64::MAX - 1 }
}

fn records() -> Vec<EpochRecord> {
    let kinds = vec![
        EpochKind::Checkpoint { checkpoint: CheckpointId(9), manifest: an_object() },
        EpochKind::Start { from: StartFrom::Newest, discarded: vec![] },
        EpochKind::Start { from: StartFrom::Epoch(Epoch(3)), discarded: vec![Epoch(4), Epoch(5)] },
        EpochKind::Start { from: StartFrom::Empty, discarded: vec![] },
        EpochKind::Closed,
    ];
    kinds
        .into_iter()
        .map(|kind| EpochRecord { kind, generation: Generation(2), nonce: 0xdead_beef })
        .collect()
}

/// Cuts at every length and flips every bit; each result must be an error, and `decode` must not panic.
fn no_damage_passes<T: std::fmt::Debug>(
    name: &str,
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
) {
    for length in 0..bytes.len() {
        let error = decode(&bytes[..length]).expect_err("a cut record is no record");
        assert!(matches!(error, DecodeError::Truncated { .. }), "{name} cut to {length}: {error}");
    }
    let mut damaged = bytes.to_vec();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            damaged[at] ^= 1 << bit;
            let error = decode(&damaged).expect_err("a flipped bit is damage");
            let is_told = matches!(
                error,
                DecodeError::Damaged { .. } | DecodeError::Foreign { .. } | DecodeError::Truncated { .. }
            );
            assert!(is_told, "{name} byte {at} bit {bit}: {error}");
            damaged[at] ^= 1 << bit;
        }
    }
    damaged.push(0);
    assert!(matches!(decode(&damaged), Err(DecodeError::Damaged { .. })), "{name} with a byte appended");
}

#[test]
fn small_records_come_back_and_notice_damage() {
    for record in records() {
        let bytes = record.encode();
        assert_eq!(EpochRecord::decode(&bytes).unwrap(), record);
        no_damage_passes(&format!("{:?}", record.kind), &bytes, EpochRecord::decode);
    }
    let generation =
        GenerationRecord { generation: Generation(3), coordinator: "host/17".to_owned(), nonce: 5 };
    assert_eq!(GenerationRecord::decode(&generation.encode()).unwrap(), generation);
    no_damage_passes("generation", &generation.encode(), GenerationRecord::decode);
    let marker = PublishedMarker { epoch: Epoch(4), checkpoint: CheckpointId(2) };
    assert_eq!(PublishedMarker::decode(&marker.encode()).unwrap(), marker);
    no_damage_passes("marker", &marker.encode(), PublishedMarker::decode);
    let pin = Pin { epoch: Epoch(4), generation: Generation(1), reason: "restore".to_owned() };
    assert_eq!(Pin::decode(&pin.encode()).unwrap(), pin);
    no_damage_passes("pin", &pin.encode(), Pin::decode);
}

#[test]
fn a_manifest_comes_back_and_notices_damage() {
    let manifest = a_manifest();
    let bytes = manifest.encode().unwrap();
    assert_eq!(Manifest::decode(&bytes, &job()).unwrap(), manifest);
    no_damage_passes("manifest", &bytes, |b| Manifest::decode(b, &job()));
    for outcome in [Outcome::Running, Outcome::Stopped, Outcome::Finished] {
        let manifest = Manifest { outcome, ..a_manifest() };
        assert_eq!(Manifest::decode(&manifest.encode().unwrap(), &job()).unwrap().outcome, outcome);
    }
}

#[test]
fn the_same_manifest_gives_the_same_bytes() {
    assert_eq!(a_manifest().encode().unwrap(), a_manifest().encode().unwrap());
}

#[test]
fn a_manifest_of_another_job_is_refused_by_name() {
    let other = millstream_model::JobIdentity { name: "other".to_owned(), ..job() };
    let error = Manifest::decode(&a_manifest().encode().unwrap(), &other).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the manifest belongs to job default.flights.local, not to default.other.local"
    );
}

#[test]
fn intact_records_with_impossible_content_are_invalid() {
    let seal_manifest = |change: fn(&mut Manifest)| {
        let mut manifest = a_manifest();
        change(&mut manifest);
        Manifest::decode(&manifest.encode().unwrap(), &job()).unwrap_err().to_string()
    };
    let table = [
        (
            seal_manifest(|m| m.operators[1].segments[0].key_groups.end = 129),
            "the manifest is invalid: a segment of operator agg has key groups 0..129 of 128",
        ),
        (
            seal_manifest(|m| m.sinks[0].publications[0].segments.clear()),
            "the manifest is invalid: publication 0000000007-2-0-0 of sink out is empty",
        ),
        (
            seal_manifest(|m| m.sinks[0].pending[0].object.key.clear()),
            "the manifest is invalid: an object has no key",
        ),
        (
            EpochRecord::decode(&seal(RecordKind::Epoch, b"")).unwrap_err().to_string(),
            "the epoch record is invalid: it is of a kind that this version does not know",
        ),
        (
            EpochRecord::decode(&seal(RecordKind::Epoch, &[0x1a, 0])).unwrap_err().to_string(),
            "the epoch record is invalid: an object is missing",
        ),
        (
            EpochRecord::decode(&seal(RecordKind::Epoch, &[0x22, 0])).unwrap_err().to_string(),
            "the epoch record is invalid: it starts from something that this version does not know",
        ),
        (
            Manifest::decode(&seal(RecordKind::Manifest, b""), &job()).unwrap_err().to_string(),
            "the manifest is invalid: it names no job",
        ),
    ];
    for (found, expected) in table {
        assert_eq!(found, expected);
    }
    let not_protobuf = Pin::decode(&seal(RecordKind::Pin, &[0xff; 40])).unwrap_err();
    assert!(not_protobuf.to_string().starts_with("the pin is invalid: "), "{not_protobuf}");
    assert!(matches!(
        Pin::decode(&records()[0].encode()),
        Err(DecodeError::WrongKind { expected: RecordKind::Pin, .. })
    ));
}

#[test]
fn the_epoch_record_is_a_persistent_format() {
    let bytes = records()[2].encode();
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, "4d4c53544501001300000000000000080211efbeadde000000002206100322020405748620e96e08bacd",);
}
