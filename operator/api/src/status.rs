//! `status` of a StreamJob: small and true.
//!
//! Owns its shape. The operator writes it; `millstream run` ignores it in a manifest. Numbers that move all the time
//! (throughput, lag) are in the metrics.

mod intent;
mod origin;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::duration::DurationText;

pub use intent::{IntentCause, IntentStatus, IntentStep, RecoveryStatus, StartFrom, StopMethod, TrialStatus};
pub use origin::{EndKind, EndStatus, OriginStatus};

/// Most entries of `status.history`.
pub const MAX_HISTORY: u32 = 10;

/// `status`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(inline)]
pub struct StreamJobStatus {
    /// Where the job is in its life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// The last generation of the spec that was acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready, Reconciling, Stalled and the others, each with the generation it speaks of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
    /// Label selector of the workers, for the scale subresource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// Number of the running deployment; it only grows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<i64>,
    /// Highest number that a deployment was ever given, also one that was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_attempt: Option<i64>,
    /// Newest checkpoint that the job owns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<i64>,
    /// Revision that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_revision: Option<String>,
    /// Revision that the spec asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_revision: Option<String>,
    /// Subtasks of each operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<ParallelismStatus>,
    /// Worker pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<WorkersStatus>,
    /// The newest completed checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_checkpoint: Option<CheckpointStatus>,
    /// The newest completed savepoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_savepoint: Option<CheckpointStatus>,
    /// What the running attempt started from; absent when it started empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restored_from: Option<RestorePoint>,
    /// Restarts since the last change of the spec.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarts: Option<i32>,
    /// What the operator is about to do, or has just done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanStatus>,
    /// The step that was begun last and is not finished. Written before the step, for an operator that crashes in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<IntentStatus>,
    /// The deployment that is not known to be stable yet; absent when the running one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial: Option<TrialStatus>,
    /// What the running deployment was begun from, and what it owns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<OriginStatus>,
    /// How the coordinator of the running deployment ended, until there is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndStatus>,
    /// Revision that was taken back, until the spec changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<String>,
    /// What was wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_reason: Option<String>,
    /// Pauses between restarts of pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery: Option<RecoveryStatus>,
    /// Since when the coordinator does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time_schema")]
    pub silent_since: Option<Time>,
    /// When the schedule was looked at last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time_schema")]
    pub scheduled_at: Option<Time>,
    /// What happened last, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_HISTORY))]
    pub history: Vec<HistoryEntry>,
    /// Nonces that were acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonces: Option<Nonces>,
    /// The error that the job ended with or is retrying after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Checksum of what the operator decides on, by which it notices that somebody else wrote this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
}

/// Where the job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Phase {
    /// Objects are being made.
    Deploying,
    /// State is being read.
    Restoring,
    /// Data flows.
    Running,
    /// A new revision takes over.
    Upgrading,
    /// The parallelism changes.
    Rescaling,
    /// Waiting inside a restart pause.
    Restarting,
    /// Stopped on purpose, state kept.
    Suspended,
    /// Bounded input came to its end.
    Finished,
    /// Nothing more happens without a person.
    Failed,
    /// The object is being deleted.
    Deleting,
}

/// `status.parallelism`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ParallelismStatus {
    /// What the spec asks for.
    pub desired: i32,
    /// What runs.
    pub current: i32,
}

/// `status.workers`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct WorkersStatus {
    /// How many the parallelism needs.
    pub desired: i32,
    /// How many are ready.
    pub ready: i32,
}

/// A completed checkpoint or savepoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct CheckpointStatus {
    /// Its number.
    pub epoch: i64,
    /// Its address.
    pub uri: String,
    /// When it was complete.
    #[schemars(schema_with = "time_schema")]
    pub completed_at: Time,
    /// Bytes that it refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<i64>,
    /// How long it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<DurationText>,
}

/// A point that state was or will be read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct RestorePoint {
    /// Its address.
    pub uri: String,
    /// Its number.
    pub epoch: i64,
    /// How old it was when it was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<DurationText>,
}

/// `status.plan`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct PlanStatus {
    /// Names the plan, for the approving annotation.
    pub id: String,
    /// Generation of the spec that it leads to.
    pub generation: i64,
    /// How deep the change goes.
    pub kind: PlanKind,
    /// Fields that change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// How the running job is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<String>,
    /// What the new one starts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_from: Option<RestorePoint>,
    /// What becomes of the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StateVerdict>,
    /// Epochs whose output is written again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeated_output: Option<EpochRange>,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// How often it could not be judged; it is tried again, in pauses that grow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<i32>,
}

/// How deep the change goes, the deeper the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum PlanKind {
    /// Nothing to do.
    NoOp,
    /// Objects change, the job keeps running.
    Patch,
    /// The parallelism changes.
    Rescale,
    /// A new revision takes over.
    Upgrade,
    /// The job goes back to a chosen point.
    Restore,
}

/// `status.plan.state`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct StateVerdict {
    /// Whether every operator finds its state.
    pub verdict: Compatibility,
    /// The verdict for each operator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub operators: Vec<OperatorVerdict>,
}

/// Whether every operator finds its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Compatibility {
    /// All state is carried over.
    Compatible,
    /// Some state would be lost.
    Incompatible,
    /// Not known yet.
    Unknown,
}

/// What becomes of one operator's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct OperatorVerdict {
    /// Stable id of the operator.
    pub uid: String,
    /// Its name in the plan.
    pub name: String,
    /// What happens.
    pub verdict: OperatorFate,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum OperatorFate {
    /// Carried over.
    Kept,
    /// Carried over, while what flows into it changes.
    KeptInputChanged,
    /// Made again from the input.
    Rebuilt,
    /// Given up.
    Lost,
    /// Starts empty, since it was not there before.
    New,
}

/// Epochs `from..=to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct EpochRange {
    /// The first one.
    pub from: i64,
    /// The last one.
    pub to: i64,
}

/// One line of `status.history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct HistoryEntry {
    /// When it happened.
    #[schemars(schema_with = "time_schema")]
    pub time: Time,
    /// What was done.
    pub action: String,
    /// Why.
    pub reason: String,
    /// Revision or epoch before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Revision or epoch after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

/// `status.nonces`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Nonces {
    /// Last `spec.restart.nonce` acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<i64>,
    /// Last `spec.restore.nonce` acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore: Option<i64>,
    /// Last `spec.restore.from` acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<String>,
}

pub(crate) fn time_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time"})
}

/// The schema of `metav1.Condition`, which k8s-openapi offers only together with features we do not build.
pub(crate) fn conditions_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "reason", "message", "lastTransitionTime"],
            "properties": {
                "type": {"type": "string", "maxLength": 316},
                "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
                "observedGeneration": {"type": "integer", "format": "int64", "minimum": 0},
                "lastTransitionTime": {"type": "string", "format": "date-time"},
                "reason": {"type": "string", "minLength": 1, "maxLength": 1024},
                "message": {"type": "string", "maxLength": 32768}
            }
        }
    })
}
