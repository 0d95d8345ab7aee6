use arrow::datatypes::{Field, TimeUnit};
use millstream_checkpoint::{OperatorState, Outcome};
use millstream_model::snapshot::{ObjectRef, OperatorCounters, OperatorFacts, StateSegment};
use millstream_model::{Attempt, CheckpointId, Generation, Watermark};
use std::sync::Arc;

use super::*;

fn uid() -> OperatorUid {
    OperatorUid("agg".to_owned())
}

fn range(start: u32, end: u32) -> KeyGroupRange {
    KeyGroupRange { start, end }
}

fn file(key: &str, start: u32, end: u32) -> SavedFile {
    let key = format!("000000000000002a/agg/main/{key}");
    SavedFile { key, length: 100, checksum: 7, rows: 3, key_groups: range(start, end) }
}

fn manifest() -> SavepointManifest {
    let column = |field_id, name: &str, data_type, is_nullable| SavedColumn {
        field_id,
        name: name.to_owned(),
        data_type,
        is_nullable,
    };
    SavepointManifest {
        name: "nightly".into(),
        attempt: 42,
        epoch: Epoch(9),
        lineage: "default.a.b#01".into(),
        created_at_ms: 1_700_000_000_000,
        engine_version: "0.1.0".into(),
        state: Manifest {
            job: JobIdentity { namespace: "default".into(), name: "a".into(), uid: "b".into() },
            checkpoint: CheckpointId(4),
            generation: Generation(2),
            attempt: Attempt(3),
            created_at_ms: 0,
            max_parallelism: 16,
            fingerprint: "f".into(),
            sql: "SELECT 'é'".into(),
            engine_version: "0.1.0".into(),
            outcome: Outcome::Stopped,
            operators: vec![OperatorState {
                uid: uid(),
                name: "Aggregate".into(),
                meaning: "m".into(),
                parallelism: 2,
                is_stateful: true,
                segments: vec![],
                facts: OperatorFacts {
                    operator: uid(),
                    watermark: Watermark(5),
                    counters: OperatorCounters::default(),
                },
            }],
            sources: vec![],
            sinks: vec![],
            finished: vec![],
        },
        tables: vec![SavedTable {
            operator: uid(),
            name: "main".into(),
            buckets: 4,
            columns: vec![
                column(1_000, "sum", DataType::Decimal128(38, 2), true),
                column(1_001, "at", DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())), false),
            ],
            files: vec![file("a", 0, 4), file("b", 8, 16)],
        }],
    }
}

#[test]
fn a_manifest_comes_back() {
    let bytes = manifest().encode().unwrap();
    assert_eq!(SavepointManifest::decode(&bytes).unwrap(), manifest());
}

#[test]
fn every_cut_and_every_flipped_bit_is_found() {
    let bytes = manifest().encode().unwrap();
    for length in 0..bytes.len() {
        assert!(SavepointManifest::decode(&bytes[..length]).is_err(), "cut at {length}");
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(SavepointManifest::decode(&flipped).is_err(), "bit {bit}");
    }
}

/// The manifest with one thing wrong.
fn with(change: impl Fn(&mut SavepointManifest)) -> SavepointManifest {
    let mut wrong = manifest();
    change(&mut wrong);
    wrong
}

#[test]
fn what_contradicts_itself_is_refused_by_writers_and_readers() {
    let list = DataType::List(Arc::new(Field::new("item", DataType::Int8, true)));
    let segment = StateSegment {
        operator: uid(),
        table: "main".into(),
        object: ObjectRef { key: "state/agg/main/x".into(), length: 1, checksum: 2 },
        rows: 1,
        key_groups: range(0, 16),
        is_base: true,
    };
    let foreign = |key: &str| {
        let key = key.to_owned();
        with(move |m| m.tables[0].files[0].key.clone_from(&key))
    };
    let table: Vec<(SavepointManifest, &str)> = vec![
        (
            with(|m| m.state.operators[0].segments.push(segment.clone())),
            "it refers to state/agg/main/x, which is not its own",
        ),
        (foreign("state/x"), "table agg.main refers to state/x, which is not its own"),
        (foreign("000000000000002b/x"), "which is not its own"),
        (foreign("000000000000002a/../../x"), "which is not its own"),
        (foreign("000000000000002a//x"), "which is not its own"),
        (with(|m| m.tables[0].operator.0.push('x')), "table aggx.main belongs to no operator"),
        (
            with(|m| m.tables[0].files[1].key_groups = range(3, 16)),
            "has key groups [3, 16) behind [.., 4) of 16",
        ),
        (with(|m| m.tables[0].files[1].key_groups = range(8, 17)), "has key groups [8, 17)"),
        (with(|m| m.tables[0].files[1].key_groups = range(8, 8)), "has key groups [8, 8)"),
        (with(|m| m.tables[0].columns[0].data_type = list.clone()), "column sum has the type List"),
    ];
    for (wrong, reason) in table {
        let error = wrong.encode().unwrap_err().to_string();
        assert!(error.contains(reason), "{reason}: {error}");
    }
}

#[test]
fn what_a_reader_does_not_know_is_an_error() {
    let wire = |change: &dyn Fn(&mut SavepointWire)| {
        let bytes = manifest().encode().unwrap();
        let mut wire = SavepointWire::decode(unseal(KIND, &bytes).unwrap()).unwrap();
        change(&mut wire);
        SavepointManifest::decode(&seal(KIND, &wire.encode_to_vec())).unwrap_err().to_string()
    };
    let unknown = wire(&|w| w.tables[0].columns[1].data_type = "GEOMETRY".into());
    assert!(unknown.contains("column at of table agg.main has the unknown type GEOMETRY"), "{unknown}");
    assert!(wire(&|w| w.job = None).contains("it names no job"));
    assert!(wire(&|w| w.state.truncate(20)).contains("the manifest is cut off"));
    let other = wire(&|w| w.job = w.job.clone().map(|j| JobWire { name: "x".into(), ..j }));
    assert!(other.contains("the manifest belongs to job default.a.b, not to default.x.b"), "{other}");
    assert!(wire(&|w| w.tables[0].files[0].key = "state/x".into()).contains("not its own"));
    let epoch =
        millstream_checkpoint::PublishedMarker { epoch: Epoch(1), checkpoint: CheckpointId(1) }.encode();
    let error = SavepointManifest::decode(&epoch).unwrap_err().to_string();
    assert_eq!(error, "expected: savepoint manifest; found: published marker");
}
