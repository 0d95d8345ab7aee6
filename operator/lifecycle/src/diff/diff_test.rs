//! Fields, differences and revisions.

use std::collections::BTreeSet;

use millstream_api::StreamJob;
use millstream_api::change::spec_fields;
use serde_json::json;

use super::*;
use crate::fields::as_spec;

fn job(spec: Value) -> ValidatedJob {
    StreamJob::new("j", serde_json::from_value(spec).unwrap()).validate().unwrap()
}

/// A spec in which every field has a value that is not its default.
fn every_field() -> Value {
    json!({
        "sql": "SELECT 1", "variables": {"A": "b"}, "secrets": [{"name": "s"}], "desiredState": "Suspended",
        "parallelism": 3, "maxParallelism": 128, "state": {"backend": "RocksDB", "storage": "s3://b/p"},
        "checkpoint": {"interval": "1s", "timeout": "1h30m", "minPause": "5ms", "retained": 2, "tolerableFailures": 0},
        "upgrade": {"mode": "LastState", "fallback": "Wait", "maxCheckpointAge": "90s", "approval": "Manual",
            "warm": "Never", "savepointTimeout": "1m", "allowStateLoss": true},
        "rollback": {"enabled": false, "deadline": "1m", "state": "PreUpgrade", "allowRepeatedOutput": true},
        "stability": {"minRunning": "0s", "minCheckpoints": 0, "maxRestarts": 1},
        "restart": {"strategy": "FailureRate", "initial": "2h", "max": "2h", "attempts": 3, "resetAfter": "4h", "nonce": 5},
        "restore": {"from": "s3://b/s", "nonce": 2, "policy": "IfPresent"},
        "snapshots": {"schedule": "0 * * * *", "retention": {"count": 2, "maxAge": "1h"}},
        "autoscaling": {"mode": "Auto", "minParallelism": 2, "maxParallelism": 8, "targetUtilization": 0.5, "slo": {"maxLag": "1s"}},
        "deletionPolicy": "Drain",
        "coordinator": {"resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}},
            "podTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": {"priority": 1}}},
        "worker": {"slots": 4, "resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi"}},
            "podTemplate": {"spec": {"priority": 2}}},
        "config": {"table.local-time-zone": "UTC"}
    })
}

/// A new field of the spec that nobody thought of here would be missing from diffs, revisions and deployed manifests.
#[test]
fn the_fields_are_those_of_the_schema() {
    let ours: BTreeSet<String> =
        fields(&job(every_field())).iter().map(|(path, _)| (*path).to_owned()).collect();
    let schema: BTreeSet<String> = spec_fields().into_iter().collect();
    assert_eq!(ours, schema);
}

#[test]
fn a_manifest_of_the_fields_means_the_same_job() {
    for spec in [
        every_field(),
        json!({"sql": "x"}),
        json!({"sqlFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}),
        json!({"sql": "x", "restart": {"strategy": "FixedDelay", "initial": "5s"}}),
        json!({"sql": "x", "restart": {"strategy": "FixedDelay", "initial": "1h", "max": "1h"}}),
        json!({"sql": "x", "restart": {"strategy": "Never"}}),
    ] {
        let first = job(spec);
        let mut second = job(as_spec(&fields(&first)));
        second.ignored_locally.clone_from(&first.ignored_locally);
        assert_eq!(first, second);
    }
}

/// One change of each field alone gives exactly that field with its class, and the revision changes with Upgrades alone.
#[test]
fn each_field_has_its_class() {
    let base = job(json!({"sql": "x"}));
    let every = fields(&job(every_field()));
    for (path, value) in every {
        // A config map instead of the text is looked at below.
        if path.starts_with("spec.sqlFrom")
            || path.ends_with("podTemplate")
            || path.starts_with("spec.restart")
        {
            continue;
        }
        let mut changed = fields(&base);
        changed.iter_mut().filter(|(p, _)| *p == path).for_each(|(_, v)| *v = value.clone());
        let other = job(as_spec(&changed));
        let found = diff(&base, &other);
        let class = change_class(path);
        // The policy of a restore has a default as soon as there is a restore.
        let found: Vec<_> =
            found.iter().filter(|c| c.path == path || c.path != "spec.restore.policy").collect();
        assert_eq!(found, [&Change { path: path.to_owned(), class }], "{path}");
        assert_eq!(revision(&base) != revision(&other), class == PlanKind::Upgrade, "{path}");
    }
}

#[test]
fn classes_of_whole_changes() {
    let base = json!({"sql": "x", "worker": {"podTemplate": {"metadata": {"labels": {"a": "1"}}}}, "restore": {"from": "s3://b/s", "nonce": 1}});
    for (patch, expected) in [
        (json!({"sql": "x"}), vec![]),
        (json!({"sql": "y"}), vec!["spec.sql (Upgrade)"]),
        (json!({"checkpoint": {"interval": "10s"}}), vec![]),
        (json!({"checkpoint": {"interval": "20s"}}), vec!["spec.checkpoint.interval (Upgrade)"]),
        (json!({"parallelism": 2}), vec!["spec.parallelism (Rescale)"]),
        (json!({"restart": {"nonce": 2}}), vec!["spec.restart.nonce (NoOp)"]),
        (json!({"restore": {"from": "s3://b/s", "nonce": 2}}), vec!["spec.restore.nonce (Restore)"]),
        (
            json!({"restore": null}),
            vec!["spec.restore.from (NoOp)", "spec.restore.nonce (NoOp)", "spec.restore.policy (NoOp)"],
        ),
        (json!({"upgrade": {"mode": "LastState"}}), vec!["spec.upgrade.mode (NoOp)"]),
        (
            json!({"worker": {"podTemplate": {"metadata": {"labels": {"a": "2"}}}}}),
            vec!["spec.worker.podTemplate.metadata (Patch)"],
        ),
        (
            json!({"worker": {"podTemplate": {"metadata": {"labels": {"a": "1"}}, "spec": {"priority": 1}}}}),
            vec!["spec.worker.podTemplate.spec (Upgrade)"],
        ),
    ] {
        let mut changed = base.clone();
        patch.as_object().unwrap().iter().for_each(|(key, value)| changed[key] = value.clone());
        changed.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let (old, new) = (job(base.clone()), job(changed));
        let found = diff(&old, &new);
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), expected, "{patch}");
        assert_eq!(
            revision(&old) == revision(&new),
            deepest(&found) < PlanKind::Upgrade || patch["restore"].is_object()
        );
    }
}

#[test]
fn a_revision_is_the_same_in_every_version_of_the_operator() {
    assert_eq!(revision(&job(json!({"sql": "SELECT 1"}))), "9d4374794ec19d78");
}
