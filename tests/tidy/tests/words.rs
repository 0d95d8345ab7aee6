//! Words that must not be committed: places of one machine, open ends without an issue, silenced lints.

use crate::checkout::{SourceFile, files};
use crate::report;

/// Folders of a machine. In pieces, because this file is looked at too.
const MACHINE_PATHS: &[&str] = &[
    concat!("/", "work/"),
    concat!("/", "root/"),
    concat!("/", "home/"),
    concat!("/", "Users/"),
    concat!("/", "tmp/"),
];

/// Hosts that may be named where packages come from.
const PACKAGE_HOSTS: &[&str] = &["github.com/rust-lang/crates.io-index"];

/// Lints that production code must not silence as a whole.
const FIRM_LINTS: &[&str] =
    &["clippy::unwrap_used", "clippy::panic", "clippy::todo", "clippy::exit", "missing_docs"];

fn lines(file: &SourceFile) -> impl Iterator<Item = (usize, &str)> {
    file.text.as_deref().unwrap_or_default().lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// Data of examples and recorded answers are not ours to word.
fn is_data(file: &SourceFile) -> bool {
    let data = ["csv", "jsonl", "json", "gz", "zst", "expected", "lock"];
    file.path.rsplit_once('.').is_some_and(|(_, extension)| data.contains(&extension))
}

#[test]
fn no_file_names_a_place_of_one_machine() {
    let mut findings = Vec::new();
    for file in files().iter().filter(|file| !is_data(file)) {
        for (number, line) in lines(file) {
            for word in MACHINE_PATHS {
                // `https://x/home/y` and `$HOME/work/` are no places of a machine.
                let alone = line.match_indices(word).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    before.is_none_or(|c| c.is_whitespace() || "\"'`(=:[,<>".contains(c))
                });
                if alone {
                    findings.push(format!("{}:{number}: names {word}", file.path));
                }
            }
        }
    }
    report(&findings, "Use a temporary folder, a path below the file, or a variable.");
}

#[test]
fn packages_come_from_the_public_registry() {
    let mut findings = Vec::new();
    let about_packages = |path: &str| {
        path.ends_with("Cargo.toml")
            || path.ends_with("Cargo.lock")
            || path.ends_with(".cargo/config.toml")
            || path == "deny.toml"
    };
    for file in files().iter().filter(|file| about_packages(&file.path)) {
        for (number, line) in lines(file).filter(|(_, line)| line.contains("://")) {
            if !PACKAGE_HOSTS.iter().any(|host| line.contains(host)) {
                findings.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    report(&findings, "A mirror belongs into the configuration of a machine, not into the repository.");
}

#[test]
fn open_ends_have_an_issue() {
    let mut findings = Vec::new();
    for file in files().iter().filter(|file| file.path.ends_with(".rs")) {
        for (number, line) in lines(file) {
            for word in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")] {
                if line.contains(word) && !line.contains(&format!("{word}(#")) {
                    findings.push(format!("{}:{number}: {word} without an issue", file.path));
                }
            }
            if line.trim() == "#[ignore]" || (line.contains("#[ignore =") && !line.contains('#')) {
                findings.push(format!("{}:{number}: an ignored test without an issue", file.path));
            }
        }
    }
    report(&findings, "Finish it, or open an issue and name it: (#12).");
}

#[test]
fn production_code_keeps_its_lints() {
    let mut findings = Vec::new();
    for file in files().iter().filter(|file| file.is_production_rust() && !file.path.starts_with("tests/")) {
        for (number, line) in lines(file).take(file.production_lines()) {
            let silences = line.contains("#![allow(") || line.contains("#![expect(");
            for lint in FIRM_LINTS.iter().filter(|lint| silences && line.contains(**lint)) {
                findings.push(format!("{}:{number}: silences {lint} for a whole module", file.path));
            }
        }
    }
    report(&findings, "Return an error, or `expect` with the reason why it cannot happen.");
}
