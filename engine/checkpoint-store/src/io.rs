//! Calls to storage that every part of this crate makes: patient, below the job's folder, with the step in the error.

use std::sync::Arc;

use bytes::Bytes;
use millstream_checkpoint::envelope::check_size;
use millstream_checkpoint::{DecodeError, RecordKind, layout};
use millstream_model::JobIdentity;
use millstream_storage::{CreateOutcome, ObjectInfo, ObjectStorage, StorageError, retry};

use crate::error::StoreError;
use crate::settings::{Sabotage, StoreSettings};

/// A job's folder in a store. All keys here are relative to the folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) storage: Arc<dyn ObjectStorage>,
    pub(crate) job: JobIdentity,
    pub(crate) prefix: String,
    pub(crate) settings: StoreSettings,
}

impl Folder {
    pub(crate) fn new(storage: Arc<dyn ObjectStorage>, job: JobIdentity, settings: StoreSettings) -> Self {
        let prefix = layout::job_folder(&job);
        Self { storage, job, prefix, settings }
    }

    /// The key relative to the storage root, as it stands in references.
    pub(crate) fn full(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    pub(crate) fn has(&self, sabotage: Sabotage) -> bool {
        self.settings.sabotage.contains(&sabotage)
    }

    pub(crate) async fn get(&self, action: &'static str, key: &str) -> Result<Bytes, StoreError> {
        let answer = retry::get(self.storage.as_ref(), &self.full(key), &self.settings.patience).await;
        answer.map_err(StoreError::storage(action))
    }

    /// A record, or `None` if there is definitely no such object.
    pub(crate) async fn record<T>(
        &self,
        action: &'static str,
        kind: RecordKind,
        key: &str,
        decode: impl FnOnce(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, StoreError> {
        let bytes = match self.get(action, key).await {
            Ok(bytes) => bytes,
            Err(StoreError::Storage { source, .. }) if source.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let damaged = |source| StoreError::Record { key: self.full(key), source };
        check_size(kind, bytes.len() as u64).map_err(damaged)?;
        decode(&bytes).map(Some).map_err(damaged)
    }

    pub(crate) async fn list(
        &self,
        action: &'static str,
        prefix: &str,
    ) -> Result<Vec<ObjectInfo>, StoreError> {
        let answer = retry::list(self.storage.as_ref(), &self.full(prefix), &self.settings.patience).await;
        let mut listed = answer.map_err(StoreError::storage(action))?;
        for object in &mut listed {
            object.key.drain(..self.prefix.len().min(object.key.len()));
        }
        Ok(listed)
    }

    pub(crate) async fn create(
        &self,
        key: &str,
        body: impl Into<Bytes> + Send,
    ) -> Result<CreateOutcome, StorageError> {
        let (key, body) = (self.full(key), body.into());
        retry::create(self.storage.as_ref(), &key, body, &self.settings.patience).await
    }

    pub(crate) async fn delete(&self, action: &'static str, key: &str) -> Result<(), StoreError> {
        let answer = retry::delete(self.storage.as_ref(), &self.full(key), &self.settings.patience).await;
        answer.map_err(StoreError::storage(action))
    }
}
