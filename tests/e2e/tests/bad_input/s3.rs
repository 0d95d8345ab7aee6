//! An S3 server that refuses, is slow, is gone, lies or loses: each with its message, and with what the job does next.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::harness::{
    Ended, JobFolder, LIMIT, Process, S3Door, S3Server, Weather, lines_of, millstream, run, with_enough_time,
};

const ROWS: usize = 1_000;
const DENIED: &str =
    "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>";

/// How long a job reads at its pace, at the least, if something happens to it meanwhile that ends it.
const READING: Duration = Duration::from_secs(10);
/// The same if it reads to the end.
const BRIEFLY: Duration = Duration::from_secs(2);

/// A job with its state behind a door.
struct Case {
    folder: tempfile::TempDir,
    door: S3Door,
    storage: String,
    job: JobFolder,
    reading: Duration,
}

impl Case {
    /// One that reads at a pace while it is [started](Self::start), and as fast as it can when it is just [run](Self::run).
    fn new(server: &S3Server, reading: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        let rows: String = (0..ROWS).map(|id| format!("{id}\n")).collect();
        fs::write(folder.path().join("in/rows.csv"), rows).unwrap();
        let name = folder.path().file_name().unwrap().to_string_lossy().replace('.', "");
        Self {
            door: S3Door::before(server, 1),
            storage: format!("s3://{}/{name}", S3Server::BUCKET),
            job: JobFolder::new(&server.bucket().join(&name), "j"),
            folder,
            reading,
        }
    }

    /// A pace of 0 is none.
    fn command(&self, rows_per_second: u64) -> Command {
        let sql = format!(
            "CREATE TABLE t (id INT)
  WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'csv', 'source.rows-per-second' = '{rows_per_second}');
CREATE TABLE o (id INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
INSERT INTO o SELECT id FROM t;\n"
        );
        fs::write(self.folder.path().join("j.sql"), sql).unwrap();
        let mut command = millstream();
        command.current_dir(self.folder.path()).args(["run", "j.sql", "--storage", &self.storage]);
        command.args(["--set", "execution.checkpointing.interval=50ms"]);
        self.door.configure(&mut command);
        command
    }

    fn run(&self) -> Ended {
        run(&mut self.command(0))
    }

    /// The job at its pace.
    fn paced(&self) -> Process {
        Process::start(&mut self.command(ROWS as u64 / self.reading.as_secs()))
    }

    /// Starts the job and waits for some epochs.
    #[track_caller]
    fn start(&self) -> Process {
        let mut process = self.paced();
        process.wait_amid(|_| self.job.epochs().len() >= 2);
        process
    }

    /// The next run goes on, and every row is there once.
    #[track_caller]
    fn goes_on(&self) {
        self.door.set(Weather::Fine);
        self.run().code(0).says("j: finished at epoch");
        self.is_right();
    }

    #[track_caller]
    fn is_right(&self) {
        let mut expected: Vec<String> = (0..ROWS).map(|id| id.to_string()).collect();
        expected.sort();
        assert_eq!(lines_of(&self.folder.path().join("out")), expected);
    }
}

#[test]
fn a_store_that_denies_access() {
    let server = S3Server::start();
    with_enough_time(READING, |reading| denies_access(&Case::new(&server, reading)));
}

fn denies_access(case: &Case) {
    case.door.set(Weather::Answering("403 Forbidden", DENIED));
    case.run().code(2).says("error: could not list the epoch log: s3://streams/").says(
        " refuses to list default.j.local/epoch/: Access Denied. (AccessDenied); let these credentials list",
    );
    case.door.set(Weather::Fine);
    let mut command = case.command(0);
    command.env("AWS_SECRET_ACCESS_KEY", "wrong");
    run(&mut command).code(2).says("(SignatureDoesNotMatch); check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY");
    for (code, advice) in
        [("InvalidAccessKeyId", "check AWS_ACCESS_KEY_ID"), ("ExpiredToken", "get new credentials")]
    {
        let body: &'static str = format!("<Error><Code>{code}</Code><Message>No.</Message></Error>").leak();
        case.door.set(Weather::Answering("403 Forbidden", body));
        case.run().code(2).says(&format!("No. ({code}); {advice}"));
    }
    case.door.set(Weather::Fine);
    let running = case.start();
    case.door.set(Weather::Answering("403 Forbidden", DENIED));
    running
        .end(LIMIT)
        .not_finished()
        .code(1)
        .says("(AccessDenied); let these credentials")
        .says("running it again continues from");
    case.goes_on();
}

#[test]
fn a_bucket_that_is_not_there_or_goes_away() {
    with_enough_time(READING, bucket_goes_away);
    with_enough_time(BRIEFLY, nobody_answers_for_a_while);
}

