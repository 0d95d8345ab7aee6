//! What to type when a job's stored state cannot be used.
//!
//! Example: epoch 41 has a damaged segment; 40 and 39 are kept. The error is followed by `--from-epoch 40 goes back to the
//! epoch before it; output of the epochs after 40 will be written again`.

use millstream_checkpoint_store::JobStore;
use millstream_model::{Epoch, JobError};

use crate::cli::failure::Failure;

/// The failure, with the ways on if it is stored state that is damaged. `used` is the epoch that the job had been restored
/// from, if it came so far; else it is the newest one.
pub(super) async fn on(error: JobError, used: Option<Epoch>, store: &JobStore) -> Failure {
    let Ok(overview) = store.look().await else { return Failure::Mistake(error.message) };
    let newest = overview.restorable.as_ref().map(|(owned, _)| owned.epoch);
    let used = used.or(newest);
    let is_damaged = match used {
        Some(epoch) if overview.damage.is_none() => is_damaged(store, epoch).await,
        _ => overview.damage.is_some(),
    };
    if !is_damaged {
        return Failure::Mistake(error.message);
    }
    let older = overview.ancestors.iter().map(|owned| owned.epoch);
    let before = newest.into_iter().chain(older).filter(|epoch| used.is_none_or(|used| *epoch < used)).max();
    Failure::Mistake(format!("{}\n  {}", error.message, ways_on(before)))
}

/// Whether an object of the epoch's checkpoint is not what it should be. Reads all of them.
async fn is_damaged(store: &JobStore, epoch: Epoch) -> bool {
    let Ok((_, manifest)) = store.read_manifest(epoch).await else { return true };
    let objects = store.objects();
    for object in manifest.objects() {
        if objects.fetch(object).await.is_err_and(|error| error.is_damage()) {
            return true;
        }
    }
    false
}

fn ways_on(before: Option<Epoch>) -> String {
    let back = before.map_or_else(String::new, |epoch| {
        format!(
            "--from-epoch {epoch} goes back to the epoch before it (output of the epochs after {epoch} will be written again); "
        )
    });
    format!(
        "{back}--from-savepoint starts from a savepoint; --fresh starts from the beginning; or put the files back as they were"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_epoch_is_named_as_the_flag_wants_it() {
        assert_eq!(
            ways_on(Some(Epoch(40))),
            "--from-epoch 40 goes back to the epoch before it (output of the epochs after 40 will be written again); \
             --from-savepoint starts from a savepoint; --fresh starts from the beginning; or put the files back as they were"
        );
        assert_eq!(
            ways_on(None),
            "--from-savepoint starts from a savepoint; --fresh starts from the beginning; or put the files back as they were"
        );
    }
}
