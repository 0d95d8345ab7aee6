//! A connection, encrypted or not.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_rustls::TlsStream;

use crate::explain::{IT_WANTS_TLS, explain};
use crate::identity::Identity;
use crate::role::Role;

/// First byte of what a TLS process answers to what is no TLS.
const ALERT: u8 = 0x15;

/// Why a connection broke, if TLS knows it. It outlives the connection, whose owner may hide errors.
#[derive(Clone, Debug, Default)]
pub struct Trouble(Arc<OnceLock<String>>);

impl Trouble {
    /// The reason, in words.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    fn note(&self, words: &str) -> io::Error {
        let _ = self.0.set(words.to_owned());
        io::Error::new(io::ErrorKind::InvalidData, words.to_owned())
    }
}

/// A connection. Errors of TLS are told in words.
#[derive(Debug)]
pub struct Stream {
    inner: Inner,
    /// Whether the other side has said anything behind the handshake, or need not.
    was_heard: bool,
    /// What a write failed with, while the reason is looked for.
    not_written: Option<io::Error>,
    trouble: Trouble,
}

#[derive(Debug)]
enum Inner {
    Plain(TcpStream),
    Tls { tls: Box<TlsStream<TcpStream>>, me: Arc<Identity>, to: Option<Role> },
}

impl Stream {
    /// In the clear. Where the other side answers first, it is found out whether it wants TLS.
    pub(crate) fn plain(tcp: TcpStream, was_heard: bool) -> Self {
        Self { inner: Inner::Plain(tcp), was_heard, not_written: None, trouble: Trouble::default() }
    }

    pub(crate) fn tls(tls: TlsStream<TcpStream>, me: Arc<Identity>, to: Option<Role>) -> Self {
        let inner = Inner::Tls { tls: Box::new(tls), me, to };
        Self { inner, was_heard: false, not_written: None, trouble: Trouble::default() }
    }

    /// Where the reason will be when it breaks.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        self.trouble.clone()
    }

    /// Two halves for two tasks. To be called once something was read.
    #[must_use]
    pub fn into_split(self) -> (ReadHalf, WriteHalf) {
        match self.inner {
            Inner::Plain(tcp) => {
                let (reader, writer) = tcp.into_split();
                (ReadHalf::Plain(reader), WriteHalf::Plain(writer))
            }
            Inner::Tls { .. } => {
                let (reader, writer) = tokio::io::split(self);
                (ReadHalf::Tls(reader), WriteHalf::Tls(writer))
            }
        }
    }

    /// A connection that broke before the first answer may have been refused: the reason is there to be read, and whoever only
    /// writes would not find it. So it is waited for, which ends since the connection has ended.
    fn poll_reason(&mut self, cx: &mut Context<'_>, error: io::Error) -> Poll<io::Error> {
        if self.was_heard {
            return Poll::Ready(self.told(error));
        }
        let mut space = [0; 1];
        match pin!(&mut *self).poll_read(cx, &mut ReadBuf::new(&mut space)) {
            Poll::Ready(Err(told)) if self.trouble.reason().is_some() => Poll::Ready(told),
            Poll::Ready(_) => Poll::Ready(self.told(error)),
            Poll::Pending => {
                self.not_written = Some(error);
                Poll::Pending
            }
        }
    }

    /// Writes, unless an earlier write has failed already.
    fn poll_written<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(&mut Inner, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let error = match self.not_written.take() {
            Some(error) => error,
            None => match ready!(write(&mut self.inner, cx)) {
                Ok(written) => return Poll::Ready(Ok(written)),
                Err(error) => error,
            },
        };
        self.poll_reason(cx, error).map(Err)
    }

    fn told(&self, error: io::Error) -> io::Error {
        match &self.inner {
            Inner::Tls { me, to, .. } if error.get_ref().is_some_and(|e| e.is::<rustls::Error>()) => {
                self.trouble.note(&explain(&error, me, *to))
            }
            _ => error,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = match &mut self.inner {
            Inner::Plain(tcp) => ready!(pin!(tcp).poll_read(cx, buf)),
            Inner::Tls { tls, .. } => ready!(pin!(tls).poll_read(cx, buf)),
        };
        if !self.was_heard
            && let Some(first) = buf.filled().get(before)
        {
            self.was_heard = true;
            if *first == ALERT && matches!(self.inner, Inner::Plain(_)) {
                return Poll::Ready(Err(self.trouble.note(IT_WANTS_TLS)));
            }
        }
        Poll::Ready(read.map_err(|e| self.told(e)))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_written(cx, |inner, cx| match inner {
            Inner::Plain(tcp) => pin!(tcp).poll_write(cx, buf),
            Inner::Tls { tls, .. } => pin!(tls).poll_write(cx, buf),
        })
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_written(cx, |inner, cx| match inner {
            Inner::Plain(tcp) => pin!(tcp).poll_write_vectored(cx, bufs),
            Inner::Tls { tls, .. } => pin!(tls).poll_write_vectored(cx, bufs),
        })
    }

    fn is_write_vectored(&self) -> bool {
        match &self.inner {
            Inner::Plain(tcp) => tcp.is_write_vectored(),
            Inner::Tls { tls, .. } => tls.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_written(cx, |inner, cx| match inner {
            Inner::Plain(tcp) => pin!(tcp).poll_flush(cx),
            Inner::Tls { tls, .. } => pin!(tls).poll_flush(cx),
        })
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(tcp) => pin!(tcp).poll_shutdown(cx),
            Inner::Tls { tls, .. } => pin!(tls).poll_shutdown(cx),
        }
    }
}

/// What comes.
#[derive(Debug)]
pub enum ReadHalf {
    /// In the clear.
    Plain(OwnedReadHalf),
    /// Encrypted.
    Tls(tokio::io::ReadHalf<Stream>),
}

/// What goes.
#[derive(Debug)]
pub enum WriteHalf {
    /// In the clear.
    Plain(OwnedWriteHalf),
    /// Encrypted.
    Tls(tokio::io::WriteHalf<Stream>),
}

impl AsyncRead for ReadHalf {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(half) => pin!(half).poll_read(cx, buf),
            Self::Tls(half) => pin!(half).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for WriteHalf {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(half) => pin!(half).poll_write(cx, buf),
            Self::Tls(half) => pin!(half).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(half) => pin!(half).poll_write_vectored(cx, bufs),
            Self::Tls(half) => pin!(half).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(half) => half.is_write_vectored(),
            Self::Tls(half) => half.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(half) => pin!(half).poll_flush(cx),
            Self::Tls(half) => pin!(half).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(half) => pin!(half).poll_shutdown(cx),
            Self::Tls(half) => pin!(half).poll_shutdown(cx),
        }
    }
}
