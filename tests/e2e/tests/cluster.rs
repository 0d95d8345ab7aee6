//! One coordinator and several workers, each a process: as `millstream coordinator` and `millstream worker` start them.

mod asked;
mod faults;
mod starting;

use std::fs;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use millstream_test_testkit::certificates::{TestCa, TestCertificate};

use crate::harness::{
    Difference, Ended, Files, Input, JobFolder, LIMIT, Process, Proxy, S3Door, S3Server, SmallDisk, get,
    millstream, out_of_order, published, too_early,
};
use crate::kill::query::Query;

/// Processes that end with it. Workers find the coordinator behind a door, wherever it listens at the moment; each worker takes
/// rows behind a door of its own.
pub(crate) struct Cluster<'a> {
    folder: tempfile::TempDir,
    storage: String,
    certificates: Option<TestCa>,
    /// Where sinks have their folders.
    output: PathBuf,
    pub(crate) s3: Option<S3Door>,
    server: PhantomData<&'a S3Server>,
    /// Megabytes of each worker's disk, where there may be mounts.
    disk: Option<u32>,
    more: Vec<String>,
    pub(crate) input: Input,
    pub(crate) query: Query,
    pub(crate) job: JobFolder,
    pub(crate) door: Proxy,
    pub(crate) coordinator: Option<Process>,
    pub(crate) workers: Vec<Worker>,
    /// Everything that ended, for the report of a failure.
    said: Vec<String>,
    started: u32,
    /// How long it takes to read everything with one reader, at the pace.
    longest_reading: Duration,
}

/// A worker process and its door.
pub(crate) struct Worker {
    pub(crate) process: Process,
    pub(crate) rows: Proxy,
    /// In front of the cluster's door.
    pub(crate) coordinator: Proxy,
    pub(crate) name: String,
    /// What it keeps on a disk. Behind the process, which has files there.
    pub(crate) disk: Option<SmallDisk>,
}

/// The options that name a certificate.
pub(crate) fn tls(certificate: &TestCertificate) -> Vec<String> {
    let TestCertificate { ca, cert, key } = certificate;
    let options = [("--tls-ca", ca), ("--tls-cert", cert), ("--tls-key", key)];
    options.iter().flat_map(|(flag, path)| [(*flag).into(), path.display().to_string()]).collect()
}

/// What a cluster runs.
pub(crate) struct Setup<'a> {
    pub(crate) query: Query,
    pub(crate) rows: u64,
    pub(crate) files: u64,
    /// How long reading takes at the least, with as many readers as there are files. The pace is that of each reader: with fewer
    /// readers it takes as many times longer.
    pub(crate) reading: Duration,
    pub(crate) parallelism: u32,
    pub(crate) interval_ms: u64,
    pub(crate) server: Option<&'a S3Server>,
    pub(crate) more: Vec<String>,
    pub(crate) seed: u64,
    /// The first and the longest pause before a restart, instead of 1 s and a minute.
    pub(crate) pauses: Option<(&'static str, &'static str)>,
    /// See [`Cluster::disk`].
    pub(crate) disk: Option<u32>,
}

impl<'a> Cluster<'a> {
    /// Nothing runs yet.
    pub(crate) fn new(setup: Setup<'a>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let input = Input::write(&folder.path().join("in"), setup.rows, setup.files, "json", setup.seed);
        let rate = (input.longest * 1_000 / setup.reading.as_millis() as u64).max(1);
        let here = folder.path().to_owned();
        let (storage, files, out, output) = if let Some(server) = setup.server {
            let name = folder.path().file_name().unwrap().to_string_lossy().replace('.', "");
            let prefix = format!("cluster-{name}");
            let (uri, files) = (format!("s3://{}/{prefix}", S3Server::BUCKET), server.bucket().join(prefix));
            (uri.clone(), files.clone(), format!("{uri}/out"), files.join("out"))
        } else {
            (format!("file://{}/state", here.display()), here.join("state"), "out".into(), here.join("out"))
        };
        let sql = setup.query.sql(&input, rate, &out);
        fs::write(here.join("job.yaml"), manifest(&sql, &setup)).unwrap();
        let more = setup.more.into_iter().flat_map(|set| ["--set".into(), set]).collect();
        Self {
            job: JobFolder::new(&files, "job"),
            folder,
            storage,
            certificates: None,
            output,
            s3: setup.server.map(|server| S3Door::before(server, setup.seed)),
            server: PhantomData,
            disk: setup.disk,
            more,
            input,
            query: setup.query,
            door: Proxy::start(),
            coordinator: None,
            workers: Vec::new(),
            said: Vec::new(),
            started: 0,
            longest_reading: setup.reading.mul_f64(setup.files as f64),
        }
    }

    /// Has a CA, and gives each process a certificate of it.
    pub(crate) fn with_certificates(mut self) -> Self {
        self.certificates = Some(TestCa::new(&self.folder.path().join("tls")));
        self
    }

