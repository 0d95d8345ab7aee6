//! Whole routes: generated rows through a writer and a publisher into files, and back through the source.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{concat_batches, lexsort_to_indices, take_record_batch};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use async_trait::async_trait;
use bytes::Bytes;
use millstream_batch::StreamBatch;
use millstream_model::snapshot::{ObjectRef, SplitState, StagedSegment};
use millstream_model::{Epoch, OperatorUid};

use crate::conformance::source as conformance;
use crate::sink::{StagedOutput, StagedReader, WriterContext};
use crate::source::{ReadOutcome, Source};
use crate::table::TableConfig;
use crate::test_table::{schema, table};
use crate::{Connector, ConnectorRegistry, builtin_registry};

const ROWS: usize = 1_000;

fn columns() -> Vec<(&'static str, DataType)> {
    let timestamp = |unit, zone: Option<&str>| DataType::Timestamp(unit, zone.map(Into::into));
    vec![
        ("id", DataType::Int64),
        ("flag", DataType::Boolean),
        ("tiny", DataType::Int8),
        ("small", DataType::Int16),
        ("number", DataType::Int32),
        ("real", DataType::Float32),
        ("wide", DataType::Float64),
        ("price", DataType::Decimal128(12, 3)),
        ("name", DataType::Utf8),
        ("raw", DataType::Binary),
        ("day", DataType::Date32),
        ("clock", DataType::Time32(TimeUnit::Millisecond)),
        ("at", timestamp(TimeUnit::Millisecond, None)),
        ("exact", timestamp(TimeUnit::Nanosecond, None)),
        ("zoned", timestamp(TimeUnit::Microsecond, Some("UTC"))),
    ]
}

/// A thousand rows with nulls in every column but the first.
fn generated(registry: &ConnectorRegistry) -> RecordBatch {
    let columns = columns();
    let mut config =
        table("rows", &columns, &[("number-of-rows", "1000"), ("rows-per-second", "0"), ("seed", "3")]);
    let mut set = |key: String, text: &str| config.options.insert(key, text.to_owned());
    set("fields.id.kind".to_owned(), "sequence");
    set("fields.id.start".to_owned(), "1");
    set("fields.id.end".to_owned(), "1000000");
    for (name, _) in columns.iter().skip(1) {
        set(format!("fields.{name}.null-rate"), "0.1");
    }
    for name in ["day", "clock", "at", "exact", "zoned"] {
        set(format!("fields.{name}.max-past"), "4000 d");
    }
    for (name, length) in [("name", "12"), ("raw", "9")] {
        set(format!("fields.{name}.length"), length);
        set(format!("fields.{name}.var-len"), "true");
    }
    let source = registry.get("datagen").unwrap().source(&config).unwrap().unwrap();
    let split = conformance::splits(source.as_ref()).remove(0);
    conformance::read_all(source.as_ref(), &split, &schema(&columns), 8_192)
}

#[derive(Default)]
struct Staged(BTreeMap<String, Bytes>);

#[async_trait]
impl StagedReader for Staged {
    async fn read(&self, object: &ObjectRef) -> Result<Bytes, String> {
        self.0.get(&object.key).cloned().ok_or_else(|| format!("there is no object {}", object.key))
    }
}

/// Writes the rows in batches over two slots and some epochs, as a job would.
async fn write(connector: &dyn Connector, config: &TableConfig, rows: &RecordBatch) {
    let sink = connector.sink(config).unwrap().unwrap();
    let mut writers: Vec<_> =
        (0..2).map(|index| sink.writer(WriterContext { index, parallelism: 2 }).unwrap()).collect();
    let mut publisher = sink.publisher().unwrap().unwrap();
    publisher.set_owner("default.round-trip.local#1");
    let mut staged = Staged::default();
    let mut written = 0;
    for epoch in 2..6 {
        let mut outputs: Vec<StagedOutput> = Vec::new();
        for (slot, writer) in (0_u32..).zip(&mut writers) {
            let count = 125.min(rows.num_rows() - written);
            for from in (0..count).step_by(50) {
                let batch = rows.slice(written + from, 50.min(count - from));
                writer.write(&StreamBatch::new(batch)).unwrap();
            }
            written += count;
            for (n, segment) in (0..).zip(writer.close_segments().unwrap()) {
                let id = format!("{epoch}-1-{slot}-{n}");
                let object = ObjectRef { key: id.clone(), length: segment.bytes.len() as u64, checksum: 0 };
                staged.0.insert(id.clone(), segment.bytes);
                let segment = StagedSegment {
                    sink: OperatorUid(config.name.clone()),
                    slot,
                    partition: segment.partition.clone(),
                    object,
                    rows: segment.rows,
                    closed_at_ms: 0,
                };
                outputs.push(StagedOutput {
                    id,
                    slot,
                    partition: segment.partition.clone(),
                    segments: vec![segment],
                });
            }
        }
        publisher.publish(Epoch(epoch), &outputs, &staged).await.unwrap();
    }
    assert_eq!(written, rows.num_rows());
    assert_eq!(publisher.progress().await.unwrap(), Some(Epoch(5)));
}

fn read(connector: &dyn Connector, config: &TableConfig) -> RecordBatch {
    let source = connector.source(config).unwrap().unwrap();
    let splits = conformance::splits(source.as_ref());
    let batches: Vec<_> =
        splits.iter().map(|s| conformance::read_all(source.as_ref(), s, &config.schema, 8_192)).collect();
    let joined = concat_batches(&config.schema, &batches).unwrap();
    let by_id = arrow::compute::SortColumn { values: joined.column(0).clone(), options: None };
    take_record_batch(&joined, &lexsort_to_indices(&[by_id], None).unwrap()).unwrap()
}

