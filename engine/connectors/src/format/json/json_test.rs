use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, RecordBatch, StringArray, Time32MillisecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray,
};
use arrow::datatypes::{DataType, TimeUnit};
use proptest::prelude::*;

use super::*;
use crate::format::render::values::Values;
use crate::format::{Decoded, Frame, RecordDecoder};
use crate::options::check_options;
use crate::test_table::{schema, table};

const MILLIS: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

fn format(options: &[(&str, &str)]) -> JsonFormat {
    let checked = check_options(&table("t", &[], options), &JsonFormat::option_specs()).unwrap();
    JsonFormat::from_options(&checked).unwrap()
}

fn decoder(columns: &[(&str, DataType)], options: &[(&str, &str)]) -> Box<dyn RecordDecoder> {
    format(options).decoder(schema(columns))
}

/// What a line gives: its values as Java prints them, or the fault.
fn decoded(columns: &[(&str, DataType)], options: &[(&str, &str)], line: &[u8]) -> Result<String, String> {
    let mut decoder = decoder(columns, options);
    match decoder.decode(line).map_err(|f| format!("{}: {}", f.at, f.message))? {
        Decoded::Row => {}
        other => return Ok(format!("{other:?}")),
    }
    Ok(rows(&decoder.take().unwrap()).join(" / "))
}

fn rows(batch: &RecordBatch) -> Vec<String> {
    let columns: Vec<_> = batch.columns().iter().map(|c| Values::of(c).unwrap()).collect();
    let text = |values: &Values<'_>, row| {
        let mut out = Vec::new();
        if values.is_null(row) {
            out.extend_from_slice(b"null")
        } else {
            values.write_java(row, &mut out)
        }
        String::from_utf8(out).unwrap()
    };
    (0..batch.num_rows())
        .map(|row| columns.iter().map(|v| text(v, row)).collect::<Vec<_>>().join(", "))
        .collect()
}

/// Most of these values were read by Flink 2.3 with the same result; the rest are their neighbours.
#[test]
fn values_are_converted_as_in_flink() {
    let int = DataType::Int32;
    let decimal = DataType::Decimal128(10, 2);
    let table: &[(DataType, &str, &str)] = &[
        (DataType::Utf8, "\"a\\u00e9\\n\"", "aé\n"),
        (DataType::Utf8, "1.50", "1.50"),
        (DataType::Utf8, "1E5", "1E5"),
        (DataType::Utf8, "-0.0", "-0.0"),
        (DataType::Utf8, "true", "true"),
        (DataType::Utf8, "null", "null"),
        (DataType::Utf8, "\"tab\tin\"", "tab\tin"),
        (DataType::Utf8, "[1.50, 1e2, {\"x\":null}]", "[1.5,100.0,{\"x\":null}]"),
        (
            DataType::Utf8,
            "{\"b\": 1, \"a\":{\"c\":\"q\\\"\\n\\u00e9\"}, \"x\":12345678901234567890, \"y\":1.10}",
            "{\"b\":1,\"a\":{\"c\":\"q\\\"\\né\"},\"x\":12345678901234567890,\"y\":1.1}",
        ),
        (int.clone(), "1.7", "1"),
        (int.clone(), "\" 5\"", "5"),
        (int.clone(), "1e2", "100"),
        (int.clone(), "-0", "0"),
        (DataType::Int64, "\"12 \"", "12"),
        (DataType::Int64, "1e3", "1000"),
        (DataType::Int64, "1.9e3", "1900"),
        (DataType::Int64, "9223372036854775807", "9223372036854775807"),
        (DataType::Int8, "12", "12"),
        (DataType::Int8, "\"+7\"", "7"),
        (DataType::Int16, "-32768", "-32768"),
        (DataType::Boolean, "\" TRUE\"", "true"),
        (DataType::Boolean, "1", "false"),
        (DataType::Boolean, "\"yes\"", "false"),
        (DataType::Boolean, "\"\"", "false"),
        (DataType::Float64, "\"1e3\"", "1000.0"),
        (DataType::Float64, "1", "1.0"),
        (DataType::Float64, "\"Infinity\"", "Infinity"),
        (DataType::Float64, "\"NaN\"", "NaN"),
        (DataType::Float64, "\"1.5f\"", "1.5"),
        (DataType::Float64, "-0.0", "-0.0"),
        (DataType::Float32, "\"0.1\"", "0.1"),
        (DataType::Float32, "1e40", "Infinity"),
        (decimal.clone(), "\"1.005\"", "1.01"),
        (decimal.clone(), "1e2", "100.00"),
        (decimal.clone(), "\" 2.5 \"", "2.50"),
        (decimal.clone(), "\"1e-3\"", "0.00"),
        (decimal.clone(), "99999999.995", "null"),
        (DataType::Binary, "\"aGVsbG8=\"", "[104, 101, 108, 108, 111]"),
        (DataType::Binary, "\"\"", "[]"),
        (MILLIS, "\"2024-01-01 10:00:00.1239\"", "2024-01-01T10:00:00.123"),
        (MILLIS, "\"2024-01-01 24:00:00\"", "2024-01-02T00:00"),
        (utc(), "\"2024-01-01 10:00:00.123Z\"", "2024-01-01T10:00:00.123Z"),
        (DataType::Date32, "\"2024-01-01\"", "2024-01-01"),
        (DataType::Time32(TimeUnit::Millisecond), "\"10:20:30.5\"", "10:20:30.500"),
    ];
    for (data_type, value, expected) in table {
        let line = format!("{{\"x\": 1, \"v\": {value} }}");
        let got = decoded(&[("v", data_type.clone())], &[], line.as_bytes());
        assert_eq!(got.as_deref(), Ok(*expected), "{value} as {data_type}");
    }
}

