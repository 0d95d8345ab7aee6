//! The shape of a manifest: its fields and their types, held against the CRD's own schema.
//!
//! Owns unknown fields (with a suggestion), wrong types, missing fields, values outside of an enum and numbers that do
//! not fit. Because the schema is the one that the API server gets, a field added to the types is known here at once.
//! What passes becomes JSON for serde; what does not is left out of it, so that the rest can still be checked.
//! Ranges, patterns and lengths are not checked here: [`crate::StreamJob::validate`] has better words for them.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::{Map, Number, Value as Json};

use super::tree::{Key, Node, Value};
use super::{Position, Problem};
use crate::path;

/// A manifest whose shape was checked.
pub(super) struct Shape {
    /// What passed.
    pub(super) value: Json,
    /// Where each field stands.
    pub(super) positions: Positions,
    /// What did not pass.
    pub(super) problems: Vec<Problem>,
}

/// The place of every field, by path.
#[derive(Default)]
pub(super) struct Positions(BTreeMap<String, Position>);

impl Positions {
    /// The place of the value at `path`.
    pub(super) fn exact(&self, path: &str) -> Option<Position> {
        self.0.get(path).copied()
    }

    /// The place of the value at `path`, or of what it is missing from.
    pub(super) fn nearest(&self, path: &str) -> Position {
        self.exact(path)
            .or_else(|| {
                let above = self.0.iter().filter(|(known, _)| path::is_within(path, known));
                above.max_by_key(|(known, _)| known.len()).map(|(_, position)| *position)
            })
            .unwrap_or(Position { line: 1, column: 1 })
    }
}

/// Checks the whole document. Its `status` is left out: the API server ignores it in what a user writes, and so does
/// this.
pub(super) fn check_shape(root: &Node) -> Shape {
    let mut checker = Checker { positions: Positions::default(), problems: Vec::new() };
    let mut schema = document_schema();
    if let Some(properties) = &mut schema.properties {
        properties.insert("metadata".to_owned(), metadata_schema());
    }
    let value = checker.check(root, &schema, "").unwrap_or(Json::Null);
    let Checker { positions, problems } = checker;
    Shape { value: with_metadata(value), positions, problems }
}

fn document_schema() -> JSONSchemaProps {
    let mut crd = crate::streamjob_crd();
    let version = crd.spec.versions.pop();
    let mut schema = version.and_then(|v| v.schema).and_then(|s| s.open_api_v3_schema).unwrap_or_default();
    if let Some(properties) = &mut schema.properties {
        for field in ["apiVersion", "kind"] {
            properties.insert(field.to_owned(), of_type("string"));
        }
        properties.insert("status".to_owned(), JSONSchemaProps::default());
    }
    schema
}

/// The part of `ObjectMeta` that a person writes; the CRD says nothing about it.
fn metadata_schema() -> JSONSchemaProps {
    let texts = || JSONSchemaProps {
        additional_properties: Some(JSONSchemaPropsOrBool::Schema(Box::new(of_type("string")))),
        ..of_type("object")
    };
    let any = JSONSchemaProps::default;
    JSONSchemaProps {
        properties: Some(
            [
                ("name", of_type("string")),
                ("namespace", of_type("string")),
                ("generateName", of_type("string")),
                ("labels", texts()),
                ("annotations", texts()),
                ("finalizers", any()),
                ("ownerReferences", any()),
                ("uid", any()),
                ("resourceVersion", any()),
                ("generation", any()),
                ("creationTimestamp", any()),
                ("deletionTimestamp", any()),
                ("deletionGracePeriodSeconds", any()),
                ("managedFields", any()),
                ("selfLink", any()),
            ]
            .map(|(name, schema)| (name.to_owned(), schema))
            .into(),
        ),
        ..of_type("object")
    }
}

fn of_type(name: &str) -> JSONSchemaProps {
    JSONSchemaProps { type_: Some(name.to_owned()), ..JSONSchemaProps::default() }
}

/// Keeps of the document what the typed job is made from: of the metadata, what a person writes.
fn with_metadata(mut value: Json) -> Json {
    if let Json::Object(document) = &mut value {
        document.remove("status");
        let metadata = document.entry("metadata").or_insert_with(|| Json::Object(Map::new()));
        match metadata {
            Json::Object(fields) => {
                fields.retain(|name, _| {
                    ["name", "namespace", "labels", "annotations"].contains(&name.as_str())
                });
            }
            other => *other = Json::Object(Map::new()),
        }
    }
    value
}

