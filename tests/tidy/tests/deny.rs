//! `deny.toml`, for machines without cargo-deny: licences, bans, single copies and sources of every package that is
//! built for this machine. The file is cargo-deny's own, so `cargo deny check` gives the same answer where it exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde::Deserialize;

use crate::checkout::root;
use crate::licence::is_met;
use crate::metadata::{built, direct};
use crate::report;

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Ban {
    name: String,
    /// Not banned, but only one copy of it may be built.
    #[serde(default)]
    deny_multiple_versions: bool,
    /// Packages that may depend on it nevertheless.
    #[serde(default)]
    wrappers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

fn deny() -> Deny {
    toml::from_str(&fs::read_to_string(root().join("deny.toml")).unwrap()).unwrap()
}

#[test]
fn licences_are_allowed() {
    let allowed = deny().licenses.allow;
    let mut findings = Vec::new();
    for package in built().iter().filter(|package| package.source.is_some()) {
        let licence = package.license.as_deref().unwrap_or_default();
        if !is_met(licence, &allowed) {
            findings.push(format!("{} {}: {licence:?}", package.name, package.version));
        }
    }
    report(&findings, "Take another library, or decide about the licence and add it to deny.toml.");
}

#[test]
fn every_allowed_licence_is_used() {
    let allowed = deny().licenses.allow;
    let used: BTreeSet<_> = built().iter().filter_map(|package| package.license.clone()).collect();
    let findings: Vec<_> = allowed
        .iter()
        .filter(|licence| !used.iter().any(|expression| expression.contains(licence.as_str())))
        .cloned()
        .collect();
    report(&findings, "No package has this licence any more: take it out of deny.toml.");
}

#[test]
fn banned_packages_are_not_built() {
    let bans = deny().bans.deny;
    let banned: Vec<_> = bans
        .iter()
        .filter(|ban| !ban.deny_multiple_versions)
        .filter(|ban| built().iter().any(|package| package.name.as_str() == ban.name))
        .collect();
    let mut findings = Vec::new();
    for package in built() {
        for ban in banned.iter().filter(|ban| direct(package).contains(&ban.name)) {
            if !ban.wrappers.iter().any(|wrapper| *wrapper == package.name.as_str()) {
                findings.push(format!("{} depends on {}", package.name, ban.name));
            }
        }
    }
    report(&findings, "deny.toml says why; mostly a feature of a dependency must be turned off.");
}

#[test]
fn there_is_one_copy_of_what_types_are_shared_of() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in built() {
        versions.entry(package.name.to_string()).or_default().insert(package.version.to_string());
    }
    let single = deny().bans.deny.into_iter().filter(|ban| ban.deny_multiple_versions);
    let mut findings = Vec::new();
    for ban in single {
        match versions.get(&ban.name) {
            Some(copies) if copies.len() > 1 => findings.push(format!("{}: {copies:?}", ban.name)),
            _ => {}
        }
    }
    report(&findings, "Two copies mean two incompatible types of the same name: align the versions.");
}

#[test]
fn packages_come_from_allowed_sources() {
    let allowed = deny().sources.allow_registry;
    let mut findings = Vec::new();
    for package in built() {
        let Some(source) = &package.source else { continue };
        if !allowed.iter().any(|registry| source.repr == format!("registry+{registry}")) {
            findings.push(format!("{} {}: {}", package.name, package.version, source.repr));
        }
    }
    report(&findings, "Packages come from the public registry, so that anyone can build this.");
}
