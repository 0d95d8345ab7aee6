//! The examples, run as their READMEs say, against answers that SQLite gives on the same rows.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::harness::{JobFolder, LIMIT, Process, lines_of, millstream, run_in, with_enough_time};

/// `make cluster`, with an example that is read as fast as possible.
#[test]
fn the_script_for_trying_things_ends_with_the_job_and_leaves_nothing_running() {
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/cluster");
    let mut command = std::process::Command::new(script);
    command.env("MILLSTREAM_BIN", millstream().get_program()).env("TMPDIR", folder.path());
    command.env("VARIABLES", "FLIGHTS_PER_SECOND=0").env("WORKERS", "3").env("SLOTS", "1");
    let ended = Process::start(&mut command).end(LIMIT);
    ended.code(0).prints("Ctrl-C stops").prints("flight-delays: finished at epoch").prints("\nstopped; ");
    let pids: Vec<u32> = ended
        .stdout
        .split(" pid ")
        .skip(1)
        .map(|rest| rest.split(',').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(pids.len(), 4, "{ended}");
    assert!(pids.iter().all(|pid| !Path::new(&format!("/proc/{pid}")).exists()), "{ended}");
    let here = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    assert!(!lines_of(&here.join("job/out/hourly")).is_empty());
}

/// A copy of an example's folder, without what was run in it.
fn copy_of(example: &str) -> tempfile::TempDir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example);
    let to = tempfile::tempdir().unwrap();
    copy(&from, to.path());
    to
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap_or_else(|e| panic!("{}: {e}", from.display())).map(Result::unwrap)
    {
        let (name, target) = (entry.file_name(), to.join(entry.file_name()));
        if name == "out" || name == ".millstream" {
            continue;
        }
        if entry.path().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The first column of a query, sorted.
fn answer(database: &Connection, sql: &str) -> Vec<String> {
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut lines: Vec<String> = rows.map(Result::unwrap).collect();
    lines.sort();
    assert!(!lines.is_empty(), "{sql}");
    lines
}

/// Compares sorted lines and names those that differ.
#[track_caller]
fn same(what: &str, found: &[String], expected: &[String]) {
    let missing: Vec<_> = expected.iter().filter(|l| found.binary_search(l).is_err()).take(5).collect();
    let foreign: Vec<_> = found.iter().filter(|l| expected.binary_search(l).is_err()).take(5).collect();
    assert!(
        found == expected,
        "{what}: {} lines instead of {}\nmissing: {missing:#?}\nunexpected: {foreign:#?}",
        found.len(),
        expected.len()
    );
}

/// January's flights in SQLite: scheduled time in seconds, delay, origin.
fn flights(folder: &Path) -> Connection {
    let database = Connection::open_in_memory().unwrap();
    database.execute_batch("CREATE TABLE flights (at INTEGER, delay INTEGER, origin TEXT); BEGIN;").unwrap();
    let csv = fs::read_to_string(folder.join("data/flights-2013-01.csv")).unwrap();
    let mut insert = database
        .prepare("INSERT INTO flights VALUES (unixepoch(?1), CASE ?2 WHEN 'NA' THEN NULL ELSE ?2 END, ?3)")
        .unwrap();
    for line in csv.lines() {
        let fields: Vec<&str> = line.split(',').collect();
        insert.execute([fields[0], fields[1], fields[6]]).unwrap();
    }
    drop(insert);
    database.execute_batch("COMMIT").unwrap();
    let rows: i64 = database.query_row("SELECT COUNT(*) FROM flights", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 27_004);

    database
        .execute_batch("CREATE TABLE slides (hours INTEGER); INSERT INTO slides VALUES (0), (1), (2);")
        .unwrap();
    database
}

/// SQL for the mean delay of a group as text, with one decimal, half away from zero, from whole numbers
/// only; `when_null` where no flight has one.
fn mean(when_null: &str) -> String {
    let tenths = "((ABS(SUM(delay)) * 20 + COUNT(delay)) / (2 * COUNT(delay)))";
    format!(
        "IIF(COUNT(delay) = 0, '{when_null}', IIF(SUM(delay) < 0 AND {tenths} > 0, '-', '') || ({tenths} / 10) || '.' || ({tenths} % 10))"
    )
}

fn check_flight_files(folder: &Path, database: &Connection) {
    let time = |seconds: &str| format!("strftime('%Y-%m-%d %H:%M:%S', {seconds}, 'unixepoch')");
    let hourly = format!(
        "SELECT '{{\"origin\":\"' || origin || '\",\"window_start\":\"' || {} || '\",\"window_end\":\"' || {} || '\",\"flights\":' || COUNT(*)
           || ',\"cancelled\":' || (COUNT(*) - COUNT(delay)) || ',\"delayed\":' || SUM(IFNULL(delay >= 15, 0))
           || ',\"average_delay\":' || {} || ',\"longest_delay\":' || IFNULL(MAX(delay), 'null') || '}}'
         FROM flights GROUP BY origin, at / 3600",
        time("at / 3600 * 3600"),
        time("at / 3600 * 3600 + 3600"),
        mean("null")
    );
    same("hourly", &lines_of(&folder.join("out/hourly")), &answer(database, &hourly));
    let sliding = format!(
        "SELECT origin || ',\"' || {} || '\",\"' || {} || '\",' || COUNT(*) || ',' || SUM(IFNULL(delay >= 15, 0)) || ',' || {}
         FROM flights, slides GROUP BY origin, at / 3600 - hours",
        time("(at / 3600 - hours) * 3600"),
        time("(at / 3600 - hours) * 3600 + 10800"),
        mean("")
    );
    same("sliding", &lines_of(&folder.join("out/sliding")), &answer(database, &sliding));
}

#[test]
fn flight_delays_are_those_that_sqlite_finds() {
    let folder = copy_of("flight-delays");
    let database = flights(folder.path());
    let ended = run_in(folder.path(), &["run", "streamjob.yaml", "--var", "FLIGHTS_PER_SECOND=0"]);
    ended.code(0).says("flight-delays: finished at epoch");
    check_flight_files(folder.path(), &database);
    let weekly = format!(
        "SELECT '+I[' || strftime('%Y-%m-%dT%H:%M', at / 604800 * 604800, 'unixepoch') || ', ' || origin || ', ' || COUNT(*) || ', '
           || (COUNT(*) - COUNT(delay)) || ', ' || {} || ']'
         FROM flights GROUP BY at / 604800, origin",
        mean("null")
    );
    let mut printed: Vec<String> =
        ended.stdout.lines().map(|l| l.split_once("> ").map_or(l, |(_, row)| row).to_owned()).collect();
    printed.sort();
    same("weekly", &printed, &answer(&database, &weekly));
}

/// The table that `make run` ends with, and the README shows.
#[test]
fn the_result_of_flight_delays_is_that_of_the_readme() {
    let folder = copy_of("flight-delays");
    run_in(folder.path(), &["run", "streamjob.yaml", "--var", "FLIGHTS_PER_SECOND=0"]).code(0);
    let ended = run_in(folder.path(), &["run", "result.sql", "-o", "table"]);
    let table = &ended.code(0).stdout;
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.contains('│'))
        .map(|line| line.trim_matches(['│', ' ']).split_whitespace().collect())
        .collect();
    let numbers: Vec<&[&str]> = rows.iter().map(|row| &row[..4]).collect();
    assert_eq!(
        numbers,
        [
            ["airport", "flights", "cancelled", "delayed"],
            ["EWR", "9893", "238", "2408"],
            ["JFK", "9161", "100", "1539"],
            ["LGA", "7950", "183", "1144"],
        ],
        "{ended}"
    );
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    assert!(readme.contains(table.trim_end()), "the README shows another table than\n{table}");
}

