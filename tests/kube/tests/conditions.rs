//! Conditions, as `kubectl wait` and everything that is built like it read them.

use std::thread;
use std::time::Duration;

use millstream_test_kube::{Answer, ControlPlane};
use serde_json::{Value, json};

fn manifest(name: &str) -> String {
    format!(
        "apiVersion: millstream.dev/v1alpha1\nkind: StreamJob\nmetadata: {{name: {name}}}\nspec: {{sql: SELECT 1}}\n"
    )
}

fn condition(kind: &str, status: &str, reason: &str, generation: i64) -> Value {
    json!({
        "type": kind, "status": status, "reason": reason, "message": "", "observedGeneration": generation,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    })
}

#[test]
fn wait_ends_when_the_job_is_ready() {
    let space = ControlPlane::shared().namespace("wait");
    space.apply(&manifest("awaited")).succeeded();
    space.patch_status(
        "awaited",
        &json!({"phase": "Deploying", "observedGeneration": 1, "conditions": [
            condition("Ready", "False", "Deploying", 1), condition("Reconciling", "True", "Deploying", 1),
        ]}),
    );
    let mut waiting = space.start(["wait", "--for=condition=Ready", "--timeout=60s", "sj/awaited"]);
    thread::sleep(Duration::from_secs(1));
    assert_eq!(waiting.try_wait().unwrap(), None, "it is not ready yet");
    space.patch_status(
        "awaited",
        &json!({"phase": "Running", "conditions": [condition("Ready", "True", "Running", 1)]}),
    );
    assert_eq!(Answer::of(waiting).succeeded(), "streamjob.millstream.dev/awaited condition met\n");
    space.run(["wait", "--for=jsonpath={.status.phase}=Running", "--timeout=10s", "sj/awaited"]).succeeded();
    let deleted = space.run(["delete", "sj", "awaited", "--wait"]).succeeded();
    assert!(deleted.starts_with("streamjob.millstream.dev \"awaited\" deleted"), "{deleted}");
}

/// `kubectl wait` takes a condition of an older generation for no answer: a job that has just been changed is not ready.
#[test]
fn wait_does_not_believe_a_condition_of_an_older_generation() {
    let space = ControlPlane::shared().namespace("stale");
    space.apply(&manifest("changed")).succeeded();
    space.patch_status("changed", &json!({"conditions": [condition("Ready", "True", "Running", 1)]}));
    let wait = |limit: &str| space.run(["wait", "--for=condition=Ready", limit, "sj/changed"]);
    wait("--timeout=30s").succeeded();
    space.run(["scale", "sj", "changed", "--replicas=2"]).succeeded();
    assert_eq!(
        wait("--timeout=1s").refused(),
        "error: timed out waiting for the condition on streamjobs/changed\n"
    );
    space.patch_status("changed", &json!({"conditions": [condition("Ready", "True", "Running", 2)]}));
    wait("--timeout=30s").succeeded();
}
