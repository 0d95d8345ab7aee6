//! The trait. What an implementation promises is checked by `conformance`, and again at start-up on the real store.

use std::fmt::Debug;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::StorageError;

/// A place for immutable objects, shared by every process of a job.
///
/// Guarantees: an object appears whole or not at all; of any number of concurrent creates of one key exactly one wins; what
/// was created can be read and listed at once by everybody. A key is a relative path, `epoch/0000000007`: parts joined by
/// `/`, none empty, none `.` or `..`, no control characters, at most 1,024 bytes (S3's limit) and 240 bytes a part (a file
/// system's limit of 255, less room for a temporary suffix).
///
/// Cancellation: dropping the future of a write leaves it ambiguous.
#[async_trait]
pub trait ObjectStorage: Send + Sync + Debug {
    /// Where this is, as a person would write it: `s3://bucket/prefix`.
    fn location(&self) -> &str;

    /// The whole object.
    ///
    /// # Errors
    /// `NotFound`; `Transient`; `Permanent`.
    async fn get(&self, key: &str) -> Result<Bytes, StorageError>;

    /// Bytes `range` of the object, cut at its end; a range that begins at or behind the end is empty.
    ///
    /// # Errors
    /// `NotFound`; `Transient`; `Permanent`.
    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError>;

    /// What is known about the object without reading it; `None` if it does not exist, which is a definite answer.
    ///
    /// # Errors
    /// `Transient`; `Permanent`.
    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>, StorageError>;

    /// Creates the object unless the key is taken. When this returns `Created` the object is durable.
    ///
    /// # Errors
    /// `Ambiguous` if it may have happened; `Transient` if it has not; `Permanent`.
    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<PutOutcome, StorageError>;

    /// Every object whose key starts with `prefix`, which is empty or ends with `/`, sorted by key.
    ///
    /// # Errors
    /// `Transient`; `Permanent`.
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, StorageError>;

    /// Removes the object; it is no error if it does not exist.
    ///
    /// # Errors
    /// `Transient`; `Permanent`.
    async fn delete(&self, key: &str) -> Result<(), StorageError>;
}

/// What a listing says about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its key.
    pub key: String,
    /// Length in bytes.
    pub length: u64,
    /// When it was created, in milliseconds, by the store's own clock.
    pub modified_ms: u64,
}

/// The definite answers to a create.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PutOutcome {
    /// The object is there, with this body, and was not there before.
    Created,
    /// The key was taken. Perhaps by this caller: an earlier try may have been applied without an answer.
    AlreadyExists,
}
