//! The disruption budget of the workers: a drain takes them one by one.
//!
//! The coordinator has none: a budget for a single pod would only block the drain, and its successor goes on from the newest epoch.

use serde_json::json;

use super::{Blueprint, Built, finish, selector};
use crate::names;
use crate::observed::ChildKind;

pub(super) fn workers(blueprint: &Blueprint<'_>) -> Built {
    let value = json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "spec": {
            // A number and no share: Kubernetes knows no total for pods without a workload object.
            "minAvailable": blueprint.workers.saturating_sub(1),
            // A worker that is not ready does no work that a drain could disturb; without this it would keep its node for ever.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": selector(blueprint, "worker")},
        },
    });
    let name = names::workers(&blueprint.object.name, blueprint.attempt);
    finish(blueprint, ChildKind::PodDisruptionBudget, name, "worker", value)
}