#[test]
fn flight_delays_survive_kills_with_the_same_files() {
    // There are 27,004 flights.
    with_enough_time(Duration::from_secs(3), |reading| {
        let folder = copy_of("flight-delays");
        let database = flights(folder.path());
        let job = JobFolder::new(&folder.path().join(".millstream"), "flight-delays");
        for flights in [27_000, 21_000] {
            let rate = format!("FLIGHTS_PER_SECOND={}", flights / reading.as_secs());
            let mut command = millstream();
            let line = ["run", "streamjob.yaml", "--var", &rate];
            let mut process = Process::start(command.current_dir(folder.path()).args(line));
            let before = job.epochs().len();
            process.wait_amid(|_| job.epochs().len() > before);
            process.kill_amid();
        }
        let ended = run_in(folder.path(), &["run", "streamjob.yaml", "--var", "FLIGHTS_PER_SECOND=0"]);
        ended.code(0).says("flight-delays: continuing from epoch").says("finished at epoch");
        check_flight_files(folder.path(), &database);
    });
}

/// All payments in SQLite, from a bare SELECT over the same generated table.
fn payments(folder: &Path) -> Connection {
    let manifest = fs::read_to_string(folder.join("streamjob.yaml")).unwrap();
    let begin = manifest.find("CREATE TABLE payments").expect("the table of payments");
    let length = manifest[begin..].find(");\n").unwrap() + 3;
    let sql = format!(
        "{}SELECT payment_id, card, amount, country, paid_at FROM payments;\n",
        &manifest[begin..begin + length]
    );
    fs::write(folder.join("payments.sql"), sql).unwrap();
    let all = run_in(
        folder,
        &[
            "run",
            "payments.sql",
            "-o",
            "csv",
            "--var",
            "PAYMENTS=50000",
            "--var",
            "RATE=0",
            "--var",
            "SEED=1",
        ],
    );
    let database = Connection::open_in_memory().unwrap();
    database
        .execute_batch("CREATE TABLE payments (id INTEGER PRIMARY KEY, card INTEGER, cents INTEGER, country TEXT, at INTEGER); BEGIN;")
        .unwrap();
    let mut insert = database.prepare("INSERT INTO payments VALUES (?1, ?2, ?3, ?4, unixepoch(?5))").unwrap();
    for line in all.code(0).stdout.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let cents = fields[3].replace('.', "");
        insert.execute([fields[1], fields[2], &cents, fields[4], fields[5]]).unwrap();
    }
    drop(insert);
    database.execute_batch("COMMIT").unwrap();
    let (rows, first, last): (i64, i64, i64) = database
        .query_row("SELECT COUNT(*), MIN(id), MAX(id) FROM payments", [], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?))
        })
        .unwrap();
    assert_eq!((rows, first, last), (50_000, 1, 50_000));
    database
}

