//! Asking a running job for something, and watching it.

use tokio::sync::{mpsc, watch};

use crate::status::JobStatus;

/// Requests that may wait. People send them one at a time.
const QUEUE: usize = 16;

/// What a person or a signal may ask of a running job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Stop behind a final checkpoint, when its output is visible.
    Stop,
    /// Stop now. What came after the newest epoch is read again next time.
    Cancel,
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

    /// The status, now and whenever it changes. It closes when the job is over.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<JobStatus> {
        self.status.clone()
    }
}
