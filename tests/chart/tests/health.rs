//! What kstatus, Argo CD and Flux make of a job in each situation of the design's table.
//!
//! The statuses are those that `operator/lifecycle` writes: its tests record them.

use std::collections::BTreeMap;
use std::fs;

use millstream_test_chart::judge;
use millstream_test_kube::checkout;
use serde_json::{Value, json};

/// Situation, and what kstatus, Argo CD and Flux have to say.
const EXPECTED: &[(&str, &str, &str, &str)] = &[
    ("created", "InProgress", "Progressing", "InProgress"),
    ("deploying", "InProgress", "Progressing", "InProgress"),
    ("running", "Current", "Healthy", "Current"),
    ("edited and not looked at yet", "InProgress", "Progressing", "InProgress"),
    ("upgrading", "InProgress", "Progressing", "InProgress"),
    ("on trial", "InProgress", "Progressing", "InProgress"),
    ("upgraded", "Current", "Healthy", "Current"),
    ("a plan waits for its approval", "InProgress", "Suspended", "InProgress"),
    ("rescaling", "InProgress", "Progressing", "InProgress"),
    ("restoring", "InProgress", "Progressing", "InProgress"),
    ("restarting", "InProgress", "Progressing", "InProgress"),
    ("finished", "Current", "Healthy", "Current"),
    ("suspended", "Current", "Healthy", "Current"),
    ("created suspended", "Current", "Healthy", "Current"),
    ("checkpoints fail", "Current", "Healthy", "Current"),
    ("restarts exhausted", "Failed", "Degraded", "Failed"),
    ("bad spec", "Failed", "Degraded", "Failed"),
    ("bad spec over a running job", "Failed", "Degraded", "Failed"),
    ("bad SQL over a running job", "Failed", "Degraded", "Failed"),
    ("config map with the SQL missing", "Failed", "Degraded", "Failed"),
    ("nothing to restore", "Failed", "Degraded", "Failed"),
    ("image missing", "InProgress", "Progressing", "InProgress"),
    ("rolled back", "Failed", "Degraded", "Failed"),
    ("being deleted", "Terminating", "Progressing", "InProgress"),
];

/// Jobs by their situation.
fn recorded() -> BTreeMap<String, Value> {
    let text = fs::read_to_string(checkout().join("operator/lifecycle/tests/statuses.jsonl")).unwrap();
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        (line["situation"].as_str().unwrap().to_owned(), line["object"].clone())
    };
    text.lines().map(line).collect()
}

#[test]
fn every_situation_is_judged_as_the_design_says() {
    let jobs = recorded();
    assert_eq!(jobs.len(), EXPECTED.len(), "{:?}", jobs.keys());
    let objects: Vec<_> = EXPECTED.iter().map(|(situation, ..)| jobs[*situation].clone()).collect();
    let mut wrong = Vec::new();
    for ((situation, kstatus, argocd, flux), said) in EXPECTED.iter().zip(judge(&objects)) {
        let found = (said.kstatus.status.as_str(), said.argocd.status.as_str(), said.flux.status.as_str());
        if found != (kstatus, argocd, flux) {
            wrong.push(format!("{situation}: {said:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Argo CD shows the message of a check to people.
#[test]
fn argo_cd_says_why() {
    let jobs = recorded();
    let of = |situation: &str| judge(std::slice::from_ref(&jobs[situation]))[0].argocd.message.clone();
    assert_eq!(of("suspended"), format!("Suspended: {}", message(&jobs["suspended"])));
    assert!(of("bad SQL over a running job").contains("line 1: no table `t`"));
    assert_eq!(of("edited and not looked at yet"), "the operator has not looked at the newest spec yet");
}

fn message(job: &Value) -> &str {
    let conditions = job["status"]["conditions"].as_array().unwrap();
    conditions.iter().find(|c| c["type"] == "Ready").unwrap()["message"].as_str().unwrap()
}

/// Nothing is taken for done that nobody has looked at, of either kind.
#[test]
fn an_object_without_a_status_is_not_ready() {
    for kind in ["StreamJob", "StreamSnapshot"] {
        let metadata = json!({"name": "new", "namespace": "n", "generation": 1});
        let new =
            json!({"apiVersion": "millstream.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": {}});
        let mut empty = new.clone();
        empty["status"] = json!({});
        for said in judge(&[new, empty]) {
            assert_eq!(said.argocd.status, "Progressing");
            assert!(["Unknown", "InProgress"].contains(&said.flux.status.as_str()), "{said:?}");
        }
    }
}
