//! Deleting savepoints, and finding those of a job. Nobody but their owner does; retention leaves them alone.

use millstream_model::JobIdentity;
use millstream_storage::{ObjectStorage, Patience};

use crate::error::SavepointError;
use crate::location::{self, CLAIM, SavepointLocation, attempt_of};
use crate::reserve::is_left_over;

/// Deletes a savepoint, finished or not, or what is left of one; whether there was anything. The claim goes first, so from
/// then on readers find no savepoint rather than a part of one. Deleting again after a crash deletes the rest. Objects that
/// are not a savepoint's stay, and so does a `claim` that is none, in a folder that has nothing else of a savepoint.
///
/// A savepoint that is being written under this name ends with `NameLost`.
///
/// # Errors
/// `Storage`.
pub async fn delete(location: &SavepointLocation) -> Result<bool, SavepointError> {
    let mut was_there = match location.claim().await {
        Ok(claim) => claim.is_some(),
        Err(SavepointError::Damaged { .. }) => location.keys().await?.iter().any(|k| attempt_of(k).is_some()),
        Err(error) => return Err(error),
    };
    if was_there {
        location.delete(CLAIM).await?;
    }
    for key in location.keys().await?.iter().filter(|key| is_left_over(key, None)) {
        location.delete(key).await?;
        was_there = true;
    }
    Ok(was_there)
}

/// Names of the savepoints in a job's folder, unfinished ones included, in order.
///
/// # Errors
/// `Storage`.
pub async fn list(
    storage: &dyn ObjectStorage,
    job: &JobIdentity,
    patience: &Patience,
) -> Result<Vec<String>, SavepointError> {
    Ok(location::of_all(storage, job, patience).await?.into_keys().collect())
}
