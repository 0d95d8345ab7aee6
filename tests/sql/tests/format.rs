//! The format of the golden cases: reading, folding, writing, comparing; and that the committed cases are in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int32Array, Int64Array, RecordBatch, StringArray, Time32MillisecondArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt8Array,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use millstream_test_sql::{
    Case, Cell, ChangeKind, ColumnType, Expected, Fold, Mark, Oracle, Row, cells, coverage, parse_row,
    write_row,
};

fn row(values: &[&str]) -> Row {
    values.iter().map(|value| if *value == "NULL" { None } else { Some((*value).to_owned()) }).collect()
}

#[expect(clippy::unwrap_used, reason = "a helper of tests")]
fn expected(types: &[&str], rows: &[&str]) -> Expected {
    let mut content = "# made by: hand\n".to_owned();
    for (index, column_type) in types.iter().enumerate() {
        content.push_str(&format!("# column: c{index}\t{column_type}\n"));
    }
    for row in rows {
        content.push_str(row);
        content.push('\n');
    }
    Expected::parse(&content).unwrap()
}

#[test]
fn rows_survive_being_written_and_read() {
    let table: &[(&[Cell], &str)] = &[
        (&[Some("a".into()), Some("1".into())], "a\t1"),
        (&[None, Some(String::new())], "\\N\t"),
        (&[Some(String::new())], ""),
        (&[Some("\\N".into())], "\\\\N"),
        (&[Some("a\tb\nc\rd\\e".into())], "a\\tb\\nc\\rd\\\\e"),
        (&[Some("# no header".into())], "\\# no header"),
        (&[Some("\\# odd".into())], "\\\\# odd"),
        (&[Some("日本 😀".into())], "日本 😀"),
    ];
    for (cells, line) in table {
        assert_eq!(write_row(cells), *line);
        assert_eq!(parse_row(line), *cells, "{line}");
    }
}

#[test]
fn a_changelog_folds_into_its_final_rows() {
    let table: &[(&[(&str, &str)], &[&str])] = &[
        (&[], &[]),
        (&[("+I", "a"), ("+I", "a")], &["a", "a"]),
        (&[("+I", "a"), ("-U", "a"), ("+U", "b")], &["b"]),
        (&[("+I", "a"), ("-D", "a")], &[]),
        // A filter above an aggregate lets an update through without the row that it replaces.
        (&[("+U", "a")], &["a"]),
        // Two parallel subtasks may be heard in the wrong order.
        (&[("-D", "a"), ("+I", "b"), ("+I", "a")], &["b"]),
    ];
    for (changes, left) in table {
        let mut fold = Fold::default();
        for (kind, value) in *changes {
            fold.apply(kind.parse().unwrap(), row(&[value]));
        }
        let rows: Vec<Row> = left.iter().map(|value| row(&[value])).collect();
        assert_eq!(fold.into_rows().unwrap(), rows, "{changes:?}");
    }
}

#[test]
fn a_row_taken_away_without_being_there_is_an_error() {
    let mut fold = Fold::default();
    fold.apply(ChangeKind::Insert, row(&["a", "1"]));
    fold.apply(ChangeKind::UpdateBefore, row(&["b", "NULL"]));
    fold.apply(ChangeKind::Delete, row(&["b", "NULL"]));
    let error = fold.into_rows().unwrap_err().to_string();
    assert_eq!(error, "the changelog takes `b\t\\N` away 2 times more than it adds it");
    assert_eq!(
        "+X".parse::<ChangeKind>().unwrap_err().to_string(),
        "`+X` is no kind of change: +I, -U, +U or -D"
    );
}

