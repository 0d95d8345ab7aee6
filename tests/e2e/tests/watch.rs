//! A folder, or a prefix of a bucket, that is watched: every file once, whatever happens, and checkpoints that do not grow with what
//! was read.

use std::fs;
use std::path::Path;

use crate::harness::{JobFolder, LIMIT, Process, S3Server, lines_of, millstream, run};

const JOB: &str = "CREATE TABLE arrivals (file INT, line INT)
  WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'csv', 'source.monitor-interval' = '20 ms');
CREATE TABLE copied (file INT, line INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
INSERT INTO copied SELECT file, line FROM arrivals;\n";
const LINES: u32 = 3;

fn start(folder: &Path, more: &str) -> Process {
    fs::write(folder.join("watch.sql"), JOB).unwrap();
    let mut command = millstream();
    let line = format!("run watch.sql --set execution.checkpointing.interval=100ms {more}");
    Process::start(command.current_dir(folder).args(line.split_whitespace()))
}

fn job(folder: &Path) -> JobFolder {
    JobFolder::new(&folder.join(".millstream"), "watch")
}

/// Writes files of three lines each, under a hidden name first, as one has to.
fn arrive(folder: &Path, files: std::ops::Range<u32>) {
    let input = folder.join("in");
    fs::create_dir_all(&input).unwrap();
    arrive_in(&input, files);
}

fn arrive_in(input: &Path, files: std::ops::Range<u32>) {
    for file in files {
        let lines: String = (0..LINES).map(|line| format!("{file},{line}\n")).collect();
        let hidden = input.join(".incoming");
        fs::write(&hidden, lines).unwrap();
        fs::rename(&hidden, input.join(format!("arrival-{file:05}.csv"))).unwrap();
    }
}

fn expected(files: std::ops::Range<u32>) -> Vec<String> {
    let mut lines: Vec<String> =
        files.flat_map(|file| (0..LINES).map(move |line| format!("{file},{line}"))).collect();
    lines.sort();
    lines
}

/// Waits until so many lines are visible, and a checkpoint behind them is there.
fn until_visible(process: &mut Process, folder: &Path, lines: usize) {
    let is_visible = process.wait_until(LIMIT, |_| lines_of(&folder.join("out")).len() >= lines);
    assert!(is_visible, "{}", process.stderr());
    let newest = job(folder).newest();
    assert!(process.wait_until(LIMIT, |_| job(folder).newest() >= newest + 2), "{}", process.stderr());
}

/// Bytes of the newest manifest.
fn manifest_bytes(folder: &Path) -> u64 {
    let manifests = job(folder).files("checkpoint");
    let newest = manifests.iter().rfind(|f| f.ends_with("manifest")).unwrap();
    fs::metadata(newest).unwrap().len()
}

#[test]
fn every_file_once_and_manifests_stay_small() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    arrive(folder, 0..50);
    let mut process = start(folder, "");
    until_visible(&mut process, folder, 150);
    let few = manifest_bytes(folder);
    arrive(folder, 50..100);
    process.kill();

    let mut process = start(folder, "");
    until_visible(&mut process, folder, 300);
    arrive(folder, 100..450);
    until_visible(&mut process, folder, 1_350);
    process.signal("TERM");
    process.end(LIMIT).code(0);
    assert_eq!(lines_of(&folder.join("out")), expected(0..450));
    // A name is remembered in the bytes in which it differs from the one before; a split has some hundred.
    let grown = manifest_bytes(folder) - few;
    assert!(grown < 400 * 12, "400 files more made the manifest {grown} bytes longer than {few}");
}

#[test]
fn going_back_reads_again_what_came_after_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    arrive(folder, 0..5);
    let mut process = start(folder, "");
    until_visible(&mut process, folder, 15);
    process.signal("TERM");
    process.end(LIMIT).code(0);
    let then = *job(folder).restorable().last().unwrap();

    let mut process = start(folder, "");
    arrive(folder, 5..8);
    let is_visible = process.wait_until(LIMIT, |_| lines_of(&folder.join("out")).len() >= 24);
    assert!(is_visible, "{}", process.stderr());
    process.kill();
    assert!(job(folder).restorable().contains(&then), "{:?}", job(folder).restorable());

    arrive(folder, 8..10);
    let mut process = start(folder, &format!("--from-epoch {then} --yes"));
    until_visible(&mut process, folder, 39);
    process.signal("TERM");
    process.end(LIMIT).code(0).says(&format!("output of epochs {} to", then + 1));
    let mut twice = expected(0..10);
    twice.extend(expected(5..8));
    twice.sort();
    assert_eq!(lines_of(&folder.join("out")), twice);
}

