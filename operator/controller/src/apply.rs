//! Objects of a job, brought to the API server.

use kube::api::{
    Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions, PropagationPolicy,
};
use kube::{Client, Error};
use millstream_api::k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use millstream_lifecycle::build::Built;
use millstream_lifecycle::observed::ChildKind;
use millstream_lifecycle::{ChildRef, Grace};
use serde_json::json;

use crate::observe::MANAGER;
use crate::watch::{api, resource};

/// Why an object could not be brought there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    /// An object of this name belongs to somebody else.
    #[error("{kind}/{name} is there already and belongs to somebody else; rename or delete it")]
    Taken {
        /// Its kind.
        kind: ChildKind,
        /// Its name.
        name: String,
    },
    /// No certificates could be made.
    #[error("certificates cannot be made")]
    Certificates(#[from] rcgen::Error),
    /// The API server said no, or did not answer.
    #[error(transparent)]
    Kube(#[from] Error),
}

/// Brings an object of this owner to the API server, or what of it can be changed.
///
/// One that belongs to somebody else is left alone. A pod that exists gets labels and annotations, since nothing else of it can change.
pub(crate) async fn ensure(
    client: &Client,
    namespace: &str,
    owner: &str,
    built: &Built,
) -> Result<(), ApplyError> {
    let api = api(client, &resource(built.kind), Some(namespace));
    let there = api.get_metadata_opt(&built.name).await?;
    if there.as_ref().is_some_and(|there| !is_owned_by(&there.metadata, owner)) {
        return Err(ApplyError::Taken { kind: built.kind, name: built.name.clone() });
    }
    match (built.kind, there) {
        (ChildKind::Pod, None) => create(&api, built).await?,
        (ChildKind::Pod, Some(_)) => relabel(&api, built).await?,
        _ => {
            let parameters = PatchParams::apply(MANAGER).force();
            api.patch(&built.name, &parameters, &Patch::Apply(&built.value)).await?;
        }
    }
    Ok(())
}

/// Whether a StreamJob of this uid owns an object.
pub(crate) fn is_owned_by(metadata: &ObjectMeta, owner: &str) -> bool {
    let mut owners = metadata.owner_references.iter().flatten();
    owners.any(|o| o.controller == Some(true) && o.uid == owner)
}

async fn create(api: &Api<DynamicObject>, built: &Built) -> Result<(), Error> {
    let pod: DynamicObject = serde_json::from_value(built.value.clone()).map_err(Error::SerdeError)?;
    let parameters = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
    api.create(&parameters, &pod).await.map(drop)
}

async fn relabel(api: &Api<DynamicObject>, built: &Built) -> Result<(), Error> {
    let metadata = &built.value["metadata"];
    let patch = json!({"metadata": {"labels": metadata["labels"], "annotations": metadata["annotations"]}});
    let parameters = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
    api.patch_metadata(&built.name, &parameters, &Patch::Merge(&patch)).await.map(drop)
}

/// Deletes an object, if it is still the one that was meant.
pub(crate) async fn delete(client: &Client, namespace: &str, child: &ChildRef) -> Result<(), Error> {
    let api = api(client, &resource(child.kind), Some(namespace));
    let parameters = DeleteParams {
        grace_period_seconds: (child.grace == Grace::None).then_some(0),
        propagation_policy: Some(PropagationPolicy::Background),
        preconditions: Some(Preconditions { uid: Some(child.uid.clone()), resource_version: None }),
        ..DeleteParams::default()
    };
    match api.delete(&child.name, &parameters).await {
        Err(error) if !is_gone(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Whether what was to be deleted is not there any more: gone, or another object of the same name.
fn is_gone(error: &Error) -> bool {
    matches!(error, Error::Api(status) if matches!(status.code, 404 | 409))
}
