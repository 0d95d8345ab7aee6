//! What a signal asks for: a savepoint, or the end of the input.

use std::fs;
use std::path::Path;

use crate::harness::{Ended, LIMIT, Process, lines_of, millstream, run};

/// A window of a minute is open at the end.
const JOB: &str = "CREATE TABLE seen (id INT, at TIMESTAMP(3), WATERMARK FOR at AS at)
  WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'csv', 'source.monitor-interval' = '20 ms');
CREATE TABLE counts (n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
CREATE TABLE copies (id INT) WITH ('connector' = 'filesystem', 'path' = 'copies', 'format' = 'csv');
EXECUTE STATEMENT SET BEGIN
INSERT INTO counts SELECT COUNT(*) FROM TUMBLE(TABLE seen, DESCRIPTOR(at), INTERVAL '1' MINUTE)
  GROUP BY window_start, window_end;
INSERT INTO copies SELECT id FROM seen;
END;\n";

/// Runs the job until its three rows are visible, and ends it by a signal.
fn stopped(folder: &Path, at_signal: &str) -> Ended {
    fs::create_dir_all(folder.join("in")).unwrap();
    fs::write(
        folder.join("in/a.csv"),
        "1,2026-01-01 00:00:01\n2,2026-01-01 00:00:02\n3,2026-01-01 00:00:03\n",
    )
    .unwrap();
    fs::write(folder.join("j.sql"), JOB).unwrap();
    let mut command = millstream();
    let line = format!("run j.sql --set execution.checkpointing.interval=50ms --at-signal {at_signal}");
    let mut process = Process::start(command.current_dir(folder).args(line.split_whitespace()));
    let are_there = process.wait_until(LIMIT, |_| lines_of(&folder.join("copies")).len() == 3);
    assert!(are_there, "{}", process.stderr());
    process.signal("TERM");
    process.end(LIMIT)
}

/// Where the savepoint is that the log names.
fn savepoint(ended: &Ended) -> &str {
    let line = ended
        .stderr
        .lines()
        .find_map(|line| line.split_once("INFO millstream_node::cli::run::signals: savepoint "));
    let (_, rest) =
        line.or_else(|| ended.stderr.lines().find_map(|line| line.split_once("savepoint file://"))).unwrap();
    rest.split_whitespace().next().unwrap().trim_start_matches("file://")
}

#[test]
fn a_savepoint() {
    let folder = tempfile::tempdir().unwrap();
    let ended = stopped(folder.path(), "savepoint");
    ended.code(0).says("stopping behind a savepoint; a second signal stops at once");
    assert_eq!(lines_of(&folder.path().join("out")), [""; 0], "the window is open");
    let mut inspect = millstream();
    run(inspect.args(["savepoint", "inspect", savepoint(&ended)])).code(0);
}

#[test]
fn the_end_of_the_input() {
    let folder = tempfile::tempdir().unwrap();
    let ended = stopped(folder.path(), "drain");
    ended.code(0).says("ending the input, and stopping behind a savepoint");
    assert_eq!(lines_of(&folder.path().join("out")), ["3"], "{ended}");
    let mut inspect = millstream();
    run(inspect.args(["savepoint", "inspect", savepoint(&ended)])).code(0);
}
