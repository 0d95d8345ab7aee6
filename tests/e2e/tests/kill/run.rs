//! One run: start, disturb, kill, start again, compare.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::plan::{Disturbance, KillPlan, Storage};
use crate::harness::{
    Difference, Files, Input, JobFolder, LIMIT, Process, S3Server, STRETCH, get, millstream, now,
};

/// How long the paced input takes to read at the least. All kills of a run must land within nine tenths of it.
const READING: Duration = Duration::from_secs(6);
/// Timeouts of checkpoints: of runs in general; where the process is stopped for longer; one that hardly any meets.
const LONG_TIMEOUT_MS: u64 = 30_000;
const STOPPED_TIMEOUT_MS: u64 = 400;
const SHORT_TIMEOUT_MS: u64 = 10;
/// How long to wait for the first aborted checkpoint.
const ABORTED_WITHIN: Duration = Duration::from_millis(1_000);
/// Kills that a run is to have; every plan has as many at the least.
const ENOUGH: u64 = 2;
const JOB: &str = "killed";
/// Every second process keeps hardly any state in memory, so that it goes back and forth between the two ways.
const IN_ROCKSDB: [&str; 4] =
    ["--set", "state.backend.type=rocksdb", "--set", "state.backend.rocksdb.memory.fixed-per-slot=1kb"];

/// What happened in a run.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) kills: u64,
    pub(super) aborted: u64,
    pub(super) went_back: u64,
    /// Rows of epochs that the plan of a restore announced as written again.
    pub(super) repeated: u64,
    pub(super) epochs: usize,
    /// How the output differs from what was expected.
    pub(super) wrong: Option<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, aborted, went_back, repeated, epochs, .. } = self;
        write!(
            f,
            "{epochs} epochs, {kills} kills, {aborted} aborted, back {went_back} times, {repeated} rows again"
        )
    }
}

/// Runs a plan. A run that was so slow that what it is for could not happen in time is repeated with more time for reading and for
/// checkpoints.
pub(super) fn run(plan: &KillPlan, server: &S3Server) -> Report {
    for (attempt, stretch) in STRETCH.into_iter().enumerate() {
        let mut run = Run::prepare(plan, server, stretch);
        run.disturb();
        let Report { kills, went_back, .. } = run.report;
        let lacks = kills < ENOUGH || (plan.disturbance == Disturbance::GoingBack && went_back == 0);
        if kills > 0 && (!lacks || attempt + 1 == STRETCH.len()) {
            run.finish();
            return run.report;
        }
    }
    panic!("{plan}: the machine is so slow that no kill landed before the last row");
}

struct Run<'a> {
    plan: &'a KillPlan,
    server: &'a S3Server,
    folder: tempfile::TempDir,
    input: Input,
    /// How much more time than usual it has.
    stretch: u32,
    /// Address of the storage, and where its files are.
    storage: (String, PathBuf),
    output: PathBuf,
    job: JobFolder,
    random: StdRng,
    /// Processes so far.
    starts: Cell<u64>,
    /// Sum of the lifetimes of all processes so far: no split has been read for longer.
    lived: Duration,
    /// Epochs that are not part of the job's history any more, since it went back.
    abandoned: BTreeSet<u64>,
    report: Report,
}

impl<'a> Run<'a> {
    fn prepare(plan: &'a KillPlan, server: &'a S3Server, stretch: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let input = Input::write(&folder.path().join("in"), plan.rows, plan.files, plan.format, plan.seed);
        let here = folder.path().display().to_string();
        let (storage, out) = match plan.storage {
            Storage::File => {
                ((format!("file://{here}/state"), folder.path().join("state")), folder.path().join("out"))
            }
            Storage::S3 => {
                // The folder's name makes the prefix unique, also when a plan is repeated.
                let name = folder.path().file_name().unwrap().to_string_lossy().replace('.', "");
                let prefix = format!("run-{}-{name}", plan.seed);
                let uri = format!("s3://{}/{prefix}", S3Server::BUCKET);
                ((uri, server.bucket().join(&prefix)), server.bucket().join(prefix).join("out"))
            }
        };
        let job = JobFolder::new(&storage.1, JOB);
        Self {
            plan,
            server,
            folder,
            input,
            stretch,
            storage,
            output: out,
            job,
            random: StdRng::seed_from_u64(!plan.seed),
            starts: Cell::new(0),
            lived: Duration::ZERO,
            abandoned: BTreeSet::new(),
            report: Report::default(),
        }
    }

