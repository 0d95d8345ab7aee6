//! Who may talk to a job, and where its keys are. Every operator of these tests acts by an account that cannot read secrets.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use millstream_lifecycle::names::{TlsRole, certificates, tls_secret};
use millstream_test_operator::{IDENTITY, Operator, program};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::job::{Manifest, World, is_ready};

const SINCE: &str = "millstream.dev/certificates-since";
const LIMIT: Duration = Duration::from_secs(120);

/// Asks a job's coordinator as a person would.
fn status(world: &World, options: &[String]) -> Result<Value, String> {
    let pod = world.kubectl().get("pod", "orders-coordinator-1");
    let address = format!("{}:6123", pod["status"]["podIP"].as_str().unwrap());
    let mut command = Command::new(program("millstream"));
    command.args(["status", "-o", "json", "--coordinator", &address]).args(options);
    let asked = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if asked.status.success() {
        return Ok(serde_json::from_slice(&asked.stdout).unwrap());
    }
    Err(text(&asked.stderr))
}

/// Options with files of this folder.
fn files(folder: &Path) -> Vec<String> {
    let of = |option: &str, name: &str| format!("{option}={}", folder.join(name).display());
    vec![of("--tls-ca", "ca.crt"), of("--tls-cert", "tls.crt"), of("--tls-key", "tls.key")]
}

/// A client's certificate of a CA that has nothing to do with the job.
fn write_strangers_certificate(folder: &Path) {
    let (key, own) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = Issuer::new(params, key);
    let client = CertificateParams::new(vec!["client.millstream.internal".to_owned()]).unwrap();
    fs::write(folder.join("tls.crt"), client.signed_by(&own, &issuer).unwrap().pem()).unwrap();
    fs::write(folder.join("tls.key"), own.serialize_pem()).unwrap();
}

fn secret(world: &World, attempt: i64, role: TlsRole) -> String {
    let job = world.job("orders");
    tls_secret("orders", job["metadata"]["uid"].as_str().unwrap(), attempt, role)
}

#[track_caller]
fn wait(world: &World, what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LIMIT, "{what} does not come\n{}", world.log());
        sleep(Duration::from_millis(200));
    }
}

pub(crate) fn a_coordinator_lets_in_its_own_workers_and_the_operator_and_nobody_else() {
    let world = World::new("strangers");
    world.apply(&Manifest::default());
    world.wait_until_ready("orders");
    let map = world.kubectl().get("configmap", &certificates("orders", 1));
    assert!(!map.to_string().contains("PRIVATE"));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ca.crt"), map["data"]["ca.crt"].as_str().unwrap()).unwrap();

    let refused = status(&world, &["--plaintext".to_owned()]).unwrap_err();
    assert!(refused.contains("it wants TLS"), "{refused}");
    write_strangers_certificate(folder.path());
    let refused = status(&world, &files(folder.path())).unwrap_err();
    assert!(refused.contains("from another CA"), "{refused}");
    // The same question with the operator's own certificate: nothing else was wrong.
    for name in ["tls.crt", "tls.key"] {
        let template = format!("go-template={{{{index .data \"{name}\" | base64decode}}}}");
        let got = world.kubectl().run(["get", "secret", IDENTITY, "-o", &template]).succeeded();
        fs::write(folder.path().join(name), got).unwrap();
    }
    assert_eq!(status(&world, &files(folder.path())).unwrap()["phase"], "Running");

    // A secret holds one certificate and its key; the CA's key is nowhere.
    for role in [TlsRole::Coordinator, TlsRole::Worker] {
        let secret = world.kubectl().get("secret", &secret(&world, 1, role));
        let keys: Vec<&String> = secret["data"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["tls.crt", "tls.key"]);
        assert_eq!(secret["metadata"]["ownerReferences"][0]["uid"], map["metadata"]["uid"]);
    }
    world.kubectl().run(["delete", "streamjob", "orders", "--wait=false"]).succeeded();
    world.wait_until_nothing_is_left();
}

pub(crate) fn certificates_are_renewed_under_a_job_that_runs() {
    let mut world = World::with("renewal", &["--certificate-lifetime", "40s"]);
    let job = Manifest::default();
    world.apply(&job);
    world.wait_until_ready("orders");
    let map = || world.kubectl().get("configmap", &certificates("orders", 1));
    let since = || map()["metadata"]["annotations"][SINCE].clone();
    let (first, began) = (since(), Instant::now());
    wait(&world, "another certificate", || since() != first);
    let authorities = map()["data"]["ca.crt"].as_str().unwrap().matches("BEGIN").count();
    assert!(authorities >= 2, "the old ones may be in use still");
    // What was there first has expired: whoever connects now has something newer.
    sleep(Duration::from_secs(42).saturating_sub(began.elapsed()));
    let before = world.written("out").len();
    world.restart_operator();
    world.kubectl().run(["delete", "pod", "orders-worker-1-0", "--wait=false"]).succeeded();
    wait(&world, "output", || world.written("out").len() > before);
    let job_now = world.wait_until_ready("orders");
    assert_eq!(job_now["status"]["attempt"], 1, "nothing was deployed anew");
    world.apply(&Manifest { select: "id % 5", ..job });
    world.wait("orders", "upgraded", |job| is_ready(job) && job["status"]["attempt"] == 2);
    assert!(world.assert_each_row_once() > 0);
}

