//! The planner: a short-lived pod with the new image that compiles the new SQL and compares it with the newest manifest, before
//! anything of the running job is touched.

use serde_json::{Value, json};

use super::overlay::merge;
use super::pods::{PodParts, light_resources, pod as common};
use super::{Blueprint, Built, config, finish};
use crate::names::planner as name_of;
use crate::observed::ChildKind;

/// Its pod is a coordinator's in what the job's template says: it needs the same credentials for the same bucket.
const CONTAINER: &str = "coordinator";

/// Its config map and its pod. It belongs to no deployment: its number is 0.
pub fn planner(blueprint: &Blueprint<'_>) -> Vec<Built> {
    let blueprint = &Blueprint { attempt: 0, ..blueprint.clone() };
    let name = name_of(&blueprint.object.name, blueprint.plan);
    let config_map = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "data": {super::MANIFEST_KEY: config::manifest(blueprint)},
    });
    let parts = PodParts {
        container: CONTAINER,
        // It talks to nobody of the job.
        role: None,
        config: name.clone(),
        args: vec![
            "plan".into(),
            format!("/config/{}", super::MANIFEST_KEY),
            "--state".into(),
            "--storage=from-manifest".into(),
            "--output=json".into(),
            "--ending=/dev/termination-log".into(),
        ],
        env: Vec::new(),
        ports: Vec::new(),
        default_resources: light_resources(),
        settings: &blueprint.job.cluster.coordinator,
        restart_policy: "Never",
        grace_s: 1,
    };
    let mut pod = common(blueprint, parts);
    // A sidecar that works beside a coordinator would keep this pod from its end.
    if let Some(containers) = pod.pointer_mut("/spec/containers").and_then(Value::as_array_mut) {
        containers.retain(|container| container["name"] == CONTAINER);
    }
    merge(&mut pod, &json!({"spec": {"activeDeadlineSeconds": 300}}));
    vec![
        finish(blueprint, ChildKind::ConfigMap, name.clone(), "planner", config_map),
        finish(blueprint, ChildKind::Pod, name, "planner", pod),
    ]
}
