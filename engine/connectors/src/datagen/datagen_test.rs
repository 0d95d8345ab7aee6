use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimeUnit};

use super::*;
use crate::conformance::source as conformance;
use crate::format::render::values::Values;
use crate::source::ReadOutcome;
use crate::test_table::{schema, table};

const MILLIS: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);
/// 2024-01-01 10:00:00.
const NOW_MS: i64 = 1_704_103_200_000;

/// A clock that the test moves; in milliseconds.
fn clock() -> (Clock, Arc<AtomicU64>) {
    let now = Arc::new(AtomicU64::new(0));
    let read = now.clone();
    (Clock::new(move || Duration::from_millis(read.load(Ordering::Relaxed)), || NOW_MS), now)
}

fn try_source(columns: &[(&str, DataType)], options: &[(&str, &str)]) -> Result<Arc<dyn Source>, String> {
    let connector = DatagenConnector::new(clock().0);
    let mut config = table("t", columns, options);
    config.connector = "datagen".to_owned();
    connector.source(&config).map(Option::unwrap).map_err(|e| e.to_string())
}

/// All rows as Java prints them, in the order of their splits.
fn rows(columns: &[(&str, DataType)], options: &[(&str, &str)]) -> Vec<String> {
    let mut all = vec![("rows-per-second", "0")];
    all.extend(options);
    let source = try_source(columns, &all).unwrap();
    let splits = conformance::splits(source.as_ref());
    splits
        .iter()
        .flat_map(|s| text(&conformance::read_all(source.as_ref(), s, &schema(columns), 8_192)))
        .collect()
}

