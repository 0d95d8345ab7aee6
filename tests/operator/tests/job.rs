//! A job on a cluster: its manifest, what is seen of it, and the rows that it wrote.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use millstream_test_kube::{ControlPlane, Kubectl, Namespace};
use millstream_test_operator::{Kubelet, Operator, program};
use serde_json::Value;

/// How long anything may take on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(120);

/// A namespace with a node and an operator, and a folder that is the bucket.
pub(crate) struct World {
    pub(crate) operator: Option<Operator>,
    _kubelet: Kubelet,
    kubectl: Namespace,
    folder: tempfile::TempDir,
}

/// What a manifest says beside what all have in common.
#[derive(Clone)]
pub(crate) struct Manifest {
    pub(crate) name: &'static str,
    /// What is written beside the id.
    pub(crate) select: &'static str,
    pub(crate) rows: u64,
    pub(crate) rows_per_second: u64,
    /// The folder that it writes to.
    pub(crate) out: &'static str,
    /// More lines of the spec.
    pub(crate) spec: String,
}

impl Default for Manifest {
    fn default() -> Self {
        Self {
            name: "orders",
            select: "id % 7",
            rows: 1_000_000,
            rows_per_second: 2_000,
            out: "out",
            spec: String::new(),
        }
    }
}

impl World {
    pub(crate) fn new(name: &str) -> Self {
        let kubectl = ControlPlane::shared().namespace(name);
        let kubelet = Kubelet::start(&kubectl, program("millstream"));
        let operator = Operator::start(&kubectl);
        operator.wait_until_ready();
        let folder = tempfile::tempdir().unwrap();
        Self { operator: Some(operator), _kubelet: kubelet, kubectl, folder }
    }

