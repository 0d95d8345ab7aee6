//! Promises of a staged sink: whatever dies at whatever moment, every row is visible exactly once in the end, and no row
//! before its epoch is asked for.
//!
//! The checks stage three epochs (two outputs of different slots, nothing, one output of two segments) and crash a publisher
//! at each of its calls to the target, in each way that the target can play.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use bytes::Bytes;
use millstream_batch::StreamBatch;
use millstream_model::snapshot::{ObjectRef, StagedSegment};
use millstream_model::{Epoch, OperatorUid};

use crate::sink::{Publisher, Sink, StagedOutput, StagedReader, WriterContext};

/// What happens to one call of a publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetFault {
    /// The process dies before the target sees the call.
    CrashBefore,
    /// The target applies the call, and the process dies before it hears so.
    CrashAfter,
    /// Nothing is applied and no answer comes; the process lives.
    Lost,
    /// The call is applied and no answer comes; the process lives.
    AppliedUnheard,
}

/// A target with a sink to it, as the checks need it.
#[async_trait]
pub trait StagedSinkUnderTest: Send {
    /// An empty target.
    fn reset(&mut self);

    /// The sink of a table with the columns of [`schema`].
    fn sink(&self) -> Arc<dyn Sink>;

    /// A publisher in a process of its own, one of whose calls (counted from 1) meets a fault.
    fn publisher(&self, fault: Option<(u64, TargetFault)>) -> Box<dyn Publisher>;

    /// Calls that the newest publisher made.
    fn calls(&self) -> u64;

    /// The ids of the rows that a reader sees who wants nothing unfinished.
    async fn visible(&self) -> Vec<i64>;
}

/// Columns of the table that the checks write: `id BIGINT, text STRING`.
#[must_use]
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("text", DataType::Utf8, true),
    ]))
}

/// Staged objects in memory: what the checkpoints of a job would hold.
#[derive(Clone, Debug, Default)]
pub struct StagedObjects {
    objects: BTreeMap<String, Bytes>,
}

#[async_trait]
impl StagedReader for StagedObjects {
    async fn read(&self, object: &ObjectRef) -> Result<Bytes, String> {
        self.objects.get(&object.key).cloned().ok_or_else(|| format!("there is no object {}", object.key))
    }
}

/// An epoch with its output.
struct StagedEpoch {
    epoch: Epoch,
    outputs: Vec<StagedOutput>,
    ids: Vec<i64>,
}

/// Runs every check.
///
/// # Panics
/// When a promise is broken, with the promise.
pub async fn run(sink: &mut dyn StagedSinkUnderTest) {
    assert!(sink.sink().is_staged(), "the checks are for staged sinks");
    let (staged, epochs) = stage(sink.sink().as_ref());
    publishing_in_order(sink, &staged, &epochs).await;
    repeating(sink, &staged, &epochs).await;
    two_at_once(sink, &staged, &epochs).await;
    zombies(sink, &staged, &epochs).await;
    missing_staged_output(sink, &staged, &epochs).await;
    let faults =
        [TargetFault::CrashBefore, TargetFault::CrashAfter, TargetFault::Lost, TargetFault::AppliedUnheard];
    for fault in faults {
        crash_at_every_call(sink, &staged, &epochs, fault).await;
    }
}

/// Writes the rows of all epochs through writers of the sink.
fn stage(sink: &dyn Sink) -> (StagedObjects, Vec<StagedEpoch>) {
    let mut staged = StagedObjects::default();
    let mut segment = |slot: u32, name: &str, ids: &[i64]| {
        let mut writer =
            sink.writer(WriterContext { index: slot, parallelism: 2 }).expect("a writer can be made");
        writer.write(&batch(ids)).expect("rows can be written");
        let mut closed = writer.close_segments().expect("segments can be closed");
        let segment = closed.pop().expect("rows make a segment");
        assert!(closed.is_empty(), "rows of one partition make one segment");
        assert_eq!(segment.rows, ids.len() as u64, "a segment counts its rows");
        assert_eq!(writer.buffered_bytes(), 0, "closed segments are no longer buffered");
        assert!(
            writer.close_segments().expect("nothing can be closed").is_empty(),
            "a segment is closed once"
        );
        staged.objects.insert(name.to_owned(), segment.bytes.clone());
        let object = ObjectRef { key: name.to_owned(), length: segment.bytes.len() as u64, checksum: 0 };
        StagedSegment {
            sink: OperatorUid("sink".to_owned()),
            slot,
            partition: segment.partition,
            object,
            rows: segment.rows,
            closed_at_ms: 0,
        }
    };
    let output = |id: &str, slot, segments: Vec<StagedSegment>| StagedOutput {
        id: id.to_owned(),
        slot,
        partition: String::new(),
        segments,
    };
    let first = vec![
        output("1-1-0-0", 0, vec![segment(0, "a", &[1, 2])]),
        output("1-1-1-0", 1, vec![segment(1, "b", &[3])]),
    ];
    let third = vec![output("3-1-0-0", 0, vec![segment(0, "c", &[4, 5]), segment(0, "d", &[6])])];
    let epochs = vec![
        StagedEpoch { epoch: Epoch(2), outputs: first, ids: vec![1, 2, 3] },
        StagedEpoch { epoch: Epoch(3), outputs: Vec::new(), ids: Vec::new() },
        // The number between is a start, which has no output.
        StagedEpoch { epoch: Epoch(5), outputs: third, ids: vec![4, 5, 6] },
    ];
    (staged, epochs)
}

