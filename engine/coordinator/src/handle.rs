//! Asking a running job for something, and watching it.

use millstream_jobmaster::{AfterSavepoint, SavepointReport};
use millstream_model::graph::JobGraph;
use millstream_model::{Attempt, ErrorKind, JobError};
use millstream_savepoint::SavepointLocation;
use tokio::sync::{mpsc, oneshot, watch};

use crate::status::JobStatus;

/// Requests that may wait. People send them one at a time.
pub(crate) const QUEUE: usize = 16;

/// What a person or a signal may ask of a running job.
#[derive(Debug)]
pub enum Request {
    /// Write a savepoint.
    Savepoint(SavepointRequest),
    /// Go on at another parallelism.
    Rescale(RescaleRequest),
    /// Take the job over: for a coordinator that waits for that.
    Activate,
    /// Stop behind a final checkpoint, when its output is visible.
    Stop,
    /// Stop now. What came after the newest epoch is read again next time.
    Cancel,
}

/// A savepoint that somebody wants.
#[derive(Debug)]
pub struct SavepointRequest {
    /// Where it goes.
    pub location: SavepointLocation,
    /// What becomes of the job.
    pub then: AfterSavepoint,
    /// Gets the answer; dropped without one if the coordinator ends first.
    pub answer: oneshot::Sender<Result<SavepointReport, JobError>>,
}

/// Another parallelism that somebody wants.
#[derive(Debug)]
pub struct RescaleRequest {
    /// The new one.
    pub parallelism: u32,
    /// The job, compiled for it.
    pub graph: Box<JobGraph>,
    /// Gets the attempt that has it, when its records flow; dropped without an answer if the coordinator ends first.
    pub answer: oneshot::Sender<Result<Attempt, JobError>>,
}

/// A job that runs elsewhere in this process. Dropping it leaves the job alone.
#[derive(Clone, Debug)]
pub struct JobHandle {
    requests: mpsc::Sender<Request>,
    status: watch::Receiver<JobStatus>,
}

/// The job's end of a [`JobHandle`].
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) status: watch::Sender<JobStatus>,
}

impl JobHandle {
    pub(crate) fn new(status: JobStatus) -> (Self, Asked) {
        let (requests, asked) = mpsc::channel(QUEUE);
        let (sender, receiver) = watch::channel(status);
        (Self { requests, status: receiver }, Asked { requests: asked, status: sender })
    }

    /// Asks; false if the job is over, or if so many requests wait that one more changes nothing.
    pub fn ask(&self, request: Request) -> bool {
        self.requests.try_send(request).is_ok()
    }

    /// Writes a savepoint, and waits until it is complete; with an order to stop, until the job is over, too. The job is not
    /// slower meanwhile than in any checkpoint.
    ///
    /// # Errors
    /// Why there is none. An order to stop stays: only the savepoint failed. One that was refused with [`ErrorKind::User`] changed
    /// nothing.
    ///
    /// Cancellation: dropping the future takes nothing back.
    pub async fn savepoint(
        &self,
        location: SavepointLocation,
        then: AfterSavepoint,
    ) -> Result<SavepointReport, JobError> {
        let (answer, answered) = oneshot::channel();
        let request = Request::Savepoint(SavepointRequest { location, then, answer });
        if !self.ask(request) {
            let message = "the job is over, or has too many requests to answer";
            return Err(JobError::new(ErrorKind::Transient, message));
        }
        answered.await.unwrap_or_else(|_| {
            Err(JobError::new(ErrorKind::Transient, "the job ended before the savepoint was complete"))
        })
    }

    /// Goes on at another parallelism, behind a checkpoint that is taken for it, and waits until records flow again. `graph` is the
    /// job as compiled for it.
    ///
    /// # Errors
    /// Why the parallelism stays as it is; [`ErrorKind::User`] if nothing was changed.
    ///
    /// Cancellation: dropping the future takes nothing back.
    pub async fn rescale(&self, parallelism: u32, graph: JobGraph) -> Result<Attempt, JobError> {
        let (answer, answered) = oneshot::channel();
        let request = RescaleRequest { parallelism, graph: Box::new(graph), answer };
        if !self.ask(Request::Rescale(request)) {
            let message = "the job is over, or has too many requests to answer";
            return Err(JobError::new(ErrorKind::Transient, message));
        }
        answered.await.unwrap_or_else(|_| {
            Err(JobError::new(ErrorKind::Transient, "the job ended before it was rescaled"))
        })
    }

    /// The status, now and whenever it changes. It closes when the job is over.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<JobStatus> {
        self.status.clone()
    }
}
