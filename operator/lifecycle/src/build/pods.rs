//! What the pods of a job have in common.

use millstream_api::names::{COMPONENT_LABEL, JOB_LABEL};
use millstream_api::{PodSettings, ValidatedJob};
use serde_json::{Map, Value, json};

use super::overlay::{USER, merge, restrict};
use super::{Blueprint, COORDINATOR_AUTHORITIES, HTTP_PORT, WORKER_AUTHORITIES};
use crate::names::{self, TlsRole};
use crate::observed::Transport;

/// What makes one pod differ from another.
pub(super) struct PodParts<'a> {
    /// Name of its container, by which the job's template is laid over it.
    pub(super) container: &'a str,
    /// Its certificate; one that talks to nobody of the job has none.
    pub(super) role: Option<TlsRole>,
    /// Name of its config map.
    pub(super) config: String,
    /// What the engine is called with.
    pub(super) args: Vec<String>,
    /// Environment beside what every pod has.
    pub(super) env: Vec<Value>,
    /// Ports beside that of probes.
    pub(super) ports: Vec<Value>,
    /// CPU and memory when the job names none.
    pub(super) default_resources: Value,
    /// What the job says about the pod.
    pub(super) settings: &'a PodSettings,
    /// Whether the kubelet starts an ended container again.
    pub(super) restart_policy: &'a str,
    /// Seconds from SIGTERM to SIGKILL.
    pub(super) grace_s: i64,
}

/// The pod, without the metadata that all objects have.
pub(super) fn pod(blueprint: &Blueprint<'_>, parts: PodParts<'_>) -> Value {
    let (restart_policy, grace_s, settings) = (parts.restart_policy, parts.grace_s, parts.settings);
    let volumes = volumes(blueprint, &parts);
    let mut spec = json!({
        "restartPolicy": restart_policy,
        "terminationGracePeriodSeconds": grace_s,
        "enableServiceLinks": false,
        "securityContext": {"runAsUser": USER, "runAsGroup": USER, "fsGroup": USER},
        "containers": [container(blueprint, parts)],
        "volumes": volumes,
    });
    if let Some(account) = &blueprint.operator.service_account {
        merge(&mut spec, &json!({"serviceAccountName": account}));
    }
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": spec});
    if let Some(template) = &settings.template {
        merge(&mut pod, &Value::Object(template.0.clone()));
    }
    // Validation refuses such overlays, but an object may be older than the rule.
    merge(&mut pod, &json!({"spec": {"restartPolicy": restart_policy}}));
    if let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) {
        leave_lost_nodes(spec);
        restrict(spec);
    }
    pod
}

/// Seconds for which a pod waits for a node that does not answer. Kubernetes gives it five minutes, in which the job stands still.
const LOST_NODE_S: i64 = 30;

/// What the job says about such nodes counts.
fn leave_lost_nodes(spec: &mut Map<String, Value>) {
    let tolerations = spec.entry("tolerations").or_insert_with(|| json!([]));
    let Some(tolerations) = tolerations.as_array_mut() else { return };
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        if !tolerations.iter().any(|has| has.get("key").is_none_or(|has| has == key)) {
            tolerations.push(json!({
                "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": LOST_NODE_S,
            }));
        }
    }
}

