use std::io::Write as _;
use std::path::Path;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use millstream_batch::{RowOp, StreamBatch};

use super::*;
use crate::conformance::source as conformance;
use crate::source::ReadOutcome;
use crate::test_table::{schema, table as test_table};

const COLUMNS: &[(&str, DataType)] =
    &[("id", DataType::Int64), ("text", DataType::Utf8), ("amount", DataType::Float64)];

fn connector() -> FilesystemConnector {
    FilesystemConnector::new(Clock::system())
}

fn table(base: &Path, options: &[(&str, &str)]) -> TableConfig {
    TableConfig {
        base_dir: base.to_path_buf(),
        connector: "filesystem".to_owned(),
        ..test_table("t", COLUMNS, options)
    }
}

fn source(base: &Path, options: &[(&str, &str)]) -> Result<Arc<dyn Source>, String> {
    let source = connector().source(&table(base, options)).map_err(|e| e.to_string())?;
    Ok(source.unwrap())
}

fn json_lines(ids: std::ops::Range<i64>) -> String {
    ids.map(|id| {
        format!(
            "{{\"id\":{id},\"text\":\"{}\",\"amount\":{id}.5}}\n",
            "x".repeat(usize::try_from(id % 13).unwrap())
        )
    })
    .collect()
}

fn ids(batches: impl IntoIterator<Item = RecordBatch>) -> Vec<i64> {
    let mut ids: Vec<i64> =
        batches.into_iter().flat_map(|b| b.column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
    ids.sort_unstable();
    ids
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_kind_of_file_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path();
    let csv = "1,a,1.5\r\n2,\"two\nlines\",2.5\n\n3,\"q\"\"q\",3.5";
    let table: &[(&str, Vec<u8>, &[(&str, &str)], i64)] = &[
        ("a.json", json_lines(0..200).into_bytes(), &[("format", "json")], 200),
        ("b.json", json_lines(0..200).into_bytes(), &[("format", "json"), ("source.split.size", "500")], 200),
        ("c.json", json_lines(0..7).into_bytes(), &[("format", "json"), ("source.split.size", "1")], 7),
        ("d.json.gz", gzip(&json_lines(0..200)), &[("format", "json"), ("source.split.size", "500")], 200),
        (
            "e.json.zst",
            zstd::encode_all(json_lines(0..200).as_bytes(), 1).unwrap(),
            &[("format", "json")],
            200,
        ),
        ("f.csv", csv.as_bytes().to_vec(), &[("format", "csv"), ("source.split.size", "3")], 3),
        (
            "g.csv",
            b"1,\"a,1.5\n2,b,2.5\r\n3,c,3.5\r4,d,4.5".to_vec(),
            &[("format", "csv"), ("csv.disable-quote-character", "true"), ("source.split.size", "3")],
            4,
        ),
        ("h.json", [&b"\xEF\xBB\xBF"[..], json_lines(0..5).as_bytes()].concat(), &[("format", "json")], 5),
        ("i.json", Vec::new(), &[("format", "json")], 0),
        ("j.json", json_lines(0..3).trim_end().as_bytes().to_vec(), &[("format", "json")], 3),
        ("k.json", b"\n\n \n".to_vec(), &[("format", "json")], 0),
    ];
    for (name, bytes, options, rows) in table {
        std::fs::write(base.join(name), bytes).unwrap();
        let mut options = options.to_vec();
        options.push(("path", name));
        let source = source(base, &options).unwrap();
        let read = conformance::run(source.as_ref(), &schema(COLUMNS));
        let read: Vec<RecordBatch> = read.into_values().collect();
        let total: usize = read.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(total as i64, *rows, "{name}");
        if name.ends_with("json") || name.contains("json.") {
            assert_eq!(ids(read), (0..*rows).collect::<Vec<_>>(), "{name}");
        }
    }
}

#[test]
fn splits_at_every_byte_hold_each_line_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.json"), json_lines(0..20)).unwrap();
    let bytes = json_lines(0..20).len();
    for size in (1..=bytes).step_by(7) {
        let size = size.to_string();
        let options = [("path", "a.json"), ("format", "json"), ("source.split.size", size.as_str())];
        let source = source(folder.path(), &options).unwrap();
        let splits = conformance::splits(source.as_ref());
        let read = splits.iter().map(|s| conformance::read_all(source.as_ref(), s, &schema(COLUMNS), 8_192));
        assert_eq!(ids(read), (0..20).collect::<Vec<_>>(), "splits of {size} bytes");
    }
}

