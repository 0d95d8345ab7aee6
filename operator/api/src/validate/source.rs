//! SQL, variables, secrets, addresses and settings: the parts of a spec that are names and texts.

use std::collections::{BTreeMap, BTreeSet};

use super::Findings;
use crate::names::is_subdomain;
use crate::path;
use crate::streamjob::{MAX_ENTRIES, MAX_SQL, SecretName, StreamJobSpec};
use crate::validated::SqlSource;

/// Schemes that a bucket's address may have.
const SCHEMES: &[&str] = &["s3", "gs", "abfss", "file", "memory"];
/// Longest name of a variable or setting, in characters.
const MAX_KEY: usize = 128;

/// The source of the SQL. When both or none are given, the answer is the inline one or empty, beside a finding.
pub(super) fn check_sql(spec: &StreamJobSpec, findings: &mut Findings) -> SqlSource {
    match (&spec.sql, &spec.sql_from) {
        (None, None) => {
            findings.add_with_hint("spec", "has neither sql nor sqlFrom", "write the job's SQL under sql: |")
        }
        (Some(_), Some(_)) => {
            findings.add_with_hint("spec.sqlFrom", "stands beside spec.sql", "keep one of the two");
        }
        _ => {}
    }
    if let Some(from) = &spec.sql_from {
        let reference = &from.config_map_key_ref;
        if !is_subdomain(&reference.name) {
            findings.add(
                "spec.sqlFrom.configMapKeyRef.name",
                format!("{:?} is not a name that Kubernetes accepts", reference.name),
            );
        }
        if !reference.has_valid_key() {
            findings.add_with_hint(
                "spec.sqlFrom.configMapKeyRef.key",
                format!("{:?} is not a key that a config map can have", reference.key),
                "keys consist of letters, digits, '-', '_' and '.'",
            );
        }
    }
    if let Some(sql) = &spec.sql {
        check_sql_text(sql, findings);
    }
    match (&spec.sql, &spec.sql_from) {
        (None, Some(from)) => SqlSource::ConfigMap {
            name: from.config_map_key_ref.name.clone(),
            key: from.config_map_key_ref.key.clone(),
        },
        (sql, _) => SqlSource::Inline(sql.clone().unwrap_or_default()),
    }
}

fn check_sql_text(sql: &str, findings: &mut Findings) {
    let length = sql.chars().count();
    if sql.trim().is_empty() {
        findings.add_with_hint("spec.sql", "is empty", "write the job's SQL under sql: |");
    } else if length > MAX_SQL as usize {
        findings.add_with_hint(
            "spec.sql",
            format!("has {length} characters, more than {MAX_SQL}"),
            "an object that Kubernetes stores cannot be larger: split the job, or keep data out of the SQL",
        );
    } else if let Some(at) = sql.find('\0') {
        let line = sql[..at].matches('\n').count() + 1;
        findings.add("spec.sql", format!("holds a NUL character in line {line} of the SQL"));
    }
}

pub(super) fn check_variables(variables: &BTreeMap<String, String>, findings: &mut Findings) {
    check_count("spec.variables", variables.len(), findings);
    for (name, value) in variables {
        let path = path::child("spec.variables", name);
        let first = name.chars().next();
        let valid = first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.len() <= MAX_KEY;
        if !valid {
            findings.add_with_hint(
                path,
                format!("{name:?} is not a name that ${{NAME}} can refer to"),
                "names consist of letters, digits and '_' and do not start with a digit",
            );
        } else if value.contains('\0') {
            findings.add(path, "holds a NUL character");
        }
    }
}

pub(super) fn check_secrets(secrets: &[SecretName], findings: &mut Findings) {
    if secrets.len() > 64 {
        findings.add("spec.secrets", format!("has {} entries, more than 64", secrets.len()));
    }
    let mut seen = BTreeSet::new();
    for (index, secret) in secrets.iter().enumerate() {
        let path = format!("spec.secrets[{index}].name");
        if !is_subdomain(&secret.name) {
            findings.add(path, format!("{:?} is not a name that Kubernetes accepts", secret.name));
        } else if !seen.insert(&secret.name) {
            findings.add(path, format!("{:?} is named twice", secret.name));
        }
    }
}

