//! State that expires, in jobs as users run them: by event time under `kill -9`, by the wall clock while no input comes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tempfile::TempDir;

use crate::harness::{JobFolder, LIMIT, Process, Row, lines_of, millstream, too_early, with_enough_time};

/// Hardly any state stays in memory.
const IN_ROCKSDB: [&str; 4] =
    ["--set", "state.backend.type=rocksdb", "--set", "state.backend.rocksdb.memory.fixed-per-slot=1kb"];

fn start(folder: &Path, more: &[&str]) -> Process {
    let mut command = millstream();
    command.current_dir(folder).args(["run", "job.sql", "--set", "execution.checkpointing.interval=100ms"]);
    Process::start(command.args(more))
}

const MINUTE_MS: u64 = 60_000;
const CYCLES: u64 = 3;
/// More rows than a batch may have: whatever batches are cut, the watermark passes between what is before and what is behind.
const ROWS_OF_TIME: u64 = 10_000;
/// How long it takes to read them all, at the least.
const READING: Duration = Duration::from_secs(6);

/// An hour in each cycle: keys that come back once an hour or less, and 20 and 40 minutes later, behind rows that only take the
/// watermark there, one key that comes back before half an hour has passed. With it, how often each key begins anew.
fn hours() -> (String, BTreeMap<String, usize>) {
    let (mut text, mut expected) = (String::new(), BTreeMap::new());
    let mut row = |key: &str, at_ms: u64, begins: bool| {
        let _ = writeln!(text, "{key},{}", Row::time(at_ms));
        *expected.entry(key.to_owned()).or_insert(0) += usize::from(begins);
    };
    for cycle in 0..CYCLES {
        let hour = cycle * 60 * MINUTE_MS;
        for n in 0..500 {
            row(&format!("hourly{n}"), hour, true);
            row(&format!("once{cycle}-{n}"), hour, true);
            if cycle % 2 == 0 {
                row(&format!("rare{n}"), hour, true);
            }
            // Again within the hour's first second: no new group.
            row(&format!("hourly{n}"), hour + n, false);
        }
        row("steady", hour, cycle == 0);
        for minutes in [20, 40] {
            let at = hour + minutes * MINUTE_MS;
            (0..ROWS_OF_TIME).for_each(|n| row("time", at, (cycle, minutes, n) == (0, 20, 0)));
            row("steady", at, false);
        }
    }
    (text, expected)
}

const BY_EVENT_TIME: &str = "SET 'table.exec.state.ttl' = '30 min';
SET 'table.exec.state.ttl.time' = 'event';
SET 'parallelism.default' = '2';
CREATE TABLE src (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
  WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'csv', 'source.rows-per-second' = '$RATE');
CREATE TABLE seen (k STRING) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
CREATE TABLE hole (k STRING, n BIGINT, t TIMESTAMP(3)) WITH ('connector' = 'blackhole');
EXECUTE STATEMENT SET BEGIN
INSERT INTO seen SELECT DISTINCT k FROM src;
INSERT INTO hole SELECT /*+ STATE_TTL('src' = '10 min') */ k, COUNT(DISTINCT ts), MAX(ts) FROM src GROUP BY k;
END;
";

#[test]
fn groups_expire_by_event_time_whatever_is_killed_in_between() {
    with_enough_time(READING, groups_expire);
}

fn groups_expire(reading: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (rows, expected) = hours();
    fs::create_dir(path.join("in")).unwrap();
    fs::write(path.join("in/all.csv"), &rows).unwrap();
    let rate = rows.lines().count() as u64 / reading.as_secs();
    fs::write(path.join("job.sql"), BY_EVENT_TIME.replace("$RATE", &rate.to_string())).unwrap();
    let mut random = StdRng::seed_from_u64(7);
    let job = JobFolder::new(&path.join(".millstream"), "job");
    let mut kills = 0;
    for turn in 0..6 {
        let backend: &[&str] = if turn % 2 == 0 { &[] } else { &IN_ROCKSDB };
        let mut process = start(path, backend);
        let epochs = job.epochs().len();
        if !process.wait_until(LIMIT, |_| job.epochs().len() > epochs) {
            process.end(LIMIT).code(0);
            break;
        }
        thread::sleep(Duration::from_millis(random.random_range(0..900)));
        kills += usize::from(process.kill().was_killed_by(9));
    }
    if kills < 2 {
        too_early(format!("only {kills} kills landed"));
    }
    start(path, &IN_ROCKSDB).end(LIMIT).code(0).says("job: finished at epoch");
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for line in lines_of(&path.join("out")) {
        *found.entry(line).or_insert(0) += 1;
    }
    assert!(expected["hourly7"] == 3 && expected["steady"] == 1 && expected["rare7"] == 2);
    let differs: Vec<_> = expected.iter().filter(|(key, times)| found.get(*key) != Some(times)).collect();
    assert!(differs.is_empty() && found.len() == expected.len(), "{differs:?}\nin {found:?}");
}

const BY_WALL_CLOCK: &str = "CREATE TABLE src (k STRING)
  WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'csv', 'source.monitor-interval' = '50 ms');
CREATE TABLE seen (k STRING) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
INSERT INTO seen SELECT DISTINCT k FROM src;
";

/// Runs until the keys of one file are seen and two seconds have passed without another row; then with another query.
fn stop_and_change(more: &[&str]) -> (TempDir, Process) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("in")).unwrap();
    let keys: String = (0..1_000).map(|n| format!("k{n}\n")).collect();
    fs::write(path.join("in/keys.csv"), keys).unwrap();
    fs::write(path.join("job.sql"), BY_WALL_CLOCK).unwrap();
    let job = JobFolder::new(&path.join(".millstream"), "job");
    let mut process = start(path, more);
    assert!(
        process.wait_until(LIMIT, |_| lines_of(&path.join("out")).len() == 1_000),
        "{}",
        process.stderr()
    );
    thread::sleep(Duration::from_secs(2));
    // Deletes are in one checkpoint, and then in the next one there is a base without them.
    let epochs = job.epochs().len();
    assert!(process.wait_until(LIMIT, |_| job.epochs().len() >= epochs + 4), "{}", process.stderr());
    process.signal("TERM");
    process.end(LIMIT).code(0).says("job: stopped at epoch");
    fs::write(path.join("job.sql"), BY_WALL_CLOCK.replace("DISTINCT k", "DISTINCT UPPER(k)")).unwrap();
    let mut changed = start(path, more);
    changed.wait_until(LIMIT, |p| p.stderr().contains("attempt 1 runs"));
    (folder, changed)
}

#[test]
fn state_that_nothing_asks_for_goes_while_no_input_comes() {
    let (_folder, refused) = stop_and_change(&[]);
    refused.end(LIMIT).code(2).says("state of 1000 rows");
    for backend in [&[][..], &IN_ROCKSDB] {
        let with_ttl = [&["--set", "table.exec.state.ttl=300ms"], backend].concat();
        let (_folder, changed) = stop_and_change(&with_ttl);
        assert!(changed.stderr().contains("attempt 1 runs"), "there was state to lose\n{}", changed.stderr());
        changed.signal("TERM");
        changed.end(LIMIT).code(0);
    }
}
