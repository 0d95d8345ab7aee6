//! Connections to a coordinator.

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use millstream_model::error::with_causes;
use millstream_tls::{Role, Security, Stream, Trouble};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::Status;
use tonic::codegen::{Service, http::Uri};
use tonic::transport::{Channel, Endpoint};

/// How long a coordinator may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialError {
    /// It is not the address of anything.
    Address(String),
    /// Nobody is there, or nobody who can be trusted.
    Unreachable(String),
}

/// A connection. It is not made again when it breaks.
#[derive(Clone, Debug)]
pub struct Dialed {
    /// Where to speak.
    pub channel: Channel,
    trouble: Trouble,
}

impl Dialed {
    /// The reason in an answer, or why there was none.
    #[must_use]
    pub fn reason(&self, status: &Status) -> String {
        self.trouble.reason().unwrap_or_else(|| status.message()).to_owned()
    }
}

/// Connects to the coordinator at `host:port`. With `silence`, one that says nothing for so long is lost.
///
/// A coordinator that does not trust this process says so only behind the first request: see [`Dialed::reason`].
///
/// # Errors
/// Why there is no connection.
pub async fn dial(
    coordinator: &str,
    security: &Security,
    silence: Option<Duration>,
) -> Result<Dialed, DialError> {
    let none = |why: &str| DialError::Address(format!("{coordinator} is no address: {why}"));
    let mut endpoint =
        Endpoint::from_shared(format!("http://{coordinator}")).map_err(|e| none(&e.to_string()))?;
    endpoint.uri().port().ok_or_else(|| none("it has no port"))?;
    if let Some(silence) = silence {
        endpoint = endpoint
            .http2_keep_alive_interval(silence / 2)
            .keep_alive_timeout(silence / 2)
            .keep_alive_while_idle(true);
    }
    let connecting = async {
        let tcp = TcpStream::connect(coordinator).await.map_err(|e| e.to_string())?;
        let stream = security.connect(tcp, Role::Coordinator).await?;
        let trouble = stream.trouble();
        let channel = endpoint.connect_with_connector(Once(Some(stream))).await;
        let channel = channel.map_err(|e| trouble.reason().map_or_else(|| with_causes(&e), str::to_owned))?;
        Ok(Dialed { channel, trouble })
    };
    let connected = timeout(CONNECT, connecting).await;
    connected
        .unwrap_or_else(|_| Err(format!("no answer within {} s", CONNECT.as_secs())))
        .map_err(DialError::Unreachable)
}

/// Hands out a connection that is there already, once.
struct Once(Option<Stream>);

impl Service<Uri> for Once {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<TokioIo<Stream>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let gone = || io::Error::new(io::ErrorKind::NotConnected, "the connection broke");
        std::future::ready(self.0.take().map(TokioIo::new).ok_or_else(gone))
    }
}
