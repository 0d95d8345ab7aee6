//! An object with the job's label, as a fact.

use k8s_openapi::api::core::v1::PodStatus;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::DynamicObject;
use millstream_api::k8s_openapi;
use millstream_api::names::{
    APPLIED_ANNOTATION, ATTEMPT_LABEL, COMPONENT_LABEL, GENERATION_LABEL, JOB_LABEL, PLAN_LABEL,
};
use millstream_lifecycle::build::{CERTIFICATES_COMPONENT, read_certificates, read_deployed};
use millstream_lifecycle::observed::{Certificates, Child, ChildKind, Component, Planner, Pod};
use serde_json::json;

use super::{planner, pod};

/// Label of everything that an operator makes; only such objects are sent here.
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// This operator in that label, and as the owner of fields.
pub(crate) const MANAGER: &str = "millstream-operator";

/// What was seen of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The job that its label names.
    pub job: String,
    /// The fact.
    pub child: Child,
    /// Address of its network, if it is a pod that has one.
    pub ip: Option<String>,
    /// What it found, if it is a planner's pod.
    pub planner: Option<Planner>,
}

/// What an object of this kind is; `None` for one that is no job's.
///
/// Labels that are missing or no numbers become 0, an attempt and a generation that nothing has.
pub fn child(kind: ChildKind, object: &DynamicObject) -> Option<Seen> {
    let metadata = &object.metadata;
    let label = |name: &str| metadata.labels.as_ref().and_then(|labels| labels.get(name));
    let number = |name: &str| label(name).and_then(|text| text.parse().ok()).unwrap_or(0);
    let annotation = |name: &str| metadata.annotations.as_ref().and_then(|a| a.get(name)).cloned();
    let owner = metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
    let component = label(COMPONENT_LABEL).map(String::as_str);
    let status = (kind == ChildKind::Pod).then(|| status(object));
    let plan = label(PLAN_LABEL).cloned().unwrap_or_default();
    let is_planner = kind == ChildKind::Pod && component == Some("planner");
    let child = Child {
        kind,
        name: metadata.name.clone()?,
        uid: metadata.uid.clone()?,
        owner: owner.map(|owner| owner.uid.clone()).unwrap_or_default(),
        attempt: number(ATTEMPT_LABEL),
        plan: plan.clone(),
        generation: number(GENERATION_LABEL),
        is_managed: label(MANAGED_BY).map(String::as_str) == Some(MANAGER),
        applied: annotation(APPLIED_ANNOTATION).unwrap_or_default(),
        ends_by: metadata.deletion_timestamp.as_ref().map(|time| time.0),
        pod: status.as_ref().and_then(|status| of_pod(object, component?, status)),
        deployed: match (kind, component) {
            (ChildKind::ConfigMap, Some("config")) => read_deployed(&whole(object)).map(Box::new),
            _ => None,
        },
        certificates: (kind == ChildKind::ConfigMap && component == Some(CERTIFICATES_COMPONENT))
            .then(|| Box::new(certificates(object))),
    };
    Some(Seen {
        job: label(JOB_LABEL)?.clone(),
        planner: status
            .as_ref()
            .filter(|_| is_planner)
            .map(|status| Planner { plan, state: planner::state(metadata, status) }),
        ip: status.and_then(|status| status.pod_ip),
        child,
    })
}

/// What a config map says about certificates.
pub fn certificates(object: &DynamicObject) -> Certificates {
    read_certificates(&whole(object))
}

fn status(object: &DynamicObject) -> PodStatus {
    // A status that this version cannot read says nothing: the pod counts as not looked at yet.
    let status = object.data.get("status").cloned().unwrap_or_default();
    serde_json::from_value(status).unwrap_or_default()
}

fn whole(object: &DynamicObject) -> serde_json::Value {
    json!({
        "metadata": {"annotations": object.metadata.annotations},
        "data": object.data.get("data"),
    })
}

fn of_pod(object: &DynamicObject, component: &str, status: &PodStatus) -> Option<Pod> {
    let metadata = &object.metadata;
    let (component, container) = match component {
        "coordinator" => (Component::Coordinator, pod::COORDINATOR),
        "planner" => (Component::Planner, pod::COORDINATOR),
        "worker" => {
            (Component::Worker(metadata.name.as_ref()?.rsplit_once('-')?.1.parse().ok()?), pod::WORKER)
        }
        _ => return None,
    };
    let policy = object.data.pointer("/spec/restartPolicy").and_then(|policy| policy.as_str());
    let restarts = pod::Restarts::of(policy);
    let looked = pod::Looked { status, container, restarts, created: created(metadata) };
    Some(Pod { component, state: looked.state() })
}

/// When an object was made, which is when something happened to it at the earliest.
fn created(metadata: &ObjectMeta) -> millstream_lifecycle::time::Timestamp {
    metadata.creation_timestamp.as_ref().map(|time| time.0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use millstream_lifecycle::observed::PodState;
    use serde_json::Value;

    use super::*;

    fn read(kind: ChildKind, object: Value) -> Option<Seen> {
        child(kind, &serde_json::from_value(object).unwrap())
    }

    fn pod(name: &str, component: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": name, "namespace": "shop", "uid": "p-1", "creationTimestamp": "2026-03-01T00:00:00Z",
                "labels": {
                    "millstream.dev/job": "orders", "millstream.dev/component": component,
                    "millstream.dev/attempt": "7", "millstream.dev/generation": "3", "millstream.dev/plan": "p3-x",
                    "app.kubernetes.io/managed-by": "millstream-operator",
                },
                "annotations": {"millstream.dev/applied": "sum"},
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "Other", "name": "o", "uid": "other"},
                    {"apiVersion": "millstream.dev/v1alpha1", "kind": "StreamJob", "name": "orders", "uid": "u-1",
                        "controller": true},
                ],
            },
            "status": {"phase": "Pending", "podIP": "10.0.0.7"},
        })
    }

    #[test]
    fn a_workers_pod() {
        let seen = read(ChildKind::Pod, pod("orders-worker-7-12", "worker")).unwrap();
        assert_eq!((seen.job.as_str(), seen.ip.as_deref()), ("orders", Some("10.0.0.7")));
        let child = seen.child;
        assert_eq!((child.owner.as_str(), child.attempt, child.generation), ("u-1", 7, 3));
        assert_eq!((child.plan.as_str(), child.applied.as_str()), ("p3-x", "sum"));
        let expected = Pod { component: Component::Worker(12), state: PodState::Starting };
        assert_eq!(child.pod, Some(expected));
        assert!(child.is_managed && !child.is_terminating());
    }

    #[test]
    fn what_is_no_jobs_is_nothing_and_what_is_odd_is_a_strangers() {
        let mut object = pod("orders-worker-7-x", "worker");
        assert_eq!(read(ChildKind::Pod, object.clone()).unwrap().child.pod, None);
        object["metadata"]["labels"]["millstream.dev/attempt"] = json!("many");
        object["metadata"]["ownerReferences"] = json!([]);
        let child = read(ChildKind::Pod, object.clone()).unwrap().child;
        assert_eq!((child.attempt, child.owner.as_str()), (0, ""));
        object["metadata"]["labels"] = json!({});
        assert_eq!(read(ChildKind::Pod, object), None);
    }
}
