//! Slots, CPU and memory of the job's pods.

use super::Findings;
use crate::path;
use crate::quantity::Quantity;
use crate::streamjob::{Resources, StreamJobSpec};

pub(super) fn check(spec: &StreamJobSpec, findings: &mut Findings) {
    if let Some(slots) = spec.worker.as_ref().and_then(|w| w.slots) {
        findings.within("spec.worker.slots", slots, 1, 1_024);
    }
    for (path, resources) in [
        ("spec.coordinator.resources", spec.coordinator.as_ref().and_then(|c| c.resources.as_ref())),
        ("spec.worker.resources", spec.worker.as_ref().and_then(|w| w.resources.as_ref())),
    ] {
        if let Some(resources) = resources {
            check_resources(path, resources, findings);
        }
    }
}

fn check_resources(path: &str, resources: &Resources, findings: &mut Findings) {
    for (part, quantities) in [("requests", &resources.requests), ("limits", &resources.limits)] {
        if quantities.len() > 16 {
            findings.add(format!("{path}.{part}"), format!("has {} entries, more than 16", quantities.len()));
        }
        for (name, quantity) in quantities {
            check_quantity(&path::child(&format!("{path}.{part}"), name), quantity, findings);
        }
    }
    for (name, request) in &resources.requests {
        if let Some(limit) = resources.limits.get(name)
            && let (Ok(asked), Ok(allowed)) = (request.milli(), limit.milli())
            && asked > allowed
        {
            findings.add(
                path::child(&format!("{path}.requests"), name),
                format!("{request} is larger than the limit ({limit})"),
            );
        }
    }
}

fn check_quantity(path: &str, quantity: &Quantity, findings: &mut Findings) {
    if let Err(error) = quantity.milli() {
        findings.add_with_hint(
            path,
            format!("{:?} {error}", quantity.0),
            "write a number with an optional suffix, such as 500m, 2 or 4Gi",
        );
    }
}
