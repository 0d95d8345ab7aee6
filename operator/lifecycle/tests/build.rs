//! The objects of deployments as YAML, committed beside this test: what changes in them is seen in a review.
//!
//! `MILLSTREAM_RECORD=1 cargo test -p millstream-lifecycle --test build` writes the files again; read the difference before you commit it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use millstream_api::k8s_openapi::api::core::v1::{ConfigMap, Pod, Service};
use millstream_api::k8s_openapi::api::networking::v1::NetworkPolicy;
use millstream_api::k8s_openapi::api::policy::v1::PodDisruptionBudget;
use millstream_api::streamsnapshot::AccessStatus;
use millstream_api::{StreamJob, ValidatedJob};
use millstream_lifecycle::build::{
    Blueprint, Built, Start, ToolBlueprint, deployment, planner, read_certificates, read_deployed, tool,
    workers_for,
};
use millstream_lifecycle::observed::{
    Certificates, ChildKind, ObjectFacts, OperatorSettings, Transport, Validity,
};
use millstream_lifecycle::snapshot::{SnapshotFacts, Task};
use millstream_lifecycle::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn object() -> ObjectFacts {
    ObjectFacts {
        name: "orders".into(),
        namespace: "payments".into(),
        uid: "0d7c3d6e".into(),
        generation: 3,
        created: Timestamp::UNIX_EPOCH,
        deleted: None,
        has_finalizer: true,
        approved: None,
        skips_deletion_policy: false,
    }
}

fn operator(tls: Transport) -> OperatorSettings {
    OperatorSettings {
        image: "ghcr.io/millstream/millstream:0.1.0".into(),
        pull_policy: None,
        service_account: Some("millstream-job".into()),
        tls,
        client_ca: "operator CA\n".into(),
    }
}

fn job(spec: Value) -> ValidatedJob {
    StreamJob::new("orders", serde_json::from_value(spec).unwrap()).validate().unwrap()
}

/// As they are while a renewal is announced.
fn certificates() -> Certificates {
    let pem = |text: &str| format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    let at = |seconds| Timestamp::from_second(seconds).unwrap();
    Certificates {
        authorities: vec![pem("new"), pem("old")],
        valid: Some(Validity { since: at(0), until: at(90) }),
        announced: Some(at(60)),
    }
}

