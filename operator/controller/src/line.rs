//! Lines to coordinators: gRPC over TCP, or whatever a test puts in its place, and by what each end knows the other.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use millstream_proto::{DialError, dial};
use millstream_tls::Security;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::codegen::{Service, StdError};

use crate::credentials::{Credentials, Trust};
use crate::engine_client::EngineClient;

/// A way to coordinators.
pub trait Dialer: fmt::Debug + Send + Sync {
    /// Connects to the coordinator at `host:port`, or says why not.
    fn dial<'a>(&'a self, address: &'a str, security: &'a Security) -> BoxFuture<'a, Result<Line, String>>;
}

/// Lines to the coordinators of all jobs. Clones lead the same way.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    dialer: Arc<dyn Dialer>,
    credentials: Credentials,
}

impl Lines {
    /// Lines by this way, on which the operator shows this.
    pub(crate) fn new(dialer: Arc<dyn Dialer>, credentials: Credentials) -> Self {
        Self { dialer, credentials }
    }

    /// Connects to the coordinator at `host:port`, which is to be known by this.
    pub(crate) async fn connect(&self, address: &str, trust: &Trust) -> Result<EngineClient, String> {
        let security = self.credentials.towards(trust)?;
        EngineClient::connect(self.dialer.as_ref(), address, &security).await
    }
}

/// The way through the network.
#[derive(Clone, Copy, Debug)]
pub struct Network;

impl Dialer for Network {
    fn dial<'a>(&'a self, address: &'a str, security: &'a Security) -> BoxFuture<'a, Result<Line, String>> {
        Box::pin(async move {
            let dialed = dial(address, security, None).await.map_err(|error| match error {
                DialError::Address(why) => why,
                DialError::Unreachable(why) => format!("no coordinator answers at {address}: {why}"),
            })?;
            let line = Line::to(dialed.channel.clone());
            Ok(Line { reason: Arc::new(move |status| dialed.reason(status)), ..line })
        })
    }
}

type Answer = BoxFuture<'static, Result<Response<Body>, StdError>>;

/// A connection to a coordinator. It is not made again when it breaks.
#[derive(Clone)]
pub struct Line {
    call: Arc<dyn Fn(Request<Body>) -> Answer + Send + Sync>,
    reason: Arc<dyn Fn(&Status) -> String + Send + Sync>,
}

impl Line {
    /// A line that leads to this service.
    pub fn to<S>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
        S::Error: Into<StdError>,
        S::Future: Send,
    {
        let call = move |request| -> Answer {
            let mut service = service.clone();
            Box::pin(async move {
                poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
                service.call(request).await.map_err(Into::into)
            })
        };
        Self { call: Arc::new(call), reason: Arc::new(|status| status.message().to_owned()) }
    }

    /// The reason in an answer, or why there was none.
    pub(crate) fn reason(&self, status: &Status) -> String {
        (self.reason)(status)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

impl Service<Request<Body>> for Line {
    type Response = Response<Body>;
    type Error = StdError;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), StdError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        (self.call)(request)
    }
}
