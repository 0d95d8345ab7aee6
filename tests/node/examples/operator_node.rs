//! A job through its life on two real nodes: installed with the chart, upgraded and rescaled under load, killed, drained, deleted; then
//! every row is read that it wrote.
//!
//! `make e2e` runs this with the programs of a release build.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that takes minutes says where it is, and ends where it cannot go on"
)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use chrono::Utc;
use clap::Parser;
use millstream_test_node::{
    Cluster, Job, Line, Logs, Manifest, Programs, check, is_ready, longest_pause_s, rows,
};

/// How long the time without processing of an upgrade or a rescale may be.
const BOUND_S: f64 = 2.0;

/// Runs a job through its life on two real nodes.
#[derive(Parser)]
struct Arguments {
    /// The engine's program
    #[arg(long)]
    engine: PathBuf,
    /// The operator's program
    #[arg(long)]
    operator: PathBuf,
    /// How many rows the job reads in a second
    #[arg(long, default_value_t = 2_000)]
    rate: u64,
    /// Say in the exit code if an upgrade or a rescale stops the processing for too long
    #[arg(long)]
    judge: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let began = Instant::now();
    let cluster = Cluster::start(&Programs { engine: arguments.engine, operator: arguments.operator });
    println!("two nodes, and two operators ready: {:.0} s", began.elapsed().as_secs_f64());
    let kubectl = cluster.namespace("payments");
    let logs = Logs::keep(cluster.pod_logs(), kubectl.namespace(), "orders-worker");
    let mut life = Life {
        job: Job::new(kubectl, cluster.home()),
        manifest: Manifest { modulus: 7, parallelism: 2, rows_per_second: arguments.rate },
        cluster,
        logs,
        pauses: Vec::new(),
    };
    life.begin();
    life.change();
    life.break_things();
    life.drain();
    life.end();
    let Life { cluster, logs, pauses, .. } = life;
    drop(logs);
    cluster.end();
    let mut is_met = true;
    for Pause { what, seconds, is_bounded } in &pauses {
        let misses = *is_bounded && *seconds >= BOUND_S;
        is_met &= !misses;
        let bound = match (is_bounded, misses) {
            (false, _) => "",
            (true, false) => "  bound 2.0 s met",
            (true, true) => "  bound 2.0 s MISSED",
        };
        println!("longest pause, {what:<52} {seconds:>7.3} s{bound}");
    }
    if arguments.judge && !is_met { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

struct Life {
    job: Job,
    manifest: Manifest,
    logs: Logs,
    pauses: Vec<Pause>,
    cluster: Cluster,
}

struct Pause {
    what: &'static str,
    seconds: f64,
    is_bounded: bool,
}

impl Life {
    fn begin(&mut self) {
        self.job.apply(&self.manifest);
        let ready = "--for=condition=Ready";
        let told = self.job.kubectl().run(["wait", ready, "--timeout=300s", "streamjob/orders"]);
        assert!(told.success, "{}{}\n{}", told.output, told.errors, self.job.report());
        println!("applied, and Ready");
        self.step("nothing happens", false, |_| thread::sleep(Duration::from_secs(10)));
    }

    fn change(&mut self) {
        self.step("an upgrade of the SQL", true, |life| {
            life.manifest.modulus = 5;
            life.job.apply(&life.manifest);
            life.job.wait("upgraded", |job| is_ready(job) && job["status"]["attempt"] == 2);
        });
        self.step("a rescale by the spec, from 2 to 3", true, |life| {
            life.manifest.parallelism = 3;
            life.job.apply(&life.manifest);
            life.wait_for_parallelism(3);
        });
        self.step("a rescale by kubectl scale, from 3 to 4", true, |life| life.scale(4));
        self.step("a rescale by kubectl scale, from 4 to 2", true, |life| life.scale(2));
    }

    fn break_things(&mut self) {
        self.step("a worker's process is killed", false, |life| {
            let worker = name(&life.job.pods("worker")[0]);
            life.cluster.kill_process_of(life.job.kubectl(), &worker);
            life.recovers();
        });
        self.step("a worker's pod is deleted at once", false, |life| {
            let worker = name(&life.job.pods("worker")[0]);
            life.delete_at_once(&worker);
            life.recovers();
        });
        self.step("the coordinator's process is killed", false, |life| {
            let coordinator = name(&life.job.pods("coordinator")[0]);
            life.cluster.kill_process_of(life.job.kubectl(), &coordinator);
            life.recovers();
        });
        self.step("the coordinator's pod is deleted at once", false, |life| {
            let coordinator = name(&life.job.pods("coordinator")[0]);
            life.delete_at_once(&coordinator);
            life.recovers();
        });
        self.step("all pods of the job are deleted at once", false, |life| {
            let pods = ["coordinator", "worker"].into_iter().flat_map(|component| life.job.pods(component));
            pods.for_each(|pod| life.delete_at_once(&name(&pod)));
            life.recovers();
        });
        self.step("both operators are killed, and the SQL is upgraded", false, |life| {
            let home = life.cluster.home();
            let operators = home.run(["get", "pods", "-o", "name"]).succeeded();
            for operator in operators.lines() {
                life.cluster.kill_process_of(&home, operator.trim_start_matches("pod/"));
            }
            let attempt = life.attempt();
            life.manifest.modulus = 11;
            life.job.apply(&life.manifest);
            life.job.wait("upgraded again", |job| {
                is_ready(job) && job["status"]["attempt"].as_u64() > Some(attempt)
            });
        });
    }

    /// Everything moves to the other node, and the first one is of use again.
    fn drain(&mut self) {
        self.step("a node is drained", false, |life| {
            let node = life.job.pods("coordinator")[0]["spec"]["nodeName"].as_str().unwrap().to_owned();
            let kubectl = life.cluster.kubectl().clone();
            let drain = ["drain", &node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=240s"];
            let drained = kubectl.run(drain);
            assert!(drained.success, "{}{}\n{}", drained.output, drained.errors, life.job.report());
            life.recovers();
            for pod in ["coordinator", "worker"].into_iter().flat_map(|component| life.job.pods(component)) {
                assert_ne!(pod["spec"]["nodeName"], node.as_str(), "{pod}");
            }
            kubectl.run(["uncordon", &node]).succeeded();
        });
    }

    /// The policy `Drain`: what has been read comes out, and then the job is gone with everything that it had.
    fn end(&mut self) {
        let printed = self.logs.printed().len();
        let deleted = self.job.kubectl().run(["delete", "streamjob", "orders", "--timeout=240s"]);
        assert!(deleted.success, "{}{}\n{}", deleted.output, deleted.errors, self.job.report());
        let kinds = "pods,services,configmaps,secrets,networkpolicies,poddisruptionbudgets";
        let kubectl = self.job.kubectl().clone();
        let left = || kubectl.run(["get", kinds, "-l", "millstream.dev/job", "-o", "name"]).succeeded();
        let began = Instant::now();
        while !left().is_empty() {
            assert!(began.elapsed() < Duration::from_secs(120), "left: {}", left());
            thread::sleep(Duration::from_millis(500));
        }
        let rows = rows(&self.cluster.bucket().join("out"));
        let highest = check(&rows, &[7, 5, 11]).unwrap();
        let lines = self.logs.printed();
        assert!(printed < lines.len(), "nothing was printed behind the deletion");
        println!("{highest} rows, each of them once; {} lines printed", lines.len());
        assert_eq!(
            counted(&lines),
            self.expected(highest),
            "the counts of an aggregate that was kept all the time"
        );
    }

    /// Rows of each kind up to this id.
    fn expected(&self, highest: u64) -> [u64; 3] {
        let every = self.manifest.printed_every();
        let mut expected = [0; 3];
        (1..=highest / every).for_each(|n| expected[usize::try_from(n * every % 3).unwrap()] += 1);
        expected
    }

    /// Does something while rows flow, and notes the longest time without a line meanwhile.
    fn step(&mut self, what: &'static str, is_bounded: bool, act: impl FnOnce(&mut Self)) {
        let (from, began) = (Utc::now(), Instant::now());
        act(self);
        let to = Utc::now();
        let took = began.elapsed().as_secs_f64();
        // The pause that reaches over the end has to end.
        self.job.wait_until("processing", || self.logs.printed().last().is_some_and(|line| line.at > to));
        let seconds = longest_pause_s(&self.logs.printed(), from, to);
        println!("{what}: {took:.1} s, the longest pause {seconds:.3} s");
        self.pauses.push(Pause { what, seconds, is_bounded });
    }

    fn scale(&mut self, parallelism: u32) {
        self.manifest.parallelism = parallelism;
        let replicas = format!("--replicas={parallelism}");
        self.job.kubectl().run(["scale", "streamjob", "orders", &replicas]).succeeded();
        self.wait_for_parallelism(parallelism);
    }

    fn wait_for_parallelism(&self, parallelism: u32) {
        self.job
            .wait("rescaled", |job| is_ready(job) && job["status"]["parallelism"]["current"] == parallelism);
    }

    fn delete_at_once(&self, pod: &str) {
        self.job.kubectl().run(["delete", "pod", pod, "--grace-period=0", "--force"]).succeeded();
    }

    /// Lines that were printed after now, and a job that is ready again.
    fn recovers(&self) {
        let now = Utc::now();
        let prints = || self.logs.printed().last().is_some_and(|line| (line.at - now).num_seconds() >= 3);
        self.job.wait_until("processing again", prints);
        self.job.wait("ready again", is_ready);
    }

    fn attempt(&self) -> u64 {
        self.job.kubectl().get("streamjob", "orders")["status"]["attempt"].as_u64().unwrap()
    }
}

fn name(pod: &serde_json::Value) -> String {
    pod["metadata"]["name"].as_str().unwrap().to_owned()
}

/// The highest count of each kind that was printed; counts only grow, also where a line was printed twice.
fn counted(lines: &[Line]) -> [u64; 3] {
    let mut counted = [0; 3];
    for line in lines {
        let Some((_, row)) = line
            .text
            .trim_end_matches(']')
            .split_once("U[")
            .or_else(|| line.text.trim_end_matches(']').split_once("I["))
        else {
            continue;
        };
        let (kind, n) = row.split_once(", ").unwrap();
        let (kind, n): (usize, u64) = (kind.parse().unwrap(), n.parse().unwrap());
        counted[kind] = counted[kind].max(n);
    }
    counted
}
