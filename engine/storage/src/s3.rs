//! S3 and everything that speaks its protocol, through object_store.
//!
//! Creates carry `If-None-Match: *` and are sent once: object_store would repeat a conditional PUT after a 5xx, find its own
//! first write and call it a conflict. So the client that writes does not retry, and a failure comes out as `Ambiguous` for
//! the caller to read back. Reads and deletes, which can be repeated without harm, go through a client that does.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutOptions, RetryConfig,
};

use crate::error::{Action, StorageError};
use crate::key;
use crate::object_storage::{ObjectInfo, ObjectStorage, PutOutcome};

/// Limit for one request. A segment of 64 MB at 2 MB/s takes 32 s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Limit for a connection to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Retries of a read within the client; the engine has its own patience on top.
const READ_RETRIES: usize = 3;

/// A prefix of a bucket.
#[derive(Clone, Debug)]
pub struct S3Storage {
    location: String,
    prefix: String,
    reads: Arc<dyn ObjectStore>,
    writes: Arc<dyn ObjectStore>,
}

impl S3Storage {
    /// The bucket with endpoint, region and credentials from the `AWS_*` environment variables (`AWS_ENDPOINT_URL`,
    /// `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, ...), else from the machine's or
    /// pod's role. A plain-text endpoint is allowed: whoever sets one means it.
    ///
    /// # Errors
    /// `Permanent` if the client cannot be built from these variables; `InvalidKey` for an impossible prefix.
    pub fn from_environment(bucket: &str, prefix: &str) -> Result<Self, StorageError> {
        if !prefix.is_empty() {
            key::check(prefix)?;
        }
        let location =
            if prefix.is_empty() { format!("s3://{bucket}") } else { format!("s3://{bucket}/{prefix}") };
        let client = |max_retries| {
            let options =
                ClientOptions::new().with_timeout(REQUEST_TIMEOUT).with_connect_timeout(CONNECT_TIMEOUT);
            AmazonS3Builder::from_env()
                .with_bucket_name(bucket)
                .with_client_options(options)
                .with_allow_http(true)
                .with_conditional_put(S3ConditionalPut::ETagMatch)
                .with_retry(RetryConfig {
                    backoff: BackoffConfig::default(),
                    max_retries,
                    retry_timeout: REQUEST_TIMEOUT,
                })
                .build()
                .map_err(|e| StorageError::permanent(Action::Get, &location, "any object", e))
        };
        let (reads, writes) = (Arc::new(client(READ_RETRIES)?), Arc::new(client(0)?));
        Ok(Self { prefix: prefix.to_owned(), reads, writes, location })
    }

    fn path(&self, action: Action, key: &str) -> Result<Path, StorageError> {
        key::check(key)?;
        let full = if self.prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", self.prefix) };
        Path::parse(full).map_err(|e| StorageError::permanent(action, &self.location, key, e))
    }

    fn info(&self, meta: &ObjectMeta) -> Option<ObjectInfo> {
        let key = meta.location.as_ref().strip_prefix(&self.prefix)?.trim_start_matches('/');
        Some(ObjectInfo {
            key: key.to_owned(),
            length: meta.size,
            modified_ms: u64::try_from(meta.last_modified.timestamp_millis()).unwrap_or(0),
        })
    }

    fn error(&self, action: Action, key: &str, error: Error) -> StorageError {
        match error {
            // A missing bucket also answers 404, but nothing can be created in it.
            Error::NotFound { .. } if matches!(action, Action::Get | Action::Head) => {
                StorageError::not_found(&self.location, key)
            }
            error @ (Error::NotFound { .. }
            | Error::PermissionDenied { .. }
            | Error::Unauthenticated { .. }
            | Error::NotSupported { .. }
            | Error::NotImplemented { .. }
            | Error::InvalidPath { .. }
            | Error::UnknownConfigurationKey { .. }) => {
                StorageError::permanent(action, &self.location, key, error)
            }
            error => StorageError::unanswered(action, &self.location, key, error),
        }
    }
}

#[async_trait]
impl ObjectStorage for S3Storage {
    fn location(&self) -> &str {
        &self.location
    }

    async fn get(&self, key: &str) -> Result<Bytes, StorageError> {
        let path = self.path(Action::Get, key)?;
        let answer = self.reads.get(&path).await.map_err(|e| self.error(Action::Get, key, e))?;
        answer.bytes().await.map_err(|e| self.error(Action::Get, key, e))
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
        let path = self.path(Action::Get, key)?;
        // S3 answers 416 to a range behind the end, so the length comes first.
        let Some(info) = self.head(key).await? else {
            return Err(StorageError::not_found(&self.location, key));
        };
        let range = range.start.min(info.length)..range.end.min(info.length);
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let answer =
            self.reads.get_opts(&path, options).await.map_err(|e| self.error(Action::Get, key, e))?;
        answer.bytes().await.map_err(|e| self.error(Action::Get, key, e))
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>, StorageError> {
        let path = self.path(Action::Head, key)?;
        match self.reads.head(&path).await {
            Ok(meta) => Ok(self.info(&meta)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.error(Action::Head, key, error)),
        }
    }

    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<PutOutcome, StorageError> {
        let path = self.path(Action::Create, key)?;
        let options = PutOptions::from(PutMode::Create);
        match self.writes.put_opts(&path, body.into(), options).await {
            Ok(_) => Ok(PutOutcome::Created),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(PutOutcome::AlreadyExists),
            Err(error) => Err(self.error(Action::Create, key, error)),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, StorageError> {
        key::check_prefix(prefix)?;
        let folder = [self.prefix.as_str(), prefix.trim_end_matches('/')];
        let folder = folder.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        let path = Path::parse(folder)
            .map_err(|e| StorageError::permanent(Action::List, &self.location, prefix, e))?;
        let listed: Vec<ObjectMeta> = self
            .reads
            .list(Some(&path))
            .try_collect()
            .await
            .map_err(|e| self.error(Action::List, prefix, e))?;
        let mut found: Vec<ObjectInfo> = listed.iter().filter_map(|meta| self.info(meta)).collect();
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        let path = self.path(Action::Delete, key)?;
        match self.reads.delete(&path).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.error(Action::Delete, key, error)),
        }
    }
}
