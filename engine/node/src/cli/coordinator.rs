//! `millstream coordinator`.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use millstream_coordinator::desk::{self, DeskSettings};
use millstream_coordinator::{Coordinator, CoordinatorSettings, JobParts, StartPatience, Transport};
use millstream_jobmaster::JobSpec;
use millstream_plan::CompiledJob;
use millstream_tls::Role;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use super::args::{CoordinatorArguments, LogFormat};
use super::compile::{Compiler, Job, compile_source, read};
use super::ending::{self, Ending};
use super::failure::Failure;
use super::run::patience::with_patience;
use super::run::signals::Signals;
use super::run::start::{self, Start};
use super::run::{listen, outcome, pages, supervise};
use super::security::security;
use super::storage::{socket, storage_uri};
use crate::control::NetworkSavepoints;
use crate::document::JobDocument;
use crate::endpoints::endpoints;
use crate::job_file::JobFile;
use crate::local::Running;
use crate::{connectors, telemetry};

/// Reports that may wait. The coordinator takes them at once; a burst is the deployment of 1,000 subtasks.
const REPORTS: usize = 1_024;

/// How long workers may take to hear that the job is over.
const FAREWELL: Duration = Duration::from_secs(3);

/// Coordinates a job to its end, and leaves word of that.
pub(super) fn coordinator(arguments: &CoordinatorArguments) -> Result<(), Failure> {
    if let Some(file) = &arguments.ending {
        ending::begin(file)?;
    }
    let ended = coordinate(arguments);
    if let Some(file) = &arguments.ending {
        ending::leave(file, &ended);
    }
    ended.map(drop)
}

fn coordinate(arguments: &CoordinatorArguments) -> Result<Ending, Failure> {
    let security = security(&arguments.link.security, Role::Coordinator)?;
    let connectors = connectors::registry();
    let source = read(&arguments.file, &arguments.options)?;
    let Job { file, mut compiled } = compile_source(&source, &connectors)?;
    let is_json = arguments.start.log == LogFormat::Json;
    telemetry::start(is_json, "warn,millstream=info", std::io::stderr);
    if let Some(path) = &arguments.link.config {
        tracing::info!("options from {}", path.display());
    }
    if arguments.standby && file.restore.is_some() {
        return Err(Failure::Mistake(format!(
            "{}: a standby goes on from the newest epoch, and spec.restore begins elsewhere: leave one of them out",
            arguments.file.display()
        )));
    }
    if file.is_suspended {
        let _ = writeln!(
            std::io::stderr(),
            "{} is suspended (spec.desiredState); nothing was run",
            file.identity
        );
        return Ok(Ending::Suspended);
    }
    let name = arguments.file.display();
    let job = compiled.job.take().filter(|job| job.collected().is_none()).ok_or_else(|| {
        Failure::Mistake(format!(
            "{name}: a coordinator needs an INSERT: the rows of a bare SELECT go to the terminal of `millstream run`"
        ))
    })?;
    let job = Arc::new(job);
    let (sources, sinks) = endpoints(&job, &connectors)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::Job(format!("cannot start the runtime: {e}")))?;
    let ended = runtime.block_on(async {
        let mut signals = Signals::catch()?;
        let listener = bind(arguments, &file, &job).await?;
        let compiler = Arc::new(Compiler::new(source.clone(), connectors.clone()));
        let starting = pages::starting(&file, &job, arguments.standby);
        let pages = pages::open(arguments.start.http, starting, compiler.clone()).await?;
        let patience = StartPatience::of(arguments.start_timeout);
        let look = async || start::prepare(&arguments.start, &file, &compiled.settings, &job, false).await;
        let plan = match with_patience(patience, pages.as_ref(), &mut signals, look).await? {
            Start::Go(plan) => plan,
            Start::Finished(epoch) => return Ok(Ending::Finished { epoch }),
        };
        let document =
            JobDocument { source, storage: storage_uri(arguments.start.storage.as_deref(), &file)? };
        let store = plan.store.clone();
        let parts = JobParts {
            spec: JobSpec {
                job: file.identity.clone(),
                graph: job.graph.clone(),
                parallelism: job.parallelism,
                sql: job.sql.clone(),
                engine_version: env!("CARGO_PKG_VERSION").into(),
                droppable: plan.droppable,
                settings: plan.settings,
            },
            store: plan.store,
            sources,
            sinks,
        };
        let silence = arguments.link.heartbeat_timeout;
        let settings = CoordinatorSettings {
            heartbeat_timeout: Some(silence),
            is_standby: arguments.standby,
            start_patience: patience,
            ..plan.coordinator
        };
        let (join, joining) = mpsc::channel(REPORTS);
        let (reports, incoming) = mpsc::channel(REPORTS);
        let (coordinator, handle) = Coordinator::new(parts, Transport { joining, incoming }, settings);
        let (over, is_over) = watch::channel(None);
        let desk = DeskSettings {
            document: document.encode()?,
            joining: join,
            reports,
            handle: handle.clone(),
            compiler,
            savepoints: Arc::new(NetworkSavepoints {
                handle: handle.clone(),
                store: store.clone(),
                over: is_over.clone(),
            }),
            over: is_over,
            security,
            silence,
        };
        let desk = tokio::spawn(desk::serve(listener, desk));
        let status = handle.status();
        // A standby leaves the socket to the coordinator that has the job.
        let control = match arguments.standby {
            true => None,
            false => listen(socket(arguments.start.storage.as_deref(), &file)?, &handle, &store),
        };
        let running = Running { handle, outcome: tokio::spawn(coordinator.run()) };
        let outcome =
            supervise(running, pages, signals, (arguments.start.at_signal, store.clone()), None).await?;
        over.send_replace(Some(outcome.clone()));
        if let Ok(Err(error)) = tokio::time::timeout(FAREWELL, desk).await.unwrap_or(Ok(Ok(()))) {
            tracing::warn!("workers could not be served: {error}");
        }
        let last = status.borrow().clone();
        let judged = outcome::judge(outcome, &last, &file, &store, false).await;
        if let Some(server) = control {
            server.close().await;
        }
        judged
    });
    runtime.shutdown_background();
    ended
}

async fn bind(
    arguments: &CoordinatorArguments,
    file: &JobFile,
    job: &CompiledJob,
) -> Result<TcpListener, Failure> {
    let asked = arguments.listen;
    let failed = |e| Failure::Mistake(format!("--listen {asked}: cannot listen there: {e}"));
    let listener = TcpListener::bind(asked).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tracing::info!("{}: waiting on {address} for workers with {} slots in all", file.identity, job.slots());
    Ok(listener)
}
