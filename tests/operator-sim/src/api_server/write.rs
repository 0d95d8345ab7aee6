//! New objects and changed ones.

use std::collections::{BTreeMap, BTreeSet};

use millstream_lifecycle::time::{Timestamp, as_time};
use serde_json::{Value, json};

use super::apply::{names, with_status};
use super::merge::{at, leaves, merge};
use super::store::{Field, Store};
use super::{Ask, Key, Refusal};

pub(super) fn create(store: &mut Store, ask: &Ask, now: Timestamp) -> Result<(u16, Value), Refusal> {
    let key = ask.key();
    if key.name.is_empty() {
        return Err(Refusal::invalid(
            &key,
            "metadata.name: Required value: name or generateName is required",
        ));
    }
    if store.object(&key).is_some() {
        return Err(Refusal::already_exists(&key));
    }
    create_as(store, ask, key, now)
}

/// Makes an object that is not there.
pub(super) fn create_as(
    store: &mut Store,
    ask: &Ask,
    key: Key,
    now: Timestamp,
) -> Result<(u16, Value), Refusal> {
    if !names(&key, &ask.body) {
        return Err(Refusal::bad_request("the name of the object is not the name in the URL"));
    }
    let namespace = ask.body["metadata"]["namespace"].as_str().unwrap_or(&key.namespace);
    if namespace != key.namespace {
        return Err(Refusal::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    if key.kind.plural != "namespaces" && store.object(&Key::new("namespaces", "", &key.namespace)).is_none()
    {
        return Err(Refusal::not_found(&Key::new("namespaces", "", &key.namespace)));
    }
    let mut object = ask.body.clone();
    let own =
        ["resourceVersion", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields"];
    let Some(metadata) = object["metadata"].as_object_mut() else {
        return Err(Refusal::bad_request("an object has metadata"));
    };
    own.iter().for_each(|name| drop(metadata.remove(*name)));
    metadata.insert("name".into(), json!(key.name));
    if !key.namespace.is_empty() {
        metadata.insert("namespace".into(), json!(key.namespace));
    }
    metadata.insert("uid".into(), json!(store.new_uid()));
    metadata.insert("creationTimestamp".into(), json!(as_time(now)));
    if key.kind.has_generation {
        metadata.insert("generation".into(), json!(1));
    }
    object["apiVersion"] = json!(key.kind.api_version());
    object["kind"] = json!(key.kind.kind);
    if key.kind.has_status {
        object.as_object_mut().map(|fields| fields.remove("status"));
    }
    if key.kind.plural == "pods" {
        object["status"] = json!({"phase": "Pending"});
    }
    drop_empty(&mut object);
    let owners = BTreeMap::from([(ask.manager(), leaves(&ask.body))]);
    Ok((201, store.put(key, object, owners)))
}

pub(super) fn update(store: &mut Store, ask: &Ask, _: Timestamp) -> Result<(u16, Value), Refusal> {
    let key = ask.key();
    if ask.body["metadata"]["name"].as_str() != Some(&key.name) {
        return Err(Refusal::bad_request("the name of the object does not match the name on the URL"));
    }
    let is_blind = ask.body["metadata"]["resourceVersion"].as_str().unwrap_or_default().is_empty();
    if store.object(&key).is_some() && key.kind.is_custom && is_blind {
        let why = "metadata.resourceVersion: Invalid value: 0: must be specified for an update";
        return Err(Refusal::invalid(&key, why));
    }
    change(store, ask, |_, body| body.clone())
}

pub(super) fn merge_patch(store: &mut Store, ask: &Ask, _: Timestamp) -> Result<(u16, Value), Refusal> {
    change(store, ask, |old, patch| {
        let mut object = old.clone();
        // The version in a patch is a lock and no field.
        merge(&mut object, patch);
        object
    })
}

fn change(
    store: &mut Store,
    ask: &Ask,
    make: impl FnOnce(&Value, &Value) -> Value,
) -> Result<(u16, Value), Refusal> {
    let (key, manager) = (ask.key(), ask.manager());
    let stored = store.objects.get(&key).cloned().ok_or_else(|| Refusal::not_found(&key))?;
    let old = &stored.object;
    let asked = |name: &str| ask.body["metadata"][name].as_str().filter(|text| !text.is_empty());
    if asked("uid").is_some_and(|uid| old["metadata"]["uid"] != *uid) {
        return Err(wrong_uid(&key, asked("uid").unwrap_or_default(), old));
    }
    if asked("resourceVersion").is_some_and(|version| old["metadata"]["resourceVersion"] != *version) {
        return Err(Refusal::modified(&key));
    }
    let made = make(old, &ask.body);
    let object = if ask.is_status() {
        with_status(old, &made)
    } else if key.kind.has_status {
        with_status(&made, old)
    } else {
        made
    };
    let mut object = with_identity(object, old);
    // What has a default is changed by nobody who takes it away.
    super::schema::complete(key.kind, &mut object);
    if is_deleted(old) && has_new_finalizer(old, &object) {
        let why =
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted";
        return Err(Refusal::invalid(&key, why).naming_the_kind(&key));
    }
    let mut owners = stored.owners;
    own_what_changed(&mut owners, manager, old, &object);
    commit(store, key, old, object, owners).map(|object| (200, object))
}

/// Stores a changed object, unless nothing changed; one that nothing holds any more goes.
pub(super) fn commit(
    store: &mut Store,
    key: Key,
    old: &Value,
    mut object: Value,
    owners: BTreeMap<String, BTreeSet<Field>>,
) -> Result<Value, Refusal> {
    super::schema::complete(key.kind, &mut object);
    object["metadata"]["managedFields"] = old["metadata"]["managedFields"].clone();
    if key.kind.has_generation && is_other_spec(old, &object) {
        object["metadata"]["generation"] = json!(old["metadata"]["generation"].as_i64().unwrap_or(0) + 1);
    }
    let is_owned_as_before = store.objects.get(&key).is_some_and(|stored| stored.owners == owners);
    if object == *old && is_owned_as_before {
        return Ok(object);
    }
    let is_held = object["metadata"]["finalizers"].as_array().is_some_and(|names| !names.is_empty());
    let stays = !is_deleted(old) || is_held || !was_held(old);
    if !stays {
        store.remove(&key);
        return Ok(object);
    }
    Ok(store.put(key, object, owners))
}

fn was_held(old: &Value) -> bool {
    old["metadata"]["finalizers"].as_array().is_some_and(|names| !names.is_empty())
}

pub(super) fn is_deleted(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

fn has_new_finalizer(old: &Value, object: &Value) -> bool {
    let of = |object: &Value| object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    let before = of(old);
    of(object).iter().any(|name| !before.contains(name))
}

/// Whether anything differs beside metadata and status.
fn is_other_spec(old: &Value, new: &Value) -> bool {
    let rest = |object: &Value| {
        let mut fields = object.as_object().cloned().unwrap_or_default();
        fields.remove("metadata");
        fields.remove("status");
        fields
    };
    rest(old) != rest(new)
}

/// What only the server says of an object stays as it is.
fn with_identity(mut object: Value, old: &Value) -> Value {
    let own = [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "generation",
        "resourceVersion",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ];
    for name in own {
        match old["metadata"].get(name) {
            Some(value) => object["metadata"][name] = value.clone(),
            None => {
                object["metadata"].as_object_mut().map(|fields| fields.remove(name));
            }
        }
    }
    drop_empty(&mut object);
    for name in ["apiVersion", "kind"] {
        object[name] = old[name].clone();
    }
    object
}

/// Lists and maps without anything in them are none.
fn drop_empty(object: &mut Value) {
    let is_empty = |value: &Value| {
        value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(serde_json::Map::is_empty)
            || value.is_null()
    };
    if let Some(metadata) = object["metadata"].as_object_mut() {
        let lists = ["finalizers", "labels", "annotations", "ownerReferences"];
        metadata.retain(|name, value| !lists.contains(&name.as_str()) || !is_empty(value));
    }
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|name, value| name != "data" || !is_empty(value));
    }
}

fn own_what_changed(
    owners: &mut BTreeMap<String, BTreeSet<Field>>,
    manager: String,
    old: &Value,
    new: &Value,
) {
    let changed: BTreeSet<Field> =
        leaves(new).into_iter().filter(|field| at(old, field) != at(new, field)).collect();
    let there = leaves(new);
    for fields in owners.values_mut() {
        fields.retain(|field| there.contains(field) && !changed.contains(field));
    }
    owners.entry(manager).or_default().extend(changed);
    owners.retain(|_, fields| !fields.is_empty());
}

pub(super) fn wrong_uid(key: &Key, asked: &str, object: &Value) -> Refusal {
    let own = object["metadata"]["uid"].as_str().unwrap_or_default();
    let why = format!("Precondition failed: UID in precondition: {asked}, UID in object meta: {own}");
    Refusal::conflict(key, &why)
}
