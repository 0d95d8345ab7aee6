//! The worker's view of the job's bucket.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use millstream_checkpoint::layout::Writer;
use millstream_checkpoint_store::{JobObjects, JobStore};
use millstream_model::snapshot::ObjectRef;
use millstream_model::{JobError, OperatorUid};
use millstream_worker::{LocalCopies, ObjectScope, SnapshotStore};

/// Room for copies of state: a disk has it, and it bounds what a job that was given up leaves there.
const COPIES_BYTES: u64 = 10 << 30;

/// The job's bucket as its tasks see it. Copies are a help, so a folder that cannot be used is no failure.
pub(crate) fn snapshot_store(store: &JobStore, copies: Option<PathBuf>) -> Arc<dyn SnapshotStore> {
    let bucket = Arc::new(BucketObjects::new(store.objects()));
    let Some(folder) = copies else { return bucket };
    match LocalCopies::new(bucket.clone(), folder.clone(), COPIES_BYTES) {
        Ok(copies) => Arc::new(copies),
        Err(error) => {
            tracing::warn!("no copies of state are kept in {}: {error}", folder.display());
            bucket
        }
    }
}

/// [`SnapshotStore`] over a job's folder.
#[derive(Clone, Debug)]
struct BucketObjects {
    objects: JobObjects,
}

impl BucketObjects {
    const fn new(objects: JobObjects) -> Self {
        Self { objects }
    }
}

fn writer(scope: ObjectScope) -> Writer {
    Writer { generation: scope.generation, attempt: scope.attempt, subtask: scope.subtask }
}

#[async_trait]
impl SnapshotStore for BucketObjects {
    async fn put_state(
        &self,
        scope: ObjectScope,
        operator: &OperatorUid,
        table: &str,
        bytes: Bytes,
    ) -> Result<ObjectRef, JobError> {
        Ok(self.objects.upload_state(operator, table, writer(scope), bytes).await?)
    }

    async fn put_staged(
        &self,
        scope: ObjectScope,
        sink: &OperatorUid,
        bytes: Bytes,
    ) -> Result<ObjectRef, JobError> {
        Ok(self.objects.upload_staged(sink, writer(scope), bytes).await?)
    }

    async fn fetch(&self, object: &ObjectRef) -> Result<Bytes, JobError> {
        Ok(self.objects.fetch(object).await?)
    }
}
