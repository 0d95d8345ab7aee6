//! Where workers of other processes report: registration, orders one way, reports the other. People ask here, too.
//!
//! A connection is a worker: whoever connects gets a number that nobody had before, and is lost when the connection ends. So a
//! worker that was restarted, or that was cut off for a while, comes back as another one, and nothing of the old one is believed.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use millstream_model::Generation;
use millstream_model::control::{FromWorker as Report, ToWorker as Order, WorkerId};
use millstream_proto::{
    Caller, ControlServer, FromWorker, FromWorkerMessage, Hello, Leave, MAX_MESSAGE_BYTES, ToWorker,
    ToWorkerMessage, Welcome, Workers, WorkersServer, arrivals, decode, encode,
};
use millstream_tls::{Role, Security};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tonic::codegen::tokio_stream::Stream;
use tonic::codegen::tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::JobOutcome;
use crate::control::{Answers, JobCompiler, SavepointWriter};
use crate::handle::JobHandle;
use crate::links::WorkerLink;

#[cfg(test)]
mod desk_test;

/// How long a worker may take to say who it is.
const HELLO: Duration = Duration::from_secs(10);

/// How long a worker that was given up waits to hear that the job is over.
const LAST_WORD: Duration = Duration::from_secs(5);

/// Messages on their way to one worker.
const QUEUE: usize = 64;

/// What the desk needs of its job.
pub struct DeskSettings {
    /// The job for workers to compile, as they understand it.
    pub document: Vec<u8>,
    /// Takes workers that came.
    pub joining: mpsc::Sender<WorkerLink>,
    /// Takes what workers say.
    pub reports: mpsc::Sender<Report>,
    /// The job, for those who ask.
    pub handle: JobHandle,
    /// Compiles the job for those who want it at another parallelism.
    pub compiler: Arc<dyn JobCompiler>,
    /// Writes savepoints for those who ask.
    pub savepoints: Arc<dyn SavepointWriter>,
    /// How the job ended, once it has.
    pub over: watch::Receiver<Option<JobOutcome>>,
    /// What connections must have.
    pub security: Security,
    /// Silence for so long ends a connection, of a worker without tasks, too.
    pub silence: Duration,
}

/// Serves workers and those who ask until `over` is set and all of them were told, or dropped.
///
/// # Errors
/// The listener fails for good.
pub async fn serve(listener: TcpListener, settings: DeskSettings) -> Result<(), tonic::transport::Error> {
    let mut over = settings.over.clone();
    let until = async move {
        let _ = over.wait_for(Option::is_some).await;
    };
    let silence = settings.silence;
    let arrivals = arrivals(listener, settings.security.clone());
    let answers = Answers {
        handle: settings.handle.clone(),
        compiler: settings.compiler.clone(),
        savepoints: settings.savepoints.clone(),
        over: settings.over.clone(),
    };
    let desk = WorkersServer::new(Desk { settings, next: AtomicU32::new(1) })
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(silence / 2))
        .http2_keepalive_timeout(Some(silence / 2))
        .add_service(desk)
        .add_service(ControlServer::new(answers))
        .serve_with_incoming_shutdown(arrivals, until)
        .await
}

struct Desk {
    settings: DeskSettings,
    next: AtomicU32,
}

type Messages = Pin<Box<dyn Stream<Item = Result<ToWorker, Status>> + Send>>;

#[tonic::async_trait]
impl Workers for Desk {
    type WorkStream = Messages;

    async fn work(&self, request: Request<Streaming<FromWorker>>) -> Result<Response<Messages>, Status> {
        let caller = caller(&request)?;
        caller.must_be(Role::Worker)?;
        let from = caller.address;
        let mut said = request.into_inner();
        let hello = introduced(&mut said).await?;
        let generation = self.generation().await?;
        let worker = self.next.fetch_add(1, Ordering::Relaxed);
        tracing::info!("worker {worker} is {} ({from}), rows go to {}", hello.name, hello.address);
        let (out, messages) = mpsc::channel(QUEUE);
        let welcome = Welcome { worker, generation: generation.0, job: self.settings.document.clone() };
        let (orders, waiting) = mpsc::channel(QUEUE);
        let link = WorkerLink { worker, sender: orders };
        let is_welcome =
            out.send(Ok(ToWorker { message: Some(ToWorkerMessage::Welcome(welcome)) })).await.is_ok();
        if !is_welcome || self.settings.joining.send(link).await.is_err() {
            return Err(Status::unavailable("the job is over"));
        }
        let talk = Talk {
            worker,
            said,
            orders: waiting,
            out,
            reports: self.settings.reports.clone(),
            over: self.settings.over.clone(),
        };
        tokio::spawn(talk.run());
        Ok(Response::new(Box::pin(ReceiverStream::new(messages))))
    }
}

