//! A job on the cluster: its manifest, and what is seen of it.

use std::thread;
use std::time::{Duration, Instant};

use millstream_test_kube::Kubectl;
use serde_json::Value;

/// How long anything may take on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_millis(200);

/// What changes in the job's manifest.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Rows hold `id` modulo this.
    pub modulus: u64,
    /// Subtasks of each step.
    pub parallelism: u32,
    /// How many rows the source makes in a second.
    pub rows_per_second: u64,
}

impl Manifest {
    /// The ids that are counted are the multiples of this.
    pub fn printed_every(&self) -> u64 {
        (self.rows_per_second / 50).max(1)
    }

    /// The whole text. Two things come out: rows in the bucket, exactly once; and on standard output, at least once, how many rows of
    /// each kind there were, a hundred lines a second, whose times tell when the job did not work.
    pub fn text(&self) -> String {
        let Self { modulus, parallelism, rows_per_second } = self;
        let printed = self.printed_every();
        // Workers of one slot each, so that there is one on each node.
        let pod = |container: &str, more: &str| {
            let env = format!("[{{name: {container}, envFrom: [{{secretRef: {{name: bucket}}}}]}}]");
            let resources = "{requests: {cpu: 50m, memory: 128Mi}, limits: {memory: 1Gi}}";
            format!("{{{more}resources: {resources}, podTemplate: {{spec: {{containers: {env}}}}}}}")
        };
        format!(
            "apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata: {{name: orders}}
spec:
  sql: |
    CREATE TABLE numbers (id BIGINT) WITH (
      'connector' = 'datagen', 'rows-per-second' = '{rows_per_second}', 'number-of-rows' = '100000000',
      'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '100000000');
    CREATE TABLE written (id BIGINT, k BIGINT) WITH ('connector' = 'filesystem', 'path' = 's3://streams/out', 'format' = 'json');
    CREATE TABLE counted (kind BIGINT, n BIGINT) WITH ('connector' = 'print');
    INSERT INTO written SELECT id, id % {modulus} FROM (SELECT DISTINCT id FROM numbers);
    INSERT INTO counted SELECT kind, COUNT(*) FROM (SELECT id % 3 AS kind FROM numbers WHERE id % {printed} = 0) GROUP BY kind;
  parallelism: {parallelism}
  state: {{storage: 's3://streams/jobs'}}
  checkpoint: {{interval: 2s}}
  stability: {{minRunning: 5s, minCheckpoints: 1}}
  deletionPolicy: Drain
  coordinator: {}
  worker: {}
",
            pod("coordinator", ""),
            pod("worker", "slots: 1, ")
        )
    }
}

/// The job `orders` in a namespace.
#[derive(Clone, Debug)]
pub struct Job {
    kubectl: Kubectl,
    /// Where the operator is.
    home: Kubectl,
}

impl Job {
    /// It need not be there yet.
    pub fn new(kubectl: Kubectl, home: Kubectl) -> Self {
        Self { kubectl, home }
    }

    /// `kubectl` in its namespace.
    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// `kubectl apply`.
    ///
    /// # Panics
    /// If it is refused.
    pub fn apply(&self, manifest: &Manifest) {
        self.kubectl.apply(&manifest.text()).succeeded();
    }

    /// Waits until the job is as asked, and returns it.
    ///
    /// # Panics
    /// After the limit, with everything that can be known.
    #[track_caller]
    pub fn wait(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let job = self.kubectl.get("streamjob", "orders");
            if is_so(&job) {
                return job;
            }
            assert!(began.elapsed() < LIMIT, "orders is not {what}\n{}", self.report());
            thread::sleep(LOOK);
        }
    }

    /// Waits until something that is no property of the job is so.
    ///
    /// # Panics
    /// After the limit, with everything that can be known.
    #[track_caller]
    pub fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        self.wait(what, |_| is_so());
    }

    /// Its pods of a component that are not about to go, by name.
    pub fn pods(&self, component: &str) -> Vec<Value> {
        let selector = format!("millstream.dev/job=orders,millstream.dev/component={component}");
        let pods = self.kubectl.run(["get", "pods", "-l", &selector, "-o", "json"]).succeeded();
        let pods: Value = serde_json::from_str(&pods).unwrap();
        let is_here = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
        pods["items"].as_array().unwrap().iter().filter(is_here).cloned().collect()
    }

    /// What is known of it: the object, its pods, and what engine and operator logged last.
    pub fn report(&self) -> String {
        let logs = |selector: &str, kubectl: &Kubectl| {
            kubectl.run(["logs", "-l", selector, "--tail=60", "--prefix", "--ignore-errors"]).output
        };
        [
            self.kubectl.run(["get", "streamjob", "orders", "-o", "yaml"]).output,
            self.kubectl.run(["get", "pods", "-o", "wide"]).output,
            self.kubectl.run(["get", "events", "--sort-by=.lastTimestamp"]).output,
            logs("millstream.dev/component=coordinator", &self.kubectl),
            logs("app.kubernetes.io/name=millstream-operator", &self.home),
        ]
        .join("\n")
    }
}

/// Known to run well with the newest spec.
pub fn is_ready(job: &Value) -> bool {
    let conditions = job["status"]["conditions"].as_array();
    let ready = conditions.and_then(|all| all.iter().find(|condition| condition["type"] == "Ready"));
    job["status"]["observedGeneration"] == job["metadata"]["generation"]
        && job["status"]["phase"] == "Running"
        && ready.is_some_and(|ready| ready["status"] == "True")
}
