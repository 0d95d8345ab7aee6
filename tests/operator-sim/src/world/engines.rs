//! All coordinators, what they do by themselves, and what none of them may ever do.

use std::collections::BTreeMap;
use std::time::Duration;

use millstream_lifecycle::time::Timestamp;
use serde_json::{Value, json};

use super::NAMESPACE;
use super::bucket::Bucket;
use super::process::{Process, Stage};
use crate::api_server::{ApiServer, Key, Store};

/// How long a claim takes, state to be read, and a last checkpoint.
const SHORT: Duration = Duration::from_millis(300);
/// Between two epochs.
const INTERVAL: Duration = Duration::from_secs(1);

/// Everything that Kubernetes does not know.
#[derive(Clone, Debug, Default)]
pub struct Engines {
    /// By the uid of the pod.
    pub(super) processes: BTreeMap<String, Process>,
    pub(super) bucket: Bucket,
    /// Processes that have ended: the uid of the pod, the exit code and the word.
    pub(super) ended: BTreeMap<String, (i64, String)>,
    addresses: u32,
    /// SQL that makes a process crash as soon as records flow.
    pub poison: Option<String>,
    /// What must never happen and has.
    pub broken: Vec<String>,
}

impl Engines {
    /// An address that no pod had.
    pub(super) fn new_address(&mut self) -> String {
        self.addresses += 1;
        format!("10.1.{}.{}", self.addresses / 250, self.addresses % 250 + 1)
    }

