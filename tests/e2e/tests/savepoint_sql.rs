//! SQL over the state in savepoints of real jobs, against rows that the test computes itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Ended, LIMIT, Process, S3Server, files_below, lines_of, millstream, run_in};

const ORDERS: i64 = 3_000;
const CITIES: [&str; 5] = ["Bern", "Zürich", "", "a,b", "Bern "];

/// Three aggregates of one input that never ends; `copied` tells when all of it has been read. No window is over before an hour.
const JOB: &str = "CREATE TABLE orders (id BIGINT, city STRING, v INT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '1' HOUR)
  WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'csv', 'source.monitor-interval' = '20 ms');
CREATE TABLE copied (id BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
CREATE TABLE totals (id BIGINT, city STRING, n BIGINT, v INT) WITH ('connector' = 'blackhole');
CREATE TABLE kinds (city STRING, n BIGINT) WITH ('connector' = 'blackhole');
CREATE TABLE windows (s TIMESTAMP(3), e TIMESTAMP(3), city STRING, n BIGINT) WITH ('connector' = 'blackhole');
BEGIN STATEMENT SET;
INSERT INTO copied SELECT id FROM orders;
INSERT INTO totals SELECT id, city, COUNT(*), SUM(v) FROM orders GROUP BY id, city;
INSERT INTO kinds SELECT city, COUNT(DISTINCT v) FROM orders GROUP BY city;
INSERT INTO windows SELECT window_start, window_end, city, COUNT(*)
  FROM TABLE(HOP(TABLE orders, DESCRIPTOR(at), INTERVAL '2' SECOND, INTERVAL '6' SECOND)) GROUP BY window_start, window_end, city;
END;\n";

/// An order: who, where, how much, at which second of the day.
fn order(i: i64) -> (i64, &'static str, i64, i64) {
    (i % 37 - 5, CITIES[usize::try_from(i * 7 % 5).unwrap()], i * i % 11, i % 40)
}

/// A folder with a savepoint of [`JOB`] behind all of its input, `nightly`.
fn savepoint() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    take(folder.path());
    folder
}

fn take(folder: &Path) {
    let line = |i| {
        let (id, city, v, second) = order(i);
        format!("{id},\"{city}\",{v},2024-01-01 00:00:{second:02}\n")
    };
    fs::create_dir(folder.join("in")).unwrap();
    fs::write(folder.join("in/orders.csv"), (0..ORDERS).map(line).collect::<String>()).unwrap();
    fs::write(folder.join("job.sql"), JOB).unwrap();
    let mut command = millstream();
    let line = "run job.sql --set execution.checkpointing.interval=100ms --set parallelism.default=2";
    let mut process = Process::start(command.current_dir(folder).args(line.split(' ')));
    let is_read = |_: &Process| lines_of(&folder.join("out")).len() == usize::try_from(ORDERS).unwrap();
    assert!(process.wait_until(LIMIT, is_read), "{}", process.stderr());
    run_in(folder, &["savepoint", "job.sql", "--to", "nightly", "--stop"]).code(0);
    process.end(LIMIT).code(0);
}

/// A declaration over the savepoint, whose folder is named relative to the file of the SQL.
fn declared(columns: &str, options: &str) -> String {
    format!(
        "CREATE TABLE saved ({columns})\n WITH ('connector' = 'savepoint', 'path' = 'nightly'{options});\n"
    )
}

fn run(folder: &Path, sql: &str, more: &str) -> Ended {
    // A job of its own for each query.
    let file = tempfile::Builder::new().prefix("q").suffix(".sql").tempfile_in(folder).unwrap();
    fs::write(file.path(), sql).unwrap();
    let name = file.path().file_name().unwrap().to_str().unwrap().to_owned();
    let line = format!("run {name} -o json {more}");
    run_in(folder, &line.split_whitespace().collect::<Vec<_>>())
}

/// The rows of an append-only query, sorted, each as a JSON array of these columns, which are all that it has.
fn rows(folder: &Path, columns: &[&str], sql: &str, more: &str) -> Vec<String> {
    let ended = run(folder, sql, more);
    let row = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(value["op"], "+I", "{line}");
        assert_eq!(value.as_object().unwrap().len(), columns.len() + 1, "{line}");
        Value::Array(columns.iter().map(|name| value[name].clone()).collect()).to_string()
    };
    let mut rows: Vec<String> = ended.code(0).stdout.lines().map(row).collect();
    rows.sort();
    rows
}

fn sorted(rows: impl Iterator<Item = Value>) -> Vec<String> {
    let mut rows: Vec<String> = rows.map(|row| row.to_string()).collect();
    rows.sort();
    rows
}

