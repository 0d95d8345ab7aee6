//! A pod that works for a snapshot: it looks at files, or deletes them, and ends.
//!
//! The job may be gone: what is known of how it reached the bucket is what was kept of its coordinator's template. The image is that of the
//! installation, whatever the template says, since that of a job of long ago may be gone from its registry; newer engines read and delete
//! what older ones wrote.

use millstream_api::names::{API_VERSION, COMPONENT_LABEL, JOB_LABEL, SNAPSHOT_KIND, TASK_LABEL};
use millstream_api::streamsnapshot::AccessStatus;
use serde_json::{Value, json};

use super::Built;
use super::overlay::{USER, merge, restrict};
use super::pods::{light_resources, secret_volume};
use crate::fields::checksum;
use crate::names::snapshot_pod;
use crate::observed::{ChildKind, OperatorSettings};
use crate::snapshot::{SnapshotFacts, Task};

/// Value of the component's label. Such a pod has no label with the job's name: it belongs to no deployment.
pub const TOOL: &str = "snapshot";

/// It is a coordinator's in what the job's template says: it needs the same credentials for the same bucket.
const CONTAINER: &str = "coordinator";

/// Everything that such a pod follows from.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolBlueprint<'a> {
    /// Whose it is.
    pub snapshot: &'a SnapshotFacts,
    /// The installation's defaults.
    pub operator: &'a OperatorSettings,
    /// How the job reached the bucket.
    pub access: &'a AccessStatus,
    /// What it does.
    pub task: Task,
    /// Where.
    pub uri: &'a str,
}

/// The pod.
pub fn tool(blueprint: &ToolBlueprint<'_>) -> Built {
    let ToolBlueprint { snapshot, operator, access, task, uri } = blueprint;
    // A whole savepoint is read at some 100 MB/s, and deleted at some 100 files a second.
    let (args, deadline_s) = match task {
        Task::Check => (json!(["savepoint", "inspect", uri, "--check"]), 6 * 3_600),
        Task::Delete => (json!(["savepoint", "delete", uri, "--yes"]), 600),
    };
    let mut mounts = vec![json!({"name": "tmp", "mountPath": "/tmp"})];
    let mut volumes = vec![json!({"name": "tmp", "emptyDir": {}})];
    for secret in &access.secrets {
        let name = secret_volume(secret);
        mounts.push(json!({"name": name, "mountPath": format!("/secrets/{secret}"), "readOnly": true}));
        // Most are for the job's connectors, and may have gone with it.
        volumes.push(json!({"name": name, "secret": {"secretName": secret, "optional": true}}));
    }
    let container = json!({
        "name": CONTAINER,
        "args": args,
        "env": [{"name": "MILLSTREAM_ENDING", "value": "/dev/termination-log"}],
        "resources": light_resources(),
        "volumeMounts": mounts,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    });
    let mut spec = json!({
        "terminationGracePeriodSeconds": 1,
        "enableServiceLinks": false,
        "securityContext": {"runAsUser": USER, "runAsGroup": USER, "fsGroup": USER},
        "containers": [container],
        "volumes": volumes,
    });
    if let Some(account) = &operator.service_account {
        merge(&mut spec, &json!({"serviceAccountName": account}));
    }
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": spec});
    if let Some(template) = &access.pod_template {
        merge(&mut pod, &Value::Object(template.0.clone()));
    }
    hold_on(&mut pod, operator, deadline_s);
    let name = snapshot_pod(&snapshot.name, &snapshot.uid, *task);
    merge(&mut pod, &json!({"metadata": metadata(snapshot, &name, *task)}));
    if let Some(labels) = pod.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        // From the template it would make this a pod of the job.
        labels.remove(JOB_LABEL);
    }
    Built { kind: ChildKind::Pod, applied: checksum(&pod.to_string()), name, value: pod }
}

/// What a template cannot change.
fn hold_on(pod: &mut Value, operator: &OperatorSettings, deadline_s: i64) {
    // A sidecar that works beside a coordinator would keep this pod from its end.
    if let Some(containers) = pod.pointer_mut("/spec/containers").and_then(Value::as_array_mut) {
        containers.retain(|container| container["name"] == CONTAINER);
        for container in containers {
            merge(container, &json!({"image": operator.image}));
            if let Some(policy) = &operator.pull_policy {
                merge(container, &json!({"imagePullPolicy": policy}));
            }
        }
    }
    merge(pod, &json!({"spec": {"restartPolicy": "Never", "activeDeadlineSeconds": deadline_s}}));
    if let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) {
        restrict(spec);
    }
}

fn metadata(snapshot: &SnapshotFacts, name: &str, task: Task) -> Value {
    let task = match task {
        Task::Check => "check",
        Task::Delete => "delete",
    };
    json!({
        "name": name,
        "namespace": snapshot.namespace,
        "labels": {
            "app.kubernetes.io/managed-by": "millstream-operator",
            COMPONENT_LABEL: TOOL,
            TASK_LABEL: task,
        },
        "ownerReferences": [{
            "apiVersion": API_VERSION, "kind": SNAPSHOT_KIND, "name": snapshot.name, "uid": snapshot.uid,
            "controller": true,
        }],
    })
}
