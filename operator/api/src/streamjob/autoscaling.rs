//! Choosing the parallelism from the load. Read by the operator; `millstream run` names it as ignored.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MAX_MAX_PARALLELISM;
use crate::duration::DurationText;

/// `spec.autoscaling`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Autoscaling {
    /// Disabled, Recommend (says in status what it would do) or Auto (does it). Default Disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<AutoscalingMode>,
    /// Least parallelism. Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_MAX_PARALLELISM))]
    pub min_parallelism: Option<i32>,
    /// Largest parallelism, at most maxParallelism of the job. Default maxParallelism.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_MAX_PARALLELISM))]
    pub max_parallelism: Option<i32>,
    /// Share of time that subtasks should be busy, above 0.1 and at most 1. Default 0.7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.1, max = 1.0))]
    pub target_utilization: Option<f64>,
    /// What must hold while scaling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo: Option<ServiceLevel>,
}

/// Disabled, Recommend (says in status what it would do) or Auto (does it). Default Disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum AutoscalingMode {
    /// Parallelism is what the spec says.
    Disabled,
    /// Say what would be done.
    Recommend,
    /// Do it.
    Auto,
}

/// `spec.autoscaling.slo`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct ServiceLevel {
    /// How far the job may be behind its sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_lag: Option<DurationText>,
}
