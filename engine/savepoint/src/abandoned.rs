//! What coordinators left that died while they wrote a savepoint: pins of the checkpoint, and files that no reader can find.
//!
//! Only what cannot become a savepoint any more is deleted. An attempt that is perhaps only slow is given up first, with the
//! one write that its manifest would need. Example: `savepoint/nightly/` has a claim of attempt 7, two files, and no manifest:
//! 7 gets its mark, then claim, files and mark go. Savepoints outside of the job's folder are cleaned by the next attempt of
//! the same name, or by [`crate::delete`].

use std::collections::BTreeSet;

use millstream_checkpoint_store::{Incarnation, JobStore};
use millstream_model::Generation;
use millstream_storage::Patience;

use crate::error::SavepointError;
use crate::location::{SavepointLocation, attempt_folder, attempt_of, names};
use crate::reserve;

/// Pins of this crate begin with it; the generation and the attempt follow.
const PIN: &str = "savepoint-";

/// Name of the pin of an attempt.
pub(crate) fn pin(generation: Generation, attempt: u64) -> String {
    format!("{PIN}{generation}-{attempt:016x}")
}

/// Lets go of what coordinators before this one held for savepoints that they never finished.
pub(crate) async fn release_pins(incarnation: &Incarnation) -> Result<(), SavepointError> {
    let pins = incarnation.pins().await.map_err(SavepointError::of_checkpoint("list the pins"))?;
    let is_abandoned =
        |name: &str, generation| name.starts_with(PIN) && generation < incarnation.generation();
    for (name, _) in pins.iter().filter(|(name, pin)| is_abandoned(name, pin.generation)) {
        incarnation.unpin(name).await.map_err(SavepointError::of_checkpoint("remove an abandoned pin"))?;
    }
    Ok(())
}

/// Removes what was left by coordinators before this one: for a job that was just taken over, before it writes savepoints of its
/// own. Doing it again after a crash does the rest.
///
/// # Errors
/// `Storage`, `Store`, `Damaged` if a claim is; the job is none the worse for what is left.
pub async fn clean_up(store: &JobStore, incarnation: &Incarnation) -> Result<(), SavepointError> {
    release_pins(incarnation).await?;
    let objects = store.objects();
    let storage = objects.storage();
    let patience = Patience::default();
    for name in names(storage.as_ref(), store.job(), &patience).await? {
        let location = SavepointLocation::of_job(storage.clone(), store.job(), &name, patience)?;
        clean(&location).await?;
    }
    Ok(())
}

async fn clean(location: &SavepointLocation) -> Result<(), SavepointError> {
    // In this order: an attempt whose files are seen, and whose claim is not there afterwards, lost its claim.
    let keys = location.keys().await?;
    let claim = location.claim().await?;
    let mut kept = None;
    if let Some(claim) = &claim
        && !reserve::give_up(location, claim).await?
    {
        kept = Some(claim.attempt);
    }
    let attempts: BTreeSet<u64> =
        keys.iter().filter_map(|key| attempt_of(key)).chain(claim.map(|claim| claim.attempt)).collect();
    for attempt in attempts.into_iter().filter(|attempt| Some(*attempt) != kept) {
        let folder = attempt_folder(attempt);
        for key in location.keys().await?.iter().filter(|key| key.starts_with(&folder)) {
            location.delete(key).await?;
        }
    }
    Ok(())
}