fn text(batch: &RecordBatch) -> Vec<String> {
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

/// These rows are in the tests and examples of users: a change of the generator is a change of their data.
#[test]
fn rows_stay_what_they_are() {
    let columns = [
        ("id", DataType::Int64),
        ("n", DataType::Int32),
        ("b", DataType::Boolean),
        ("m", DataType::Decimal128(6, 2)),
        ("d", DataType::Float64),
        ("s", DataType::Utf8),
        ("y", DataType::Binary),
        ("ts", MILLIS),
    ];
    let options = [
        ("number-of-rows", "3"),
        ("fields.id.kind", "sequence"),
        ("fields.id.start", "10"),
        ("fields.id.end", "100"),
        ("fields.n.min", "1"),
        ("fields.n.max", "6"),
        ("fields.d.min", "0"),
        ("fields.d.max", "1"),
        ("fields.s.length", "6"),
        ("fields.y.length", "2"),
        ("fields.ts.kind", "sequence"),
        ("fields.ts.start", "2024-01-01 00:00:00"),
        ("fields.ts.interval", "250 ms"),
    ];
    insta::assert_snapshot!(rows(&columns, &options).join("\n"));
}

#[test]
fn sources_conform_with_one_split_or_many() {
    let columns = [
        ("id", DataType::Int64),
        ("s", DataType::Utf8),
        ("n", DataType::Int32),
        ("t", DataType::Time32(TimeUnit::Millisecond)),
    ];
    for splits in ["1", "3", "7"] {
        let options = [
            ("rows-per-second", "0"),
            ("splits", splits),
            ("fields.id.kind", "sequence"),
            ("fields.id.start", "1"),
            ("fields.id.end", "100"),
            ("fields.n.null-rate", "0.3"),
        ];
        let source = try_source(&columns, &options).unwrap();
        assert_eq!(source.max_parallelism().map(|p| p.to_string()).as_deref(), Some(splits));
        let read = conformance::run(source.as_ref(), &schema(&columns));
        let ids: BTreeSet<i64> =
            read.values().flat_map(|b| b.column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
        assert_eq!(ids, (1..=100).collect(), "{splits} splits");
        let total: usize = read.values().map(RecordBatch::num_rows).sum();
        assert_eq!(total, 100);
    }
}

#[test]
fn the_rows_do_not_depend_on_the_number_of_splits() {
    let columns = [("n", DataType::Int32), ("s", DataType::Utf8), ("ts", MILLIS)];
    let of = |splits: &str| {
        let options = [
            ("number-of-rows", "50"),
            ("splits", splits),
            ("fields.ts.max-past", "1 h"),
            ("fields.s.length", "4"),
        ];
        rows(&columns, &options).into_iter().collect::<BTreeSet<_>>()
    };
    assert_eq!(of("1").len(), 50);
    assert_eq!(of("1"), of("4"));
    let seeded = rows(&columns, &[("number-of-rows", "50"), ("seed", "7"), ("fields.s.length", "4")]);
    assert!(seeded.iter().all(|row| !of("1").contains(row)), "another seed gives other rows");
}

#[test]
fn values_stay_in_their_range() {
    let columns = [
        ("i1", DataType::Int8),
        ("i8", DataType::Int64),
        ("m", DataType::Decimal128(38, 0)),
        ("f", DataType::Float32),
        ("s", DataType::Utf8),
    ];
    let options = [
        ("number-of-rows", "2000"),
        ("fields.i1.min", "-3"),
        ("fields.i1.max", "3"),
        ("fields.f.min", "-1.5"),
        ("fields.f.max", "2.5"),
        ("fields.s.length", "5"),
        ("fields.s.var-len", "true"),
    ];
    let (mut small, mut lengths) = (BTreeSet::new(), BTreeSet::new());
    for row in rows(&columns, &options) {
        let cells: Vec<&str> = row.split(", ").collect();
        small.insert(cells[0].parse::<i8>().unwrap());
        assert!(!cells[2].starts_with('-') && cells[2].len() <= 38, "{row}");
        assert!((-1.5..=2.5).contains(&cells[3].parse::<f32>().unwrap()), "{row}");
        lengths.insert(cells[4].len());
    }
    assert_eq!(small, (-3..=3).collect());
    assert_eq!(lengths, (1..=5).collect());
}

#[test]
fn nulls_are_as_frequent_as_asked() {
    let columns = [("n", DataType::Int32)];
    for (rate, expected) in [("0", 0..1), ("0.25", 2_300..2_700), ("1", 10_000..10_001)] {
        let options = [("number-of-rows", "10000"), ("fields.n.null-rate", rate)];
        let nulls = rows(&columns, &options).iter().filter(|r| *r == "null").count();
        assert!(expected.contains(&nulls), "{rate}: {nulls}");
    }
}

#[test]
fn now_is_the_start_of_the_job_plus_the_rows_at_their_pace() {
    let columns = [
        ("ts", MILLIS),
        ("z", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))),
        ("d", DataType::Date32),
        ("t", DataType::Time32(TimeUnit::Millisecond)),
    ];
    let source = try_source(&columns, &[("number-of-rows", "3"), ("rows-per-second", "2")]).unwrap();
    let split = conformance::splits(source.as_ref()).remove(0);
    let mut reader = source.open(&split, schema(&columns)).unwrap();
    let ReadOutcome::Batch(first) = reader.read(10).unwrap() else { unreachable!() };
    assert_eq!(text(&first.columns), ["2024-01-01T10:00, 2024-01-01T10:00:00Z, 2024-01-01, 10:00"]);
    let state = SplitState { position: first.position, ..split };
    let mut restored = source.open(&state, schema(&columns)).unwrap();
    let ReadOutcome::Batch(second) = restored.read(10).unwrap() else { unreachable!() };
    assert_eq!(
        text(&second.columns),
        ["2024-01-01T10:00:00.500, 2024-01-01T10:00:00.500Z, 2024-01-01, 10:00:00.500"]
    );
}

