use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Field, Int32Type, Int64Type, Schema, TimestampMillisecondType};
use sha2::{Digest, Sha256};

use super::*;
use crate::conformance::source as conformance;
use crate::source::ReadOutcome;
use crate::test_table::table;

const START_MS: i64 = 1_800_000_000_000;

fn try_source(options: &[(&str, &str)], parallelism: u32, clock: Clock) -> Result<Arc<dyn Source>, String> {
    let mut config = table("events", &[], options);
    config.schema = Arc::new(Schema::new(all_columns()));
    config.connector = "nexmark".to_owned();
    config.parallelism = parallelism;
    NexmarkConnector::new(clock).source(&config).map(Option::unwrap).map_err(|e| e.to_string())
}

fn source(options: &[(&str, &str)]) -> Arc<dyn Source> {
    try_source(options, 1, Clock::new(|| Duration::ZERO, || START_MS)).unwrap()
}

fn everything() -> SchemaRef {
    Arc::new(Schema::new(all_columns()))
}

/// The rows of a kind as compact JSON arrays, sorted.
fn lines(batch: &RecordBatch, kind: &str) -> Vec<String> {
    let rows = batch.column_by_name(kind).unwrap().as_struct();
    let cell = |column: &dyn Array, row: usize| match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Timestamp(..) => column.as_primitive::<TimestampMillisecondType>().value(row).to_string(),
        _ => serde_json::to_string(column.as_string::<i32>().value(row)).unwrap(),
    };
    let line = |row: usize| {
        let cells: Vec<String> = rows.columns().iter().map(|column| cell(column, row)).collect();
        format!("[{}]", cells.join(","))
    };
    let mut lines: Vec<String> = (0..rows.len()).filter(|row| rows.is_valid(*row)).map(line).collect();
    lines.sort();
    lines
}