#[test]
fn folders_are_read_in_order_without_hidden_files() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path();
    std::fs::create_dir_all(base.join("in/_millstream")).unwrap();
    for (name, ids) in
        [("in/b.json", 2..4), ("in/a.json", 0..2), ("in/_millstream/x.json", 8..9), ("in/.tmp.json", 9..10)]
    {
        std::fs::write(base.join(name), json_lines(ids)).unwrap();
    }
    let source = source(base, &[("path", "in"), ("format", "json")]).unwrap();
    let splits = conformance::splits(source.as_ref());
    let names: Vec<_> = splits.iter().map(|s| s.split.0.split('@').next().unwrap().to_owned()).collect();
    assert_eq!(names, ["in/a.json", "in/b.json"]);
    assert!(source.is_bounded());
}

#[test]
fn watched_folders_report_each_file_once() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path();
    let options = [("path", "in"), ("format", "json"), ("source.monitor-interval", "50 ms")];
    let source = source(base, &options).unwrap();
    assert!(!source.is_bounded());
    let mut enumerator = source.enumerator().unwrap();
    assert_eq!(enumerator.interval(), Duration::from_millis(50));
    let found = |e: &mut Box<dyn Enumerator>| {
        let discovery = e.discover().unwrap();
        assert!(!discovery.is_complete);
        discovery
            .splits
            .into_iter()
            .map(|s| s.split.0.split('@').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(found(&mut enumerator), Vec::<String>::new(), "a folder that is not there yet is empty");
    std::fs::create_dir_all(base.join("in/zürich")).unwrap();
    for name in ["in/part-1.json", "in/part-10.json", "in/zürich/a.json"] {
        std::fs::write(base.join(name), json_lines(0..1)).unwrap();
    }
    assert_eq!(found(&mut enumerator), ["in/part-1.json", "in/part-10.json", "in/zürich/a.json"]);
    assert_eq!(found(&mut enumerator), Vec::<String>::new());
    let snapshot = enumerator.snapshot();
    std::fs::write(base.join("in/part-2.json"), json_lines(0..1)).unwrap();
    std::fs::write(base.join("in/zürich/ö.json"), json_lines(0..1)).unwrap();
    let mut restored = source.enumerator().unwrap();
    restored.restore(&snapshot).unwrap();
    assert_eq!(restored.snapshot(), snapshot);
    assert_eq!(found(&mut restored), ["in/part-2.json", "in/zürich/ö.json"]);
    assert!(matches!(restored.restore(&[9, 9]), Err(ConnectorError::Position { .. })));
}

/// Reads everything; the error stands behind the rows before it.
fn read(source: &dyn Source, columns: &[(&str, DataType)]) -> (usize, u64, Option<String>) {
    let (mut rows, mut skipped) = (0, 0);
    for split in conformance::splits(source) {
        let mut reader = match source.open(&split, schema(columns)) {
            Ok(reader) => reader,
            Err(error) => return (rows, skipped, Some(error.to_string())),
        };
        loop {
            match reader.read(8_192) {
                Ok(ReadOutcome::Batch(batch)) => {
                    rows += batch.columns.num_rows();
                    skipped += batch.skipped;
                    let (done, of) = batch.progress.unwrap();
                    assert!(done <= of);
                }
                Ok(ReadOutcome::End) => break,
                Ok(ReadOutcome::Pending(_)) => unreachable!("files have no pauses"),
                Err(error) => return (rows, skipped, Some(error.to_string())),
            }
        }
    }
    (rows, skipped, None)
}

#[test]
fn malformed_records_are_named_by_file_line_and_column_or_skipped_and_counted() {
    let hint = "with 'json.ignore-parse-errors' = 'true'";
    let csv_hint = "with 'csv.ignore-parse-errors' = 'true'";
    let table: &[(&str, &[u8], &str, usize, String)] = &[
        (
            "a.json",
            b"{\"id\":1}\n{\"id\":2}\n{\"text\":\"\xC3\xA9\",\"id\":\"x\"}\n{\"id\":4}\n",
            "a.json, line 3, column 18",
            2,
            format!("the field `id` cannot be read as BIGINT: \"x\"; {hint} it becomes NULL"),
        ),
        (
            "b.json",
            b"{\"id\":1}\r\n\r\nnonsense\r\n",
            "b.json, line 3, column 1",
            1,
            format!(
                "not a JSON object: a record is a JSON object: expected `{{`; {hint} such records are skipped and counted"
            ),
        ),
        (
            "c.csv",
            b"1,a,1.5\n2,\"b\nb\",x\n",
            "c.csv, line 3, column 4",
            1,
            format!("field 3 (`amount`) cannot be read as DOUBLE: \"x\"; {csv_hint} it becomes NULL"),
        ),
        (
            "d.csv",
            b"1,a,1.5\n2,b,2.5,c\n3,c,3.5\n",
            "d.csv, line 2, column 9",
            1,
            format!(
                "4 fields for the 3 columns of the table; {csv_hint} such records are skipped and counted"
            ),
        ),
        (
            "e.csv",
            b"1,a,1.5\n2,\"b,2.5\n3,c,3.5\n",
            "e.csv, line 2, column 3",
            1,
            format!(
                "the quote that opens here is not closed; {csv_hint} such records are skipped and counted"
            ),
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes, place, rows, message) in table {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let format = name.rsplit('.').next().unwrap();
        let failing = source(folder.path(), &[("path", name), ("format", format)]).unwrap();
        let error = format!("table `t`: {place}: {message}");
        assert_eq!(read(failing.as_ref(), COLUMNS), (*rows, 0, Some(error)), "{name}");
        let key = format!("{format}.ignore-parse-errors");
        let skipping = source(folder.path(), &[("path", name), ("format", format), (&key, "true")]).unwrap();
        let (_, skipped, error) = read(skipping.as_ref(), COLUMNS);
        assert_eq!((skipped, error), (u64::from(!message.contains("NULL")), None), "{name}");
    }
}

#[test]
fn faults_in_later_splits_know_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let text = json_lines(0..100).replace("\"id\":90,", "\"id\":x,");
    std::fs::write(folder.path().join("a.json"), &text).unwrap();
    std::fs::write(folder.path().join("b.json.gz"), gzip(&text)).unwrap();
    for name in ["a.json", "b.json.gz"] {
        let options = [("path", name), ("format", "json"), ("source.split.size", "400")];
        let (_, _, error) = read(source(folder.path(), &options).unwrap().as_ref(), COLUMNS);
        assert!(error.unwrap().starts_with(&format!("table `t`: {name}, line 91, column 7: ")));
    }
}

#[test]
fn records_that_are_too_long_are_refused_or_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let long = "y".repeat(crate::format::MAX_RECORD_BYTES + 10);
    let json = format!("{{\"id\":1}}\n{{\"id\":2,\"text\":\"{long}\"}}\n{{\"id\":3}}\n");
    let csv = format!("1,a,1\n2,\"{long}\",2\n3,c,3\n");
    for (name, text) in [("a.json", json), ("b.csv", csv)] {
        std::fs::write(folder.path().join(name), text).unwrap();
        let format = name.rsplit('.').next().unwrap();
        let failing = source(folder.path(), &[("path", name), ("format", format)]).unwrap();
        let message = format!(
            "table `t`: {name}, line 2, column 1: the record is longer than 16 MiB; is a line break or a closing quote missing?"
        );
        assert_eq!(read(failing.as_ref(), COLUMNS), (1, 0, Some(message)));
        let key = format!("{format}.ignore-parse-errors");
        let skipping = source(folder.path(), &[("path", name), ("format", format), (&key, "true")]).unwrap();
        assert_eq!(read(skipping.as_ref(), COLUMNS), (2, 1, None), "{name}");
        let split = conformance::splits(skipping.as_ref()).remove(0);
        let mut reader = skipping.open(&split, schema(COLUMNS)).unwrap();
        let mut rows = 0;
        while let ReadOutcome::Batch(batch) = reader.read(1).unwrap() {
            rows += batch.columns.num_rows();
            let state = SplitState { position: batch.position, ..split.clone() };
            let rest = conformance::read_all(skipping.as_ref(), &state, &schema(COLUMNS), 10);
            assert_eq!(rows + rest.num_rows(), 2, "{name}: no row comes out of the middle of a line");
        }
    }
}