#[test]
fn rows_are_paced_over_all_splits() {
    let (clock, now) = clock();
    let columns = [("n", DataType::Int32)];
    let options = [("rows-per-second", "100"), ("splits", "2"), ("number-of-rows", "1000")];
    let source = DatagenConnector::new(clock).source(&table("t", &columns, &options)).unwrap().unwrap();
    let splits = conformance::splits(source.as_ref());
    let mut readers: Vec<_> = splits.iter().map(|s| source.open(s, schema(&columns)).unwrap()).collect();
    let mut total = 0;
    for ms in 0..=1_000 {
        now.store(ms, Ordering::Relaxed);
        for reader in &mut readers {
            match reader.read(8_192).unwrap() {
                ReadOutcome::Batch(batch) => total += batch.columns.num_rows(),
                ReadOutcome::Pending(wait) => assert!(wait >= Duration::from_millis(1)),
                ReadOutcome::End => unreachable!("1,000 rows take ten seconds"),
            }
        }
    }
    // One row of each split is due at once.
    assert_eq!(total, 102);
}

#[test]
fn without_an_end_rows_never_stop() {
    let columns = [("n", DataType::Int32)];
    let source = try_source(&columns, &[("rows-per-second", "0")]).unwrap();
    assert!(!source.is_bounded());
    let split = conformance::splits(source.as_ref()).remove(0);
    let mut reader = source.open(&split, schema(&columns)).unwrap();
    for _ in 0..10 {
        let ReadOutcome::Batch(batch) = reader.read(1_000).unwrap() else { unreachable!() };
        assert_eq!((batch.columns.num_rows(), batch.progress), (1_000, None));
        assert_eq!(batch.columns.column(0).as_primitive::<Int32Type>().null_count(), 0);
    }
}

#[test]
fn the_shortest_end_counts() {
    let columns = [("a", DataType::Int32), ("b", DataType::Utf8), ("ts", MILLIS)];
    let sequence = |column: &str, end: &str| {
        vec![
            (format!("fields.{column}.kind"), "sequence".to_owned()),
            (
                format!("fields.{column}.start"),
                if column == "ts" { "2024-01-01 00:00:00" } else { "0" }.to_owned(),
            ),
            (format!("fields.{column}.end"), end.to_owned()),
        ]
    };
    let count = |options: Vec<Vec<(String, String)>>| {
        let options: Vec<_> = options.into_iter().flatten().collect();
        let options: Vec<_> = options.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        rows(&columns, &options).len()
    };
    let interval = vec![("fields.ts.interval".to_owned(), "1 min".to_owned())];
    let number = |n: &str| vec![("number-of-rows".to_owned(), n.to_owned())];
    assert_eq!(count(vec![sequence("a", "9"), sequence("b", "4")]), 5);
    assert_eq!(count(vec![sequence("a", "9"), number("3")]), 3);
    assert_eq!(count(vec![sequence("ts", "2024-01-01 00:10:30"), interval]), 11);
    assert_eq!(count(vec![number("0")]), 0);
}

#[test]
fn long_texts_make_small_batches() {
    let columns = [("s", DataType::Utf8)];
    let source = try_source(&columns, &[("rows-per-second", "0"), ("fields.s.length", "200000")]).unwrap();
    let split = conformance::splits(source.as_ref()).remove(0);
    let mut reader = source.open(&split, schema(&columns)).unwrap();
    let ReadOutcome::Batch(batch) = reader.read(8_192).unwrap() else { unreachable!() };
    assert_eq!(batch.columns.num_rows(), 5);
}

