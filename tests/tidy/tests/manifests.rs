//! The `Cargo.toml` of each member: shared versions, shared lints, shared licence.

use std::collections::BTreeSet;
use std::fs;

use toml::{Table, Value};

use crate::metadata::{folder, members, tree};
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

/// `make run` and `make test` share what is compiled, since both select the whole workspace. But a dev-dependency that
/// turns on a feature of, say, serde makes a second serde for the tests, and a second one of everything above it.
#[test]
fn tests_turn_on_no_features_of_what_ships() {
    let lines = |edges| tree(edges, "{p} with {f}").lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (shipped, tested) = (lines("normal,build"), lines("normal,build,dev"));
    let name = |line: &str| line.split(" with ").next().unwrap_or_default().to_owned();
    let changed = shipped.difference(&tested);
    let findings: Vec<_> = changed.map(|line| format!("{} is built twice", name(line))).collect();
    report(
        &findings,
        "Move the dependency of tests/* that asks for the feature from dev-dependencies to dependencies.",
    );
}
