//! Records and files that cannot be read.

use super::*;

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
