//! `StreamSnapshot`: a savepoint or checkpoint of a job as an object of its own.
//!
//! Owns the shape of its spec and status; its rules across fields stand in [`crate::rules`]. A snapshot outlives its job, and deleting
//! one with `deletionPolicy: Delete` removes the files, which needs no running job.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::status::{conditions_schema, time_schema};
use crate::streamjob::{MAX_URI, PodTemplate, STORAGE_PATTERN};

/// A snapshot of a StreamJob's state.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "millstream.dev",
    version = "v1alpha1",
    kind = "StreamSnapshot",
    namespaced,
    status = "StreamSnapshotStatus",
    shortname = "ssnap",
    category = "all",
    crates(kube_core = "::kube_core"),
    derive = "PartialEq",
    doc = "A StreamSnapshot is a savepoint or checkpoint of a StreamJob, taken when the object is made and kept as long as it exists."
)]
#[serde(rename_all = "camelCase")]
pub struct StreamSnapshotSpec {
    /// The job that the snapshot is of, in the same namespace.
    pub job_ref: JobRef,
    /// Savepoint is self-contained and portable; Checkpoint pins one of the job's own. Default Savepoint.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<SnapshotType>,
    /// What becomes of the files when this object is deleted. Default Retain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<SnapshotDeletion>,
    /// How often a snapshot that failed is tried again. Default 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub retries: Option<i32>,
    /// Address of a savepoint that is there already: nothing is taken, its files are checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_URI), regex(pattern = STORAGE_PATTERN))]
    pub existing_uri: Option<String>,
}

/// `spec.jobRef`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct JobRef {
    /// Name of the StreamJob.
    #[schemars(length(min = 1, max = 45))]
    pub name: String,
}

/// Savepoint is self-contained and portable; Checkpoint pins one of the job's own. Default Savepoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum SnapshotType {
    /// Self-contained files that anybody can read.
    Savepoint,
    /// The job's next checkpoint, pinned.
    Checkpoint,
}

/// What becomes of the files when this object is deleted. Default Retain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum SnapshotDeletion {
    /// They stay.
    Retain,
    /// They are deleted.
    Delete,
}

/// `status` of a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(inline)]
pub struct StreamSnapshotStatus {
    /// How far it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<SnapshotPhase>,
    /// The last generation of the spec that was acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The epoch that it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<i64>,
    /// Bytes of all its files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<i64>,
    /// Whether every file was read and compared with its checksum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
    /// When it was complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time_schema")]
    pub completed_at: Option<Time>,
    /// Attempts that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<i32>,
    /// Ready, Reconciling and Stalled, each with the generation it speaks of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
    /// When the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time_schema")]
    pub failed_at: Option<Time>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What is being taken, or was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taking: Option<TakingStatus>,
    /// What a pod needs to reach the files, as the job had it then: it is there when the job is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessStatus>,
}

/// `status.taking`: written before anything is asked of the job, so that nothing is taken twice and nothing is forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct TakingStatus {
    /// Uid of the job: another one of its name is another job.
    pub job_uid: String,
    /// Number of the deployment that is asked; 0 when nothing is taken, because the savepoint is there already.
    pub attempt: i64,
    /// Name of the savepoint; empty when it is there already.
    pub name: String,
    /// Where its files are, or will be.
    pub uri: String,
    /// Since when.
    #[schemars(schema_with = "time_schema")]
    pub since: Time,
}

/// `status.access`: how the job's coordinator reached the bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct AccessStatus {
    /// Secrets that were mounted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// The coordinator's pod template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_template: Option<PodTemplate>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum SnapshotPhase {
    /// It waits for the job.
    Pending,
    /// It is being taken.
    InProgress,
    /// It is there.
    Completed,
    /// No attempt is left.
    Failed,
    /// The job is gone, or over.
    Abandoned,
}
