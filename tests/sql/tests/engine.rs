//! Runs a script in this process, in one of several ways that must all give the same rows.
//!
//! Owns the ways: straight through, with checkpoints between few rows, and with crashes. Example: a crash after 10 of 40 rows
//! waits for an epoch that covers the 10, lets 5 more through, drops the coordinator, and goes on at another parallelism; the
//! 5 are read again and must not count twice.

mod answer;
mod paced;
mod pool;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use millstream_checkpoint_store::{JobStore, StoreSettings};
use millstream_connectors::{ConnectorRegistry, builtin_registry};
use millstream_coordinator::{CoordinatorSettings, JobOutcome};
use millstream_jobmaster::{CheckpointSettings, RestartStrategy, Settings};
use millstream_model::JobIdentity;
use millstream_node::local::{Connected, LocalJob, Running};
use millstream_plan::CompiledJob;
use millstream_sql::{CompileOptions, compile};
use millstream_storage::MemoryStorage;
use millstream_test_sql::{Expected, Fold, Row};
use millstream_test_testkit::mutants::Mutant;
use millstream_worker::{OperatorFactory, Sabotage};
use tokio::runtime::Runtime;

use crate::state_kind::StateKind;

pub(crate) use answer::Answer;
pub(crate) use paced::{Budget, Pace};
pub(crate) use pool::for_each;

/// A job that takes longer hangs: the slowest takes about two seconds in a debug build.
const LIMIT: Duration = Duration::from_secs(60);

/// A script with what it needs around it.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// For messages of the planner.
    pub(crate) name: String,
    /// The SQL.
    pub(crate) text: String,
    /// What `${DATA}` stands for.
    pub(crate) data: PathBuf,
}

/// A crash on the way: when, and where it goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crash {
    /// Rows read before an epoch is waited for.
    pub(crate) after_rows: u64,
    /// Rows read behind that epoch, lost by the crash.
    pub(crate) lost_rows: u64,
    /// Parallelism from then on.
    pub(crate) parallelism: u32,
}

/// A way of running.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// For messages.
    pub(crate) name: String,
    /// Subtasks a chain, at the beginning.
    pub(crate) parallelism: u32,
    /// Rows a reader gives at most at once.
    pub(crate) batch_rows: usize,
    /// Milliseconds between checkpoints; `None` runs straight through, with the sink of a bare SELECT.
    pub(crate) checkpoints_ms: Option<u64>,
    /// How slowly sources read.
    pub(crate) pace: Pace,
    /// In order; need checkpoints.
    pub(crate) crashes: Vec<Crash>,
    /// Where state lives.
    pub(crate) state: StateKind,
    /// On several workers, each with connections to the others and to the coordinator.
    pub(crate) connected: Option<Connected>,
}

impl Way {
    /// Straight through at parallelism 1.
    pub(crate) fn plain(batch_rows: usize) -> Self {
        Self {
            name: format!("batches of {batch_rows}"),
            parallelism: 1,
            batch_rows,
            checkpoints_ms: None,
            pace: Pace::Full,
            crashes: Vec::new(),
            state: StateKind::Memory,
            connected: None,
        }
    }
}

/// What came out.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Final rows.
    pub(crate) rows: Vec<Row>,
    /// Rows that the sources gave, those after a crash again included.
    pub(crate) rows_read: u64,
    /// Owned epochs of all lives together.
    pub(crate) epochs: u64,
    /// Crashes that found the job still running.
    pub(crate) crashes: usize,
}

/// Plans a script at a parallelism.
///
/// # Errors
/// The planner's report.
pub(crate) fn plan(script: &Script, parallelism: u32) -> Result<CompiledJob, String> {
    let connectors = builtin_registry();
    let mut options = CompileOptions::new(&connectors);
    options.file_name = script.name.clone();
    options.base_dir = script.data.clone();
    options.variables.insert("DATA".to_owned(), script.data.display().to_string());
    options.parallelism = Some(parallelism);
    let compiled = compile(&script.text, &options).map_err(|d| d.render(false))?;
    compiled.job.ok_or_else(|| "the script has no query".to_owned())
}

/// Runs scripts; all jobs share its threads, but for the slots' own.
pub(crate) struct Engine {
    runtime: Runtime,
}

impl Engine {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        Self { runtime: runtime.unwrap() }
    }

    /// Runs a script to its end. `columns` says how values are written.
    ///
    /// # Errors
    /// What went wrong, in words: the planner's report, the job's error, or that it hangs.
    pub(crate) fn run(&self, script: &Script, columns: &Arc<Expected>, way: &Way) -> Result<Outcome, String> {
        self.run_mutated(script, columns, way, None)
    }

    /// The same with operators that are wrong.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(crate) fn run_mutated(
        &self,
        script: &Script,
        columns: &Arc<Expected>,
        way: &Way,
        mutant: Option<Mutant>,
    ) -> Result<Outcome, String> {
        self.runtime.block_on(run(script, columns, way, mutant))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Threads of crashed jobs may still read.
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        std::mem::replace(&mut self.runtime, runtime).shutdown_background();
    }
}

