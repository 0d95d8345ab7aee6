//! Random texts and random damage to good manifests: an answer, never a panic or a hang.
//!
//! `PROPTEST_CASES=100000 cargo test -p millstream-api fuzz` runs longer.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use millstream_api::{Manifest, read_manifest};
use proptest::prelude::*;

fn manifests() -> Vec<String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut paths: Vec<PathBuf> = ["good", "bad"]
        .iter()
        .flat_map(|folder| fs::read_dir(tests.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// Pieces of YAML that change what surrounds them.
const TOKENS: &[&str] = &[
    "",
    " ",
    "\n",
    "\t",
    ":",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "!!binary ",
    "|",
    ">",
    "\"",
    "'",
    "#",
    "%",
    "---\n",
    "...\n",
    "~",
    "null",
    "on",
    "1e999",
    ".nan",
    "-0",
    "0x1F",
    "18446744073709551616",
    "2024-01-01",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\0",
    "é",
    "🦀",
    "? ",
    "!<tag> ",
];

fn token() -> impl Strategy<Value = String> {
    prop_oneof![proptest::sample::select(TOKENS).prop_map(str::to_owned), "\\PC{0,8}"]
}

/// What must hold of any answer.
fn check(text: &str) -> Result<(), TestCaseError> {
    match Manifest::read(text, "job.yaml") {
        Ok(manifest) => {
            prop_assert!(manifest.job.validate().is_ok());
            if let (Some(origin), Some(sql)) = (manifest.sql_origin, &manifest.job.spec.sql)
                && let Some(place) = origin.locate(1, 1)
                && let Some(first) = sql.chars().next().filter(|c| !c.is_whitespace())
            {
                let line = text.strip_prefix('\u{feff}').unwrap_or(text).lines().nth(place.line - 1);
                let found = line.and_then(|line| line.chars().nth(place.column - 1));
                prop_assert_eq!(found, Some(first), "the SQL does not begin at {}", place);
            }
        }
        Err(error) => {
            prop_assert!(!error.problems.is_empty());
            let lines = text.lines().count() + 1;
            for problem in &error.problems {
                prop_assert!(problem.position.line >= 1 && problem.position.line <= lines, "{}", problem);
                prop_assert!(!problem.message.is_empty());
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn fuzz_any_text(text in "\\PC{0,200}") {
        check(&text)?;
    }

    #[test]
    fn fuzz_damaged_manifests(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, token()), 1..5),
    ) {
        let manifests = manifests();
        let mut text = which.get(&manifests).clone();
        for (place, removed, inserted) in edits {
            let boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let from = place.index(boundaries.len());
            let to = (from + removed).min(boundaries.len() - 1);
            text.replace_range(boundaries[from]..boundaries[to], &inserted);
        }
        check(&text)?;
    }

    #[test]
    fn fuzz_wrong_values(
        field in "(spec|metadata|spec\\.(sql|parallelism|state|checkpoint|restart|worker|config|variables|secrets))",
        value in prop_oneof!["\\PC{0,10}", Just("[1, {a: b}]".to_owned()), Just("{a: {b: [c]}}".to_owned()), "-?[0-9]{1,20}(\\.[0-9])?"],
    ) {
        let line = match field.split_once('.') {
            None => format!("{field}: {value}\n"),
            Some((object, field)) => format!("{object}:\n  {field}: {value}\n"),
        };
        check(&format!("apiVersion: millstream.dev/v1alpha1\nkind: StreamJob\n{line}"))?;
    }
}

/// Texts that once took long or broke something, or would in a naive reader.
#[test]
fn known_attacks_are_answered() {
    let head = "apiVersion: millstream.dev/v1alpha1\nkind: StreamJob\nspec:\n  sql: SELECT 1\n";
    let attacks = [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        "a:\n".repeat(100_000),
        "&a ".repeat(10_000),
        "*a ".repeat(10_000),
        "\"".repeat(100_001),
        "? ".repeat(50_000),
        "--- \n".repeat(100_000),
        format!("{head}  variables: {{{}}}", (0..100_000).map(|i| format!("V{i}: x, ")).collect::<String>()),
        format!("{head}  worker: {{podTemplate: {{a: &a [*a]}}}}"),
        format!("{head}{}: x", "k".repeat(1_000_000)),
        (0..3_000).map(|i| format!("{}a:\n", " ".repeat(i))).collect(),
    ];
    for attack in attacks {
        let error = read_manifest(&attack, "attack.yaml").unwrap_err().to_string();
        assert!(error.len() < 2_100_000, "the answer is {} bytes long", error.len());
    }
}
