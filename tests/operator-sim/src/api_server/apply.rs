//! Server-side apply: each manager owns the fields that it applied last.
//!
//! A list is one field here. A real server merges some lists by key, which makes a difference only where two managers apply the same
//! list.

use std::collections::BTreeSet;

use millstream_lifecycle::time::Timestamp;
use serde_json::Value;

use super::merge::{at, leaves, merge, remove};
use super::store::{Field, Store};
use super::{Ask, Key, Refusal, write};

pub(super) fn apply(store: &mut Store, ask: &Ask, now: Timestamp) -> Result<(u16, Value), Refusal> {
    let (key, manager) = (ask.key(), ask.manager());
    let fields = leaves(&ask.body);
    let Some(stored) = store.objects.get(&key).cloned() else {
        return write::create_as(store, ask, key, now);
    };
    let mut owners = stored.owners;
    let is_forced = ask.parameter("force") == Some("true");
    let mut disputed = Vec::new();
    for (other, theirs) in owners.iter_mut().filter(|(other, _)| **other != manager) {
        let differ: Vec<Field> = theirs
            .intersection(&fields)
            .filter(|field| at(&stored.object, field) != at(&ask.body, field))
            .cloned()
            .collect();
        for field in differ {
            disputed.push(format!("conflict with {other:?}: .{}", field.join(".")));
            theirs.remove(&field);
        }
    }
    if !disputed.is_empty() && !is_forced {
        let (count, list) = (disputed.len(), disputed.join("\n"));
        return Err(Refusal::owned_by_others(format!("Apply failed with {count} conflicts: {list}")));
    }
    let mut object = Value::clone(&stored.object);
    let before = owners.insert(manager, fields.clone()).unwrap_or_default();
    let kept: BTreeSet<Field> = owners.values().flatten().cloned().collect();
    for field in before.difference(&kept) {
        remove(&mut object, field);
    }
    merge(&mut object, &only(&ask.body, &fields));
    if ask.is_status() {
        object = with_status(&stored.object, &object);
    }
    owners.retain(|_, fields| !fields.is_empty());
    write::commit(store, key, &stored.object, object, owners).map(|object| (200, object))
}

/// The object with the status of the other one.
pub(super) fn with_status(object: &Value, other: &Value) -> Value {
    let mut object = object.clone();
    match other.get("status") {
        Some(status) => object["status"] = status.clone(),
        None => {
            object.as_object_mut().map(|fields| fields.remove("status"));
        }
    }
    object
}

/// These fields of an object alone.
fn only(object: &Value, fields: &BTreeSet<Field>) -> Value {
    let mut all = Value::Object(serde_json::Map::new());
    for field in fields {
        let value = at(object, field).cloned().unwrap_or_default();
        let nested = field
            .iter()
            .rev()
            .fold(value, |value, name| Value::Object(serde_json::Map::from_iter([(name.clone(), value)])));
        merge(&mut all, &nested);
    }
    all
}

/// Whether an object is of this key.
pub(super) fn names(key: &Key, object: &Value) -> bool {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    name.is_empty() || name == key.name
}
