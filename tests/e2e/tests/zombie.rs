//! Two processes of one job on one storage: a paused one wakes up when another has taken over. It must notice before it
//! writes anything that a reader sees.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::harness::{
    Difference, Files, Input, JobFolder, LIMIT, Process, Row, S3Server, millstream, with_enough_time,
};

const ROWS: u64 = 20_000;
const FILES: u64 = 2;
const READING: Duration = Duration::from_secs(5);

/// When the paused process is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wake {
    /// While the new one still reads.
    Amid,
    /// When the new one has finished.
    Behind,
}

struct Case<'a> {
    folder: tempfile::TempDir,
    storage: String,
    job: JobFolder,
    server: Option<&'a S3Server>,
    input: Input,
}

impl<'a> Case<'a> {
    fn new(server: Option<&'a S3Server>, seed: u64, reading: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let input = Input::write(&folder.path().join("in"), ROWS, FILES, "csv", seed);
        let sql = format!(
            "CREATE TABLE src (id BIGINT, k STRING, ts TIMESTAMP(3), v INT)
  WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'csv', 'source.rows-per-second' = '{}');
CREATE TABLE written (id BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
INSERT INTO written SELECT id FROM src;\n",
            ROWS / FILES / reading.as_secs()
        );
        fs::write(folder.path().join("job.sql"), sql).unwrap();
        let (storage, files) = if let Some(server) = server {
            // The folder's name makes the prefix unique, also in the next attempt.
            let name = folder.path().file_name().unwrap().to_string_lossy().replace('.', "");
            let prefix = format!("zombie-{name}");
            (format!("s3://{}/{prefix}", S3Server::BUCKET), server.bucket().join(prefix))
        } else {
            (format!("file://{}/state", folder.path().display()), folder.path().join("state"))
        };
        Self { job: JobFolder::new(&files, "job"), folder, storage, server, input }
    }

    fn start(&self) -> Process {
        let mut command: Command = millstream();
        command.arg("run").arg(self.folder.path().join("job.sql")).args(["--storage", &self.storage]);
        command.args(["--set", "execution.checkpointing.interval=100ms", "--set", "parallelism.default=2"]);
        if let Some(server) = self.server {
            server.configure(&mut command);
        }
        Process::start(&mut command)
    }

    #[track_caller]
    fn check(&self) {
        let found = Files::read(&self.folder.path().join("out"));
        let line = |row: Row| ((String::new(), row.id.to_string()), 1);
        let difference = Difference::between(&found.lines(), &self.input.rows().map(line).collect());
        assert!(difference.is_none(), "{difference}");
    }
}

fn wait_for_epochs(process: &mut Process, job: &JobFolder, more: usize) {
    let before = job.epochs().len();
    process.wait_amid(|_| job.epochs().len() >= before + more);
}

/// The older one is paused at another moment of its checkpoints in each round.
fn a_zombie_wakes(server: Option<&S3Server>, wake: Wake, seed: u64) {
    with_enough_time(READING, |reading| wakes(&Case::new(server, seed, reading), wake, seed));
}

fn wakes(case: &Case<'_>, wake: Wake, seed: u64) {
    let mut older = case.start();
    wait_for_epochs(&mut older, &case.job, 3);
    thread::sleep(Duration::from_millis(seed * 17 % 100));
    older.signal("STOP");
    let mut newer = case.start();
    if wake == Wake::Amid {
        wait_for_epochs(&mut newer, &case.job, 3);
        older.signal("CONT");
        let ended = older.end(LIMIT);
        ended.not_finished().code(1).says("fenced: generation 2").says(&format!("process {}", newer.id()));
        newer.end(LIMIT).code(0).says("job: finished at epoch");
    } else {
        newer.end(LIMIT).code(0).says("job: finished at epoch");
        case.check();
        older.signal("CONT");
        older.end(LIMIT).not_finished().code(1).says("fenced: generation 2");
    }
    case.check();
    case.start().end(LIMIT).code(0).says("job: finished at epoch");
    case.check();
}

#[test]
fn zombies_wake_amid_their_successors_work() {
    for seed in 0..3 {
        a_zombie_wakes(None, Wake::Amid, seed);
    }
}

#[test]
fn zombies_wake_behind_their_successors_end() {
    for seed in 3..5 {
        a_zombie_wakes(None, Wake::Behind, seed);
    }
}

#[test]
fn zombies_wake_on_s3() {
    let server = S3Server::start();
    a_zombie_wakes(Some(&server), Wake::Amid, 5);
    a_zombie_wakes(Some(&server), Wake::Behind, 6);
}

/// Five starts in a row, none of which waits for the one before: the last one wins, and each of the others is fenced.
#[test]
fn the_last_of_many_wins() {
    with_enough_time(READING, |reading| many(&Case::new(None, 7, reading)));
}

fn many(case: &Case<'_>) {
    let mut processes: Vec<Process> = Vec::new();
    for round in 0..5 {
        let mut process = case.start();
        let claimed = case.job.path().join(format!("generation/{:010}", round + 1));
        process.wait_amid(|_| Path::new(&claimed).is_file());
        thread::sleep(Duration::from_millis(150 * round));
        processes.push(process);
    }
    let last = processes.pop().unwrap();
    for process in processes {
        process.end(LIMIT).not_finished().code(1).says("fenced: generation");
    }
    last.end(LIMIT).code(0).says("job: finished at epoch");
    case.check();
}