fn batch(ids: &[i64]) -> StreamBatch {
    let texts: Vec<String> = ids.iter().map(|id| format!("row {id}, \"quoted\"\nand broken")).collect();
    let columns: Vec<arrow::array::ArrayRef> =
        vec![Arc::new(Int64Array::from(ids.to_vec())), Arc::new(StringArray::from(texts))];
    StreamBatch::new(RecordBatch::try_new(schema(), columns).expect("the columns fit the schema"))
}

async fn assert_visible(sink: &dyn StagedSinkUnderTest, expected: &[i64], promise: &str) {
    let mut visible = sink.visible().await;
    visible.sort_unstable();
    assert_eq!(visible, expected, "{promise}");
}

async fn publishing_in_order(
    sink: &mut dyn StagedSinkUnderTest,
    staged: &StagedObjects,
    epochs: &[StagedEpoch],
) {
    sink.reset();
    let mut publisher = sink.publisher(None);
    assert_visible(sink, &[], "nothing is visible before it is published").await;
    assert_eq!(publisher.progress().await.expect("progress answers"), None, "a new target has no progress");
    let mut expected = Vec::new();
    for e in epochs {
        publisher.publish(e.epoch, &e.outputs, staged).await.expect("publishing works");
        expected.extend(&e.ids);
        assert_visible(sink, &expected, "what is published is visible").await;
        let progress = publisher.progress().await.expect("progress answers");
        assert_eq!(progress, Some(e.epoch), "progress follows each epoch, also an empty one");
        // Asking may fence the one before, so the other process goes on.
        publisher = sink.publisher(None);
        let seen_by_another = publisher.progress().await.expect("progress answers");
        assert_eq!(seen_by_another, Some(e.epoch), "another process sees the progress");
    }
}

async fn publish_all(publisher: &mut dyn Publisher, staged: &StagedObjects, epochs: &[StagedEpoch]) {
    for e in epochs {
        publisher.publish(e.epoch, &e.outputs, staged).await.expect("publishing works");
    }
}

fn all_ids(epochs: &[StagedEpoch]) -> Vec<i64> {
    epochs.iter().flat_map(|e| e.ids.iter().copied()).collect()
}

async fn repeating(sink: &mut dyn StagedSinkUnderTest, staged: &StagedObjects, epochs: &[StagedEpoch]) {
    sink.reset();
    let mut publisher = sink.publisher(None);
    for e in epochs {
        for _ in 0..2 {
            publisher.publish(e.epoch, &e.outputs, staged).await.expect("publishing can be repeated");
        }
    }
    publish_all(publisher.as_mut(), staged, epochs).await;
    let mut another = sink.publisher(None);
    publish_all(another.as_mut(), staged, epochs).await;
    assert_visible(sink, &all_ids(epochs), "repeating leaves the same rows").await;
    let last = epochs.last().map(|e| e.epoch);
    assert_eq!(
        another.progress().await.expect("progress answers"),
        last,
        "repeating leaves the same progress"
    );
}

async fn two_at_once(sink: &mut dyn StagedSinkUnderTest, staged: &StagedObjects, epochs: &[StagedEpoch]) {
    sink.reset();
    let (mut one, mut other) = (sink.publisher(None), sink.publisher(None));
    for e in epochs {
        // Either may be told that the other is newer; what counts is what becomes visible.
        let _ = futures::join!(
            one.publish(e.epoch, &e.outputs, staged),
            other.publish(e.epoch, &e.outputs, staged)
        );
    }
    publish_all(sink.publisher(None).as_mut(), staged, epochs).await;
    assert_visible(sink, &all_ids(epochs), "two publishers at once make each row visible once").await;
}