const TOTALS: &str = ", 'operator' = 'Aggregate(id, city)'";
const KINDS: &str = ", 'operator' = 'Aggregate(city)'";

/// Rows and sum by who and where.
fn totals() -> BTreeMap<(i64, &'static str), (i64, i64)> {
    let mut totals = BTreeMap::new();
    for (id, city, v, _) in (0..ORDERS).map(order) {
        let (rows, sum) = totals.entry((id, city)).or_insert((0, 0));
        (*rows, *sum) = (*rows + 1, *sum + v);
    }
    totals
}

#[test]
fn groups_of_two_columns_are_rows() {
    let folder = savepoint();
    let table = declared("id BIGINT, `COUNT(*)` BIGINT, city STRING, `SUM(orders.v).sum` BIGINT", TOTALS);
    let expected =
        sorted(totals().iter().map(|((id, city), (rows, sum))| serde_json::json!([id, rows, city, sum])));
    for parallelism in ["1", "3"] {
        let found = rows(
            folder.path(),
            &["id", "COUNT(*)", "city", "SUM(orders.v).sum"],
            &format!("{table}SELECT * FROM saved;"),
            &format!("--set parallelism.default={parallelism}"),
        );
        assert_eq!(found, expected);
    }
    let found = rows(
        folder.path(),
        &["city", "COUNT(*)"],
        &format!("{table}SELECT city, `COUNT(*)` FROM saved WHERE id = 3 AND `COUNT(*)` > 10;"),
        "",
    );
    let some = totals().into_iter().filter(|((id, _), (rows, _))| *id == 3 && *rows > 10);
    let expected = sorted(some.map(|((_, city), (rows, _))| serde_json::json!([city, rows])));
    assert_eq!(found, expected);
    assert!(!found.is_empty());
}

