//! `millstream plan`.

use std::io::Write as _;

use super::args::{PlanArguments, PlanFormat};
use super::compile::{Job, compile_source, read};
use super::failure::Failure;
use super::remote;
use crate::connectors;

/// Prints the plan to stdout, warnings to stderr.
pub(super) fn plan(arguments: PlanArguments) -> Result<(), Failure> {
    let Some(file) = &arguments.file else { return remote::plan(&arguments) };
    let connectors = connectors::registry();
    let Job { compiled, .. } = compile_source(&read(file, &arguments.options)?, &connectors)?;
    let mut text = String::new();
    for explanation in compiled.explains.iter().chain(&compiled.plan) {
        match arguments.output {
            PlanFormat::Text => text.push_str(&explanation.to_text()),
            PlanFormat::Json => {
                text.push_str(&explanation.to_json().to_string());
                text.push('\n');
            }
        }
    }
    if text.is_empty() {
        return Err(Failure::Mistake(format!(
            "{}: there is nothing to plan: the SQL has no INSERT, SELECT or EXPLAIN",
            file.display()
        )));
    }
    // A closed pipe (`millstream plan | head`) is no failure.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}
