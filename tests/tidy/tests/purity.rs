//! The crates that decide: no I/O, no clock, no randomness, not even by way of a dependency.

use crate::checkout::files;
use crate::metadata::{folder, members, transitive_normal};
use crate::report;

/// Crates that must be pure.
const PURE: &[&str] = &["engine/model", "engine/checkpoint", "engine/jobmaster", "operator/lifecycle"];

/// What a pure crate must not have below it: runtimes, clients, clocks, randomness.
const IMPURE: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "futures",
    "futures-util",
    "async-trait",
    "object_store",
    "reqwest",
    "hyper",
    "tonic",
    "axum",
    "kube-client",
    "rustix",
    "libc",
    "mio",
    "socket2",
    "chrono",
    "time",
    "jiff",
    "rand",
    "rand_core",
    "getrandom",
    "fastrand",
    "uuid",
    "tempfile",
    "rocksdb",
    "rdkafka",
    "tracing-subscriber",
];

/// A library that is there for a type alone: Kubernetes' times are jiff's. That its clock is not named is checked below.
const TYPES_ONLY: &[(&str, &str)] = &[("operator/lifecycle", "jiff")];

/// What the sources of a pure crate must not name.
const IMPURE_NAMES: &[&str] = &[
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
    "std::fs",
    "std::net",
    "std::env::",
    "std::process",
    "std::thread",
    "RandomState",
];

#[test]
fn pure_crates_pull_in_nothing_impure() {
    let mut findings = Vec::new();
    for member in members().into_iter().filter(|member| PURE.contains(&folder(member).as_str())) {
        let below = transitive_normal(member);
        let is_excused = |name: &&&str| TYPES_ONLY.contains(&(folder(member).as_str(), **name));
        let impure = IMPURE.iter().filter(|name| !is_excused(name));
        findings.extend(impure.filter_map(|name| below.get(*name)).cloned());
    }
    report(
        &findings,
        "These crates decide and do nothing else: facts and `now` go in, a decision comes out.",
    );
}

#[test]
fn pure_crates_name_nothing_impure() {
    let mut findings = Vec::new();
    for file in files().iter().filter(|file| file.is_production_rust()) {
        if !PURE.iter().any(|folder| file.path.starts_with(&format!("{folder}/"))) {
            continue;
        }
        let text = file.text.as_deref().unwrap_or_default();
        for (index, line) in text.lines().take(file.production_lines()).enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for name in IMPURE_NAMES.iter().filter(|name| code.contains(**name)) {
                findings.push(format!("{}:{}: names {name}", file.path, index + 1));
            }
        }
    }
    report(&findings, "Time, files and randomness come to these crates as arguments.");
}
