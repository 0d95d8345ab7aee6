//! What a source task makes of its splits' watermarks, with readers that have nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::TimestampMillisecondArray;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use millstream_connectors::source::{Enumerator, ReadOutcome, Source, SplitReader};
use millstream_connectors::{ConnectorError, TableConfig};
use millstream_expr::CompiledExpr;
use millstream_plan::WatermarkSpec;

use super::*;

const MILLIS: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

/// Splits that have no end. What one gives is in its name: `busy` rows without a pause, `bad` only malformed records, any
/// other nothing.
struct Endless;

impl Source for Endless {
    fn is_bounded(&self) -> bool {
        false
    }

    fn enumerator(&self) -> Result<Box<dyn Enumerator>, ConnectorError> {
        unreachable!("the test assigns splits itself")
    }

    fn open(&self, split: &SplitState, _: SchemaRef) -> Result<Box<dyn SplitReader>, ConnectorError> {
        Ok(Box::new(EndlessSplit(split.split.0.clone())))
    }
}

struct EndlessSplit(String);

impl SplitReader for EndlessSplit {
    fn read(&mut self, _: usize) -> Result<ReadOutcome, ConnectorError> {
        Ok(match self.0.as_str() {
            "busy" => ReadOutcome::Batch(rows(&[5])),
            "bad" => ReadOutcome::Batch(ReadBatch { skipped: 1, ..rows(&[]) }),
            _ => ReadOutcome::Pending(Duration::from_millis(1)),
        })
    }
}

fn head(restored: Watermark) -> SourceHead {
    let schema = Arc::new(Schema::new(vec![Field::new("ts", MILLIS, true)]));
    let spec = SourceSpec {
        table: TableConfig {
            name: "t".into(),
            connector: "endless".into(),
            options: BTreeMap::new(),
            schema: schema.clone(),
            partition_keys: Vec::new(),
            primary_key: Vec::new(),
            parallelism: 1,
            base_dir: "/".into(),
        },
        decode: schema.clone(),
        columns: vec![CompiledExpr::column(0, "ts", MILLIS)],
        schema: schema.clone(),
        watermark: Some(WatermarkSpec {
            time: CompiledExpr::column(0, "ts", MILLIS),
            time_name: "ts".into(),
            watermark: CompiledExpr::column(0, "ts", MILLIS),
            idle_timeout_ms: Some(1),
            emit_interval_ms: 0,
        }),
    };
    let fetcher = Fetcher::start("t", Arc::new(Endless), schema, 10, Some(Duration::from_millis(1))).unwrap();
    SourceHead::new(OperatorUid("t".into()), "t".into(), spec, fetcher, OperatorCounters::default(), restored)
}

fn split(name: &str, watermark: Watermark) -> SplitState {
    SplitState {
        split: SplitId(name.into()),
        descriptor: Vec::new(),
        position: Vec::new(),
        watermark,
        is_idle: false,
        is_finished: false,
    }
}

/// Takes what is fetched until so many splits are idle.
async fn until_idle(head: &mut SourceHead, count: usize) {
    while head.splits.values().filter(|s| s.state.is_idle).count() < count {
        match head.fetcher.fetched.recv().await {
            Some(Fetched::Idle(split)) => head.fell_idle(&split),
            Some(Fetched::Batch(split, batch)) => drop(head.accept(&split, batch).unwrap()),
            other => unreachable!("{other:?}"),
        }
    }
}

fn rows(millis: &[i64]) -> ReadBatch {
    let schema = Arc::new(Schema::new(vec![Field::new("ts", MILLIS, true)]));
    let times = Arc::new(TimestampMillisecondArray::from(millis.to_vec()));
    ReadBatch {
        columns: RecordBatch::try_new(schema, vec![times]).unwrap(),
        position: vec![1],
        skipped: 0,
        progress: None,
    }
}

#[tokio::test]
async fn a_split_that_waits_for_a_reader_is_not_idle() {
    let mut head = head(Watermark::MIN);
    let names: Vec<String> = (0..17).map(|i| format!("s{i:02}")).collect();
    head.assign(names.iter().map(|n| split(n, Watermark::MIN)).collect(), true);
    until_idle(&mut head, 16).await;
    assert_eq!(head.news(), [], "the last one holds the watermark back");
    assert!(!head.splits[&SplitId("s16".into())].state.is_idle);
}

