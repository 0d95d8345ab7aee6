//! Who may connect to a deployment's pods.
//!
//! Rows and workers come from pods of the same deployment, questions from the operator, probes and metrics from anywhere. What pods
//! connect to (brokers, buckets, databases) is the user's, so nothing is said about it.

use millstream_api::names::{ATTEMPT_LABEL, JOB_LABEL};
use serde_json::json;

use super::{Blueprint, Built, CONTROL_PORT, DATA_PORT, HTTP_PORT, finish};
use crate::names;
use crate::observed::ChildKind;

pub(super) fn network_policy(blueprint: &Blueprint<'_>) -> Built {
    let own = json!({"matchLabels": {
        JOB_LABEL: blueprint.object.name, ATTEMPT_LABEL: blueprint.attempt.to_string(),
    }});
    let operator = json!({
        "namespaceSelector": {},
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "millstream-operator"}},
    });
    let port = |port: u16| json!({"protocol": "TCP", "port": port});
    let value = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "spec": {
            "podSelector": own,
            "policyTypes": ["Ingress"],
            "ingress": [
                {"from": [{"podSelector": own}], "ports": [port(CONTROL_PORT), port(DATA_PORT)]},
                {"from": [operator], "ports": [port(CONTROL_PORT)]},
                {"ports": [port(HTTP_PORT)]},
            ],
        },
    });
    finish(
        blueprint,
        ChildKind::NetworkPolicy,
        names::network(&blueprint.object.name, blueprint.attempt),
        "network",
        value,
    )
}
