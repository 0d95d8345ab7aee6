//! Taking the name of a savepoint, and giving it back.
//!
//! A name belongs to the attempt in its claim. An attempt that nobody finished is given up first: the mark that it will never
//! have a manifest goes where the manifest would be, with the one write that only one can win. Only then its claim is
//! removed, so a writer that is slow rather than dead is never reported as complete, and what is complete is never taken away.
//!
//! Example: attempt 7 crashed with two files written. Attempt 8 finds claim 7 and no manifest, creates the mark at `7/manifest`,
//! removes claim 7, creates claim 8, and then deletes everything below `7/`. If 7 comes back to life, its manifest meets the
//! mark or finds that the claim is not its own.

use millstream_checkpoint_store::is_probe;
use millstream_storage::CreateOutcome;

use crate::claim::SavepointClaim;
use crate::error::SavepointError;
use crate::location::{CLAIM, Found, SavepointLocation, attempt_folder, attempt_of, manifest_key};

/// Attempts that are given up before giving up oneself. Each one means that somebody began at the same moment.
const ROUNDS: usize = 8;

/// Makes the name the attempt's, and deletes what other attempts left.
pub(crate) async fn reserve(
    location: &SavepointLocation,
    claim: &SavepointClaim,
) -> Result<(), SavepointError> {
    let created = |answer| match answer {
        Ok(outcome) => Ok(outcome == CreateOutcome::Created),
        Err(source) => Err(SavepointError::Storage { action: "claim the name of a savepoint", source }),
    };
    for _ in 0..ROUNDS {
        if created(location.create(CLAIM, claim.encode().into()).await)? {
            return clean(location, claim.attempt).await;
        }
        let Some(other) = location.claim().await? else { continue };
        if !give_up(location, &other).await? {
            return Err(SavepointError::Exists { location: location.to_string() });
        }
    }
    Err(SavepointError::NameLost { location: location.to_string() })
}

/// Refuses a name that a complete savepoint has, and a folder with files of somebody else, before anything is done for a new
/// savepoint. Nothing is changed, so another may still come first.
///
/// # Errors
/// `Exists`; `Name` if something else is there; `Damaged` if it cannot be told; `Storage`.
pub async fn check_free(location: &SavepointLocation) -> Result<(), SavepointError> {
    let is_foreign = |key: &String| key != CLAIM && !is_left_over(key, None);
    if location.keys().await?.iter().any(is_foreign) {
        let reason = "there are other files in that folder; name one that is not there yet";
        return Err(SavepointError::Name { name: location.to_string(), reason });
    }
    let Some(claim) = location.claim().await? else { return Ok(()) };
    match location.manifest(claim.attempt).await? {
        Found::Manifest(_) => Err(SavepointError::Exists { location: location.to_string() }),
        Found::GivenUp | Found::Nothing => Ok(()),
    }
}

/// Ends another attempt for good and frees the name; false if the attempt is complete, and stays.
pub(crate) async fn give_up(
    location: &SavepointLocation,
    other: &SavepointClaim,
) -> Result<bool, SavepointError> {
    match location.manifest(other.attempt).await? {
        Found::Manifest(_) => return Ok(false),
        Found::GivenUp => {}
        Found::Nothing => {
            // The same body from whoever writes it, so that two who give up the same attempt agree.
            let mark = other.encode();
            let key = manifest_key(other.attempt);
            match location.create(&key, mark.into()).await {
                Ok(CreateOutcome::Created) => {}
                Ok(CreateOutcome::Taken(_)) => return Ok(false),
                Err(source) => {
                    return Err(SavepointError::Storage {
                        action: "give up an unfinished savepoint",
                        source,
                    });
                }
            }
            tracing::info!(
                savepoint = %location,
                attempt = format!("{:016x}", other.attempt),
                "an unfinished savepoint was given up"
            );
        }
    }
    if location.claim().await?.as_ref() == Some(other) {
        location.delete(CLAIM).await?;
    }
    Ok(true)
}

/// Deletes everything of other attempts. None of them has a claim any more, so no reader can find them.
async fn clean(location: &SavepointLocation, mine: u64) -> Result<(), SavepointError> {
    for key in location.keys().await? {
        if is_left_over(&key, Some(mine)) {
            location.delete(&key).await?;
        }
    }
    Ok(())
}

/// Whether an object is of an attempt other than `mine`, or of a look at the store that was cut short.
pub(crate) fn is_left_over(key: &str, mine: Option<u64>) -> bool {
    is_probe(key) || attempt_of(key).is_some_and(|attempt| Some(attempt) != mine)
}

/// Removes an attempt of one's own that has failed: its claim, if it still is, then its files. Whether it still was.
pub(crate) async fn withdraw(location: &SavepointLocation, attempt: u64) -> Result<bool, SavepointError> {
    let is_mine = location.claim().await?.is_some_and(|claim| claim.attempt == attempt);
    if is_mine {
        location.delete(CLAIM).await?;
    }
    let folder = attempt_folder(attempt);
    for key in location.keys().await?.into_iter().filter(|key| key.starts_with(&folder)) {
        location.delete(&key).await?;
    }
    Ok(is_mine)
}
