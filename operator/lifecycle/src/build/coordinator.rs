//! The coordinator's pod.
//!
//! It is never started again by the kubelet: a coordinator that ended has said how, and what follows is a decision. SIGTERM lets it
//! take a final checkpoint, for which it has a minute.

use serde_json::json;

use super::overlay::merge;
use super::pods::{PodParts, light_resources, pod as common, probes};
use super::{Blueprint, Built, CONTROL_PORT, HTTP_PORT, Start, finish};
use crate::names::{TlsRole, config, coordinator};
use crate::observed::ChildKind;

/// Variable that carries the floor: the least epoch that may be restored. The engine refuses to start below it.
const FLOOR: &str = "MILLSTREAM_AT_LEAST_EPOCH";

pub(super) fn pod(blueprint: &Blueprint<'_>) -> Built {
    let parts = PodParts {
        container: "coordinator",
        role: Some(TlsRole::Coordinator),
        config: config(&blueprint.object.name, blueprint.attempt),
        args: args(blueprint),
        env: floor(&blueprint.start)
            .map(|epoch| json!({"name": FLOOR, "value": epoch.to_string()}))
            .into_iter()
            .collect(),
        ports: vec![json!({"name": "control", "containerPort": CONTROL_PORT})],
        default_resources: light_resources(),
        settings: &blueprint.job.cluster.coordinator,
        restart_policy: "Never",
        grace_s: 60,
    };
    let mut value = common(blueprint, parts);
    let mut container = probes();
    merge(&mut container, &json!({"name": "coordinator"}));
    merge(&mut value, &json!({"spec": {"containers": [container]}}));
    let name = coordinator(&blueprint.object.name, blueprint.attempt);
    finish(blueprint, ChildKind::Pod, name, "coordinator", value)
}

fn args(blueprint: &Blueprint<'_>) -> Vec<String> {
    let mut args: Vec<String> = vec![
        "coordinator".into(),
        format!("--job=/config/{}", super::MANIFEST_KEY),
        "--storage=from-manifest".into(),
        format!("--listen=0.0.0.0:{CONTROL_PORT}"),
        format!("--http=0.0.0.0:{HTTP_PORT}"),
        "--ending=/dev/termination-log".into(),
    ];
    match &blueprint.start {
        Start::Newest(_) => {}
        Start::Standby(_) => args.push("--standby".into()),
        Start::Empty => args.extend(["--fresh".into(), "--yes".into()]),
        Start::Snapshot(uri) => args.extend([format!("--from-savepoint={uri}"), "--yes".into()]),
        Start::Epoch(epoch) => args.extend([format!("--from-epoch={epoch}"), "--yes".into()]),
    }
    if !blueprint.lost.is_empty() {
        args.push(format!("--allow-state-loss={}", blueprint.lost.join(",")));
    }
    args
}

fn floor(start: &Start) -> Option<i64> {
    match start {
        Start::Newest(floor) | Start::Standby(floor) => *floor,
        Start::Empty | Start::Snapshot(_) | Start::Epoch(_) => None,
    }
}
