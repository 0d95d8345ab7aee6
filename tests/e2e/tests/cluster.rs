//! One coordinator and several workers, each a process: as `millstream coordinator` and `millstream worker` start them.

use std::fs;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use millstream_test_testkit::certificates::{TestCa, TestCertificate};

use crate::harness::{
    Difference, Ended, Files, Input, JobFolder, LIMIT, Process, Proxy, S3Door, S3Server, SmallDisk,
    blank_segments, get, millstream, out_of_order, published, run, run_in, too_early,
};
use crate::kill::query::Query;

/// How long reading takes at the least where there are two restarts on the way, on a machine that does much else.
const WITH_RESTARTS: Duration = Duration::from_secs(25);

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

#[test]
fn a_job_on_two_workers_writes_every_row_once() {
    for (query, seed) in Query::ALL.into_iter().zip(0..) {
        let mut cluster = Cluster::new(setup(query, seed));
        cluster.start_coordinator();
        cluster.start_worker();
        cluster.start_worker();
        cluster.finish();
    }
}

#[test]
fn the_status_says_how_many_slots_are_missing_and_the_job_runs_as_soon_as_they_come() {
    let mut cluster = Cluster::new(setup(Query::Windows, 10));
    cluster.start_coordinator();
    cluster.start_worker();
    let worker = cluster.workers[0].process.address();
    let joined = |_: &Process| get(&worker, "/readyz") == Some((200, "works for default.job.local\n".into()));
    assert!(cluster.workers[0].process.wait_until(LIMIT, joined));
    assert_eq!(get(&worker, "/healthz"), Some((200, "ok\n".into())));
    assert!(get(&worker, "/metrics").unwrap().1.contains("millstream_worker_joined 1\n"));
    let status: serde_json::Value = serde_json::from_str(&get(&worker, "/status").unwrap().1).unwrap();
    assert_eq!((&status["name"], &status["slots"]), (&"w1".into(), &2.into()));
    let address = cluster.coordinator.as_mut().unwrap().address();
    let says = |text: &str| get(&address, "/status").is_some_and(|(_, status)| status.contains(text));
    let coordinator = cluster.coordinator.as_mut().unwrap();
    assert!(coordinator.wait_until(LIMIT, |_| says("start when 4 slots are there, now 2")));
    assert_eq!(get(&address, "/readyz").unwrap().0, 503);
    cluster.start_worker();
    let coordinator = cluster.coordinator.as_mut().unwrap();
    assert!(coordinator.wait_until(LIMIT, |_| get(&address, "/readyz").is_some_and(|(code, _)| code == 200)));
    cluster.finish();
}

#[test]
fn a_spare_worker_takes_over_from_one_that_is_killed() {
    let mut cluster = Cluster::new(Setup { reading: WITH_RESTARTS, ..setup(Query::Windows, 11) });
    cluster.start_coordinator();
    for _ in 0..3 {
        cluster.start_worker();
    }
    cluster.wait_for_epochs(1);
    let killed = cluster.workers.remove(0).process.kill();
    cluster.note(&killed);
    cluster.wait_for_epochs(1);
    cluster.finish();
}

#[test]
fn workers_that_start_again_have_the_slots_of_their_copies() {
    let server = S3Server::start();
    let setup = Setup { reading: WITH_RESTARTS, server: Some(&server), ..setup(Query::Distinct, 14) };
    let mut cluster = Cluster::new(Setup { parallelism: 4, ..setup });
    cluster.start_coordinator();
    cluster.start_worker();
    cluster.start_worker();
    cluster.wait_for_epochs(2);
    let killed: Vec<Worker> = std::mem::take(&mut cluster.workers);
    let names: Vec<String> = killed.iter().map(|worker| worker.name.clone()).collect();
    for worker in killed {
        let ended = worker.process.kill();
        cluster.note(&ended);
    }
    // The bucket has nothing to restore from any more: whoever has other slots than before asks for it, and fails.
    blank_segments(&server.bucket());
    let security = cluster.security("worker");
    for name in names.into_iter().rev() {
        cluster.start_worker_named(name, &security);
    }
    cluster.wait_for_epochs(1);
    cluster.finish();
}

