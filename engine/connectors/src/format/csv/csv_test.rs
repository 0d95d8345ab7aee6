use std::sync::Arc;

use arrow::array::{
    BinaryArray, BooleanArray, Decimal128Array, Float64Array, Int32Array, RecordBatch, StringArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, TimeUnit};
use proptest::prelude::*;

use super::*;
use crate::format::render::values::Values;
use crate::format::{Decoded, Frame, RecordDecoder};
use crate::options::check_options;
use crate::test_table::{schema, table};

const MILLIS: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);
const IGNORE: (&str, &str) = ("csv.ignore-parse-errors", "true");

fn try_format(options: &[(&str, &str)]) -> Result<CsvFormat, String> {
    let checked =
        check_options(&table("t", &[], options), &CsvFormat::option_specs()).map_err(|e| e.to_string())?;
    CsvFormat::from_options(&checked).map_err(|e| e.to_string())
}

fn decoder(columns: &[(&str, DataType)], options: &[(&str, &str)]) -> Box<dyn RecordDecoder> {
    let schema = schema(columns);
    try_format(options).unwrap().decoder(&schema, schema.clone())
}

/// Rows as Java prints them.
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
        .map(|row| columns.iter().map(|v| text(v, row)).collect::<Vec<_>>().join("|"))
        .collect()
}

/// Frames and decodes a whole text; faults and skipped records stand among the rows.
fn read(columns: &[(&str, DataType)], options: &[(&str, &str)], text: &str) -> Vec<String> {
    let mut decoder = decoder(columns, options);
    let mut found = Vec::new();
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let Frame::Record { content, total } = decoder.frame(rest, true) else { unreachable!() };
        match decoder.decode(&rest[..content]) {
            Ok(Decoded::Row) => found.extend(rows(&decoder.take().unwrap())),
            Ok(Decoded::Skipped) => found.push("skipped".to_owned()),
            Ok(Decoded::Nothing) => {}
            Err(fault) => {
                found.push(format!("{}: {}", fault.at, fault.message));
                decoder.take().unwrap();
            }
        }
        rest = &rest[total..];
    }
    found
}

/// These rows were read by Flink 2.3 with the same result, but for the decimals with blanks (NULL there) and the blank line.
#[test]
fn values_are_converted_as_in_flink() {
    let columns = [
        ("id", DataType::Int32),
        ("i", DataType::Int32),
        ("l", DataType::Int64),
        ("b", DataType::Boolean),
        ("d", DataType::Float64),
        ("m", DataType::Decimal128(10, 2)),
        ("f", DataType::Float32),
        ("t", DataType::Int8),
        ("s", DataType::Utf8),
    ];
    let text = "1,1.7,12 , TRUE,1e3,1.005,0.1,12,s\n\
                2, 5,1e3,1,1,1e2,1.1,7,\"q\"\n\
                3,2147483648,9223372036854775808,yes,Infinity,12345678.1,1e40,300, s \n\
                4,1.5,true,0,NaN,abc,x,-1.5,\"a\"\"b\"\n\
                5,,,,,,,,\n\
                7,0x10,1_000,T,1.5f,,1d,+7,a\"b\n\
                8,-0,,false,-0.0,99999999.995,,,\"x\" \n\
                9,1\n\
                10,1,2,true,1,1,1,1,s,surplus\n\
                11,1,2,true,1,1,1,1,\"multi\nline\"\n\
                12,1,2,true,1,1,1,1,\"bad\"tail\n\
                13, 1, 2, true, 1, 1, 1, 1,  \"lead\"\n\
                14, 1, 2, true, 1, 1, 1, 1,s,\n\
                \n\
                17,1,2,true,1,1,1,1,\"unclosed\n";
    let expected = [
        "1|null|12|true|1000.0|1.01|0.1|12|s",
        "2|5|null|false|1.0|100.00|1.1|7|q",
        "3|null|null|false|Infinity|12345678.10|Infinity|null| s ",
        "4|null|null|false|NaN|null|null|null|a\"b",
        "5|null|null|false|null|null|null|null|",
        "7|null|null|false|1.5|null|1.0|7|a\"b",
        "8|0|null|false|-0.0|null|null|null|x",
        "9|1|null|null|null|null|null|null|null",
        "skipped",
        "11|1|2|true|1.0|1.00|1.0|1|multi\nline",
        "skipped",
        "13|1|2|true|1.0|1.00|1.0|1|  \"lead\"",
        "14|1|2|true|1.0|1.00|1.0|1|s",
        "skipped",
    ];
    assert_eq!(read(&columns, &[IGNORE], text), expected);
}