#[test]
fn objects_of_a_prefix_are_read_once_each() {
    let server = S3Server::start();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let input = server.bucket().join("in/day=1");
    fs::create_dir_all(&input).unwrap();
    let table = JOB.replace("'in'", "'s3://streams/in'").replace("20 ms", "200 ms");
    fs::write(folder.join("watch.sql"), table).unwrap();
    let start = || {
        let mut command = millstream();
        let line = "run watch.sql --set execution.checkpointing.interval=100ms";
        server.configure(command.current_dir(folder).args(line.split_whitespace()));
        Process::start(&mut command)
    };
    arrive_in(&input, 0..5);
    let mut process = start();
    until_visible(&mut process, folder, 15);
    arrive_in(&input, 5..9);
    process.kill();

    let mut process = start();
    until_visible(&mut process, folder, 27);
    arrive_in(&input, 9..12);
    until_visible(&mut process, folder, 36);
    process.signal("TERM");
    process.end(LIMIT).code(0);
    assert_eq!(lines_of(&folder.join("out")), expected(0..12));
}

#[test]
fn objects_that_are_there_are_read_to_their_end() {
    let server = S3Server::start();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let bucket = server.bucket();
    fs::create_dir_all(bucket.join("in/day=1")).unwrap();
    fs::create_dir_all(bucket.join("in/day=2")).unwrap();
    // Long enough for several pieces and several splits.
    let long: String = (0..300_000).map(|id| format!("{id}\n")).collect();
    fs::write(bucket.join("in/day=1/a.csv"), long).unwrap();
    fs::write(bucket.join("in/day=2/b.csv"), "7\n").unwrap();
    let sql = "CREATE TABLE t (id INT, `day` INT) PARTITIONED BY (`day`)
  WITH ('connector' = 'filesystem', 'path' = 's3://streams/in', 'format' = 'csv', 'source.split.size' = '500kb');
SELECT `day`, COUNT(*) AS n, SUM(CAST(id AS BIGINT)) AS s FROM t GROUP BY `day`;\n";
    fs::write(folder.join("q.sql"), sql).unwrap();
    let command = |file: &str| {
        let mut command = millstream();
        server.configure(command.current_dir(folder).args([
            "run",
            file,
            "-o",
            "csv",
            "--set",
            "parallelism.default=2",
        ]));
        command
    };
    let ended = run(&mut command("q.sql"));
    // How many changes lead to the whole count is decided by the batches that the rows come in.
    let last_of_day_1 = ended.code(0).stdout.lines().rfind(|line| line.split(',').nth(1) == Some("1"));
    let last_of_day_1 = last_of_day_1.and_then(|line| line.split_once(','));
    assert!(matches!(last_of_day_1, Some(("+I" | "+U", "1,300000,44999850000"))), "{ended}");
    ended.prints("+I,2,1,7\n");
    fs::write(folder.join("r.sql"), sql.replace("streams/in", "streams/absent")).unwrap();
    run(&mut command("r.sql")).code(1).says("there is no file at s3://streams/absent");
    // It is not tried again and again, as what may pass is.
    let nowhere = sql.replace("s3://streams/in", "s3://nowhere/in").replace(
        "SELECT `day`",
        "CREATE TABLE o (d INT, n BIGINT, s BIGINT) WITH ('connector' = 'blackhole');\nINSERT INTO o SELECT `day`",
    );
    fs::write(folder.join("s.sql"), nowhere).unwrap();
    let mut command = millstream();
    server.configure(command.current_dir(folder).args(["run", "s.sql"]));
    run(&mut command).code(1).says("NoSuchBucket");
}
