//! Snapshots that a job's schedule makes and discards.
//!
//! The job owns them, so that they are shown with it and go with it. Their files stay then, as all state of a job that is deleted does:
//! the policy of such a snapshot is `Retain`. Only when the schedule discards one, it becomes `Delete` first.

use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};
use kube::{Client, Error};
use millstream_api::names::{
    API_VERSION, JOB_LABEL, KIND, SCHEDULED_LABEL, SNAPSHOT_FINALIZER, SNAPSHOT_KIND,
};
use millstream_lifecycle::observed::ObjectFacts;
use serde_json::{Value, json};

use super::stored;
use crate::observe::{MANAGED_BY, MANAGER};

/// Makes one. One of that name is the one of that minute, and was made already.
pub(crate) async fn create(client: &Client, job: &ObjectFacts, name: &str) -> Result<(), Error> {
    let object: DynamicObject = serde_json::from_value(manifest(job, name)).map_err(Error::SerdeError)?;
    let parameters = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
    match stored(client, &job.namespace).create(&parameters, &object).await {
        Err(Error::Api(status)) if status.code == 409 => Ok(()),
        done => done.map(drop),
    }
}

fn manifest(job: &ObjectFacts, name: &str) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": SNAPSHOT_KIND,
        "metadata": {
            "name": name,
            "namespace": job.namespace,
            "labels": {MANAGED_BY: MANAGER, JOB_LABEL: job.name, SCHEDULED_LABEL: "true"},
            "ownerReferences": [{
                "apiVersion": API_VERSION, "kind": KIND, "name": job.name, "uid": job.uid, "controller": true,
            }],
        },
        "spec": {"jobRef": {"name": job.name}, "type": "Savepoint", "deletionPolicy": "Retain"},
    })
}

/// Deletes one with its files, if it is still this job's.
pub(crate) async fn discard(client: &Client, job: &ObjectFacts, name: &str) -> Result<(), Error> {
    let api = stored(client, &job.namespace);
    let Some(there) = api.get_metadata_opt(name).await? else { return Ok(()) };
    let metadata = there.metadata;
    let owners = metadata.owner_references.iter().flatten();
    let is_ours = owners.into_iter().any(|owner| owner.uid == job.uid && owner.controller == Some(true));
    if !is_ours || metadata.deletion_timestamp.is_some() {
        return Ok(());
    }
    let mut finalizers = metadata.finalizers.unwrap_or_default();
    if !finalizers.iter().any(|name| name == SNAPSHOT_FINALIZER) {
        finalizers.push(SNAPSHOT_FINALIZER.to_owned());
    }
    // In one write, so that it cannot be gone before its files.
    let patch = json!({
        "metadata": {"resourceVersion": metadata.resource_version, "finalizers": finalizers},
        "spec": {"deletionPolicy": "Delete"},
    });
    let parameters = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
    api.patch(name, &parameters, &Patch::Merge(&patch)).await?;
    let preconditions = Some(Preconditions { uid: metadata.uid, resource_version: None });
    let parameters = DeleteParams { preconditions, ..DeleteParams::default() };
    match api.delete(name, &parameters).await {
        Err(Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        done => done.map(drop),
    }
}
