//! The operator with the rights that the chart gives it, through the life of a job.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use millstream_test_chart::{Rendered, render_as};
use millstream_test_kube::{ControlPlane, Kubectl, Namespace};
use millstream_test_operator::{Kubelet, Process, program};
use serde_json::Value;

/// How long anything may take on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(180);

/// What was seen of such a life.
pub(crate) struct Life {
    /// What the operator is granted: group, resource, verb.
    pub(crate) granted: BTreeSet<Call>,
    /// What it called.
    pub(crate) called: BTreeSet<Call>,
    /// What it was refused.
    pub(crate) refused: Vec<String>,
    /// Names of the metrics of operator, coordinator and worker.
    pub(crate) metrics: BTreeMap<&'static str, BTreeSet<String>>,
}

/// Group, resource with its subresource, verb.
pub(crate) type Call = (String, String, String);

/// One that watches the whole cluster, in a cluster that was empty before the chart came.
pub(crate) fn life() -> &'static Life {
    static LIFE: LazyLock<Life> = LazyLock::new(|| live("life", "watch: {selector: shard=a}", true));
    &LIFE
}

/// One that watches a single namespace; only what it was refused is of interest.
pub(crate) fn life_in_one_namespace() -> Life {
    live("alone", "watch: {namespace: NAMESPACE}", false)
}

/// A control plane with an audit log, also where the other tests use a cluster that is there.
fn plane() -> &'static ControlPlane {
    static PLANE: LazyLock<ControlPlane> = LazyLock::new(ControlPlane::start);
    &PLANE
}

fn live(name: &str, values: &str, is_whole: bool) -> Life {
    let (home, space) = (plane().namespace(&format!("{name}-home")), plane().namespace(name));
    let values = format!(
        "{{engine: {{image: {{repository: millstream.test/engine, tag: '1'}}}}, {}}}",
        values.replace("NAMESPACE", space.namespace())
    );
    let rendered = render_as(home.namespace(), &values).unwrap();
    let kubectl = plane().kubectl();
    let apply = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    kubectl.run_with(&rendered.list(), apply).succeeded();
    kubectl
        .run(["wait", "--for=condition=Established", "--timeout=60s", "crd/streamjobs.millstream.dev"])
        .succeeded();
    let operator = start(&home, &rendered);
    let _node = Kubelet::start(&space, program("millstream"));
    let metrics = if is_whole { whole_life(&space, &operator) } else { short_life(&space, &operator) };
    operator.end();
    let user = format!("system:serviceaccount:{}:millstream-operator", home.namespace());
    let (called, refused) = audited(&user);
    Life { granted: granted(&rendered), called, refused, metrics }
}

/// Created, edited, rescaled, written into a snapshot, suspended, resumed, edited wrongly, deleted.
fn whole_life(space: &Namespace, operator: &Process) -> BTreeMap<&'static str, BTreeSet<String>> {
    let folder = tempfile::tempdir().unwrap();
    let job = Job { space, operator, folder: folder.path() };
    job.apply("id % 7", "");
    job.wait("ready", |job| is_ready(job, "Running"));
    job.apply("id % 5", "");
    job.wait("upgraded", |job| is_ready(job, "Running") && job["status"]["attempt"] == 2);
    // Pods that run get labels and annotations.
    job.apply("id % 5", "worker: {podTemplate: {metadata: {annotations: {team: data}}}}");
    job.wait("labelled", |job| is_ready(job, "Running") && job["status"]["attempt"] == 2);
    job.apply("id % 5", "parallelism: 3");
    job.wait("rescaled", |job| is_ready(job, "Running") && job["status"]["parallelism"]["current"] == 3);
    let metrics = BTreeMap::from([
        ("operator", names(&operator.page("/metrics").unwrap())),
        ("coordinator", names(&job.metrics_of("coordinator"))),
        ("worker", names(&job.metrics_of("worker"))),
    ]);
    job.snapshot();
    job.stray_snapshot();
    job.apply("id % 5", "desiredState: Suspended");
    job.wait("suspended", |job| is_ready(job, "Suspended"));
    job.apply("id % 5", "");
    job.wait("resumed", |job| is_ready(job, "Running"));
    job.apply("id % 5", "desiredState: Suspended");
    job.wait("suspended again", |job| is_ready(job, "Suspended"));
    job.delete();
    metrics
}

