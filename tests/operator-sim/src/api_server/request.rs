//! Requests, from their method, path and body.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Key, Kind, Refusal};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// One object.
    Get,
    /// Objects of a kind.
    List,
    /// Changes of objects of a kind.
    Watch,
    /// A new object.
    Create,
    /// An object in place of another one.
    Update,
    /// An object with some fields changed.
    MergePatch,
    /// Server-side apply.
    Apply,
    /// No object.
    Delete,
}

impl Verb {
    /// Whether it changes anything.
    pub fn is_write(self) -> bool {
        !matches!(self, Self::Get | Self::List | Self::Watch)
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What is asked for.
    pub verb: Verb,
    /// Of what kind.
    pub kind: &'static Kind,
    /// In which namespace; empty for all.
    pub namespace: String,
    /// Which one; empty for all.
    pub name: String,
    /// `status`, or empty.
    pub subresource: String,
    pub(super) query: BTreeMap<String, String>,
    /// Whether only metadata are to come back.
    pub(super) wants_metadata: bool,
    pub(super) body: Value,
}

impl Ask {
    /// Reads a request.
    ///
    /// # Errors
    /// It is none that is served.
    pub fn read(parts: &http::request::Parts, body: &[u8]) -> Result<Self, Refusal> {
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let query = query(parts.uri.query().unwrap_or_default());
        let segments: Vec<&str> = parts.uri.path().split('/').filter(|part| !part.is_empty()).collect();
        let (group, version, rest) = match segments.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return Err(unknown()),
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            rest => ("", rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (*plural, "", ""),
            [plural, name] => (*plural, *name, ""),
            [plural, name, "status"] => (*plural, *name, "status"),
            _ => return Err(unknown()),
        };
        let kind = Kind::at(group, version, plural).ok_or_else(unknown)?;
        let is_watch = query.get("watch").is_some_and(|watch| watch == "1" || watch == "true");
        let verb = match (parts.method.as_str(), header("content-type")) {
            ("GET", _) if name.is_empty() && is_watch => Verb::Watch,
            ("GET", _) if name.is_empty() => Verb::List,
            ("GET", _) => Verb::Get,
            ("POST", _) => Verb::Create,
            ("PUT", _) => Verb::Update,
            ("PATCH", "application/merge-patch+json") => Verb::MergePatch,
            ("PATCH", "application/apply-patch+yaml") => Verb::Apply,
            ("DELETE", _) if !name.is_empty() => Verb::Delete,
            _ => return Err(Refusal::bad_request("this server does not do that")),
        };
        let body = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(body).map_err(|error| Refusal::bad_request(&error.to_string()))?
        };
        Ok(Self {
            verb,
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            subresource: subresource.to_owned(),
            query,
            wants_metadata: header("accept").contains("as=PartialObjectMetadata"),
            body,
        })
    }

    /// The object that is meant. A new one brings its name.
    pub fn key(&self) -> Key {
        let own = self.body["metadata"]["name"].as_str().unwrap_or_default();
        let name = if self.name.is_empty() { own } else { &self.name };
        Key { kind: self.kind, namespace: self.namespace.clone(), name: name.to_owned() }
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Who writes.
    pub(super) fn manager(&self) -> String {
        self.parameter("fieldManager").unwrap_or("unknown").to_owned()
    }

    pub(super) fn is_status(&self) -> bool {
        self.subresource == "status"
    }
}

/// An answer in the form that was asked for.
pub(super) fn shown(ask: &Ask, document: Value) -> Value {
    if !ask.wants_metadata || document["kind"] == "Status" {
        return document;
    }
    let metadata = |object: &Value| {
        json!({
            "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"],
        })
    };
    match document["items"].as_array() {
        Some(items) => json!({
            "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
            "metadata": document["metadata"], "items": items.iter().map(metadata).collect::<Vec<_>>(),
        }),
        None => metadata(&document),
    }
}

fn unknown() -> Refusal {
    Refusal::page_not_found()
}

/// Names and values of a query, without their escapes.
fn query(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (unescaped(name), unescaped(value))
        })
        .collect()
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        let escaped = (first == b'%').then(|| behind.get(..2)).flatten();
        let byte = escaped.and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        match (first, byte) {
            (_, Some(byte)) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            (b'+', None) => bytes.push(b' '),
            (other, None) => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Ask {
    /// What a person asks for with `kubectl`.
    pub fn by_a_person(verb: Verb, key: &Key, body: Value) -> Self {
        let query = BTreeMap::from([("fieldManager".to_owned(), "kubectl".to_owned())]);
        Self {
            verb,
            kind: key.kind,
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            subresource: String::new(),
            query,
            wants_metadata: false,
            body,
        }
    }
}