#[test]
fn type_names_have_an_arrow_type() {
    let table = [
        ("BOOLEAN", DataType::Boolean),
        ("TINYINT NOT NULL", DataType::Int8),
        ("SMALLINT", DataType::Int16),
        ("INT", DataType::Int32),
        ("BIGINT NOT NULL", DataType::Int64),
        ("FLOAT", DataType::Float32),
        ("DOUBLE", DataType::Float64),
        ("DECIMAL(38, 10)", DataType::Decimal128(38, 10)),
        ("STRING", DataType::Utf8),
        ("VARCHAR(7) NOT NULL", DataType::Utf8),
        ("CHAR(1)", DataType::Utf8),
        ("BYTES", DataType::Binary),
        ("BINARY(3) NOT NULL", DataType::Binary),
        ("DATE", DataType::Date32),
        ("TIME(0)", DataType::Time32(TimeUnit::Millisecond)),
        ("TIMESTAMP(0)", DataType::Timestamp(TimeUnit::Second, None)),
        ("TIMESTAMP(1)", DataType::Timestamp(TimeUnit::Millisecond, None)),
        ("TIMESTAMP(3) NOT NULL", DataType::Timestamp(TimeUnit::Millisecond, None)),
        ("TIMESTAMP(4)", DataType::Timestamp(TimeUnit::Microsecond, None)),
        ("TIMESTAMP(9)", DataType::Timestamp(TimeUnit::Nanosecond, None)),
        ("TIMESTAMP_LTZ(3)", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))),
    ];
    for (text, arrow) in table {
        assert_eq!(text.parse::<ColumnType>().unwrap().arrow(), arrow, "{text}");
    }
    for text in
        ["", "INTEGER", "ARRAY<INT>", "DECIMAL", "DECIMAL(10)", "TIMESTAMP", "TIMESTAMP(3", "DECIMAL(x, 1)"]
    {
        assert!(text.parse::<ColumnType>().is_err(), "{text}");
    }
}

#[test]
fn a_recorded_answer_survives_being_written_and_read() {
    let content = "# made by: flink 2.3.0, streaming\n# changes: 2 rows\n# column: a b\tSTRING\n# column: n\tBIGINT NOT NULL\n\
                   # column: t\tTIMESTAMP(3)\n\\#x\t1\t\\N\n\\N\t2\t2024-01-01 00:00:00.000\n";
    let answer = Expected::parse(content).unwrap();
    assert_eq!(answer.made_by, "flink 2.3.0, streaming");
    assert_eq!(answer.columns[0].name, "a b");
    assert!(answer.columns[1].not_null && !answer.columns[2].not_null);
    assert_eq!(answer.rows, [row(&["#x", "1", "NULL"]), row(&["NULL", "2", "2024-01-01 00:00:00.000"])]);
    assert_eq!(answer.write(), content);
}

#[test]
fn damaged_answers_are_refused_with_their_line() {
    let table = [
        ("", "the header names no column"),
        ("# column: a\tINT\n1\n", "the header does not say how the rows were made"),
        ("# made by: x\n# column: a INT\n", "line 2 of the header is not understood: `# column: a INT`"),
        ("# made by: x\n# colour: red\n", "line 2 of the header is not understood: `# colour: red`"),
        ("# made by: x\n# column: a\tINTEGER\n", "line 2 has a column of an unknown type"),
        ("# made by: x\n# column: a\tINT\n1\n1\t2\n", "line 4 has 2 cells for 1 columns"),
    ];
    for (content, message) in table {
        assert_eq!(Expected::parse(content).unwrap_err().to_string(), message, "{content}");
    }
}

#[test]
fn the_same_rows_in_any_order_are_equal() {
    let table: &[(&[&str], &[&str], &[&[&str]])] = &[
        (&["INT"], &[], &[]),
        (&["INT", "STRING"], &["1\ta", "2\t\\N"], &[&["2", "NULL"], &["1", "a"]]),
        (&["STRING", "DOUBLE"], &["a\t0.30000000000000004"], &[&["a", "0.3"]]),
        (&["DOUBLE"], &["1.0E7", "Infinity", "NaN", "\\N"], &[&["NULL"], &["NaN"], &["inf"], &["10000000"]]),
        (&["DOUBLE"], &["-0.0"], &[&["0"]]),
        (&["FLOAT"], &["0.1"], &[&["0.10000001"]]),
        // Rows that differ only by rounding in the first column still find their partners by the second.
        (
            &["DOUBLE", "INT"],
            &["0.1\t1", "0.10000000000000001\t2"],
            &[&["0.1", "2"], &["0.1000000000000001", "1"]],
        ),
    ];
    for (types, recorded, answer) in table {
        let answer: Vec<Row> = answer.iter().map(|cells| row(cells)).collect();
        expected(types, recorded).compare(answer).unwrap();
    }
}

