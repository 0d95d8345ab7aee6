//! Windows by the clock, in jobs as users run them. In which window a row is, no test can say, so nothing here asks how long anything
//! takes: every row must be in one window, and windows must come although nothing else does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::harness::{JobFolder, LIMIT, Process, lines_of, millstream, run_in, too_early, with_enough_time};

/// Hardly any state stays in memory.
const IN_ROCKSDB: [&str; 4] =
    ["--set", "state.backend.type=rocksdb", "--set", "state.backend.rocksdb.memory.fixed-per-slot=1kb"];

fn start(folder: &Path, more: &[&str]) -> Process {
    let mut command = millstream();
    command.current_dir(folder).args(["run", "job.sql", "--set", "execution.checkpointing.interval=100ms"]);
    Process::start(command.args(more))
}

/// Rows counted in all windows. Each window and key must have come once, and begin at a multiple of `size_ms`.
fn counted(folder: &Path, size_ms: u64) -> (u64, BTreeSet<String>) {
    let (mut sum, mut seen, mut windows) = (0, BTreeSet::new(), BTreeSet::new());
    for line in lines_of(folder) {
        let cells: Vec<&str> = line.split(',').collect();
        sum += cells[1].parse::<u64>().unwrap();
        let start = cells[2].trim_matches('"');
        assert!(seen.insert((cells[0].to_owned(), start.to_owned())), "{line} comes twice");
        let (to_second, fraction) = start.split_once('.').unwrap_or((start, "0"));
        let millis: u64 = format!("{fraction:0<3}").parse().unwrap();
        let seconds: u64 = to_second[to_second.len() - 2..].parse().unwrap();
        assert_eq!((seconds * 1_000 + millis) % size_ms, 0, "{line}");
        windows.insert(start.to_owned());
    }
    (sum, windows)
}

const ROWS: u64 = 3_000;

const GENERATED: &str = "CREATE TABLE src (k BIGINT, p AS PROCTIME())
  WITH ('connector' = 'datagen', 'number-of-rows' = '$ROWS', 'rows-per-second' = '$RATE',
    'fields.k.min' = '0', 'fields.k.max' = '20');
CREATE TABLE counts (k BIGINT, n BIGINT, s TIMESTAMP(3))
  WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
INSERT INTO counts SELECT k, COUNT(*), window_start
  FROM TABLE(TUMBLE(TABLE src, DESCRIPTOR(p), INTERVAL '0.1' SECOND)) GROUP BY k, window_start, window_end;
";

#[test]
fn every_row_is_in_one_window_whatever_is_killed_in_between() {
    with_enough_time(Duration::from_secs(3), every_row_is_in_one_window);
}

fn every_row_is_in_one_window(reading: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let rate = (ROWS / reading.as_secs()).to_string();
    let sql = GENERATED.replace("$ROWS", &ROWS.to_string()).replace("$RATE", &rate);
    fs::write(path.join("job.sql"), sql).unwrap();
    let job = JobFolder::new(&path.join(".millstream"), "job");
    let mut random = StdRng::seed_from_u64(11);
    let mut kills = 0;
    for turn in 0..4 {
        let backend: &[&str] = if turn % 2 == 0 { &[] } else { &IN_ROCKSDB };
        let parallelism = format!("parallelism.default={}", turn % 3 + 1);
        let mut process = start(path, &[&["--set", parallelism.as_str()], backend].concat());
        let epochs = job.epochs().len();
        if !process.wait_until(LIMIT, |_| job.epochs().len() > epochs + 1) {
            process.end(LIMIT).code(0);
            break;
        }
        thread::sleep(Duration::from_millis(random.random_range(0..300)));
        kills += usize::from(process.kill().was_killed_by(9));
    }
    if kills == 0 {
        too_early("no kill landed");
    }
    start(path, &[]).end(LIMIT).code(0).says("job: finished at epoch");
    let (sum, windows) = counted(&path.join("out"), 100);
    assert_eq!(sum, ROWS);
    // Three seconds and more went by while rows came, and what a kill took back came later.
    assert!(windows.len() >= 2, "{windows:?}");
}

const ARRIVING: &str = "SET 'parallelism.default' = '2';
CREATE TABLE src (k BIGINT) WITH ('connector' = 'filesystem', 'path' = '${IN}', 'format' = 'csv',
  'source.monitor-interval' = '20 ms');
CREATE VIEW timed AS SELECT *, PROCTIME() AS p FROM src;
CREATE TABLE counts (k BIGINT, n BIGINT, s TIMESTAMP(3))
  WITH ('connector' = 'filesystem', 'path' = '${OUT}', 'format' = 'csv');
INSERT INTO counts SELECT k, COUNT(*), TUMBLE_START(p, INTERVAL '2' SECOND) FROM timed
  GROUP BY k, TUMBLE(p, INTERVAL '2' SECOND);
";

#[test]
fn windows_fire_while_no_row_comes_and_after_a_savepoint() {
    let root = tempfile::tempdir().unwrap();
    let (input, output) = (root.path().join("in"), root.path().join("out"));
    fs::create_dir(&input).unwrap();
    let arrive = |name: &str| {
        let keys: String = (0..1_000).map(|n| format!("{}\n", n % 37)).collect();
        fs::write(input.join(format!(".{name}")), keys).unwrap();
        fs::rename(input.join(format!(".{name}")), input.join(name)).unwrap();
    };
    let job = |name: &str, more: &[&str]| {
        let folder = root.path().join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("job.sql"), ARRIVING).unwrap();
        // A folder of output belongs to one job.
        let variables = [("IN", input.clone()), ("OUT", output.join(name))];
        let variables = variables.map(|(name, path)| format!("{name}={}", path.display()));
        start(&folder, &[&["--var", variables[0].as_str(), "--var", variables[1].as_str()], more].concat())
    };
    let sum = || if output.exists() { counted(&output, 2_000).0 } else { 0 };

    let mut first = job("first", &[]);
    arrive("one.csv");
    assert!(first.wait_until(LIMIT, |_| sum() == 1_000), "{}", first.stderr());
    arrive("two.csv");
    // Some of these rows may have been read by then, and their window may have fired or not.
    thread::sleep(Duration::from_millis(300));
    let savepoint = root.path().join("savepoint");
    let savepoint = savepoint.to_str().unwrap();
    run_in(&root.path().join("first"), &["savepoint", "job.sql", "--to", savepoint, "--stop"]).code(0);
    first.end(LIMIT).code(0);

    let flags = ["--from-savepoint", savepoint, "--set", "parallelism.default=3"];
    let mut second = job("second", &[&flags[..], &IN_ROCKSDB].concat());
    assert!(second.wait_until(LIMIT, |_| sum() == 2_000), "{}", second.stderr());
    second.signal("TERM");
    second.end(LIMIT).code(0).says("job: stopped at epoch");
}