/// A publisher that slept while its successor worked, and then goes on.
async fn zombies(sink: &mut dyn StagedSinkUnderTest, staged: &StagedObjects, epochs: &[StagedEpoch]) {
    for done_before in 0..=epochs.len() {
        sink.reset();
        let mut zombie = sink.publisher(None);
        zombie.progress().await.expect("progress answers");
        publish_all(zombie.as_mut(), staged, &epochs[..done_before]).await;
        let mut successor = sink.publisher(None);
        successor.progress().await.expect("progress answers");
        publish_all(successor.as_mut(), staged, &epochs[done_before..]).await;
        for e in epochs {
            let _ = zombie.publish(e.epoch, &e.outputs, staged).await;
        }
        assert_visible(sink, &all_ids(epochs), "a zombie changes nothing that is visible").await;
        let last = epochs.last().map(|e| e.epoch);
        let progress = sink.publisher(None).progress().await.expect("progress answers");
        assert_eq!(progress, last, "a zombie does not move progress");
    }
}

async fn missing_staged_output(
    sink: &mut dyn StagedSinkUnderTest,
    staged: &StagedObjects,
    epochs: &[StagedEpoch],
) {
    sink.reset();
    let mut damaged = staged.clone();
    damaged.objects.remove("b");
    let mut publisher = sink.publisher(None);
    let first = &epochs[0];
    let outcome = publisher.publish(first.epoch, &first.outputs, &damaged).await;
    assert!(outcome.is_err(), "staged output that cannot be read is an error");
    let progress = sink.publisher(None).progress().await.expect("progress answers");
    assert_eq!(progress, None, "an epoch that is not complete is not called published");
    publish_all(sink.publisher(None).as_mut(), staged, epochs).await;
    assert_visible(sink, &all_ids(epochs), "and it is completed later").await;
}

async fn crash_at_every_call(
    sink: &mut dyn StagedSinkUnderTest,
    staged: &StagedObjects,
    epochs: &[StagedEpoch],
    fault: TargetFault,
) {
    for number in 1.. {
        sink.reset();
        let mut first = sink.publisher(Some((number, fault)));
        let mut asked: BTreeSet<i64> = BTreeSet::new();
        let mut complete: Vec<i64> = Vec::new();
        let mut has_failed = first.progress().await.is_err();
        for e in epochs {
            if has_failed {
                break;
            }
            asked.extend(&e.ids);
            has_failed = first.publish(e.epoch, &e.outputs, staged).await.is_err();
            if !has_failed {
                complete.extend(&e.ids);
            }
        }
        let was_met = sink.calls() >= number;
        let visible = sink.visible().await;
        let distinct: BTreeSet<i64> = visible.iter().copied().collect();
        assert_eq!(distinct.len(), visible.len(), "{fault:?} at call {number}: no row is visible twice");
        assert!(
            distinct.is_subset(&asked),
            "{fault:?} at call {number}: no row is visible before it is asked for"
        );
        assert!(
            complete.iter().all(|id| distinct.contains(id)),
            "{fault:?} at call {number}: no published row is lost"
        );

        let mut second = sink.publisher(None);
        let progress = second.progress().await.expect("progress answers after a crash");
        let is_done = |e: &StagedEpoch| progress.is_some_and(|p| e.epoch <= p);
        for e in epochs.iter().filter(|e| is_done(e)) {
            let is_visible = e.ids.iter().all(|id| distinct.contains(id));
            assert!(is_visible, "{fault:?} at call {number}: what progress covers is visible");
        }
        for e in epochs.iter().filter(|e| !is_done(e)) {
            second.publish(e.epoch, &e.outputs, staged).await.expect("publishing goes on after a crash");
        }
        assert_visible(
            sink,
            &all_ids(epochs),
            &format!("{fault:?} at call {number}: each row is visible once"),
        )
        .await;
        // The first process may not be dead after all.
        for e in epochs {
            let _ = first.publish(e.epoch, &e.outputs, staged).await;
        }
        assert_visible(
            sink,
            &all_ids(epochs),
            &format!("{fault:?} at call {number}: nor does the first change that"),
        )
        .await;
        if !was_met {
            assert!(number > epochs.len() as u64, "the publisher calls its target");
            return;
        }
    }
}
