//! What coordinators left that died while they wrote a savepoint: pins of the checkpoint, and files that no reader can find.
//!
//! Only what cannot become a savepoint any more is deleted. An attempt that is perhaps only slow is given up first, with the
//! one write that its manifest would need. Example: `savepoint/nightly/` has a claim of attempt 7, two files, and no manifest:
//! 7 gets its mark, then claim, files and mark go. Savepoints outside of the job's folder are cleaned by the next attempt of
//! the same name, or by [`crate::delete`].

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use millstream_checkpoint_store::{Incarnation, JobStore};
use millstream_model::Generation;
use millstream_storage::{ObjectInfo, Patience};

use crate::error::SavepointError;
use crate::location::{CLAIM, SavepointLocation, attempt_of, manifest_key, of_all};
use crate::reserve;

/// Pins of this crate begin with it; the generation and the attempt follow.
const PIN: &str = "savepoint-";
/// Files that are deleted at the same time.
const CONCURRENT_DELETES: usize = 16;

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
/// own. Doing it again after a crash does the rest. Costs one listing, and more only for a savepoint that is not complete.
///
/// # Errors
/// `Storage`, `Store`, `Damaged`: the first, after everything else was cleaned; the job is none the worse for what is left.
pub async fn clean_up(store: &JobStore, incarnation: &Incarnation) -> Result<(), SavepointError> {
    release_pins(incarnation).await?;
    let storage = store.objects().storage().clone();
    let patience = Patience::default();
    let mut outcome = Ok(());
    for (name, objects) in of_all(storage.as_ref(), store.job(), &patience).await? {
        if is_complete(&objects) {
            continue;
        }
        let location = SavepointLocation::of_job(storage.clone(), store.job(), &name, patience)?;
        let cleaned = clean(&location, &objects).await;
        outcome = outcome.and(cleaned);
    }
    outcome
}

/// Whether these are the objects of one complete attempt and nothing else. The mark of one that was given up has the length of
/// its claim, and is shorter than any manifest.
fn is_complete(objects: &[ObjectInfo]) -> bool {
    let length = |key: &str| objects.iter().find(|o| o.key == key).map(|o| o.length);
    let attempts: BTreeSet<u64> = objects.iter().filter_map(|o| attempt_of(&o.key)).collect();
    let [attempt] = Vec::from_iter(attempts)[..] else { return false };
    matches!((length(CLAIM), length(&manifest_key(attempt))), (Some(claim), Some(manifest)) if manifest > claim)
}

/// `seen` was listed before the claim is read: an attempt whose files were there then, and whose claim is not there now, has
/// lost it.
async fn clean(location: &SavepointLocation, seen: &[ObjectInfo]) -> Result<(), SavepointError> {
    let claim = location.claim().await?;
    let mut kept = None;
    if let Some(claim) = &claim
        && !reserve::give_up(location, claim).await?
    {
        kept = Some(claim.attempt);
    }
    let mut attempts: BTreeSet<u64> = seen.iter().filter_map(|o| attempt_of(&o.key)).collect();
    attempts.extend(claim.map(|claim| claim.attempt));
    attempts.retain(|attempt| Some(*attempt) != kept);
    let mut keys = location.keys().await?;
    keys.retain(|key| attempt_of(key).is_some_and(|attempt| attempts.contains(&attempt)));
    let deletes = keys.into_iter().map(|key| async move { location.delete(&key).await });
    stream::iter(deletes).buffer_unordered(CONCURRENT_DELETES).try_collect::<()>().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_listing_shows_to_be_complete_is_not_read() {
        const MANIFEST: &str = "0000000000000007/manifest";
        let table: [(&[(&str, u64)], bool); 7] = [
            (&[("claim", 40), (MANIFEST, 900), ("0000000000000007/agg/main/x.parquet", 9)], true),
            (&[("claim", 40), (MANIFEST, 40)], false),
            (&[("claim", 40), ("0000000000000007/agg/main/x.parquet", 9)], false),
            (&[(MANIFEST, 900)], false),
            (&[("claim", 40)], false),
            (&[("claim", 40), (MANIFEST, 900), ("0000000000000008/manifest", 900)], false),
            (&[("README.md", 40)], false),
        ];
        for (objects, expected) in table {
            let info = |(key, length): &(&str, u64)| ObjectInfo {
                key: (*key).into(),
                length: *length,
                modified_ms: 0,
            };
            let listed: Vec<ObjectInfo> = objects.iter().map(info).collect();
            assert_eq!(is_complete(&listed), expected, "{objects:?}");
        }
    }
}