fn bucket_goes_away(reading: Duration) {
    let server = S3Server::start();
    let mut case = Case::new(&server, reading);
    let right = std::mem::replace(&mut case.storage, "s3://nothing/here".into());
    case.run()
        .code(2)
        .says("s3://nothing/here refuses to list default.j.local/epoch/: ")
        .says("(NoSuchBucket); create the bucket, or name another one with --storage");
    case.storage = right;
    let running = case.start();
    let away = server.bucket().with_extension("away");
    fs::rename(server.bucket(), &away).unwrap();
    running.end(LIMIT).not_finished().code(1).says("(NoSuchBucket); create the bucket");
    case.run().code(2).says("(NoSuchBucket); create the bucket");
    fs::rename(&away, server.bucket()).unwrap();
    case.goes_on();
}

/// Where nobody answers, the job waits: its checkpoints fail until somebody does.
fn nobody_answers_for_a_while(reading: Duration) {
    let mut server = S3Server::start();
    let case = Case::new(&server, reading);
    let mut running = case.start();
    server.stop();
    let complains =
        |p: &Process| p.stderr().contains(" failed: ") && p.stderr().contains(" in s3://streams/");
    running.wait_amid(complains);
    server.start_again();
    running.end(LIMIT).code(0).says("j: finished at epoch");
    case.is_right();
}

#[test]
fn a_store_that_is_slow_or_overloaded() {
    let server = S3Server::start();
    let case = Case::new(&server, BRIEFLY);
    case.door.set(Weather::Slow(Duration::from_millis(150)));
    case.paced().end(LIMIT).code(0).says("j: finished at epoch");
    case.is_right();
    with_enough_time(BRIEFLY, |reading| {
        let case = Case::new(&server, reading);
        let running = case.start();
        case.door.set_for(Weather::Refusing(1.0), Duration::from_secs(2));
        running.end(LIMIT).code(0).says("j: finished at epoch");
        case.is_right();
    });
    let case = Case::new(&server, BRIEFLY);
    case.door.set(Weather::Refusing(1.0));
    case.run().code(1).says("; the store is overloaded or down: look there");
    case.goes_on();
}

/// A PUT that says "created" and was not would give an epoch two owners.
#[test]
fn a_store_without_conditional_writes() {
    let server = S3Server::start();
    let case = Case::new(&server, BRIEFLY);
    case.door.set(Weather::Unconditional);
    case.run().code(1).says("error: j: s3://streams/").says("cannot be used for exactly-once: ");
    let not_implemented = "<Error><Code>NotImplemented</Code><Message>A header you provided implies functionality that is not \
         implemented.</Message></Error>";
    case.door.set(Weather::AnsweringPuts("501 Not Implemented", not_implemented));
    case.run().code(1).says("(NotImplemented); use a store that has what exactly-once needs");
    assert!(!case.folder.path().join("out").exists());
    case.goes_on();
}

/// Nothing is decided by a listing alone: what it forgets is found by name, or missed aloud.
#[test]
fn a_store_whose_lists_are_stale() {
    let server = S3Server::start();
    for part in ["/epoch/", "/checkpoint/", "/state/", "/staged/"] {
        with_enough_time(READING, |reading| {
            let case = killed(&server, reading);
            case.door.set(Weather::Forgetting(part));
            case.run().code(0).says("j: continuing from epoch").says("j: finished at epoch");
            case.is_right();
        });
    }
    with_enough_time(READING, |reading| {
        let case = killed(&server, reading);
        case.door.set(Weather::Forgetting("/generation/"));
        case.run()
            .code(2)
            .says("generation/1 of default.j.local is gone, although the epoch log was written by it");
        case.goes_on();
    });
}

/// A job that was killed behind some epochs.
#[track_caller]
fn killed(server: &S3Server, reading: Duration) -> Case {
    let case = Case::new(server, reading);
    case.start().kill_amid();
    case
}

#[test]
fn a_store_that_loses_the_ends_of_objects() {
    let server = S3Server::start();
    for (part, says) in [
        (
            "/manifest",
            "error: could not read an object of a checkpoint: could not read default.j.local/checkpoint/",
        ),
        ("/epoch/", "error: could not read the epoch log: could not read default.j.local/epoch/"),
    ] {
        with_enough_time(READING, |reading| {
            let case = killed(&server, reading);
            case.door.set(Weather::Cutting(part));
            case.run().code(1).says(says).says("the answer ended early");
            case.goes_on();
        });
    }
    with_enough_time(BRIEFLY, |reading| output_that_cannot_be_read_is_asked_for_again(&server, reading));
}

fn output_that_cannot_be_read_is_asked_for_again(server: &S3Server, reading: Duration) {
    let case = killed(server, reading);
    case.door.set(Weather::Cutting("/staged/"));
    let mut running = case.paced();
    let complains =
        |p: &Process| p.stderr().contains("cannot read the staged output default.j.local/staged/o/");
    let mut has_complained = false;
    running.wait_until(LIMIT, |p| {
        has_complained |= complains(p);
        has_complained
    });
    case.door.set(Weather::Fine);
    running.end(LIMIT).code(0).says("j: finished at epoch");
    case.is_right();
}
