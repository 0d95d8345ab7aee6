//! Lists, whole or in pages. All pages are of one version.

use std::sync::Arc;

use serde_json::{Value, json};

use super::selector::{fits_fields, fits_labels};
use super::store::{Key, Store};
use super::{Ask, Refusal};

pub(super) fn list(store: &Store, ask: &Ask) -> Result<(u16, Value), Refusal> {
    let (revision, behind) = match ask.parameter("continue").map(token) {
        Some(Some((revision, behind))) => (revision, Some(behind)),
        Some(None) => return Err(Refusal::bad_request("continue key is not valid")),
        None => (store.revision(), None),
    };
    let at = store.at(revision)?;
    let is_behind =
        |key: &Key| behind.as_ref().is_none_or(|last| (&key.namespace, &key.name) > (&last.0, &last.1));
    let mut found: Vec<(&Key, &Arc<Value>)> = Vec::new();
    for (key, object) in at.iter().filter(|(key, _)| is_behind(key)) {
        if is_meant(ask, key, object)? {
            found.push((key, object));
        }
    }
    let limit = ask.parameter("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    if found.len() > limit {
        let left = found.len() - limit;
        found.truncate(limit);
        if let Some((key, _)) = found.last() {
            metadata["continue"] = json!(format!("{revision}:{}/{}", key.namespace, key.name));
        }
        // Unknown to a real server, too, where a selector has to look at every object.
        if ask.parameter("labelSelector").is_none() && ask.parameter("fieldSelector").is_none() {
            metadata["remainingItemCount"] = json!(left);
        }
    }
    let items: Vec<Value> = found.into_iter().map(|(_, object)| Value::clone(object)).collect();
    let (kind, version) = (format!("{}List", ask.kind.kind), ask.kind.api_version());
    Ok((200, json!({"kind": kind, "apiVersion": version, "metadata": metadata, "items": items})))
}

fn token(text: &str) -> Option<(u64, (String, String))> {
    let (revision, key) = text.split_once(':')?;
    let (namespace, name) = key.split_once('/')?;
    Some((revision.parse().ok()?, (namespace.to_owned(), name.to_owned())))
}

/// Whether an object is of the kind, the namespace and the selectors of a request.
pub(super) fn is_meant(ask: &Ask, key: &Key, object: &Value) -> Result<bool, Refusal> {
    let is_there = key.kind == ask.kind && (ask.namespace.is_empty() || key.namespace == ask.namespace);
    let labels = ask.parameter("labelSelector").unwrap_or_default();
    let fields = ask.parameter("fieldSelector").unwrap_or_default();
    Ok(is_there && fits_labels(labels, object) && fits_fields(fields, object)?)
}
