//! What of a StreamSnapshot is kept in memory.
//!
//! A thousand jobs have ten thousand of them. So what only a pod needs (`status.access`, which holds a pod template) is dropped, and read
//! again when a pod is made. A spec that no version of ours could have meant is an error of that snapshot and of no other.

use std::borrow::Cow;

use kube::core::{NamespaceResourceScope, ObjectMeta, Resource};
use millstream_api::StreamSnapshot;
use millstream_api::streamsnapshot::{StreamSnapshotSpec, StreamSnapshotStatus};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A StreamSnapshot as it is kept.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Kept {
    metadata: ObjectMeta,
    #[serde(default = "missing", deserialize_with = "spec")]
    pub(super) spec: Result<StreamSnapshotSpec, String>,
    #[serde(default, deserialize_with = "status")]
    pub(super) status: StreamSnapshotStatus,
}

impl Kept {
    /// Drops what nobody looks at.
    pub(super) fn prune(&mut self) {
        self.metadata.managed_fields = None;
        self.status.access = None;
        if let Some(annotations) = &mut self.metadata.annotations {
            annotations.retain(|name, _| name.starts_with("millstream.dev/"));
        }
    }
}

fn missing() -> Result<StreamSnapshotSpec, String> {
    Err("it is missing".to_owned())
}

fn spec<'de, D: Deserializer<'de>>(from: D) -> Result<Result<StreamSnapshotSpec, String>, D::Error> {
    let value = Value::deserialize(from)?;
    Ok(serde_json::from_value(value).map_err(|e| e.to_string()))
}

fn status<'de, D: Deserializer<'de>>(from: D) -> Result<StreamSnapshotStatus, D::Error> {
    let value = Value::deserialize(from)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

impl Resource for Kept {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind(_: &()) -> Cow<'_, str> {
        StreamSnapshot::kind(&())
    }

    fn group(_: &()) -> Cow<'_, str> {
        StreamSnapshot::group(&())
    }

    fn version(_: &()) -> Cow<'_, str> {
        StreamSnapshot::version(&())
    }

    fn plural(_: &()) -> Cow<'_, str> {
        StreamSnapshot::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    pub(in super::super) fn kept(spec: Value, status: Value, metadata: Value) -> Kept {
        let mut all = json!({
            "metadata": {"name": "nightly", "namespace": "shop", "uid": "s-1",
                "creationTimestamp": "2026-03-01T00:00:00Z"},
            "spec": spec, "status": status,
        });
        if let (Some(all), Some(more)) = (all["metadata"].as_object_mut(), metadata.as_object()) {
            all.extend(more.clone());
        }
        let mut kept: Kept = serde_json::from_value(all).unwrap();
        kept.prune();
        kept
    }

    #[test]
    fn only_what_decisions_need_is_kept_and_what_is_odd_is_an_error_of_one() {
        let status = json!({"phase": "Completed", "access": {"secrets": ["s"], "podTemplate": {"spec": {}}}});
        let metadata = json!({"annotations": {"a": "b", "millstream.dev/x": "y"}, "managedFields": [{}]});
        let kept = kept(json!({"jobRef": {"name": "orders"}}), status, metadata);
        assert_eq!(kept.spec.unwrap().job_ref.name, "orders");
        assert_eq!((kept.status.access, kept.metadata.annotations.unwrap().len()), (None, 1));
        let odd = self::kept(json!({"retries": "many"}), json!("?"), json!({}));
        assert!(odd.spec.is_err() && odd.status == StreamSnapshotStatus::default());
    }
}