#[tokio::test]
async fn a_split_with_only_malformed_records_falls_idle() {
    let mut head = head(Watermark::MIN);
    head.assign(vec![split("bad", Watermark::MIN), split("s", Watermark(7_000))], true);
    until_idle(&mut head, 2).await;
    assert_eq!(head.news(), [News::Idle(true)]);
    let skipped = head.counters.skipped;
    head.accept(&SplitId("bad".into()), ReadBatch { skipped: 1, ..rows(&[]) }).unwrap();
    assert_eq!((head.news(), head.counters.skipped), (vec![], skipped + 1), "it stays so");
    head.accept(&SplitId("bad".into()), rows(&[9])).unwrap();
    assert_eq!(head.news(), [News::Idle(false), News::Watermark(Watermark(9_000))]);
}

#[tokio::test]
async fn a_silent_split_falls_idle_beside_one_that_never_pauses() {
    let mut head = head(Watermark::MIN);
    head.assign(vec![split("busy", Watermark::MIN), split("s", Watermark::MIN)], true);
    until_idle(&mut head, 1).await;
    assert!(head.splits[&SplitId("s".into())].state.is_idle);
    assert_eq!(head.news(), [News::Watermark(Watermark(5_000))]);
}

#[tokio::test]
async fn a_split_that_has_ended_is_reported_until_an_epoch_knows_it() {
    let mut head = head(Watermark::MIN);
    head.assign(vec![split("a", Watermark::MIN), split("b", Watermark::MIN)], true);
    let progress = |bytes| ReadBatch { progress: Some((bytes, 100)), ..rows(&[1]) };
    for (name, bytes) in [("a", 100), ("b", 40)] {
        head.accept(&SplitId(name.into()), progress(bytes)).unwrap();
    }
    let names = |splits: Vec<SplitState>| splits.into_iter().map(|s| s.split.0).collect::<Vec<_>>().join(",");
    assert_eq!(names(head.snapshot(CheckpointId(4))), "a,b");
    head.splits.get_mut(&SplitId("a".into())).unwrap().state.is_finished = true;
    head.forget(CheckpointId(4));
    assert_eq!(names(head.snapshot(CheckpointId(5))), "a,b", "it ended behind that checkpoint");
    assert_eq!(names(head.snapshot(CheckpointId(6))), "a,b", "5 may be aborted");
    head.forget(CheckpointId(5));
    assert_eq!(names(head.snapshot(CheckpointId(7))), "b");
    assert_eq!(head.position(), Some((140, 200)), "figures do not go back");
}

#[tokio::test]
async fn a_task_whose_splits_are_all_idle_says_so_even_if_no_others_will_come() {
    let mut head = head(Watermark::MIN);
    head.assign(vec![split("s", Watermark::MIN)], true);
    assert_eq!(head.news(), []);
    until_idle(&mut head, 1).await;
    assert_eq!(head.news(), [News::Idle(true)]);
    assert_eq!(head.news(), []);
    head.accept(&SplitId("s".into()), rows(&[5])).unwrap();
    assert_eq!(head.news(), [News::Idle(false), News::Watermark(Watermark(5_000))]);
}

#[tokio::test]
async fn a_restored_watermark_is_told_again_and_new_splits_do_not_take_it_back() {
    for of_split in [Watermark(100), Watermark::MIN] {
        let mut head = head(Watermark(100));
        assert_eq!(head.news(), [], "nothing is assigned");
        head.assign(vec![split("s", of_split)], false);
        assert_eq!(head.news(), [News::Watermark(Watermark(100))]);
        assert_eq!((head.news(), head.watermark), (vec![], Watermark(100)));
    }
}

#[tokio::test]
async fn a_split_that_was_idle_in_the_checkpoint_counts_again_until_it_has_nothing() {
    let mut head = head(Watermark(100));
    let idle = SplitState { is_idle: true, ..split("idle", Watermark(100)) };
    head.assign(vec![idle, split("s", Watermark(200))], true);
    assert_eq!(head.news(), [News::Watermark(Watermark(100))]);
}