#[test]
fn workers_go_on_with_the_next_coordinator() {
    let mut cluster = Cluster::new(Setup { reading: WITH_RESTARTS, ..setup(Query::Distinct, 12) });
    cluster.start_coordinator();
    cluster.start_worker();
    cluster.start_worker();
    for _ in 0..2 {
        cluster.wait_for_epochs(1);
        let killed = cluster.start_coordinator().unwrap().kill();
        cluster.note(&killed);
    }
    cluster.finish();
}

/// A coordinator that sleeps past every timeout has a successor when it wakes; so has a worker.
#[test]
fn whoever_wakes_up_late_changes_nothing() {
    let mut cluster = Cluster::new(Setup { reading: WITH_RESTARTS, ..setup(Query::Windows, 13) });
    cluster.start_coordinator();
    for _ in 0..3 {
        cluster.start_worker();
    }
    cluster.wait_for_epochs(1);
    cluster.workers[0].process.signal("STOP");
    // One that was under way may still complete.
    cluster.wait_for_epochs(2);
    let older = cluster.start_coordinator().unwrap();
    older.signal("STOP");
    cluster.door.shut();
    cluster.door.open();
    cluster.wait_for_epochs(2);
    cluster.workers[0].process.signal("CONT");
    older.signal("CONT");
    older.end(LIMIT).code(1).says("fenced: generation 2");
    cluster.finish();
}

#[test]
fn a_job_on_other_hosts_can_be_asked() {
    let mut cluster = Cluster::new(Setup { reading: Duration::from_secs(120), ..setup(Query::Distinct, 14) });
    let ask = |words: &[&str], coordinator: &str| {
        let arguments: Vec<&str> =
            words.iter().copied().chain(["--plaintext", "--coordinator", coordinator]).collect();
        run(millstream().args(arguments))
    };
    let door = cluster.door.address();
    let word = cluster.folder.path().join("word");
    cluster.more.extend(["--ending".to_owned(), word.display().to_string()]);
    ask(&["status"], "127.0.0.1:1").code(1).says("no coordinator answers at 127.0.0.1:1: ");
    cluster.start_coordinator();
    cluster.start_worker();
    let coordinator = cluster.coordinator.as_mut().unwrap();
    let two = |_: &Process| {
        ask(&["status"], &door).code(0).stdout.contains("next: start when 4 slots are there, now 2\n")
    };
    assert!(coordinator.wait_until(LIMIT, two));
    cluster.start_worker();
    cluster.wait_for_epochs(3);
    ask(&["status"], &door).code(0).prints("default.job.local: Running\n").prints("  newest epoch: ");
    let json = ask(&["status", "--output", "json"], &door);
    let status: serde_json::Value = serde_json::from_str(&json.code(0).stdout).unwrap();
    assert_eq!(status["phase"], "Running");
    ask(&["savepoint", "--as", "kept"], &door).code(0).prints("/savepoint/kept\n").prints(" rows of state, ");
    ask(&["savepoint", "--as", "kept"], &door).code(2).says("kept");
    ask(&["savepoint", "--to", "folder"], &door).code(2).says("the whole path on the coordinator's host");
    ask(&["stop"], &door).code(0).prints("stopped at epoch ");
    cluster.coordinator.take().unwrap().end(LIMIT).code(0).says("job: stopped at epoch ");
    let newest = cluster.job.epochs().pop().unwrap();
    assert_eq!(fs::read_to_string(&word).unwrap(), format!("{{\"ending\":\"Stopped\",\"epoch\":{newest}}}"));
    for worker in cluster.workers.drain(..) {
        worker.process.end(LIMIT).code(0).says("the job is over: stopped at epoch ");
    }
    cluster.start_coordinator();
    cluster.start_worker();
    cluster.start_worker();
    cluster.wait_for_epochs(3);
    ask(&["savepoint", "--as", "last", "--stop"], &door).code(0).prints("/savepoint/last\n");
    cluster.coordinator.take().unwrap().end(LIMIT).code(0).says("job: stopped at epoch ");
    cluster.start_coordinator();
    let coordinator = cluster.coordinator.as_mut().unwrap();
    assert!(
        coordinator.wait_until(LIMIT, |_| ask(&["status"], &door).stdout.contains(": WaitingForSlots\n"))
    );
    ask(&["cancel"], &door).code(0).prints("stopped at epoch ");
    cluster.coordinator.take().unwrap().end(LIMIT).code(0);
}

