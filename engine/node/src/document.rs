//! What a coordinator sends to its workers instead of a plan: the texts that it read itself.

use serde::{Deserialize, Serialize};

use crate::cli::Failure;
use crate::job_file::JobSource;

/// A job, for a worker to compile. All processes of a job are of one version, so they get the same plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct JobDocument {
    /// Manifest and SQL.
    pub(crate) source: JobSource,
    /// Where the job's state is.
    pub(crate) storage: String,
}

impl JobDocument {
    /// The document as it travels.
    ///
    /// # Errors
    /// None is known.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Failure> {
        postcard::to_stdvec(self).map_err(|e| Failure::Job(format!("cannot send the job to workers: {e}")))
    }

    /// The document in these bytes.
    ///
    /// # Errors
    /// They are none.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Failure> {
        postcard::from_bytes(bytes)
            .map_err(|e| Failure::Job(format!("what the coordinator sent is no job of this version: {e}")))
    }
}