/// Builds with these settings.
fn built(spec: Value, start: Start, tls: Transport, build: fn(&Blueprint<'_>) -> Vec<Built>) -> Vec<Built> {
    let (object, operator, job) = (object(), operator(tls), job(spec));
    let parallelism = i32::try_from(job.parallelism).unwrap();
    let certificates = certificates();
    build(&Blueprint {
        object: &object,
        operator: &operator,
        job: &job,
        image: &operator.image,
        attempt: 7,
        plan: "p3-1a2b3c4d",
        generation: 3,
        parallelism,
        workers: workers_for(parallelism, job.cluster.slots),
        start,
        restore: job.restore.as_ref(),
        lost: Vec::new(),
        transport: tls,
        certificates: Some(&certificates),
    })
}

fn plain() -> Value {
    json!({"sql": "SELECT 1", "parallelism": 3, "state": {"storage": "s3://bucket/streams"}})
}

fn full() -> Value {
    json!({
        "sql": "SELECT 1", "state": {"storage": "s3://bucket/streams", "backend": "RocksDB"},
        "secrets": [{"name": "kafka.credentials"}], "variables": {"BROKERS": "kafka:9092"},
        "coordinator": {"resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
            "podTemplate": {"metadata": {"labels": {"team": "risk", "millstream.dev/attempt": "99"}},
                "spec": {"nodeSelector": {"disk": "ssd"}, "containers": [
                    {"name": "coordinator", "env": [{"name": "AWS_REGION", "value": "eu-central-1"}]},
                    {"name": "proxy", "image": "proxy:1"},
                ]}}},
        "worker": {"slots": 4, "podTemplate": {"metadata": {"annotations": {"scrape": "true"}}, "spec": {
            "serviceAccountName": "orders",
            "containers": [
                {"name": "worker", "env": [{"name": "AWS_REGION", "value": "eu-central-1"}],
                    "securityContext": {"privileged": true}},
                {"name": "proxy", "image": "proxy:1"},
            ],
            "volumes": [{"name": "data", "ephemeral": {"volumeClaimTemplate": {"spec": {
                "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}}}}],
        }}},
    })
}

fn as_yaml(built: &[Built]) -> String {
    let mut text = String::new();
    for object in built {
        writeln!(text, "---\n{}", serde_saphyr::to_string(&object.value).unwrap().trim_end()).unwrap();
    }
    text
}

fn cases() -> Vec<(&'static str, Vec<Built>)> {
    vec![
        ("plain", built(plain(), Start::Newest(Some(41)), Transport::Tls, deployment)),
        ("full", built(full(), Start::Newest(None), Transport::Plaintext, deployment)),
        ("planner", built(full(), Start::Newest(None), Transport::Tls, planner)),
        (SNAPSHOT, vec![of_snapshot(Task::Check), of_snapshot(Task::Delete)]),
    ]
}

/// The case that belongs to no deployment.
const SNAPSHOT: &str = "snapshot";

fn of_snapshot(task: Task) -> Built {
    let snapshot = SnapshotFacts {
        name: "nightly".into(),
        namespace: "payments".into(),
        uid: "5a1e2b3c-4d5e-6f70".into(),
        generation: 1,
        deleted: None,
        has_finalizer: true,
        skips_deletion_policy: false,
    };
    let mut job = job(full());
    let template = job.cluster.coordinator.template.as_mut().unwrap();
    // Neither makes it a pod of the job, and none of them runs an image of long ago.
    let containers = template.0["spec"]["containers"].as_array_mut().unwrap();
    containers[0]["image"] = json!("old.example/engine:0");
    template.0["metadata"]["labels"]["millstream.dev/job"] = json!("orders");
    let access = AccessStatus { secrets: job.secrets, pod_template: job.cluster.coordinator.template };
    let operator = operator(Transport::Tls);
    let uri = "s3://bucket/streams/savepoints/payments.orders/nightly-5a1e2b3c4d5e";
    tool(&ToolBlueprint { snapshot: &snapshot, operator: &operator, access: &access, task, uri })
}

#[test]
fn a_pod_of_a_snapshot_is_no_jobs() {
    for task in [Task::Check, Task::Delete] {
        let pod = of_snapshot(task).value;
        assert!(pod["metadata"]["labels"].get("millstream.dev/job").is_none());
        assert_eq!(pod["metadata"]["ownerReferences"][0]["kind"], "StreamSnapshot");
        let containers = pod["spec"]["containers"].as_array().unwrap();
        assert_eq!(
            (containers.len(), &containers[0]["image"]),
            (1, &json!("ghcr.io/millstream/millstream:0.1.0"))
        );
        assert_eq!(pod["spec"]["nodeSelector"]["disk"], "ssd", "where the job's coordinator ran");
    }
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/objects").join(format!("{name}.yaml"))
}

#[test]
fn objects_are_as_recorded() {
    for (name, built) in cases() {
        let text = as_yaml(&built);
        if std::env::var_os("MILLSTREAM_RECORD").is_some() {
            fs::write(file(name), &text).unwrap();
        }
        assert_eq!(text, fs::read_to_string(file(name)).unwrap(), "{name}");
        assert_eq!(cases(), cases(), "building is deterministic");
    }
}

/// Reads an object as Kubernetes' own type and writes it again: a field that the type does not know would be lost.
fn round<T: Serialize + DeserializeOwned>(value: &Value) -> Value {
    serde_json::to_value(serde_json::from_value::<T>(value.clone()).unwrap()).unwrap()
}

#[test]
fn objects_are_kubernetes_objects() {
    for (name, built) in cases() {
        for object in built {
            let back = match object.kind {
                ChildKind::ConfigMap => round::<ConfigMap>(&object.value),
                ChildKind::Service => round::<Service>(&object.value),
                ChildKind::NetworkPolicy => round::<NetworkPolicy>(&object.value),
                ChildKind::PodDisruptionBudget => round::<PodDisruptionBudget>(&object.value),
                ChildKind::Pod => round::<Pod>(&object.value),
                ChildKind::Secret => panic!("{name}: a secret is made by the controller"),
            };
            assert_eq!(without_empty(&back), without_empty(&object.value), "{name} {object:?}");
        }
    }
}

/// Empty objects and lists mean the same as absent ones to some of the types.
fn without_empty(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().map(|(key, value)| (key.clone(), without_empty(value)));
            Value::Object(kept.filter(|(_, v)| *v != json!({}) && *v != json!([])).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_empty).collect()),
        other => other.clone(),
    }
}

fn pods(built: &[Built]) -> Vec<&Value> {
    built.iter().filter(|object| object.kind == ChildKind::Pod).map(|object| &object.value).collect()
}

#[test]
fn rule_13_pods_mount_no_token_and_follow_the_restricted_profile() {
    for (name, built) in cases() {
        for pod in pods(&built) {
            let spec = &pod["spec"];
            // An identity towards a cloud is a job's own; a token for the API server it has none of.
            let is_named = name == "full" && pod["metadata"]["name"] == "orders-worker-7-0";
            let account = if is_named { "orders" } else { "millstream-job" };
            assert_eq!(spec["serviceAccountName"], account, "{name}");
            assert_eq!(spec["automountServiceAccountToken"], false, "{name}");
            assert_eq!(spec["securityContext"]["runAsNonRoot"], true);
            assert_eq!(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
            assert!(["hostNetwork", "hostPID", "hostIPC"].iter().all(|field| spec.get(field).is_none()));
            for container in spec["containers"].as_array().unwrap() {
                let context = &container["securityContext"];
                assert_eq!(context["allowPrivilegeEscalation"], false);
                assert_eq!(context["readOnlyRootFilesystem"], true);
                assert_eq!(context["capabilities"], json!({"drop": ["ALL"]}));
                assert!(context.get("privileged").is_none());
            }
        }
    }
}

#[test]
fn rule_03_every_object_says_whose_it_is_and_what_it_was_made_for() {
    for (name, built) in cases().into_iter().filter(|(name, _)| *name != SNAPSHOT) {
        for object in built {
            let metadata = &object.value["metadata"];
            let labels = &metadata["labels"];
            let attempt = if name == "planner" { "0" } else { "7" };
            assert_eq!(labels["millstream.dev/job"], "orders");
            assert_eq!(labels["millstream.dev/attempt"], attempt, "an overlay cannot change it");
            assert_eq!(labels["millstream.dev/generation"], "3");
            assert_eq!(labels["millstream.dev/plan"], "p3-1a2b3c4d");
            assert_eq!(metadata["ownerReferences"][0]["uid"], "0d7c3d6e");
            assert_eq!(metadata["annotations"]["millstream.dev/applied"], object.applied.as_str());
        }
    }
}

fn coordinator_args(start: Start) -> (Vec<String>, Option<String>) {
    let built = built(plain(), start, Transport::Tls, deployment);
    let container = pods(&built)[0]["spec"]["containers"][0].clone();
    let args =
        container["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap().to_owned()).collect();
    let floor =
        container["env"].as_array().unwrap().iter().find(|env| env["name"] == "MILLSTREAM_AT_LEAST_EPOCH");
    (args, floor.map(|env| env["value"].as_str().unwrap().to_owned()))
}

#[test]
fn a_coordinator_is_told_its_start() {
    for (start, expected, floor) in [
        (Start::Newest(Some(41)), vec![], Some("41")),
        (Start::Newest(None), vec![], None),
        (Start::Standby(Some(41)), vec!["--standby"], Some("41")),
        (Start::Empty, vec!["--fresh", "--yes"], None),
        (Start::Snapshot("s3://b/s".into()), vec!["--from-savepoint=s3://b/s", "--yes"], None),
        (Start::Epoch("40".into()), vec!["--from-epoch=40", "--yes"], None),
    ] {
        let (args, found) = coordinator_args(start);
        let options = ["--standby", "--fresh", "--yes", "--from-"];
        let about: Vec<_> =
            args.iter().filter(|arg| options.iter().any(|option| arg.starts_with(option))).collect();
        assert_eq!(about, expected);
        assert_eq!(found.as_deref(), floor);
    }
}

#[test]
fn a_config_map_remembers_what_was_deployed() {
    let mut spec = full();
    spec["restore"] = json!({"from": "s3://b/s"});
    let built = built(spec.clone(), Start::Newest(None), Transport::Tls, deployment);
    let deployed = read_deployed(&built[0].value).unwrap();
    assert_eq!(deployed.image, "ghcr.io/millstream/millstream:0.1.0");
    assert_eq!(deployed.job.restore, job(spec.clone()).restore, "what it was begun from");
    assert_eq!(deployed.job.cluster.slots, 4);
    assert_eq!(deployed.revision, millstream_lifecycle::diff::revision(&job(spec)));
    assert_eq!(read_deployed(&json!({"data": {"job.json": "{}"}})), None);
}

#[test]
fn how_processes_talk_is_remembered() {
    let said = |value: &Value| read_deployed(value).map(|deployed| deployed.transport);
    for transport in [Transport::Tls, Transport::Plaintext] {
        let mut map = built(plain(), Start::Newest(None), transport, deployment)[0].value.clone();
        assert_eq!(said(&map), Some(transport));
        map["metadata"]["annotations"]["millstream.dev/transport"] = json!("Carrier pigeon");
        assert_eq!(said(&map), None);
        map["metadata"]["annotations"].as_object_mut().unwrap().remove("millstream.dev/transport");
        assert_eq!(said(&map), Some(Transport::Plaintext), "an operator of before made it");
    }
}

#[test]
fn a_config_map_remembers_the_public_part_of_certificates() {
    let built = built(plain(), Start::Newest(None), Transport::Tls, deployment);
    let map = built.iter().find(|object| object.name == "orders-tls-7").unwrap();
    assert_eq!(read_certificates(&map.value), certificates());
    let data = &map.value["data"];
    let text = |key: &str| data[key].as_str().unwrap();
    assert!(!text("ca.crt").contains("operator CA"), "a worker has nothing to do with the operator");
    assert!(text("coordinator-ca.crt").starts_with(text("ca.crt")));
    assert!(text("coordinator-ca.crt").ends_with("operator CA\n"));
    assert!(!map.value.to_string().contains("PRIVATE"));
    for (field, odd) in [
        ("metadata", json!({"annotations": {"millstream.dev/certificates-since": "yesterday"}})),
        ("data", json!({})),
        ("data", json!({"ca.crt": "-----BEGIN CERTIFICATE-----\ncut off"})),
        ("data", json!(null)),
    ] {
        let mut edited = map.value.clone();
        edited[field] = odd.clone();
        assert_eq!(read_certificates(&edited).valid, None, "{field} {odd}");
    }
}

#[test]
fn names_fit_where_they_go() {
    let longest = "j".repeat(45);
    for name in [
        millstream_lifecycle::names::coordinator(&longest, 99_999),
        millstream_lifecycle::names::workers(&longest, 99_999),
        millstream_lifecycle::names::worker(&longest, 99_999, 9_999),
    ] {
        assert!(name.len() <= 63, "{name}");
    }
    for (parallelism, slots, expected) in [(1, 2, 1), (2, 2, 1), (3, 2, 2), (256, 1, 256), (5, 1_024, 1)] {
        assert_eq!(workers_for(parallelism, slots), expected);
    }
}