#[test]
fn times_are_read_as_in_flink() {
    let columns = [
        ("ts", MILLIS),
        ("d", DataType::Date32),
        ("t", DataType::Time32(TimeUnit::Millisecond)),
        ("z", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))),
        ("y", DataType::Binary),
    ];
    let text = "2024-01-01 10:00:00.123,2024-01-01,10:20:30,2024-01-01 10:00:00.123Z,aGVsbG8=\n\
                2024-01-01 10:00:00,2024-1-1,10:20,2024-01-01 10:00:00Z,!!\n\
                2024-01-01 10:00,20240101,10:20:30.123,2024-01-01 10:00:00,aGVsbG8\n\
                2024-01-01T10:00:00,2024-01-01Z,25:00:00,2024-01-01 10:00:00+01:00,\n\
                 2024-01-01 10:00:00, 2024-01-01, 10:20:30,,\n";
    let expected = [
        "2024-01-01T10:00:00.123|2024-01-01|10:20:30|2024-01-01T10:00:00.123Z|[104, 101, 108, 108, 111]",
        "2024-01-01T10:00|2024-01-01|10:20|2024-01-01T10:00:00Z|null",
        "null|null|10:20:30.123|null|null",
        "null|null|null|null|[]",
        "2024-01-01T10:00|null|null|null|[]",
    ];
    assert_eq!(read(&columns, &[IGNORE], text), expected);
}

#[test]
fn malformed_records_are_refused_with_their_place() {
    const NULLED: &str = "with 'csv.ignore-parse-errors' = 'true' it becomes NULL";
    const SKIP: &str = "with 'csv.ignore-parse-errors' = 'true' such records are skipped and counted";
    let columns = [("id", DataType::Int32), ("n", DataType::Int32), ("s", DataType::Utf8)];
    let table = [
        ("1,ten,a", format!("2: field 2 (`n`) cannot be read as INT: \"ten\"; {NULLED}")),
        ("1,,a", "2: field 2 (`n`) cannot be read as INT: \"\"; with 'csv.null-literal' = '' an empty field is NULL".to_owned()),
        ("id,n,s", format!("0: field 1 (`id`) cannot be read as INT: \"id\"; {NULLED}")),
        ("1,2,a,b", format!("6: 4 fields for the 3 columns of the table; {SKIP}")),
        ("1,2,a,\"\",", format!("6: 5 fields for the 3 columns of the table; {SKIP}")),
        (
            "1,2",
            "3: 2 fields for the 3 columns of the table; with 'csv.ignore-parse-errors' = 'true' those that are missing become \
             NULL"
                .to_owned(),
        ),
        ("1,2,\"a\"b", format!("7: text follows the closing quote; write a quote inside a field twice; {SKIP}")),
        ("1,2,\"a", format!("4: the quote that opens here is not closed; {SKIP}")),
    ];
    for (record, message) in table {
        assert_eq!(read(&columns, &[], record), [message], "{record}");
    }
    let mut decoder = decoder(&columns, &[]);
    let fault = decoder.decode(b"1,2,\xff").unwrap_err();
    assert_eq!((fault.at, fault.message), (4, format!("not UTF-8; convert the file, or {SKIP}")));
}

