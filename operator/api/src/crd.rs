//! The CustomResourceDefinition: the types' schema, with the rules of [`crate::rules`] put in their places.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceColumnDefinition, CustomResourceDefinition, JSONSchemaProps, ValidationRule,
};
use kube_core::CustomResourceExt;

use crate::rules::{RULES, Rule, SNAPSHOT_RULES};
use crate::{StreamJob, StreamSnapshot};

/// What `kubectl get sj` shows: heading, type, path. Those of [`WIDE_COLUMNS`] need `-o wide`.
const COLUMNS: &[(&str, &str, &str)] = &[
    ("Phase", "string", ".status.phase"),
    ("Ready", "string", r#".status.conditions[?(@.type=="Ready")].status"#),
    ("Parallelism", "integer", ".status.parallelism.current"),
    ("Checkpoints", "string", r#".status.conditions[?(@.type=="CheckpointHealthy")].reason"#),
    ("Restarts", "integer", ".status.restarts"),
    ("Age", "date", ".metadata.creationTimestamp"),
];

/// See [`COLUMNS`].
const WIDE_COLUMNS: &[(&str, &str, &str)] = &[
    ("Revision", "string", ".status.currentRevision"),
    ("Savepoint", "date", ".status.lastSavepoint.completedAt"),
    ("Message", "string", r#".status.conditions[?(@.type=="Ready")].message"#),
];

/// What `kubectl get ssnap` shows.
const SNAPSHOT_COLUMNS: &[(&str, &str, &str)] = &[
    ("Job", "string", ".spec.jobRef.name"),
    ("Phase", "string", ".status.phase"),
    ("Size", "integer", ".status.sizeBytes"),
    ("Verified", "boolean", ".status.verified"),
    ("Age", "date", ".metadata.creationTimestamp"),
];

/// What `kubectl get ssnap -o wide` shows beside that.
const SNAPSHOT_WIDE_COLUMNS: &[(&str, &str, &str)] = &[
    ("Type", "string", ".spec.type"),
    ("Epoch", "integer", ".status.epoch"),
    ("URI", "string", ".status.uri"),
];

/// The CRD of StreamJob, as `crds/` has it.
///
/// Deterministic: the same build gives the same object.
pub fn streamjob_crd() -> CustomResourceDefinition {
    complete(StreamJob::crd(), &columns(COLUMNS, WIDE_COLUMNS), RULES)
}

/// The CRD of StreamSnapshot, as `crds/` has it.
///
/// Deterministic: the same build gives the same object.
pub fn streamsnapshot_crd() -> CustomResourceDefinition {
    complete(StreamSnapshot::crd(), &columns(SNAPSHOT_COLUMNS, SNAPSHOT_WIDE_COLUMNS), SNAPSHOT_RULES)
}

fn complete(
    mut crd: CustomResourceDefinition,
    columns: &[CustomResourceColumnDefinition],
    rules: &[Rule],
) -> CustomResourceDefinition {
    for version in &mut crd.spec.versions {
        version.additional_printer_columns = Some(columns.to_vec());
        if let Some(schema) = version.schema.as_mut().and_then(|v| v.open_api_v3_schema.as_mut()) {
            strip_foreign_formats(schema);
            for rule in rules {
                let target = descend(schema, rule.at)
                    .expect("a test checks that every rule names an object of the schema");
                target.x_kubernetes_validations.get_or_insert_default().push(as_validation(rule));
            }
        }
    }
    crd
}

type Column = (&'static str, &'static str, &'static str);

fn columns(narrow: &[Column], wide: &[Column]) -> Vec<CustomResourceColumnDefinition> {
    let narrow = narrow.iter().map(|column| (column, None));
    let wide = wide.iter().map(|column| (column, Some(1)));
    let as_column =
        |((name, type_, path), priority): (&(&str, &str, &str), _)| CustomResourceColumnDefinition {
            name: (*name).to_owned(),
            type_: (*type_).to_owned(),
            json_path: (*path).to_owned(),
            priority,
            ..CustomResourceColumnDefinition::default()
        };
    narrow.chain(wide).map(as_column).collect()
}

/// The schema below `path`, which is dotted and may be empty; list items are reached with `[]`.
fn descend<'a>(schema: &'a mut JSONSchemaProps, path: &str) -> Option<&'a mut JSONSchemaProps> {
    path.split('.')
        .filter(|step| !step.is_empty())
        .try_fold(schema, |schema, step| schema.properties.as_mut()?.get_mut(step))
}

fn as_validation(rule: &Rule) -> ValidationRule {
    ValidationRule {
        rule: rule.cel.to_owned(),
        message: Some(rule.message.to_owned()),
        field_path: (!rule.field.is_empty()).then(|| format!(".{}", rule.field)),
        ..ValidationRule::default()
    }
}

/// Drops number formats that Kubernetes does not know and would warn about.
fn strip_foreign_formats(schema: &mut JSONSchemaProps) {
    if schema.format.as_deref().is_some_and(|f| !matches!(f, "int32" | "int64" | "double" | "date-time")) {
        schema.format = None;
    }
    for property in schema.properties.iter_mut().flat_map(|p| p.values_mut()) {
        strip_foreign_formats(property);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_place_and_its_field() {
        for (mut crd, rules) in [(StreamJob::crd(), RULES), (StreamSnapshot::crd(), SNAPSHOT_RULES)] {
            let schema = crd.spec.versions[0].schema.as_mut().unwrap().open_api_v3_schema.as_mut().unwrap();
            for rule in rules {
                let object = descend(schema, rule.at).unwrap_or_else(|| panic!("no object at {:?}", rule.at));
                assert!(descend(object, rule.field).is_some(), "no field {:?} at {:?}", rule.field, rule.at);
            }
        }
    }

    #[test]
    fn the_crd_has_what_kubectl_shows() {
        let crd = streamjob_crd();
        assert_eq!(crd.metadata.name.as_deref(), Some(crate::names::CRD_NAME));
        assert_eq!(crd.spec.names.short_names.as_deref(), Some(&["sj".to_owned()][..]));
        assert_eq!(crd.spec.names.categories.as_deref(), Some(&["all".to_owned()][..]));
        let version = &crd.spec.versions[0];
        assert_eq!(version.name, crate::names::VERSION);
        let columns: Vec<_> = version
            .additional_printer_columns
            .iter()
            .flatten()
            .map(|c| (c.name.as_str(), c.priority))
            .collect();
        assert_eq!(
            columns,
            [
                ("Phase", None),
                ("Ready", None),
                ("Parallelism", None),
                ("Checkpoints", None),
                ("Restarts", None),
                ("Age", None),
                ("Revision", Some(1)),
                ("Savepoint", Some(1)),
                ("Message", Some(1)),
            ]
        );
        let scale = version.subresources.as_ref().unwrap().scale.as_ref().unwrap();
        assert_eq!(scale.spec_replicas_path, ".spec.parallelism");
        assert_eq!(scale.label_selector_path.as_deref(), Some(".status.selector"));
    }

    #[test]
    fn every_field_has_a_description_and_no_word_is_a_yaml_boolean() {
        fn walk(schema: &JSONSchemaProps, path: &str) {
            for value in schema.enum_.iter().flatten().filter_map(|v| v.0.as_str()) {
                let lower = value.to_lowercase();
                assert!(!["on", "off", "yes", "no", "y", "n"].contains(&lower.as_str()), "{path}: {value}");
            }
            for (name, property) in schema.properties.iter().flatten() {
                let path = format!("{path}.{name}");
                let described =
                    property.description.as_deref().is_some_and(|d| d.len() > 5 && !d.starts_with('`'));
                assert!(described || path.starts_with(".status.conditions"), "{path} has no description");
                walk(property, &path);
            }
        }
        for crd in [streamjob_crd(), streamsnapshot_crd()] {
            let root = crd.spec.versions[0].schema.as_ref().unwrap().open_api_v3_schema.as_ref().unwrap();
            for part in ["spec", "status"] {
                walk(&root.properties.as_ref().unwrap()[part], &format!(".{part}"));
            }
        }
    }

    #[test]
    fn the_crd_of_snapshots_has_its_names_and_rules() {
        let crd = streamsnapshot_crd();
        assert_eq!(crd.metadata.name.as_deref(), Some(crate::names::SNAPSHOT_CRD_NAME));
        assert_eq!(crd.spec.names.kind, crate::names::SNAPSHOT_KIND);
        assert_eq!(crd.spec.names.short_names.as_deref(), Some(&["ssnap".to_owned()][..]));
        let version = &crd.spec.versions[0];
        assert_eq!(version.additional_printer_columns.as_ref().unwrap().len(), 8);
        let rules = serde_json::to_string(version).unwrap().matches("\"rule\"").count();
        assert_eq!(rules, SNAPSHOT_RULES.len());
        assert!(version.subresources.as_ref().unwrap().status.is_some());
    }

    #[test]
    fn pod_templates_keep_what_they_hold() {
        let crd = streamjob_crd();
        let json = serde_json::to_value(&crd.spec.versions[0]).unwrap();
        let template = &json["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["worker"]["properties"]
            ["podTemplate"];
        assert_eq!(template["x-kubernetes-preserve-unknown-fields"], true);
        assert_eq!(template["type"], "object");
    }
}
