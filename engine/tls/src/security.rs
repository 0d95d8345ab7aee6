//! How two processes of a job come to trust each other.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::explain::{IT_WANTS_TLS, explain};
use crate::identity::Identity;
use crate::role::{Role, Roles};
use crate::stream::Stream;

/// First byte of a TLS connection.
const HANDSHAKE: u8 = 0x16;

/// How long a refused peer may take to read why.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a process demands of its connections.
#[derive(Clone, Debug)]
pub enum Security {
    /// Nothing: whoever connects is believed.
    Plaintext,
    /// TLS, and a certificate of the job's CA on both sides.
    Tls(Arc<Identity>),
}

impl Security {
    /// Takes a connection that somebody made; says which roles the other side may play.
    ///
    /// Waits for the other side to speak, for as long as it takes: bound it by a timeout.
    ///
    /// # Errors
    /// Why the other side is not let in; it has been told.
    pub async fn accept(&self, tcp: TcpStream) -> Result<(Stream, Roles), String> {
        tcp.set_nodelay(true).map_err(|e| e.to_string())?;
        let Self::Tls(me) = self else { return accept_plain(tcp).await };
        match TlsAcceptor::from(me.configs().server).accept(tcp).into_fallible().await {
            Ok(tls) => {
                let shown = tls.get_ref().1.peer_certificates().and_then(<[CertificateDer<'_>]>::first);
                let roles = shown.map(Roles::of).transpose().map_err(|e| e.to_string())?.unwrap_or_default();
                Ok((Stream::tls(TlsStream::Server(tls), me.clone(), None), roles))
            }
            Err((error, tcp)) => {
                // It is on its way to say more; a connection that is closed before that was read breaks, and with it the answer
                // that TLS has given.
                let _ = timeout(FAREWELL, drained(tcp)).await;
                Err(explain(&error, me, None))
            }
        }
    }

    /// Secures a connection that this process made to another one of this role. That the other side refuses it is known when the
    /// first answer is read.
    ///
    /// # Errors
    /// Why the other side is not trusted.
    pub async fn connect(&self, tcp: TcpStream, to: Role) -> Result<Stream, String> {
        tcp.set_nodelay(true).map_err(|e| e.to_string())?;
        let Self::Tls(me) = self else { return Ok(Stream::plain(tcp, false)) };
        let name = to.server_name().map_err(|e| e.to_string())?;
        let connected = TlsConnector::from(me.configs().client).connect(name, tcp).await;
        let tls = connected.map_err(|e| explain(&e, me, Some(to)))?;
        Ok(Stream::tls(TlsStream::Client(tls), me.clone(), Some(to)))
    }
}

async fn accept_plain(mut tcp: TcpStream) -> Result<(Stream, Roles), String> {
    let mut first = [0];
    let peeked = tcp.peek(&mut first).await.map_err(|e| e.to_string())?;
    if peeked == 1 && first == [HANDSHAKE] {
        // No TLS: the other side sees at once what is the matter.
        let _ = tcp.write_all(b"plaintext\n").await;
        let _ = timeout(FAREWELL, drained(tcp)).await;
        return Err(IT_WANTS_TLS.into());
    }
    Ok((Stream::plain(tcp, true), Roles::ANY))
}

/// Nothing is said any more; what still comes is thrown away.
async fn drained(mut tcp: TcpStream) -> io::Result<()> {
    tcp.shutdown().await?;
    tokio::io::copy(&mut tcp, &mut tokio::io::sink()).await.map(|_| ())
}
