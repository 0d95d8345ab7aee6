//! What changed between two specs, and how deep the change goes.
//!
//! Owns revisions and differences. The class of each field stands beside it in `millstream-api` ([`change_class`]); this module applies
//! it to effective values, so writing a default out is no change. The revision is a checksum of the fields that are Upgrades: two
//! specs of one revision differ in nothing that a running job would have to be stopped for.
//!
//! `parallelism: 4` for `2` gives one change, `spec.parallelism`, class Rescale, and the same revision.

use std::fmt;

use millstream_api::ValidatedJob;
use millstream_api::change::change_class;
use millstream_api::status::PlanKind;
use serde_json::Value;

use crate::fields::{checksum, fields, without_metadata};

/// A field with another value than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its path.
    pub path: String,
    /// How deep its change goes.
    pub class: PlanKind,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.path, self.class)
    }
}

/// Every change from `old` to `new`, in the order of the reference.
pub fn diff(old: &ValidatedJob, new: &ValidatedJob) -> Vec<Change> {
    let mut changes = Vec::new();
    for ((path, was), (_, is)) in fields(old).into_iter().zip(fields(new)) {
        if was == is {
            continue;
        }
        if path.ends_with(".podTemplate") {
            template_changes(path, &was, &is, &mut changes);
            continue;
        }
        // Taking a restore out of the spec asks for nothing.
        let is_taken_back = is.is_null() && change_class(path) == PlanKind::Restore;
        let class = if is_taken_back { PlanKind::NoOp } else { change_class(path) };
        changes.push(Change { path: path.to_owned(), class });
    }
    changes
}

/// A template has two parts of different depth.
fn template_changes(path: &str, was: &Value, is: &Value, changes: &mut Vec<Change>) {
    for part in ["metadata", "spec"] {
        if was.get(part) != is.get(part) {
            let path = format!("{path}.{part}");
            changes.push(Change { class: change_class(&path), path });
        }
    }
}

/// The deepest class among changes; NoOp for none.
pub fn deepest(changes: &[Change]) -> PlanKind {
    changes.iter().map(|change| change.class).max().unwrap_or(PlanKind::NoOp)
}

/// The revision of a job: equal for jobs between which no field of class Upgrade differs.
pub fn revision(job: &ValidatedJob) -> String {
    let mut text = String::new();
    for (path, value) in fields(job) {
        if change_class(path) != PlanKind::Upgrade {
            continue;
        }
        let value = match path {
            "spec.coordinator.podTemplate" => without_metadata(job.cluster.coordinator.template.as_ref()),
            "spec.worker.podTemplate" => without_metadata(job.cluster.worker.template.as_ref()),
            _ => value,
        };
        // A field of tomorrow that is absent must not change the revisions of today.
        if !value.is_null() {
            text += &format!("{path}={value}\n");
        }
    }
    checksum(&text)
}

#[cfg(test)]
#[path = "diff/diff_test.rs"]
mod tests;
