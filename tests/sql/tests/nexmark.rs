//! The queries of the benchmark from generated events and from files of them, against rows computed here from the events.
//!
//! The texts are those in `tests/bench/queries`; only the last statement is taken without its INSERT. From the generator every
//! query also runs with checkpoints and two crashes, between them at another parallelism.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, AsArray, StructArray};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, TimeUnit, TimestampMillisecondType};
use millstream_connectors::source::ReadOutcome;
use millstream_connectors::{TableConfig, builtin_registry};
use millstream_test_sql::{Expected, Row, write_row};

use crate::engine::{Crash, Engine, Pace, Script, Way};
use crate::state_kind::StateKind;

const EVENTS: i64 = 20_000;
const DAY: i64 = 86_400_000_000;

/// A bid as the generator makes it.
struct Bid {
    auction: i64,
    bidder: i64,
    price: i64,
    channel: String,
    url: String,
    time_ms: i64,
    extra: String,
}

/// Events of a second of event time.
const RATE: &str = "10000";
/// So few that bidders come back after a pause.
const SLOW: &str = "100";

/// The bids of `EVENTS` events in one split, read from the connector alone; `None` is another event.
fn events(rate: &str) -> Vec<Option<Bid>> {
    let text = |name| Field::new(name, DataType::Utf8, true);
    let number = |name| Field::new(name, DataType::Int64, true);
    let time = Field::new("dateTime", DataType::Timestamp(TimeUnit::Millisecond, None), true);
    let (channel, url, extra) = (text("channel"), text("url"), text("extra"));
    let fields = [number("auction"), number("bidder"), number("price"), channel, url, time, extra];
    let bid = Field::new("bid", DataType::Struct(fields.into_iter().collect()), true);
    let schema = Arc::new(Schema::new(vec![Field::new("event_type", DataType::Int32, true), bid]));
    let number = EVENTS.to_string();
    let (seed, begin) = (("seed", "42"), ("base-time", "1700000000000"));
    let options = [("events.num", number.as_str()), seed, begin, ("first-event.rate", rate)];
    let table = TableConfig {
        name: "nexmark".into(),
        connector: "nexmark".into(),
        options: options.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        schema: schema.clone(),
        partition_keys: Vec::new(),
        primary_key: Vec::new(),
        parallelism: 1,
        base_dir: PathBuf::new(),
    };
    let source = builtin_registry().get("nexmark").unwrap().source(&table).unwrap().unwrap();
    let split = source.enumerator().unwrap().discover().unwrap().splits.remove(0);
    let mut reader = source.open(&split, schema).unwrap();
    let mut events = Vec::new();
    while let ReadOutcome::Batch(batch) = reader.read(1_000).unwrap() {
        let kinds = batch.columns.column(0).as_primitive::<Int32Type>();
        let rows = batch.columns.column(1).as_struct();
        events.extend((0..rows.len()).map(|row| (kinds.value(row) == 2).then(|| bid_of(rows, row))));
    }
    assert_eq!(events.len() as i64, EVENTS);
    assert_eq!(events.iter().flatten().count() as i64, EVENTS / 50 * 46);
    events
}

fn bid_of(rows: &StructArray, row: usize) -> Bid {
    let number = |column: usize| rows.column(column).as_primitive::<Int64Type>().value(row);
    let text = |column: usize| rows.column(column).as_string::<i32>().value(row).to_owned();
    Bid {
        auction: number(0),
        bidder: number(1),
        price: number(2),
        channel: text(3),
        url: text(4),
        time_ms: rows.column(5).as_primitive::<TimestampMillisecondType>().value(row),
        extra: text(6),
    }
}

/// `2023-11-14 22:13:20.100`: all events are within seconds of 22:13:20, which is 1,700,000,000 s.
fn time(millis: i64) -> String {
    let since = millis - 1_700_000_000_000 + (13 * 60 + 20) * 1_000;
    format!("2023-11-14 22:{:02}:{:02}.{:03}", since / 60_000, since / 1_000 % 60, since % 1_000)
}

