//! What the running deployment began from, and how it ended: what must outlive the intent that began it and the pod that ended.
//!
//! Owns their shape. Epochs are compared with `own` to tell what this deployment wrote from what it found: one that was begun when epoch
//! 41 was the newest, and wrote 44 first, owns 44 and everything above.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{StartFrom, time_schema};

/// `status.origin`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct OriginStatus {
    /// Number of the deployment.
    pub attempt: i64,
    /// What it was permitted to start from.
    pub from: StartFrom,
    /// Address of the snapshot, or epoch to go back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Newest epoch that was known when it was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<i64>,
    /// Ids of operators whose state it may give up, until it has an epoch without them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub lost: Vec<String>,
    /// Whether records ever flowed in it.
    #[serde(default)]
    pub ran: bool,
    /// The oldest epoch that it is known to have written itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<i64>,
}

/// `status.ended`: how the coordinator of a deployment ended, which its pod says only as long as it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct EndStatus {
    /// Number of the deployment.
    pub attempt: i64,
    /// Uid of the pod.
    pub pod: String,
    /// How it ended.
    pub how: EndKind,
    /// What it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Its exit code, when that is all that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// When, by the clock of its node.
    #[schemars(schema_with = "time_schema")]
    pub at: Time,
}

/// How a coordinator ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum EndKind {
    /// All input was read.
    Finished,
    /// Stopped on request.
    Stopped,
    /// The job failed.
    Failed,
    /// The engine refused the job.
    Refused,
    /// There was nothing to restore.
    NothingToRestore,
    /// Another coordinator owns the job.
    Fenced,
    /// Killed or crashed.
    Crashed,
}
