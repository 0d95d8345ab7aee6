//! How deep a change of a field goes: read from the marks that stand beside the fields of the spec.
//!
//! Owns the walk over the schema; the marks themselves are `x-millstream-change` attributes in [`crate::streamjob`]. A field has
//! the deepest mark on its way, and a field without any mark is an Upgrade: forgetting one costs a restart and never an
//! unnoticed change. `spec.upgrade.mode` has no mark of its own and inherits NoOp from `spec.upgrade`; `spec.restart.nonce` is
//! NoOp although the rest of `spec.restart` is an Upgrade.
//!
//! What lies below `podTemplate.metadata` (labels and annotations) can be changed on a pod that runs, so it is a Patch. The
//! schema of a template has no fields, so this one rule stands here.

use std::sync::LazyLock;

use serde_json::Value;

use crate::status::PlanKind;
use crate::streamjob::StreamJobSpec;

/// Name of the mark in the schema of the Rust types. The CRD does not carry it.
const MARK: &str = "x-millstream-change";

static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| schemars::SchemaGenerator::default().into_root_schema_for::<StreamJobSpec>().to_value());

/// How deep a change of the field at `path` goes, such as `spec.checkpoint.interval`.
///
/// Total: an unknown path is an Upgrade, as is a field without a mark.
pub fn change_class(path: &str) -> PlanKind {
    declared_class(path).unwrap_or(PlanKind::Upgrade)
}

/// The mark of the field at `path`, its own or inherited; `None` when nobody classified it.
pub fn declared_class(path: &str) -> Option<PlanKind> {
    if path.contains(".podTemplate.metadata") {
        return Some(PlanKind::Patch);
    }
    let mut schema = &*SCHEMA;
    let mut deepest = None;
    for step in path.split('.').skip(1) {
        let Some(field) = schema.get("properties").and_then(|fields| fields.get(step)) else { break };
        deepest = field.get(MARK).and_then(Value::as_str).and_then(kind).or(deepest);
        schema = field;
    }
    deepest
}

/// Paths of all fields of the spec that hold a value of their own, in the order of the schema: `spec.sql`,
/// `spec.checkpoint.interval`, but not `spec.checkpoint`. Maps, lists and pod templates count as one value.
pub fn spec_fields() -> Vec<String> {
    let mut fields = Vec::new();
    walk(&SCHEMA, "spec", &mut fields);
    fields
}

fn walk(schema: &Value, path: &str, fields: &mut Vec<String>) {
    match schema.get("properties").and_then(Value::as_object) {
        Some(properties) => {
            properties.iter().for_each(|(name, field)| walk(field, &format!("{path}.{name}"), fields));
        }
        None => fields.push(path.to_owned()),
    }
}

fn kind(mark: &str) -> Option<PlanKind> {
    serde_json::from_value(Value::from(mark)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_inherited_and_the_deepest_wins() {
        for (path, expected) in [
            ("spec.sql", Some(PlanKind::Upgrade)),
            ("spec.parallelism", Some(PlanKind::Rescale)),
            ("spec.upgrade.mode", Some(PlanKind::NoOp)),
            ("spec.restart.attempts", Some(PlanKind::Upgrade)),
            ("spec.restart.nonce", Some(PlanKind::NoOp)),
            ("spec.restore.from", Some(PlanKind::Restore)),
            ("spec.restore.policy", Some(PlanKind::NoOp)),
            ("spec.worker.podTemplate", Some(PlanKind::Upgrade)),
            ("spec.worker.podTemplate.metadata.labels", Some(PlanKind::Patch)),
            ("spec.fieldOfTomorrow", None),
        ] {
            assert_eq!(declared_class(path), expected, "{path}");
        }
        assert_eq!(change_class("spec.fieldOfTomorrow"), PlanKind::Upgrade);
    }

    #[test]
    fn every_field_of_the_schema_is_classified() {
        let fields = spec_fields();
        assert!(fields.len() > 50, "the walk found only {fields:?}");
        let open: Vec<_> = fields.iter().filter(|path| declared_class(path).is_none()).collect();
        assert!(open.is_empty(), "say beside these fields how deep a change of them goes: {open:?}");
    }

    /// Kubernetes refuses extensions that it does not know.
    #[test]
    fn the_crd_carries_no_mark() {
        let crd = serde_json::to_string(&crate::streamjob_crd()).unwrap();
        assert!(!crd.contains(MARK));
        assert!(SCHEMA.to_string().contains(MARK), "it is read from the types");
    }
}
