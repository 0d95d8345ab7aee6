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

/// All splits are there and none ever has a row.
struct Silent;

impl Source for Silent {
    fn is_bounded(&self) -> bool {
        false
    }

    fn enumerator(&self) -> Result<Box<dyn Enumerator>, ConnectorError> {
        unreachable!("the test assigns splits itself")
    }

    fn open(&self, _: &SplitState, _: SchemaRef) -> Result<Box<dyn SplitReader>, ConnectorError> {
        Ok(Box::new(Self))
    }
}

impl SplitReader for Silent {
    fn read(&mut self, _: usize) -> Result<ReadOutcome, ConnectorError> {
        Ok(ReadOutcome::Pending(Duration::from_millis(1)))
    }
}

fn head(restored: Watermark) -> SourceHead {
    let schema = Arc::new(Schema::new(vec![Field::new("ts", MILLIS, true)]));
    let spec = SourceSpec {
        table: TableConfig {
            name: "t".into(),
            connector: "silent".into(),
            options: BTreeMap::new(),
            schema: schema.clone(),
            partition_keys: Vec::new(),
            primary_key: Vec::new(),
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
    let fetcher = Fetcher::start("t", Arc::new(Silent), schema, 10).unwrap();
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

/// Takes word of so many splits that have nothing, and lets the timeout pass.
async fn run_dry(head: &mut SourceHead, count: usize) {
    for _ in 0..count {
        match head.fetcher.fetched.recv().await {
            Some(Fetched::Dry(split)) => head.ran_dry(&split),
            other => unreachable!("{other:?}"),
        }
    }
    std::thread::sleep(Duration::from_millis(3));
    head.find_idle();
}

fn row(millis: i64) -> ReadBatch {
    let schema = Arc::new(Schema::new(vec![Field::new("ts", MILLIS, true)]));
    let times = Arc::new(TimestampMillisecondArray::from(vec![millis]));
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
    run_dry(&mut head, 16).await;
    let idle = head.splits.values().filter(|s| s.state.is_idle).count();
    assert_eq!((idle, head.news()), (16, vec![]), "the last one holds the watermark back");
}

#[tokio::test]
async fn a_task_whose_splits_are_all_idle_says_so_even_if_no_others_will_come() {
    let mut head = head(Watermark::MIN);
    head.assign(vec![split("s", Watermark::MIN)], true);
    assert_eq!(head.news(), []);
    run_dry(&mut head, 1).await;
    assert_eq!(head.news(), [News::Idle(true)]);
    assert_eq!(head.news(), []);
    head.accept(&SplitId("s".into()), row(5)).unwrap();
    head.find_idle();
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