fn container(blueprint: &Blueprint<'_>, parts: PodParts<'_>) -> Value {
    let mut args = parts.args;
    let mut mounts = vec![
        json!({"name": "config", "mountPath": "/config", "readOnly": true}),
        json!({"name": "data", "mountPath": "/data"}),
        json!({"name": "tmp", "mountPath": "/tmp"}),
    ];
    match (parts.role, blueprint.transport) {
        (None, _) => {}
        (Some(_), Transport::Plaintext) => args.extend(["--log=json".into(), "--plaintext".into()]),
        (Some(_), Transport::Tls) => {
            args.push("--log=json".into());
            args.extend(
                ["--tls-ca=/tls/ca.crt", "--tls-cert=/tls/tls.crt", "--tls-key=/tls/tls.key"].map(Into::into),
            );
            mounts.push(json!({"name": "tls", "mountPath": "/tls", "readOnly": true}));
        }
    }
    mounts.extend(blueprint.job.secrets.iter().map(|name| {
        json!({"name": secret_volume(name), "mountPath": format!("/secrets/{name}"), "readOnly": true})
    }));
    let mut env = vec![
        json!({"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}),
        json!({"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}),
    ];
    env.extend(parts.env);
    let mut ports = vec![json!({"name": "http", "containerPort": HTTP_PORT})];
    ports.extend(parts.ports);
    let mut container = json!({
        "name": parts.container,
        "image": blueprint.image,
        "args": args,
        "env": env,
        "ports": ports,
        "resources": resources(parts.settings, parts.default_resources),
        "volumeMounts": mounts,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    });
    if let Some(policy) = &blueprint.operator.pull_policy {
        merge(&mut container, &json!({"imagePullPolicy": policy}));
    }
    container
}

/// CPU and memory of a process that moves no rows.
pub(super) fn light_resources() -> Value {
    json!({"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}})
}

fn resources(settings: &PodSettings, default: Value) -> Value {
    match &settings.resources {
        Some(resources) => json!({"requests": resources.requests, "limits": resources.limits}),
        None => default,
    }
}

fn volumes(blueprint: &Blueprint<'_>, parts: &PodParts<'_>) -> Vec<Value> {
    let mut volumes = vec![
        json!({"name": "config", "configMap": {"name": parts.config}}),
        json!({"name": "data", "emptyDir": {}}),
        json!({"name": "tmp", "emptyDir": {}}),
    ];
    if let (Some(role), Transport::Tls) = (parts.role, blueprint.transport) {
        volumes.push(certificates(blueprint, role));
    }
    volumes.extend(secret_volumes(blueprint.job));
    volumes
}

/// Its own certificate and key, and the CAs that it trusts, in one folder.
fn certificates(blueprint: &Blueprint<'_>, role: TlsRole) -> Value {
    let (object, attempt) = (blueprint.object, blueprint.attempt);
    let trusted = match role {
        TlsRole::Coordinator => COORDINATOR_AUTHORITIES,
        TlsRole::Worker => WORKER_AUTHORITIES,
    };
    json!({"name": "tls", "projected": {
        // Readable by the group that the pod's processes are in, and by nobody else.
        "defaultMode": 0o440,
        "sources": [
            {"configMap": {
                "name": names::certificates(&object.name, attempt),
                "items": [{"key": trusted, "path": "ca.crt"}],
            }},
            {"secret": {
                "name": names::tls_secret(&object.name, &object.uid, attempt, role),
                "items": [{"key": "tls.crt", "path": "tls.crt"}, {"key": "tls.key", "path": "tls.key"}],
            }},
        ],
    }})
}

fn secret_volumes(job: &ValidatedJob) -> impl Iterator<Item = Value> {
    job.secrets.iter().map(|name| json!({"name": secret_volume(name), "secret": {"secretName": name}}))
}

/// Names of volumes are labels, those of secrets may have dots and be longer.
pub(super) fn secret_volume(secret: &str) -> String {
    format!("secret-{}", crate::fields::checksum(secret))
}

/// Probes of a role: it is alive while `/healthz` answers, and ready as `/readyz` says.
pub(super) fn probes() -> Value {
    json!({
        "livenessProbe": {
            "httpGet": {"path": "/healthz", "port": "http"},
            "initialDelaySeconds": 10, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6,
        },
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 2, "timeoutSeconds": 2},
    })
}

/// Workers of one job on different nodes where that is possible.
pub(super) fn spread(blueprint: &Blueprint<'_>) -> Value {
    json!([{
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {JOB_LABEL: blueprint.object.name, COMPONENT_LABEL: "worker"}},
    }])
}