    /// A coordinator's process starts, with what its pod and its config map say.
    pub(super) fn start(&mut self, store: &Store, uid: &str, ip: &str, pod: &Value, now: Timestamp) {
        let label = |name: &str| pod["metadata"]["labels"][name].as_str().unwrap_or_default();
        let container = &pod["spec"]["containers"][0];
        let config =
            pod["spec"]["volumes"].as_array().into_iter().flatten().find(|volume| volume["name"] == "config");
        let config = config.and_then(|volume| volume["configMap"]["name"].as_str()).unwrap_or_default();
        let map = store.object(&Key::new("configmaps", NAMESPACE, config));
        // Without its config map the kubelet does not start it.
        let Some(manifest) = map.and_then(|map| map["data"]["job.json"].as_str()) else { return };
        let spec: Value = serde_json::from_str::<Value>(manifest).unwrap_or_default()["spec"].take();
        let args: Vec<String> = container["args"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        let env = container["env"].as_array().into_iter().flatten();
        let floor = env.into_iter().find(|variable| variable["name"] == "MILLSTREAM_AT_LEAST_EPOCH");
        let stage =
            if args.iter().any(|arg| arg == "--standby") { Stage::Standby } else { Stage::TakingOver };
        let process = Process {
            job: label("millstream.dev/job").to_owned(),
            attempt: label("millstream.dev/attempt").parse().unwrap_or(0),
            ip: ip.to_owned(),
            stage,
            since: now,
            args,
            floor: floor.and_then(|variable| variable["value"].as_str()?.parse().ok()),
            sql: spec["sql"].as_str().unwrap_or_default().to_owned(),
            storage: spec["state"]["storage"].as_str().unwrap_or_default().to_owned(),
            parallelism: spec["parallelism"].as_i64().unwrap_or(1),
            slots: spec["worker"]["slots"].as_i64().unwrap_or(1),
            generation: 0,
            restored_from: None,
            wrote: None,
        };
        self.processes.insert(uid.to_owned(), process);
    }

    /// The pod goes: a process that runs takes its last checkpoint.
    pub(super) fn terminate(&mut self, uid: &str, now: Timestamp) {
        if let Some(process) = self.processes.remove(uid)
            && process.stage == Stage::Running
        {
            self.bucket.write(&process.storage, process.generation, now);
        }
        self.ended.remove(uid);
    }

    /// Everybody does what they do by themselves.
    pub(super) fn turn(&mut self, server: &ApiServer, now: Timestamp) {
        for uid in self.processes.keys().cloned().collect::<Vec<_>>() {
            self.step(server, &uid, now);
        }
        self.check();
    }

    fn step(&mut self, server: &ApiServer, uid: &str, now: Timestamp) {
        let process = self.processes[uid].clone();
        let is_due = process.has_been_for(SHORT, now);
        match process.stage {
            Stage::Standby => {}
            Stage::TakingOver if is_due => self.claim(uid, now),
            Stage::WaitingForSlots if slots(server, &process) >= process.parallelism => {
                self.go_to(uid, Stage::Deploying, now);
            }
            Stage::Deploying if is_due && self.poison.as_ref() == Some(&process.sql) => {
                self.end(uid, 134, "thread 'main' panicked");
            }
            Stage::Deploying if is_due => self.go_to(uid, Stage::Running, now),
            Stage::Running if process.has_been_for(INTERVAL, now) => self.checkpoint(uid, now),
            Stage::Stopping if is_due => {
                self.checkpoint(uid, now);
                self.go_to(uid, Stage::Stopped, now);
            }
            Stage::Cancelling if is_due => self.go_to(uid, Stage::Stopped, now),
            Stage::Stopped if is_due => {
                let word = json!({"ending": "Stopped", "epoch": process.wrote}).to_string();
                self.end(uid, 0, &word);
            }
            _ => {}
        }
    }

    pub(super) fn go_to(&mut self, uid: &str, stage: Stage, now: Timestamp) {
        if let Some(process) = self.processes.get_mut(uid) {
            process.go_to(stage, now);
        }
    }

    fn end(&mut self, uid: &str, code: i64, word: &str) {
        self.processes.remove(uid);
        self.ended.insert(uid.to_owned(), (code, word.to_owned()));
    }

    fn checkpoint(&mut self, uid: &str, now: Timestamp) {
        let Some(process) = self.processes.get_mut(uid) else { return };
        match self.bucket.write(&process.storage, process.generation, now) {
            Some(epoch) => {
                process.wrote = Some(epoch);
                process.since = now;
            }
            None => {
                let word =
                    json!({"ending": "Fenced", "message": "another coordinator owns the job"}).to_string();
                self.end(uid, 1, &word);
            }
        }
    }

    /// A coordinator takes the job over: what comes before it counts from here on.
    fn claim(&mut self, uid: &str, now: Timestamp) {
        let Some(process) = self.processes.get(uid).cloned() else { return };
        let place = self.bucket.place(&process.storage);
        if process.args.iter().any(|arg| arg == "--fresh") && place.newest.is_some() {
            self.broken.push(format!("attempt {} gives up its state", process.attempt));
        }
        if process.args.iter().any(|arg| arg.starts_with("--from-")) {
            self.broken.push(format!("attempt {} goes back: {:?}", process.attempt, process.args));
        }
        if process.floor > place.newest {
            let message =
                format!("the newest epoch is {:?}, at least {:?} is wanted", place.newest, process.floor);
            self.broken.push(message.clone());
            return self.end(uid, 2, &json!({"ending": "NothingToRestore", "message": message}).to_string());
        }
        let generation = self.bucket.claim(&process.storage);
        let restored_from = place.newest;
        if let Some(process) = self.processes.get_mut(uid) {
            process.generation = generation;
            process.restored_from = restored_from;
            process.go_to(Stage::WaitingForSlots, now);
        }
    }

    /// What must hold at every moment.
    fn check(&mut self) {
        let mut owners: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for process in self.processes.values().filter(|process| process.can_own()) {
            owners.entry(&process.storage).or_default().push(process.attempt);
        }
        let doubled: Vec<String> = owners
            .values()
            .filter(|attempts| attempts.len() > 1)
            .map(|attempts| format!("attempts {attempts:?} can own epochs at the same time"))
            .collect();
        for said in doubled {
            if !self.broken.contains(&said) {
                self.broken.push(said);
            }
        }
    }
}

/// Slots of the workers that run for a coordinator.
fn slots(server: &ApiServer, process: &Process) -> i64 {
    server.with(|store| {
        let attempt = process.attempt.to_string();
        let is_its = |pod: &Value| {
            let labels = &pod["metadata"]["labels"];
            labels["millstream.dev/job"] == *process.job
                && labels["millstream.dev/attempt"] == *attempt
                && labels["millstream.dev/component"] == "worker"
                && pod["status"]["phase"] == "Running"
                && pod["metadata"]["deletionTimestamp"].is_null()
        };
        let workers = store.of_kind("pods").filter(|(_, pod)| is_its(pod)).count();
        i64::try_from(workers).unwrap() * process.slots
    })
}
