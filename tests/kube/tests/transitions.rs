//! Changes of a job that is there: which ones the API server accepts, and what it says to those that it refuses.

use std::fmt::Write as _;

use millstream_test_kube::ControlPlane;
use serde_json::Value;

const FIXED: &str = "maxParallelism is fixed for the job's life, since state is stored by key group";
const STATELESS: &str = "changing upgrade.mode to Stateless gives up the job's state: set upgrade.allowStateLoss to true for this change";
const IF_PRESENT: &str = "changing restore.policy to IfPresent can start the job empty: set upgrade.allowStateLoss to true for this change";
const MOVED: &str = "changing state.storage leaves the job's state behind: name it in a new restore.from, or set upgrade.allowStateLoss to true for this change";

/// The `spec` before and after, as YAML beside `sql: SELECT 1`; then the field and the words of the refusal, both empty when the
/// change is accepted.
const CHANGES: &[(&str, &str, &str, &str)] = &[
    // Parallelism may go up and down within its bound, which stands still, also when it was only the default.
    ("parallelism: 2", "parallelism: 8", "", ""),
    ("parallelism: 8", "", "", ""),
    ("maxParallelism: 128", "maxParallelism: 128, parallelism: 128", "", ""),
    ("maxParallelism: 128", "maxParallelism: 256", "maxParallelism", FIXED),
    ("maxParallelism: 128", "maxParallelism: 64", "maxParallelism", FIXED),
    ("maxParallelism: 128", "", "maxParallelism", FIXED),
    ("", "maxParallelism: 128", "maxParallelism", FIXED),
    ("", "maxParallelism: 256", "", ""),
    (
        "maxParallelism: 128",
        "maxParallelism: 128, parallelism: 129",
        "parallelism",
        "parallelism must not be larger than maxParallelism",
    ),
    // To Stateless only with the word for it; onwards and away from it without.
    ("", "upgrade: {mode: Stateless}", "upgrade", STATELESS),
    ("upgrade: {mode: Savepoint}", "upgrade: {mode: Stateless}", "upgrade", STATELESS),
    ("upgrade: {mode: LastState}", "upgrade: {mode: Stateless, allowStateLoss: false}", "upgrade", STATELESS),
    ("upgrade: {allowStateLoss: true}", "upgrade: {mode: Stateless}", "upgrade", STATELESS),
    ("upgrade: {mode: LastState}", "upgrade: {mode: Stateless, allowStateLoss: true}", "", ""),
    ("upgrade: {mode: Stateless}", "upgrade: {mode: Stateless}, parallelism: 2", "", ""),
    ("upgrade: {mode: Stateless}", "upgrade: {mode: Savepoint}", "", ""),
    ("upgrade: {mode: Stateless}", "", "", ""),
    ("upgrade: {mode: LastState}", "upgrade: {mode: Savepoint}", "", ""),
    // The same for a restore that may find nothing.
    ("", "restore: {policy: IfPresent}", "restore", IF_PRESENT),
    (
        "restore: {from: \"s3://b/41\", policy: Required}",
        "restore: {from: \"s3://b/41\", policy: IfPresent}",
        "restore",
        IF_PRESENT,
    ),
    ("", "restore: {policy: IfPresent}, upgrade: {allowStateLoss: true}", "", ""),
    ("restore: {policy: IfPresent}", "restore: {policy: IfPresent}, parallelism: 2", "", ""),
    ("restore: {policy: IfPresent}", "restore: {policy: Required}", "", ""),
    ("", "restore: {from: \"s3://b/41\"}", "", ""),
    ("restore: {nonce: 1}", "restore: {nonce: 2}", "", ""),
    // Checkpoints elsewhere: the old place must be named, or given up.
    ("state: {storage: \"s3://a/x\"}", "state: {storage: \"s3://b/x\"}", "state", MOVED),
    ("state: {storage: \"s3://a/x\"}", "state: {backend: Memory}", "state", MOVED),
    ("state: {storage: \"s3://a/x\"}", "", "state", MOVED),
    (
        "state: {storage: \"s3://a/x\"}, restore: {from: \"s3://a/x/41\"}",
        "state: {storage: \"s3://b/x\"}, restore: {from: \"s3://a/x/41\"}",
        "state",
        MOVED,
    ),
    (
        "state: {storage: \"s3://a/x\"}, restore: {from: \"s3://a/x/41\", nonce: 1}",
        "state: {storage: \"s3://b/x\"}, restore: {from: \"s3://a/x/41\", nonce: 1}",
        "state",
        MOVED,
    ),
    (
        "state: {storage: \"s3://a/x\"}, restore: {from: \"s3://a/x/41\"}",
        "state: {storage: \"s3://b/x\"}, restore: {from: \"s3://a/x/41\", nonce: 1}",
        "",
        "",
    ),
    (
        "state: {storage: \"s3://a/x\"}",
        "state: {storage: \"s3://b/x\"}, restore: {from: \"s3://a/x/41\"}",
        "",
        "",
    ),
    (
        "state: {storage: \"s3://a/x\"}",
        "state: {storage: \"s3://b/x\"}, upgrade: {allowStateLoss: true}",
        "",
        "",
    ),
    ("state: {storage: \"s3://a/x\"}", "state: {storage: \"s3://a/x\", backend: RocksDB}", "", ""),
    ("state: {backend: Memory}", "state: {backend: Memory, storage: \"s3://a/x\"}", "", ""),
    // What a job is made of may change as a whole.
    ("", "desiredState: Suspended", "", ""),
    ("restart: {nonce: 2}", "restart: {nonce: 1}", "", ""),
    ("secrets: [{name: a}, {name: b}]", "secrets: [{name: b}, {name: c}]", "", ""),
    ("", "checkpoint: {interval: 5ms}", "checkpoint.interval", "must be at least 10ms and at most 87600h"),
    ("", "sqlFrom: {configMapKeyRef: {name: a, key: b}}", "", "exactly one of sql and sqlFrom must be set"),
];