impl Desk {
    /// The coordinator's claim. A worker that comes earlier waits for it.
    async fn generation(&self) -> Result<Generation, Status> {
        let mut status = self.settings.handle.status();
        let claimed = status.wait_for(|status| status.generation > Generation(0)).await;
        claimed.map(|status| status.generation).map_err(|_| Status::unavailable("the coordinator is ending"))
    }
}

/// Who asks.
///
/// # Errors
/// Nobody knows, which cannot be.
pub(crate) fn caller<T>(request: &Request<T>) -> Result<Caller, Status> {
    let caller = request.extensions().get::<Caller>().copied();
    caller.ok_or_else(|| Status::internal("a connection without a caller"))
}

async fn introduced(said: &mut Streaming<FromWorker>) -> Result<Hello, Status> {
    let first = timeout(HELLO, said.message());
    let first = first.await.map_err(|_| Status::deadline_exceeded("a worker says first who it is"))??;
    let Some(FromWorkerMessage::Hello(hello)) = first.and_then(|first| first.message) else {
        return Err(Status::failed_precondition("a worker says first who it is"));
    };
    let version = env!("CARGO_PKG_VERSION");
    if hello.version != version {
        let message = format!(
            "this coordinator is millstream {version}, worker {} is {}: all processes of a job are of one version",
            hello.name, hello.version
        );
        return Err(Status::failed_precondition(message));
    }
    Ok(hello)
}

/// One worker's connection.
struct Talk {
    worker: WorkerId,
    said: Streaming<FromWorker>,
    orders: mpsc::Receiver<Order>,
    out: mpsc::Sender<Result<ToWorker, Status>>,
    reports: mpsc::Sender<Report>,
    over: watch::Receiver<Option<JobOutcome>>,
}

impl Talk {
    async fn run(mut self) {
        let worker = self.worker;
        let why = loop {
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(order) => if let Err(why) = self.order(&order).await { break why },
                    None => break "it was given up".into(),
                },
                said = self.said.message() => match said {
                    Ok(Some(message)) => if let Err(why) = self.report(message).await {
                        // Who reports while the job ends did nothing wrong, and must hear of the end.
                        if !self.reports.is_closed() {
                            self.complain(&why);
                        }
                        break why;
                    },
                    Ok(None) => break "it left".into(),
                    Err(status) => break status.message().to_owned(),
                },
            }
        };
        // The driver closes both queues when the job is over, and either may be noticed first.
        if self.orders.is_closed() || self.reports.is_closed() {
            self.dismiss().await;
        }
        tracing::info!("the connection of worker {worker} ended: {why}");
    }

    async fn order(&self, order: &Order) -> Result<(), String> {
        let bytes = encode(order).map_err(|e| e.to_string())?;
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(format!("an order of {} bytes is more than {MAX_MESSAGE_BYTES}", bytes.len()));
        }
        self.send(ToWorkerMessage::Order(bytes)).await
    }

    async fn report(&self, message: FromWorker) -> Result<(), String> {
        let Some(FromWorkerMessage::Report(bytes)) = message.message else {
            return Err("it said who it is again".into());
        };
        let report: Report = decode(&bytes).map_err(|e| e.to_string())?;
        let speaker = match &report {
            Report::Registered { worker, .. }
            | Report::Cancelled { worker, .. }
            | Report::Heartbeat { worker, .. } => *worker,
            _ => self.worker,
        };
        if speaker != self.worker {
            return Err(format!("it says that it is worker {speaker}"));
        }
        self.reports.send(report).await.map_err(|_| "the job is over".into())
    }

    /// Tells the worker why its connection ends, if it still listens.
    fn complain(&self, why: &str) {
        let _ = self.out.try_send(Err(Status::invalid_argument(why)));
    }

    async fn send(&self, message: ToWorkerMessage) -> Result<(), String> {
        let message = Ok(ToWorker { message: Some(message) });
        self.out.send(message).await.map_err(|_| "it left".into())
    }

    /// The coordinator has given the worker up: because the job is over, or because it is of no use.
    async fn dismiss(&mut self) {
        let mut over = self.over.clone();
        let outcome = timeout(LAST_WORD, over.wait_for(Option::is_some)).await;
        let Ok(Ok(Some(outcome))) = outcome.map(|over| over.map(|outcome| outcome.clone())) else { return };
        // A fenced coordinator is over, its job is not: the workers are wanted elsewhere.
        if !matches!(outcome, JobOutcome::Fenced { .. }) {
            let _ = self.send(ToWorkerMessage::Leave(Leave { reason: outcome.to_string() })).await;
        }
    }
}