#[test]
fn a_coordinator_that_cannot_start_leaves_word_of_why() {
    let coordinator = ["coordinator", "--plaintext", "--ending", "word"];
    for (more, ending, message) in [
        (&["--job", "query.sql"][..], "Refused", "a coordinator needs an INSERT"),
        (&["--job", "job.sql", "--at-least-epoch", "5"], "NothingToRestore", "its newest here is none"),
    ] {
        let folder = refused(&[&coordinator, more].concat(), message);
        let word: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(folder.path().join("word")).unwrap()).unwrap();
        assert_eq!(word["ending"], ending);
        assert!(word["message"].as_str().unwrap().contains(message), "{word}");
    }
}

fn refused(arguments: &[&str], says: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let sql = "CREATE TABLE t (a INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');\n";
    fs::write(folder.path().join("query.sql"), format!("{sql}SELECT a FROM t;\n")).unwrap();
    let out = "CREATE TABLE o (a INT) WITH ('connector' = 'blackhole');\nINSERT INTO o SELECT a FROM t;\n";
    fs::write(folder.path().join("job.sql"), format!("{sql}{out}")).unwrap();
    run_in(Path::new(folder.path()), arguments).code(2).says(says);
    folder
}

#[test]
fn mistakes_on_the_command_line_are_explained() {
    refused(
        &["coordinator", "--job", "job.sql"],
        "a coordinator needs to know how to connect: give --tls-ca, ",
    );
    refused(&["worker"], "a worker needs to know how to connect: give --tls-ca, ");
    refused(&["status"], "a client needs to know how to connect: give --tls-ca, ");
    refused(&["worker", "--plaintext", "--tls-ca", "ca"], "--tls-ca and --plaintext exclude each other: ");
    refused(&["worker", "--tls-ca", "ca", "--tls-cert", "cert"], "--tls-key is missing: ");
    refused(
        &["worker", "--tls-ca", "ca", "--tls-cert", "cert", "--tls-key", "key"],
        "--tls-ca ca: cannot be read: No such file",
    );
    refused(&["worker", "--plaintext", "--coordinator", "host"], "host is no address: it has no port");
    refused(&["coordinator", "--plaintext"], "--job <FILE>");
    refused(&["coordinator", "--plaintext", "--job", "nothing.sql"], "nothing.sql: there is no such file");
    refused(
        &["coordinator", "--plaintext", "--job", "job.sql", "--ending", "none/word"],
        "--ending none/word: cannot be written: No such file",
    );
    refused(&["coordinator", "--plaintext", "--job", "query.sql"], "a coordinator needs an INSERT");
    refused(
        &["coordinator", "--plaintext", "--job", "job.sql", "--listen", "192.0.2.1:1"],
        "cannot listen there",
    );
    refused(&["worker", "--plaintext", "--listen", "192.0.2.1:1"], "cannot listen there");
    refused(
        &["worker", "--plaintext", "--listen", "0.0.0.0:0"],
        "say with --address which one other workers use",
    );
    refused(&["worker", "--plaintext", "--http", "192.0.2.1:1"], "--http 192.0.2.1:1: cannot listen there");
    refused(&["worker", "--plaintext", "--slots", "0"], "0 is not in 1..=1024");
    refused(&["worker", "--plaintext", "--coordinator", "no address"], "no address is no address");
    refused(&["worker", "--plaintext", "--heartbeat-timeout", "soon"], "soon is no duration");
}