#[test]
fn fields_are_matched_by_name() {
    let columns = [("id", DataType::Int32), ("s", DataType::Utf8)];
    let table = [
        ("{\"id\":1,\"s\":\"a\"}", "1, a"),
        (" { \"s\" : \"a\" , \"id\" : 1 } ", "1, a"),
        ("{\"id\":1}", "1, null"),
        ("{}", "null, null"),
        ("{\"ID\":1,\"S\":\"a\"}", "null, null"),
        ("{\"s\":\"first\",\"s\":\"second\"}", "null, second"),
        ("{\"s\":\"first\",\"s\":null}", "null, null"),
        ("{\"\\u0069d\":7}", "7, null"),
        ("{\"other\":{\"deep\":[1,{\"id\":9}]},\"id\":2}", "2, null"),
        ("{\"id\":1,\"s\":\"a\"}\r", "1, a"),
        ("", "Nothing"),
        (" \t\r", "Nothing"),
    ];
    for (line, expected) in table {
        assert_eq!(decoded(&columns, &[], line.as_bytes()).as_deref(), Ok(expected), "{line}");
    }
}

#[test]
fn field_orders_may_change_from_line_to_line() {
    let mut decoder = decoder(&[("a", DataType::Int32), ("b", DataType::Int32)], &[]);
    for line in [
        "{\"a\":1,\"b\":2}",
        "{\"b\":4,\"a\":3}",
        "{\"x\":0,\"a\":5,\"b\":6}",
        "{\"b\":8}",
        "{\"a\":9,\"b\":10}",
    ] {
        assert_eq!(decoder.decode(line.as_bytes()), Ok(Decoded::Row));
    }
    assert_eq!(decoder.rows(), 5);
    assert_eq!(rows(&decoder.take().unwrap()), ["1, 2", "3, 4", "5, 6", "null, 8", "9, 10"]);
    assert_eq!((decoder.rows(), decoder.take().unwrap().num_rows()), (0, 0));
}

const SKIP: &str = "with 'json.ignore-parse-errors' = 'true' such records are skipped and counted";
const NULLED: &str = "with 'json.ignore-parse-errors' = 'true' it becomes NULL";