    fn write_manifest(&self, timeout_ms: u64) {
        let plan = self.plan;
        let rows_per_second = self.input.longest * 1000 / self.reading().as_millis() as u64;
        let out = match plan.storage {
            Storage::File => "out".to_owned(),
            Storage::S3 => format!("{}/out", self.storage.0),
        };
        let sql = plan.query.sql(&self.input, rows_per_second, &out);
        let sql: String = sql.lines().map(|line| format!("    {line}\n")).collect();
        let manifest = format!(
            "apiVersion: millstream.dev/v1alpha1\nkind: StreamJob\nmetadata:\n  name: {JOB}\nspec:\n  parallelism: {}\n  checkpoint:\n    interval: {}ms\n    timeout: {timeout_ms}ms\n    retained: 20\n    tolerableFailures: 100000\n  sql: |\n{sql}",
            plan.parallelism, plan.interval_ms
        );
        fs::write(self.folder.path().join("job.yaml"), manifest).unwrap();
    }

    fn start(&self, more: &[&str]) -> Process {
        let mut command: Command = millstream();
        command
            .arg("run")
            .arg(self.folder.path().join("job.yaml"))
            .args(["--storage", &self.storage.0, "--http", "127.0.0.1:0"])
            .args(more);
        let start = self.starts.replace(self.starts.get() + 1);
        if (self.plan.seed + start) % 2 == 1 {
            command.args(IN_ROCKSDB);
        }
        if self.plan.storage == Storage::S3 {
            self.server.configure(&mut command);
        }
        Process::start(&mut command)
    }

    /// Kills until the plan has enough of it, or the input could be at its end.
    fn disturb(&mut self) {
        for turn in 0..self.plan.kills {
            let goes_back = turn > 0 && self.plan.disturbance == Disturbance::GoingBack && turn % 2 == 1;
            let from = goes_back.then(|| self.older_epoch()).flatten();
            let has_short_timeout = turn == 1 && self.plan.disturbance == Disturbance::ShortTimeout;
            self.write_manifest(if has_short_timeout { SHORT_TIMEOUT_MS } else { self.timeout_ms() });
            let mut process = match from {
                Some(epoch) => self.start(&["--from-epoch", &epoch.to_string(), "--yes"]),
                None => self.start(&[]),
            };
            if turn == 0 {
                let job = self.job.clone();
                let epochs = if self.plan.disturbance == Disturbance::GoingBack { 3 } else { 1 };
                if !process.wait_until(LIMIT, |_| job.epochs().len() >= epochs) {
                    // So slow that all rows were read before there was an epoch to kill at.
                    process.end(LIMIT).code(0).says("killed: finished at epoch");
                    return;
                }
            }
            if let Some(epoch) = from {
                // Before this, the process has not gone back yet, and nothing would be written again.
                let restored = process.wait_until(LIMIT, |p| p.stderr().contains(" runs, restored from "));
                assert!(restored, "{}: could not go back to epoch {epoch}\n{}", self.plan, process.stderr());
                self.went_back(&process.stderr(), epoch);
            }
            if has_short_timeout || self.plan.disturbance == Disturbance::Stops {
                self.abort_checkpoints(&mut process);
            }
            let pause = self.random.random_range(0..900);
            thread::sleep(Duration::from_millis(pause));
            if self.lived + process.age() > self.reading() * 9 / 10 {
                // Too late to be sure that rows are left; the last start goes on from here.
                self.lived += process.age();
                let _ = process.kill();
                return;
            }
            let lived = process.age();
            let ended = process.kill();
            assert!(ended.was_killed_by(9), "{}: {ended}", self.plan);
            self.lived += lived;
            self.report.kills += 1;
        }
    }

    fn reading(&self) -> Duration {
        READING * self.stretch
    }

    fn timeout_ms(&self) -> u64 {
        let stopped = STOPPED_TIMEOUT_MS * u64::from(self.stretch);
        if self.plan.disturbance == Disturbance::Stops { stopped } else { LONG_TIMEOUT_MS }
    }