/// Checks an address of a bucket and folder.
pub(super) fn check_storage(path: &str, uri: &str, findings: &mut Findings) {
    if uri.chars().count() > crate::streamjob::MAX_URI {
        return findings.add(path, format!("is longer than {} characters", crate::streamjob::MAX_URI));
    }
    if uri.contains(char::is_whitespace) {
        return findings.add(path, "holds white space");
    }
    let Some((scheme, rest)) = uri.split_once("://") else {
        return findings.add_with_hint(
            path,
            format!("{uri:?} is not an address"),
            "write s3://bucket/folder, or file:///folder",
        );
    };
    if !SCHEMES.contains(&scheme) {
        let nearest = match scheme {
            "s3a" | "s3n" | "oss" | "minio" => Some("s3"),
            "gcs" => Some("gs"),
            "abfs" | "wasb" | "wasbs" | "az" | "azure" => Some("abfss"),
            _ => SCHEMES.iter().copied().find(|s| s.eq_ignore_ascii_case(scheme)),
        };
        let hint = match nearest {
            Some(nearest) => format!("did you mean {nearest}://{}?", without_credentials(rest)),
            None => format!("known are {}", SCHEMES.join("://, ") + "://"),
        };
        return findings.add_with_hint(path, format!("{scheme}:// is not a known kind of storage"), hint);
    }
    let bucket = rest.split(['/', '?']).next().unwrap_or_default();
    match scheme {
        "memory" => {}
        "file" if !rest.starts_with('/') => {
            findings.add_with_hint(path, format!("{uri:?} is not an absolute path"), "write file:///folder");
        }
        "file" => {}
        _ if bucket.contains(['@', ':']) => findings.add_with_hint(
            path,
            "holds a user name, password or port",
            "credentials come from the environment or from spec.secrets, never from an address",
        ),
        _ if bucket.is_empty() || bucket.contains('#') => {
            findings.add(path, format!("{uri:?} names no bucket"));
        }
        _ => {}
    }
}

/// What follows a user name and password, so that a hint never repeats them.
fn without_credentials(rest: &str) -> &str {
    rest.rsplit_once('@').map_or(rest, |(_, after)| after)
}

pub(super) fn check_config(config: &BTreeMap<String, String>, findings: &mut Findings) {
    check_count("spec.config", config.len(), findings);
    for (name, value) in config {
        let path = path::child("spec.config", name);
        let part = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        if name.len() > MAX_KEY || !name.split('.').all(part) {
            findings.add_with_hint(
                path,
                format!("{name:?} is not a name of a setting"),
                "names are words joined by dots, such as table.local-time-zone",
            );
        } else if value.contains('\0') {
            findings.add(path, "holds a NUL character");
        }
    }
}

fn check_count(path: &str, count: usize, findings: &mut Findings) {
    if count > MAX_ENTRIES as usize {
        findings.add(path, format!("has {count} entries, more than {MAX_ENTRIES}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(uri: &str) -> Option<String> {
        let mut findings = Findings::default();
        check_storage("p", uri, &mut findings);
        findings
            .0
            .pop()
            .map(|e| format!("{}{}", e.message, e.hint.map_or(String::new(), |h| format!(" | {h}"))))
    }

    #[test]
    fn addresses() {
        for good in [
            "s3://bucket/streams",
            "s3://bucket",
            "s3://bucket?region=eu-central-1",
            "gs://b/x",
            "abfss://container/x",
            "file:///var/lib/millstream",
            "memory://",
            "memory://test",
        ] {
            assert_eq!(refused(good), None, "{good}");
        }
        for (bad, expected) in [
            ("s3a://b/x", "s3a:// is not a known kind of storage | did you mean s3://b/x?"),
            ("s3a://me:pw@b/x", "s3a:// is not a known kind of storage | did you mean s3://b/x?"),
            ("S3://b", "S3:// is not a known kind of storage | did you mean s3://b?"),
            (
                "hdfs://n/x",
                "hdfs:// is not a known kind of storage | known are s3://, gs://, abfss://, file://, memory://",
            ),
            ("/var/x", "\"/var/x\" is not an address | write s3://bucket/folder, or file:///folder"),
            ("file://x", "\"file://x\" is not an absolute path | write file:///folder"),
            ("s3:///x", "\"s3:///x\" names no bucket"),
            ("s3://b /x", "holds white space"),
            (
                "s3://k:s@b/x",
                "holds a user name, password or port | credentials come from the environment or from spec.secrets, never from an address",
            ),
        ] {
            assert_eq!(refused(bad).as_deref(), Some(expected), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn pattern_and_check_agree(uri in "(s3|gs|abfss|file|memory|s3a|)(://|:/|)[a-z@:?#/ ]{0,8}|\\PC{0,10}") {
            let by_pattern = regex::Regex::new(crate::streamjob::STORAGE_PATTERN).unwrap().is_match(&uri);
            prop_assert_eq!(by_pattern, refused(&uri).is_none());
        }
    }
}
