use std::collections::BTreeSet;

use millstream_checkpoint::{Outcome, Publication};
use millstream_jobmaster::OwnedEpoch;
use millstream_model::{Attempt, CheckpointId, Generation};

use super::*;
use crate::fixture::{FakeSink, Job, graph, uid};

fn sink_state(name: &str, publications: Vec<Publication>) -> SinkState {
    SinkState {
        uid: uid(name),
        slots: 1,
        last_output: None,
        publications,
        pending: Vec::new(),
        repeated: Vec::new(),
    }
}

fn publication() -> Publication {
    Publication { id: "1-1-0-0".into(), slot: 0, partition: String::new(), segments: Vec::new() }
}

/// An epoch that published something to `out`.
fn published(epoch: u64) -> OwnedEpoch {
    let store = Job::new(1, &[], true).store();
    let operator = |node: &millstream_model::graph::OperatorNode| millstream_checkpoint::OperatorState {
        uid: node.uid.clone(),
        name: node.name.clone(),
        meaning: node.meaning.clone(),
        parallelism: 1,
        is_stateful: false,
        segments: Vec::new(),
        facts: millstream_model::snapshot::OperatorFacts {
            operator: node.uid.clone(),
            watermark: millstream_model::Watermark::MIN,
            counters: millstream_model::snapshot::OperatorCounters::default(),
        },
    };
    let manifest = Manifest {
        job: store.job().clone(),
        checkpoint: CheckpointId(1),
        generation: Generation(1),
        attempt: Attempt(1),
        created_at_ms: 0,
        max_parallelism: 16,
        fingerprint: "f1".into(),
        sql: String::new(),
        engine_version: "0.1.0".into(),
        outcome: Outcome::Running,
        operators: graph(&[1]).operators().map(|(_, node)| operator(node)).collect(),
        sources: Vec::new(),
        sinks: vec![sink_state("out", vec![publication()])],
        finished: Vec::new(),
    };
    OwnedEpoch { epoch: Epoch(epoch), manifest }
}

fn publishers(sink: &FakeSink) -> Publishers {
    let out: Arc<dyn Sink> = Arc::new(sink.clone());
    let objects = Job::new(1, &[], true).store().objects();
    Publishers::new("owner".into(), [(uid("out"), out)].into(), objects, DEADLINE)
}

const DEADLINE: Duration = Duration::from_secs(1);

/// What the target must know when `epoch` is visible.
fn reached(epoch: u64) -> Vec<Expected> {
    crate::progress::expected(Some(&published(epoch)), &[], &BTreeSet::new())
}

fn io() -> ConnectorError {
    ConnectorError::Io { table: "out".into(), action: "commit".into(), cause: "no answer".into() }
}

#[tokio::test]
async fn a_publisher_is_kept_until_it_fails() {
    let sink = FakeSink::default();
    let publishers = publishers(&sink);
    publishers.publish(Epoch(5), &published(5).manifest).await.unwrap();
    assert_eq!(publishers.open.lock().await.len(), 1);
    sink.fail_with(io());
    let error = publishers.publish(Epoch(6), &published(6).manifest).await.unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::Transient, "table `out`: commit: no answer")
    );
    assert_eq!(publishers.open.lock().await.len(), 0);
    publishers.publish(Epoch(6), &published(6).manifest).await.unwrap();
    assert_eq!(sink.0.lock().unwrap().epochs, [Epoch(5), Epoch(6)]);
}

#[tokio::test]
async fn a_sink_without_output_is_not_touched() {
    let sink = FakeSink::default();
    let mut manifest = published(5).manifest;
    manifest.sinks = vec![sink_state("out", Vec::new()), sink_state("gone", Vec::new())];
    publishers(&sink).publish(Epoch(5), &manifest).await.unwrap();
    assert_eq!(sink.0.lock().unwrap().progress, None);
}

#[tokio::test]
async fn output_for_a_table_that_is_gone_is_held() {
    let mut manifest = published(5).manifest;
    manifest.sinks = vec![sink_state("gone", vec![publication()])];
    let error = publishers(&FakeSink::default()).publish(Epoch(5), &manifest).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::State);
    assert!(error.message.starts_with("epoch 5 has output for table gone, which the job"), "{error}");
}

