//! JSON Merge Patch (RFC 7386), and fields by the names that lead to them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::store::Field;

/// Lays a patch over a value: `null` takes a field away, objects are merged, all else is replaced.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let fields = target.as_object_mut().unwrap();
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// The fields of an object that have no fields in them, without those that only name it. A list is one field.
pub(super) fn leaves(object: &Value) -> BTreeSet<Field> {
    let mut found = BTreeSet::new();
    collect(object, &mut Vec::new(), &mut found);
    found.retain(|field| !is_identity(field));
    found
}

fn collect(value: &Value, path: &mut Field, found: &mut BTreeSet<Field>) {
    match value.as_object().filter(|fields| !fields.is_empty()) {
        Some(fields) => {
            for (name, value) in fields {
                path.push(name.clone());
                collect(value, path, found);
                path.pop();
            }
        }
        None => {
            found.insert(path.clone());
        }
    }
}

fn is_identity(field: &Field) -> bool {
    let names: Vec<&str> = field.iter().map(String::as_str).collect();
    matches!(
        names.as_slice(),
        [] | ["apiVersion" | "kind"]
            | [
                "metadata",
                "name"
                    | "namespace"
                    | "uid"
                    | "resourceVersion"
                    | "generation"
                    | "creationTimestamp"
                    | "managedFields",
                ..
            ]
    )
}

/// A field's value.
pub(super) fn at<'a>(object: &'a Value, field: &Field) -> Option<&'a Value> {
    field.iter().try_fold(object, |value, name| value.get(name))
}

/// Takes a field away, and with it what it leaves empty.
pub(super) fn remove(object: &mut Value, field: &[String]) {
    let Some((first, rest)) = field.split_first() else { return };
    let Some(fields) = object.as_object_mut() else { return };
    if rest.is_empty() {
        fields.remove(first);
    } else if let Some(value) = fields.get_mut(first) {
        remove(value, rest);
        if value.as_object().is_some_and(Map::is_empty) {
            fields.remove(first);
        }
    }
}
