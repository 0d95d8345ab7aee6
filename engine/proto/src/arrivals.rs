//! Connections to this process, as gRPC wants them.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use millstream_tls::{Role, Roles, Security, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tonic::Status;
use tonic::codegen::tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

/// How long somebody who connects may take to say who it is.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// Handshakes at a time: a job with 1,000 workers is through in four turns, and strangers who say nothing cost little.
const HANDSHAKES: usize = 256;

/// Who is at the other end of a request.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// Where it connected from.
    pub address: SocketAddr,
    roles: Roles,
}

impl Caller {
    /// Lets a request through that only this role may make.
    ///
    /// # Errors
    /// The caller does not have the role.
    pub fn must_be(self, role: Role) -> Result<(), Status> {
        if self.roles.has(role) {
            return Ok(());
        }
        Err(Status::permission_denied(format!(
            "the certificate of {} is for {}, and only {} may do this",
            self.address,
            self.roles,
            role.dns_name()
        )))
    }
}

/// A connection whose other end is known.
#[derive(Debug)]
pub struct Arrival {
    stream: Stream,
    caller: Caller,
}

/// Takes connections until what comes back is dropped. Whoever is not let in is told, and logged.
#[must_use]
pub fn arrivals(listener: TcpListener, security: Security) -> ReceiverStream<io::Result<Arrival>> {
    let (arrived, taken) = mpsc::channel(1);
    tokio::spawn(async move {
        let closed = arrived.clone();
        tokio::select! {
            () = accept(listener, security, arrived) => {}
            () = closed.closed() => {}
        }
    });
    ReceiverStream::new(taken)
}

async fn accept(listener: TcpListener, security: Security, arrived: mpsc::Sender<io::Result<Arrival>>) {
    let room = Arc::new(Semaphore::new(HANDSHAKES));
    while let Ok(permit) = room.clone().acquire_owned().await {
        let (tcp, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Most likely there is no file descriptor left; whoever closes one makes room.
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (security, arrived) = (security.clone(), arrived.clone());
        tokio::spawn(async move {
            match welcome(tcp, address, &security).await {
                Ok(arrival) => {
                    let _ = arrived.send(Ok(arrival)).await;
                }
                Err(reason) => tracing::warn!("a connection from {address} was closed: {reason}"),
            }
            drop(permit);
        });
    }
}

async fn welcome(tcp: TcpStream, address: SocketAddr, security: &Security) -> Result<Arrival, String> {
    let accepted = timeout(HANDSHAKE, security.accept(tcp)).await;
    let (stream, roles) = accepted.unwrap_or_else(|_| Err("it did not say who it is".into()))?;
    Ok(Arrival { stream, caller: Caller { address, roles } })
}

impl Connected for Arrival {
    type ConnectInfo = Caller;

    fn connect_info(&self) -> Caller {
        self.caller
    }
}

impl AsyncRead for Arrival {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        pin!(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Arrival {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        pin!(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        pin!(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        pin!(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        pin!(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_may_do_what_is_for_its_role() {
        let address = "10.0.0.5:4000".parse().unwrap();
        let worker = Caller { address, roles: Role::Worker.lets_in() };
        assert!(worker.must_be(Role::Worker).is_ok());
        let refused = worker.must_be(Role::Client).unwrap_err();
        let expected = "the certificate of 10.0.0.5:4000 is for worker.millstream.internal, and only \
                        client.millstream.internal may do this";
        assert_eq!((refused.code(), refused.message()), (tonic::Code::PermissionDenied, expected));
        let anybody = Caller { address, roles: Roles::ANY };
        assert!(anybody.must_be(Role::Worker).is_ok() && anybody.must_be(Role::Client).is_ok());
    }
}
