//! Generated files are what the code says.

use crate::checkout::root;
use crate::report;

#[test]
fn generated_files_are_fresh() {
    let stale = xtask::codegen::stale(root()).unwrap();
    let findings: Vec<_> = stale.iter().map(|path| format!("{path} is stale")).collect();
    report(&findings, "Run `cargo xtask codegen` and commit what it writes.");
}
