//! A StreamJob as facts.

use kube::core::DynamicObject;
use millstream_api::names::{APPROVE_ANNOTATION, FINALIZER, SKIP_ANNOTATION};
use millstream_api::status::StreamJobStatus;
use millstream_api::{FieldError, StreamJobSpec, ValidatedJob};
use millstream_lifecycle::observed::ObjectFacts;
use serde_json::Value;

/// A StreamJob, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its metadata.
    pub object: ObjectFacts,
    /// Its status as it is stored; empty when it cannot be read, which the seal in it shows.
    pub status: StreamJobStatus,
    /// Its spec, or what is wrong with it.
    pub spec: Result<ValidatedJob, Vec<FieldError>>,
}

/// Takes an object apart; `None` without a name, a namespace or a uid, which nothing that was read from a cluster lacks.
///
/// A spec that no version of ours could have meant, as one that was stored under another CRD, is an error of the spec: it is reported
/// on the object, and other jobs do not notice.
pub fn job(object: &DynamicObject) -> Option<Job> {
    let metadata = &object.metadata;
    let annotation = |name: &str| metadata.annotations.as_ref().and_then(|a| a.get(name));
    let facts = ObjectFacts {
        name: metadata.name.clone()?,
        namespace: metadata.namespace.clone()?,
        uid: metadata.uid.clone()?,
        generation: metadata.generation.unwrap_or(0),
        created: metadata.creation_timestamp.as_ref()?.0,
        deleted: metadata.deletion_timestamp.as_ref().map(|time| time.0),
        has_finalizer: metadata.finalizers.iter().flatten().any(|name| name == FINALIZER),
        approved: annotation(APPROVE_ANNOTATION).cloned(),
        skips_deletion_policy: annotation(SKIP_ANNOTATION).is_some(),
    };
    let status = object.data.get("status").cloned().unwrap_or_default();
    Some(Job {
        object: facts,
        status: serde_json::from_value(status).unwrap_or_default(),
        spec: spec(object),
    })
}

fn spec(object: &DynamicObject) -> Result<ValidatedJob, Vec<FieldError>> {
    let text = object.data.get("spec").cloned().unwrap_or(Value::Null);
    match serde_json::from_value::<StreamJobSpec>(text) {
        Ok(spec) => {
            let name = object.metadata.name.clone().unwrap_or_default();
            let mut job = millstream_api::StreamJob::new(&name, spec);
            job.metadata = object.metadata.clone();
            job.validate().and_then(possible)
        }
        Err(error) => Err(vec![FieldError { path: "spec".into(), message: error.to_string(), hint: None }]),
    }
}

/// Refuses what the resource has a place for and this operator cannot do yet, rather than to leave it undone.
fn possible(job: ValidatedJob) -> Result<ValidatedJob, Vec<FieldError>> {
    if job.cluster.autoscaling.is_none() {
        return Ok(job);
    }
    Err(vec![FieldError {
        path: "spec.autoscaling".into(),
        message: "jobs are not scaled by their load by this version of the operator".into(),
        hint: Some("leave it out".into()),
    }])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(spec: &Value, more: &Value) -> DynamicObject {
        let mut object = json!({
            "apiVersion": "millstream.dev/v1alpha1", "kind": "StreamJob",
            "metadata": {
                "name": "orders", "namespace": "shop", "uid": "u-1", "generation": 3,
                "creationTimestamp": "2026-03-01T00:00:00Z",
            },
            "spec": spec,
        });
        if let (Some(metadata), Some(more)) = (object["metadata"].as_object_mut(), more.as_object()) {
            metadata.extend(more.clone());
        }
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn metadata_become_facts() {
        let more = json!({
            "finalizers": ["millstream.dev/job"], "deletionTimestamp": "2026-03-02T00:00:00Z",
            "annotations": {"millstream.dev/approve": "p1-abc", "millstream.dev/skip-deletion-policy": ""},
        });
        let facts = job(&object(&json!({"sql": "SELECT 1"}), &more)).unwrap().object;
        assert!(facts.has_finalizer && facts.skips_deletion_policy);
        assert_eq!(facts.deleted, Some("2026-03-02T00:00:00Z".parse().unwrap()));
        assert_eq!((facts.approved.as_deref(), facts.generation), (Some("p1-abc"), 3));
    }

    #[test]
    fn a_spec_that_cannot_be_read_is_an_error_of_the_spec() {
        let good = job(&object(&json!({"sql": "SELECT 1"}), &json!({}))).unwrap();
        assert_eq!(good.spec.unwrap().parallelism, 1);
        let bad = job(&object(&json!({"sql": "SELECT 1", "parallelism": "many"}), &json!({}))).unwrap();
        let errors = bad.spec.unwrap_err();
        assert_eq!(errors[0].path, "spec");
        assert!(errors[0].message.contains("many"), "{}", errors[0].message);
        let none = job(&object(&json!({}), &json!({}))).unwrap();
        assert!(none.spec.is_err());
    }

    #[test]
    fn what_cannot_be_done_yet_is_refused() {
        let spec = json!({"sql": "SELECT 1", "snapshots": {"schedule": "0 * * * *"}, "autoscaling": {"maxParallelism": 4}});
        let errors = job(&object(&spec, &json!({}))).unwrap().spec.unwrap_err();
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "spec.autoscaling: jobs are not scaled by their load by this version of the operator (leave it out)"
            ]
        );
    }
}
