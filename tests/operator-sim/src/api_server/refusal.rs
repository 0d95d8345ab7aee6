//! Answers that are none: `Status` documents.

use serde_json::{Value, json};

use super::{Key, Reply};

/// Why a request is not carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    code: u16,
    reason: &'static str,
    message: String,
    details: Value,
}

impl Refusal {
    pub(super) fn not_found(key: &Key) -> Self {
        Self::about(key, 404, "NotFound", format!("{} not found", named(key)))
    }

    pub(super) fn already_exists(key: &Key) -> Self {
        Self::about(key, 409, "AlreadyExists", format!("{} already exists", named(key)))
    }

    /// Somebody else wrote first.
    pub fn conflict(key: &Key, why: &str) -> Self {
        let said = format!("Operation cannot be fulfilled on {}: {why}", named(key));
        Self::about(key, 409, "Conflict", said)
    }

    pub(super) fn modified(key: &Key) -> Self {
        Self::conflict(
            key,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// What a deletion rests on does not hold.
    pub(super) fn precondition(key: &Key, why: &str) -> Self {
        Self::conflict(key, &format!("Precondition failed: {why}")).naming_the_kind(key)
    }

    /// Some refusals name a kind as it stands in objects, and not as it stands in paths.
    pub(super) fn naming_the_kind(mut self, key: &Key) -> Self {
        self.details["kind"] = key.kind.kind.into();
        self
    }

    pub(super) fn invalid(key: &Key, why: &str) -> Self {
        let kind = if key.kind.group.is_empty() {
            key.kind.kind.to_owned()
        } else {
            format!("{}.{}", key.kind.kind, key.kind.group)
        };
        Self::about(key, 422, "Invalid", format!("{kind} {:?} is invalid: {why}", key.name))
    }

    pub(super) fn owned_by_others(message: String) -> Self {
        Self { code: 409, reason: "Conflict", message, details: json!({}) }
    }

    pub(super) fn expired() -> Self {
        let message = "The provided continue parameter is too old to display a consistent list result.";
        Self { code: 410, reason: "Expired", message: message.to_owned(), details: Value::Null }
    }

    pub(super) fn too_old(revision: u64, oldest: u64) -> Self {
        let message = format!("too old resource version: {revision} ({oldest})");
        Self { code: 410, reason: "Expired", message, details: Value::Null }
    }

    pub(super) fn page_not_found() -> Self {
        let message = "the server could not find the requested resource".to_owned();
        Self { code: 404, reason: "NotFound", message, details: json!({}) }
    }

    pub(super) fn bad_request(why: &str) -> Self {
        Self { code: 400, reason: "BadRequest", message: why.to_owned(), details: Value::Null }
    }

    /// The server stumbles.
    pub fn internal(message: &str) -> Self {
        Self { code: 500, reason: "InternalError", message: message.to_owned(), details: Value::Null }
    }

    fn about(key: &Key, code: u16, reason: &'static str, message: String) -> Self {
        let mut details = json!({"name": key.name, "kind": key.kind.plural});
        if !key.kind.group.is_empty() {
            details["group"] = key.kind.group.into();
        }
        Self { code, reason, message, details }
    }

    /// The document.
    pub fn document(&self) -> Value {
        let mut document = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        });
        if !self.details.is_null() {
            document["details"] = self.details.clone();
        }
        document
    }

    /// The answer.
    pub fn into_reply(self) -> Reply {
        Reply::Document(self.code, self.document())
    }
}

fn named(key: &Key) -> String {
    format!("{} {:?}", key.kind.qualified(), key.name)
}
