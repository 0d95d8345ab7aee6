//! A deployment's certificates: secrets for the keys, and a config map for everything that is public.
//!
//! The config map is the witness of the secrets, which are written and never read: it says whom the pods trust, that all secrets were
//! written, and when they expire. It owns them, so they go with it. Their names have the job's uid in them: what has such a name is
//! this job's or was put there on purpose, and a job that was deleted and made again does not meet the secrets of its predecessor.

use serde_json::{Value, json};

use super::overlay::merge;
use super::{Blueprint, Built, finish, sealed};
use crate::names::{self, TlsRole};
use crate::observed::{Certificates, ChildKind, Validity};
use crate::time::Timestamp;

/// Component of the config map, as its label says.
pub const COMPONENT: &str = "tls";
/// Key of the CAs that workers trust: their own deployment's.
pub const WORKER_AUTHORITIES: &str = "ca.crt";
/// Key of the CAs that a coordinator trusts: those, and the operator's.
pub const COORDINATOR_AUTHORITIES: &str = "coordinator-ca.crt";
/// Annotation with the time at which the certificates in the secrets were made; without it they are not all there.
pub const SINCE_ANNOTATION: &str = "millstream.dev/certificates-since";
/// Annotation with the time at which they expire.
pub const UNTIL_ANNOTATION: &str = "millstream.dev/certificates-until";
/// Annotation with the time since which the newest CA is trusted, while nothing that it signed is in use.
const ANNOUNCED_ANNOTATION: &str = "millstream.dev/certificates-announced";
/// The last line of a certificate in PEM.
const END: &str = "-----END CERTIFICATE-----";

/// What certificates are made for: everything about the objects but the certificates.
#[derive(Clone, Debug, PartialEq)]
pub struct CertificateOrder {
    /// The deployment.
    pub attempt: i64,
    /// Name of the config map.
    pub name: String,
    frame: Value,
    client_ca: String,
    secrets: [(TlsRole, String); 2],
}

impl CertificateOrder {
    /// For the deployment of a blueprint.
    pub(crate) fn new(blueprint: &Blueprint<'_>) -> Self {
        let (object, attempt) = (blueprint.object, blueprint.attempt);
        let name = names::certificates(&object.name, attempt);
        let empty = json!({"apiVersion": "v1", "kind": "ConfigMap"});
        let frame = finish(blueprint, ChildKind::ConfigMap, name.clone(), COMPONENT, empty).value;
        let secret = |role| (role, names::tls_secret(&object.name, &object.uid, attempt, role));
        Self {
            attempt,
            name,
            frame,
            client_ca: blueprint.operator.client_ca.clone(),
            secrets: [secret(TlsRole::Coordinator), secret(TlsRole::Worker)],
        }
    }

    /// Who gets a certificate, and the name of the secret for it.
    pub fn secrets(&self) -> &[(TlsRole, String)] {
        &self.secrets
    }

    /// The config map that says this.
    pub fn config_map(&self, certificates: &Certificates) -> Built {
        let own = certificates.authorities.concat();
        let mut annotations = json!({});
        let mut annotate = |name: &str, at: Option<Timestamp>| {
            if let Some(at) = at {
                merge(&mut annotations, &json!({name: at.to_string()}));
            }
        };
        annotate(SINCE_ANNOTATION, certificates.valid.map(|valid| valid.since));
        annotate(UNTIL_ANNOTATION, certificates.valid.map(|valid| valid.until));
        annotate(ANNOUNCED_ANNOTATION, certificates.announced);
        let mut value = self.frame.clone();
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("annotations".to_owned(), annotations);
        }
        let all = format!("{own}{}", self.client_ca);
        merge(&mut value, &json!({"data": {WORKER_AUTHORITIES: own, COORDINATOR_AUTHORITIES: all}}));
        sealed(ChildKind::ConfigMap, self.name.clone(), value)
    }

    /// A secret of this name with a certificate and its key (PEM), which the config map of this uid owns.
    pub fn secret(&self, name: &str, config_map_uid: &str, certificate: &str, key: &str) -> Value {
        let metadata = self.frame.get("metadata");
        let of = |field: &str| metadata.and_then(|metadata| metadata.get(field)).cloned().unwrap_or_default();
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": of("namespace"),
                "labels": of("labels"),
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "ConfigMap", "name": self.name, "uid": config_map_uid},
                ],
            },
            "type": "kubernetes.io/tls",
            "stringData": {"tls.crt": certificate, "tls.key": key},
        })
    }
}

/// What a config map says about certificates. What cannot be read counts as not written, so it is written again.
pub fn read_certificates(config_map: &Value) -> Certificates {
    let annotation = |name: &str| -> Option<Timestamp> {
        config_map.get("metadata")?.get("annotations")?.get(name)?.as_str()?.parse().ok()
    };
    let data = config_map.get("data").and_then(|data| data.get(WORKER_AUTHORITIES));
    let authorities: Vec<String> = data
        .and_then(Value::as_str)
        .into_iter()
        .flat_map(|text| text.split_inclusive(END))
        .map(str::trim)
        .filter(|text| text.ends_with(END))
        .map(|pem| format!("{pem}\n"))
        .collect();
    let valid = annotation(SINCE_ANNOTATION).zip(annotation(UNTIL_ANNOTATION));
    let valid = valid.map(|(since, until)| Validity { since, until }).filter(|_| !authorities.is_empty());
    Certificates { authorities, valid, announced: annotation(ANNOUNCED_ANNOTATION) }
}
