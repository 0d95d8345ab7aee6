//! The answering side: beside the job, for as long as it runs.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use millstream_checkpoint_store::JobStore;
use millstream_coordinator::JobHandle;
use millstream_model::{ErrorKind, JobError};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

use super::protocol::{Answer, Ask, LONGEST_LINE, SavepointAsk};
use super::short;
use crate::savepoints;

/// Connections at the same time; people and scripts ask one at a time.
const CONNECTIONS: usize = 16;

/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);

/// A socket that answers for a job. Dropping it removes the socket, unless a newer run has put its own there.
#[derive(Debug)]
pub(crate) struct Server {
    path: PathBuf,
    /// The file that it made.
    inode: u64,
    task: tokio::task::JoinHandle<()>,
}

/// What the answers are made of.
struct Job {
    handle: JobHandle,
    store: JobStore,
}

impl Server {
    /// Listens at `path`, whoever left a socket there before.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(crate) fn start(path: &Path, handle: JobHandle, store: JobStore) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let (name, _open) = short(path)?;
        let listener = UnixListener::bind(name)?;
        let inode = std::fs::metadata(path)?.ino();
        let task = tokio::spawn(listen(listener, Arc::new(Job { handle, store })));
        Ok(Self { path: path.to_owned(), inode, task })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        let is_ours = std::fs::metadata(&self.path).is_ok_and(|found| found.ino() == self.inode);
        if is_ours {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

async fn listen(listener: UnixListener, job: Arc<Job>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let job = job.clone();
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, &job).await {
                        tracing::debug!("a client of the control socket left: {error}");
                    }
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!("the control socket does not answer any more: {error}");
                return;
            }
        }
    }
}

async fn converse(stream: UnixStream, job: &Job) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut read = BufReader::new(read.take(LONGEST_LINE));
    tokio::time::timeout(PATIENCE, read.read_line(&mut line)).await.map_err(io::Error::other)??;
    let answer = match serde_json::from_str(&line) {
        Ok(Ask::Savepoint(ask)) => savepoint(ask, job).await,
        Err(error) => {
            let message = format!("the request is none: {error}; do both sides have the same version?");
            Err(JobError::new(ErrorKind::User, message))
        }
    };
    let mut line = serde_json::to_string(&answer.unwrap_or_else(Answer::Refused))?;
    line.push('\n');
    write.write_all(line.as_bytes()).await
}

async fn savepoint(ask: SavepointAsk, job: &Job) -> Result<Answer, JobError> {
    let SavepointAsk { to, name, then } = ask;
    let location = savepoints::destination(to.as_deref(), &name, &job.store)?;
    job.handle.savepoint(location, then.into()).await.map(Answer::Savepoint)
}