fn manifest(name: &str, spec: &str) -> String {
    let mut text =
        format!("apiVersion: millstream.dev/v1alpha1\nkind: StreamJob\nmetadata: {{name: {name}}}\n");
    writeln!(text, "spec: {{sql: SELECT 1, {spec}}}").unwrap();
    text
}

#[test]
fn changes_are_judged_by_what_was_there() {
    let space = ControlPlane::shared().namespace("transitions");
    let mut wrong = String::new();
    for (number, (before, after, field, words)) in CHANGES.iter().enumerate() {
        let name = format!("job-{number}");
        space.apply(&manifest(&name, before)).succeeded();
        let answer = space.apply(&manifest(&name, after));
        let path = if field.is_empty() { "spec".to_owned() } else { format!("spec.{field}") };
        let found = format!("{}{}", answer.output, answer.errors);
        let expected = match *words {
            "" => format!("streamjob.millstream.dev/{name} "),
            words => {
                format!("The StreamJob \"{name}\" is invalid: {path}: Invalid value: \"object\": {words}\n")
            }
        };
        // What is accepted is `configured`, or `unchanged` where only a default was written down.
        let as_expected = if words.is_empty() { found.starts_with(&expected) } else { found == expected };
        if answer.success != words.is_empty() || !as_expected {
            writeln!(wrong, "{{{before}}} -> {{{after}}}:\n  {found}  instead of\n  {expected}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_rule_about_a_change_is_broken_by_one() {
    let crd = ControlPlane::shared().kubectl().get("crd", "streamjobs.millstream.dev");
    let rules = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["x-kubernetes-validations"];
    let about_changes = |rule: &&Value| rule["rule"].as_str().unwrap().contains("oldSelf");
    let messages: Vec<_> = rules.as_array().unwrap().iter().filter(about_changes).collect();
    assert!(messages.len() >= 4);
    for rule in messages {
        let broken = CHANGES.iter().any(|(_, _, field, words)| {
            rule["message"] == *words && rule["fieldPath"] == format!(".{field}")
        });
        assert!(broken, "no change breaks {rule}");
    }
}
