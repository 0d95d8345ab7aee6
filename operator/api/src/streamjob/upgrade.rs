//! Upgrades, going back, and what counts as stable. Read by the operator; `millstream run` names them as ignored.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::DurationText;

/// `spec.upgrade`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Upgrade {
    /// What a new revision starts from: Savepoint (taken while stopping the old one), LastState (the newest checkpoint)
    /// or Stateless (nothing; needs allowStateLoss). Default Savepoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<UpgradeMode>,
    /// What to do when the savepoint cannot be taken: LastState, Wait or Fail. Default LastState.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
    /// Oldest checkpoint that LastState may start from. Default 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_checkpoint_age: Option<DurationText>,
    /// Auto acts on a plan at once; Manual waits for the annotation millstream.dev/approve with the plan's id. Default
    /// Auto.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Auto starts the new pods while the old job still runs, where they fit; Never stops first. Default Auto.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm: Option<Warm>,
    /// Longest time that a savepoint may take. Default 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub savepoint_timeout: Option<DurationText>,
    /// Permits a change that gives up state. Set it for that one change and take it out again. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_state_loss: Option<bool>,
}

/// What a new revision starts from: Savepoint (taken while stopping the old one), LastState (the newest checkpoint)
/// or Stateless (nothing; needs allowStateLoss). Default Savepoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum UpgradeMode {
    /// From a savepoint taken while stopping.
    Savepoint,
    /// From the newest checkpoint.
    LastState,
    /// From nothing.
    Stateless,
}

/// What to do when the savepoint cannot be taken: LastState, Wait or Fail. Default LastState.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Fallback {
    /// Take the newest checkpoint instead.
    LastState,
    /// Keep the old revision running and try again.
    Wait,
    /// Keep the old revision running and report the upgrade as failed.
    Fail,
}

/// Auto acts on a plan at once; Manual waits for the annotation millstream.dev/approve with the plan's id. Default
/// Auto.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Approval {
    /// Act at once.
    Auto,
    /// Wait for a person.
    Manual,
}

/// Auto starts the new pods while the old job still runs, where they fit; Never stops first. Default Auto.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Warm {
    /// Start new pods early where they fit.
    Auto,
    /// Stop first.
    Never,
}

/// `spec.rollback`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Rollback {
    /// Whether to go back by itself. Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// A revision that is not stable by then is taken back. Default 5m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<DurationText>,
    /// What the old revision starts from: Latest, or PreUpgrade (the state before the upgrade). Default Latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<RollbackState>,
    /// Permits going back to the state before the upgrade although the new revision has already written output, which
    /// is then written again. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_repeated_output: Option<bool>,
}

/// What the old revision starts from: Latest, or PreUpgrade (the state before the upgrade). Default Latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum RollbackState {
    /// The newest state that the new revision owns.
    Latest,
    /// The state before the upgrade.
    PreUpgrade,
}

/// `spec.stability`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Stability {
    /// Least time of running without a restart. Default 60s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_running: Option<DurationText>,
    /// Least number of completed checkpoints. Default 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub min_checkpoints: Option<i32>,
    /// Most restarts on the way there. Default 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub max_restarts: Option<i32>,
}
