//! The shape of source files: headers, sizes, names.

use crate::checkout::{SourceFile, files};
use crate::metadata::{folder, members};
use crate::report;

/// A file with more production lines fails.
const LIMIT: usize = 900;
/// A file with more is printed: there are probably two subjects in it.
const PRESSURE: usize = 500;

fn rust_of_the_product() -> impl Iterator<Item = &'static SourceFile> {
    let shipped = |file: &&SourceFile| file.path.starts_with("engine/") || file.path.starts_with("operator/");
    files()
        .iter()
        .filter(shipped)
        .filter(|file| file.is_production_rust() && !file.path.contains("/generated/"))
}

#[test]
fn every_crate_opens_with_its_purpose() {
    let mut findings = Vec::new();
    for member in members() {
        let folder = folder(member);
        let root = ["src/lib.rs", "src/main.rs"]
            .iter()
            .find_map(|name| files().iter().find(|file| file.path == format!("{folder}/{name}")));
        let text = root.and_then(|file| file.text.as_deref()).unwrap_or_default();
        if !text.starts_with("//! ") {
            findings.push(format!("{folder}: its root file does not begin with `//! `"));
        }
    }
    report(&findings, "The first lines of a crate say what it owns and what it must not do.");
}

#[test]
fn every_module_opens_with_its_purpose() {
    let headless =
        rust_of_the_product().filter(|file| !file.text.as_deref().unwrap_or_default().starts_with("//!"));
    let findings: Vec<_> = headless.map(|file| format!("{}: does not begin with `//!`", file.path)).collect();
    report(
        &findings,
        "The first lines of a module say what it owns, what it must not do, and give an example.",
    );
}

#[test]
fn files_stay_readable() {
    let mut sizes: Vec<_> = files()
        .iter()
        .filter(|file| file.is_production_rust() && !file.path.contains("/generated/"))
        .map(|file| (file.production_lines(), &file.path))
        .collect();
    sizes.sort_unstable();
    sizes.reverse();
    for (lines, path) in sizes.iter().filter(|(lines, _)| *lines > PRESSURE) {
        eprintln!("{path}: {lines} production lines; which two subjects are in it?");
    }
    let too_long = sizes.iter().filter(|(lines, _)| *lines > LIMIT);
    let findings: Vec<_> =
        too_long.map(|(lines, path)| format!("{path}: {lines} production lines")).collect();
    report(&findings, &format!("A file has at most {LIMIT} production lines: split it by subject."));
}

#[test]
fn modules_have_names() {
    let named_mod = files().iter().filter(|file| file.path.ends_with("/mod.rs"));
    let findings: Vec<_> = named_mod.map(|file| file.path.clone()).collect();
    report(&findings, "A module lies in foo.rs beside foo/, not in foo/mod.rs.");
}
