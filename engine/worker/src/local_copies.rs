//! Copies of state segments on this machine's disk, so that a restart here need not fetch them again.
//!
//! The bucket alone counts: a segment is stored there before its copy is, a copy is believed only if its length and checksum are
//! those of the reference, and every failure of the disk means the bucket is asked. Copies are never synced and may vanish at any
//! time. The oldest go first when there are more bytes than the budget. Example: a budget of 1 GB and 1.2 GB of segments: the
//! oldest 0.2 GB come from the bucket, the rest from here.

use std::collections::VecDeque;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use millstream_checkpoint::envelope::checksum;
use millstream_model::snapshot::ObjectRef;
use millstream_model::{JobError, OperatorUid};

use crate::store::{ObjectScope, SnapshotStore};

/// What a copy's file ends with; nothing else in the folder is touched.
const SUFFIX: &str = ".segment";

/// A store with copies in front of it.
pub struct LocalCopies {
    store: Arc<dyn SnapshotStore>,
    disk: Arc<Disk>,
}

/// The folder of the copies.
struct Disk {
    folder: PathBuf,
    budget_bytes: u64,
    files: Mutex<Files>,
}

/// What is there, oldest first.
#[derive(Default)]
struct Files {
    order: VecDeque<(String, u64)>,
    bytes: u64,
}

impl Files {
    /// The newest file. Several tasks that restore from one object each keep it: it is there once.
    fn add(&mut self, name: String, bytes: u64) {
        if let Some(at) = self.order.iter().position(|(there, _)| *there == name)
            && let Some((_, replaced)) = self.order.remove(at)
        {
            self.bytes -= replaced;
        }
        self.order.push_back((name, bytes));
        self.bytes += bytes;
    }
}

impl LocalCopies {
    /// Copies of what goes to `store`, in `folder`, where those of earlier processes may lie.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn new(store: Arc<dyn SnapshotStore>, folder: PathBuf, budget_bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let about = entry.metadata()?;
            if name.ends_with(SUFFIX) {
                found.push((about.modified()?, name, about.len()));
            }
        }
        found.sort();
        let bytes = found.iter().map(|(_, _, bytes)| bytes).sum();
        let order = found.into_iter().map(|(_, name, bytes)| (name, bytes)).collect();
        let disk = Disk { folder, budget_bytes, files: Mutex::new(Files { order, bytes }) };
        disk.shrink();
        Ok(Self { store, disk: Arc::new(disk) })
    }

    async fn keep(&self, object: &ObjectRef, bytes: Bytes) {
        let (disk, object) = (self.disk.clone(), object.clone());
        let written = tokio::task::spawn_blocking(move || disk.write(&object, &bytes)).await;
        if let Ok(Err(error)) = written {
            tracing::debug!("no copy of a segment is kept: {error}");
        }
    }
}

impl Disk {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn read(&self, object: &ObjectRef) -> Option<Bytes> {
        let bytes = fs::read(self.path(&name(object))).ok()?;
        let is_right = bytes.len() as u64 == object.length && checksum(&bytes) == object.checksum;
        is_right.then(|| bytes.into())
    }

    fn write(&self, object: &ObjectRef, bytes: &[u8]) -> io::Result<()> {
        if object.length > self.budget_bytes {
            return Ok(());
        }
        let name = name(object);
        let hidden = self.path(&format!(".{name}"));
        let written = fs::write(&hidden, bytes).and_then(|()| fs::rename(&hidden, self.path(&name)));
        if let Err(error) = written {
            // Most likely the disk is full: what was written of it takes room, too.
            remove(&hidden);
            return Err(error);
        }
        self.files().add(name, object.length);
        self.shrink();
        Ok(())
    }

    /// Removes the oldest until the rest fits.
    fn shrink(&self) {
        let mut files = self.files();
        while files.bytes > self.budget_bytes
            && let Some((name, bytes)) = files.order.pop_front()
        {
            files.bytes -= bytes;
            remove(&self.path(&name));
        }
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::debug!("{} stays: {error}", path.display());
    }
}

/// Keys have slashes and are unique; their hash with that of the content is as well.
fn name(object: &ObjectRef) -> String {
    format!("{:016x}-{:016x}{SUFFIX}", checksum(object.key.as_bytes()), object.checksum)
}

#[async_trait]
impl SnapshotStore for LocalCopies {
    async fn put_state(
        &self,
        scope: ObjectScope,
        operator: &OperatorUid,
        table: &str,
        bytes: Bytes,
    ) -> Result<ObjectRef, JobError> {
        let object = self.store.put_state(scope, operator, table, bytes.clone()).await?;
        self.keep(&object, bytes).await;
        Ok(object)
    }

    /// Staged output is read by whoever publishes, not here.
    async fn put_staged(
        &self,
        scope: ObjectScope,
        sink: &OperatorUid,
        bytes: Bytes,
    ) -> Result<ObjectRef, JobError> {
        self.store.put_staged(scope, sink, bytes).await
    }

