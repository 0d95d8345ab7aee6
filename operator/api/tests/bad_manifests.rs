//! Every bad manifest of `tests/bad` is refused with exactly the words of `tests/bad/EXPECTED`, at the same place.
//!
//! A row of the table is `FILE:LINE:COLUMN: PATH: MESSAGE (HINT)` behind a word that says what an API server with our
//! CRD does with the file, for a test that has one:
//!
//! - `unread`: no API server sees it, or one sees something else: the text is not one StreamJob, kubectl cannot read it,
//!   or reads it more loosely than we do (the last of two equal keys);
//! - `refuse`: refused; the answer names one of the file's paths, or an object that one lies in;
//! - `accept`: stored; the operator reports it as Stalled.
//!
//! `MILLSTREAM_RECORD=1 cargo test -p millstream-api --test bad_manifests` writes the table again; a new row begins with
//! `refuse`, which its author then looks at.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use millstream_api::{Manifest, read_manifest};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad")
}

fn rows(table: &str) -> impl Iterator<Item = (&str, &str)> {
    let rows = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|line| line.split_once(' ').expect("a row begins with a word"))
}

/// What the files of the folder are refused with now.
fn found() -> String {
    let mut files: Vec<_> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "yaml"));
    files.sort();
    let mut found = String::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        match read_manifest(&fs::read_to_string(&path).unwrap(), name) {
            Ok(_) => writeln!(found, "{name} is accepted").unwrap(),
            Err(error) => writeln!(found, "{error}").unwrap(),
        }
    }
    found
}

/// Writes the table for what is found now, each row with the word it had.
fn record(table: &str) -> String {
    let head = table.lines().filter(|line| line.starts_with('#'));
    let mut recorded: String = head.map(|line| format!("{line}\n")).collect();
    for row in found().lines() {
        let file = row.split(':').next().unwrap();
        let word = rows(table)
            .find(|(_, old)| old.split(':').next() == Some(file))
            .map_or("refuse", |(word, _)| word);
        writeln!(recorded, "{word} {row}").unwrap();
    }
    recorded
}

#[test]
fn each_is_refused_with_the_expected_words() {
    let mut table = fs::read_to_string(folder().join("EXPECTED")).unwrap();
    if std::env::var_os("MILLSTREAM_RECORD").is_some() {
        table = record(&table);
        fs::write(folder().join("EXPECTED"), &table).unwrap();
    }
    let expected: Vec<&str> = rows(&table).map(|(_, row)| row).collect();
    let found = found();
    let found: Vec<&str> = found.lines().collect();
    let (expected_set, found_set): (BTreeSet<_>, BTreeSet<_>) =
        (expected.iter().copied().collect(), found.iter().copied().collect());
    let missing: Vec<_> = expected_set.difference(&found_set).collect();
    let surplus: Vec<_> = found_set.difference(&expected_set).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "expected, but not found: {missing:#?}\nfound: {surplus:#?}"
    );
    assert_eq!(expected.len(), found.len(), "a row stands twice");
}

#[test]
fn the_table_is_large_and_its_rows_are_distinct() {
    let table = fs::read_to_string(folder().join("EXPECTED")).unwrap();
    let mut words = BTreeSet::new();
    let mut messages = BTreeSet::new();
    for (word, row) in rows(&table) {
        assert!(["unread", "refuse", "accept"].contains(&word), "{word} {row}");
        words.insert(word);
        // Without the name of the file and the place.
        messages.insert(row.splitn(4, ':').nth(3).unwrap());
    }
    assert_eq!(words.len(), 3);
    assert!(messages.len() >= 100, "only {} distinct messages", messages.len());
}

/// A rule about a single object must have a manifest that breaks it: the table says so by naming the field.
#[test]
fn each_rule_of_the_crd_is_broken_by_a_manifest() {
    let table = fs::read_to_string(folder().join("EXPECTED")).unwrap();
    for rule in millstream_api::rules::RULES.iter().filter(|rule| !rule.is_transition()) {
        let object = if rule.at.is_empty() { "metadata.name" } else { rule.at };
        let path = if rule.field.is_empty() { object.to_owned() } else { format!("{object}.{}", rule.field) };
        assert!(
            rows(&table).any(|(word, row)| word == "refuse" && row.contains(&format!(": {path}: "))),
            "no manifest breaks {path}: {}",
            rule.message
        );
    }
}

#[test]
fn sql_above_the_limit_is_refused_in_a_moment() {
    let head = "apiVersion: millstream.dev/v1alpha1\nkind: StreamJob\nspec:\n  sql: |\n";
    let text = format!("{head}{}", format!("    {}\n", "x".repeat(1_000)).repeat(1_100));
    let error = Manifest::read(&text, "big.yaml").unwrap_err().to_string();
    assert_eq!(
        error,
        "big.yaml:5:5: spec.sql: has 1101100 characters, more than 1048576 (an object that Kubernetes stores cannot be larger: split the job, or keep data out of the SQL)"
    );
    let error = Manifest::read(&"x".repeat(5 << 20), "big.yaml").unwrap_err().to_string();
    assert!(
        error.starts_with("big.yaml:1:1: the manifest has 5242880 bytes, more than 4194304 ("),
        "{error}"
    );
}