#[test]
fn malformed_values_are_refused_with_their_place() {
    let decimal = DataType::Decimal128(10, 2);
    let table: &[(DataType, &str, &str)] = &[
        (DataType::Int32, "\"ten\"", "INT: \"ten\""),
        (DataType::Int32, "2147483648", "INT: 2147483648"),
        (DataType::Int32, "\"1.5\"", "INT: \"1.5\""),
        (DataType::Int32, "\"\"", "INT: \"\""),
        (DataType::Int32, "true", "INT: true"),
        (DataType::Int32, "[1]", "INT: [1]"),
        (DataType::Int64, "9223372036854775808", "BIGINT: 9223372036854775808"),
        (DataType::Int64, "1e19", "BIGINT: 1e19"),
        (DataType::Int8, "300", "TINYINT: 300"),
        (DataType::Int8, "-1.5", "TINYINT: -1.5"),
        (DataType::Int16, "40000", "SMALLINT: 40000"),
        (DataType::Float64, "\"abc\"", "DOUBLE: \"abc\""),
        (DataType::Float32, "{}", "FLOAT: {}"),
        (DataType::Boolean, "{}", "BOOLEAN: {}"),
        (decimal, "\"abc\"", "DECIMAL(10, 2): \"abc\""),
        (DataType::Binary, "\"!!\"", "BYTES: \"!!\""),
        (DataType::Binary, "\"aGVsbG8\"", "BYTES: \"aGVsbG8\""),
        (DataType::Binary, "12", "BYTES: 12"),
        (DataType::Date32, "\"2024-02-30\"", "DATE: \"2024-02-30\""),
        (DataType::Date32, "19723", "DATE: 19723"),
        (DataType::Time32(TimeUnit::Millisecond), "\"10:20\"", "TIME: \"10:20\""),
        (MILLIS, "\"yesterday\"", "TIMESTAMP(3): \"yesterday\""),
        (MILLIS, "\"2024-01-01T10:00:00\"", "TIMESTAMP(3): \"2024-01-01T10:00:00\""),
        (MILLIS, "1704103200000", "TIMESTAMP(3): 1704103200000"),
        (utc(), "\"2024-01-01 10:00:00\"", "TIMESTAMP_LTZ(3): \"2024-01-01 10:00:00\""),
        (
            DataType::Int32,
            "\"a text that goes on and on and on and on\"",
            "INT: \"a text that goes on and on and on and o...",
        ),
    ];
    for (data_type, value, what) in table {
        let line = format!("{{\"é\":1, \"v\": {value}}}");
        let columns = [("v", data_type.clone())];
        let message = format!("14: the field `v` cannot be read as {what}; {NULLED}");
        assert_eq!(decoded(&columns, &[], line.as_bytes()), Err(message), "{value} as {data_type}");
        let ignoring = decoded(&columns, &[("json.ignore-parse-errors", "true")], line.as_bytes());
        assert_eq!(ignoring.as_deref(), Ok("null"), "{value} as {data_type}");
    }
}

