//! The worker's view of the job's bucket.

use async_trait::async_trait;
use bytes::Bytes;
use millstream_checkpoint::layout::Writer;
use millstream_checkpoint_store::JobObjects;
use millstream_model::snapshot::ObjectRef;
use millstream_model::{JobError, OperatorUid};
use millstream_worker::{ObjectScope, SnapshotStore};

/// [`SnapshotStore`] over a job's folder.
#[derive(Clone, Debug)]
pub(super) struct BucketObjects {
    objects: JobObjects,
}

impl BucketObjects {
    pub(super) const fn new(objects: JobObjects) -> Self {
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