#[test]
fn options_change_what_is_a_field() {
    let columns = [("a", DataType::Utf8), ("b", DataType::Utf8)];
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a [&'a str]);
    let table: &[Case<'_>] = &[
        (&[("csv.field-delimiter", ";")], "a,b;c\n", &["a,b|c"]),
        (&[("csv.field-delimiter", "\\t")], "a\tb\n", &["a|b"]),
        (&[("csv.field-delimiter", "|"), ("csv.quote-character", "'")], "'it''s'|\"b\"\n", &["it's|\"b\""]),
        (&[("csv.null-literal", "NULL")], "NULL,\"NULL\"\n null,x\n", &["null|null", " null|x"]),
        (&[("csv.null-literal", "")], ",x\n", &["null|x"]),
        (&[], ",x\n", &["|x"]),
        (
            &[("csv.allow-comments", "true")],
            "# a comment, with \"a quote\n  # another\n\n \t\na,#b\n",
            &["a|#b"],
        ),
        (&[("csv.escape-character", "\\")], "a\\,b,\"q\\\"x\"\n\\n,c\\\n", &["a,b|q\"x", "\n|c\n"]),
        (&[("csv.disable-quote-character", "true")], "\"a,b\"\n", &["\"a|b\""]),
        (&[], "a,b\r\nc,d\re,f", &["a|b", "c|d", "e|f"]),
    ];
    for (options, text, expected) in table {
        assert_eq!(read(&columns, options, text), *expected, "{options:?} {text:?}");
    }
    assert_eq!(read(&[("a", DataType::Utf8)], &[], "x\n\ny\n"), ["x", "", "y"]);
}

#[test]
fn contradicting_options_are_refused() {
    let table: &[(&[(&str, &str)], &str)] = &[
        (
            &[("csv.field-delimiter", "\""), ("csv.quote-character", "\"")],
            "'csv.field-delimiter', 'csv.quote-character' and 'csv.escape-character' must differ from each other",
        ),
        (
            &[("csv.escape-character", ",")],
            "'csv.field-delimiter', 'csv.quote-character' and 'csv.escape-character' must differ from each other",
        ),
        (
            &[("csv.field-delimiter", "é")],
            "'csv.field-delimiter' = '\\u{e9}': must be an ASCII character other than a line break",
        ),
        (
            &[("csv.field-delimiter", "\\n")],
            "'csv.field-delimiter' = '\\n': must be an ASCII character other than a line break",
        ),
        (
            &[("csv.quote-character", "'"), ("csv.disable-quote-character", "true")],
            "'csv.quote-character' has no effect with 'csv.disable-quote-character' = 'true'; leave one out",
        ),
        (
            &[("csv.array-element-delimiter", ";")],
            "the option 'csv.array-element-delimiter' is not supported: there are no ARRAY columns yet",
        ),
    ];
    for (options, message) in table {
        assert_eq!(try_format(options).unwrap_err(), format!("table `t`: {message}"));
    }
}

#[test]
fn only_wanted_columns_are_converted() {
    let written = schema(&[("a", DataType::Int32), ("b", DataType::Int32), ("c", DataType::Utf8)]);
    let wanted = schema(&[("c", DataType::Utf8), ("a", DataType::Int32)]);
    let mut decoder = try_format(&[]).unwrap().decoder(&written, wanted);
    decoder.decode(b"1,not a number,x").unwrap();
    assert_eq!(rows(&decoder.take().unwrap()), ["x|1"]);
}

fn encoded(options: &[(&str, &str)], batch: &RecordBatch) -> Result<String, String> {
    let mut out = Vec::new();
    let mut encoder = try_format(options).unwrap().encoder((0..batch.num_columns()).collect());
    encoder.encode(batch, &mut (0..batch.num_rows()), &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn texts(values: Vec<Option<&str>>) -> RecordBatch {
    RecordBatch::try_new(schema(&[("a", DataType::Utf8)]), vec![Arc::new(StringArray::from(values))]).unwrap()
}

#[test]
fn rows_are_written_in_flinks_form() {
    let columns = [
        ("i", DataType::Int32),
        ("b", DataType::Boolean),
        ("d", DataType::Float64),
        ("m", DataType::Decimal128(20, 8)),
        ("s", DataType::Utf8),
        ("y", DataType::Binary),
        ("ts", MILLIS),
    ];
    let batch = RecordBatch::try_new(
        schema(&columns),
        vec![
            Arc::new(Int32Array::from(vec![Some(1), None])),
            Arc::new(BooleanArray::from(vec![Some(true), None])),
            Arc::new(Float64Array::from(vec![Some(1e10), None])),
            Arc::new(Decimal128Array::from(vec![Some(1), None]).with_precision_and_scale(20, 8).unwrap()),
            Arc::new(StringArray::from(vec![Some("plain"), None])),
            Arc::new(BinaryArray::from(vec![Some(&b"hello"[..]), None])),
            Arc::new(TimestampMillisecondArray::from(vec![Some(1_704_103_200_000), None])),
        ],
    )
    .unwrap();
    assert_eq!(
        encoded(&[], &batch).unwrap(),
        "1,true,1.0E10,1E-8,plain,aGVsbG8=,\"2024-01-01 10:00:00\"\n,,,,,,\n"
    );
    let options = [("csv.null-literal", "n/a"), ("csv.write-bigdecimal-in-scientific-notation", "false")];
    assert_eq!(
        encoded(&options, &batch).unwrap(),
        "1,true,1.0E10,0.00000001,plain,aGVsbG8=,\"2024-01-01 10:00:00\"\nn/a,n/a,n/a,n/a,n/a,n/a,n/a\n"
    );
}

#[test]
fn texts_are_quoted_when_jackson_would() {
    let table = [
        ("plain", "plain"),
        ("", ""),
        ("a b", "\"a b\""),
        ("a,b", "\"a,b\""),
        ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ("two\nlines", "\"two\nlines\""),
        ("2024-01-01", "2024-01-01"),
        ("exactly-24-characters-xy", "exactly-24-characters-xy"),
        ("now-25-characters-or-more", "\"now-25-characters-or-more\""),
        ("é", "é"),
    ];
    for (text, expected) in table {
        assert_eq!(encoded(&[], &texts(vec![Some(text)])).unwrap(), format!("{expected}\n"));
    }
    let semicolons = [("csv.field-delimiter", ";")];
    assert_eq!(encoded(&semicolons, &texts(vec![Some("a1")])).unwrap(), "\"a1\"\n");
    let escaping = [("csv.escape-character", "\\")];
    assert_eq!(encoded(&escaping, &texts(vec![Some("a\\\"b")])).unwrap(), "\"a\\\\\\\"b\"\n");
    let bare = [("csv.disable-quote-character", "true"), ("csv.escape-character", "\\")];
    assert_eq!(encoded(&bare, &texts(vec![Some("a,b\nc")])).unwrap(), "a\\,b\\nc\n");
    let nothing = [("csv.disable-quote-character", "true")];
    assert_eq!(
        encoded(&nothing, &texts(vec![Some("a,b")])).unwrap_err(),
        "a text holds ',', which CSV without quotes and escapes cannot hold; allow one of them"
    );
}

fn round_trip(options: &[(&str, &str)], values: &[Vec<Option<String>>]) -> Vec<Vec<Option<String>>> {
    let columns = [("a", DataType::Utf8), ("b", DataType::Utf8)];
    let column =
        |i: usize| Arc::new(StringArray::from(values.iter().map(|v| v[i].clone()).collect::<Vec<_>>()));
    let batch = RecordBatch::try_new(schema(&columns), vec![column(0), column(1)]).unwrap();
    let text = encoded(options, &batch).unwrap();
    let mut decoder = decoder(&columns, options);
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let Frame::Record { content, total } = decoder.frame(rest, true) else { unreachable!() };
        assert_eq!(decoder.decode(&rest[..content]), Ok(Decoded::Row), "{text:?}");
        rest = &rest[total..];
    }
    let batch = decoder.take().unwrap();
    let text = |column: usize, row: usize| {
        let values = Values::of(batch.column(column)).unwrap();
        (!values.is_null(row)).then(|| {
            let mut out = Vec::new();
            values.write_java(row, &mut out);
            String::from_utf8(out).unwrap()
        })
    };
    (0..batch.num_rows()).map(|row| vec![text(0, row), text(1, row)]).collect()
}

proptest! {
    #[test]
    fn texts_survive_a_round_trip(
        values in proptest::collection::vec(proptest::collection::vec(proptest::option::of("[ -~\\n\\r\\té]{0,30}"), 2), 1..10),
        options in proptest::sample::select(vec![
            vec![("csv.null-literal", "\u{1}null")],
            vec![("csv.null-literal", "\u{1}null"), ("csv.escape-character", "\\")],
            vec![("csv.null-literal", "\u{1}null"), ("csv.field-delimiter", ";"), ("csv.quote-character", "'")],
            vec![("csv.null-literal", "\u{1}null"), ("csv.escape-character", "!"), ("csv.disable-quote-character", "true")],
        ]),
    ) {
        prop_assert_eq!(round_trip(&options, &values), values);
    }

    #[test]
    fn fuzz_any_text_gives_rows_or_faults(text in "[a\",\\n\\r\\\\ #\u{e9}]{0,80}") {
        for options in [vec![], vec![("csv.escape-character", "\\"), ("csv.allow-comments", "true")]] {
            read(&[("a", DataType::Utf8), ("b", DataType::Int32)], &options, &text);
        }
    }

    /// A record that is cut anywhere is incomplete, or ends where it ends when all of it is there.
    #[test]
    fn frames_do_not_depend_on_how_much_is_there(text in "[a\",\\n\\r]{1,40}", cut in 0_usize..40) {
        let decoder = decoder(&[("a", DataType::Utf8)], &[]);
        let whole = decoder.frame(text.as_bytes(), true);
        let part = decoder.frame(&text.as_bytes()[..cut.min(text.len())], false);
        prop_assert!(part == Frame::Incomplete || part == whole, "{:?}: {:?} {:?}", text, part, whole);
    }
}
