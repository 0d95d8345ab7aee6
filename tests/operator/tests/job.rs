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
    /// What operators are started with.
    pub(crate) options: Vec<&'static str>,
    pub(crate) kubelet: Kubelet,
    kubectl: Namespace,
    folder: tempfile::TempDir,
}

/// What a manifest says beside what all have in common.
#[derive(Clone)]
pub(crate) struct Manifest {
    pub(crate) name: &'static str,
    /// What is written beside the id.
    pub(crate) select: &'static str,
    /// What the ids are read from.
    pub(crate) from: &'static str,
    pub(crate) rows: u64,
    pub(crate) rows_per_second: u64,
    /// The folder for the rows.
    pub(crate) out: &'static str,
    /// When a revision is stable.
    pub(crate) stability: &'static str,
    /// More lines of the spec.
    pub(crate) spec: String,
}

impl Default for Manifest {
    fn default() -> Self {
        Self {
            name: "orders",
            select: "id % 7",
            from: "(SELECT DISTINCT id FROM numbers)",
            rows: 1_000_000,
            rows_per_second: 2_000,
            out: "out",
            stability: "{minRunning: 1s, minCheckpoints: 1}",
            spec: String::new(),
        }
    }
}

impl Manifest {
    /// The same with one more line in the spec.
    pub(crate) fn with(&self, line: &str) -> Self {
        Self { spec: format!("{}  {line}\n", self.spec), ..self.clone() }
    }
}

impl World {
    pub(crate) fn new(name: &str) -> Self {
        Self::with(name, &[])
    }

    /// One whose operators have these options.
    pub(crate) fn with(name: &str, options: &[&'static str]) -> Self {
        let mut world = Self { options: options.to_vec(), ..Self::without_operator(name) };
        world.start_operator();
        world
    }

    /// One whose operators a test starts itself.
    pub(crate) fn without_operator(name: &str) -> Self {
        let kubectl = ControlPlane::shared().namespace(name);
        let kubelet = Kubelet::start(&kubectl, program("millstream"));
        Self { operator: None, options: Vec::new(), kubelet, kubectl, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// Kills the operator and starts another one.
    pub(crate) fn restart_operator(&mut self) {
        self.stop_operator();
        self.start_operator();
    }

    pub(crate) fn stop_operator(&mut self) {
        self.operator.take().unwrap().kill();
    }

    pub(crate) fn start_operator(&mut self) {
        let operator = Operator::start_with(&self.kubectl, &self.options);
        operator.wait_until_ready();
        self.operator = Some(operator);
    }

    /// Where the rows are that a manifest writes to this folder.
    fn out(&self, folder: &str) -> PathBuf {
        self.folder.path().join(folder)
    }

    /// Where state is.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The job's SQL.
    pub(crate) fn sql(&self, manifest: &Manifest) -> String {
        let Manifest { select, from, rows, rows_per_second, out, .. } = manifest;
        let out = self.out(out).display().to_string();
        format!(
            "CREATE TABLE numbers (id BIGINT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '{rows_per_second}', 'number-of-rows' = '{rows}',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '{rows}');
CREATE TABLE written (id BIGINT, k BIGINT) WITH ('connector' = 'filesystem', 'path' = '{out}', 'format' = 'json');
INSERT INTO written SELECT id, {select} FROM {from};
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
        let Manifest { name, stability, spec, .. } = manifest;
        let state = self.state().display().to_string();
        format!(
            "apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata: {{name: {name}}}
spec:
{sql}
  state: {{storage: 'file://{state}'}}
  checkpoint: {{interval: 500ms}}
  stability: {stability}
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
        self.wait_for(LIMIT, name, what, is_so)
    }

    /// The same for what takes minutes by its nature.
    #[track_caller]
    pub(crate) fn wait_long(&self, name: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        self.wait_for(LIMIT * 4, name, what, is_so)
    }

    #[track_caller]
    fn wait_for(&self, limit: Duration, name: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let job = self.job(name);
            assert_truth(&job);
            if is_so(&job) {
                return job;
            }
            if began.elapsed() > limit {
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
            let kinds = "streamjobs,pods,services,configmaps,secrets,networkpolicies,poddisruptionbudgets";
            let left = self.kubectl.run(["get", kinds, "-l", "millstream.dev/job", "-o", "name"]).succeeded();
            let jobs = self.kubectl.run(["get", "streamjobs", "-o", "name"]).succeeded();
            if left.is_empty() && jobs.is_empty() {
                return;
            }
            assert!(began.elapsed() < LIMIT, "left: {left}{jobs}\n{}", self.log());
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until the object is gone, with or without what belongs to it.
    #[track_caller]
    pub(crate) fn wait_until_the_job_is_gone(&self, name: &str) {
        let job = format!("streamjob/{name}");
        self.kubectl.run(["wait", "--for=delete", "--timeout=60s", &job]).succeeded();
    }

    /// The folders of savepoints below the state.
    pub(crate) fn savepoints(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.state()];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            let is_home = folder.file_name().is_some_and(|name| name == "savepoint");
            for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    if is_home { &mut found } else { &mut folders }.push(entry);
                }
            }
        }
        found
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
        self.operator.as_ref().map(|operator| operator.log()).unwrap_or_default()
    }

    pub(crate) fn report(&self, name: &str) -> String {
        let job = self.kubectl.run(["get", "streamjob", name, "-o", "yaml"]).output;
        let pods = self.kubectl.run(["get", "pods", "-o", "yaml"]).output;
        format!("{job}\n{pods}\n{}", self.log())
    }

    /// The rows in a folder, so far.
    pub(crate) fn rows(&self, folder: &str) -> Vec<Value> {
        let files = visible(&self.out(folder)).into_iter().map(|file| fs::read_to_string(file).unwrap());
        let rows = files.map(|text| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect());
        rows.collect::<Vec<Vec<Value>>>().concat()
    }

    /// How often each id was written, so far.
    pub(crate) fn written(&self, folder: &str) -> BTreeMap<u64, u32> {
        let mut ids = BTreeMap::new();
        for row in self.rows(folder) {
            *ids.entry(row["id"].as_u64().unwrap()).or_default() += 1;
        }
        ids
    }

    /// Every id up to the highest that was written is there once.
    #[track_caller]
    pub(crate) fn assert_each_row_once(&self) -> u64 {
        let ids = self.written("out");
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

/// A condition.
pub(crate) fn find<'a>(job: &'a Value, kind: &str) -> &'a Value {
    let conditions = job["status"]["conditions"].as_array();
    conditions.and_then(|all| all.iter().find(|c| c["type"] == kind)).unwrap_or(&Value::Null)
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
