//! Creating an object with a definite answer, over a store that may apply a write and lose the reply.

use bytes::Bytes;

use crate::error::{Action, Remedy, StorageError};
use crate::object_storage::{ObjectStorage, PutOutcome};
use crate::retry::{Patience, within};

/// Whose object it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateOutcome {
    /// The caller's: it is there with the caller's body.
    Created,
    /// Somebody else's, with this body.
    Taken(Bytes),
}

/// See [`crate::retry::create`].
pub(crate) async fn create(
    storage: &dyn ObjectStorage,
    key: &str,
    body: Bytes,
    patience: &Patience,
) -> Result<CreateOutcome, StorageError> {
    let patience = &patience.for_bytes(body.len() as u64);
    let mut attempt = 1;
    // An ambiguous answer outlives a later transient one: the first write may still arrive.
    let mut ambiguous = None;
    loop {
        let error = match try_once(storage, key, &body, patience).await {
            Ok(outcome) => return Ok(outcome),
            Err(error) => error,
        };
        match error.remedy() {
            Remedy::GiveUp if ambiguous.is_none() => return Err(error),
            Remedy::ReadBack => ambiguous = Some(error),
            _ if attempt >= patience.attempts => return Err(ambiguous.unwrap_or(error)),
            _ => {}
        }
        if attempt >= patience.attempts {
            return Err(ambiguous.unwrap_or_else(|| no_answer(storage, key)));
        }
        tracing::debug!(key, attempt, "create has no definite answer yet, trying again");
        tokio::time::sleep(patience.pause(attempt)).await;
        attempt += 1;
    }
}

async fn try_once(
    storage: &dyn ObjectStorage,
    key: &str,
    body: &Bytes,
    patience: &Patience,
) -> Result<CreateOutcome, StorageError> {
    let put = storage.put_if_absent(key, body.clone());
    match within(storage, Action::Create, key, patience, put).await? {
        PutOutcome::Created => Ok(CreateOutcome::Created),
        PutOutcome::AlreadyExists => {
            match within(storage, Action::Get, key, patience, storage.get(key)).await {
                Ok(found) if found == *body => Ok(CreateOutcome::Created),
                Ok(found) => Ok(CreateOutcome::Taken(found)),
                // S3 answers 409 when two conditional writes collide, and neither may have been applied.
                Err(StorageError::NotFound { .. }) => Err(no_answer(storage, key)),
                Err(error) => Err(error),
            }
        }
    }
}

fn no_answer(storage: &dyn ObjectStorage, key: &str) -> StorageError {
    StorageError::unanswered(
        Action::Create,
        storage.location(),
        key,
        "the store says that the object exists, and then that it does not",
    )
}
