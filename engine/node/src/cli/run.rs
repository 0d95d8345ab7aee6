//! `millstream run`.

mod advice;
pub(super) mod outcome;
pub(super) mod pages;
pub(super) mod patience;
mod restore;
mod result;
pub(super) mod signals;
pub(super) mod start;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use millstream_checkpoint_store::JobStore;
use millstream_coordinator::http::Pages;
use millstream_coordinator::{JobHandle, JobOutcome};
use millstream_model::JobError;

use super::args::{AtSignal, LogFormat, RunArguments};
use super::compile::{Compiler, Job, compile_source, read};
use super::failure::Failure;
use super::progress::Display;
use super::storage::socket;
use crate::connectors;
use crate::control::Server;
use crate::local::{LocalJob, Running};
use crate::state_backend;
use crate::telemetry;
use signals::Signals;
use start::Start;

/// How long it may take to say where a savepoint is when the job is over.
const LAST_WORD: Duration = Duration::from_secs(1);

/// Runs a job to its end.
pub(super) fn run(arguments: Box<RunArguments>) -> Result<(), Failure> {
    let display = Display::new(arguments.quiet);
    let connectors = connectors::registry();
    let source = read(&arguments.job.file, &arguments.job.options)?;
    let Job { file, mut compiled } = compile_source(&source, &connectors)?;
    let is_query = compiled.job.as_ref().is_some_and(|job| job.collected().is_some());
    // Whoever types a query wants its rows, not the life of the job behind it.
    let level = if is_query { "warn" } else { "warn,millstream=info" };
    // People read the reason of a failure where the command ends; programs read the log alone.
    let is_json = arguments.start.log == LogFormat::Json;
    let level =
        if is_json { level.to_owned() } else { format!("{level},{}=off", millstream_coordinator::OUTCOME) };
    telemetry::start(is_json, &level, display.log_writer());
    for explanation in &compiled.explains {
        let _ = std::io::stdout().write_all(explanation.to_text().as_bytes());
    }
    if file.is_suspended {
        say(&format!("{} is suspended (spec.desiredState); nothing was run", file.identity));
        return Ok(());
    }
    for field in &file.ignored {
        tracing::info!("{field} is ignored: it matters on a cluster only");
    }
    let Some(job) = compiled.job.take() else {
        if compiled.explains.is_empty() {
            let name = arguments.job.file.display();
            return Err(Failure::Mistake(format!(
                "{name}: there is nothing to run: the SQL has no INSERT or SELECT"
            )));
        }
        return Ok(());
    };
    let job = Arc::new(job);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // The slots have threads of their own; these two move messages and bytes.
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::Job(format!("cannot start the runtime: {e}")))?;
    let collect = job.result().map(|result| result::sink(result, arguments.output, is_bounded(&job)));
    let outcome = runtime.block_on(async {
        // Before anything is restored: a backend that cannot be opened is no reason to leave the job's own state.
        let folder = file.local_folder().join(format!("spilled-{}", file.identity));
        let state = state_backend::open(&compiled.settings, file.state_backend, &folder, job.slots())?;
        let compiler = Arc::new(Compiler::new(source, connectors.clone()));
        let pages = pages::open(arguments.start.http, pages::starting(&file, &job, false), compiler).await?;
        let start =
            start::prepare(&arguments.start, &file, &compiled.settings, &job, collect.is_some()).await?;
        let plan = match start {
            Start::Go(plan) => plan,
            Start::Finished(_) => return Ok(()),
        };
        let signals = Signals::catch()?;
        let store = plan.store.clone();
        let local = LocalJob {
            identity: file.identity.clone(),
            job: job.clone(),
            connectors,
            collect: collect.as_ref().map(result::Result::sink),
            store: plan.store.clone(),
            settings: plan.settings,
            coordinator: plan.coordinator,
            droppable: plan.droppable,
            batch_rows: millstream_batch::MAX_BATCH_ROWS,
            spill: state.spill,
            slot_bytes: state.slot_bytes,
            local_copies: plan.local_copies,
            connected: None,
        };
        let running = local.start().map_err(Failure::from)?;
        let status = running.handle.status();
        let control = match collect {
            Some(_) => None,
            None => listen(socket(arguments.start.storage.as_deref(), &file)?, &running.handle, &store),
        };
        let outcome =
            supervise(running, pages, signals, (arguments.start.at_signal, store.clone()), Some(display))
                .await?;
        if let Some(result) = &collect {
            result.finish(&outcome).map_err(|e| Failure::Job(format!("stdout: {e}")))?;
        }
        let last = status.borrow().clone();
        let judged = outcome::judge(outcome, &last, &file, &store, collect.is_some()).await;
        if let Some(server) = control {
            server.close().await;
        }
        judged.map(drop)
    });
    // Reading threads that wait for input that never comes must not hold the process.
    runtime.shutdown_background();
    outcome
}

fn is_bounded(job: &millstream_plan::CompiledJob) -> bool {
    let roles = job.graph.operators().map(|(_, o)| &o.role);
    !roles.into_iter().any(|r| matches!(r, millstream_model::graph::OperatorRole::Source { bounded: false }))
}

/// Answers `millstream savepoint`, as long as what comes back lives. A job that cannot be asked still runs.
pub(super) fn listen(path: PathBuf, handle: &JobHandle, store: &JobStore) -> Option<Server> {
    match Server::start(&path, handle.clone(), store.clone()) {
        Ok(server) => Some(server),
        Err(error) => {
            tracing::warn!("{}: {error}; `millstream savepoint` will not find the job", path.display());
            None
        }
    }
}

/// Shows progress, leads the pages to the job, and turns signals into requests, until the job ends.
pub(super) async fn supervise(
    running: Running,
    pages: Option<Pages>,
    mut signals: Signals,
    at_signal: (AtSignal, JobStore),
    display: Option<Display>,
) -> Result<JobOutcome, Failure> {
    let Running { handle, outcome } = running;
    if let Some(pages) = pages {
        pages.follow(handle.status());
    }
    signals.catch_all()?;
    let following = display.map(|display| tokio::spawn(display.follow(handle.status())));
    let (at_signal, store) = at_signal;
    let is_writing = Arc::new(AtomicBool::new(false));
    let signals =
        tokio::spawn(signals::stop_on_signal(signals, handle, at_signal, store, is_writing.clone()));
    let outcome = outcome.await.unwrap_or_else(|e| {
        JobOutcome::Failed(JobError::new(
            millstream_model::ErrorKind::Bug,
            format!("the coordinator ended in disorder: {e}; this is a bug in Millstream"),
        ))
    });
    if is_writing.load(Ordering::Relaxed) {
        let _ = tokio::time::timeout(LAST_WORD, signals).await;
    } else {
        signals.abort();
    }
    if let Some(following) = following {
        let _ = following.await;
    }
    Ok(outcome)
}

/// A sentence for the user, on stderr.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