struct Checker {
    positions: Positions,
    problems: Vec<Problem>,
}

impl Checker {
    /// The JSON of `node`, or `None` when it is of the wrong shape, which is then among the problems.
    fn check(&mut self, node: &Node, schema: &JSONSchemaProps, path: &str) -> Option<Json> {
        self.positions.0.insert(path.to_owned(), node.position);
        if schema.x_kubernetes_int_or_string == Some(true) {
            return self.number_or_text(node, path);
        }
        let value = match (schema.type_.as_deref(), &node.value) {
            (Some("object"), Value::Map(entries)) => self.object(node, entries, schema, path)?,
            (Some("array"), Value::List(items)) => self.list(items, schema, path),
            (Some("string"), Value::Text(text)) => Json::String(text.clone()),
            (Some("boolean"), Value::Bool(value)) => Json::Bool(*value),
            (Some("integer"), Value::Int(value)) => self.integer(node, *value, schema, path)?,
            (Some("integer"), Value::Huge(_)) => {
                self.add(node, path, format!("{} is too large", node.in_words()));
                return None;
            }
            (Some("number"), Value::Int(value)) => Json::from(*value),
            (Some("number"), Value::Float(value)) => Json::from(*value),
            (None, _) => untyped(node),
            (Some(wanted), _) => {
                self.wrong_type(node, wanted, schema, path);
                return None;
            }
        };
        let allowed = schema.enum_.as_deref().unwrap_or_default();
        if !allowed.is_empty() && !allowed.iter().any(|a| a.0 == value) {
            self.not_in_enum(node, schema, path);
            return None;
        }
        Some(value)
    }

    fn object(
        &mut self,
        node: &Node,
        entries: &[(Key, Node)],
        schema: &JSONSchemaProps,
        path: &str,
    ) -> Option<Json> {
        let known = schema.properties.as_ref();
        let mut object = Map::new();
        for (key, value) in entries {
            let path = path::child(path, &key.name);
            let schema_of_value =
                known.and_then(|known| known.get(&key.name)).or(match &schema.additional_properties {
                    Some(JSONSchemaPropsOrBool::Schema(schema)) => Some(&**schema),
                    _ => None,
                });
            let json = match schema_of_value {
                // Kubernetes drops a null where the schema gives a type, and so takes the default.
                Some(_) if value.value == Value::Null && !self.is_text_map(schema) => continue,
                Some(schema) => self.check(value, schema, &path),
                None if schema.x_kubernetes_preserve_unknown_fields == Some(true) => Some(untyped(value)),
                None => {
                    self.unknown_field(key, &path, schema);
                    None
                }
            };
            if let Some(json) = json {
                object.insert(key.name.clone(), json);
            }
        }
        let present =
            |name: &String| entries.iter().any(|(key, node)| key.name == *name && node.value != Value::Null);
        let missing: Vec<_> = schema.required.iter().flatten().filter(|name| !present(name)).collect();
        for name in &missing {
            self.problems.push(Problem::new(node.position, path::child(path, name), "is missing"));
        }
        // A part without a required field cannot become a typed value; without one that is at fault, neither.
        let complete = schema.required.iter().flatten().all(|name| object.contains_key(name));
        complete.then_some(Json::Object(object))
    }

    fn is_text_map(&self, schema: &JSONSchemaProps) -> bool {
        matches!(schema.additional_properties, Some(JSONSchemaPropsOrBool::Schema(_)))
    }

    fn list(&mut self, items: &[Node], schema: &JSONSchemaProps, path: &str) -> Json {
        let any = JSONSchemaProps::default();
        let of_item = match &schema.items {
            Some(JSONSchemaPropsOrArray::Schema(schema)) => &**schema,
            _ => &any,
        };
        let checked = items.iter().enumerate();
        Json::Array(checked.filter_map(|(i, item)| self.check(item, of_item, &path::item(path, i))).collect())
    }

    fn integer(&mut self, node: &Node, value: i64, schema: &JSONSchemaProps, path: &str) -> Option<Json> {
        if schema.format.as_deref() == Some("int32") && i32::try_from(value).is_err() {
            let size = if value > 0 { "large" } else { "small" };
            self.add(node, path, format!("{} is too {size}", node.in_words()));
            return None;
        }
        Some(Json::from(value))
    }

