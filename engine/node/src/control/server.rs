//! The answering side: beside the job, for as long as it runs.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use millstream_checkpoint_store::JobStore;
use millstream_coordinator::control::SavepointWriter;
use millstream_coordinator::{AfterSavepoint, JobHandle, JobOutcome, SavepointReport};
use millstream_model::{ErrorKind, JobError};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::protocol::{Answer, Ask, LONGEST_LINE, SavepointAsk, SavepointThen};
use super::short;
use crate::savepoints;

/// Connections at the same time; people and scripts ask one at a time.
const CONNECTIONS: usize = 16;

/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pause after a connection that could not be accepted, as when this process has too many open files.
const PAUSE: Duration = Duration::from_millis(200);

/// How long the end of the process waits for clients to take their answers.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// A socket that answers for a job. Dropping it removes the socket, unless a newer run has put its own there.
#[derive(Debug)]
pub(crate) struct Server {
    path: PathBuf,
    /// The file that it made, until it is removed.
    inode: Option<u64>,
    /// Says that the job is over.
    over: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

/// What the answers are made of.
struct Job {
    handle: JobHandle,
    store: JobStore,
    is_over: watch::Receiver<bool>,
}

/// Writes savepoints of a job for those who ask over the network.
#[derive(Debug)]
pub(crate) struct NetworkSavepoints {
    pub(crate) handle: JobHandle,
    pub(crate) store: JobStore,
    pub(crate) over: watch::Receiver<Option<JobOutcome>>,
}

#[async_trait]
impl SavepointWriter for NetworkSavepoints {
    async fn write(
        &self,
        to: Option<String>,
        name: String,
        then: AfterSavepoint,
    ) -> Result<SavepointReport, JobError> {
        let report = write_savepoint(&self.handle, &self.store, to, name, then).await?;
        if then != AfterSavepoint::GoOn {
            // Whoever stopped the job may start it again with the next command.
            let _ = self.over.clone().wait_for(Option::is_some).await;
        }
        Ok(report)
    }
}

/// Writes one to an address, or under a name in the job's own storage.
pub(crate) async fn write_savepoint(
    handle: &JobHandle,
    store: &JobStore,
    to: Option<String>,
    name: String,
    then: AfterSavepoint,
) -> Result<SavepointReport, JobError> {
    let location = savepoints::destination(to.as_deref(), &name, store)?;
    savepoints::check_destination(&location, store).await?;
    handle.savepoint(location, then).await
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
        let inode = Some(std::fs::metadata(path)?.ino());
        let (over, is_over) = watch::channel(false);
        let job = Arc::new(Job { handle, store, is_over: is_over.clone() });
        let answer = move |stream| {
            let job = job.clone();
            async move {
                if let Err(error) = converse(stream, &job).await {
                    tracing::debug!("a client of the control socket left: {error}");
                }
            }
        };
        let task = tokio::spawn(listen(async move || Ok(listener.accept().await?.0), answer, is_over));
        Ok(Self { path: path.to_owned(), inode, over, task })
    }

    /// Ends, when the job is over: the next command finds no job here, and those that wait get their answers.
    pub(crate) async fn close(mut self) {
        self.remove();
        self.over.send_replace(true);
        let _ = tokio::time::timeout(LAST_ANSWERS, &mut self.task).await;
    }

    fn remove(&mut self) {
        let ours = self.inode.take();
        if ours.is_some() && std::fs::metadata(&self.path).ok().map(|found| found.ino()) == ours {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        self.remove();
    }
}

/// Answers every connection until the job is over; ends when all are answered.
async fn listen<C, A>(
    mut accept: impl AsyncFnMut() -> io::Result<C>,
    answer: impl Fn(C) -> A,
    mut is_over: watch::Receiver<bool>,
) where
    A: Future<Output = ()> + Send + 'static,
{
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            () = end(&mut is_over) => break,
            Some(_) = open.join_next() => {}
            accepted = accept(), if open.len() < CONNECTIONS => match accepted {
                Ok(connection) => {
                    open.spawn(answer(connection));
                }
                Err(error) => {
                    tracing::warn!("a connection to the control socket was not accepted: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
    drop(accept);
    while open.join_next().await.is_some() {}
}

/// Waits until the job is over.
async fn end(is_over: &mut watch::Receiver<bool>) {
    let _ = is_over.wait_for(|is_over| *is_over).await;
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
    let report = write_savepoint(&job.handle, &job.store, to, name, then.into()).await?;
    if then != SavepointThen::GoOn {
        // Whoever stopped the job may start it again with the next command.
        end(&mut job.is_over.clone()).await;
    }
    Ok(Answer::Savepoint(report))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn a_connection_that_fails_is_not_the_last_one() {
        let (over, is_over) = watch::channel(false);
        let answered = Arc::new(AtomicUsize::new(0));
        let mut connections = vec![Err(io::ErrorKind::TimedOut), Ok(1), Err(io::ErrorKind::TimedOut), Ok(2)];
        let accept = async move || {
            if connections.is_empty() {
                over.send_replace(true);
                std::future::pending::<()>().await;
            }
            connections.remove(0).map_err(io::Error::from)
        };
        let count = answered.clone();
        let answer = move |_: u32| {
            let count = count.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                count.fetch_add(1, Ordering::Relaxed);
            }
        };
        listen(accept, answer, is_over).await;
        assert_eq!(answered.load(Ordering::Relaxed), 2, "who waits at the end is answered, too");
    }
}
