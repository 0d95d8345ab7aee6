//! Objects in this process's memory: for tests, and for jobs whose state need not outlive the process.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use crate::error::StorageError;
use crate::key;
use crate::object_storage::{ObjectInfo, ObjectStorage, PutOutcome};

/// Stores that were opened by name. They live as long as the process, as a bucket would.
static NAMED: LazyLock<Mutex<BTreeMap<String, MemoryStorage>>> = LazyLock::new(Mutex::default);

/// A bucket in memory. Clones share their objects.
///
/// Its clock is tokio's, so a test that pauses time also controls the age of objects.
#[derive(Clone, Debug)]
pub struct MemoryStorage {
    location: String,
    objects: Arc<Mutex<BTreeMap<String, Object>>>,
    born: Instant,
}

#[derive(Clone, Debug)]
struct Object {
    body: Bytes,
    modified_ms: u64,
}

impl MemoryStorage {
    /// An empty bucket that nobody else can open.
    #[must_use]
    pub fn new() -> Self {
        Self { location: "memory://".to_owned(), objects: Arc::default(), born: Instant::now() }
    }

    /// The bucket of this name, shared by everything in this process that names it.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
        named
            .entry(name.to_owned())
            .or_insert_with(|| Self { location: format!("memory://{name}"), ..Self::new() })
            .clone()
    }

    /// A bucket of its own with the same objects: what a disk would hold if everything stopped now.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        let objects = self.lock().clone();
        Self { location: self.location.clone(), objects: Arc::new(Mutex::new(objects)), born: self.born }
    }

    /// Replaces or removes an object behind everybody's back, to play a damaged bucket.
    pub fn damage(&self, key: &str, body: Option<Bytes>) {
        let mut objects = self.lock();
        match body {
            None => {
                objects.remove(key);
            }
            Some(body) => {
                objects.insert(key.to_owned(), Object { body, modified_ms: self.now_ms() });
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Object>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Default for MemoryStorage {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl ObjectStorage for MemoryStorage {
    fn location(&self) -> &str {
        &self.location
    }

    async fn get(&self, key: &str) -> Result<Bytes, StorageError> {
        key::check(key)?;
        let found = self.lock().get(key).map(|o| o.body.clone());
        found.ok_or_else(|| StorageError::not_found(&self.location, key))
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
        let body = self.get(key).await?;
        let cut = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(body.len());
        let (start, end) = (cut(range.start), cut(range.end));
        Ok(body.slice(start..end.max(start)))
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>, StorageError> {
        key::check(key)?;
        Ok(self.lock().get(key).map(|o| info(key, o)))
    }

    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<PutOutcome, StorageError> {
        key::check(key)?;
        let modified_ms = self.now_ms();
        let mut objects = self.lock();
        if objects.contains_key(key) {
            return Ok(PutOutcome::AlreadyExists);
        }
        objects.insert(key.to_owned(), Object { body, modified_ms });
        Ok(PutOutcome::Created)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, StorageError> {
        key::check_prefix(prefix)?;
        let objects = self.lock();
        let from_prefix = objects.range(prefix.to_owned()..);
        Ok(from_prefix.take_while(|(k, _)| k.starts_with(prefix)).map(|(k, o)| info(k, o)).collect())
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        key::check(key)?;
        self.lock().remove(key);
        Ok(())
    }
}

fn info(key: &str, object: &Object) -> ObjectInfo {
    ObjectInfo { key: key.to_owned(), length: object.body.len() as u64, modified_ms: object.modified_ms }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_conforms() {
        crate::conformance::run(Arc::new(MemoryStorage::new())).await;
    }

    #[tokio::test]
    async fn a_snapshot_goes_its_own_way() {
        let storage = MemoryStorage::new();
        storage.put_if_absent("a", "1".into()).await.unwrap();
        let then = storage.snapshot();
        storage.put_if_absent("b", "2".into()).await.unwrap();
        storage.damage("a", Some("x".into()));
        assert_eq!(then.get("a").await.unwrap(), "1");
        assert!(then.head("b").await.unwrap().is_none());
        storage.damage("a", None);
        assert!(storage.head("a").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn age_follows_the_clock() {
        let storage = MemoryStorage::new();
        storage.put_if_absent("a", "1".into()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        storage.put_if_absent("b", "2".into()).await.unwrap();
        let listed = storage.list("").await.unwrap();
        assert!(listed[1].modified_ms - listed[0].modified_ms >= 20);
    }
}