    /// Its CA.
    pub(crate) fn ca(&self) -> &TestCa {
        self.certificates.as_ref().unwrap()
    }

    /// How a process connects.
    pub(crate) fn security(&self, role: &str) -> Vec<String> {
        let Some(ca) = &self.certificates else { return vec!["--plaintext".into()] };
        let name = format!("{role}.millstream.internal");
        tls(&ca.issue(&format!("{role}-{}", self.started), &[&name]))
    }

    fn command(&self, role: &str, security: &[String]) -> Command {
        let mut command = millstream();
        command.arg(role).args(["--heartbeat-timeout", "2s"]).args(security);
        if let Some(door) = &self.s3 {
            door.configure(&mut command);
        }
        command
    }

    /// Starts a coordinator on a port of its own and leads workers to it. One that is there already stays.
    pub(crate) fn start_coordinator(&mut self) -> Option<Process> {
        let (process, address) = self.run_coordinator(&[]);
        self.door.lead_to(&address);
        self.coordinator.replace(process)
    }

    /// Starts another coordinator on a port of its own, with these flags: the process and where it listens.
    pub(crate) fn run_coordinator(&mut self, flags: &[&str]) -> (Process, String) {
        let mut tries = 1;
        loop {
            let mut command = self.command("coordinator", &self.security("coordinator"));
            command.arg("--job").arg(self.folder.path().join("job.yaml")).args(["--storage", &self.storage]);
            command.args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]).args(&self.more).args(flags);
            let mut process = Process::start(&mut command);
            let listens = |p: &Process| p.said("waiting on ", " for workers");
            process.wait_until(LIMIT, |p| listens(p).is_some());
            if let Some(address) = listens(&process) {
                return (process, address);
            }
            // As on a cluster: whatever ended is started again.
            let ended = process.end(LIMIT);
            ended.not_finished();
            let is_excused = self.s3.as_ref().is_some_and(|door| door.hit() > 0);
            assert!(is_excused && tries < 20, "it does not start\n{ended}");
            self.note(&ended);
            tries += 1;
        }
    }

    /// Starts a worker with two slots.
    pub(crate) fn start_worker(&mut self) {
        self.start_worker_with(&self.security("worker"));
    }

    /// Starts one that connects in its own way.
    pub(crate) fn start_worker_with(&mut self, security: &[String]) {
        self.started += 1;
        self.start_worker_named(format!("w{}", self.started), security);
    }

    /// Starts one with the folder of an earlier one of this name, as a container of a pod starts again.
    fn start_worker_named(&mut self, name: String, security: &[String]) {
        let (rows, coordinator) = (Proxy::start(), Proxy::start());
        coordinator.lead_to(&self.door.address());
        let mut command = self.command("worker", security);
        command.args(["--coordinator", &coordinator.address(), "--slots", "2", "--name", &name]);
        command.args(["--listen", "127.0.0.1:0", "--address", &rows.address(), "--http", "127.0.0.1:0"]);
        // Each understands both, so they may differ.
        command.args(["--compression", if self.started.is_multiple_of(2) { "lz4" } else { "none" }]);
        let folder = self.folder.path().join(&name);
        let disk = self.disk.and_then(|megabytes| SmallDisk::mount(&folder, megabytes));
        command.arg("--dir").arg(folder);
        let mut process = Process::start(&mut command);
        rows.lead_to(&process.told("taking rows on ", ","));
        self.workers.push(Worker { process, rows, coordinator, name, disk });
    }

    /// Starts what has ended by itself again, as a cluster does, and says what that was. The job must not have finished.
    #[track_caller]
    pub(crate) fn start_what_ended(&mut self) -> Vec<String> {
        self.coordinator.as_mut().unwrap().goes_on();
        let mut ended = Vec::new();
        let mut at = 0;
        while at < self.workers.len() {
            if self.workers[at].process.is_running() {
                at += 1;
                continue;
            }
            let Worker { process, name, .. } = self.workers.remove(at);
            let end = process.end(LIMIT);
            ended.push(format!("{name} ended by itself: {}", end.last_words()));
            self.note(&end);
            self.start_worker();
        }
        if self.coordinator.as_mut().is_some_and(|coordinator| !coordinator.is_running()) {
            let end = self.coordinator.take().unwrap().end(LIMIT);
            ended.push(format!("the coordinator ended by itself: {}", end.last_words()));
            self.note(&end);
            self.start_coordinator();
        }
        ended
    }

    /// The status of the newest coordinator, if it answers.
    pub(crate) fn status(&mut self) -> Option<serde_json::Value> {
        let address = self.coordinator.as_ref()?.said("status on http://", "/")?;
        status_at(&address)
    }

    /// The status of a job that still reads.
    #[track_caller]
    pub(crate) fn status_amid(&mut self) -> serde_json::Value {
        let coordinator = self.coordinator.as_mut().unwrap();
        let address = coordinator.address();
        let mut found = None;
        coordinator.wait_amid(|_| {
            found = status_at(&address);
            found.is_some()
        });
        found.unwrap()
    }

    /// Keeps what a process said that was ended on purpose.
    pub(crate) fn note(&mut self, ended: &Ended) {
        self.said.push(ended.to_string());
    }

    /// Waits for so many epochs more of a job that still reads.
    #[track_caller]
    pub(crate) fn wait_for_epochs(&mut self, more: usize) {
        let before = self.job.epochs().len();
        let job = self.job.clone();
        let coordinator = self.coordinator.as_mut().unwrap();
        coordinator.wait_amid(|_| job.epochs().len() >= before + more);
    }

    /// What a command was answered while the job runs. A job that had finished before has nobody who answers.
    #[track_caller]
    pub(crate) fn answered(&mut self, ended: Ended) -> Ended {
        let is_over = ended.stderr.contains("the job ended before");
        if is_over || ended.stderr.contains("no coordinator answers") {
            let coordinator = self.coordinator.as_mut().unwrap();
            let address = coordinator.address();
            let answers = |_: &Process| !is_over && get(&address, "/readyz").is_some();
            coordinator.wait_until(LIMIT, answers);
            coordinator.goes_on();
        }
        ended
    }

    /// Waits for the end of the job, and compares its output row by row.
    #[track_caller]
    pub(crate) fn finish(mut self) {
        let ended = match self.coordinator.take().unwrap().end_within(LIMIT + self.longest_reading) {
            Ok(ended) => ended,
            Err(process) => {
                self.coordinator = Some(process);
                let status = self.status();
                self.said.extend(self.workers.drain(..).map(|worker| worker.process.kill().to_string()));
                let story = self.said.join("\n");
                let coordinator = self.coordinator.take().unwrap().kill();
                panic!("the job does not end: {status:?}\n{coordinator}\n{story}");
            }
        };
        let mut lost = Vec::new();
        for worker in std::mem::take(&mut self.workers) {
            match worker.process.end_within(LIMIT) {
                Ok(ended) => {
                    ended.code(0).says("the job is over: finished at epoch");
                    self.note(&ended);
                }
                Err(process) => lost.push(process),
            }
        }
        let left: Vec<Ended> = lost.into_iter().map(Process::kill).collect();
        if ended.has_finished()
            && left.iter().any(|worker| !worker.stderr.contains(" of default.job.local with "))
        {
            too_early("a worker that was started found no job any more");
        }
        let left: Vec<String> = left.iter().map(Ended::to_string).collect();
        let story = format!("{ended}\n{}", self.said.join("\n"));
        assert!(left.is_empty(), "did not hear that the job is over: {}\n{story}", left.join("\n"));
        assert!(ended.stderr.contains("job: finished at epoch"), "{story}");
        for sink in self.query.sinks() {
            let folder = self.output.join(sink);
            let found = Files::read(&folder);
            let difference = Difference::between(&found.lines(), &self.query.expected(sink, &self.input));
            assert!(difference.is_none(), "{sink}: {difference}\n{story}");
            let lines = published(&folder);
            assert_eq!(lines.len(), found.rows(), "{sink}: rows in the lists of epochs\n{story}");
            let places =
                lines.iter().filter_map(|(folder, line)| Query::place(sink, folder, line, &self.input));
            let disorder = out_of_order(places);
            assert!(disorder.is_none(), "{sink}: {}\n{story}", disorder.unwrap());
        }
    }
}

fn status_at(address: &str) -> Option<serde_json::Value> {
    let (code, text) = get(address, "/status")?;
    (code == 200).then(|| serde_json::from_str(&text).unwrap())
}

/// A StreamJob of this SQL.
fn manifest(sql: &str, setup: &Setup<'_>) -> String {
    let (parallelism, interval) = (setup.parallelism, setup.interval_ms);
    let mut text = format!(
        "apiVersion: millstream.dev/v1alpha1\nkind: StreamJob\nmetadata:\n  name: job\nspec:\n  parallelism: {parallelism}\n  \
         checkpoint:\n    interval: {interval}ms\n"
    );
    if let Some((first, longest)) = setup.pauses {
        text += &format!("  restart:\n    initial: {first}\n    max: {longest}\n    attempts: 10000\n");
    }
    text += "  sql: |\n";
    for line in sql.lines() {
        text += &format!("    {line}\n");
    }
    text
}

pub(crate) fn setup(query: Query, seed: u64) -> Setup<'static> {
    Setup {
        query,
        rows: 40_000,
        files: 4,
        reading: Duration::from_secs(4),
        parallelism: 4,
        interval_ms: 100,
        server: None,
        more: Vec::new(),
        seed,
        pauses: None,
        disk: None,
    }
}