#[test]
fn rows_reach_a_file_once() {
    let folder = savepoint();
    let sql = declared("id BIGINT, city STRING, `COUNT(*)` BIGINT", TOTALS)
        + "CREATE TABLE out (id BIGINT, n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'again', 'format' = 'csv');
INSERT INTO out SELECT id, `COUNT(*)` FROM saved;";
    fs::write(folder.path().join("copy.sql"), sql).unwrap();
    let line = "run copy.sql --set parallelism.default=2 --set execution.checkpointing.interval=20ms";
    run_in(folder.path(), &line.split(' ').collect::<Vec<_>>()).code(0);
    let mut expected: Vec<String> =
        totals().iter().map(|((id, _), (rows, _))| format!("{id},{rows}")).collect();
    expected.sort();
    let mut found = lines_of(&folder.path().join("again"));
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_job_that_goes_on_reads_no_row_again() {
    let folder = savepoint();
    let sql = declared("id BIGINT, city STRING, `COUNT(*)` BIGINT", TOTALS)
        + "CREATE TABLE ticks (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1000', 'fields.id.end' = '100000000');
CREATE TABLE out (id BIGINT) WITH ('connector' = 'filesystem', 'path' = 'again', 'format' = 'csv');
INSERT INTO out SELECT id FROM saved UNION ALL SELECT id FROM ticks;";
    fs::write(folder.path().join("on.sql"), sql).unwrap();
    let written = || -> (Vec<i64>, usize) {
        let lines = lines_of(&folder.path().join("again"));
        let ids: Vec<i64> = lines.iter().map(|l| l.parse().unwrap()).collect();
        let (saved, ticks): (Vec<i64>, Vec<i64>) = ids.into_iter().partition(|id| *id < 1_000);
        (saved, ticks.len())
    };
    let mut expected: Vec<i64> = totals().keys().map(|(id, _)| *id).collect();
    let mut ticks = 0;
    for _ in 0..3 {
        let mut command = millstream();
        let line = "run on.sql --set parallelism.default=2 --set execution.checkpointing.interval=50ms";
        let mut process = Process::start(command.current_dir(folder.path()).args(line.split(' ')));
        let goes_on = process.wait_until(LIMIT, |_| written().1 > ticks);
        assert!(goes_on, "{}", process.stderr());
        process.kill();
        ticks = written().1;
    }
    let (mut saved, _) = written();
    saved.sort_unstable();
    expected.sort_unstable();
    assert_eq!(saved, expected);
}

#[test]
fn a_savepoint_in_a_bucket_is_read_there() {
    let folder = savepoint();
    let server = S3Server::start();
    let in_bucket = |line: &str| {
        let mut command = millstream();
        server.configure(&mut command);
        Process::start(command.current_dir(folder.path()).args(line.split(' '))).end(LIMIT)
    };
    let address = format!("s3://{}/savepoints/nightly", S3Server::BUCKET);
    in_bucket(&format!("savepoint job.sql --offline --to {address}")).code(0);
    let sql =
        declared("city STRING, `COUNT(DISTINCT orders.v)` BIGINT", &format!("{KINDS}, 'table' = 'groups'"));
    let sql = sql.replace("'nightly'", &format!("'{address}'"))
        + "SELECT `COUNT(DISTINCT orders.v)` AS n FROM saved;";
    fs::write(folder.path().join("bucket.sql"), sql).unwrap();
    let ended = in_bucket("run bucket.sql --set parallelism.default=2");
    assert_eq!(ended.code(0).stdout.lines().count(), CITIES.len(), "{ended}");
}

#[test]
fn the_key_and_its_group_can_be_seen_without_the_types_of_its_parts() {
    let folder = savepoint();
    let table = declared("key BYTES, key_group INT, `COUNT(*)` BIGINT", TOTALS);
    let found = rows(
        folder.path(),
        &["key", "key_group", "COUNT(*)"],
        &format!("{table}SELECT key, key_group, `COUNT(*)` FROM saved;"),
        "",
    );
    let groups = |at: usize| -> BTreeSet<String> {
        found.iter().map(|row| serde_json::from_str::<Value>(row).unwrap()[at].to_string()).collect()
    };
    assert_eq!((found.len(), groups(0).len()), (totals().len(), totals().len()));
    assert!(groups(1).len() > 20, "185 keys in 128 groups: {:?}", groups(1));
    let table = declared("`COUNT(*)` BIGINT", TOTALS);
    let found = rows(folder.path(), &["COUNT(*)"], &format!("{table}SELECT `COUNT(*)` FROM saved;"), "");
    assert_eq!(found, sorted(totals().values().map(|(rows, _)| serde_json::json!([rows]))));
}

#[test]
fn distinct_values_are_a_table_of_their_own() {
    let folder = savepoint();
    let values: BTreeSet<(&str, i64)> = (0..ORDERS).map(order).map(|(_, city, v, _)| (city, v)).collect();
    let of = |city: &str| values.iter().filter(|(c, _)| *c == city).count();
    let expected = sorted(CITIES.iter().map(|city| serde_json::json!([city, of(city)])));
    let table =
        declared("city STRING, `COUNT(DISTINCT orders.v)` BIGINT", &format!("{KINDS}, 'table' = 'groups'"));
    assert_eq!(
        rows(
            folder.path(),
            &["city", "COUNT(DISTINCT orders.v)"],
            &format!("{table}SELECT * FROM saved;"),
            ""
        ),
        expected
    );

    let table = declared(
        "city STRING, v INT, `count` BIGINT",
        &format!("{KINDS}, 'table' = '{}'", kept_values(folder.path())),
    );
    // Rows are only added: how often a value is there does not matter.
    let expected = sorted(values.iter().map(|(city, v)| serde_json::json!([city, v, null])));
    assert_eq!(
        rows(folder.path(), &["city", "v", "count"], &format!("{table}SELECT * FROM saved;"), ""),
        expected
    );
}

/// The name of the table behind the COUNT(DISTINCT), as `inspect` shows it.
fn kept_values(folder: &Path) -> String {
    let ended = run_in(folder, &["savepoint", "inspect", "nightly", "-o", "json"]);
    let summary: Value = serde_json::from_str(&ended.code(0).stdout).unwrap();
    let tables = summary["tables"].as_array().unwrap();
    let name = |t: &Value| t["table"].as_str().unwrap().to_owned();
    tables.iter().map(name).find(|name| name.starts_with("values-")).unwrap()
}

/// Rows by slice and city. Slices are as long as the slide; nothing is late, so they count from the window that ends with them.
fn slices() -> BTreeMap<(i64, i64, &'static str), i64> {
    let mut slices = BTreeMap::new();
    for (_, city, _, second) in (0..ORDERS).map(order) {
        let end = second / 2 * 2 + 2;
        *slices.entry((end, end, city)).or_default() += 1;
    }
    slices
}

/// 2024-01-01, in seconds since 1970.
const DAY: i64 = 1_704_067_200;

#[test]
fn windows_that_are_open_are_rows() {
    let folder = savepoint();
    let options = ", 'operator' = 'WindowAggregate(city)'";
    let micros = declared("slice_end BIGINT, counts_from BIGINT, city STRING, `COUNT(*)` BIGINT", options);
    let at = |second: i64| (DAY + second) * 1_000_000;
    let expected = sorted(
        slices().iter().map(|((end, from, city), n)| serde_json::json!([at(*end), at(*from), city, n])),
    );
    assert_eq!(
        rows(
            folder.path(),
            &["slice_end", "counts_from", "city", "COUNT(*)"],
            &format!("{micros}SELECT * FROM saved;"),
            ""
        ),
        expected
    );

    let columns = "slice_end TIMESTAMP(3), counts_from TIMESTAMP(3), city STRING, `COUNT(*)` BIGINT";
    let times = declared(columns, options);
    let text = |second: i64| format!("2024-01-01 00:00:{second:02}.000");
    let expected = sorted(
        slices().iter().map(|((end, from, city), n)| serde_json::json!([text(*end), text(*from), city, n])),
    );
    let query = "SELECT CAST(slice_end AS STRING) AS s, CAST(counts_from AS STRING) AS c, city, `COUNT(*)` FROM saved;";
    assert_eq!(
        rows(folder.path(), &["s", "c", "city", "COUNT(*)"], &format!("{times}{query}"), ""),
        expected
    );

    // A watermark, and windows over the state of windows.
    let table =
        declared(&format!("{columns}, WATERMARK FOR slice_end AS slice_end - INTERVAL '1' HOUR"), options);
    let query = "SELECT CAST(window_end AS STRING) AS e, SUM(`COUNT(*)`) AS n
  FROM TABLE(TUMBLE(TABLE saved, DESCRIPTOR(slice_end), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;";
    let mut tumbled = BTreeMap::<i64, i64>::new();
    slices().iter().for_each(|((end, _, _), n)| *tumbled.entry(end / 10 * 10 + 10).or_default() += n);
    let expected = sorted(tumbled.iter().map(|(end, n)| serde_json::json!([text(*end), n])));
    assert_eq!(
        rows(folder.path(), &["e", "n"], &format!("{table}{query}"), "--set parallelism.default=2"),
        expected
    );
}

/// In a store, the rows of a window that fires go without leaving a trace in the checkpoints that follow.
#[test]
fn windows_that_fired_from_a_store_are_no_rows() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let line = |i: i64| format!("{},2024-01-01 00:00:{:02}\n", i % 100, i / 100);
    fs::create_dir(folder.join("in")).unwrap();
    fs::write(folder.join("in/rows.csv"), (0..4_000).map(line).collect::<String>()).unwrap();
    let job = "CREATE TABLE rows_in (id BIGINT, at TIMESTAMP(3), WATERMARK FOR at AS at)
  WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'csv', 'source.monitor-interval' = '20 ms');
CREATE TABLE windows (e TIMESTAMP(3), id BIGINT, n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
INSERT INTO windows SELECT window_end, id, COUNT(*)
  FROM TABLE(TUMBLE(TABLE rows_in, DESCRIPTOR(at), INTERVAL '5' SECOND)) GROUP BY window_start, window_end, id;\n";
    fs::write(folder.join("job.sql"), job).unwrap();
    let line = "run job.sql --set execution.checkpointing.interval=20ms --set state.backend.type=rocksdb \
                --set state.backend.rocksdb.memory.fixed-per-slot=1kb";
    let mut command = millstream();
    let mut process = Process::start(command.current_dir(folder).args(line.split_whitespace()));
    // The windows that end at 5, 10, ..., 35; the one that ends at 40 is open.
    let have_fired = |_: &Process| lines_of(&folder.join("out")).len() == 700;
    assert!(process.wait_until(LIMIT, have_fired), "{}", process.stderr());
    run_in(folder, &["savepoint", "job.sql", "--to", "nightly"]).code(0);
    process.kill();
    let table = declared("slice_end BIGINT, counts_from BIGINT, id BIGINT, `COUNT(*)` BIGINT", "");
    let expected = sorted((0..100).map(|id| serde_json::json!([(DAY + 40) * 1_000_000, id, 5])));
    let query = format!("{table}SELECT slice_end, id, `COUNT(*)` FROM saved;");
    assert_eq!(rows(folder, &["slice_end", "id", "COUNT(*)"], &query, ""), expected);
}

#[test]
fn mistakes_in_declarations_are_shown_before_anything_runs() {
    let folder = savepoint();
    let uid_list = "has state of 'aggregate-";
    let cases: &[(&str, &str, &[&str])] = &[
        ("id BIGINT", "", &["the option 'operator' is missing", uid_list, "(Aggregate(id, city))", ":3:15"]),
        (
            "id BIGINT",
            ", 'operator' = 'Aggregate(id, town)'",
            &["'operator' = 'Aggregate(id, town)'", uid_list, "did you mean 'Aggregate(id, city)'?", ":2:"],
        ),
        (
            "city STRING",
            KINDS,
            &[
                "the option 'table' is missing",
                "'groups' (`COUNT(DISTINCT orders.v)`, `rows`), 'values-",
                ":3:15",
            ],
        ),
        (
            "id BIGINT",
            ", 'operator' = 'Aggregate(id, city)', 'table' = 'group'",
            &["'table' = 'group'", "did you mean 'groups'?", ":2:"],
        ),
        (
            "id BIGINT, city STRING, `COUNT(*)` INT",
            TOTALS,
            &["the column `COUNT(*)` is stored as BIGINT and declared as INT; declare it as BIGINT", ":3:15"],
        ),
        (
            "id BIGINT, city STRING, `COUNT(id)` BIGINT",
            TOTALS,
            &[
                "the table has no stored column `COUNT(id)`",
                "`SUM(orders.v).sum`",
                "did you mean 'COUNT(*)'?",
            ],
        ),
        ("key_group STRING", TOTALS, &["the column `key_group` is an INT, and declared as STRING"]),
        (
            "city STRING, `COUNT(*)` BIGINT",
            ", 'operator' = 'WindowAggregate(city)'",
            &["begins with two times", "must be TIMESTAMP(3) or BIGINT", "`city` is declared as STRING"],
        ),
        (
            "e TIMESTAMP(3), `COUNT(*)` BIGINT",
            ", 'operator' = 'WindowAggregate(city)'",
            &["begins with two times", "there is no such column"],
        ),
        (
            "id BIGINT",
            ", 'opertor' = 'x'",
            &["the connector 'savepoint' has no option 'opertor'", "did you mean 'operator'?", ":2:"],
        ),
        (
            "id BIGINT",
            ", 'scan.parallelism' = '2'",
            &["the option 'scan.parallelism' is not supported", ":2:"],
        ),
    ];
    for (columns, options, says) in cases {
        let sql = declared(columns, options) + "SELECT * FROM saved;";
        let ended = run(folder.path(), &sql, "");
        ended.code(2);
        says.iter().for_each(|text| {
            ended.says(text);
        });
    }
    let missing = declared("id BIGINT", "").replace("'nightly'", "'weekly'") + "SELECT * FROM saved;";
    run(folder.path(), &missing, "").code(2).says("'path' = 'weekly': there is no savepoint").says(":2:35");
    let written = declared("id BIGINT", TOTALS)
        + "CREATE TABLE n (id BIGINT) WITH ('connector' = 'datagen');\nINSERT INTO saved SELECT id FROM n;";
    run(folder.path(), &written, "").code(2).says("table `saved` cannot be written").says("only reads");
    // What nothing reads is not looked for.
    let unused = declared("id BIGINT", "").replace("'nightly'", "'weekly'")
        + "CREATE TABLE n (id BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');\nSELECT id FROM n;";
    run(folder.path(), &unused, "").code(0);
}

#[test]
fn keys_of_other_types_are_refused_with_the_first_row() {
    let folder = savepoint();
    let cases = [
        (
            "id BIGINT",
            "is not one of (id BIGINT): damaged key: trailing bytes",
            "that the operator groups by",
        ),
        ("id INT, city STRING", "is not one of (id INT, city STRING): damaged key: ", "in their order"),
        (
            "city STRING, id BIGINT",
            "is not one of (city STRING, id BIGINT): damaged key: ",
            "`SUM(orders.v).count`",
        ),
        (
            "id BIGINT, row BIGINT",
            "damaged key: ",
            "`row` is no stored column and is taken for a part of the key; did you mean `rows`?",
        ),
    ];
    for (columns, reason, advice) in cases {
        let ended = run(folder.path(), &(declared(columns, TOTALS) + "SELECT * FROM saved;"), "");
        ended.code(1).says("table `saved`: file://").says(reason).says(advice);
    }
}

#[test]
fn damaged_savepoints_are_refused() {
    let table = declared("id BIGINT, city STRING", TOTALS) + "SELECT * FROM saved;";
    let folder = savepoint();
    for path in files_below(&folder.path().join("nightly")).iter().filter(|p| p.extension().is_some()) {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    }
    let ended = run(folder.path(), &table, "");
    ended.code(1).says(".parquet: damaged: expected ").says("use another copy of the savepoint");
    let manifest =
        files_below(&folder.path().join("nightly")).into_iter().find(|p| p.ends_with("manifest")).unwrap();
    fs::write(&manifest, b"MLST").unwrap();
    run(folder.path(), &table, "").code(2).says("manifest is damaged").says(":2:35");
    fs::remove_file(manifest).unwrap();
    run(folder.path(), &table, "").code(2).says("was begun and is not finished").says(":2:35");
}
