//! Bounded patience with a store: reads are repeated while the fault passes, creates until the answer is definite.
//!
//! Each function tries at most [`Patience::attempts`] times and gives each call [`Patience::call_deadline`]. With the default
//! (8 attempts, pauses of 50, 100, 200, ... ms, at most 5 s) a store may be away for about 6 s, or 4 minutes if it lets
//! every call run into its deadline.

use std::future::Future;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;

use crate::create::{self, CreateOutcome};
use crate::error::{Action, Remedy, StorageError};
use crate::object_storage::{ObjectInfo, ObjectStorage};

/// How long a caller goes on with a store that does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Tries altogether, at least 1.
    pub attempts: u32,
    /// Limit for one call; a create that exceeds it is ambiguous. One that sends many bytes has a second more for each
    /// [`SLOWEST_BYTES_PER_SECOND`].
    pub call_deadline: Duration,
    /// Pause before the second try; doubled before each further one.
    pub first_pause: Duration,
    /// Longest pause.
    pub longest_pause: Duration,
}

/// A store that takes fewer is as good as one that does not answer.
pub const SLOWEST_BYTES_PER_SECOND: u64 = 2 << 20;

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 8,
            call_deadline: Duration::from_secs(30),
            first_pause: Duration::from_millis(50),
            longest_pause: Duration::from_secs(5),
        }
    }
}

impl Patience {
    /// Asks once and waits no longer than a call may take.
    #[must_use]
    pub const fn once(self) -> Self {
        Self { attempts: 1, ..self }
    }

    /// The same for a call that moves so many bytes.
    pub(crate) fn for_bytes(self, bytes: u64) -> Self {
        let moving = Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND);
        Self { call_deadline: self.call_deadline.saturating_add(moving), ..self }
    }

    /// The pause after failed try number `attempt`, which counts from 1.
    pub(crate) fn pause(&self, attempt: u32) -> Duration {
        let factor = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first_pause.saturating_mul(factor).min(self.longest_pause)
    }
}

/// The whole object.
///
/// # Errors
/// `NotFound`, `Permanent`, or the last `Transient` fault.
pub async fn get(storage: &dyn ObjectStorage, key: &str, patience: &Patience) -> Result<Bytes, StorageError> {
    repeat(storage, Action::Get, key, patience, || storage.get(key)).await
}

/// Bytes `range` of the object, cut at its end.
///
/// # Errors
/// `NotFound`, `Permanent`, or the last `Transient` fault.
pub async fn get_range(
    storage: &dyn ObjectStorage,
    key: &str,
    range: Range<u64>,
    patience: &Patience,
) -> Result<Bytes, StorageError> {
    repeat(storage, Action::Get, key, patience, || storage.get_range(key, range.clone())).await
}

/// What is known about the object; `None` if it does not exist.
///
/// # Errors
/// `Permanent`, or the last `Transient` fault.
pub async fn head(
    storage: &dyn ObjectStorage,
    key: &str,
    patience: &Patience,
) -> Result<Option<ObjectInfo>, StorageError> {
    repeat(storage, Action::Head, key, patience, || storage.head(key)).await
}

/// Every object below `prefix`, sorted by key.
///
/// # Errors
/// `Permanent`, or the last `Transient` fault.
pub async fn list(
    storage: &dyn ObjectStorage,
    prefix: &str,
    patience: &Patience,
) -> Result<Vec<ObjectInfo>, StorageError> {
    repeat(storage, Action::List, prefix, patience, || storage.list(prefix)).await
}

/// Removes the object.
///
/// # Errors
/// `Permanent`, or the last `Transient` fault.
pub async fn delete(storage: &dyn ObjectStorage, key: &str, patience: &Patience) -> Result<(), StorageError> {
    repeat(storage, Action::Delete, key, patience, || storage.delete(key)).await
}

/// Creates the object and finds out whose it is: a create without a definite answer is repeated with the same body, and a
/// key that is taken is read back and compared. The body must be the caller's own (it carries a nonce, or its content is
/// determined by its key), because equal bodies count as one's own.
///
/// # Errors
/// `Permanent`, in which case nothing was created by the last try; `Ambiguous` or `Transient` when patience ends without a
/// definite answer: the object may or may not be there, and the caller must not act as if it knew.
pub async fn create(
    storage: &dyn ObjectStorage,
    key: &str,
    body: Bytes,
    patience: &Patience,
) -> Result<CreateOutcome, StorageError> {
    create::create(storage, key, body, patience).await
}

/// Calls until there is an answer that another call would not change.
async fn repeat<T, F>(
    storage: &dyn ObjectStorage,
    action: Action,
    key: &str,
    patience: &Patience,
    call: impl Fn() -> F,
) -> Result<T, StorageError>
where
    F: Future<Output = Result<T, StorageError>>,
{
    let mut attempt = 1;
    loop {
        match within(storage, action, key, patience, call()).await {
            Err(error) if error.remedy() == Remedy::Retry && attempt < patience.attempts => {
                tracing::debug!(%error, attempt, "storage call failed, trying again");
                tokio::time::sleep(patience.pause(attempt)).await;
                attempt += 1;
            }
            answer => return answer,
        }
    }
}

/// One call with its deadline.
pub(crate) async fn within<T>(
    storage: &dyn ObjectStorage,
    action: Action,
    key: &str,
    patience: &Patience,
    call: impl Future<Output = Result<T, StorageError>>,
) -> Result<T, StorageError> {
    match tokio::time::timeout(patience.call_deadline, call).await {
        Ok(answer) => answer,
        Err(_elapsed) => Err(StorageError::unanswered(
            action,
            storage.location(),
            key,
            format!("no answer within {:?}", patience.call_deadline),
        )),
    }
}