#[test]
fn damaged_archives_are_the_users_to_mend() {
    let folder = tempfile::tempdir().unwrap();
    let whole = gzip(&json_lines(0..5_000));
    let zst = zstd::encode_all(json_lines(0..5_000).as_bytes(), 1).unwrap();
    for (name, bytes) in [
        ("cut.json.gz", whole[..whole.len() / 2].to_vec()),
        ("text.json.gz", json_lines(0..10).into_bytes()),
        ("cut.json.zst", zst[..zst.len() / 2].to_vec()),
    ] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let source = source(folder.path(), &[("path", name), ("format", "json")]).unwrap();
        let split = conformance::splits(source.as_ref()).remove(0);
        let failure = source.open(&split, schema(COLUMNS)).and_then(|mut reader| {
            loop {
                if matches!(reader.read(8_192)?, ReadOutcome::End) {
                    return Ok(());
                }
            }
        });
        let error = failure.unwrap_err();
        assert_eq!(error.kind(), millstream_model::ErrorKind::User, "{error}");
        assert!(
            error.to_string().starts_with(&format!("table `t`: {name}: damaged compressed data")),
            "{error}"
        );
    }
}

#[test]
fn files_that_changed_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    std::fs::write(&path, json_lines(0..50)).unwrap();
    let source = source(folder.path(), &[("path", "a.json"), ("format", "json")]).unwrap();
    let split = conformance::splits(source.as_ref()).remove(0);
    let bytes = json_lines(0..50).len();

    // Lines that are appended later belong to no split.
    std::fs::write(&path, json_lines(0..60)).unwrap();
    assert_eq!(conformance::read_all(source.as_ref(), &split, &schema(COLUMNS), 100).num_rows(), 50);

    std::fs::write(&path, "{}\n").unwrap();
    let error = source.open(&split, schema(COLUMNS)).err().unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "table `t`: cannot continue from the stored position: a.json is shorter than it was: {bytes} bytes were found, 0 \
             read, 3 are there; files must not change while they are read"
        )
    );
    std::fs::remove_file(&path).unwrap();
    let error = source.open(&split, schema(COLUMNS)).err().unwrap();
    assert_eq!(
        error.to_string(),
        "table `t`: cannot continue from the stored position: a.json is gone; its rows would be lost"
    );
    assert_eq!(error.kind(), millstream_model::ErrorKind::State);
}

