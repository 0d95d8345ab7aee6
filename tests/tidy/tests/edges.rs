//! Who may depend on whom. Anything that is not in the table is forbidden; ARCHITECTURE.md draws the same picture.

use std::collections::BTreeSet;

use crate::metadata::{folder, members, normal_members};
use crate::report;

/// Folder, and the folders that it may depend on. `*` is every crate of engine/ and operator/.
///
/// A crate need not use all that it may. Tests and chores (tests/*, xtask) may depend on anything.
const ALLOWED: &[(&str, &[&str])] = &[
    ("operator/api", &[]),
    ("operator/lifecycle", &["operator/api"]),
    ("operator/controller", &["operator/api", "operator/lifecycle", "engine/proto", "engine/tls"]),
    ("engine/model", &[]),
    ("engine/batch", &["engine/model"]),
    ("engine/expr", &["engine/model", "engine/batch"]),
    ("engine/plan", &["engine/model", "engine/batch", "engine/expr", "engine/connectors"]),
    ("engine/storage", &["engine/model"]),
    ("engine/checkpoint", &["engine/model"]),
    ("engine/checkpoint-store", &["engine/model", "engine/checkpoint", "engine/storage", "engine/state"]),
    (
        "engine/savepoint",
        &["engine/model", "engine/checkpoint", "engine/checkpoint-store", "engine/storage", "engine/state"],
    ),
    ("engine/state", &["engine/model", "engine/batch"]),
    ("engine/state-rocksdb", &["engine/state"]),
    ("engine/connectors", &["engine/model", "engine/batch", "engine/storage"]),
    (
        "engine/connector-savepoint",
        &["engine/model", "engine/batch", "engine/storage", "engine/connectors", "engine/savepoint"],
    ),
    ("engine/sql", &["engine/model", "engine/batch", "engine/expr", "engine/plan", "engine/connectors"]),
    ("engine/operators", &["engine/model", "engine/batch", "engine/expr", "engine/plan", "engine/state"]),
    ("engine/tls", &[]),
    ("engine/exchange", &["engine/model", "engine/batch", "engine/tls"]),
    ("engine/proto", &["engine/model", "engine/tls"]),
    ("engine/jobmaster", &["engine/model", "engine/checkpoint"]),
    (
        "engine/coordinator",
        &[
            "engine/model",
            "engine/plan",
            "engine/storage",
            "engine/checkpoint",
            "engine/checkpoint-store",
            "engine/connectors",
            "engine/jobmaster",
            "engine/savepoint",
            "engine/proto",
            "engine/tls",
        ],
    ),
    (
        "engine/worker",
        &[
            "engine/model",
            "engine/batch",
            "engine/expr",
            "engine/plan",
            "engine/storage",
            "engine/state",
            "engine/checkpoint",
            "engine/checkpoint-store",
            "engine/connectors",
            "engine/operators",
            "engine/exchange",
            "engine/proto",
            "engine/tls",
        ],
    ),
    ("engine/node", &["*"]),
];

/// Libraries that only some crates may name.
const NAMED_ONLY_BY: &[(&str, &[&str])] = &[
    ("datafusion", &["engine/expr", "engine/sql"]),
    ("sqlparser", &[]),
    ("object_store", &["engine/storage"]),
    ("rocksdb", &["engine/state-rocksdb"]),
    ("parquet", &["engine/savepoint"]),
    ("kube", &["operator/api"]),
    ("k8s-openapi", &["operator/api"]),
    ("rdkafka", &["engine/connectors"]),
    ("rustls", &["engine/tls", "tests/e2e"]),
    ("rcgen", &["operator/controller"]),
    ("tokio-rustls", &["engine/tls"]),
    ("tonic", &["engine/proto", "engine/coordinator", "engine/worker"]),
];

fn may_depend_on_anything(folder: &str) -> bool {
    folder.starts_with("tests/") || folder == "xtask"
}

#[test]
fn crates_depend_only_on_what_the_table_allows() {
    let folders: std::collections::BTreeMap<String, String> =
        members().iter().map(|member| (member.name.to_string(), folder(member))).collect();
    let mut findings = Vec::new();
    for member in members() {
        let from = folder(member);
        if may_depend_on_anything(&from) {
            continue;
        }
        let Some((_, allowed)) = ALLOWED.iter().find(|(folder, _)| *folder == from) else {
            findings.push(format!("{from} is not in the table"));
            continue;
        };
        for name in normal_members(member) {
            let to = &folders[&name];
            let anything = allowed.contains(&"*") && !may_depend_on_anything(to);
            if !anything && !allowed.contains(&to.as_str()) {
                findings.push(format!("{from} must not depend on {to}"));
            }
        }
    }
    report(
        &findings,
        "The edges are in tests/tidy/tests/edges.rs and in ARCHITECTURE.md: change the code, or both of them.",
    );
}

#[test]
fn the_table_has_no_cycle_and_no_stranger() {
    let existing: BTreeSet<_> = members().iter().map(|member| folder(member)).collect();
    for (index, (from, allowed)) in ALLOWED.iter().enumerate() {
        for to in allowed.iter().filter(|to| **to != "*") {
            assert!(existing.contains(*to), "{to} does not exist");
            let back = ALLOWED.iter().any(|(folder, targets)| folder == to && targets.contains(from));
            assert!(!back, "{from} and {to} may depend on each other");
        }
        assert!(ALLOWED[index + 1..].iter().all(|(folder, _)| folder != from), "{from} stands twice");
    }
}

#[test]
fn libraries_are_named_only_by_their_crate() {
    let mut findings = Vec::new();
    for member in members() {
        let from = folder(member);
        if may_depend_on_anything(&from) {
            continue;
        }
        for dependency in &member.dependencies {
            for (library, allowed) in NAMED_ONLY_BY {
                let named = dependency.name == *library
                    || dependency.name.strip_prefix(library).is_some_and(|rest| rest.starts_with('-'));
                if named && !allowed.contains(&from.as_str()) {
                    findings.push(format!("{from} names {}", dependency.name));
                }
            }
        }
    }
    report(
        &findings,
        "Each of these libraries sits behind one crate (ARCHITECTURE.md): use that crate's types.",
    );
}
