//! Laying a user's pod template over the generated one, and holding on to the restricted profile.
//!
//! Maps are merged key by key, the overlay wins. Lists of containers are merged by name, item by item; a volume of the same name is
//! replaced as a whole, because it has one source; other lists of named items (ports, env, mounts by path) are merged by their key.
//! Everything else is replaced. `{name: worker, env: [{name: A, value: b}]}` adds a variable to the worker's container.

use serde_json::{Map, Value, json};

/// Lays `over` over `base`.
pub(super) fn merge(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                match base.get_mut(key) {
                    Some(Value::Array(items)) => merge_list(key, items, value),
                    Some(existing) => merge(existing, value),
                    None => {
                        base.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (base, over) => *base = over.clone(),
    }
}

/// The key by which items of a list are the same.
fn key_of(list: &str) -> Option<&'static str> {
    match list {
        "containers" | "initContainers" | "volumes" | "env" | "ports" | "imagePullSecrets" => Some("name"),
        "volumeMounts" => Some("mountPath"),
        _ => None,
    }
}

fn merge_list(name: &str, items: &mut Vec<Value>, over: &Value) {
    let (Some(key), Some(over)) = (key_of(name), over.as_array()) else {
        *items = over.as_array().cloned().unwrap_or_default();
        return;
    };
    for item in over {
        let same =
            items.iter_mut().find(|existing| existing.get(key).is_some_and(|id| Some(id) == item.get(key)));
        match same {
            Some(existing) if name == "volumes" || name == "env" => *existing = item.clone(),
            Some(existing) => merge(existing, item),
            None => items.push(item.clone()),
        }
    }
}

/// Puts the restricted profile back over whatever an overlay did to it.
pub(super) fn restrict(spec: &mut Map<String, Value>) {
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        spec.remove(field);
    }
    spec.insert("automountServiceAccountToken".into(), json!(false));
    let context = spec.entry("securityContext").or_insert_with(|| json!({}));
    if let Some(context) = context.as_object_mut() {
        context.retain(|field, _| LEFT_TO_USERS.contains(&field.as_str()));
    }
    merge(context, &json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}));
    if context.get("runAsUser") == Some(&json!(0)) {
        merge(context, &json!({"runAsUser": USER}));
    }
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            restrict_container(container);
        }
    }
}

/// Fields of a pod's security context that cannot widen what it may do, but for `runAsUser: 0`. A list of the harmless ones, so that
/// a field of a later Kubernetes is none of them.
const LEFT_TO_USERS: &[&str] = &[
    "fsGroup",
    "fsGroupChangePolicy",
    "runAsGroup",
    "runAsUser",
    "supplementalGroups",
    "supplementalGroupsPolicy",
];

/// The user of pods whose template names none. It need not be that of the image: any user but root can run the engine.
pub(super) const USER: i64 = 10_001;

fn restrict_container(container: &mut Value) {
    let Some(container) = container.as_object_mut() else { return };
    let context = json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": {"drop": ["ALL"]},
    });
    container.insert("securityContext".into(), context);
    for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(port) = port.as_object_mut() {
            port.remove("hostPort");
            port.remove("hostIP");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_and_named_lists_are_merged_and_the_rest_is_replaced() {
        let mut base = json!({
            "containers": [{"name": "worker", "image": "a", "args": ["x"], "env": [{"name": "A", "value": "1"}],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
            "volumes": [{"name": "data", "emptyDir": {}}],
            "tolerations": [{"key": "old"}],
        });
        let over = json!({
            "containers": [
                {"name": "worker", "env": [{"name": "A", "valueFrom": {}}, {"name": "B", "value": "2"}], "args": ["y"]},
                {"name": "sidecar", "image": "b"},
            ],
            "volumes": [{"name": "data", "ephemeral": {}}],
            "tolerations": [{"key": "new"}],
            "nodeSelector": {"disk": "ssd"},
        });
        merge(&mut base, &over);
        assert_eq!(
            base,
            json!({
                "containers": [
                    {"name": "worker", "image": "a", "args": ["y"],
                        "env": [{"name": "A", "valueFrom": {}}, {"name": "B", "value": "2"}],
                        "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
                    {"name": "sidecar", "image": "b"},
                ],
                "volumes": [{"name": "data", "ephemeral": {}}],
                "tolerations": [{"key": "new"}],
                "nodeSelector": {"disk": "ssd"},
            })
        );
    }

    #[test]
    fn an_overlay_cannot_undo_the_restricted_profile() {
        let mut spec = json!({
            "hostNetwork": true, "hostPID": true, "automountServiceAccountToken": true,
            "securityContext": {"runAsUser": 0, "runAsNonRoot": false, "seccompProfile": {"type": "Unconfined"}, "fsGroup": 5,
                "sysctls": [{"name": "kernel.msgmax", "value": "1"}], "appArmorProfile": {"type": "Unconfined"}},
            "initContainers": [{"name": "i", "securityContext": {"privileged": true}}],
            "containers": [{"name": "c", "securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}, "runAsUser": 0},
                "ports": [{"name": "http", "containerPort": 80, "hostPort": 80}]}],
        });
        restrict(spec.as_object_mut().unwrap());
        let container = json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}});
        assert_eq!(
            spec,
            json!({
                "automountServiceAccountToken": false,
                "securityContext": {"runAsUser": USER, "runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}, "fsGroup": 5},
                "initContainers": [{"name": "i", "securityContext": container}],
                "containers": [{"name": "c", "securityContext": container, "ports": [{"name": "http", "containerPort": 80}]}],
            })
        );
    }
}