    pub(crate) fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// Kills the operator and starts another one.
    pub(crate) fn restart_operator(&mut self) {
        self.operator.take().unwrap().kill();
        let operator = Operator::start(&self.kubectl);
        operator.wait_until_ready();
        self.operator = Some(operator);
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The job's SQL.
    pub(crate) fn sql(&self, manifest: &Manifest) -> String {
        let Manifest { select, rows, rows_per_second, out, .. } = manifest;
        let out = self.out(out).display().to_string();
        format!(
            "CREATE TABLE numbers (id BIGINT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '{rows_per_second}', 'number-of-rows' = '{rows}',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '{rows}');
CREATE TABLE written (id BIGINT, k BIGINT) WITH ('connector' = 'filesystem', 'path' = '{out}', 'format' = 'json');
INSERT INTO written SELECT id, {select} FROM (SELECT DISTINCT id FROM numbers);
"
        )
    }

    /// The job's manifest.
    pub(crate) fn manifest(&self, manifest: &Manifest) -> String {
        let sql = self.sql(manifest).replace('\n', "\n    ");
        self.manifest_with(manifest, &format!("  sql: |\n    {}", sql.trim_end()))
    }

    /// The same with other lines for where its SQL is.
    pub(crate) fn manifest_with(&self, manifest: &Manifest, sql: &str) -> String {
        let (name, spec) = (manifest.name, &manifest.spec);
        let state = self.folder.path().join("state").display().to_string();
        format!(
            "apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata: {{name: {name}}}
spec:
{sql}
  state: {{storage: 'file://{state}'}}
  checkpoint: {{interval: 500ms}}
  stability: {{minRunning: 1s, minCheckpoints: 1}}
{spec}"
        )
    }

    /// `kubectl apply`.
    pub(crate) fn apply(&self, manifest: &Manifest) {
        self.kubectl.apply(&self.manifest(manifest)).succeeded();
    }

    pub(crate) fn job(&self, name: &str) -> Value {
        self.kubectl.get("streamjob", name)
    }

    /// Waits until the job is as asked, and returns it.
    ///
    /// # Panics
    /// After the limit, with everything that can be known.
    #[track_caller]
    pub(crate) fn wait(&self, name: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let job = self.job(name);
            assert_truth(&job);
            if is_so(&job) {
                return job;
            }
            if began.elapsed() > LIMIT {
                panic!("{name} is not {what}\n{}", self.report(name));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the newest spec runs and is known to run well.
    #[track_caller]
    pub(crate) fn wait_until_ready(&self, name: &str) -> Value {
        self.wait(name, "ready", |job| is_ready(job) && job["status"]["phase"] == "Running")
    }

    /// Waits until nothing with the job's label is there any more.
    #[track_caller]
    pub(crate) fn wait_until_nothing_is_left(&self) {
        let began = Instant::now();
        loop {
            let kinds = "streamjobs,pods,services,configmaps,networkpolicies,poddisruptionbudgets";
            let left = self.kubectl.run(["get", kinds, "-l", "millstream.dev/job", "-o", "name"]).succeeded();
            let jobs = self.kubectl.run(["get", "streamjobs", "-o", "name"]).succeeded();
            if left.is_empty() && jobs.is_empty() {
                return;
            }
            assert!(began.elapsed() < LIMIT, "left: {left}{jobs}\n{}", self.log());
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until no process of a job runs.
    #[track_caller]
    pub(crate) fn wait_until_no_pods_are_left(&self) {
        let began = Instant::now();
        loop {
            let left = self.kubectl.run(["get", "pods", "-o", "name"]).succeeded();
            if left.is_empty() {
                return;
            }
            assert!(began.elapsed() < LIMIT, "left: {left}\n{}", self.log());
            thread::sleep(Duration::from_millis(100));
        }
    }

    pub(crate) fn log(&self) -> String {
        self.operator.as_ref().map(Operator::log).unwrap_or_default()
    }

    pub(crate) fn report(&self, name: &str) -> String {
        let job = self.kubectl.run(["get", "streamjob", name, "-o", "yaml"]).output;
        let pods = self.kubectl.run(["get", "pods", "-o", "yaml"]).output;
        format!("{job}\n{pods}\n{}", self.log())
    }

    /// How often each id was written, so far.
    pub(crate) fn written(&self) -> BTreeMap<u64, u32> {
        self.written_to("out")
    }

    /// The same of another folder.
    pub(crate) fn written_to(&self, folder: &str) -> BTreeMap<u64, u32> {
        let mut ids = BTreeMap::new();
        for file in visible(&self.out(folder)) {
            for line in fs::read_to_string(file).unwrap().lines() {
                let row: Value = serde_json::from_str(line).unwrap();
                *ids.entry(row["id"].as_u64().unwrap()).or_default() += 1;
            }
        }
        ids
    }

    /// Every id up to the highest that was written is there once.
    #[track_caller]
    pub(crate) fn assert_each_row_once(&self) -> u64 {
        let ids = self.written();
        let twice: Vec<_> = ids.iter().filter(|(_, count)| **count != 1).take(5).collect();
        assert!(twice.is_empty(), "written more than once: {twice:?}\n{}", self.log());
        let highest = ids.keys().next_back().copied().unwrap_or(0);
        assert_eq!(ids.len() as u64, highest, "rows are missing below {highest}\n{}", self.log());
        highest
    }
}

fn visible(folder: &Path) -> Vec<PathBuf> {
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let is_visible = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        path.is_file() && !name.starts_with(['_', '.'])
    };
    files.map(|file| file.unwrap().path()).filter(is_visible).collect()
}

/// The status of a condition.
pub(crate) fn condition<'a>(job: &'a Value, kind: &str) -> Option<&'a str> {
    let conditions = job["status"]["conditions"].as_array()?;
    conditions.iter().find(|c| c["type"] == kind)?["status"].as_str()
}

/// Ready for the newest spec.
pub(crate) fn is_ready(job: &Value) -> bool {
    let is_newest = job["status"]["observedGeneration"] == job["metadata"]["generation"];
    is_newest && condition(job, "Ready") == Some("True")
}

/// What must be true of every status at every moment.
fn assert_truth(job: &Value) {
    if job["status"]["phase"].is_null() {
        return;
    }
    let is = |kind: &str| condition(job, kind) == Some("True");
    assert!(condition(job, "Ready").is_some(), "{job}");
    assert!(!(is("Reconciling") && is("Stalled")), "{job}");
    assert!(!(is("Ready") && (is("Reconciling") || is("Stalled"))), "{job}");
}
