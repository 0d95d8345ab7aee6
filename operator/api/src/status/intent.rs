//! What the operator has begun and must be able to finish after a crash: the intent, and the trial of a new revision.
//!
//! Owns their shape. An intent is written before the step that it names, under a lock on the resource's version; whoever reads it
//! later finishes the step or takes it back, and never begins another one beside it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time_schema;

/// `status.intent`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct IntentStatus {
    /// What is under way.
    pub step: IntentStep,
    /// Why the change is made.
    pub cause: IntentCause,
    /// When this step began.
    #[schemars(schema_with = "time_schema")]
    pub since: Time,
    /// Number of the deployment that the change leads to.
    pub attempt: i64,
    /// Revision that it leads to.
    pub revision: String,
    /// Generation of the spec that asked for it.
    pub generation: i64,
    /// Id of the plan that it carries out; every object made for it has it as a label.
    pub plan: String,
    /// How the running job is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopMethod>,
    /// What the new deployment starts from.
    pub from: StartFrom,
    /// Least epoch that the new deployment may restore; the engine refuses to start below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<i64>,
    /// Address of the snapshot, when from is Snapshot; epoch to go back to, when it is Epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Subtasks of each operator that the change leads to.
    pub parallelism: i32,
    /// Ids of operators whose state may be given up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub lost: Vec<String>,
    /// Ids of operators that the change adds; going back gives up what they have gathered since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub added: Vec<String>,
    /// Since when pods that are getting ready have been in trouble.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_time")]
    pub troubled_since: Option<Time>,
    /// Whether the pods of the new deployment wait as a standby.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub warm: bool,
}

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum IntentStep {
    /// The new pods get ready while the old job runs; can be taken back.
    Warm,
    /// The running job is being stopped.
    Stop,
    /// The new deployment is started.
    Start,
    /// The running job changes its parallelism.
    Rescale,
    /// The running job is being stopped to be suspended.
    Suspend,
    /// The job ends because its object is deleted.
    Delete,
}

/// Why the change is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum IntentCause {
    /// The job is new.
    Create,
    /// The spec changed.
    Spec,
    /// A new restart nonce.
    Restart,
    /// A new restore.
    Restore,
    /// The new revision did not become stable.
    Rollback,
    /// The job is taken up again.
    Resume,
    /// The parallelism changed.
    Scale,
    /// The job is to be suspended.
    Suspend,
    /// The object is being deleted.
    Delete,
}

/// How the running job is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum StopMethod {
    /// Behind a final checkpoint whose output is visible.
    Checkpoint,
    /// Behind a savepoint that stays.
    Savepoint,
    /// Behind a savepoint at the end of its input.
    Drain,
    /// At once; what came after the newest checkpoint is read again.
    Cancel,
    /// By deleting its pods, since nobody answers.
    Pods,
    /// It does not run.
    Nothing,
}

/// What a deployment starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum StartFrom {
    /// The newest epoch that the job owns, at least the floor.
    Newest,
    /// Nothing: the job is new, or losing state was allowed.
    Empty,
    /// The snapshot that the spec's restore names, when the job owns nothing yet.
    SpecRestore,
    /// Exactly the snapshot at uri, because the user asked for it.
    Snapshot,
    /// Exactly the epoch in uri, because output may be repeated.
    Epoch,
}

/// `status.trial`: a deployment that has not been stable yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct TrialStatus {
    /// Number of the deployment.
    pub attempt: i64,
    /// When it was started.
    #[schemars(schema_with = "time_schema")]
    pub since: Time,
    /// Since when data flows without a restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_time")]
    pub running_since: Option<Time>,
    /// Newest epoch when it was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_epoch: Option<i64>,
    /// Restarts seen so far.
    #[serde(default)]
    pub restarts: i32,
    /// The deployment to go back to; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<i64>,
    /// Ids of operators that it has and the deployment to go back to has not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub added: Vec<String>,
}

/// `status.recovery`: restarts of pods by the operator, counted for their pauses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct RecoveryStatus {
    /// Restarts in a row.
    pub count: i32,
    /// When the last one was decided.
    #[schemars(schema_with = "time_schema")]
    pub last: Time,
    /// Uid of the pod whose end it was decided for, if that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
}

fn optional_time(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    time_schema(generator)
}
