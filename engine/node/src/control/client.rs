//! The asking side.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

use super::protocol::{Answer, Ask, LONGEST_LINE};
use super::short;

/// Nobody answers: the job does not run, or not here.
#[derive(Debug)]
pub(crate) struct NotRunning {
    /// The socket that was tried.
    pub(crate) socket: PathBuf,
    reason: io::Error,
}

impl fmt::Display for NotRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason.kind() {
            io::ErrorKind::NotFound => write!(f, "there is no {}", self.socket.display()),
            io::ErrorKind::ConnectionRefused => write!(f, "nobody listens on {}", self.socket.display()),
            _ => write!(f, "{}: {}", self.socket.display(), self.reason),
        }
    }
}

/// Asks the job behind the socket, and waits for its answer for as long as that takes.
///
/// # Errors
/// Outside: nobody is there, nothing was asked. Inside: the connection broke, or the answer is none; whether the request was
/// carried out is not known.
pub(crate) async fn ask(socket: &Path, ask: &Ask) -> Result<io::Result<Answer>, NotRunning> {
    match connect(socket).await {
        Ok(stream) => Ok(converse(stream, ask).await),
        Err(reason) => Err(NotRunning { socket: socket.to_owned(), reason }),
    }
}

/// Whether a job listens there.
pub(crate) async fn is_listening(socket: &Path) -> bool {
    connect(socket).await.is_ok()
}

async fn connect(socket: &Path) -> io::Result<UnixStream> {
    let (path, _open) = short(socket)?;
    UnixStream::connect(path).await
}

async fn converse(mut stream: UnixStream, ask: &Ask) -> io::Result<Answer> {
    let mut line = serde_json::to_string(ask)?;
    line.push('\n');
    stream.write_all(line.as_bytes()).await?;
    let mut answer = String::new();
    BufReader::new(stream.take(LONGEST_LINE)).read_line(&mut answer).await?;
    if answer.is_empty() {
        let reason = "the job ended before it answered";
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason));
    }
    Ok(serde_json::from_str(&answer)?)
}