#[test]
fn malformed_lines_are_refused_with_their_place() {
    let bomb = "[".repeat(2_000);
    let bomb = format!("{{\"x\":{bomb}");
    let table: &[(&[u8], &str)] = &[
        (b"not json at all", "0: not a JSON object: a record is a JSON object: expected `{`"),
        (b"null", "0: not a JSON object: a record is a JSON object: expected `{`"),
        (b"12", "0: not a JSON object: a record is a JSON object: expected `{`"),
        (b"\"text\"", "0: not a JSON object: a record is a JSON object: expected `{`"),
        (b"[{\"v\":1}]", "0: not a JSON object: a record is a JSON object: expected `{`"),
        (b"{\"v\": 5", "7: not a JSON object: expected `,` or `}`"),
        (b"{\"v\":", "5: not a JSON object: the line ends where a value is expected"),
        (b"{\"v", "1: not a JSON object: the string that starts here does not end"),
        (b"{", "1: not a JSON object: expected a field name in double quotes"),
        (b"{v:1}", "1: not a JSON object: expected a field name in double quotes"),
        (b"{\"v\"=1}", "4: not a JSON object: expected `:` after the field name"),
        (b"{\"v\":1}{\"v\":2}", "7: not a JSON object: more text after the object; a line holds one record"),
        (b"{\"v\":1} x", "8: not a JSON object: more text after the object; a line holds one record"),
        (
            b"{\"v\":NaN}",
            "5: not a JSON object: expected a value: a string in double quotes, a number, true, false, null, { or [",
        ),
        (b"{\"x\":\"\\q\"}", "6: not a JSON object: there is no such escape in a JSON string"),
        (bomb.as_bytes(), "1005: not a JSON object: nested deeper than 1,000 levels"),
    ];
    let columns = [("v", DataType::Int32)];
    for (line, message) in table {
        let shown = String::from_utf8_lossy(line);
        assert_eq!(decoded(&columns, &[], line), Err(format!("{message}; {SKIP}")), "{shown:.40}");
        let ignoring = decoded(&columns, &[("json.ignore-parse-errors", "true")], line);
        assert_eq!(ignoring.as_deref(), Ok("Skipped"), "{shown:.40}");
    }
    let message = format!("6: not UTF-8; convert the file, or {SKIP}");
    assert_eq!(decoded(&columns, &[], b"{\"v\":\"\xff\"}"), Err(message));
    assert_eq!(
        decoded(&columns, &[("json.ignore-parse-errors", "true")], b"\xfe\xff").as_deref(),
        Ok("Skipped")
    );
}

#[test]
fn missing_fields_can_be_refused() {
    let columns = [("id", DataType::Int32), ("s", DataType::Utf8)];
    let options = [("json.fail-on-missing-field", "true")];
    let message = "0: the field `s` is missing, and 'json.fail-on-missing-field' is 'true'";
    assert_eq!(decoded(&columns, &options, b"{\"id\":1}"), Err(message.to_owned()));
    assert_eq!(decoded(&columns, &options, b"{\"id\":1,\"s\":null}").as_deref(), Ok("1, null"));
    let both = [("json.fail-on-missing-field", "true"), ("json.ignore-parse-errors", "true")];
    let checked = check_options(&table("t", &[], &both), &JsonFormat::option_specs()).unwrap();
    assert_eq!(
        JsonFormat::from_options(&checked).unwrap_err().to_string(),
        "table `t`: 'json.fail-on-missing-field' and 'json.ignore-parse-errors' cannot both be 'true'"
    );
}

#[test]
fn iso_timestamps() {
    let options = [("json.timestamp-format.standard", "ISO-8601")];
    let line = b"{\"a\":\"2024-01-01T10:00\",\"z\":\"2024-01-01T10:00:00.5+01:00\"}";
    let got = decoded(&[("a", MILLIS), ("z", utc())], &options, line);
    assert_eq!(got.as_deref(), Ok("2024-01-01T10:00, 2024-01-01T09:00:00.500Z"));
}

#[test]
fn rows_before_a_fault_can_be_taken() {
    let mut decoder = decoder(&[("a", DataType::Int32), ("b", DataType::Int32)], &[]);
    decoder.decode(b"{\"a\":1,\"b\":2}").unwrap();
    decoder.decode(b"{\"a\":3,\"b\":\"x\"}").unwrap_err();
    assert_eq!(rows(&decoder.take().unwrap()), ["1, 2"]);
}

#[test]
fn without_columns_only_the_number_of_rows_counts() {
    let mut decoder = decoder(&[], &[]);
    decoder.decode(b"{\"a\":1}").unwrap();
    decoder.decode(b"{}").unwrap();
    let batch = decoder.take().unwrap();
    assert_eq!((batch.num_rows(), batch.num_columns()), (2, 0));
}

#[test]
fn lines_are_framed() {
    let decoder = decoder(&[], &[]);
    assert_eq!(decoder.frame(b"ab\ncd", false), Frame::Record { content: 2, total: 3 });
    assert_eq!(decoder.frame(b"cd", false), Frame::Incomplete);
    assert_eq!(decoder.frame(b"cd", true), Frame::Record { content: 2, total: 2 });
}