    fn number_or_text(&mut self, node: &Node, path: &str) -> Option<Json> {
        match &node.value {
            Value::Int(value) => Some(Json::from(*value)),
            Value::Text(text) => Some(Json::String(text.clone())),
            Value::Float(value) => {
                let problem = Problem::new(node.position, path, "a fraction needs quotes");
                self.problems.push(problem.with_hint(format!("write \"{value}\", or {}m", value * 1000.0)));
                None
            }
            _ => {
                self.add(node, path, format!("is {}, not a quantity", node.in_words()));
                None
            }
        }
    }

    fn add(&mut self, node: &Node, path: &str, message: String) {
        self.problems.push(Problem::new(node.position, path, message));
    }

    fn wrong_type(&mut self, node: &Node, wanted: &str, schema: &JSONSchemaProps, path: &str) {
        if schema.enum_.is_some() {
            return self.not_in_enum(node, schema, path);
        }
        let wanted_in_words = match wanted {
            "object" => "a map",
            "array" => "a list",
            "integer" => "a whole number",
            "number" => "a number",
            "boolean" => "true or false",
            _ => "a text",
        };
        let message = format!("is {}, not {wanted_in_words}", node.in_words());
        let problem = Problem::new(node.position, path, message);
        let hint = match (&node.value, wanted) {
            (Value::Int(value), "string") => {
                let is_duration = schema.pattern.as_deref() == Some(crate::duration::PATTERN);
                Some(if is_duration {
                    format!("add a unit: {value}s or {value}ms")
                } else {
                    format!("put it in quotes: \"{value}\"")
                })
            }
            (Value::Huge(value), "string") => Some(format!("put it in quotes: \"{value}\"")),
            (Value::Float(value), "string") => Some(format!("put it in quotes: \"{value}\"")),
            (Value::Bool(_), "string") => {
                Some("put it in quotes; YAML reads plain yes, no, on and off as booleans".to_owned())
            }
            (Value::Text(text), "integer" | "number") if text.parse::<f64>().is_ok() => {
                Some("take the quotes away".to_owned())
            }
            (Value::Text(text), "boolean") if ["true", "false"].contains(&text.as_str()) => {
                Some("take the quotes away".to_owned())
            }
            _ => None,
        };
        self.problems.push(Problem { hint, ..problem });
    }

    fn not_in_enum(&mut self, node: &Node, schema: &JSONSchemaProps, path: &str) {
        let allowed: Vec<&str> = schema.enum_.iter().flatten().filter_map(|value| value.0.as_str()).collect();
        let message = match node.text() {
            Some(text) => format!("{text:?} is none of {}", allowed.join(", ")),
            None => format!("is {}, none of {}", node.in_words(), allowed.join(", ")),
        };
        let problem = Problem::new(node.position, path, message);
        let suggestion = node.text().and_then(|text| nearest(text, allowed.iter().copied()));
        self.problems.push(match suggestion {
            Some(name) => problem.with_hint(format!("did you mean {name}?")),
            None => problem,
        });
    }

    fn unknown_field(&mut self, key: &Key, path: &str, schema: &JSONSchemaProps) {
        let known = || schema.properties.iter().flat_map(|p| p.keys()).map(String::as_str);
        let problem = Problem::new(key.position, path, "is not a field");
        let suggestion = nearest(&key.name, known());
        self.problems.push(match suggestion {
            Some(name) => problem.with_hint(format!("did you mean {name}?")),
            None => problem.with_hint(format!("known are {}", known().collect::<Vec<_>>().join(", "))),
        });
    }
}

/// The JSON of a node that no schema describes.
fn untyped(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::from(*value),
        Value::Huge(value) => Json::from(*value),
        Value::Float(value) => Number::from_f64(*value).map_or(Json::Null, Json::Number),
        Value::Text(text) => Json::String(text.clone()),
        Value::List(items) => Json::Array(items.iter().map(untyped).collect()),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|(key, node)| (key.name.clone(), untyped(node))).collect())
        }
    }
}

/// The candidate that `word` was most likely meant to be: equal but for case and separators, or a few letters off.
fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain =
        |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let word = plain(word);
    if word.len() > 64 {
        return None;
    }
    let allowed = (word.len() / 3).clamp(1, 3);
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(&word, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions() {
        let fields = ["sql", "sqlFrom", "parallelism", "maxParallelism", "desiredState", "checkpoint"];
        for (word, expected) in [
            ("paralelism", Some("parallelism")),
            ("max_parallelism", Some("maxParallelism")),
            ("desired-state", Some("desiredState")),
            ("SQL", Some("sql")),
            ("sqll", Some("sql")),
            ("checkpoints", Some("checkpoint")),
            ("replicas", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, fields.into_iter()), expected, "{word}");
        }
    }
}
