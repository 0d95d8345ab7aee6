//! The reader against a naive one, on random files.

use std::io::Write as _;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int64Type};
use proptest::prelude::*;

use crate::clock::Clock;
use crate::conformance::source as conformance;
use crate::filesystem::FilesystemConnector;
use crate::registry::Connector;
use crate::source::ReadOutcome;
use crate::test_table::{schema, table};

const COLUMNS: &[(&str, DataType)] = &[("id", DataType::Int64), ("text", DataType::Utf8)];

/// A line of a file, and the row that it is.
#[derive(Clone, Debug)]
enum Line {
    Row(i64, Option<String>),
    Malformed(&'static str),
    Blank(&'static str),
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![
        6 => (any::<i64>(), proptest::option::of("[ -~é😀]{0,20}")).prop_map(|(id, text)| Line::Row(id, text)),
        1 => proptest::sample::select(vec!["{\"id\":", "nonsense", "[1]", "{\"id\":1} {\"id\":2}", "{\"id\":1,}"]).prop_map(Line::Malformed),
        1 => proptest::sample::select(vec!["", " ", "\t\t"]).prop_map(Line::Blank),
    ]
}

fn json(line: &Line) -> String {
    match line {
        Line::Row(id, text) => {
            serde_json::json!({"extra": [1, {"x": null}], "text": text, "id": id}).to_string()
        }
        Line::Malformed(text) | Line::Blank(text) => (*text).to_owned(),
    }
}

#[derive(Clone, Copy, Debug)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

fn pack(text: &str, packing: Packing) -> (&'static str, Vec<u8>) {
    match packing {
        Packing::Plain => ("a.json", text.as_bytes().to_vec()),
        Packing::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            ("a.json.gz", encoder.finish().unwrap())
        }
        Packing::Zstd => ("a.json.zst", zstd::encode_all(text.as_bytes(), 1).unwrap()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn every_line_is_one_row_or_counted(
        lines in proptest::collection::vec(line(), 0..40),
        line_break in proptest::sample::select(vec!["\n", "\r\n"]),
        ends_with_break in any::<bool>(),
        split_bytes in 1_u64..400,
        max_rows in 1_usize..10,
        packing in proptest::sample::select(vec![Packing::Plain, Packing::Gzip, Packing::Zstd]),
    ) {
        let mut text = lines.iter().map(json).collect::<Vec<_>>().join(line_break);
        if ends_with_break {
            text.push_str(line_break);
        }
        let folder = tempfile::tempdir().unwrap();
        let (name, bytes) = pack(&text, packing);
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let split_bytes = split_bytes.to_string();
        let options =
            [("path", name), ("format", "json"), ("json.ignore-parse-errors", "true"), ("source.split.size", &split_bytes)];
        let mut config = table("t", COLUMNS, &options);
        config.base_dir = folder.path().to_path_buf();
        let source = FilesystemConnector::new(Clock::system()).source(&config).unwrap().unwrap();

        let (mut rows, mut skipped) = (Vec::new(), 0);
        for split in conformance::splits(source.as_ref()) {
            let mut reader = source.open(&split, schema(COLUMNS)).unwrap();
            let mut done = 0;
            loop {
                match reader.read(max_rows).unwrap() {
                    ReadOutcome::Batch(batch) => {
                        let (ids, texts) = (batch.columns.column(0), batch.columns.column(1));
                        let (ids, texts) = (ids.as_primitive::<Int64Type>(), texts.as_string::<i32>());
                        let text = |i: usize| texts.is_valid(i).then(|| texts.value(i).to_owned());
                        rows.extend((0..batch.columns.num_rows()).map(|i| (ids.value(i), text(i))));
                        skipped += batch.skipped;
                        let (now, of) = batch.progress.unwrap();
                        prop_assert!(now >= done && now <= of, "progress goes on to the end");
                        done = now;
                    }
                    ReadOutcome::End => break,
                    ReadOutcome::Pending(_) => unreachable!("files have no pauses"),
                }
            }
        }
        let expected: Vec<_> = lines
            .iter()
            .filter_map(|l| if let Line::Row(id, text) = l { Some((*id, text.clone())) } else { None })
            .collect();
        let malformed = lines.iter().filter(|l| matches!(l, Line::Malformed(_))).count();
        prop_assert_eq!(rows, expected);
        prop_assert_eq!(skipped, malformed as u64);
    }
}

#[test]
fn a_file_that_loses_bytes_while_it_is_read_is_no_shorter_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    let lines: String = (0..100_000).map(|id| format!("{{\"id\":{id}}}\n")).collect();
    std::fs::write(&path, &lines).unwrap();
    // One ends between two records, one within a record that is not the last one.
    for length in [lines.find("{\"id\":50000}").unwrap(), lines.find("0000}").unwrap()] {
        std::fs::write(&path, &lines).unwrap();
        let mut config = table("t", COLUMNS, &[("path", "a.json"), ("format", "json")]);
        config.base_dir = folder.path().to_path_buf();
        let source = FilesystemConnector::new(Clock::system()).source(&config).unwrap().unwrap();
        let split = conformance::splits(source.as_ref()).remove(0);
        let mut reader = source.open(&split, schema(COLUMNS)).unwrap();
        assert!(matches!(reader.read(1).unwrap(), ReadOutcome::Batch(_)));
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length as u64).unwrap();
        let error = loop {
            match reader.read(8_192) {
                Ok(ReadOutcome::Batch(_)) => {}
                Ok(end) => panic!("{length}: {end:?}"),
                Err(error) => break error.to_string(),
            }
        };
        assert!(error.contains("a.json is shorter than it was"), "{length}: {error}");
    }
}
