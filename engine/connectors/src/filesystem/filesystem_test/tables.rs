//! Options and columns.

use super::*;

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
            &[("path", "hdfs://b/x"), json],
            "'path' = 'hdfs://b/x': files cannot be read from hdfs://; write a local path, file:// or s3://",
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
    let message = "table `t`: the column `a` is List(Int32), which the formats json and csv cannot hold; declare it as STRING";
    assert_eq!(error, message);
    let row = [arrow::datatypes::Field::new("x", DataType::Int32, true)];
    config.schema = schema(&[("a", DataType::Struct(row.into_iter().collect()))]);
    let error = connector().sink(&config).err().unwrap().to_string();
    assert!(
        error.starts_with("table `t`: the column `a` is ROW<`x` INT>, which has no place in a flat record"),
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
    assert_eq!(policy(&[("sink.rolling-policy.file-size", "1gb")]).bytes, 1 << 30);
    let long = table(
        Path::new("/"),
        &[("path", "out"), ("format", "json"), ("sink.rolling-policy.file-size", "1025mb")],
    );
    assert_eq!(
        connector().sink(&long).err().unwrap().to_string(),
        "table `t`: 'sink.rolling-policy.file-size' must be at most 1024 MB: a file becomes visible with one request, which has \
         to be in memory; more files hold the same rows"
    );
}