/// Name, columns, and the row of a bid if it has one.
type Query = (&'static str, &'static str, fn(&Bid) -> Option<Vec<String>>);

const QUERIES: [Query; 4] = [
    ("q0", "auction BIGINT; bidder BIGINT; price BIGINT; dateTime TIMESTAMP(3); extra STRING", |bid| {
        Some(whole(bid, bid.price.to_string()))
    }),
    (
        "q1",
        "auction BIGINT; bidder BIGINT; price DECIMAL(24, 3); dateTime TIMESTAMP(3); extra STRING",
        |bid| {
            let mills = bid.price * 908;
            Some(whole(bid, format!("{}.{:03}", mills / 1_000, mills % 1_000)))
        },
    ),
    ("q2", "auction BIGINT; price BIGINT", |bid| {
        (bid.auction % 123 == 0).then(|| vec![bid.auction.to_string(), bid.price.to_string()])
    }),
    (
        "q22",
        "auction BIGINT; bidder BIGINT; price BIGINT; channel STRING; dir1 STRING; dir2 STRING; dir3 STRING",
        |bid| {
            let numbers = [bid.auction, bid.bidder, bid.price].map(|number| number.to_string());
            let folders = bid.url.split('/').skip(3).take(3).map(str::to_owned);
            Some(numbers.into_iter().chain([bid.channel.clone()]).chain(folders).collect())
        },
    ),
];

fn whole(bid: &Bid, price: String) -> Vec<String> {
    let extra = bid.extra.replace('\\', "\\\\");
    vec![bid.auction.to_string(), bid.bidder.to_string(), price, time(bid.time_ms), extra]
}

fn expected(columns: &str, rows: &[Vec<String>]) -> Arc<Expected> {
    let mut text = "# made by: this test\n".to_owned();
    for column in columns.split("; ") {
        let (name, sql_type) = column.split_once(' ').unwrap();
        writeln!(text, "# column: {name}\t{sql_type}").unwrap();
    }
    for row in rows {
        writeln!(text, "{}", row.join("\t")).unwrap();
    }
    Arc::new(Expected::parse(&text).unwrap())
}

