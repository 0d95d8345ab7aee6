//! Where tasks put their part of a checkpoint and get it back from.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use millstream_model::snapshot::ObjectRef;
use millstream_model::{Attempt, Generation, JobError, OperatorUid, SubtaskId};

/// Who writes an object: its key carries these numbers, so that no two writers ever meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectScope {
    /// The coordinator whose attempt it is.
    pub generation: Generation,
    /// The deployment.
    pub attempt: Attempt,
    /// The subtask.
    pub subtask: SubtaskId,
}

/// The worker's view of the job's bucket. The real one is over object storage; tests have one that fails and delays.
#[async_trait]
pub trait SnapshotStore: Send + Sync + fmt::Debug {
    /// Stores a segment of a state table under a new key.
    ///
    /// # Errors
    /// When it is not known to be stored; another call stores it under another key.
    async fn put_state(
        &self,
        scope: ObjectScope,
        operator: &OperatorUid,
        table: &str,
        bytes: Bytes,
    ) -> Result<ObjectRef, JobError>;

    /// Stores a segment of staged output under a new key.
    ///
    /// # Errors
    /// As [`Self::put_state`].
    async fn put_staged(
        &self,
        scope: ObjectScope,
        sink: &OperatorUid,
        bytes: Bytes,
    ) -> Result<ObjectRef, JobError>;

    /// Reads an object back, verified by length and checksum.
    ///
    /// # Errors
    /// When it is missing, damaged or cannot be reached.
    async fn fetch(&self, object: &ObjectRef) -> Result<Bytes, JobError>;
}
