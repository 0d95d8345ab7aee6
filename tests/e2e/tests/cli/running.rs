//! While a job runs: signals, pages, logs, two of the same job.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{ORDERS, folder, millstream_in};
use crate::harness::{JobFolder, LIMIT, Process, S3Server, get, lines_of, millstream};

/// 20,000 numbers a second, for ever.
const ENDLESS: &str = "CREATE TABLE numbers (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '20000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '1000000000');
CREATE TABLE written (id BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
INSERT INTO written SELECT id FROM numbers;\n";

fn endless(folder: &Path, more: &[&str]) -> Process {
    fs::write(folder.join("endless.sql"), ENDLESS).unwrap();
    let mut command = millstream();
    command.current_dir(folder).args([
        "run",
        "endless.sql",
        "--set",
        "execution.checkpointing.interval=200ms",
    ]);
    Process::start(command.args(more))
}

fn wait_for_epochs(process: &mut Process, folder: &Path, epochs: usize) {
    let job = JobFolder::new(&folder.join(".millstream"), "endless");
    assert!(process.wait_until(LIMIT, |_| job.epochs().len() >= epochs), "{}", process.stderr());
}

/// Every number from 0 on, each once; returns how many.
fn contiguous(folder: &Path) -> usize {
    let mut numbers: Vec<usize> = lines_of(&folder.join("out")).iter().map(|l| l.parse().unwrap()).collect();
    numbers.sort_unstable();
    for (expected, number) in numbers.iter().enumerate() {
        assert_eq!(*number, expected, "a row is lost or doubled");
    }
    numbers.len()
}

#[test]
fn signals_stop_behind_a_final_checkpoint_and_the_next_run_goes_on() {
    let folder = folder();
    let mut written = 0;
    for (turn, signal) in ["INT", "TERM", "INT"].into_iter().enumerate() {
        let mut process = endless(folder.path(), &[]);
        let out = folder.path().join("out");
        let is_visible = process.wait_until(LIMIT, |_| lines_of(&out).len() > written + 2_000);
        assert!(is_visible, "{}", process.stderr());
        process.signal(signal);
        let ended = process.end(LIMIT);
        ended.code(0).says("endless: stopped at epoch").says("run it again to continue");
        if turn > 0 {
            ended.says("endless: continuing from epoch");
        }
        // Everything that was read is visible: the final checkpoint is published.
        let now = contiguous(folder.path());
        assert!(now > written + 2_000, "{now} rows after {written}: {ended}");
        written = now;
    }
}

#[test]
fn a_second_signal_while_output_cannot_be_shown_is_no_success() {
    let folder = folder();
    let mut server = S3Server::start();
    let out = server.bucket().join("out");
    let sql = ENDLESS.replace("'path' = 'out'", "'path' = 's3://streams/out'");
    fs::write(folder.path().join("endless.sql"), sql).unwrap();
    let start = |server: &S3Server| {
        let mut command = millstream();
        server.configure(&mut command);
        let line = "run endless.sql --set execution.checkpointing.interval=1s";
        Process::start(command.current_dir(folder.path()).args(line.split_whitespace()))
    };
    let mut process = start(&server);
    assert!(process.wait_until(LIMIT, |_| !lines_of(&out).is_empty()), "{}", process.stderr());
    server.stop();
    let fails = process.wait_until(LIMIT, |p| p.stderr().contains("publishing epoch"));
    assert!(fails, "{}", process.stderr());
    process.signal("TERM");
    assert!(process.wait_until(LIMIT, |p| p.stderr().contains("no more records; publishing")));
    process.signal("TERM");
    let ended = process.end(LIMIT);
    ended.code(1).says("endless: ended at epoch").says("not all visible yet (publishing epoch");
    ended.says("run the job again, which makes it visible first and then continues");

    server.start_again();
    let before = contiguous(&server.bucket());
    let mut process = start(&server);
    assert!(process.wait_until(LIMIT, |p| p.stderr().contains("attempt 1 runs")), "{}", process.stderr());
    process.signal("TERM");
    process.end(LIMIT).code(0).says("of an earlier run");
    assert!(contiguous(&server.bucket()) > before);
}

#[test]
fn the_pause_between_checkpoints_is_obeyed() {
    let folder = folder();
    let mut process = endless(folder.path(), &["--set", "execution.checkpointing.min-pause=1 h"]);
    wait_for_epochs(&mut process, folder.path(), 1);
    std::thread::sleep(Duration::from_millis(1_500));
    let epochs = JobFolder::new(&folder.path().join(".millstream"), "endless").epochs();
    assert_eq!(epochs.len(), 1, "one every 200 ms, were it not for the pause: {epochs:?}");
    process.signal("TERM");
    process.end(LIMIT).code(0);
}

#[test]
fn the_older_of_two_is_fenced_and_says_by_whom() {
    let folder = folder();
    let mut older = endless(folder.path(), &[]);
    wait_for_epochs(&mut older, folder.path(), 2);
    let newer = endless(folder.path(), &[]);
    let ended = older.end(LIMIT);
    ended.code(1).says("fenced: generation 2").says(&format!("process {}", newer.id()));
    newer.signal("TERM");
    newer.end(LIMIT).code(0).says("endless: stopped at epoch");
    assert!(contiguous(folder.path()) > 0);
}

#[test]
fn pages_tell_the_truth() {
    let folder = folder();
    let mut process = endless(folder.path(), &["--http", "127.0.0.1:0"]);
    let address = process.address();
    assert_eq!(get(&address, "/healthz"), Some((200, "ok\n".into())));
    wait_for_epochs(&mut process, folder.path(), 2);
    let is_ready = process.wait_until(LIMIT, |_| get(&address, "/readyz") == Some((200, "Running\n".into())));
    assert!(is_ready, "{}", process.stderr());
    let status = || -> serde_json::Value {
        let (code, text) = get(&address, "/status").unwrap();
        assert_eq!(code, 200);
        serde_json::from_str(&text).unwrap()
    };
    assert!(process.wait_until(LIMIT, |_| status()["rows_in"].as_u64() > Some(0)));
    let now = status();
    assert_eq!(
        (now["job"].as_str(), now["phase"].as_str()),
        (Some("default.endless.local"), Some("Running"))
    );
    assert!(now["epoch"].as_u64() >= Some(2) && now["last_checkpoint"]["bytes"].as_u64() > Some(0), "{now}");
    let (code, metrics) = get(&address, "/metrics").unwrap();
    assert_eq!(code, 200);
    let samples = metrics.lines().filter(|l| l.starts_with("millstream_")).count();
    assert!(samples >= 10 && metrics.contains("# TYPE millstream_"), "{metrics}");
    assert_eq!(get(&address, "/nowhere").unwrap().0, 404);
    process.signal("TERM");
    process.end(LIMIT).code(0);
}

#[test]
fn an_address_that_is_taken_is_a_mistake() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let process = endless(folder.path(), &["--http", &address]);
    process.end(LIMIT).code(2).says(&format!("--http {address}: cannot listen there"));
}

