//! The `Cargo.toml` of each member: shared versions, shared lints, shared licence.

use std::fs;

use toml::{Table, Value};

use crate::metadata::{folder, members};
use crate::report;

#[test]
fn members_share_what_the_workspace_settles() {
    let mut findings = Vec::new();
    for member in members() {
        let folder = folder(member);
        let text = fs::read_to_string(&member.manifest_path).unwrap();
        let manifest: Table = text.parse().unwrap();
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            if !inherits(manifest.get("package").and_then(|p| p.get(key))) {
                findings.push(format!("{folder}/Cargo.toml: package.{key} is not the workspace's"));
            }
        }
        if !inherits(manifest.get("lints")) {
            findings.push(format!("{folder}/Cargo.toml: [lints] is not the workspace's"));
        }
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let table = manifest.get(kind).and_then(Value::as_table).into_iter().flatten();
            for (name, value) in table {
                let within = value.get("path").is_some() && value.get("version").is_none();
                if !inherits(Some(value)) && !within {
                    findings.push(format!("{folder}/Cargo.toml: {kind}.{name} has a version of its own"));
                }
            }
        }
    }
    report(&findings, "Versions and lints stand once, in the Cargo.toml of the root.");
}

fn inherits(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
}

#[test]
fn members_are_named_after_their_folder() {
    let mut findings = Vec::new();
    for member in members() {
        let folder = folder(member);
        let expected = match folder.split_once('/') {
            Some(("tests", name)) => format!("millstream-test-{name}"),
            Some((_, name)) => format!("millstream-{name}"),
            None => folder.clone(),
        };
        if member.name.as_str() != expected {
            findings.push(format!("{folder} is named {}, not {expected}", member.name));
        }
    }
    report(&findings, "A crate is named millstream-<folder>, one below tests/ millstream-test-<folder>.");
}
