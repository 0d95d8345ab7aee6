//! The connector over the golden savepoint of version 1: operators `agg` (tables `main`, `call4`) and `join` (`left`, without
//! rows). Its keys are plain texts; keys of real jobs are tested in `key`, and end to end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit};
use millstream_connector_savepoint::SavepointConnector;
use millstream_connectors::conformance::source as conformance;
use millstream_connectors::source::{ReadOutcome, Source, SplitReader};
use millstream_connectors::{Connector as _, ConnectorError, TableConfig};
use millstream_model::ErrorKind;
use millstream_model::snapshot::SplitState;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("savepoint/tests/golden/v1")
}

fn schema(columns: &[(&str, DataType)]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(|(n, t)| Field::new(*n, t.clone(), true)).collect::<Vec<_>>()))
}

fn table(options: &[(&str, &str)], columns: &[(&str, DataType)]) -> TableConfig {
    TableConfig {
        name: "t".to_owned(),
        connector: "savepoint".to_owned(),
        options: options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        schema: schema(columns),
        partition_keys: Vec::new(),
        primary_key: Vec::new(),
        parallelism: 1,
        base_dir: golden(),
    }
}

fn source_of(config: &TableConfig) -> Result<Arc<dyn Source>, ConnectorError> {
    SavepointConnector::new().source(config).map(Option::unwrap)
}

const MAIN: &[(&str, &str)] = &[("path", "savepoint"), ("operator", "agg"), ("table", "main")];

fn main_columns() -> Vec<(&'static str, DataType)> {
    vec![
        ("key_group", DataType::Int32),
        ("call0.0", DataType::Int64),
        ("call1.0", DataType::Decimal128(38, 2)),
        ("key", DataType::Binary),
        ("call2.0", DataType::Utf8),
        ("call3.0", DataType::Timestamp(TimeUnit::Millisecond, None)),
        ("rows", DataType::Int64),
    ]
}

fn text(batch: &RecordBatch) -> Vec<String> {
    let groups = batch.column(0).as_primitive::<Int32Type>();
    let values = batch.column(1).as_primitive::<Int64Type>();
    let keys = batch.column(3).as_binary::<i32>();
    let row = |row: usize| {
        let key = String::from_utf8_lossy(keys.value(row));
        format!("  {} {key}: {}", groups.value(row), values.value(row))
    };
    (0..batch.num_rows()).map(row).collect()
}

/// Group, key and first value of each row of a table, as the golden's text has them.
fn expected(name: &str) -> Vec<String> {
    let all = std::fs::read_to_string(golden().join("rows.txt")).unwrap();
    let rows = all.lines().skip_while(|line| !line.starts_with(name)).skip(1);
    let first = |line: &str| line.split(',').next().unwrap().to_owned();
    rows.take_while(|line| line.starts_with(' ')).map(first).collect()
}

#[test]
fn the_source_keeps_its_promises_and_reads_every_row() {
    let columns = main_columns();
    // Decoded as a whole, and in parts that reading ends and begins within.
    for decoded_rows in [8_192, 3] {
        let connector = SavepointConnector::new().with_decoded_rows(decoded_rows);
        let source = connector.source(&table(MAIN, &columns)).unwrap().unwrap();
        assert!(source.is_bounded());
        assert_eq!(source.max_parallelism(), Some(4));
        let whole = conformance::run(source.as_ref(), &schema(&columns));
        assert_eq!(whole.len(), 4, "a split for each file");
        let rows = concat_batches(&schema(&columns), whole.values()).unwrap();
        assert_eq!(rows.num_rows(), 65);
        assert_eq!(text(&rows), expected("agg.main"));
    }
}

#[test]
fn names_and_what_may_be_left_out() {
    let count = [("count", DataType::Int64)];
    let rows = |options: &[(&str, &str)], columns: &[(&str, DataType)]| {
        let source = source_of(&table(options, columns)).unwrap();
        let splits = conformance::splits(source.as_ref());
        splits
            .iter()
            .map(|s| conformance::read_all(source.as_ref(), s, &schema(columns), 100).num_rows())
            .sum::<usize>()
    };
    let uri = format!("file://{}/savepoint/", golden().display());
    assert_eq!(rows(&[("path", &uri), ("operator", "Operator(agg)"), ("table", "call4")], &count), 37);
    // Its only table, which has no file.
    assert_eq!(rows(&[("path", "savepoint"), ("operator", "join")], &[("key", DataType::Binary)]), 0);
}

