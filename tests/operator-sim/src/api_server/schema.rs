//! What a custom object's schema makes of it: fields that it does not know go, those with a default come.

use std::sync::LazyLock;

use millstream_api::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use millstream_api::{streamjob_crd, streamsnapshot_crd};
use serde_json::Value;

use super::Kind;

/// Applies the schema of its CRD to an object of a custom kind.
pub(super) fn complete(kind: &Kind, object: &mut Value) {
    static JOBS: LazyLock<Value> = LazyLock::new(|| schema(&streamjob_crd()));
    static SNAPSHOTS: LazyLock<Value> = LazyLock::new(|| schema(&streamsnapshot_crd()));
    let schema = match kind.kind {
        "StreamJob" => &*JOBS,
        "StreamSnapshot" => &*SNAPSHOTS,
        _ => return,
    };
    for part in ["spec", "status"] {
        if let Some(value) = object.get_mut(part) {
            fit(value, &schema["properties"][part]);
        }
    }
}

fn schema(crd: &CustomResourceDefinition) -> Value {
    serde_json::to_value(crd).unwrap()["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

fn fit(value: &mut Value, schema: &Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| fit(item, &schema["items"])),
        Value::Object(fields) => {
            let keeps = schema["x-kubernetes-preserve-unknown-fields"] == true;
            let others = &schema["additionalProperties"];
            let known = schema["properties"].as_object();
            fields.retain(|name, _| {
                keeps || !others.is_null() || known.is_some_and(|known| known.contains_key(name))
            });
            for (name, schema) in known.into_iter().flatten() {
                if let Some(default) = schema.get("default").filter(|_| !fields.contains_key(name)) {
                    fields.insert(name.clone(), default.clone());
                }
                if let Some(value) = fields.get_mut(name) {
                    fit(value, schema);
                }
            }
        }
        _ => {}
    }
}
