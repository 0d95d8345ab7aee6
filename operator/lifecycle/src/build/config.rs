//! A deployment's config map: the manifest that its pods read, and the memory of what was deployed.
//!
//! The operator keeps no spec in the status. What runs is what stands here, with every default written out, so that a job goes on as
//! it was deployed when the spec is edited, broken or gone, and whatever a later operator's defaults are.

use millstream_api::names::{API_VERSION, KIND};
use millstream_api::{DesiredState, SqlSource, StreamJob, ValidatedJob};
use serde_json::{Value, json};

use super::{Blueprint, Built, finish};
use crate::diff::revision;
use crate::fields::{as_spec, fields};
use crate::names;
use crate::observed::{ChildKind, Deployed, Transport};

/// Key of the manifest. JSON is YAML, too.
pub const MANIFEST_KEY: &str = "job.json";
/// Annotation with the engine's image, which pods of this deployment keep when the operator has a newer one.
pub const IMAGE_ANNOTATION: &str = "millstream.dev/image";

/// Annotation that says how its processes talk, which is theirs as long as they live, whatever a later operator does.
const TRANSPORT_ANNOTATION: &str = "millstream.dev/transport";

pub(super) fn config_map(blueprint: &Blueprint<'_>) -> Built {
    let name = names::config(&blueprint.object.name, blueprint.attempt);
    let value = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"annotations": {
            IMAGE_ANNOTATION: blueprint.image,
            TRANSPORT_ANNOTATION: blueprint.transport.as_str(),
        }},
        "data": {MANIFEST_KEY: manifest(blueprint)},
    });
    finish(blueprint, ChildKind::ConfigMap, name, "config", value)
}

/// The manifest as the engine reads it. Its restore is the one that the deployment was begun from, not one that the spec has had since.
pub(super) fn manifest(blueprint: &Blueprint<'_>) -> String {
    let object = blueprint.object;
    let mut job = blueprint.job.clone();
    job.parallelism = u32::try_from(blueprint.parallelism).unwrap_or(1);
    job.desired_state = DesiredState::Running;
    job.restore = blueprint.restore.cloned();
    json!({
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": object.name, "namespace": object.namespace, "uid": object.uid},
        "spec": as_spec(&fields(&job)),
    })
    .to_string()
}

/// What a config map says was deployed; `None` when it is none of ours or was changed into something that is no job.
pub fn read_deployed(config_map: &Value) -> Option<Deployed> {
    let text = config_map.get("data")?.get(MANIFEST_KEY)?.as_str()?;
    let annotation = |name: &str| config_map.get("metadata")?.get("annotations")?.get(name)?.as_str();
    let image = annotation(IMAGE_ANNOTATION)?;
    // A deployment without the annotation talks in the clear.
    let transport = annotation(TRANSPORT_ANNOTATION).map_or(Some(Transport::Plaintext), Transport::read)?;
    let job = serde_json::from_str::<StreamJob>(text).ok()?.validate().ok()?;
    Some(Deployed { revision: revision(&job), job, image: image.to_owned(), transport })
}

/// The job with its SQL in it, wherever the spec has it.
pub(crate) fn with_sql(mut job: ValidatedJob, sql: &str) -> ValidatedJob {
    job.sql = SqlSource::Inline(sql.to_owned());
    job
}