#[tokio::test]
async fn a_progress_record_that_went_missing_holds_the_job() {
    let cases = [
        (None, Some("the target's progress record is missing")),
        (Some(4), Some("the target's progress record says epoch 4")),
        (Some(5), None),
        (Some(6), None),
    ];
    for (progress, expected) in cases {
        let sink = FakeSink::default();
        sink.0.lock().unwrap().progress = progress.map(Epoch);
        let answer = publishers(&sink).check(&reached(5), &graph(&[1])).await;
        match expected {
            None => answer.unwrap(),
            Some(text) => {
                let error = answer.unwrap_err();
                assert!(error.kind == ErrorKind::State && error.message.contains(text), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_sink_that_was_redefined_may_be_empty() {
    let mut redefined = graph(&[1]);
    redefined.chains[0].operators[1].meaning = "another path".into();
    publishers(&FakeSink::default()).check(&reached(5), &redefined).await.unwrap();
}

#[tokio::test]
async fn a_target_that_cannot_be_asked_gives_no_permission() {
    let sink = FakeSink::default();
    sink.fail_with(io());
    let error = publishers(&sink).check(&reached(5), &graph(&[1])).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient);
}

#[tokio::test]
async fn staged_output_that_is_gone_is_not_tried_again() {
    let mut manifest = published(5).manifest;
    let segment = millstream_model::snapshot::StagedSegment {
        object: ObjectRef { key: "staged/out/gone".into(), length: 4, checksum: 1 },
        sink: uid("out"),
        slot: 0,
        partition: String::new(),
        rows: 1,
        closed_at_ms: 0,
    };
    manifest.sinks = vec![sink_state("out", vec![Publication { segments: vec![segment], ..publication() }])];
    let sink = FakeSink::default();
    let publishers = publishers(&sink);
    let error = publishers.publish(Epoch(5), &manifest).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::State);
    assert!(error.message.contains("staged/out/gone is damaged"), "{error}");
    // The verdict is about that publish alone.
    sink.fail_with(io());
    let error = publishers.publish(Epoch(6), &published(6).manifest).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient);
}

#[test]
fn targets_must_know_what_is_older_than_everything_unpublished() {
    let with = |epoch, has_output, last_output: Option<u64>| {
        let mut owned = published(epoch);
        let outputs = if has_output { vec![publication()] } else { Vec::new() };
        let sink = SinkState { last_output: last_output.map(Epoch), ..sink_state("out", outputs) };
        owned.manifest.sinks = vec![sink];
        owned
    };
    let nothing = BTreeSet::new();
    let epochs = |restored: Option<&OwnedEpoch>, unpublished: &[OwnedEpoch], discarded: &BTreeSet<Epoch>| {
        let expected = crate::progress::expected(restored, unpublished, discarded);
        expected.iter().map(|e| e.epoch.0).collect::<Vec<_>>()
    };
    assert_eq!(epochs(None, &[], &nothing), [0_u64; 0]);
    assert_eq!(epochs(Some(&with(9, true, Some(7))), &[], &nothing), [9]);
    assert_eq!(epochs(Some(&with(9, false, Some(7))), &[], &nothing), [7], "9 itself had no output");
    assert_eq!(epochs(Some(&with(9, false, None)), &[], &nothing), [0_u64; 0]);
    let waiting = [with(8, true, Some(7)), with(9, true, Some(8))];
    assert_eq!(epochs(Some(&waiting[1]), &waiting, &nothing), [7], "8 and 9 are not visible yet");
    assert_eq!(epochs(Some(&with(9, true, Some(7))), &[], &BTreeSet::from([Epoch(9)])), [0_u64; 0]);
}

#[tokio::test]
async fn a_target_that_never_answers_is_left() {
    let sink = FakeSink::default();
    let publishers = publishers(&sink);
    sink.0.lock().unwrap().is_silent = true;
    let error = publishers.publish(Epoch(5), &published(5).manifest).await.unwrap_err();
    let expected = (ErrorKind::Transient, "table out: no answer from the target in 1 s");
    assert_eq!((error.kind, error.message.as_str()), expected);
    let error = publishers.check(&reached(5), &graph(&[1])).await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), expected);
    sink.0.lock().unwrap().is_silent = false;
    publishers.publish(Epoch(5), &published(5).manifest).await.unwrap();
    assert_eq!(sink.0.lock().unwrap().progress, Some(Epoch(5)));
}
