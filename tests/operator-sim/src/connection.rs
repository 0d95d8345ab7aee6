//! A client's way to the API server, on which calls are counted, answered wrongly on purpose, or cut off.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream;
use http::{Request, Response};
use http_body_util::StreamBody;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use kube::Client;
use kube::client::Body;
use millstream_controller::Clock;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::sleep;
use tonic::codegen::{Service, StdError};

use crate::api_server::{ApiServer, Ask, Refusal, Reply};

/// How long a call takes that is never answered: what a client's own deadline makes of it.
const SILENCE: Duration = Duration::from_secs(295);

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The operator is killed before the call reaches anybody.
    KillBefore,
    /// The operator is killed before the answer reaches it.
    KillAfter,
    /// Somebody else wrote first.
    Conflict,
    /// The server stumbles, and nothing is done.
    Error,
    /// The connection breaks behind the call: it is done, and nobody says so.
    Broken,
    /// Nothing is done, and no answer comes.
    LostCall,
    /// It is done, and no answer comes.
    LostAnswer,
}

/// Every way in which a write goes wrong.
pub const OF_WRITES: [Fault; 7] = [
    Fault::KillBefore,
    Fault::KillAfter,
    Fault::Conflict,
    Fault::Error,
    Fault::Broken,
    Fault::LostCall,
    Fault::LostAnswer,
];
/// Every way in which a question goes wrong: whether it was heard makes no difference.
pub const OF_READS: [Fault; 3] = [Fault::KillBefore, Fault::Error, Fault::LostCall];

/// A call, as it is counted.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// What it did, in words.
    pub label: String,
    /// Whether it may change anything.
    pub is_write: bool,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

/// The calls of an operator and of those that follow it, and the one that goes wrong.
#[derive(Debug, Default)]
pub struct Calls {
    state: Mutex<State>,
    /// Told when the operator is to be killed.
    pub killed: Notify,
}

#[derive(Debug, Default)]
struct State {
    is_counting: bool,
    made: Vec<Call>,
    silent: usize,
    wrong: Option<(usize, Fault)>,
}

impl Calls {
    /// Counts from here on; the call of this number goes wrong.
    pub fn begin(&self, wrong: Option<(usize, Fault)>) {
        let mut state = self.state();
        *state = State { is_counting: true, wrong, ..State::default() };
    }

    /// Every call that was made since.
    pub fn made(&self) -> Vec<Call> {
        self.state().made.clone()
    }

    /// Writes since.
    pub fn writes(&self) -> usize {
        self.state().made.iter().filter(|call| call.is_write).count()
    }

    /// Whether somebody waits for an answer that does not come.
    pub fn are_silent(&self) -> bool {
        self.state().silent > 0
    }

    /// An answer that does not come.
    pub async fn silence(&self) {
        struct Silent<'a>(&'a Calls);
        impl Drop for Silent<'_> {
            fn drop(&mut self) {
                self.0.state().silent -= 1;
            }
        }
        self.state().silent += 1;
        let _until_nobody_waits = Silent(self);
        sleep(SILENCE).await;
    }

    /// A call is made: whether it goes wrong, and how.
    pub fn meet(&self, label: String, is_write: bool) -> Option<Fault> {
        let mut state = self.state();
        if !state.is_counting {
            return None;
        }
        let number = state.made.len();
        state.made.push(Call { label, is_write });
        state.wrong.filter(|(wrong, _)| *wrong == number).map(|(_, fault)| fault)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Answer = Response<UnsyncBoxBody<Bytes, StdError>>;

/// A connection of one process. When the process is killed, nothing gets through any more.
#[derive(Clone)]
pub struct Connection {
    server: ApiServer,
    clock: Clock,
    calls: Arc<Calls>,
}

impl Connection {
    /// A client whose calls are counted.
    pub fn client(server: &ApiServer, clock: Clock, calls: Arc<Calls>) -> Client {
        Client::new(Self { server: server.clone(), clock, calls }, "default")
    }

    async fn carry(self, request: Request<Body>) -> Result<Answer, StdError> {
        let (parts, body) = request.into_parts();
        let body = body.collect_bytes().await?;
        let ask = match Ask::read(&parts, &body) {
            Ok(ask) => ask,
            Err(refusal) => return Ok(response(refusal.into_reply())),
        };
        let answer = || Ok(response(self.server.answer(&ask, self.clock.now())));
        match self.calls.meet(label(&ask), ask.verb.is_write()) {
            None => answer(),
            Some(Fault::KillBefore) => self.kill().await,
            Some(Fault::KillAfter) => {
                let _: Result<Answer, StdError> = answer();
                self.kill().await
            }
            Some(Fault::Conflict) => {
                Ok(response(Refusal::conflict(&ask.key(), "somebody else was quicker").into_reply()))
            }
            Some(Fault::Error) => Ok(response(Refusal::internal("etcd is away").into_reply())),
            Some(Fault::Broken) => {
                let _: Result<Answer, StdError> = answer();
                Err("the connection broke".into())
            }
            Some(Fault::LostCall) => self.silence().await,
            Some(Fault::LostAnswer) => {
                let _: Result<Answer, StdError> = answer();
                self.silence().await
            }
        }
    }

    async fn silence(&self) -> Result<Answer, StdError> {
        self.calls.silence().await;
        Err("no answer came".into())
    }

    async fn kill(&self) -> Result<Answer, StdError> {
        self.calls.killed.notify_one();
        std::future::pending().await
    }
}

impl Service<Request<Body>> for Connection {
    type Response = Answer;
    type Error = StdError;
    type Future = BoxFuture<'static, Result<Answer, StdError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), StdError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().carry(request))
    }
}

/// What a call does, in words.
fn label(ask: &Ask) -> String {
    let key = ask.key();
    let subresource = if ask.subresource.is_empty() { "" } else { "/status" };
    // Events have the time in their names.
    let name = if key.kind.plural == "events" { "" } else { &key.name };
    format!("{:?} {}{subresource} {name}", ask.verb, key.kind.plural)
}

fn response(reply: Reply) -> Answer {
    let (code, body) = match reply {
        Reply::Document(code, document) => {
            let body = Full::new(Bytes::from(document.to_string()));
            (code, body.map_err(|never: Infallible| match never {}).boxed_unsync())
        }
        Reply::Changes(watch) => {
            let changes = stream::unfold(watch, |mut watch| async move {
                let events = watch.next().await?;
                let lines: String = events.iter().map(|event: &Value| format!("{event}\n")).collect();
                Some((Ok(http_body::Frame::data(Bytes::from(lines))), watch))
            });
            (200, UnsyncBoxBody::new(StreamBody::new(changes)))
        }
    };
    let built = Response::builder().status(code).header("content-type", "application/json").body(body);
    built.unwrap()
}