#[test]
fn wrong_tables_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let json = ("format", "json");
    let table: &[(&[(&str, &str)], &str)] = &[
        (
            &[json],
            "the option 'path' is missing: the file, folder or glob to read, or the folder to write; relative to the file that \
             names it",
        ),
        (
            &[("path", "x")],
            "the option 'format' is missing: how rows are written, 'json' (one object a line) or 'csv'",
        ),
        (&[("path", "x"), ("format", "parquet")], "'format' = 'parquet': must be one of: json, csv"),
        (
            &[("path", "x"), json, ("csv.null-literal", "")],
            "the connector 'filesystem' has no option 'csv.null-literal'; it has: path, source.split.size, \
             source.monitor-interval, source.rows-per-second, sink.rolling-policy.file-size, sink.rolling-policy.rollover-interval, \
             partition.default-name, format, json.timestamp-format.standard, json.fail-on-missing-field, \
             json.ignore-parse-errors, json.encode.decimal-as-plain-number, json.encode.ignore-null-fields",
        ),
        (
            &[("path", "x"), json, ("json.ignore-parse-error", "true")],
            "the connector 'filesystem' has no option 'json.ignore-parse-error'; did you mean 'json.ignore-parse-errors'?",
        ),
        (
            &[("path", "x"), json, ("source.path.regex-pattern", ".*")],
            "the option 'source.path.regex-pattern' is not supported: write a glob in 'path' instead, as in 'data/*.json'",
        ),
        (
            &[("path", "x"), json, ("sink.partition-commit.trigger", "process-time")],
            "the option 'sink.partition-commit.trigger' is not supported: partitions have no commit of their own; every visible \
             file is complete",
        ),
        (&[("path", "x"), json, ("source.split.size", "0")], "'source.split.size' must be at least 1 byte"),
        (
            &[("path", "x"), json, ("source.monitor-interval", "0")],
            "'source.monitor-interval' must be longer than 0",
        ),
        (
            &[("path", "s3://b/x"), json],
            "'path' = 's3://b/x': files cannot be read from s3:// yet; write a local path or file://",
        ),
    ];
    for (options, message) in table {
        assert_eq!(source(folder.path(), options).err().unwrap(), format!("table `t`: {message}"));
    }
    let missing = source(folder.path(), &[("path", "absent/*.json"), json]).unwrap();
    let error = missing.enumerator().unwrap().discover().unwrap_err();
    let path = folder.path().join("absent/*.json");
    assert_eq!(error.to_string(), format!("table `t`: there is no file at {}", path.display()));
    std::fs::write(folder.path().join("a.bz2"), "x").unwrap();
    let packed = source(folder.path(), &[("path", "a.bz2"), json]).unwrap();
    assert_eq!(
        packed.enumerator().unwrap().discover().unwrap_err().to_string(),
        "table `t`: a.bz2: files that end with .bz2 cannot be read; use gzip (.gz) or zstd (.zst)"
    );
}

