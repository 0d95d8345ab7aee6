//! `millstream plan`.

mod state;
mod verdict;

use std::io::Write as _;

use millstream_sql::Compiled;
use serde_json::Value;

use super::args::{PlanArguments, PlanFormat};
use super::compile::{Job, compile_source, read};
use super::ending;
use super::failure::Failure;
use super::remote;
use super::storage::{job_store, storage_uri};
use crate::connectors;
use crate::job_file::JobFile;
use state::StateOutlook;

/// Prints the plan to stdout, warnings to stderr, and leaves word of what came of it.
pub(super) fn plan(arguments: PlanArguments) -> Result<(), Failure> {
    let Some(ending) = &arguments.ending else { return show(&arguments).map(drop) };
    ending::begin(ending)?;
    let shown = show(&arguments);
    match &shown {
        Ok(outlook) => ending::write(ending, &outlook.as_ref().map_or(Value::Null, verdict::word)),
        Err(failure) => ending::write(ending, &ending::word_of(failure)),
    }
    shown.map(drop)
}

fn show(arguments: &PlanArguments) -> Result<Option<StateOutlook>, Failure> {
    let Some(file) = &arguments.file else { return remote::plan(arguments).map(|()| None) };
    let connectors = connectors::registry();
    let Job { file: job_file, compiled } = compile_source(&read(file, &arguments.options)?, &connectors)?;
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
    if arguments.state {
        let outlook = state_of(arguments, &job_file, &compiled)?;
        let text = match arguments.output {
            PlanFormat::Text => outlook.to_text(),
            PlanFormat::Json => format!("{}\n", outlook.to_json()),
        };
        let _ = std::io::stdout().write_all(text.as_bytes());
        return Ok(Some(outlook));
    }
    Ok(None)
}

fn state_of(arguments: &PlanArguments, file: &JobFile, compiled: &Compiled) -> Result<StateOutlook, Failure> {
    let job = compiled.job.as_ref().filter(|job| job.collected().is_none());
    let job = job.ok_or_else(|| Failure::Mistake("--state: only a job with an INSERT has state".into()))?;
    let store = job_store(&storage_uri(arguments.storage.as_deref(), file)?, file)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|e| Failure::Job(format!("cannot start the runtime: {e}")))?;
    let restore = file.restore.as_ref().map(|(from, _)| from.as_str());
    runtime.block_on(state::outlook(&store, &job.graph, restore))
}