/// A query as one script.
fn script(name: &str, table: &str, variables: &[(&str, &str)]) -> Script {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench/queries");
    let read =
        |file: &str| std::fs::read_to_string(folder.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
    let query = read(&format!("{name}.sql"));
    // What stands before the INSERT: the table that it would write, which nobody needs, and views.
    let (before, select) = query.split_once(&format!("INSERT INTO nexmark_{name}\n")).unwrap();
    let mut text = format!("{}\n{}\n{before}\n{select}", read(table), read("views.sql"));
    for (variable, value) in variables {
        text = text.replace(&format!("${{{variable}}}"), value);
    }
    Script { name: name.to_owned(), text, data: folder }
}

#[track_caller]
fn same(name: &str, expected: &Expected, rows: Vec<Row>) {
    assert!(!rows.is_empty(), "{name} has no rows");
    if let Err(difference) = expected.compare(rows) {
        panic!("{name}: {difference}");
    }
}

#[test]
fn queries_over_generated_events_give_what_the_events_say() {
    let (engine, events) = (Engine::new(), events(RATE));
    let number = EVENTS.to_string();
    for (name, columns, row) in QUERIES {
        let rows: Vec<Vec<String>> = events.iter().flatten().filter_map(row).collect();
        let expected = expected(columns, &rows);
        for all_columns in ["false", "true"] {
            let variables = [("TPS", RATE), ("EVENTS_NUM", &number), ("ALL_COLUMNS", all_columns)];
            let script = script(name, "ddl_gen.sql", &variables);
            let plain = engine.run(&script, &expected, &Way::plain(1_000)).unwrap();
            assert_eq!(plain.rows_read as i64, EVENTS);
            same(name, &expected, plain.rows);
            let way = Way {
                name: "crashes".into(),
                checkpoints_ms: Some(5),
                crashes: vec![
                    Crash { after_rows: 7_000, lost_rows: 3_000, parallelism: 2 },
                    Crash { after_rows: 5_000, lost_rows: 1_000, parallelism: 1 },
                ],
                ..Way::plain(500)
            };
            let crashed = engine.run(&script, &expected, &way).unwrap();
            assert!(
                crashed.crashes == 2 && crashed.rows_read as i64 > EVENTS,
                "{name}: nothing was read again"
            );
            same(name, &expected, crashed.rows);
        }
    }
}

/// Bids of a bidder in sessions with a gap of 10 s.
#[test]
fn sessions_of_bidders_give_what_the_events_say() {
    let gap_ms = 10_000;
    let mut sessions: Vec<(i64, i64, i64, i64)> = Vec::new();
    let mut bids: Vec<(i64, i64)> =
        events(SLOW).iter().flatten().map(|bid| (bid.bidder, bid.time_ms)).collect();
    bids.sort_unstable();
    for (bidder, at) in bids {
        match sessions.last_mut() {
            Some((of, count, _, end)) if *of == bidder && at <= *end => {
                *count += 1;
                *end = at + gap_ms;
            }
            _ => sessions.push((bidder, 1, at, at + gap_ms)),
        }
    }
    let mut bidders: Vec<i64> = sessions.iter().map(|(bidder, ..)| *bidder).collect();
    bidders.dedup();
    assert!(sessions.len() > bidders.len() && sessions.iter().any(|(_, count, ..)| *count > 10));
    let row = |(bidder, count, start, end): &(i64, i64, i64, i64)| {
        vec![bidder.to_string(), count.to_string(), time(*start), time(*end)]
    };
    let rows: Vec<Vec<String>> = sessions.iter().map(row).collect();
    let columns = "bidder BIGINT; bid_count BIGINT; starttime TIMESTAMP(3); endtime TIMESTAMP(3)";
    let expected = expected(columns, &rows);
    let number = EVENTS.to_string();
    let script =
        script("q11", "ddl_gen.sql", &[("TPS", SLOW), ("EVENTS_NUM", &number), ("ALL_COLUMNS", "false")]);
    let engine = Engine::new();
    same("q11", &expected, engine.run(&script, &expected, &Way::plain(1_000)).unwrap().rows);
    let way = Way {
        name: "crashes".into(),
        checkpoints_ms: Some(5),
        crashes: vec![
            Crash { after_rows: 7_000, lost_rows: 3_000, parallelism: 2 },
            Crash { after_rows: 5_000, lost_rows: 1_000, parallelism: 1 },
        ],
        ..Way::plain(500)
    };
    let crashed = engine.run(&script, &expected, &way).unwrap();
    assert!(crashed.crashes == 2 && crashed.rows_read as i64 > EVENTS);
    same("q11", &expected, crashed.rows);
}

#[test]
fn queries_over_files_of_events_give_what_the_events_say() {
    let (engine, events) = (Engine::new(), events(RATE));
    let folder = tempfile::tempdir().unwrap();
    let mut lines = String::new();
    for event in &events {
        match event {
            Some(bid) => {
                let Bid { auction, bidder, price, channel, url, .. } = bid;
                let (time, extra) = (time(bid.time_ms), bid.extra.replace('\\', "\\\\"));
                writeln!(
                    lines,
                    "{{\"event_type\":2,\"person\":null,\"auction\":null,\"bid\":{{\"auction\":{auction},\"bidder\":{bidder},\
                     \"price\":{price},\"channel\":\"{channel}\",\"url\":\"{url}\",\"dateTime\":\"{time}\",\"extra\":\"{extra}\"}}}}"
                )
            }
            None => writeln!(
                lines,
                "{{\"event_type\":0,\"person\":{{\"id\":1,\"dateTime\":\"2023-11-14 22:13:20\"}},\"auction\":null,\"bid\":null}}"
            ),
        }
        .unwrap();
    }
    std::fs::write(folder.path().join("events.json"), lines).unwrap();
    let path = folder.path().display().to_string();
    for (name, columns, row) in QUERIES {
        let rows: Vec<Vec<String>> = events.iter().flatten().filter_map(row).collect();
        let expected = expected(columns, &rows);
        let script = script(name, "ddl_json.sql", &[("NEXMARK_JSON", &path)]);
        let plain = engine.run(&script, &expected, &Way::plain(1_000)).unwrap();
        same(name, &expected, plain.rows);
    }
}

/// Microseconds since midnight of `2023-11-14 22:13:20.100`.
fn micros_of_day(time: &str) -> i64 {
    let (_, clock) = time.split_once(' ').unwrap();
    let parts: Vec<i64> = clock.split([':', '.']).map(|part| part.parse().unwrap()).collect();
    ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1_000_000 + parts[3] * 1_000
}

/// Which bids come in the same window, no test can say; that each comes in one, it can.
#[test]
fn every_bid_is_in_one_window_of_the_clock() {
    const COLUMNS: &str = "bidder BIGINT; bid_count BIGINT; starttime TIMESTAMP(3); endtime TIMESTAMP(3)";
    let (engine, events) = (Engine::new(), events(RATE));
    let mut bids: BTreeMap<i64, i64> = BTreeMap::new();
    events.iter().flatten().for_each(|bid| *bids.entry(bid.bidder).or_default() += 1);
    let (number, columns) = (EVENTS.to_string(), expected(COLUMNS, &[]));
    let variables = [("TPS", "10000"), ("EVENTS_NUM", number.as_str()), ("ALL_COLUMNS", "false")];
    let crashing = Way {
        checkpoints_ms: Some(5),
        crashes: vec![
            Crash { after_rows: 7_000, lost_rows: 3_000, parallelism: 2 },
            Crash { after_rows: 5_000, lost_rows: 1_000, parallelism: 1 },
        ],
        ..Way::plain(500)
    };
    let slow = Pace::Slow { rows: 200, pause: Duration::from_millis(5) };
    let spilled = Way { state: StateKind::RocksDb { table_bytes: 1 }, ..crashing.clone() };
    let ways = [Way::plain(1_000), Way { pace: slow, ..Way::plain(500) }, crashing, spilled];
    // As it is written, in windows that end while the job runs, and in such windows that overlap.
    let texts = [
        ("TUMBLE(", "INTERVAL '10' SECOND", 10_000_000, 1),
        ("TUMBLE(", "INTERVAL '0.02' SECOND", 20_000, 1),
        ("HOP(", "INTERVAL '0.01' SECOND, INTERVAL '0.03' SECOND", 30_000, 3),
    ];
    for (function, lengths, size, windows) in texts {
        for way in &ways {
            let mut script = script("q12", "ddl_gen.sql", &variables);
            script.text = script.text.replace("TUMBLE(", function).replace("INTERVAL '10' SECOND", lengths);
            let outcome = engine.run(&script, &columns, way).unwrap();
            let what = format!("{function}{lengths}, {way:?}");
            assert_eq!(outcome.crashes, way.crashes.len(), "{what}");
            let (mut found, mut seen) = (BTreeMap::new(), BTreeSet::new());
            for row in &outcome.rows {
                let row = write_row(row);
                let cells: Vec<&str> = row.split('\t').collect();
                let (bidder, count): (i64, i64) = (cells[0].parse().unwrap(), cells[1].parse().unwrap());
                *found.entry(bidder).or_insert(0) += count;
                let (start, end) = (micros_of_day(cells[2]), micros_of_day(cells[3]));
                assert_eq!((end - start).rem_euclid(DAY), size, "{what}: {row}");
                assert_eq!(start % (size / windows), 0, "{what}: {row}");
                assert!(seen.insert((bidder, cells[2].to_owned())), "{what}: {row} comes twice");
            }
            let expected: BTreeMap<i64, i64> =
                bids.iter().map(|(bidder, n)| (*bidder, n * windows)).collect();
            assert!(found == expected, "{what}");
        }
    }
}