#[test]
fn wrong_declarations_say_what_there_is() {
    let operators = format!(
        "the savepoint file://{}/savepoint has state of 'agg' (Operator(agg)), 'join' (Operator(join))",
        golden().display()
    );
    let tables = format!(
        "agg has in file://{}/savepoint the tables 'call4' (`count`), 'main' (`call0.0`, `call1.0`, `call2.0`, `call3.0`, `rows`)",
        golden().display()
    );
    let path = ("path", "savepoint");
    let id = |data_type| vec![("id", data_type)];
    let main = |column: &'static str, data_type| vec![(column, data_type)];
    let list = DataType::List(Arc::new(Field::new("item", DataType::Int8, true)));
    let cases: Vec<(Vec<(&str, &str)>, Vec<(&str, DataType)>, String)> = vec![
        (vec![path], id(DataType::Int64), format!("the option 'operator' is missing: {operators}")),
        (
            vec![path, ("operator", "agc")],
            id(DataType::Int64),
            format!("'operator' = 'agc': {operators}; did you mean 'agg'?"),
        ),
        (vec![path, ("operator", "x")], id(DataType::Int64), format!("'operator' = 'x': {operators}")),
        (vec![path, ("operator", "agg")], id(DataType::Int64), format!("the option 'table' is missing: {tables}")),
        (
            vec![path, ("operator", "agg"), ("table", "mian")],
            id(DataType::Int64),
            format!("'table' = 'mian': {tables}; did you mean 'main'?"),
        ),
        (
            MAIN.to_vec(),
            main("rows", DataType::Int32),
            "the column `rows` is stored as BIGINT and declared as INT; declare it as BIGINT".to_owned(),
        ),
        (
            MAIN.to_vec(),
            main("call1.0", DataType::Decimal128(38, 3)),
            "the column `call1.0` is stored as DECIMAL(20, 2) and declared as DECIMAL(38, 3); declare it as DECIMAL(20, 2)"
                .to_owned(),
        ),
        (
            MAIN.to_vec(),
            main("call9.0", DataType::Int64),
            "the table has no stored column `call9.0`; it has `call0.0`, `call1.0`, `call2.0`, `call3.0`, `rows`; did you mean \
             'call0.0'?"
                .to_owned(),
        ),
        (
            MAIN.to_vec(),
            main("ROWS", DataType::Int64),
            "the table has no stored column `ROWS`; it has `call0.0`, `call1.0`, `call2.0`, `call3.0`, `rows`; did you mean \
             'rows'?"
                .to_owned(),
        ),
        (
            MAIN.to_vec(),
            main("key_group", DataType::Utf8),
            "the column `key_group` is an INT, and declared as STRING".to_owned(),
        ),
        (
            MAIN.to_vec(),
            main("id", list.clone()),
            format!(
                "the column `id` is not stored under this name, and {list} cannot be part of a key; stored are `call0.0`, \
                 `call1.0`, `call2.0`, `call3.0`, `rows`"
            ),
        ),
        (
            vec![path, ("tabel", "main")],
            id(DataType::Int64),
            "the connector 'savepoint' has no option 'tabel'; did you mean 'table'?".to_owned(),
        ),
        (vec![("path", "")], id(DataType::Int64), "'path' = '': ".to_owned()),
        (vec![("path", "ftp://x")], id(DataType::Int64), "'path' = 'ftp://x': ".to_owned()),
        (vec![("path", "nowhere")], id(DataType::Int64), "'path' = 'nowhere': there is no savepoint ".to_owned()),
    ];
    for (options, columns, message) in cases {
        let error = source_of(&table(&options, &columns)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::User, "{error}");
        let text = error.to_string();
        let is_whole = !message.ends_with(' ');
        let expected = format!("table `t`: {message}");
        assert!(if is_whole { text == expected } else { text.starts_with(&expected) }, "{text}\n{expected}");
    }
    let mut partitioned = table(MAIN, &main_columns());
    partitioned.partition_keys = vec!["rows".to_owned()];
    let error = source_of(&partitioned).err().unwrap().to_string();
    assert_eq!(error, "table `t`: PARTITIONED BY (`rows`): a savepoint has no partitions");
}

#[test]
fn it_is_not_written_to() {
    assert!(SavepointConnector::new().sink(&table(MAIN, &main_columns())).unwrap().is_none());
}

