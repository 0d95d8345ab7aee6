//! Segments and manifests: immutable objects that are referenced with length and checksum.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use millstream_checkpoint::layout::{self, Writer};
use millstream_checkpoint::{Manifest, OwnedCheckpoint, checksum};
use millstream_model::OperatorUid;
use millstream_model::snapshot::ObjectRef;
use millstream_storage::{CreateOutcome, ObjectStorage, Patience, retry};

use crate::error::StoreError;
use crate::io::Folder;
use crate::settings::Sabotage;

/// Objects that are looked for at the same time.
const CONCURRENT_LOOKS: usize = 32;
/// Nonces that are drawn before giving up: with 64 random bits even a second one is never needed.
const NONCE_ROUNDS: usize = 4;

/// How long after the acknowledgement the planted bug uploads.
const PLANTED_DELAY: Duration = Duration::from_millis(3);

/// What a job's workers need of its store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct JobObjects {
    folder: Folder,
}

impl JobObjects {
    pub(crate) const fn new(folder: Folder) -> Self {
        Self { folder }
    }

    /// The store itself, for sinks that publish into the same bucket.
    #[must_use]
    pub fn storage(&self) -> Arc<dyn ObjectStorage> {
        self.folder.storage.clone()
    }

    /// Uploads a segment of a state table. When this returns the object is durable, and is never changed.
    ///
    /// # Errors
    /// `Storage`: nothing may be reported; what may have been uploaded is swept later.
    pub async fn upload_state(
        &self,
        operator: &OperatorUid,
        table: &str,
        writer: Writer,
        body: Bytes,
    ) -> Result<ObjectRef, StoreError> {
        self.upload("upload state", body, |nonce| layout::state(operator, table, writer, nonce)).await
    }

    /// Uploads a segment of staged output, with the same guarantee.
    ///
    /// # Errors
    /// As [`Self::upload_state`].
    pub async fn upload_staged(
        &self,
        sink: &OperatorUid,
        writer: Writer,
        body: Bytes,
    ) -> Result<ObjectRef, StoreError> {
        self.upload("upload staged output", body, |nonce| layout::staged(sink, writer, nonce)).await
    }

    /// The content of an object, checked against its reference.
    ///
    /// # Errors
    /// See [`fetch`].
    pub async fn fetch(&self, object: &ObjectRef) -> Result<Bytes, StoreError> {
        fetch(self.folder.storage.as_ref(), object, &self.folder.settings.patience).await
    }

    async fn upload(
        &self,
        action: &'static str,
        body: Bytes,
        key: impl Fn(u64) -> String,
    ) -> Result<ObjectRef, StoreError> {
        for _ in 0..NONCE_ROUNDS {
            let key = key(self.folder.settings.nonces.draw());
            if self.folder.has(Sabotage::AckBeforeUpload) {
                let (folder, full) = (self.folder.clone(), self.folder.full(&key));
                let object = reference(full, &body);
                tokio::spawn(async move {
                    tokio::time::sleep(PLANTED_DELAY).await;
                    drop(folder.create(&key, body).await);
                });
                return Ok(object);
            }
            let created =
                self.folder.create(&key, body.clone()).await.map_err(StoreError::storage(action))?;
            if created == CreateOutcome::Created {
                return Ok(reference(self.folder.full(&key), &body));
            }
        }
        Err(StoreError::Misuse("nonces repeat: two processes count from the same number".to_owned()))
    }
}

/// The reference to an object with this content.
pub(crate) fn reference(key: String, body: &[u8]) -> ObjectRef {
    ObjectRef { key, length: body.len() as u64, checksum: checksum(body) }
}

/// The content of an object, checked against the length and checksum of its reference.
///
/// # Errors
/// `ObjectDamaged` if it differs or is gone; `Storage` if it could not be read.
pub async fn fetch(
    storage: &dyn ObjectStorage,
    object: &ObjectRef,
    patience: &Patience,
) -> Result<Bytes, StoreError> {
    let body = match retry::get(storage, &object.key, patience).await {
        Ok(body) => body,
        Err(error) if error.is_not_found() => return Err(damaged(object, "nothing".to_owned())),
        Err(source) => return Err(StoreError::Storage { action: "read an object of a checkpoint", source }),
    };
    let found = reference(object.key.clone(), &body);
    if found == *object { Ok(body) } else { Err(damaged(object, description(&found))) }
}

/// Looks whether every object of a manifest is there with its length; their content is checked when it is read.
///
/// # Errors
/// `ObjectDamaged` for the first that is not; `Storage` if it could not be asked.
pub async fn verify(
    storage: &dyn ObjectStorage,
    manifest: &Manifest,
    patience: &Patience,
) -> Result<(), StoreError> {
    let look = |object: ObjectRef| async move {
        let found = retry::head(storage, &object.key, patience).await;
        match found.map_err(StoreError::storage("look for an object of a checkpoint"))? {
            Some(info) if info.length == object.length => Ok(()),
            Some(info) => Err(damaged(&object, format!("{} bytes", info.length))),
            None => Err(damaged(&object, "nothing".to_owned())),
        }
    };
    stream::iter(manifest.objects().cloned()).map(look).buffer_unordered(CONCURRENT_LOOKS).try_collect().await
}

/// The manifest of an owned checkpoint, checked against the epoch record.
pub(crate) async fn manifest(folder: &Folder, owned: &OwnedCheckpoint) -> Result<Manifest, StoreError> {
    let bytes = fetch(folder.storage.as_ref(), &owned.manifest, &folder.settings.patience).await?;
    let manifest = Manifest::decode(&bytes, &folder.job)
        .map_err(|source| StoreError::Record { key: owned.manifest.key.clone(), source })?;
    if (manifest.checkpoint, manifest.generation) != owned.key() {
        return Err(StoreError::ObjectDamaged {
            key: owned.manifest.key.clone(),
            expected: format!("checkpoint {} of generation {}", owned.checkpoint, owned.generation),
            found: format!("checkpoint {} of generation {}", manifest.checkpoint, manifest.generation),
        });
    }
    Ok(manifest)
}

fn damaged(object: &ObjectRef, found: String) -> StoreError {
    StoreError::ObjectDamaged { key: object.key.clone(), expected: description(object), found }
}

fn description(object: &ObjectRef) -> String {
    format!("{} bytes with checksum {:016x}", object.length, object.checksum)
}