fn files(base: &Path, options: &[(&str, &str)], keys: &[&str]) -> TableConfig {
    let mut config = table("out", &columns(), &[("path", "out")]);
    config.options.extend(options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    config.base_dir = base.to_path_buf();
    config.partition_keys = keys.iter().map(|k| (*k).to_owned()).collect();
    config
}

#[tokio::test]
async fn what_a_job_writes_another_job_reads() {
    let registry = builtin_registry();
    let connector = registry.get("filesystem").unwrap();
    let rows = generated(&registry);
    assert_eq!(rows.num_rows(), ROWS);
    let cases: &[(&[(&str, &str)], &[&str])] = &[
        (&[("format", "json")], &[]),
        (
            &[
                ("format", "json"),
                ("json.timestamp-format.standard", "ISO-8601"),
                ("source.split.size", "1kb"),
            ],
            &[],
        ),
        (&[("format", "json"), ("json.encode.ignore-null-fields", "true")], &["day", "tiny"]),
        (&[("format", "csv"), ("csv.null-literal", "NULL")], &[]),
        (&[("format", "csv"), ("csv.null-literal", "-"), ("csv.field-delimiter", "|")], &["at"]),
        (
            &[("format", "csv"), ("csv.null-literal", ""), ("csv.disable-quote-character", "true")],
            &["flag", "small"],
        ),
        (&[("format", "json")], &["clock"]),
        (&[("format", "json")], &["zoned"]),
    ];
    for (options, keys) in cases {
        let folder = tempfile::tempdir().unwrap();
        let config = files(folder.path(), options, keys);
        // Nearly every row has a folder of its own there, and each costs some fsyncs.
        let rows = if keys.is_empty() { rows.clone() } else { rows.slice(0, 30) };
        write(connector.as_ref(), &config, &rows).await;
        assert_eq!(read(connector.as_ref(), &config), rows, "{options:?} by {keys:?}");
    }
}

/// Reads a while, keeps the positions of all splits, and starts over from them, again and again.
fn read_with_restarts(source: &dyn Source, projection: &SchemaRef, seed: usize) -> usize {
    let mut states = conformance::splits(source);
    let mut rows = 0;
    for round in 0.. {
        let mut open: Vec<(SplitState, _)> = states
            .iter()
            .filter(|s| !s.is_finished)
            .map(|s| (s.clone(), source.open(s, projection.clone()).unwrap()))
            .collect();
        if open.is_empty() {
            return rows;
        }
        for step in 0..3 + (seed + round) % 5 {
            for (state, reader) in &mut open {
                match reader.read(1 + (seed * 7 + round * 3 + step) % 60).unwrap() {
                    ReadOutcome::Batch(batch) => {
                        rows += batch.columns.num_rows();
                        state.position = batch.position;
                    }
                    ReadOutcome::End => state.is_finished = true,
                    ReadOutcome::Pending(_) => unreachable!("files have no pauses"),
                }
            }
        }
        for (state, _) in open {
            let slot = states.iter_mut().find(|s| s.split == state.split).unwrap();
            *slot = state;
        }
    }
    unreachable!("reading comes to an end")
}

#[tokio::test]
async fn restarts_neither_lose_nor_double_rows() {
    let registry = builtin_registry();
    let connector = registry.get("filesystem").unwrap();
    let rows = generated(&registry);
    let folder = tempfile::tempdir().unwrap();
    let config = files(folder.path(), &[("format", "json"), ("source.split.size", "3kb")], &[]);
    write(connector.as_ref(), &config, &rows).await;
    let source = connector.source(&config).unwrap().unwrap();
    let narrow: SchemaRef = Arc::new(config.schema.project(&[0]).unwrap());
    for seed in 0..20 {
        assert_eq!(read_with_restarts(source.as_ref(), &narrow, seed), ROWS, "seed {seed}");
    }
}

/// The folder of a sink is read by whoever ignores names that start with `_`, while it is written.
#[tokio::test]
async fn progress_records_are_not_read_as_rows() {
    let registry = builtin_registry();
    let connector = registry.get("filesystem").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = files(folder.path(), &[("format", "json")], &[]);
    write(connector.as_ref(), &config, &generated(&registry)).await;
    assert!(folder.path().join("out/_millstream/out").is_dir());
    let source = connector.source(&config).unwrap().unwrap();
    let files: Vec<_> = conformance::splits(source.as_ref()).into_iter().map(|s| s.split.0).collect();
    assert_eq!(files.len(), 8);
    assert!(files.iter().all(|f| f.starts_with("out/part-")), "{files:?}");
}

/// A job that starts afresh beside its old output must not take the old progress for its own.
#[tokio::test]
async fn another_owner_is_noticed_before_anything_is_written() {
    let registry = builtin_registry();
    let connector = registry.get("filesystem").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = files(folder.path(), &[("format", "json")], &[]);
    write(connector.as_ref(), &config, &generated(&registry)).await;
    let sink = connector.sink(&config).unwrap().unwrap();
    let mut afresh = sink.publisher().unwrap().unwrap();
    afresh.set_owner("default.round-trip.local#2");
    let error = afresh.publish(Epoch(2), &[], &Staged::default()).await.unwrap_err();
    assert_eq!(error.kind(), millstream_model::ErrorKind::State);
    let text = error.to_string();
    assert!(
        text.contains("`default.round-trip.local#1`, and this is `default.round-trip.local#2`"),
        "{text}"
    );
}