#[test]
fn fraud_rules_alert_for_the_payments_that_break_them() {
    let folder = copy_of("fraud-rules");
    let database = payments(folder.path());
    let ended = run_in(folder.path(), &["run", "streamjob.yaml", "--var", "RATE=0"]);
    ended.code(0).says("fraud-rules: finished at epoch");
    let time = |seconds: &str| format!("strftime('%Y-%m-%d %H:%M:%S', {seconds}, 'unixepoch')");
    let rapid = format!(
        "WITH RECURSIVE slides(back) AS (SELECT 0 UNION ALL SELECT back + 1 FROM slides WHERE back < 9)
         SELECT '{{\"card\":' || card || ',\"window_start\":\"' || {} || '\",\"window_end\":\"' || {} || '\",\"payments\":' || COUNT(*)
           || ',\"total\":' || (SUM(cents) / 100) || printf('.%02d', SUM(cents) % 100) || '}}'
         FROM payments, slides GROUP BY card, at / 60 - back HAVING COUNT(*) >= 16",
        time("(at / 60 - back) * 60"),
        time("(at / 60 - back) * 60 + 600")
    );
    same("rapid payments", &lines_of(&folder.path().join("out/rapid-payments")), &answer(&database, &rapid));
    let countries = format!(
        "SELECT '{{\"card\":' || card || ',\"window_start\":\"' || {} || '\",\"window_end\":\"' || {} || '\",\"countries\":'
           || COUNT(DISTINCT country) || ',\"payments\":' || COUNT(*) || '}}'
         FROM payments GROUP BY card, at / 1800 HAVING COUNT(DISTINCT country) >= 4",
        time("at / 1800 * 1800"),
        time("at / 1800 * 1800 + 1800")
    );
    same(
        "many countries",
        &lines_of(&folder.path().join("out/many-countries")),
        &answer(&database, &countries),
    );
    // The last word about each card.
    let mut suspects = BTreeMap::new();
    for line in ended.stdout.lines() {
        let (_, change) = line.split_once("> ").unwrap_or(("", line));
        let (op, row) = change.split_once('[').unwrap();
        let card = row.split(',').next().unwrap().to_owned();
        if op.starts_with('+') {
            suspects.insert(card, row.trim_end_matches(']').to_owned());
        } else {
            suspects.remove(&card);
        }
    }
    let mut found: Vec<String> = suspects.into_values().collect();
    found.sort();
    let expected = answer(
        &database,
        "SELECT card || ', ' || COUNT(*) || ', ' || (MAX(cents) / 100) || printf('.%02d', MAX(cents) % 100)
         FROM payments WHERE cents > 100000 GROUP BY card HAVING COUNT(*) >= 4",
    );
    same("suspects", &found, &expected);
}
