//! Slots, CPU and memory of the job's pods, and the shape of what is laid over their templates.

use serde_json::{Map, Value};

use super::Findings;
use crate::path;
use crate::quantity::Quantity;
use crate::streamjob::{PodTemplate, Resources, StreamJobSpec};

/// Lists of a pod's spec that are merged by name.
const MERGED_BY_NAME: &[&str] = &["containers", "initContainers", "volumes"];
/// Fields of a pod's spec that an overlay cannot have: they would undo what the operator relies on.
const OPERATORS_OWN: &[&str] =
    &["restartPolicy", "hostname", "subdomain", "automountServiceAccountToken", "nodeName"];
/// Fields of the engine's own container that an overlay cannot have: with them, what was decided would not be what is started.
const OF_ENGINE: &[&str] = &["args", "command"];
/// Variables of that container by which the operator says what is to be started, and where.
const VARIABLES: &[&str] = &["MILLSTREAM_AT_LEAST_EPOCH", "MILLSTREAM_ENDING", "POD_IP", "POD_NAME"];
/// Names of that container in coordinators and workers.
const ENGINES: &[&str] = &["coordinator", "worker"];
/// Sources of volumes that the restricted profile allows.
const VOLUMES: &[&str] = &[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
];
/// Fields that the restricted profile forbids.
const FORBIDDEN: &[&str] = &["hostNetwork", "hostPID", "hostIPC"];

pub(super) fn check(spec: &StreamJobSpec, findings: &mut Findings) {
    if let Some(slots) = spec.worker.as_ref().and_then(|w| w.slots) {
        findings.within("spec.worker.slots", slots, 1, 1_024);
    }
    for (path, resources) in [
        ("spec.coordinator.resources", spec.coordinator.as_ref().and_then(|c| c.resources.as_ref())),
        ("spec.worker.resources", spec.worker.as_ref().and_then(|w| w.resources.as_ref())),
    ] {
        if let Some(resources) = resources {
            check_resources(path, resources, findings);
        }
    }
    for (path, template) in [
        ("spec.coordinator.podTemplate", spec.coordinator.as_ref().and_then(|c| c.pod_template.as_ref())),
        ("spec.worker.podTemplate", spec.worker.as_ref().and_then(|w| w.pod_template.as_ref())),
    ] {
        if let Some(template) = template {
            check_template(path, template, findings);
        }
    }
}

/// What a template may hold: labels and annotations, and a pod's spec whose lists can be merged by name.
fn check_template(path: &str, template: &PodTemplate, findings: &mut Findings) {
    for (field, value) in &template.0 {
        let path = path::child(path, field);
        match (field.as_str(), value.as_object()) {
            ("metadata", Some(metadata)) => {
                let other = metadata.keys().filter(|key| !["labels", "annotations"].contains(&key.as_str()));
                other.for_each(|key| {
                    findings.add(
                        path::child(&path, key),
                        "is not labels or annotations: the operator names pods",
                    );
                });
            }
            ("spec", Some(spec)) => check_pod_spec(&path, spec, findings),
            ("metadata" | "spec", None) => findings.add(path, "is not a map"),
            _ => findings.add_with_hint(path, "is no part of a pod template", "it has metadata and spec"),
        }
    }
}

fn check_pod_spec(path: &str, spec: &Map<String, Value>, findings: &mut Findings) {
    for field in MERGED_BY_NAME {
        let Some(value) = spec.get(*field) else { continue };
        let path = path::child(path, field);
        let Some(items) = value.as_array() else {
            findings.add(path, "is not a list");
            continue;
        };
        for (index, item) in items.iter().enumerate() {
            match *field {
                "volumes" => check_volume(&path::item(&path, index), item, findings),
                "containers" => check_container(&path::item(&path, index), item, findings),
                _ => {}
            }
            if item.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
                findings.add_with_hint(path::item(&path, index), "has no name", "lists are merged by name");
            }
        }
    }
    for field in FORBIDDEN.iter().filter(|field| spec.contains_key(**field)) {
        findings.add(path::child(path, field), "is forbidden by the restricted profile");
    }
    for field in OPERATORS_OWN.iter().filter(|field| spec.contains_key(**field)) {
        findings.add(path::child(path, field), "is set by the operator");
    }
}

fn check_container(path: &str, container: &Value, findings: &mut Findings) {
    let name = container.get("name").and_then(Value::as_str);
    if name.is_none_or(|name| !ENGINES.contains(&name)) {
        return;
    }
    for field in OF_ENGINE.iter().filter(|field| container.get(**field).is_some()) {
        findings.add(path::child(path, field), "is set by the operator");
    }
    for (index, variable) in container.get("env").and_then(Value::as_array).into_iter().flatten().enumerate()
    {
        let name = variable.get("name").and_then(Value::as_str);
        if let Some(name) = name.filter(|name| VARIABLES.contains(name)) {
            findings
                .add(path::item(&path::child(path, "env"), index), format!("{name} is set by the operator"));
        }
    }
}

/// A pod may have an identity towards others, by `serviceAccountName` or by a token for them; a token that the API server takes it may
/// not have. Without an audience a token is for the API server.
fn check_volume(path: &str, volume: &Value, findings: &mut Findings) {
    for source in volume.as_object().into_iter().flat_map(Map::keys).filter(|key| *key != "name") {
        if !VOLUMES.contains(&source.as_str()) {
            findings.add(path::child(path, source), "is forbidden by the restricted profile");
        }
    }
    let sources = volume.pointer("/projected/sources").and_then(Value::as_array);
    for (index, source) in sources.into_iter().flatten().enumerate() {
        let Some(token) = source.get("serviceAccountToken") else { continue };
        let audience = token.get("audience").and_then(Value::as_str).unwrap_or_default();
        if audience.is_empty() || audience.contains("kubernetes.default") {
            findings.add_with_hint(
                path::item(&format!("{path}.projected.sources"), index),
                "is a token for the API server, which a job's pods do not get",
                "name the audience that the token is for, such as sts.amazonaws.com",
            );
        }
    }
}

fn check_resources(path: &str, resources: &Resources, findings: &mut Findings) {
    for (part, quantities) in [("requests", &resources.requests), ("limits", &resources.limits)] {
        if quantities.len() > 16 {
            findings.add(format!("{path}.{part}"), format!("has {} entries, more than 16", quantities.len()));
        }
        for (name, quantity) in quantities {
            check_quantity(&path::child(&format!("{path}.{part}"), name), quantity, findings);
        }
    }
    for (name, request) in &resources.requests {
        if let Some(limit) = resources.limits.get(name)
            && let (Ok(asked), Ok(allowed)) = (request.milli(), limit.milli())
            && asked > allowed
        {
            findings.add(
                path::child(&format!("{path}.requests"), name),
                format!("{request} is larger than the limit ({limit})"),
            );
        }
    }
}

fn check_quantity(path: &str, quantity: &Quantity, findings: &mut Findings) {
    if let Err(error) = quantity.milli() {
        findings.add_with_hint(
            path,
            format!("{:?} {error}", quantity.0),
            "write a number with an optional suffix, such as 500m, 2 or 4Gi",
        );
    }
}
