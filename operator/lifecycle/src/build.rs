//! The Kubernetes objects of a deployment.
//!
//! Owns what is in them. Building cannot fail and reads nothing but the blueprint: the same blueprint gives the same objects, byte for
//! byte. Objects are JSON, since a user's overlay may hold fields that no type of ours knows; a test reads them back as Kubernetes'
//! own types.
//!
//! Pods follow the restricted profile whatever the overlay says, and mount no API token. A pod that runs is never changed but for
//! labels and annotations.

mod certificates;
pub(crate) mod config;
mod coordinator;
mod network;
mod overlay;
mod pdb;
mod planner;
mod pods;
mod services;
mod tool;
mod workers;

use std::fmt;

use millstream_api::names::{
    API_VERSION, APPLIED_ANNOTATION, ATTEMPT_LABEL, COMPONENT_LABEL, GENERATION_LABEL, JOB_LABEL, KIND,
    PLAN_LABEL,
};
use millstream_api::{Restore, ValidatedJob};
use serde_json::{Value, json};

pub use certificates::{
    COMPONENT as CERTIFICATES_COMPONENT, COORDINATOR_AUTHORITIES, CertificateOrder, SINCE_ANNOTATION,
    UNTIL_ANNOTATION, WORKER_AUTHORITIES, read_certificates,
};
pub use config::{IMAGE_ANNOTATION, MANIFEST_KEY, read_deployed};
pub use planner::planner;
pub use tool::{TOOL, ToolBlueprint, tool};

use crate::fields::checksum;
use crate::observed::{Certificates, ChildKind, ObjectFacts, OperatorSettings, Transport};

/// Port on which a coordinator takes workers and questions.
pub const CONTROL_PORT: u16 = 6123;
/// Port on which a worker takes rows.
pub const DATA_PORT: u16 = 6122;
/// Port of probes and metrics.
pub const HTTP_PORT: u16 = 9090;

/// Everything that a deployment's objects follow from.
#[derive(Clone, Debug, PartialEq)]
pub struct Blueprint<'a> {
    /// Whose they are.
    pub object: &'a ObjectFacts,
    /// The installation's defaults.
    pub operator: &'a OperatorSettings,
    /// What runs, with its SQL in it.
    pub job: &'a ValidatedJob,
    /// The engine's image.
    pub image: &'a str,
    /// Number of the deployment.
    pub attempt: i64,
    /// Id of the plan that it carries out.
    pub plan: &'a str,
    /// Generation of the spec that it was made for.
    pub generation: i64,
    /// Subtasks of each operator.
    pub parallelism: i32,
    /// How many workers there are to be.
    pub workers: u32,
    /// What the coordinator starts from.
    pub start: Start,
    /// What the deployment was begun from, if that is a restore. It stays in the manifest: an engine that finds no epoch of the job
    /// takes it and does not start empty, whatever became of the status.
    pub restore: Option<&'a Restore>,
    /// Operators whose state may be given up.
    pub lost: Vec<String>,
    /// How its processes talk to each other.
    pub transport: Transport,
    /// The certificates that it has already.
    pub certificates: Option<&'a Certificates>,
}

/// What a coordinator is told about its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// Wait as a standby; when activated, go on from the newest epoch, at least this one.
    Standby(Option<i64>),
    /// Go on from the newest epoch, at least this one; where there is none, from what the manifest's restore names.
    Newest(Option<i64>),
    /// Begin with nothing, whatever is there.
    Empty,
    /// Go on from this snapshot.
    Snapshot(String),
    /// Go back to this epoch.
    Epoch(String),
}

/// An object to be applied.
#[derive(Clone, PartialEq)]
pub struct Built {
    /// What it is.
    pub kind: ChildKind,
    /// Its name.
    pub name: String,
    /// Checksum of what can be applied to an object that exists; also an annotation of it.
    pub applied: String,
    /// All of it.
    pub value: Value,
}

impl fmt::Debug for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// All objects of a deployment, in the order in which they are applied: what pods refer to comes before them.
pub fn deployment(blueprint: &Blueprint<'_>) -> Vec<Built> {
    let mut built = vec![config::config_map(blueprint)];
    // Those that are not there yet are issued, not applied.
    let certificates = blueprint.certificates.filter(|certificates| certificates.valid.is_some());
    if let (Transport::Tls, Some(certificates)) = (blueprint.transport, certificates) {
        built.push(CertificateOrder::new(blueprint).config_map(certificates));
    }
    built.extend([
        network::network_policy(blueprint),
        services::coordinator(blueprint),
        services::workers(blueprint),
        pdb::workers(blueprint),
        coordinator::pod(blueprint),
    ]);
    built.extend((0..blueprint.workers).map(|index| workers::pod(blueprint, index)));
    built
}

/// Finishes an object: its metadata, and the checksum of what of it can be applied to one that exists.
fn finish(
    blueprint: &Blueprint<'_>,
    kind: ChildKind,
    name: String,
    component: &str,
    mut value: Value,
) -> Built {
    let object = blueprint.object;
    let metadata = json!({
        "name": name,
        "namespace": object.namespace,
        "labels": labels(blueprint, component),
        "ownerReferences": [{
            "apiVersion": API_VERSION, "kind": KIND, "name": object.name, "uid": object.uid,
            "controller": true, "blockOwnerDeletion": true,
        }],
    });
    // What the value brings, such as a pod's labels by the overlay, gives way to what the operator finds its objects by.
    overlay::merge(&mut value, &json!({"metadata": metadata}));
    sealed(kind, name, value)
}

/// Puts the checksum on a finished object.
fn sealed(kind: ChildKind, name: String, mut value: Value) -> Built {
    let metadata = value.get("metadata").filter(|_| kind == ChildKind::Pod);
    let changeable = metadata.unwrap_or(&value);
    let applied = checksum(&changeable.to_string());
    overlay::merge(&mut value, &json!({"metadata": {"annotations": {APPLIED_ANNOTATION: applied}}}));
    Built { kind, name, applied, value }
}

/// Labels of an object of this component.
fn labels(blueprint: &Blueprint<'_>, component: &str) -> Value {
    json!({
        "app.kubernetes.io/managed-by": "millstream-operator",
        JOB_LABEL: blueprint.object.name,
        COMPONENT_LABEL: component,
        ATTEMPT_LABEL: blueprint.attempt.to_string(),
        GENERATION_LABEL: blueprint.generation.to_string(),
        PLAN_LABEL: blueprint.plan,
    })
}

/// Labels by which a deployment's pods of this component are found.
fn selector(blueprint: &Blueprint<'_>, component: &str) -> Value {
    json!({
        JOB_LABEL: blueprint.object.name,
        COMPONENT_LABEL: component,
        ATTEMPT_LABEL: blueprint.attempt.to_string(),
    })
}

/// How many workers of this many slots a parallelism needs.
pub fn workers_for(parallelism: i32, slots: u32) -> u32 {
    u32::try_from(parallelism).unwrap_or(1).max(1).div_ceil(slots.max(1))
}