#[test]
fn differences_name_the_rows() {
    let table: &[(&[&str], &[&str], &[&[&str]], &[&str], &[&str])] = &[
        (&["INT"], &["1", "2", "2"], &[&["2"], &["3"]], &["1", "2"], &["3"]),
        (&["INT"], &[], &[&["1"]], &[], &["1"]),
        (&["INT"], &["1"], &[], &["1"], &[]),
        (&["STRING"], &["\\N"], &[&[""]], &["NULL"], &[""]),
        (&["DOUBLE"], &["1.0"], &[&["1.0001"]], &["1.0"], &["1.0001"]),
        (&["DOUBLE"], &["\\N"], &[&["0"]], &["NULL"], &["0"]),
        (&["DECIMAL(3, 1)"], &["1.0"], &[&["1"]], &["1.0"], &["1"]),
    ];
    for (types, recorded, answer, missing, surplus) in table {
        let answer: Vec<Row> = answer.iter().map(|cells| row(cells)).collect();
        let difference = expected(types, recorded).compare(answer).unwrap_err();
        let one = |values: &[&str]| values.iter().map(|value| row(&[value])).collect::<Vec<Row>>();
        assert_eq!((difference.missing, difference.surplus), (one(missing), one(surplus)), "{recorded:?}");
    }
}

#[test]
fn a_long_difference_is_cut() {
    let recorded: Vec<String> = (0..40).map(|number| number.to_string()).collect();
    let recorded: Vec<&str> = recorded.iter().map(String::as_str).collect();
    let report = expected(&["INT"], &recorded).compare(vec![row(&["x"])]).unwrap_err().to_string();
    assert!(report.starts_with("40 rows are missing (-) and 1 are too many (+)\n- 0\n"), "{report}");
    assert!(report.ends_with("- ... and 28 more\n+ x\n"), "{report}");
}

#[test]
fn schemas_are_compared_by_name_and_type() {
    let answer = expected(&["INT NOT NULL", "TIMESTAMP(3)"], &[]);
    let millis = DataType::Timestamp(TimeUnit::Millisecond, None);
    let schema = |fields: &[(&str, DataType)]| {
        Schema::new(
            fields.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true)).collect::<Vec<_>>(),
        )
    };
    answer.compare_schema(&schema(&[("c0", DataType::Int32), ("c1", millis.clone())])).unwrap();
    let table = [
        (schema(&[("c0", DataType::Int32)]), "1 columns instead of 2"),
        (schema(&[("c0", DataType::Int32), ("x", millis.clone())]), "column 2 is named `x` instead of `c1`"),
        (schema(&[("c0", DataType::Int64), ("c1", millis)]), "column 1, `c0`, is Int64 instead of Int32"),
    ];
    for (schema, message) in table {
        assert_eq!(answer.compare_schema(&schema).unwrap_err().to_string(), message);
    }
}

#[test]
fn arrow_values_are_written_as_the_files_have_them() {
    let table: Vec<(&str, ArrayRef, Cell)> = vec![
        ("BOOLEAN", Arc::new(BooleanArray::from(vec![true])), Some("true".into())),
        ("TINYINT", Arc::new(Int8Array::from(vec![-128])), Some("-128".into())),
        ("INT", Arc::new(Int32Array::from(vec![None::<i32>])), None),
        ("BIGINT", Arc::new(Int64Array::from(vec![i64::MIN])), Some("-9223372036854775808".into())),
        ("FLOAT", Arc::new(Float32Array::from(vec![0.1])), Some("0.1".into())),
        ("DOUBLE", Arc::new(Float64Array::from(vec![1e7])), Some("10000000".into())),
        (
            "DECIMAL(5, 2)",
            Arc::new(Decimal128Array::from(vec![-5]).with_precision_and_scale(5, 2).unwrap()),
            Some("-0.05".into()),
        ),
        ("STRING", Arc::new(StringArray::from(vec!["日本\t"])), Some("日本\t".into())),
        ("BYTES", Arc::new(BinaryArray::from(vec![&[0_u8, 255, 16][..]])), Some("00ff10".into())),
        ("DATE", Arc::new(Date32Array::from(vec![-1])), Some("1969-12-31".into())),
        ("TIME(0)", Arc::new(Time32MillisecondArray::from(vec![86_399_000])), Some("23:59:59".into())),
        ("TIMESTAMP(0)", Arc::new(TimestampSecondArray::from(vec![0])), Some("1970-01-01 00:00:00".into())),
        (
            "TIMESTAMP(3)",
            Arc::new(TimestampMillisecondArray::from(vec![-1])),
            Some("1969-12-31 23:59:59.999".into()),
        ),
        (
            "TIMESTAMP(1)",
            Arc::new(TimestampMillisecondArray::from(vec![990])),
            Some("1970-01-01 00:00:00.9".into()),
        ),
        (
            "TIMESTAMP(6)",
            Arc::new(TimestampMicrosecondArray::from(vec![1_704_067_200_000_001])),
            Some("2024-01-01 00:00:00.000001".into()),
        ),
        (
            "TIMESTAMP_LTZ(9)",
            Arc::new(TimestampNanosecondArray::from(vec![1]).with_timezone("UTC")),
            Some("1970-01-01 00:00:00.000000001".into()),
        ),
    ];
    for (column_type, array, cell) in table {
        let batch = RecordBatch::try_from_iter([("c0", array)]).unwrap();
        assert_eq!(cells(&batch, &expected(&[column_type], &[])).unwrap(), [vec![cell]], "{column_type}");
    }
    let batch =
        RecordBatch::try_from_iter([("c0", Arc::new(UInt8Array::from(vec![1])) as ArrayRef)]).unwrap();
    let error = cells(&batch, &expected(&["INT"], &[])).unwrap_err().to_string();
    assert_eq!(error, "a UInt8 cannot be written as Int");
}

