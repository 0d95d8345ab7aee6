//! Channels between processes.
//!
//! ```text
//! RemoteChannel --+                                              +--> Entry of an inbox
//! RemoteChannel --+--> Link --frames over one TCP connection--> Reception --+--> Entry of an inbox
//!                 <------------------credit, pings--------------
//! ```
//!
//! A worker dials each worker that it sends rows to, so two that exchange rows have two connections, and nobody has to agree on who
//! dials. Credit is the sender's: it counts what it sent and what came back. The receiver reads whatever arrives, so a channel
//! that waits for alignment never stalls another one. A connection that breaks or falls silent fails the subtasks at both ends; the
//! next attempt dials again.

mod chunks;
mod codec;
mod frame;
mod handshake;
mod hub;
mod lengths;
mod link;
mod outbound;
mod outgoing;
mod patience;
mod reception;
#[cfg(test)]
mod remote_test;
mod returns;

use std::time::Duration;

use bytes::Buf;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

pub use codec::Compression;
use frame::{HEADER_BYTES, Header};
pub use handshake::Membership;
pub use hub::{LinkSettings, Network, Peer};
pub(crate) use link::RemoteChannel;
pub(crate) use returns::CreditReturn;

/// How long a peer may take to accept a connection and to say who it is.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How often each side says something even if there is nothing to say.
const PING: Duration = Duration::from_secs(1);

/// Silence for so long is a broken connection.
const SILENCE: Duration = Duration::from_secs(10);

/// What is said of a connection that the other side closed without a word.
const GONE: &str = "it closed the connection";

/// Writes all of it out: what a TLS connection has taken is not on its way before it was flushed.
async fn write_out(writer: &mut (impl AsyncWrite + Unpin), out: &mut impl Buf) -> std::io::Result<()> {
    writer.write_all_buf(out).await?;
    writer.flush().await
}

async fn read_header(reader: &mut (impl AsyncRead + Unpin)) -> Result<Header, String> {
    let mut bytes = [0; HEADER_BYTES];
    reader.read_exact(&mut bytes).await.map_err(|e| broken(&e))?;
    Header::read(&bytes)
}

fn broken(error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::UnexpectedEof { GONE.into() } else { error.to_string() }
}
