//! `millstream worker`.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use millstream_connectors::ConnectorRegistry;
use millstream_exchange::{Compression, LinkSettings, Membership, Network};
use millstream_model::error::with_causes;
use millstream_tls::{Role, Security};
use millstream_worker::http::{self, WorkerStatus, WorksFor};
use millstream_worker::session::{Ending, Session, Unwelcome};
use millstream_worker::{CompileAt, HeldRecord, OperatorFactory, Sabotage, WorkerNetwork, WorkerSettings};
use tokio::net::TcpListener;
use tokio::signal::unix::SignalKind;
use tokio::sync::watch;

use super::args::{LogFormat, RowCompression, WorkerArguments};
use super::compile::{Job, compile_at, compile_source};
use super::failure::Failure;
use super::run::signals::caught;
use super::security::security;
use super::storage::job_store;
use crate::document::JobDocument;
use crate::job_file::JobSource;
use crate::objects::snapshot_store;
use crate::{connectors, state_backend, telemetry};

/// Pauses between attempts to reach a coordinator, doubled from the first to the last. In an upgrade the new pods start together, and the
/// coordinator's name is known a moment after the first attempt: a job that is handed over meanwhile waits for the rest of a pause.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_millis(500);

/// Works until the job is over, or until a signal.
pub(super) fn worker(arguments: &WorkerArguments) -> Result<(), Failure> {
    let security = security(&arguments.link.security, Role::Worker)?;
    telemetry::start(arguments.log == LogFormat::Json, "warn,millstream=info", std::io::stderr);
    if let Some(path) = &arguments.link.config {
        tracing::info!("options from {}", path.display());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // The slots have threads of their own; these two move messages and rows.
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::Job(format!("cannot start the runtime: {e}")))?;
    let ended = runtime.block_on(async {
        let mut terminate = caught(SignalKind::terminate())?;
        let mut interrupt = caught(SignalKind::interrupt())?;
        let worker = Worker::new(arguments, security).await?;
        tokio::select! {
            ended = worker.work() => ended,
            // The coordinator sees the closed connection and goes on with other workers.
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
        }
    });
    runtime.shutdown_background();
    ended
}

struct Worker<'a> {
    arguments: &'a WorkerArguments,
    security: Security,
    connectors: ConnectorRegistry,
    name: String,
    listener: Arc<TcpListener>,
    /// How others reach the listener.
    address: String,
    /// What this process ran, where no copies of state are kept that a later one could use.
    held: Arc<HeldRecord>,
    status: watch::Sender<WorkerStatus>,
}

impl<'a> Worker<'a> {
    async fn new(arguments: &'a WorkerArguments, security: Security) -> Result<Self, Failure> {
        let asked = arguments.listen;
        let failed = |e| Failure::Mistake(format!("--listen {asked}: cannot listen there: {e}"));
        let listener = TcpListener::bind(asked).await.map_err(failed)?;
        let listening = listener.local_addr().map_err(failed)?;
        let address = advertised(arguments.address.as_deref(), listening)?;
        let host = || std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name =
            arguments.name.clone().unwrap_or_else(|| format!("{}-{}", host().trim(), std::process::id()));
        tracing::info!("{name}: taking rows on {listening}, where others find it as {address}");
        let status = WorkerStatus {
            name: name.clone(),
            address: address.clone(),
            slots: arguments.slots,
            ..WorkerStatus::default()
        };
        let (listener, status) = (Arc::new(listener), watch::channel(status).0);
        Ok(Self {
            arguments,
            security,
            connectors: connectors::registry(),
            name,
            listener,
            address,
            held: Arc::default(),
            status,
        })
    }

    /// Answers over HTTP, if it is to.
    async fn show(&self) -> Result<(), Failure> {
        let Some(asked) = self.arguments.http else { return Ok(()) };
        let failed = |e| Failure::Mistake(format!("--http {asked}: cannot listen there: {e}"));
        let listener = TcpListener::bind(asked).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        tracing::info!("status on http://{address}/status, metrics on http://{address}/metrics");
        tokio::spawn(http::serve(listener, self.status.subscribe()));
        Ok(())
    }