#[test]
fn headers_of_cases_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let read = |script: &str| {
        let path = folder.path().join("group").join("one.sql");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, script).unwrap();
        Case::read(folder.path(), &path)
    };
    let head = "-- feature: late rows\n-- about: half a sentence: with a colon\n-- oracle: flink 2.3.0\n";
    let case =
        read(&format!("{head}-- marks: order-dependent, processing-time\n-- just a comment\nSELECT 1;\n"))
            .unwrap();
    assert_eq!((case.name.as_str(), case.feature.as_str()), ("group/one", "late rows"));
    assert_eq!(case.about, "half a sentence: with a colon");
    assert_eq!(case.oracle, Oracle::Flink("2.3.0".into()));
    assert!(case.is_marked(Mark::OrderDependent) && case.is_marked(Mark::ProcessingTime));
    let case = read(&format!("{head}-- differs: on purpose\n-- refused: JOIN\nSELECT 1;\n")).unwrap();
    assert_eq!((case.differs.as_deref(), case.refused.as_deref()), (Some("on purpose"), Some("JOIN")));
    assert!(case.marks.is_empty());

    let table = [
        ("SELECT 1;", "group/one has no `-- feature:` in its header"),
        ("-- feature: x\n-- oracle: sqlite\n", "group/one has no `-- about:` in its header"),
        ("-- feature: x\n-- about: y\nSELECT 1", "group/one has no `-- oracle:` in its header"),
        ("-- oracle: postgres\n", "group/one: `-- oracle: postgres` is not understood"),
        ("-- marks: order-dependant\n", "group/one: `-- marks: order-dependant` is not understood"),
        ("-- mark: order-dependent\n", "group/one: `-- mark: order-dependent` is not understood"),
    ];
    for (script, message) in table {
        assert_eq!(read(script).unwrap_err().to_string(), message, "{script}");
    }
}

#[test]
fn every_committed_case_has_an_answer_and_reads_committed_data() {
    let folder = Case::folder();
    let cases = Case::all(&folder).unwrap();
    let mut used = BTreeSet::new();
    for case in &cases {
        case.expected().unwrap_or_else(|error| panic!("{}: {error}", case.name));
        for part in case.script.split("'${DATA}/").skip(1) {
            let file = part.split('\'').next().unwrap_or_default();
            assert!(folder.join("data").join(file).exists(), "{} reads {file}", case.name);
            used.insert(file.split('/').next().unwrap_or_default().to_owned());
        }
        let last = case
            .script
            .trim_end()
            .trim_end_matches(';')
            .rsplit(";\n")
            .next()
            .unwrap_or_default()
            .trim_start();
        let first_word = last.lines().find(|line| !line.starts_with("--")).unwrap_or_default().to_uppercase();
        assert!(
            first_word.starts_with("SELECT") || first_word.starts_with("WITH"),
            "{} ends in {last}",
            case.name
        );
    }
    for entry in fs::read_dir(folder.join("data")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(name == "generate.py" || used.contains(&name), "no case reads {name}");
    }
}

#[test]
fn every_feature_is_covered_and_the_table_says_so() {
    let cases = Case::all(&Case::folder()).unwrap();
    let features = coverage::features(&cases).unwrap();
    for (name, feature) in &features {
        let rows = feature.answered_with_rows;
        assert!(rows >= coverage::NEEDED, "{name} has rows that Flink answered in {rows} cases only");
    }
    assert!(cases.len() >= 130, "{} cases", cases.len());

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("coverage.md");
    let table = coverage::table(&features, &cases);
    if std::env::var_os("UPDATE_COVERAGE").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == table,
        "coverage.md is stale: UPDATE_COVERAGE=1 cargo test -p millstream-test-sql --test format"
    );
}