#[test]
fn logs_can_be_json_and_results_stay_apart() {
    let folder = folder();
    let ended = millstream_in(folder.path(), "run job.yaml --log json");
    let logs: Vec<serde_json::Value> = ended
        .code(0)
        .stderr
        .lines()
        .filter(|l| l.starts_with('{'))
        .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}")))
        .collect();
    assert!(logs.len() >= 3, "{ended}");
    assert!(logs.iter().all(|l| l["level"].is_string() && l["fields"]["message"].is_string()), "{ended}");
    assert_eq!(ended.stdout, "");
    fs::write(folder.path().join("one.sql"), format!("{ORDERS}SELECT id FROM orders WHERE id = 1;")).unwrap();
    let query = millstream_in(folder.path(), "run one.sql --log json");
    assert_eq!(query.code(0).stdout, "+I[1]\n");
}

#[test]
fn an_endless_select_ends_with_a_signal() {
    let folder = folder();
    fs::write(
        folder.path().join("look.sql"),
        ENDLESS.split("CREATE TABLE written").next().unwrap().to_owned() + "SELECT id FROM numbers;",
    )
    .unwrap();
    let mut command = millstream();
    let mut process =
        Process::start(command.current_dir(folder.path()).args(["run", "look.sql", "-o", "json"]));
    assert!(process.wait_until(LIMIT, |p| p.stdout().contains("\"id\":1000}")), "{}", process.stderr());
    process.signal("INT");
    let ended = process.end(LIMIT);
    ended.code(0);
    assert!(ended.stdout.starts_with("{\"op\":\"+I\",\"id\":0}\n"), "{:.200}", ended.stdout);
    assert!(!folder.path().join(".millstream").exists());
}