    /// Joins the coordinator again and again, until the job is over.
    async fn work(&self) -> Result<(), Failure> {
        let coordinator = &self.arguments.coordinator;
        let (mut pause, mut told) = (FIRST_PAUSE, None);
        self.show().await?;
        loop {
            let why = match Session::open(
                coordinator,
                &self.name,
                &self.address,
                &self.security,
                self.arguments.link.heartbeat_timeout,
            )
            .await
            {
                Ok(session) => {
                    (pause, told) = (FIRST_PAUSE, None);
                    match self.serve(session).await? {
                        Ending::Over(outcome) => {
                            tracing::info!("the job is over: {outcome}");
                            return Ok(());
                        }
                        Ending::Lost(why) => why,
                    }
                }
                Err(Unwelcome::Never(why)) => return Err(Failure::Mistake(why)),
                Err(Unwelcome::Later(why)) => why,
            };
            // A coordinator that is away is away for many attempts.
            if told.as_ref() != Some(&why) {
                tracing::warn!("no coordinator at {coordinator}: {why}; trying again");
                told = Some(why);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    fn link_settings(&self) -> LinkSettings {
        let compression = match self.arguments.compression {
            RowCompression::None => Compression::None,
            RowCompression::Lz4 => Compression::Lz4,
        };
        LinkSettings { security: self.security.clone(), compression }
    }

    fn compiler(&self, source: JobSource) -> CompileAt {
        let connectors = self.connectors.clone();
        Arc::new(move |parallelism| compile_at(&source, parallelism, &connectors))
    }

    /// Runs what the coordinator wants until the connection ends.
    async fn serve(&self, session: Session) -> Result<Ending, Failure> {
        let Session { worker, generation, document, orders, reports, ending } = session;
        let document = JobDocument::decode(&document)?;
        let Job { file, mut compiled } = compile_source(&document.source, &self.connectors)?;
        let job = compiled
            .job
            .take()
            .ok_or_else(|| Failure::Job("the coordinator sent a job without SQL".into()))?;
        let identity = file.identity.to_string();
        tracing::info!("worker {worker} of {identity} with {} slots", self.arguments.slots);
        let store = job_store(&document.storage, &file)?;
        let folder = |what: &str| Path::new(&self.arguments.dir).join(format!("{what}-{identity}"));
        let slots = self.arguments.slots;
        let state = state_backend::open(&compiled.settings, file.state_backend, &folder("spilled"), slots)?;
        let keeps_copies = state_backend::keeps_copies(&compiled.settings, &store.location());
        let works_for = WorksFor { job: identity.clone(), generation, worker };
        self.status.send_modify(|status| {
            status.sessions += 1;
            status.works_for = Some(works_for);
        });
        let me = Membership { job: identity.clone(), generation, worker };
        let settings = WorkerSettings {
            id: worker,
            slots,
            job: Arc::new(job),
            compile: Some(self.compiler(document.source)),
            connectors: self.connectors.clone(),
            collect: None,
            store: snapshot_store(&store, keeps_copies.then(|| folder("copies"))),
            batch_rows: millstream_batch::MAX_BATCH_ROWS,
            sabotage: Sabotage::default(),
            operators: OperatorFactory::default(),
            spill: state.spill,
            slot_bytes: state.slot_bytes,
            network: Some(WorkerNetwork {
                connections: Network::start(self.listener.clone(), me, self.link_settings()),
                address: self.address.clone(),
            }),
            held: if keeps_copies {
                Arc::new(HeldRecord::open(&folder("copies")))
            } else {
                self.held.clone()
            },
            cancellation_timeout: millstream_worker::CANCELLATION_TIMEOUT,
        };
        millstream_worker::run(settings, orders, reports)
            .await
            .map_err(|e| Failure::Job(format!("the worker ended: {}", with_causes(&e))))?;
        self.status.send_modify(|status| status.works_for = None);
        Ok(ending.await.unwrap_or_else(|e| Ending::Lost(format!("the connection ended in disorder: {e}"))))
    }
}

/// What other workers are told.
fn advertised(given: Option<&str>, listening: SocketAddr) -> Result<String, Failure> {
    let port = listening.port();
    match given {
        Some(address) if address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) => {
            Ok(address.to_owned())
        }
        Some(host) => Ok(format!("{host}:{port}")),
        None if listening.ip().is_unspecified() => Err(Failure::Mistake(format!(
            "--listen {listening} takes rows on every address of this host: say with --address which one other workers use"
        ))),
        None => Ok(listening.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_workers_are_told_an_address_that_they_can_use() {
        let told = |given, listening: &str| {
            advertised(given, listening.parse().unwrap()).map_err(|e| e.message().to_owned())
        };
        assert_eq!(told(None, "127.0.0.1:7000"), Ok("127.0.0.1:7000".into()));
        assert_eq!(told(Some("10.0.0.5"), "0.0.0.0:7000"), Ok("10.0.0.5:7000".into()));
        assert_eq!(told(Some("pod-1.job:80"), "0.0.0.0:7000"), Ok("pod-1.job:80".into()));
        let error = told(None, "0.0.0.0:7000").unwrap_err();
        assert!(error.contains("say with --address which one"), "{error}");
    }
}