async fn run(
    script: &Script,
    columns: &Arc<Expected>,
    way: &Way,
    mutant: Option<Mutant>,
) -> Result<Outcome, String> {
    let answer = Answer::new(columns.clone());
    let storage = Arc::new(MemoryStorage::new());
    let (mut rows_read, mut crashes) = (0, 0);
    let mut parallelism = way.parallelism;
    let mut epochs = 0;
    for crash in &way.crashes {
        let budget = Budget::new(crash.after_rows);
        let job = plan(script, parallelism)?;
        let mut running = start(script, job, &answer, &storage, way, &budget, mutant)?;
        let ended = live_until(&mut running, &budget, crash).await;
        rows_read += budget.given();
        epochs = running.handle.status().borrow().epoch.map_or(epochs, |e| e.0);
        match ended {
            Some(outcome) => return finish(outcome?, &answer, rows_read, epochs, crashes),
            None => {
                running.outcome.abort();
                let _ = running.outcome.await;
            }
        }
        crashes += 1;
        parallelism = crash.parallelism;
    }
    let budget = Budget::new(u64::MAX);
    let job = plan(script, parallelism)?;
    let mut running = start(script, job, &answer, &storage, way, &budget, mutant)?;
    let outcome = end(&mut running).await?;
    let epochs = running.handle.status().borrow().epoch.map_or(epochs, |e| e.0);
    finish(outcome, &answer, rows_read + budget.given(), epochs, crashes)
}

/// Runs until the crash is due. `Some` if the job ended before.
async fn live_until(
    running: &mut Running,
    budget: &Budget,
    crash: &Crash,
) -> Option<Result<JobOutcome, String>> {
    let mut status = running.handle.status();
    let reached = async {
        budget.used_up().await;
        // The next epoch may have been under way when the last row was read; the one after it holds all of them.
        let before = status.borrow().epoch.map_or(0, |e| e.0);
        while status.borrow().epoch.map_or(0, |e| e.0) < before + 2 {
            if status.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        budget.allow(crash.after_rows + crash.lost_rows);
        // The end of the input may come first.
        let _ = tokio::time::timeout(Duration::from_millis(100), budget.used_up()).await;
    };
    tokio::select! {
        outcome = end(running) => Some(outcome),
        () = reached => None,
    }
}

async fn end(running: &mut Running) -> Result<JobOutcome, String> {
    match tokio::time::timeout(LIMIT, &mut running.outcome).await {
        Ok(Ok(outcome)) => Ok(outcome),
        Ok(Err(error)) => Err(format!("the coordinator ended in disorder: {error}")),
        Err(_) => Err(format!("no end after {LIMIT:?}: {:#?}", *running.handle.status().borrow())),
    }
}

fn finish(
    outcome: JobOutcome,
    answer: &Answer,
    rows_read: u64,
    epochs: u64,
    crashes: usize,
) -> Result<Outcome, String> {
    match outcome {
        JobOutcome::Finished { .. } => {}
        JobOutcome::Failed(error) => return Err(format!("the job failed: {error}")),
        other => return Err(format!("the job did not finish: {other:?}")),
    }
    let mut fold = Fold::default();
    for (kind, row) in answer.changes() {
        fold.apply(kind, row);
    }
    let rows = fold.into_rows().map_err(|e| e.to_string())?;
    Ok(Outcome { rows, rows_read, epochs, crashes })
}

fn start(
    script: &Script,
    mut job: CompiledJob,
    answer: &Answer,
    storage: &Arc<MemoryStorage>,
    way: &Way,
    budget: &Budget,
    mutant: Option<Mutant>,
) -> Result<Running, String> {
    if let Some(schema) = job.collected() {
        answer.check_schema(schema)?;
    }
    let mut connectors = ConnectorRegistry::new();
    let builtin = builtin_registry();
    for name in builtin.names() {
        connectors.register(paced::wrap(builtin.get(name).unwrap().clone(), way.pace, budget.clone()));
    }
    if way.checkpoints_ms.is_some() {
        connectors.register(answer.connector());
        answer::stage_result(&mut job);
    }
    let identity = JobIdentity {
        namespace: "default".into(),
        name: script.name.to_lowercase().replace(['/', '_', ' '], "-"),
        uid: "local".into(),
    };
    let local = LocalJob {
        identity: identity.clone(),
        job: Arc::new(job),
        connectors,
        collect: Some(answer.direct_sink()),
        store: JobStore::open(storage.clone(), identity, StoreSettings::default()),
        settings: Settings {
            checkpoint: CheckpointSettings {
                interval_ms: way.checkpoints_ms,
                ..CheckpointSettings::default()
            },
            restart: RestartStrategy::None,
            ..Settings::default()
        },
        coordinator: CoordinatorSettings { probe: false, ..CoordinatorSettings::default() },
        droppable: std::collections::BTreeSet::new(),
        batch_rows: way.batch_rows,
        slot_bytes: None,
        local_copies: None,
        connected: way.connected,
        spill: way.state.spill()?,
    };
    let operators = mutant.map_or_else(OperatorFactory::default, |mutant| {
        OperatorFactory::new(move |spec, context| {
            Ok(mutant.wrap()(millstream_operators::build(spec, context)?))
        })
    });
    local.start_with(Sabotage::default(), operators).map_err(|e| e.to_string())
}