#[test]
fn wrong_columns_are_refused() {
    let item = Arc::new(arrow::datatypes::Field::new("item", DataType::Int32, true));
    let mut config = table(Path::new("/"), &[("path", "x"), ("format", "csv")]);
    config.schema = schema(&[("a", DataType::List(item))]);
    let error = connector().sink(&config).err().unwrap().to_string();
    assert!(
        error.starts_with(
            "table `t`: the column `a` has a type that the formats json and csv cannot hold here ("
        ),
        "{error}"
    );
    config.schema = schema(&[("a", DataType::Int32)]);
    let cases = [
        ("b", "table `t`: PARTITIONED BY names `b`, which is no column of the table"),
        ("a", "table `t`: every column is in PARTITIONED BY; at least one must be in the files"),
    ];
    for (key, message) in cases {
        config.partition_keys = vec![key.to_owned()];
        assert_eq!(connector().sink(&config).err().unwrap().to_string(), message);
    }
}

#[test]
fn files_can_be_replayed_at_a_pace() {
    use std::sync::atomic::{AtomicU64, Ordering};
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.json"), json_lines(0..100)).unwrap();
    let now = Arc::new(AtomicU64::new(0));
    let read = now.clone();
    let clock = Clock::new(move || Duration::from_millis(read.load(Ordering::Relaxed)), || 0);
    let config =
        table(folder.path(), &[("path", "a.json"), ("format", "json"), ("source.rows-per-second", "50")]);
    let source = FilesystemConnector::new(clock).source(&config).unwrap().unwrap();
    let split = conformance::splits(source.as_ref()).remove(0);
    let mut reader = source.open(&split, schema(COLUMNS)).unwrap();
    let mut rows = Vec::new();
    for ms in (0..=1_000).step_by(100) {
        now.store(ms, Ordering::Relaxed);
        match reader.read(8_192).unwrap() {
            ReadOutcome::Batch(batch) => rows.push(batch.columns.num_rows()),
            other => unreachable!("{other:?}"),
        }
        assert!(matches!(reader.read(8_192).unwrap(), ReadOutcome::Pending(_)));
    }
    assert_eq!(rows, [1, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5]);
}

fn batch(rows: &[(i64, Option<&str>, Option<f64>)]) -> StreamBatch {
    StreamBatch::new(
        RecordBatch::try_new(
            schema(COLUMNS),
            vec![
                Arc::new(Int64Array::from(rows.iter().map(|r| r.0).collect::<Vec<_>>())),
                Arc::new(StringArray::from(rows.iter().map(|r| r.1).collect::<Vec<_>>())),
                Arc::new(arrow::array::Float64Array::from(rows.iter().map(|r| r.2).collect::<Vec<_>>())),
            ],
        )
        .unwrap(),
    )
}

