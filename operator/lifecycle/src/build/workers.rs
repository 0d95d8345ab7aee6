//! A worker's pod.
//!
//! The kubelet starts its container again when it ends, on the same disk, so copies of state are still there.

use serde_json::json;

use super::overlay::merge;
use super::pods::{PodParts, pod as common, probes, spread};
use super::{Blueprint, Built, CONTROL_PORT, DATA_PORT, HTTP_PORT, finish};
use crate::names::{TlsRole, config, coordinator, worker};
use crate::observed::ChildKind;

pub(super) fn pod(blueprint: &Blueprint<'_>, index: u32) -> Built {
    let object = blueprint.object;
    let service = coordinator(&object.name, blueprint.attempt);
    let parts = PodParts {
        container: "worker",
        role: Some(TlsRole::Worker),
        config: config(&blueprint.object.name, blueprint.attempt),
        args: vec![
            "worker".into(),
            format!("--coordinator={service}.{}.svc:{CONTROL_PORT}", object.namespace),
            format!("--slots={}", blueprint.job.cluster.slots),
            format!("--listen=0.0.0.0:{DATA_PORT}"),
            "--address=$(POD_IP)".into(),
            "--name=$(POD_NAME)".into(),
            "--dir=/data".into(),
            format!("--http=0.0.0.0:{HTTP_PORT}"),
        ],
        env: Vec::new(),
        ports: vec![json!({"name": "rows", "containerPort": DATA_PORT})],
        default_resources: json!({"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "2Gi"}}),
        settings: &blueprint.job.cluster.worker,
        restart_policy: "OnFailure",
        grace_s: 10,
    };
    let mut value = common(blueprint, parts);
    let mut container = probes();
    merge(&mut container, &json!({"name": "worker"}));
    let own = value.pointer("/spec/topologySpreadConstraints").cloned();
    let spread = own.unwrap_or_else(|| spread(blueprint));
    merge(&mut value, &json!({"spec": {"containers": [container], "topologySpreadConstraints": spread}}));
    finish(blueprint, ChildKind::Pod, worker(&object.name, blueprint.attempt, index), "worker", value)
}
