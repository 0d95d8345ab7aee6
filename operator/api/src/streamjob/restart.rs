//! Restarting after a failure, and starting from a chosen snapshot.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checkpoint::{MAX_URI, STORAGE_PATTERN};
use crate::duration::DurationText;

/// `spec.restart`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Restart {
    /// ExponentialDelay doubles the pause with each attempt, FixedDelay always waits for initial, FailureRate does so, too, and
    /// counts the attempts of the last resetAfter alone, Never lets the job fail. Default ExponentialDelay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<RestartStrategyName>,
    /// Pause before the first attempt. Default 1s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial: Option<DurationText>,
    /// Longest pause. Default 1m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<DurationText>,
    /// Attempts before the job counts as failed. Default 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub attempts: Option<i32>,
    /// Time of running after which the attempts are counted from zero again; for FailureRate, the time within which they count,
    /// whether the job runs or not. Default 2m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_after: Option<DurationText>,
    /// A new number restarts the job once, from its newest state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    #[schemars(extend("x-millstream-change" = "NoOp"))]
    pub nonce: Option<i64>,
}

/// ExponentialDelay doubles the pause with each attempt, FixedDelay always waits for initial, FailureRate does so, too, and
/// counts the attempts of the last resetAfter alone, Never lets the job fail. Default ExponentialDelay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum RestartStrategyName {
    /// Pauses double.
    ExponentialDelay,
    /// Pauses are equal.
    FixedDelay,
    /// Pauses are equal, and the attempts of a time count.
    FailureRate,
    /// The first failure is final.
    Never,
}

/// `spec.restore`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct RestoreFrom {
    /// Address of a savepoint or checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_URI), regex(pattern = STORAGE_PATTERN))]
    #[schemars(extend("x-millstream-change" = "Restore"))]
    pub from: Option<String>,
    /// A new number restores once more, from the same address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    #[schemars(extend("x-millstream-change" = "Restore"))]
    pub nonce: Option<i64>,
    /// Required fails when there is nothing to restore; IfPresent starts empty then, and changing to it takes
    /// upgrade.allowStateLoss. Default Required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-millstream-change" = "NoOp"))]
    pub policy: Option<RestorePolicy>,
}

/// Required fails when there is nothing to restore; IfPresent starts empty then, and changing to it takes
/// upgrade.allowStateLoss. Default Required.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum RestorePolicy {
    /// Nothing to restore is an error.
    Required,
    /// Nothing to restore means an empty start.
    IfPresent,
}