#[test]
fn rows_are_grouped_by_partition() {
    let mut config = table(Path::new("/"), &[("path", "out"), ("format", "csv")]);
    config.partition_keys = vec!["text".to_owned()];
    let sink = connector().sink(&config).unwrap().unwrap();
    assert!(sink.is_staged() && !sink.accepts_updates());
    let mut writer = sink.writer(WriterContext { index: 0, parallelism: 1 }).unwrap();
    writer.write(&batch(&[(1, Some("b"), Some(1.5)), (2, Some("a/c"), None)])).unwrap();
    writer.write(&batch(&[(3, Some("b"), Some(3.0)), (4, None, Some(0.0)), (5, Some(""), None)])).unwrap();
    assert_eq!(writer.buffered_bytes(), "1,1.5\n2,\n3,3.0\n4,0.0\n5,\n".len());
    let segments = writer.close_segments().unwrap();
    let text = |s: &crate::sink::ClosedSegment| {
        (s.partition.clone(), String::from_utf8(s.bytes.to_vec()).unwrap(), s.rows)
    };
    assert_eq!(
        segments.iter().map(text).collect::<Vec<_>>(),
        [
            ("text=__DEFAULT_PARTITION__".to_owned(), "4,0.0\n5,\n".to_owned(), 2),
            ("text=a%2Fc".to_owned(), "2,\n".to_owned(), 1),
            ("text=b".to_owned(), "1,1.5\n3,3.0\n".to_owned(), 2),
        ]
    );
    assert!(writer.close_segments().unwrap().is_empty());
}

#[test]
fn partitioned_folders_read_back() {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in [
        ("text=b/1.csv", "1,1.5\n3,3.0\n"),
        ("text=__DEFAULT_PARTITION__/1.csv", "4,0.0\n"),
        ("text=a%2Fc/1.csv", "2,\n"),
    ] {
        let path = folder.path().join("out").join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut config = table(folder.path(), &[("path", "out"), ("format", "csv"), ("csv.null-literal", "")]);
    config.partition_keys = vec!["text".to_owned()];
    let source = connector().source(&config).unwrap().unwrap();
    let read = conformance::run(source.as_ref(), &schema(COLUMNS));
    let rows: Vec<(i64, Option<String>)> = read
        .values()
        .flat_map(|b| {
            let (ids, texts) =
                (b.column(0).as_primitive::<Int64Type>().clone(), b.column(1).as_string::<i32>().clone());
            (0..b.num_rows())
                .map(|i| (ids.value(i), texts.is_valid(i).then(|| texts.value(i).to_owned())))
                .collect::<Vec<_>>()
        })
        .collect();
    let text = |t: &str| Some(t.to_owned());
    assert_eq!(rows, [(4, None), (2, text("a/c")), (1, text("b")), (3, text("b"))]);
}

#[test]
fn rows_that_cannot_be_written_are_refused() {
    let mut config = table(Path::new("/"), &[("path", "out"), ("format", "json")]);
    config.partition_keys = vec!["text".to_owned()];
    let sink = connector().sink(&config).unwrap().unwrap();
    let mut writer = sink.writer(WriterContext { index: 0, parallelism: 1 }).unwrap();
    let updates = batch(&[(1, Some("a"), None)]).with_ops(Some([RowOp::Delete].into()));
    assert_eq!(
        writer.write(&updates).unwrap_err().to_string(),
        "table `t`: cannot write the row: files cannot take back rows, and this one is -D"
    );
    let long = "x".repeat(300);
    let error = writer.write(&batch(&[(1, Some(&long), None)])).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "table `t`: cannot write the row: the partition folder `text={long}` is longer than 240 bytes"
        )
    );
}

#[test]
fn the_roll_policy_follows_the_options() {
    let policy = |options: &[(&str, &str)]| {
        let mut all = vec![("path", "out"), ("format", "json")];
        all.extend(options);
        connector().sink(&table(Path::new("/"), &all)).unwrap().unwrap().roll_policy()
    };
    assert_eq!(policy(&[]), RollPolicy { bytes: 128 << 20, age_ms: 0 });
    let options =
        [("sink.rolling-policy.file-size", "1mb"), ("sink.rolling-policy.rollover-interval", "30 min")];
    assert_eq!(policy(&options), RollPolicy { bytes: 1 << 20, age_ms: 1_800_000 });
}
