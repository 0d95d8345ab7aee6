//! Headless services: where workers find their coordinator, and where monitoring finds the workers.

use serde_json::{Value, json};

use super::{Blueprint, Built, CONTROL_PORT, DATA_PORT, HTTP_PORT, finish, selector};
use crate::names;
use crate::observed::ChildKind;

/// In front of this deployment's coordinator alone: workers of a standby come to their own. It answers before it is ready, since
/// a coordinator is ready only when records flow.
pub(super) fn coordinator(blueprint: &Blueprint<'_>) -> Built {
    let name = names::coordinator(&blueprint.object.name, blueprint.attempt);
    let value = headless(blueprint, "coordinator", ("control", CONTROL_PORT));
    finish(blueprint, ChildKind::Service, name, "coordinator", value)
}

pub(super) fn workers(blueprint: &Blueprint<'_>) -> Built {
    let name = names::workers(&blueprint.object.name, blueprint.attempt);
    let value = headless(blueprint, "worker", ("rows", DATA_PORT));
    finish(blueprint, ChildKind::Service, name, "worker", value)
}

fn headless(blueprint: &Blueprint<'_>, component: &str, (port, number): (&str, u16)) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": true,
            "selector": selector(blueprint, component),
            "ports": [
                {"name": port, "port": number, "targetPort": port},
                {"name": "http", "port": HTTP_PORT, "targetPort": "http"},
            ],
        },
    })
}
