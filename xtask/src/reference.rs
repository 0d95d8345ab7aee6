//! The pages of every field of a StreamJob and of a StreamSnapshot, made from the schemas of their CRDs.
//!
//! Owns a page's order (that of the schema, with `spec` before `status`) and the words for types and limits. The
//! descriptions are the doc comments of `operator/api`.

use std::fmt::Write as _;

use anyhow::Context;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};

/// What a reader of the fields of a StreamJob needs to know before the first one.
pub(crate) const JOB_NOTES: &str = "Durations are whole numbers with `h`, `m`, `s` or `ms`, such as\n\
    `10s` or `1h30m`. `millstream run` reads the same manifest and names the fields that only a cluster acts on.";
/// The same for a StreamSnapshot.
pub(crate) const SNAPSHOT_NOTES: &str =
    "What the operator does with one is in\n[operator.md](operator.md#snapshots).";

/// The page; `notes` stand behind its introduction.
pub(crate) fn render(crd: &CustomResourceDefinition, notes: &str) -> anyhow::Result<String> {
    let version = crd.spec.versions.first().context("the CRD has a version")?;
    let schema = version.schema.as_ref().and_then(|s| s.open_api_v3_schema.as_ref());
    let schema = schema.context("the version has a schema")?;
    let properties = schema.properties.as_ref().context("the schema has properties")?;
    let mut page = format!(
        "<!-- Generated from operator/api by `cargo xtask codegen`. Do not edit. -->\n\n\
         # Fields of a {kind}\n\n{description}\n\n\
         `apiVersion: {group}/{version}`, `kind: {kind}`. {notes}\n",
        kind = crd.spec.names.kind,
        group = crd.spec.group,
        version = version.name,
        description = schema.description.as_deref().unwrap_or_default(),
    );
    rules_of(schema, "the object", &mut page)?;
    for part in ["spec", "status"] {
        section(properties.get(part).with_context(|| format!("no {part}"))?, part, &mut page)?;
    }
    Ok(page)
}

/// A heading, a table of the fields, the rules, then the sections of the objects among the fields.
fn section(schema: &JSONSchemaProps, path: &str, page: &mut String) -> anyhow::Result<()> {
    let Some(properties) = &schema.properties else { return Ok(()) };
    write!(page, "\n## {path}\n\n| field | type | meaning |\n|---|---|---|\n")?;
    let required = |name: &String| schema.required.iter().flatten().any(|r| r == name);
    for (name, field) in properties {
        let must = if required(name) { ", required" } else { "" };
        let limits = limits(field);
        let description =
            field.description.as_deref().unwrap_or_default().replace('\n', " ").replace('|', "\\|");
        writeln!(page, "| `{name}` | {}{must} | {description}{limits} |", type_of(field))?;
    }
    rules_of(schema, path, page)?;
    for (name, field) in properties {
        let path = format!("{path}.{name}");
        match &field.items {
            Some(JSONSchemaPropsOrArray::Schema(item)) => section(item, &format!("{path}[]"), page)?,
            _ => section(field, &path, page)?,
        }
    }
    Ok(())
}

fn rules_of(schema: &JSONSchemaProps, path: &str, page: &mut String) -> anyhow::Result<()> {
    let rules = schema.x_kubernetes_validations.iter().flatten();
    let mut lines = rules.filter_map(|rule| {
        let message = rule.message.as_deref()?;
        let field = rule.field_path.as_deref().unwrap_or_default().trim_start_matches('.');
        // Messages that speak of a limit of one field need its name in front.
        Some(if message.starts_with("must") {
            format!("- `{field}` {message}")
        } else {
            format!("- {message}")
        })
    });
    if let Some(first) = lines.next() {
        write!(page, "\nRules of {path}:\n\n{first}\n")?;
        for line in lines {
            writeln!(page, "{line}")?;
        }
    }
    Ok(())
}

fn type_of(field: &JSONSchemaProps) -> String {
    if field.x_kubernetes_int_or_string == Some(true) {
        return "quantity".to_owned();
    }
    if field.pattern.as_deref().is_some_and(|pattern| pattern.contains("(h|m|s|ms)")) {
        return "duration".to_owned();
    }
    match field.type_.as_deref() {
        Some("string") if field.format.as_deref() == Some("date-time") => "time".to_owned(),
        Some("string") => "text".to_owned(),
        Some("integer") => "whole number".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some("array") => match &field.items {
            Some(JSONSchemaPropsOrArray::Schema(item)) => format!("list of {}", type_of(item)),
            _ => "list".to_owned(),
        },
        Some("object") => match &field.additional_properties {
            Some(JSONSchemaPropsOrBool::Schema(value)) => format!("map to {}", type_of(value)),
            _ => "object".to_owned(),
        },
        Some(other) => other.to_owned(),
        None => "any".to_owned(),
    }
}

/// Values, range and default in words, with a blank in front; empty when there is none.
fn limits(field: &JSONSchemaProps) -> String {
    let mut words = String::new();
    let values: Vec<_> =
        field.enum_.iter().flatten().filter_map(|v| v.0.as_str()).map(|v| format!("`{v}`")).collect();
    if !values.is_empty() {
        words += &format!(" One of {}.", values.join(", "));
    }
    match (field.minimum, field.maximum) {
        (Some(min), Some(max)) => words += &format!(" From {min} to {max}."),
        (Some(min), None) => words += &format!(" At least {min}."),
        _ => {}
    }
    if let Some(default) = &field.default {
        words += &format!(" Default {}.", default.0.to_string().trim_matches('"'));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_row_for_each_field_and_each_rule() {
        let page = render(&millstream_api::streamjob_crd(), JOB_NOTES).unwrap();
        for expected in [
            "# Fields of a StreamJob",
            "## spec.checkpoint",
            "## status.lastCheckpoint",
            "## status.history[]",
            "| `interval` | duration | ",
            "| `secrets` | list of object | ",
            "| `variables` | map to text | ",
            "| `cpu`",
            "From 1 to 32768. Default 1. |",
            "One of `Memory`, `RocksDB`.",
            "- exactly one of sql and sqlFrom must be set",
            "- `interval` must be at least 10ms and at most 87600h",
        ] {
            assert_eq!(page.contains(expected), expected != "| `cpu`", "{expected}");
        }
        for rule in millstream_api::rules::RULES {
            assert!(page.contains(rule.message), "{}", rule.message);
        }
    }

    #[test]
    fn snapshots_have_a_page_of_their_own() {
        let page = render(&millstream_api::streamsnapshot_crd(), SNAPSHOT_NOTES).unwrap();
        for expected in [
            "# Fields of a StreamSnapshot",
            "| `jobRef` | object, required | ",
            "From 0 to 100. |",
            "One of `Retain`, `Delete`.",
            "## status.taking",
            "| `secrets` | list of text | ",
        ] {
            assert!(page.contains(expected), "{expected}");
        }
        for rule in millstream_api::rules::SNAPSHOT_RULES {
            assert!(page.contains(rule.message), "{}", rule.message);
        }
    }
}
