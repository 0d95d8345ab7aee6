//! Deletions, and what goes with an owner.

use std::collections::BTreeSet;
use std::time::Duration;

use millstream_lifecycle::time::{Timestamp, after, as_time};
use serde_json::{Value, json};

use super::store::Store;
use super::write::is_deleted;
use super::{Ask, Key, Refusal};

pub(super) fn delete(store: &mut Store, ask: &Ask, now: Timestamp) -> Result<(u16, Value), Refusal> {
    let key = ask.key();
    let object = store.object(&key).cloned().ok_or_else(|| Refusal::not_found(&key))?;
    let condition = |name: &str| ask.body["preconditions"][name].as_str();
    if let Some(uid) = condition("uid").filter(|uid| object["metadata"]["uid"] != **uid) {
        let own = object["metadata"]["uid"].as_str().unwrap_or_default();
        let why = format!("UID in precondition: {uid}, UID in object meta: {own}");
        return Err(Refusal::precondition(&key, &why));
    }
    if let Some(version) = condition("resourceVersion")
        && object["metadata"]["resourceVersion"] != version
    {
        let own = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        let why =
            format!("ResourceVersion in precondition: {version}, ResourceVersion in object meta: {own}");
        return Err(Refusal::precondition(&key, &why));
    }
    let grace = ask.body["gracePeriodSeconds"].as_u64();
    Ok((200, end(store, &key, &object, grace, now)))
}

/// Deletes an object as far as it can be at once: finalizers hold it, and so does the node of a pod for its time.
fn end(store: &mut Store, key: &Key, object: &Value, grace_s: Option<u64>, now: Timestamp) -> Value {
    let is_held = object["metadata"]["finalizers"].as_array().is_some_and(|names| !names.is_empty());
    let grace_s = grace_of(key, object, grace_s);
    if !is_held && grace_s == 0 {
        store.remove(key);
        return success(store, key, object, now);
    }
    let until = after(now, Duration::from_secs(grace_s));
    // Another deletion can shorten the time and never makes it longer.
    let given = object["metadata"]["deletionGracePeriodSeconds"].as_u64();
    if !is_deleted(object) || given.is_some_and(|given| grace_s < given) {
        store.edit(key, |object| {
            object["metadata"]["deletionTimestamp"] = json!(as_time(until));
            object["metadata"]["deletionGracePeriodSeconds"] = json!(grace_s);
            if key.kind.has_generation && key.kind.is_custom {
                let generation = object["metadata"]["generation"].as_i64().unwrap_or(0);
                object["metadata"]["generation"] = json!(generation + 1);
            }
        });
    }
    store.object(key).cloned().unwrap_or_default()
}

/// Seconds that a pod on a node has; nothing else takes time.
fn grace_of(key: &Key, object: &Value, asked: Option<u64>) -> u64 {
    let is_placed = object["spec"]["nodeName"].is_string();
    let is_over = matches!(object["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    if key.kind.plural != "pods" || !is_placed || is_over {
        return 0;
    }
    asked.or_else(|| object["spec"]["terminationGracePeriodSeconds"].as_u64()).unwrap_or(30)
}

fn success(store: &Store, key: &Key, object: &Value, now: Timestamp) -> Value {
    if key.kind.plural == "pods" {
        let mut last = object.clone();
        last["metadata"]["deletionTimestamp"] = json!(as_time(now));
        last["metadata"]["deletionGracePeriodSeconds"] = json!(0);
        last["metadata"]["resourceVersion"] = json!(store.revision().to_string());
        return last;
    }
    let mut details = json!({"name": key.name, "kind": key.kind.plural, "uid": object["metadata"]["uid"]});
    if !key.kind.group.is_empty() {
        details["group"] = json!(key.kind.group);
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

/// Deletes the objects whose owners are all gone.
pub(super) fn collect_garbage(store: &mut Store, now: Timestamp) {
    let uids: BTreeSet<String> =
        store.all().filter_map(|(_, object)| object["metadata"]["uid"].as_str().map(str::to_owned)).collect();
    let is_orphan = |object: &Value| {
        let owners = object["metadata"]["ownerReferences"].as_array();
        owners.is_some_and(|owners| {
            !owners.is_empty()
                && !owners.iter().any(|owner| owner["uid"].as_str().is_some_and(|uid| uids.contains(uid)))
        })
    };
    let orphans: Vec<(Key, Value)> = store
        .all()
        .filter(|(_, object)| is_orphan(object) && !is_deleted(object))
        .map(|(key, object)| (key.clone(), object.clone()))
        .collect();
    for (key, object) in orphans {
        end(store, &key, &object, None, now);
    }
}