#[test]
fn a_savepoint_is_opened_once() {
    let folder = copy();
    let connector = SavepointConnector::new();
    let config = TableConfig { base_dir: folder.path().to_owned(), ..table(MAIN, &main_columns()) };
    assert!(connector.source(&config).is_ok());
    std::fs::remove_file(folder.path().join("savepoint/claim")).unwrap();
    assert!(connector.source(&config).is_ok());
    let error = source_of(&config).err().unwrap().to_string();
    assert!(error.contains("there is no savepoint"), "{error}");
}

/// A copy of the golden savepoint that a test may damage.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut left = vec![PathBuf::from("savepoint")];
    while let Some(path) = left.pop() {
        if golden().join(&path).is_dir() {
            std::fs::create_dir(folder.path().join(&path)).unwrap();
            let entries = std::fs::read_dir(golden().join(&path)).unwrap();
            left.extend(entries.map(|e| path.join(e.unwrap().file_name())));
        } else {
            std::fs::copy(golden().join(&path), folder.path().join(&path)).unwrap();
        }
    }
    folder
}

fn opened(
    config: &TableConfig,
    change: impl Fn(&mut SplitState),
) -> Result<Box<dyn SplitReader>, ConnectorError> {
    let source = source_of(config).unwrap();
    let mut split = conformance::splits(source.as_ref()).remove(0);
    change(&mut split);
    source.open(&split, config.schema.clone())
}

#[test]
fn an_unfinished_savepoint_and_damaged_files_are_refused() {
    let folder = copy();
    let config = TableConfig { base_dir: folder.path().to_owned(), ..table(MAIN, &main_columns()) };
    let attempt = folder.path().join("savepoint/00c0ffee00c0ffee");
    let file = attempt.join("agg/main/00000-00004.parquet");
    let good = std::fs::read(&file).unwrap();
    let flipped: Vec<u8> = good.iter().enumerate().map(|(i, b)| if i == 99 { b ^ 1 } else { *b }).collect();
    for damaged in [Some(&flipped[..]), Some(&good[..good.len() - 1]), Some(&[]), None] {
        std::fs::remove_file(&file).unwrap_or_default();
        if let Some(bytes) = damaged {
            std::fs::write(&file, bytes).unwrap();
        }
        let error = opened(&config, |_| {}).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::User);
        let text = error.to_string();
        assert!(text.contains("00000-00004.parquet: damaged: expected 4549 bytes with checksum "), "{text}");
    }
    std::fs::remove_file(attempt.join("manifest")).unwrap();
    let error = source_of(&config).err().unwrap().to_string();
    assert!(error.contains("was begun and is not finished"), "{error}");
}

#[test]
fn positions_that_cannot_be_are_refused() {
    let config = table(MAIN, &main_columns());
    let cases: [(&dyn Fn(&mut SplitState), &str); 2] = [
        (&|s| s.position = vec![0, 232, 7], "00000-00004.parquet has "),
        (
            // Its first byte after the variant and the length: another attempt.
            &|s| s.descriptor[2] = b'1',
            "it is another one than the job began with",
        ),
    ];
    for (change, message) in cases {
        let error = opened(&config, change).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::State);
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn keys_of_other_types_are_an_error_of_the_first_row() {
    let read = |column: &'static str| {
        let config = table(MAIN, &[(column, DataType::Int64)]);
        let outcome = opened(&config, |_| {}).unwrap().read(10);
        outcome.err().unwrap().to_string()
    };
    let error = read("id");
    assert!(error.starts_with("table `t`: file://"), "{error}");
    assert!(
        error.contains("/agg/main/00000-00004.parquet: the key x'6b3133' of row 0 is not one of (id BIGINT): damaged key: bad null \
                        marker; declare the columns that the operator groups by"),
        "{error}"
    );
    assert!(
        read("row")
            .ends_with("`row` is no stored column and is taken for a part of the key; did you mean `rows`?")
    );
    // What is not asked for is not decoded.
    let config = table(MAIN, &[("id", DataType::Int64), ("rows", DataType::Int64)]);
    let source = source_of(&config).unwrap();
    let split = conformance::splits(source.as_ref()).remove(0);
    let mut reader = source.open(&split, schema(&[("rows", DataType::Int64)])).unwrap();
    assert!(matches!(reader.read(10).unwrap(), ReadOutcome::Batch(_)));
}