fn sha256(lines: &[String]) -> String {
    Sha256::digest(lines.join("\n")).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the original's generator makes of this seed.
#[test]
fn events_are_the_originals_byte_for_byte() {
    let options = [("seed", "42"), ("base-time", "1700000000000"), ("events.num", "100000")];
    let source = source(&options);
    let splits = conformance::splits(source.as_ref());
    let batch = conformance::read_all(source.as_ref(), &splits[0], &everything(), 8_192);
    let expected = [
        ("bid", 92_000, "736e215aca2864958439dd80c1e5a743e83ed829a5996b381a469ce35fc794c0"),
        ("auction", 6_000, "ac8d8dc77ebccda8534211927d0457e79a2eed4593e71459713bed2a2dc947cc"),
        ("person", 2_000, "c500d1773eef1e09a63921472d85b3250360541b2a669a69f2513e4cde0c8a88"),
    ];
    for (kind, count, sum) in expected {
        let lines = lines(&batch, kind);
        assert_eq!((lines.len(), sha256(&lines).as_str()), (count, sum), "{kind}");
    }
}

#[test]
fn the_conformance_suite_passes_on_two_splits() {
    let options = [("seed", "7"), ("base-time", "0"), ("events.num", "301"), ("splits", "2")];
    let rows = conformance::run(source(&options).as_ref(), &everything());
    let counts: Vec<usize> = rows.values().map(RecordBatch::num_rows).collect();
    assert_eq!(counts, [150, 151]);
}

/// Fields that are not read are drawn over, so that the others stay the same.
#[test]
fn fields_that_are_not_read_change_nothing() {
    let options = [("seed", "3"), ("base-time", "5"), ("events.num", "20000")];
    let whole = source(&options);
    let splits = conformance::splits(whole.as_ref());
    let all = conformance::read_all(whole.as_ref(), &splits[0], &everything(), 1_000);
    let mut switched = options.to_vec();
    switched.push(("generate-all-columns", "true"));
    let unpruned = source(&switched);
    for (kind, fields) in [
        ("person", columns::PersonColumns::fields()),
        ("auction", columns::AuctionColumns::fields()),
        ("bid", columns::BidColumns::fields()),
    ] {
        let expected = all.column_by_name(kind).unwrap().as_struct();
        for field in &fields {
            let row = DataType::Struct([field.clone()].into_iter().collect());
            let projection: SchemaRef = Arc::new(Schema::new(vec![Field::new(kind, row, true)]));
            for source in [&whole, &unpruned] {
                let found = conformance::read_all(source.as_ref(), &splits[0], &projection, 777);
                let found = found.column(0).as_struct();
                assert_eq!(found.nulls(), expected.nulls());
                assert_eq!(
                    Some(found.column(0)),
                    expected.column_by_name(field.name()),
                    "{kind}.{}",
                    field.name()
                );
            }
        }
    }
}

#[test]
fn splits_are_the_originals_generators() {
    // Two million events on two generators: the second one's persons begin 20,000 later, on the same stretch of time.
    let source = try_source(
        &[("seed", "1"), ("base-time", "0"), ("events.num", "2000000")],
        2,
        Clock::new(|| Duration::ZERO, || START_MS),
    );
    let source = source.unwrap();
    assert_eq!((source.is_bounded(), source.max_parallelism()), (true, None));
    let firsts: Vec<(i64, i64)> = conformance::splits(source.as_ref())
        .iter()
        .map(|split| {
            let mut reader = source.open(split, everything()).unwrap();
            let Ok(ReadOutcome::Batch(batch)) = reader.read(100) else { panic!("a batch") };
            let persons = batch.columns.column_by_name("person").unwrap().as_struct();
            let row = (0..100).find(|row| persons.is_valid(*row)).unwrap();
            let id = persons.column(0).as_primitive::<Int64Type>().value(row);
            let time = persons.column_by_name("dateTime").unwrap();
            (id, time.as_primitive::<TimestampMillisecondType>().value(row))
        })
        .collect();
    assert_eq!(firsts, [(1_001, 9), (21_001, 9)]);
}

#[test]
fn without_seed_and_base_time_the_clock_decides() {
    let clock = |now| Clock::new(|| Duration::ZERO, move || now);
    let first = |now| {
        let source = try_source(&[("events.num", "100")], 1, clock(now)).unwrap();
        let split = conformance::splits(source.as_ref()).remove(0);
        // A process that opens the split later gets the same events.
        let later = try_source(&[("events.num", "100")], 1, clock(now + 1_000_000)).unwrap();
        conformance::read_all(later.as_ref(), &split, &everything(), 100)
    };
    let batch = first(START_MS);
    assert_eq!(batch, first(START_MS));
    assert_ne!(lines(&batch, "bid"), lines(&first(START_MS + 1), "bid"));
    let auctions = batch.column_by_name("auction").unwrap().as_struct();
    let times = auctions.column_by_name("dateTime").unwrap();
    assert_eq!(times.as_primitive::<TimestampMillisecondType>().value(0), START_MS);
    let kinds = batch.column(0).as_primitive::<Int32Type>();
    assert_eq!(kinds.values().iter().filter(|kind| **kind == 2).count(), 92);
}

#[test]
fn events_come_when_they_are_due() {
    let now = Arc::new(AtomicI64::new(START_MS));
    let read = now.clone();
    let clock = Clock::new(|| Duration::ZERO, move || read.load(Ordering::Relaxed));
    let options =
        [("first-event.rate", "100"), ("max-emit-speed", "false"), ("stop-at", "50"), ("keep-alive", "true")];
    let source = try_source(&options, 1, clock).unwrap();
    assert!(!source.is_bounded(), "it is kept alive");
    let splits = conformance::splits(source.as_ref());
    let mut reader = source.open(&splits[0], everything()).unwrap();
    let mut after = |ms: i64| {
        now.store(START_MS + ms, Ordering::Relaxed);
        match reader.read(1_000).unwrap() {
            ReadOutcome::Batch(batch) => format!("{} events", batch.columns.num_rows()),
            ReadOutcome::Pending(wait) => format!("{wait:?}"),
            ReadOutcome::End => "end".to_owned(),
        }
    };
    // One event every 10 ms; the first has the number 1.
    let found: Vec<String> = [0, 4, 10, 15, 35, 1_000, 2_000].map(&mut after).into();
    assert_eq!(found, ["10ms", "6ms", "1 events", "5ms", "2 events", "47 events", "100ms"]);
}

#[test]
fn wrong_tables_are_refused() {
    let refused = |name: &str, data_type: DataType| {
        let mut config = table("events", &[(name, data_type)], &[]);
        config.connector = "nexmark".to_owned();
        let connector = NexmarkConnector::new(Clock::system());
        connector.source(&config).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let row =
        |name: &str, data_type| DataType::Struct([Field::new(name, data_type, true)].into_iter().collect());
    let cases = [
        (
            "kind",
            DataType::Int32,
            "there is no `kind` in its events; there are event_type, person, auction, bid",
        ),
        ("event_type", DataType::Int64, "`event_type` is BIGINT, but must be INT"),
        (
            "bid",
            row("cost", DataType::Int64),
            "there is no `bid.cost` in its events; there are auction, bidder,",
        ),
        ("bid", row("price", DataType::Utf8), "`bid.price` is STRING, but must be BIGINT"),
    ];
    for (name, data_type, message) in cases {
        let found = refused(name, data_type);
        assert!(found.contains(message), "{found}");
    }
    for (options, message) in [
        (vec![("splits", "2000")], "'splits' must be at most 1024"),
        (vec![("first-event.rate", "3000000000")], "must be at most 2147483647"),
        (vec![("bid.avg-size", "1 mb")], "'bid.avg-size' must be at most 512kb"),
        (vec![("scan.parallelism", "2")], "the parallelism of the job is used"),
    ] {
        let found = try_source(&options, 1, Clock::system()).err().unwrap_or_default();
        assert!(found.contains(message), "{found}");
    }
}