    async fn fetch(&self, object: &ObjectRef) -> Result<Bytes, JobError> {
        let (disk, wanted) = (self.disk.clone(), object.clone());
        if let Ok(Some(bytes)) = tokio::task::spawn_blocking(move || disk.read(&wanted)).await {
            return Ok(bytes);
        }
        let bytes = self.store.fetch(object).await?;
        self.keep(object, bytes.clone()).await;
        Ok(bytes)
    }
}

impl fmt::Debug for LocalCopies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalCopies").field("folder", &self.disk.folder).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use millstream_model::{Attempt, ChainId, ErrorKind, Generation, SubtaskId};

    /// A bucket that counts what is fetched from it.
    #[derive(Debug, Default)]
    struct Bucket {
        objects: Mutex<BTreeMap<String, Bytes>>,
        fetched: AtomicUsize,
    }

    #[async_trait]
    impl SnapshotStore for Bucket {
        async fn put_state(
            &self,
            _: ObjectScope,
            _: &OperatorUid,
            table: &str,
            bytes: Bytes,
        ) -> Result<ObjectRef, JobError> {
            let (length, checksum) = (bytes.len() as u64, checksum(&bytes));
            self.objects.lock().unwrap().insert(table.into(), bytes);
            Ok(ObjectRef { key: table.into(), length, checksum })
        }

        async fn put_staged(&self, _: ObjectScope, _: &OperatorUid, _: Bytes) -> Result<ObjectRef, JobError> {
            Err(JobError::new(ErrorKind::Bug, "not here"))
        }

        async fn fetch(&self, object: &ObjectRef) -> Result<Bytes, JobError> {
            self.fetched.fetch_add(1, Ordering::Relaxed);
            let found = self.objects.lock().unwrap().get(&object.key).cloned();
            found.ok_or_else(|| JobError::new(ErrorKind::State, "gone"))
        }
    }

    async fn put(copies: &LocalCopies, key: &str, bytes: &[u8]) -> ObjectRef {
        let subtask = SubtaskId { chain: ChainId(0), index: 0 };
        let scope = ObjectScope { generation: Generation(1), attempt: Attempt(1), subtask };
        copies.put_state(scope, &OperatorUid("agg".into()), key, Bytes::copy_from_slice(bytes)).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_written_here_is_not_fetched_and_what_is_damaged_is() {
        let folder = tempfile::tempdir().unwrap();
        let bucket = Arc::new(Bucket::default());
        let open = |budget| LocalCopies::new(bucket.clone(), folder.path().into(), budget).unwrap();
        let fetched = || bucket.fetched.load(Ordering::Relaxed);
        let copies = open(100);
        let (a, b) = (put(&copies, "a", b"first").await, put(&copies, "b", b"second").await);
        assert_eq!((copies.fetch(&a).await.unwrap(), fetched()), (Bytes::from("first"), 0));
        drop(copies);

        // The next process finds them.
        let copies = open(100);
        assert_eq!((copies.fetch(&b).await.unwrap(), fetched()), (Bytes::from("second"), 0));
        fs::write(folder.path().join(name(&b)), "sechnd").unwrap();
        assert_eq!((copies.fetch(&b).await.unwrap(), fetched()), (Bytes::from("second"), 1));
        assert_eq!((copies.fetch(&b).await.unwrap(), fetched()), (Bytes::from("second"), 1), "mended");
        fs::remove_dir_all(folder.path()).unwrap();
        assert_eq!((copies.fetch(&a).await.unwrap(), fetched()), (Bytes::from("first"), 2));
    }

    #[tokio::test]
    async fn the_oldest_go_when_there_is_no_room() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("theirs.txt"), "x").unwrap();
        let bucket = Arc::new(Bucket::default());
        let copies = LocalCopies::new(bucket.clone(), folder.path().into(), 10).unwrap();
        let (a, b) = (put(&copies, "a", b"12345").await, put(&copies, "b", b"12345").await);
        let c = put(&copies, "c", b"1").await;
        let large = put(&copies, "large", b"12345678901").await;
        let there = |object: &ObjectRef| folder.path().join(name(object)).exists();
        assert_eq!([&a, &b, &c, &large].map(there), [false, true, true, false]);
        assert!(folder.path().join("theirs.txt").exists());

        // `b` is kept again: it is the newest of three, and counts once.
        copies.disk.write(&b, b"12345").unwrap();
        let d = put(&copies, "d", b"1234").await;
        assert_eq!([&b, &c, &d].map(there), [true, true, true]);
        let e = put(&copies, "e", b"1").await;
        assert_eq!([&b, &c, &d, &e].map(there), [true, false, true, true]);
        let _smaller = LocalCopies::new(bucket, folder.path().into(), 1).unwrap();
        assert_eq!([&b, &d, &e].map(there), [false, false, true]);
    }
}