fn short_life(space: &Namespace, operator: &Process) -> BTreeMap<&'static str, BTreeSet<String>> {
    let folder = tempfile::tempdir().unwrap();
    let job = Job { space, operator, folder: folder.path() };
    job.apply("id % 7", "");
    job.wait("ready", |job| is_ready(job, "Running"));
    job.delete();
    BTreeMap::new()
}

/// The operator as the chart starts it, with a token of its service account.
fn start(home: &Namespace, rendered: &Rendered) -> Process {
    let folder = tempfile::tempdir().unwrap();
    let spec = &rendered.one("Deployment")["spec"]["template"]["spec"];
    let account = spec["serviceAccountName"].as_str().unwrap();
    let token = home.run(["create", "token", account]).succeeded();
    let kubeconfig = folder.path().join("kubeconfig");
    fs::write(&kubeconfig, with_token(home, token.trim())).unwrap();
    // Where its secret would be mounted. It is not there yet.
    let mounts = format!("={}/tls/", folder.path().display());
    let args = spec["containers"][0]["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap());
    let args: Vec<String> =
        args.filter(|arg| !arg.starts_with("--http=")).map(|arg| arg.replace("=/tls/", &mounts)).collect();
    Process::start(&program("millstream-operator"), &kubeconfig, folder, args)
}

/// The kubeconfig of this `kubectl` for somebody else.
fn with_token(kubectl: &Kubectl, token: &str) -> String {
    let text = fs::read_to_string(kubectl.kubeconfig()).unwrap();
    let (before, rest) = text.split_once("token: ").unwrap();
    let (_, after) = rest.split_once('}').unwrap();
    format!("{before}token: {token}}}{after}")
}

struct Job<'a> {
    space: &'a Namespace,
    operator: &'a Process,
    folder: &'a Path,
}

impl Job<'_> {
    /// The SQL is in a config map, which only such a job makes the operator read.
    fn apply(&self, select: &str, more: &str) {
        let folder = self.folder.display();
        let manifest = format!(
            "apiVersion: v1
kind: ConfigMap
metadata: {{name: sql}}
data:
  job.sql: |
    CREATE TABLE numbers (id BIGINT, at AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR at AS at) WITH (
      'connector' = 'datagen', 'rows-per-second' = '500', 'number-of-rows' = '10000000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1',
      'fields.id.end' = '10000000');
    CREATE TABLE written (id BIGINT, k BIGINT) WITH ('connector' = 'filesystem', 'path' = '{folder}/out', 'format' = 'json');
    INSERT INTO written SELECT id, ${{SELECT}} FROM (SELECT DISTINCT id FROM numbers);
---
apiVersion: millstream.dev/v1alpha1
kind: StreamJob
metadata: {{name: orders, labels: {{shard: a}}}}
spec:
  sqlFrom: {{configMapKeyRef: {{name: sql, key: job.sql}}}}
  variables: {{SELECT: '{select}'}}
  state: {{storage: 'file://{folder}/state'}}
  checkpoint: {{interval: 500ms}}
  stability: {{minRunning: 1s, minCheckpoints: 1}}
  {more}
"
        );
        self.space.apply(&manifest).succeeded();
    }

    #[track_caller]
    fn wait(&self, what: &str, is_so: impl Fn(&Value) -> bool) {
        let began = Instant::now();
        loop {
            let job = self.space.get("streamjob", "orders");
            if is_so(&job) {
                return;
            }
            assert!(began.elapsed() < LIMIT, "it is not {what}: {job}\n{}", self.operator.log());
            thread::sleep(Duration::from_millis(200));
        }
    }

    fn delete(&self) {
        let deleted = self.space.run(["delete", "streamjob", "orders", "--timeout=120s"]);
        assert!(deleted.success, "{}\n{}", deleted.errors, self.operator.log());
    }

    /// Taken, and deleted with its files.
    fn snapshot(&self) {
        let manifest = "apiVersion: millstream.dev/v1alpha1\nkind: StreamSnapshot\nmetadata: {name: mine}\nspec: {jobRef: {name: orders}, \
                        deletionPolicy: Delete}\n";
        self.space.apply(manifest).succeeded();
        for what in [["wait", "--for=condition=Ready"].as_slice(), &["delete"]] {
            let asked = [what, &["streamsnapshot/mine", "--timeout=120s"]].concat();
            let done = self.space.run(asked);
            assert!(done.success, "{}\n{}", done.errors, self.operator.log());
        }
    }

    /// One of a job that is not there: whether it is another operator's has to be asked.
    fn stray_snapshot(&self) {
        let manifest = "apiVersion: millstream.dev/v1alpha1\nkind: StreamSnapshot\nmetadata: {name: stray}\nspec: {jobRef: {name: nobody}, \
                        deletionPolicy: Delete}\n";
        self.space.apply(manifest).succeeded();
        for what in [["wait", "--for=jsonpath={.status.phase}=Pending"].as_slice(), &["delete"]] {
            let asked = [what, &["streamsnapshot/stray", "--timeout=120s"]].concat();
            let done = self.space.run(asked);
            assert!(done.success, "{}\n{}", done.errors, self.operator.log());
        }
    }

    fn metrics_of(&self, component: &str) -> String {
        let selector = format!("millstream.dev/component={component}");
        let pods = self.space.run(["get", "pods", "-l", &selector, "-o", "json"]).succeeded();
        let pods: Value = serde_json::from_str(&pods).unwrap();
        let is_running = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
        let pod = pods["items"].as_array().unwrap().iter().find(is_running).unwrap();
        get(&format!("{}:9090", pod["status"]["podIP"].as_str().unwrap()), "/metrics")
    }
}