pub(crate) fn what_has_the_names_of_certificates_already_is_not_believed() {
    let mut world = World::new("foreign");
    let job = Manifest::default();
    world.apply(&Manifest { spec: "  desiredState: Suspended\n".into(), ..job.clone() });
    world.wait("orders", "suspended", is_ready);
    let uid = world.job("orders")["metadata"]["uid"].clone();
    let plant = |world: &World, object: Value| world.kubectl().apply(&object.to_string()).succeeded();
    let config_map = |attempt: i64, owners: Value| {
        let metadata = json!({"name": certificates("orders", attempt), "ownerReferences": owners});
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": "nonsense"}})
    };
    let junk = |name: &str, immutable: bool| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "immutable": immutable,
            "type": "kubernetes.io/tls", "stringData": {"tls.crt": "old", "tls.key": "old"}})
    };
    // What an operator left that died in the middle: a config map that does not say that the secrets are there, and one of them.
    world.stop_operator();
    let owner = json!({"apiVersion": "millstream.dev/v1alpha1", "kind": "StreamJob", "name": "orders",
        "uid": uid, "controller": true});
    plant(&world, config_map(1, json!([owner])));
    plant(&world, junk(&secret(&world, 1, TlsRole::Coordinator), false));
    world.apply(&job);
    world.start_operator();
    assert_eq!(world.wait_until_ready("orders")["status"]["attempt"], 1);

    // Of somebody else, in the way of the next deployment: it waits until they are gone, and the old one runs on.
    let immutable = secret(&world, 2, TlsRole::Worker);
    plant(&world, config_map(2, json!([])));
    plant(&world, junk(&immutable, true));
    world.apply(&Manifest { select: "id % 5", ..job });
    for (kind, name) in [("ConfigMap", certificates("orders", 2)), ("Secret", immutable)] {
        let said = format!("{kind}/{name} is there already and belongs to somebody else");
        wait(&world, &said, || world.log().contains(&said));
        assert_eq!(world.job("orders")["status"]["attempt"], 1);
        world.kubectl().run(["delete", kind, &name]).succeeded();
    }
    world.wait("orders", "upgraded", |job| is_ready(job) && job["status"]["attempt"] == 2);
    assert!(world.assert_each_row_once() > 0);
}

pub(crate) fn a_deployment_in_the_clear_is_kept_until_the_next_one_has_certificates() {
    let mut world = World::with("clear", &["--plaintext"]);
    let job = Manifest::default();
    world.apply(&job);
    world.wait_until_ready("orders");
    assert_eq!(status(&world, &["--plaintext".to_owned()]).unwrap()["phase"], "Running");
    world.options.clear();
    world.restart_operator();
    world.kubectl().run(["scale", "streamjob", "orders", "--replicas=3"]).succeeded();
    let at_three = |job: &Value| {
        is_ready(job) && job["status"]["parallelism"]["current"] == 3 && job["status"]["attempt"] == 1
    };
    world.wait("orders", "at 3 in place", at_three);
    world.apply(&Manifest { select: "id % 5", spec: "  parallelism: 3\n".into(), ..job });
    world.wait("orders", "upgraded", |job| is_ready(job) && job["status"]["attempt"] == 2);
    world.kubectl().run(["get", "configmap", &certificates("orders", 2)]).succeeded();
    assert!(world.assert_each_row_once() > 0);
}

pub(crate) fn an_operator_with_another_certificate_gets_control_of_the_jobs_that_run() {
    let mut world = World::new("identity");
    let job = Manifest::default();
    world.apply(&job);
    world.wait_until_ready("orders");
    // Of two that start without files, one made the secret; the other one waits until it is mounted.
    let second = Operator::start_unmounted(world.kubectl(), &["--selector", "shard=other"]);
    wait(&world, "patience", || second.log().contains("waiting for it to be mounted"));
    assert!(!second.page("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.0 200")));
    second.mount(world.kubectl());
    second.wait_until_ready();
    drop(second);
    world.kubectl().run(["delete", "secret", IDENTITY]).succeeded();
    world.restart_operator();
    world.wait_until_ready("orders");
    world.kubectl().run(["scale", "streamjob", "orders", "--replicas=3"]).succeeded();
    let job =
        world.wait("orders", "at 3", |job| is_ready(job) && job["status"]["parallelism"]["current"] == 3);
    assert_eq!(job["status"]["attempt"], 1);
}
