//! Reading and appending to the epoch log.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use millstream_checkpoint::layout::{self, ObjectKind};
use millstream_checkpoint::{
    CheckpointKey, EpochKind, EpochRecord, FIRST_EPOCH, RecordKind, Resolution, Resolved, resolve,
};
use millstream_model::{Epoch, Generation};
use millstream_storage::CreateOutcome;

use crate::error::StoreError;
use crate::io::Folder;
use crate::job_store::JobStore;

/// Records that are read at first; twice as many each time they are not enough. A take-over after a crash needs what is
/// unpublished (at most 16) and a few starts.
const FIRST_READ: u64 = 32;
/// Records that are read at the same time.
const CONCURRENT_READS: usize = 16;
/// Records of others that an append steps over before giving up. Each one means that another coordinator got further.
const APPEND_ROUNDS: usize = 10_000;

/// One record; `None` if the log does not reach that far.
pub(crate) async fn record(folder: &Folder, epoch: Epoch) -> Result<Option<EpochRecord>, StoreError> {
    folder.record("read the epoch log", RecordKind::Epoch, &layout::epoch(epoch), EpochRecord::decode).await
}

/// The newest epoch; 0 if there is none. The listing is only a hint: records behind it are looked for one by one.
pub(crate) async fn newest(folder: &Folder) -> Result<Epoch, StoreError> {
    let listed = folder.list("list the epoch log", layout::EPOCHS).await?;
    let mut newest = listed
        .iter()
        .filter_map(|o| match layout::parse(&o.key) {
            Some(ObjectKind::Epoch(epoch)) => Some(epoch),
            _ => None,
        })
        .max()
        .unwrap_or(Epoch(0));
    while record(folder, newest.next()).await?.is_some() {
        newest = newest.next();
    }
    Ok(newest)
}

/// Checkpoints that carry the marker.
pub(crate) async fn marked(folder: &Folder) -> Result<BTreeSet<CheckpointKey>, StoreError> {
    let listed = folder.list("list the checkpoints", layout::CHECKPOINTS).await?;
    let marker = |key: &str| match layout::parse(key) {
        Some(ObjectKind::Published(checkpoint, generation)) => Some((checkpoint, generation)),
        _ => None,
    };
    Ok(listed.iter().filter_map(|o| marker(&o.key)).collect())
}

/// What the log up to `newest` says, with at least `wanted` ancestors.
pub(crate) async fn read(folder: &Folder, newest: Epoch, wanted: usize) -> Result<Resolved, StoreError> {
    let marked = marked(folder).await?;
    let mut length = FIRST_READ;
    loop {
        let first = Epoch((newest.0 + 1).saturating_sub(length).max(FIRST_EPOCH.0));
        let records = records(folder, first, newest).await?;
        let broken = |source| StoreError::Log { job: folder.job.to_string(), source };
        match resolve(&records, &marked, wanted).map_err(broken)? {
            Resolution::Complete(resolved) => return Ok(resolved),
            Resolution::NeedsOlder => length = length.saturating_mul(2),
        }
    }
}

async fn records(
    folder: &Folder,
    first: Epoch,
    last: Epoch,
) -> Result<Vec<(Epoch, EpochRecord)>, StoreError> {
    let read = |number| async move { Ok((Epoch(number), record(folder, Epoch(number)).await?)) };
    let found: Vec<(Epoch, Option<EpochRecord>)> =
        stream::iter(first.0..=last.0).map(read).buffered(CONCURRENT_READS).try_collect().await?;
    // A number that is missing in the middle is a gap, which resolve reports.
    Ok(found.into_iter().filter_map(|(epoch, record)| Some((epoch, record?))).collect())
}

/// Appends a record of `generation` behind whatever is there, and returns its place.
///
/// # Errors
/// `Fenced` if a record of a newer generation is met; `Closed`; `Undecided`; `Storage`.
pub(crate) async fn append(
    folder: &Folder,
    generation: Generation,
    kind: EpochKind,
) -> Result<Epoch, StoreError> {
    let mut newest = newest(folder).await?;
    if newest >= FIRST_EPOCH
        && let Some(last) = record(folder, newest).await?
    {
        check_may_follow(folder, generation, &last).await?;
    }
    let record = EpochRecord { kind, generation, nonce: folder.settings.nonces.draw() };
    for _ in 0..APPEND_ROUNDS {
        let place = newest.next();
        match claim(folder, place, &record).await? {
            Claim::Made => return Ok(place),
            Claim::Taken(other) => {
                check_may_follow(folder, generation, &other).await?;
                newest = place;
            }
        }
    }
    Err(StoreError::Misuse(format!("{APPEND_ROUNDS} records in a row were appended by others")))
}

/// Whose record it is.
pub(crate) enum Claim {
    /// Ours, now or since an earlier try.
    Made,
    /// Another's.
    Taken(EpochRecord),
}

/// Creates the record at this place, and finds out whose it is if it is taken.
pub(crate) async fn claim(folder: &Folder, place: Epoch, record: &EpochRecord) -> Result<Claim, StoreError> {
    let key = layout::epoch(place);
    match folder.create(&key, record.encode()).await {
        Ok(CreateOutcome::Created) => Ok(Claim::Made),
        Ok(CreateOutcome::Taken(bytes)) => EpochRecord::decode(&bytes)
            .map(Claim::Taken)
            .map_err(|source| StoreError::Record { key: folder.full(&key), source }),
        // A definite refusal: nothing was written.
        Err(source) if source.remedy() == millstream_storage::Remedy::GiveUp => {
            Err(StoreError::Storage { action: "append to the epoch log", source })
        }
        Err(source) => Err(StoreError::Undecided { what: format!("epoch {place}"), source }),
    }
}

async fn check_may_follow(folder: &Folder, mine: Generation, other: &EpochRecord) -> Result<(), StoreError> {
    if other.kind == EpochKind::Closed {
        return Err(StoreError::Closed { job: folder.job.to_string() });
    }
    if other.generation > mine {
        return Err(fenced(folder, mine, other.generation).await);
    }
    Ok(())
}

/// The error for meeting `by`, naming who that is if it can be found out.
pub(crate) async fn fenced(folder: &Folder, mine: Generation, by: Generation) -> StoreError {
    let claimant = JobStore::claimant(folder, by).await.ok().flatten();
    let coordinator = claimant.map_or_else(|| "unknown".to_owned(), |c| c.coordinator);
    StoreError::Fenced { mine, by, coordinator }
}
