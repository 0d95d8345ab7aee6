//! A folder as a bucket, with the durability of one: what was created survives a power cut.
//!
//! A body is written aside in the same folder, synced, linked to its final name (which fails if the name is taken), the
//! temporary name is removed and the folder synced. A crash in between leaves a file `.millstream-tmp.<uuid>` that no
//! listing shows; a later listing of its folder removes it once it is an hour older than a file made now, so that the
//! leftover of a process that still lives is not touched.

mod read;
mod write;

use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::{Action, StorageError};
use crate::key;
use crate::object_storage::{ObjectInfo, ObjectStorage, PutOutcome};

/// A folder on a file system that has hard links and `fsync`.
#[derive(Clone, Debug)]
pub struct LocalStorage {
    location: Arc<str>,
    root: Arc<Path>,
}

impl LocalStorage {
    /// The folder `root`, which is created with the first object.
    #[must_use]
    pub fn new(root: impl AsRef<Path>) -> Self {
        let root = without_dots(root.as_ref());
        Self { location: format!("file://{}", root.display()).into(), root: root.into() }
    }

    /// Runs file system calls where they may block.
    async fn blocking<T: Send + 'static>(
        &self,
        action: Action,
        key: &str,
        work: impl FnOnce(&Path) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StorageError> {
        let root = self.root.clone();
        match tokio::task::spawn_blocking(move || work(&root)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(failure)) => Err(failure.classified(action, &self.location, key)),
            Err(stopped) => Err(StorageError::unanswered(action, &self.location, key, stopped)),
        }
    }
}

#[async_trait]
impl ObjectStorage for LocalStorage {
    fn location(&self) -> &str {
        &self.location
    }

    async fn get(&self, key: &str) -> Result<Bytes, StorageError> {
        key::check(key)?;
        let path = PathBuf::from(key);
        self.blocking(Action::Get, key, move |root| read::whole(&root.join(path))).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
        key::check(key)?;
        let path = PathBuf::from(key);
        self.blocking(Action::Get, key, move |root| read::range(&root.join(path), range)).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>, StorageError> {
        key::check(key)?;
        let owned = key.to_owned();
        self.blocking(Action::Head, key, move |root| read::info(root, &owned)).await
    }

    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<PutOutcome, StorageError> {
        key::check(key)?;
        let path = PathBuf::from(key);
        self.blocking(Action::Create, key, move |root| write::create(root, &path, &body)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, StorageError> {
        key::check_prefix(prefix)?;
        let owned = prefix.to_owned();
        self.blocking(Action::List, prefix, move |root| read::list(root, &owned)).await
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        key::check(key)?;
        let path = PathBuf::from(key);
        self.blocking(Action::Delete, key, move |root| write::delete(root, &path)).await
    }
}

/// How a file system call failed.
#[derive(Debug)]
enum Failure {
    /// Before anything could be seen by others.
    Before(std::io::Error),
    /// After the object may have become visible.
    After(std::io::Error),
    /// For a reason that trying again does not change.
    Refused(String),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Before(error)
    }
}

impl Failure {
    fn classified(self, action: Action, store: &str, key: &str) -> StorageError {
        use std::io::ErrorKind as Io;
        match self {
            Self::After(error) => StorageError::unanswered(action, store, key, error),
            Self::Refused(reason) => StorageError::permanent(action, store, key, reason),
            Self::Before(error) => match error.kind() {
                // A file where a folder should be means that nothing below it exists.
                Io::NotFound | Io::NotADirectory | Io::IsADirectory
                    if matches!(action, Action::Get | Action::Head) =>
                {
                    StorageError::not_found(store, key)
                }
                Io::PermissionDenied
                | Io::ReadOnlyFilesystem
                | Io::NotADirectory
                | Io::IsADirectory
                | Io::InvalidFilename
                | Io::Unsupported => StorageError::permanent(action, store, key, error),
                // A full disk, no file handles left, an interrupted call: all may pass.
                _ => StorageError::transient(action, store, key, error),
            },
        }
    }
}

/// Resolves `.` and `..` by their letters, for messages; symbolic links above the root are the user's business.
fn without_dots(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(clean.components().next_back(), Some(Component::Normal(_))) => {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    clean
}

#[cfg(test)]
#[path = "local/local_test.rs"]
mod local_test;
