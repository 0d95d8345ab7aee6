//! Tidy: what holds for the workspace as a whole and no compiler checks.
//!
//! Owns the house rules: who may depend on whom, what the pure crates may pull in, generated files, headers and sizes
//! of files, words that must not be committed, licences and sources of dependencies, links and lists in the documents.
//! It reads the checkout and `cargo metadata`; it never writes, and never needs the network.
//!
//! Each test reports all of its findings at once, with the file and what to do.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test fails by panicking")]

mod checkout;
mod deny;
mod docs;
mod edges;
mod files;
mod generated;
mod licence;
mod manifests;
mod metadata;
mod purity;
mod words;

/// Fails with every finding, and with what is to be done about them.
#[track_caller]
fn report(findings: &[String], remedy: &str) {
    assert!(findings.is_empty(), "{} finding(s):\n  {}\n{remedy}\n", findings.len(), findings.join("\n  "));
}
