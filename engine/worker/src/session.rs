//! A worker's connection to its coordinator in another process.

use std::time::Duration;

use millstream_model::Generation;
use millstream_model::control::{FromWorker as Report, ToWorker as Order, WorkerId};
use millstream_proto::{
    DialError, Dialed, FromWorker, FromWorkerMessage, Hello, MAX_MESSAGE_BYTES, ToWorker, ToWorkerMessage,
    WorkersClient, decode, dial, encode,
};
use millstream_tls::Security;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tonic::codegen::tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

/// Messages that may wait in either direction; the worker takes orders at once.
const QUEUE: usize = 1_024;

/// A coordinator has taken this worker.
#[derive(Debug)]
pub struct Session {
    /// The worker's number.
    pub worker: WorkerId,
    /// The coordinator's claim.
    pub generation: Generation,
    /// The job to compile.
    pub document: Vec<u8>,
    /// What the coordinator wants. It closes with the connection.
    pub orders: mpsc::Receiver<Order>,
    /// Takes what it is told.
    pub reports: mpsc::Sender<Report>,
    /// How the connection ended.
    pub ending: JoinHandle<Ending>,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The job is over, with this outcome.
    Over(String),
    /// The coordinator is gone, or does not want this worker any more. It may be back.
    Lost(String),
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unwelcome {
    /// Trying again may help.
    Later(String),
    /// It will not.
    Never(String),
}

impl Session {
    /// Connects to the coordinator at `host:port`, and waits until it has work. A coordinator that is silent for `silence` is lost.
    ///
    /// # Errors
    /// Why there is no connection.
    pub async fn open(
        coordinator: &str,
        name: &str,
        address: &str,
        security: &Security,
        silence: Duration,
    ) -> Result<Self, Unwelcome> {
        let dialed = dial(coordinator, security, Some(silence)).await.map_err(|error| match error {
            DialError::Address(why) => Unwelcome::Never(why),
            DialError::Unreachable(why) => Unwelcome::Later(why),
        })?;
        let mut client = WorkersClient::new(dialed.channel.clone())
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        let (out, messages) = mpsc::channel(QUEUE);
        let hello =
            Hello { version: env!("CARGO_PKG_VERSION").into(), name: name.into(), address: address.into() };
        let hello = FromWorker { message: Some(FromWorkerMessage::Hello(hello)) };
        out.send(hello).await.map_err(|_| Unwelcome::Later("the connection closed".into()))?;
        let mut incoming = client
            .work(ReceiverStream::new(messages))
            .await
            .map_err(|status| unwelcome(&status, &dialed))?
            .into_inner();
        let first = incoming.message().await.map_err(|status| unwelcome(&status, &dialed))?;
        let Some(ToWorkerMessage::Welcome(welcome)) = first.and_then(|first| first.message) else {
            return Err(Unwelcome::Later("the coordinator closed the connection".into()));
        };
        let (orders, taken) = mpsc::channel(QUEUE);
        let (reports, said) = mpsc::channel(QUEUE);
        Ok(Self {
            worker: welcome.worker,
            generation: Generation(welcome.generation),
            document: welcome.job,
            orders: taken,
            reports,
            ending: tokio::spawn(talk(dialed, incoming, orders, said, out)),
        })
    }
}

/// Carries messages until the connection ends. The worker sees that by its closed queue of orders.
async fn talk(
    dialed: Dialed,
    mut incoming: Streaming<ToWorker>,
    orders: mpsc::Sender<Order>,
    mut said: mpsc::Receiver<Report>,
    out: mpsc::Sender<FromWorker>,
) -> Ending {
    let lost = |why: &str| Ending::Lost(why.to_owned());
    let mut is_heard = true;
    loop {
        tokio::select! {
            report = said.recv(), if is_heard => {
                let Some(report) = report else { return lost("this worker ended") };
                let bytes = match encode(&report) {
                    Ok(bytes) => bytes,
                    Err(error) => return Ending::Lost(error.to_string()),
                };
                let message = FromWorker { message: Some(FromWorkerMessage::Report(bytes)) };
                // Nobody listens any more, and what was said last may still be on its way: that the job is over.
                is_heard = out.send(message).await.is_ok();
            }
            message = incoming.message() => match message {
                Ok(Some(ToWorker { message: Some(ToWorkerMessage::Order(bytes)) })) => {
                    let order = match decode(&bytes) {
                        Ok(order) => order,
                        Err(error) => return Ending::Lost(error.to_string()),
                    };
                    if orders.send(order).await.is_err() {
                        return lost("this worker ended");
                    }
                }
                Ok(Some(ToWorker { message: Some(ToWorkerMessage::Leave(leave)) })) => {
                    return Ending::Over(leave.reason);
                }
                Ok(Some(_)) => return lost("the coordinator said something that this version does not know"),
                Ok(None) => return lost("the coordinator closed the connection"),
                Err(status) => return lost(&dialed.reason(&status)),
            },
        }
    }
}

fn unwelcome(status: &Status, dialed: &Dialed) -> Unwelcome {
    let message = dialed.reason(status);
    if status.code() == Code::FailedPrecondition {
        Unwelcome::Never(message)
    } else {
        Unwelcome::Later(message)
    }
}