/// Ready for the newest spec, in this phase.
fn is_ready(job: &Value, phase: &str) -> bool {
    let conditions = job["status"]["conditions"].as_array();
    let ready = conditions.and_then(|all| all.iter().find(|c| c["type"] == "Ready"));
    job["status"]["observedGeneration"] == job["metadata"]["generation"]
        && job["status"]["phase"] == phase
        && ready.is_some_and(|ready| ready["status"] == "True")
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    answer
}

/// Names of metrics that have a value.
fn names(text: &str) -> BTreeSet<String> {
    let values = text.lines().filter(|line| !line.starts_with('#'));
    values.filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned).collect()
}

/// Everything that roles of the chart grant to the operator.
fn granted(rendered: &Rendered) -> BTreeSet<Call> {
    let mut granted = BTreeSet::new();
    let roles = rendered.of("Role").into_iter().chain(rendered.of("ClusterRole"));
    // Those with these labels are for people.
    let is_own = |role: &&Value| {
        role["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-view"].is_null()
            && role["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-edit"].is_null()
    };
    for rule in roles.filter(is_own).flat_map(|role| role["rules"].as_array().unwrap()) {
        let words = |field: &str| -> Vec<String> {
            rule[field].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
        };
        for group in words("apiGroups") {
            for resource in words("resources") {
                for verb in words("verbs") {
                    granted.insert((group.clone(), resource.clone(), verb));
                }
            }
        }
    }
    granted
}

/// What this user called and was refused, as the API server wrote it down.
fn audited(user: &str) -> (BTreeSet<Call>, Vec<String>) {
    let folder = Path::new(plane().kubectl().kubeconfig()).parent().unwrap().to_owned();
    let (mut called, mut refused) = (BTreeSet::new(), Vec::new());
    for line in fs::read_to_string(folder.join("audit.log")).unwrap().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        if event["user"]["username"] != user {
            continue;
        }
        let object = &event["objectRef"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut resource = text(&object["resource"]);
        if let Some(sub) = object["subresource"].as_str() {
            resource += &format!("/{sub}");
        }
        let (group, verb) = (text(&object["apiGroup"]), text(&event["verb"]));
        match event["responseStatus"]["code"].as_u64() {
            Some(403) => refused.push(format!("{verb} {resource}: {}", event["responseStatus"]["message"])),
            // Server-side apply that creates is asked for both.
            Some(201) => {
                called.insert((group.clone(), resource.clone(), "create".to_owned()));
            }
            _ => {}
        }
        called.insert((group, resource, verb));
    }
    (called, refused)
}