fn every_type() -> (Vec<(&'static str, DataType)>, Vec<ArrayRef>) {
    let columns: Vec<(&str, DataType, ArrayRef)> = vec![
        ("b", DataType::Boolean, Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("i1", DataType::Int8, Arc::new(Int8Array::from(vec![Some(-128), None, Some(127)]))),
        ("i2", DataType::Int16, Arc::new(Int16Array::from(vec![Some(-1), None, Some(1)]))),
        ("i4", DataType::Int32, Arc::new(Int32Array::from(vec![Some(i32::MIN), None, Some(0)]))),
        ("i8", DataType::Int64, Arc::new(Int64Array::from(vec![Some(i64::MAX), None, Some(0)]))),
        ("f4", DataType::Float32, Arc::new(Float32Array::from(vec![Some(0.1), None, Some(f32::INFINITY)]))),
        ("f8", DataType::Float64, Arc::new(Float64Array::from(vec![Some(1e7), None, Some(-0.0)]))),
        (
            "m",
            DataType::Decimal128(20, 8),
            Arc::new(
                Decimal128Array::from(vec![Some(150_000_000), None, Some(1)])
                    .with_precision_and_scale(20, 8)
                    .unwrap(),
            ),
        ),
        ("s", DataType::Utf8, Arc::new(StringArray::from(vec![Some("q\"\\\n\u{1}é😀"), None, Some("")]))),
        ("y", DataType::Binary, Arc::new(BinaryArray::from(vec![Some(&b"hello"[..]), None, Some(b"")]))),
        ("d", DataType::Date32, Arc::new(Date32Array::from(vec![Some(19_723), None, Some(-1)]))),
        (
            "t",
            DataType::Time32(TimeUnit::Millisecond),
            Arc::new(Time32MillisecondArray::from(vec![Some(37_230_500), None, Some(0)])),
        ),
        (
            "ts",
            MILLIS,
            Arc::new(TimestampMillisecondArray::from(vec![Some(1_704_103_200_120), None, Some(-1)])),
        ),
        (
            "z",
            DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Arc::new(
                TimestampNanosecondArray::from(vec![Some(1_704_103_200_000_000_001), None, Some(0)])
                    .with_timezone("UTC"),
            ),
        ),
    ];
    columns.into_iter().map(|(n, t, c)| ((n, t), c)).unzip()
}

fn encoded(options: &[(&str, &str)], batch: &RecordBatch) -> String {
    let mut out = Vec::new();
    let mut encoder = format(options).encoder((0..batch.num_columns()).collect());
    encoder.encode(batch, &mut (0..batch.num_rows()), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn rows_are_written_in_flinks_form() {
    let (columns, arrays) = every_type();
    let batch = RecordBatch::try_new(schema(&columns), arrays).unwrap();
    let text = encoded(&[], &batch);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "{\"b\":true,\"i1\":-128,\"i2\":-1,\"i4\":-2147483648,\"i8\":9223372036854775807,\"f4\":0.1,\"f8\":1.0E7,\
             \"m\":1.50000000,\"s\":\"q\\\"\\\\\\n\\u0001é😀\",\"y\":\"aGVsbG8=\",\"d\":\"2024-01-01\",\"t\":\"10:20:30.5\",\
             \"ts\":\"2024-01-01 10:00:00.12\",\"z\":\"2024-01-01 10:00:00.000000001Z\"}",
            "{\"b\":null,\"i1\":null,\"i2\":null,\"i4\":null,\"i8\":null,\"f4\":null,\"f8\":null,\"m\":null,\"s\":null,\
             \"y\":null,\"d\":null,\"t\":null,\"ts\":null,\"z\":null}",
            "{\"b\":false,\"i1\":127,\"i2\":1,\"i4\":0,\"i8\":0,\"f4\":\"Infinity\",\"f8\":-0.0,\"m\":1E-8,\"s\":\"\",\"y\":\"\",\
             \"d\":\"1969-12-31\",\"t\":\"00:00:00\",\"ts\":\"1969-12-31 23:59:59.999\",\"z\":\"1970-01-01 00:00:00Z\"}",
        ]
    );
    let options = [
        ("json.encode.decimal-as-plain-number", "true"),
        ("json.encode.ignore-null-fields", "true"),
        ("json.timestamp-format.standard", "ISO-8601"),
    ];
    let text = encoded(&options, &batch);
    assert!(
        text.contains("\"m\":0.00000001") && text.contains("\"ts\":\"2024-01-01T10:00:00.12\""),
        "{text}"
    );
    assert!(text.contains("\n{}\n"), "{text}");
}

#[test]
fn what_is_written_reads_back() {
    let (columns, arrays) = every_type();
    let batch = RecordBatch::try_new(schema(&columns), arrays).unwrap();
    for options in [
        vec![],
        vec![("json.timestamp-format.standard", "ISO-8601"), ("json.encode.ignore-null-fields", "true")],
    ] {
        let mut decoder = decoder(&columns, &options);
        for line in encoded(&options, &batch).lines() {
            decoder.decode(line.as_bytes()).unwrap();
        }
        assert_eq!(decoder.take().unwrap(), batch);
    }
}

proptest! {
    #[test]
    fn texts_survive_a_round_trip(texts in proptest::collection::vec(proptest::option::of(".*"), 1..20)) {
        let columns = [("a \" name", DataType::Utf8)];
        let batch =
            RecordBatch::try_new(schema(&columns), vec![Arc::new(StringArray::from(texts))]).unwrap();
        let mut decoder = decoder(&columns, &[]);
        for line in encoded(&[], &batch).split_terminator('\n') {
            decoder.decode(line.as_bytes()).unwrap();
        }
        prop_assert_eq!(decoder.take().unwrap(), batch);
    }

    #[test]
    fn fuzz_any_bytes_give_a_row_or_a_fault(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (columns, _) = every_type();
        let _ = decoder(&columns, &[]).decode(&line);
    }

    #[test]
    fn json_like_text_agrees_with_another_parser(line in "[\\[\\]{}\",:0-9eE+\\-.a-z\\\\ ]{0,60}") {
        let line = format!("{{\"v\":{line}}}");
        let ours = decoded(&[("v", DataType::Utf8)], &[], line.as_bytes());
        let theirs = serde_json::from_str::<serde_json::Value>(&line);
        // A number beyond what serde_json holds is the one thing on which they may differ.
        let is_big_number = theirs.as_ref().is_err_and(|e| e.to_string().contains("number out of range"));
        prop_assert!(is_big_number || ours.is_ok() == theirs.is_ok(), "{}: {:?} {:?}", line, ours, theirs);
    }
}

fn row(fields: &[(&str, DataType)]) -> DataType {
    DataType::Struct(schema(fields).fields().clone())
}

/// `bid ROW<price BIGINT, who ROW<name STRING, at TIMESTAMP(3)>>, n INT`.
fn nested() -> Vec<(&'static str, DataType)> {
    let who = row(&[("name", DataType::Utf8), ("at", MILLIS)]);
    vec![("bid", row(&[("price", DataType::Int64), ("who", who)])), ("n", DataType::Int32)]
}

#[test]
fn objects_are_read_as_rows() {
    let cases = [
        (
            r#"{"bid":{"price":7,"who":{"name":"a","at":"2024-01-01 10:00:00"}},"n":1}"#,
            "+I[7, +I[a, 2024-01-01T10:00]], 1",
        ),
        (
            r#"{ "n": 1, "bid": { "other": [{"price": 9}], "who": { "n\u0061me": "b" } , "price" : "8" } }"#,
            "+I[8, +I[b, null]], 1",
        ),
        (r#"{"bid":{},"n":1}"#, "+I[null, null], 1"),
        (r#"{"bid":null}"#, "null, null"),
        (r#"{"bid":{"price":1},"bid":{"who":null}}"#, "+I[null, null], null"),
        (r#"{"bid":{"price":1},"bid":null}"#, "null, null"),
        (r#"{"price":5}"#, "null, null"),
    ];
    for (line, expected) in cases {
        assert_eq!(decoded(&nested(), &[], line.as_bytes()).as_deref(), Ok(expected), "{line}");
    }
}

#[test]
fn faults_in_rows_name_their_path() {
    let hint = "; with 'json.ignore-parse-errors' = 'true' it becomes NULL";
    let skipped = "; with 'json.ignore-parse-errors' = 'true' such records are skipped and counted";
    let who = "ROW<`price` BIGINT, `who` ROW<`name` STRING, `at` TIMESTAMP(3)>>";
    let cases = [
        (
            r#"{"bid":{"price":"x"}}"#,
            format!("16: the field `bid.price` cannot be read as BIGINT: \"x\"{hint}"),
            "+I[null, null], null",
        ),
        (
            r#"{"bid":{"who":{"at":"noon"}}}"#,
            format!("20: the field `bid.who.at` cannot be read as TIMESTAMP(3): \"noon\"{hint}"),
            "+I[null, +I[null, null]], null",
        ),
        (r#"{"bid":[1],"n":2}"#, format!("7: the field `bid` cannot be read as {who}: [1]{hint}"), "null, 2"),
        (
            r#"{"bid":"{}","n":2}"#,
            format!("7: the field `bid` cannot be read as {who}: \"{{}}\"{hint}"),
            "null, 2",
        ),
        (
            r#"{"bid":{"price":1,}}"#,
            format!("18: not a JSON object: expected a field name in double quotes{skipped}"),
            "Skipped",
        ),
    ];
    for (line, message, ignored) in cases {
        assert_eq!(decoded(&nested(), &[], line.as_bytes()), Err(message), "{line}");
        let ignore = [("json.ignore-parse-errors", "true")];
        assert_eq!(decoded(&nested(), &ignore, line.as_bytes()).as_deref(), Ok(ignored), "{line}");
    }
    let required = [("json.fail-on-missing-field", "true")];
    let missing =
        decoded(&nested(), &required, br#"{"n":1,"bid":{"price":1,"who":{"name":"a"}}}"#).unwrap_err();
    assert_eq!(missing, "0: the field `bid.who.at` is missing, and 'json.fail-on-missing-field' is 'true'");
    assert_eq!(decoded(&nested(), &required, br#"{"n":1,"bid":null}"#).as_deref(), Ok("null, 1"));
}

/// Rows before a fault can still be taken, whatever part of the faulty one was appended.
#[test]
fn rows_before_a_fault_in_a_row_stay() {
    let mut decoder = decoder(&nested(), &[]);
    decoder.decode(br#"{"bid":{"price":1,"who":{"name":"a"}},"n":1}"#).unwrap();
    decoder.decode(br#"{"bid":{"price":2,"who":{"name":"b","at":"x"}},"n":2}"#).unwrap_err();
    let batch = decoder.take().unwrap();
    assert_eq!(rows(&batch), ["+I[1, +I[a, null]], 1"]);
    decoder.decode(br#"{"bid":{"price":3}}"#).unwrap();
    assert_eq!(rows(&decoder.take().unwrap()), ["+I[3, null], null"]);
}

#[test]
fn rows_are_written_as_objects() {
    let mut decoder = decoder(&nested(), &[]);
    let lines = [r#"{"bid":{"price":7,"who":{"name":"a\"","at":null}},"n":1}"#, r#"{"bid":null,"n":2}"#];
    for line in lines {
        decoder.decode(line.as_bytes()).unwrap();
    }
    let batch = decoder.take().unwrap();
    let written = |options: &[(&str, &str)]| {
        let mut out = Vec::new();
        format(options).encoder(vec![0, 1]).encode(&batch, &mut (0..2), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(written(&[]), format!("{}\n{}\n", lines[0], lines[1]));
    let without = "{\"bid\":{\"price\":7,\"who\":{\"name\":\"a\\\"\"}},\"n\":1}\n{\"n\":2}\n";
    assert_eq!(written(&[("json.encode.ignore-null-fields", "true")]), without);
}