#[test]
fn wrong_options_say_what_is_allowed() {
    let columns = [
        ("id", DataType::Int32),
        ("s", DataType::Utf8),
        ("ts", MILLIS),
        ("m", DataType::Decimal128(4, 2)),
        ("b", DataType::Boolean),
        ("d", DataType::Float64),
    ];
    let sequence = ("fields.id.kind", "sequence");
    let moments = ("fields.ts.kind", "sequence");
    let needs = "a sequence of timestamps has 'fields.ts.start', as in '2024-01-01 00:00:00', and 'fields.ts.interval', as in \
                 '100 ms'";
    let table: &[(&[(&str, &str)], &str)] = &[
        (&[("rows-per-second", "fast")], "'rows-per-second' = 'fast': must be a whole number, at least 0"),
        (
            &[("row-per-second", "1")],
            "the connector 'datagen' has no option 'row-per-second'; did you mean 'rows-per-second'?",
        ),
        (&[("splits", "0")], "'splits' = '0': must be a whole number, at least 1"),
        (&[("splits", "5000")], "'splits' = '5000': must be at most 1024"),
        (
            &[("scan.parallelism", "2")],
            "the option 'scan.parallelism' is not supported: the parallelism of the job is used",
        ),
        (&[("fields.x.min", "1")], "'fields.x.min': the table has no column `x`"),
        (
            &[("fields.id", "1")],
            "'fields.id': a column has the options kind, min, max, length, var-len, null-rate, max-past, start, end, interval",
        ),
        (
            &[("fields.id.minimum", "1")],
            "'fields.id.minimum': a column has the options kind, min, max, length, var-len, null-rate, max-past, start, end, interval",
        ),
        (&[("fields.id.kind", "serial")], "'fields.id.kind' = 'serial': must be 'random' or 'sequence'"),
        (
            &[("fields.id.min", "x")],
            "'fields.id.min' = 'x': must be a whole number from -2147483648 to 2147483647",
        ),
        (
            &[("fields.id.max", "3000000000")],
            "'fields.id.max' = '3000000000': must be a whole number from -2147483648 to 2147483647",
        ),
        (&[("fields.id.min", "5"), ("fields.id.max", "4")], "'fields.id.min' is greater than its max"),
        (&[("fields.id.length", "5")], "'fields.id.length' has no effect on a random INT column"),
        (&[("fields.b.min", "0")], "'fields.b.min' has no effect on a random BOOLEAN column"),
        (&[("fields.s.length", "0")], "'fields.s.length' = '0': must be a whole number from 1 to 1048576"),
        (&[("fields.s.var-len", "1")], "'fields.s.var-len' = '1': must be 'true' or 'false'"),
        (&[("fields.m.max", "100")], "'fields.m.max' = '100': must be a DECIMAL(4, 2)"),
        (&[("fields.d.max", "much")], "'fields.d.max' = 'much': must be a number"),
        (&[("fields.id.null-rate", "30%")], "'fields.id.null-rate' = '30%': must be a number from 0 to 1"),
        (
            &[("fields.ts.max-past", "long")],
            "'fields.ts.max-past' = 'long': must be a duration, as in '10 s' or '500 ms'",
        ),
        (&[sequence], "'fields.id.start' is missing: a sequence has a start and an end"),
        (
            &[sequence, ("fields.id.start", "1")],
            "'fields.id.end' is missing: a sequence has a start and an end",
        ),
        (
            &[sequence, ("fields.id.start", "2"), ("fields.id.end", "1")],
            "'fields.id.start' = '2' is behind its end '1'",
        ),
        (
            &[("fields.b.kind", "sequence")],
            "'fields.b.kind' = 'sequence': a BOOLEAN column cannot be a sequence",
        ),
        (&[moments], needs),
        (&[moments, ("fields.ts.start", "2024-01-01 00:00:00")], needs),
        (
            &[moments, ("fields.ts.start", "today"), ("fields.ts.interval", "1 s")],
            "'fields.ts.start' = 'today': must be a timestamp, as in '2024-01-01 00:00:00'",
        ),
        (
            &[moments, ("fields.ts.start", "2024-01-01 00:00:00"), ("fields.ts.interval", "0 s")],
            "'fields.ts.interval' = '0': must be longer than 0",
        ),
        (
            &[
                moments,
                ("fields.ts.start", "2024-01-02 00:00:00"),
                ("fields.ts.end", "2024-01-01 00:00:00"),
                ("fields.ts.interval", "1 s"),
            ],
            "'fields.ts.end' is before its start",
        ),
    ];
    for (options, message) in table {
        assert_eq!(try_source(&columns, options).err().unwrap(), format!("table `t`: {message}"));
    }
    let item = Arc::new(arrow::datatypes::Field::new("item", DataType::Int32, true));
    let error = try_source(&[("a", DataType::List(item))], &[]).err().unwrap();
    assert!(error.starts_with("table `t`: the column `a` has a type that cannot be generated: "), "{error}");
}
