//! Wrappers around a bucket: a folder of it, and one whose calls stand still.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use millstream_storage::{ObjectInfo, ObjectStorage, PutOutcome, StorageError};
use tokio::sync::watch;

/// Everything below a prefix, as a store of its own.
#[derive(Debug)]
pub(crate) struct Below {
    pub(crate) inner: Arc<dyn ObjectStorage>,
    /// Ends with `/`.
    pub(crate) prefix: String,
}

impl Below {
    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}

#[async_trait]
impl ObjectStorage for Below {
    fn location(&self) -> &str {
        self.inner.location()
    }

    async fn get(&self, key: &str) -> Result<Bytes, StorageError> {
        self.inner.get(&self.key(key)).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
        self.inner.get_range(&self.key(key), range).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>, StorageError> {
        self.inner.head(&self.key(key)).await
    }

    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<PutOutcome, StorageError> {
        self.inner.put_if_absent(&self.key(key), body).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, StorageError> {
        let mut listed = self.inner.list(&self.key(prefix)).await?;
        for object in &mut listed {
            object.key.drain(..self.prefix.len());
        }
        Ok(listed)
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        self.inner.delete(&self.key(key)).await
    }
}

/// From call number `freeze_at` on every call waits for [`Freezer::thaw`]: a process that was stopped and goes on later.
#[derive(Debug)]
pub(crate) struct Freezer {
    inner: Arc<dyn ObjectStorage>,
    freeze_at: u64,
    calls: AtomicU64,
    is_thawed: watch::Sender<bool>,
}

impl Freezer {
    pub(crate) fn new(inner: Arc<dyn ObjectStorage>, freeze_at: u64) -> Self {
        Self { inner, freeze_at, calls: AtomicU64::new(0), is_thawed: watch::Sender::new(false) }
    }

    /// Whether some call stands still.
    pub(crate) fn is_frozen(&self) -> bool {
        self.calls.load(Ordering::Relaxed) >= self.freeze_at && !*self.is_thawed.borrow()
    }

    pub(crate) fn thaw(&self) {
        self.is_thawed.send_replace(true);
    }

    async fn turn(&self) {
        if self.calls.fetch_add(1, Ordering::Relaxed) + 1 >= self.freeze_at {
            let mut thawed = self.is_thawed.subscribe();
            // The sender lives in self, so waiting cannot fail.
            drop(thawed.wait_for(|t| *t).await);
        }
    }
}

#[async_trait]
impl ObjectStorage for Freezer {
    fn location(&self) -> &str {
        self.inner.location()
    }

    async fn get(&self, key: &str) -> Result<Bytes, StorageError> {
        self.turn().await;
        self.inner.get(key).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
        self.turn().await;
        self.inner.get_range(key, range).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>, StorageError> {
        self.turn().await;
        self.inner.head(key).await
    }

    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<PutOutcome, StorageError> {
        self.turn().await;
        self.inner.put_if_absent(key, body).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, StorageError> {
        self.turn().await;
        self.inner.list(prefix).await
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        self.turn().await;
        self.inner.delete(key).await
    }
}
