//! Where a job's SQL and secrets come from. Names only: nothing here reads a config map or a secret.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::MAX_SUBDOMAIN;

/// Pattern of a DNS subdomain, as the CRD states it.
const SUBDOMAIN: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// Pattern of a key in a config map.
const KEY: &str = "^[-._a-zA-Z0-9]+$";

/// SQL that lies outside of the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct SqlFrom {
    /// A key of a config map in the job's namespace.
    pub config_map_key_ref: ConfigMapKey,
}

/// One key of one config map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ConfigMapKey {
    /// Name of the config map.
    #[schemars(length(min = 1, max = MAX_SUBDOMAIN), regex(pattern = SUBDOMAIN))]
    pub name: String,
    /// Key in the config map.
    #[schemars(length(min = 1, max = MAX_SUBDOMAIN), regex(pattern = KEY))]
    pub key: String,
}

impl ConfigMapKey {
    /// Whether the key is one that a config map can have.
    pub fn has_valid_key(&self) -> bool {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        !self.key.is_empty() && self.key.len() <= MAX_SUBDOMAIN && self.key.bytes().all(allowed)
    }
}

/// A secret by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct SecretName {
    /// Name of the secret, in the job's namespace.
    #[schemars(length(min = 1, max = MAX_SUBDOMAIN), regex(pattern = SUBDOMAIN))]
    pub name: String,
}
