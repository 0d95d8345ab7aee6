//! The table of what the cases cover: `coverage.md` beside the cases' folder.
//!
//! Owns the table's text, which a test compares with the committed file. A feature with fewer than three cases that have rows,
//! answered by real Flink and accepted by us, is not covered. A case that the engine refuses covers nothing; it waits at the end
//! of the table, if there is one.

use std::collections::BTreeMap;

use crate::case::{Case, CaseError, Oracle};

/// Cases with rows, answered by real Flink, that a feature needs before it counts as covered.
pub const NEEDED: usize = 3;

/// What is known of one feature.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Feature {
    /// The names of its cases.
    pub cases: Vec<String>,
    /// How many of them have at least one row.
    pub with_rows: usize,
    /// How many of them real Flink answered.
    pub by_flink: usize,
    /// How many of them have at least one row that real Flink answered.
    pub answered_with_rows: usize,
    /// How many more cases there are that the engine refuses when it plans them.
    pub refused: usize,
}

/// Counts the cases of each feature.
///
/// # Errors
/// The first case whose recorded rows cannot be read.
pub fn features(cases: &[Case]) -> Result<BTreeMap<String, Feature>, CaseError> {
    let mut features: BTreeMap<String, Feature> = BTreeMap::new();
    for case in cases {
        let feature = features.entry(case.feature.clone()).or_default();
        if case.refused.is_some() {
            feature.refused += 1;
            continue;
        }
        feature.cases.push(case.name.clone());
        let has_rows = !case.expected()?.rows.is_empty();
        let is_flink = matches!(case.oracle, Oracle::Flink(_));
        feature.with_rows += usize::from(has_rows);
        feature.by_flink += usize::from(is_flink);
        feature.answered_with_rows += usize::from(has_rows && is_flink);
    }
    Ok(features)
}

/// The content of `coverage.md`.
pub fn table(features: &BTreeMap<String, Feature>, cases: &[Case]) -> String {
    let total = |count: fn(&Feature) -> usize| features.values().map(count).sum::<usize>();
    let mut text = format!(
        "# What the golden cases cover\n\n\
         {} cases of {} features; {} have rows, {} were answered by real Flink. A test keeps this file up to date\n\
         (`UPDATE_COVERAGE=1 cargo test -p millstream-test-sql --test format` writes it).\n\n\
         | feature | cases | with rows | by Flink | refused | names |\n|---|---|---|---|---|---|\n",
        total(|feature| feature.cases.len()),
        features.len(),
        total(|feature| feature.with_rows),
        total(|feature| feature.by_flink),
    );
    for (name, feature) in features {
        let cases = feature.cases.join(", ");
        text.push_str(&format!(
            "| {name} | {} | {} | {} | {} | {cases} |\n",
            feature.cases.len(),
            feature.with_rows,
            feature.by_flink,
            feature.refused
        ));
    }
    if cases.iter().any(|case| case.refused.is_some()) {
        text.push_str("\nAnswered by Flink, and refused by us with a message when they are planned:\n\n");
    }
    for case in cases {
        if let Some(words) = &case.refused {
            text.push_str(&format!("- {} ({}): {words}\n", case.name, case.feature));
        }
    }
    text
}
