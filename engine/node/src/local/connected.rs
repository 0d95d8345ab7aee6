//! Workers of one process that talk as those of several do: for suites that have many jobs and want no processes.

use std::sync::Arc;
use std::time::Duration;

use millstream_coordinator::control::HandleOnly;
use millstream_coordinator::desk::{self, DeskSettings};
use millstream_coordinator::{Coordinator, CoordinatorSettings, JobParts, Transport};
use millstream_exchange::{Membership, Network};
use millstream_model::error::with_causes;
use millstream_model::{ErrorKind, JobError};
use millstream_tls::Security;
use millstream_worker::session::Session;
use millstream_worker::{WorkerNetwork, WorkerSettings};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use super::{QUEUE, Running};

/// Nobody is silent for so long in one process.
const SILENCE: Duration = Duration::from_secs(60);

/// How many workers, and of what size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connected {
    /// Workers, each with connections of its own.
    pub workers: u32,
    /// Slots of each.
    pub slots: u32,
}

/// Starts a coordinator and workers that connect to it over loopback. The workers compile nothing: they are given the plan.
///
/// # Errors
/// There is no free port.
pub(super) fn start(
    parts: JobParts,
    settings: CoordinatorSettings,
    worker: &WorkerSettings,
    connected: Connected,
) -> Result<Running, JobError> {
    let job = parts.spec.job.to_string();
    let (listener, address) = listen()?;
    let (join, joining) = mpsc::channel(QUEUE);
    let (reports, incoming) = mpsc::channel(QUEUE);
    let (coordinator, handle) = Coordinator::new(parts, Transport { joining, incoming }, settings);
    let (over, is_over) = watch::channel(None);
    let desk = DeskSettings {
        document: Vec::new(),
        joining: join,
        reports,
        handle: handle.clone(),
        compiler: Arc::new(HandleOnly),
        savepoints: Arc::new(HandleOnly),
        over: is_over,
        security: Security::Plaintext,
        silence: SILENCE,
    };
    tokio::spawn(desk::serve(listener, desk));
    for _ in 0..connected.workers {
        let (rows, rows_address) = listen()?;
        let worker = WorkerSettings { slots: connected.slots, held: Arc::default(), ..worker.clone() };
        tokio::spawn(work(address.clone(), job.clone(), worker, Arc::new(rows), rows_address));
    }
    let outcome = tokio::spawn(async move {
        let outcome = coordinator.run().await;
        over.send_replace(Some(outcome.clone()));
        outcome
    });
    Ok(Running { handle, outcome })
}

async fn work(
    coordinator: String,
    job: String,
    worker: WorkerSettings,
    rows: Arc<TcpListener>,
    address: String,
) {
    let session =
        match Session::open(&coordinator, "connected", &address, &Security::Plaintext, SILENCE).await {
            Ok(session) => session,
            Err(unwelcome) => {
                tracing::debug!("a job that ended before its workers came: {unwelcome:?}");
                return;
            }
        };
    let me = Membership { job, generation: session.generation, worker: session.worker };
    let network = WorkerNetwork { connections: Network::start(rows, me, Security::Plaintext), address };
    let settings = WorkerSettings { id: session.worker, network: Some(network), ..worker };
    if let Err(error) = millstream_worker::run(settings, session.orders, session.reports).await {
        tracing::error!("a worker ended: {}", with_causes(&error));
    }
}

/// A free port of loopback.
fn listen() -> Result<(TcpListener, String), JobError> {
    let bound = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?.to_string();
        Ok::<_, std::io::Error>((TcpListener::from_std(listener)?, address))
    };
    bound().map_err(|e| JobError::new(ErrorKind::Transient, format!("cannot listen on 127.0.0.1: {e}")))
}