    /// Waits a moment for checkpoints to fail, or makes them.
    fn abort_checkpoints(&mut self, process: &mut Process) {
        let address = process.address();
        if self.plan.disturbance == Disturbance::Stops {
            for _ in 0..2 {
                thread::sleep(Duration::from_millis(self.random.random_range(50..350)));
                process.signal("STOP");
                thread::sleep(Duration::from_millis(self.timeout_ms() + 50));
                process.signal("CONT");
            }
        }
        let mut aborted = 0;
        let begin = now();
        while aborted == 0 && begin.elapsed() < ABORTED_WITHIN {
            thread::sleep(Duration::from_millis(20));
            let Some((200, status)) = get(&address, "/status") else { continue };
            let status: serde_json::Value = serde_json::from_str(&status).unwrap();
            aborted = status["failed_checkpoints"].as_u64().unwrap();
        }
        self.report.aborted += aborted;
    }

    /// An epoch of the job's history with newer ones behind it.
    fn older_epoch(&mut self) -> Option<u64> {
        let mut epochs = self.job.restorable();
        epochs.retain(|e| !self.abandoned.contains(e));
        epochs.pop();
        if epochs.is_empty() { None } else { Some(epochs[self.random.random_range(0..epochs.len())]) }
    }

    /// Notes which epochs the engine says it will write again.
    fn went_back(&mut self, stderr: &str, epoch: u64) {
        let (_, rest) = stderr.split_once("output of epochs ").unwrap_or_else(|| {
            panic!("{}: went back to epoch {epoch} without announcing it\n{stderr}", self.plan)
        });
        let numbers: Vec<u64> =
            rest.split(" will ").next().unwrap().split(" to ").map(|n| n.parse().unwrap()).collect();
        assert_eq!(numbers[0], epoch + 1, "{}: {stderr}", self.plan);
        self.abandoned.extend(numbers[0]..=numbers[1]);
        self.report.went_back += 1;
    }

    /// Runs to the end and compares.
    fn finish(&mut self) {
        self.write_manifest(LONG_TIMEOUT_MS);
        let ended = self.start(&[]).end(LIMIT);
        ended.code(0).says("killed: finished at epoch");
        let before = self.read_output();
        // A finished job stays as it is.
        let again = self.start(&[]).end(LIMIT);
        again.code(0).says("killed: finished at epoch");
        assert!(before == self.read_output(), "{}: a finished job wrote output", self.plan);
        self.report.epochs = self.job.epochs().len();
        let mut wrong = Vec::new();
        for (sink, files) in before {
            let repeated = self.abandoned_files(sink);
            let expected = self.plan.query.expected(sink, &self.input);
            let again = files.only(&repeated);
            let kept = files.without(&repeated);
            self.report.repeated += again.rows() as u64;
            let difference = Difference::between(&kept.lines(), &expected);
            if !difference.is_none() {
                wrong.push(format!("{sink}: {difference}"));
            }
            // What was written again is written at most once more per way back, and is nothing else.
            let foreign: Vec<_> =
                again.lines().into_keys().filter(|row| !expected.contains_key(row)).collect();
            if !foreign.is_empty() {
                wrong.push(format!("{sink}: rows of abandoned epochs that never were: {foreign:?}"));
            }
        }
        if !wrong.is_empty() {
            wrong.push(format!("the last run said:\n{}", ended.stderr));
            self.report.wrong = Some(wrong.join("\n"));
        }
    }

    fn read_output(&self) -> Vec<(&'static str, Files)> {
        self.plan.query.sinks().iter().map(|sink| (*sink, Files::read(&self.output.join(sink)))).collect()
    }

    /// Files of epochs that were announced as written again, from the lists that the sink leaves for readers.
    fn abandoned_files(&self, sink: &str) -> Vec<PathBuf> {
        let lists = self.output.join(sink).join("_millstream").join(sink);
        self.abandoned.iter().flat_map(|epoch| listed(&lists.join(format!("epoch-{epoch:020}")))).collect()
    }
}

fn listed(list: &Path) -> Vec<PathBuf> {
    // A `Start` has no list, nor has an epoch without output.
    let Ok(text) = fs::read_to_string(list) else { return Vec::new() };
    let list: serde_json::Value = serde_json::from_str(&text).unwrap();
    let files = list["files"].as_array().unwrap();
    files.iter().map(|f| PathBuf::from(f["file"].as_str().unwrap())).collect()
}
