//! Taking over: from here on there is one owner.
//!
//! 1. Claim a generation.
//! 2. Append `Start` behind the newest record, stepping over what others append meanwhile.
//! 3. Read what precedes it: that, and only that, is restored, because nobody older can append behind it.
//! 4. The caller publishes what is owned and unmarked, oldest first.
//! 5. Only then it starts tasks.
//!
//! Example: the log ends `6 C, 7 C` (7 unmarked). Generation 3 appends `8 Start`, restores 7 and publishes 7 first. If
//! generation 2 claims 8 first, generation 3 steps over it, appends `9 Start`, restores 8 and publishes 7 and 8.

use std::collections::{BTreeMap, BTreeSet};

use millstream_checkpoint::{EpochKind, Manifest, OwnedCheckpoint, Pin, Resolved, StartFrom, layout};
use millstream_model::{Epoch, Generation};
use millstream_storage::CreateOutcome;

use crate::error::StoreError;
use crate::incarnation::{Incarnation, State};
use crate::io::Folder;
use crate::job_store::JobStore;
use crate::settings::Sabotage;
use crate::{log, objects};

/// What a coordinator wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeOverRequest {
    /// What to continue from.
    pub from: StartFrom,
    /// Owned epochs whose output is given up by name.
    pub discard: Vec<Epoch>,
    /// What to do if the checkpoint to continue from is damaged.
    pub on_damage: OnDamage,
    /// The oldest epoch that may be continued from: whoever knows that the job had got so far never lets it start behind
    /// that, or empty.
    pub at_least: Option<Epoch>,
}

impl Default for TakeOverRequest {
    fn default() -> Self {
        Self { from: StartFrom::Newest, discard: Vec::new(), on_damage: OnDamage::Refuse, at_least: None }
    }
}

/// What to do with a damaged checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnDamage {
    /// Fail, naming the one that could be used instead: continuing from there may write output again.
    Refuse,
    /// Continue from the newest undamaged ancestor; [`TakeOver::passed_over`] and [`TakeOver::repeats`] say what that means.
    FallBack,
    /// Restore nothing: the caller brings state of its own, as an import does. The log says nothing of that, so whoever takes over
    /// before the caller has owned an epoch finds the damage again.
    RestoreNothing,
}

/// A job that has been taken over.
#[derive(Debug)]
pub struct TakeOver {
    /// The right to write.
    pub incarnation: Incarnation,
    /// The record that began it (the last of them, if it fell back).
    pub start: Epoch,
    /// What to continue from; `None`: the job begins anew.
    pub restore: Option<Restored>,
    /// To be published before tasks start, in this order, each with [`Incarnation::publish_permit`].
    pub to_publish: Vec<Restored>,
    /// Epochs whose output was given up by name, now or before.
    pub discarded: BTreeSet<Epoch>,
    /// Damaged checkpoints, newest first. Empty unless falling back was allowed.
    pub passed_over: Vec<PassedOver>,
    /// First and last of the epochs whose output may be visible and will be written again, because the job goes back
    /// behind them: the plan has to say so.
    pub repeats: Option<(Epoch, Epoch)>,
}

/// An owned checkpoint and its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Its place in the log.
    pub owned: OwnedCheckpoint,
    /// What it consists of.
    pub manifest: Manifest,
}

/// A checkpoint that could not be used.
#[derive(Debug)]
pub struct PassedOver {
    /// Which.
    pub epoch: Epoch,
    /// Why.
    pub reason: StoreError,
}

/// A start that was appended and what it means.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) start: Epoch,
    pub(crate) lineage: Vec<OwnedCheckpoint>,
    pub(crate) restore: Option<Restored>,
    pub(crate) to_publish: Vec<Restored>,
    pub(crate) newest_published: Option<OwnedCheckpoint>,
    pub(crate) discarded: BTreeSet<Epoch>,
    pub(crate) passed_over: Vec<PassedOver>,
    pub(crate) repeats: Option<(Epoch, Epoch)>,
}

impl Begun {
    /// What is to be published, by epoch.
    pub(crate) fn unpublished(&self) -> BTreeMap<Epoch, OwnedCheckpoint> {
        self.to_publish.iter().map(|r| (r.owned.epoch, r.owned.clone())).collect()
    }
}

impl JobStore {
    /// Takes the job over, steps 1 to 3; the caller does 4 and 5. Every older coordinator is fenced when this returns, and
    /// may be even if it fails.
    ///
    /// # Errors
    /// `Fenced` if another took over at the same time and is newer; `Closed`; `Damaged`; `NoSuchCheckpoint` if an epoch was
    /// named that is none; `TooOld`; `Undecided`; `Log`; `Storage`.
    pub async fn take_over(&self, request: &TakeOverRequest) -> Result<TakeOver, StoreError> {
        let generation = self.claim(request).await?;
        self.take_over_as(generation, request).await
    }

    /// Step 1, if the job may start at all: every older coordinator is fenced when this returns.
    ///
    /// # Errors
    /// `TooOld`; as [`JobStore::claim_generation`].
    pub async fn claim(&self, request: &TakeOverRequest) -> Result<Generation, StoreError> {
        if request.at_least.is_some() {
            // Whoever runs the job now is not fenced for a start that cannot be.
            let newest = log::read(&self.folder, log::newest(&self.folder).await?, 1).await?;
            check_age(&self.folder, request.at_least, newest.lineage.first().map(|c| c.epoch))?;
        }
        self.claim_generation().await
    }

    /// Steps 2 and 3, for a generation that was claimed for this request. Safe to repeat after an error, an `Undecided` one,
    /// too: another `Start` of the same generation means the same as the first, and a newer generation is met before it.
    ///
    /// # Errors
    /// As [`JobStore::take_over`].
    pub async fn take_over_as(
        &self,
        generation: Generation,
        request: &TakeOverRequest,
    ) -> Result<TakeOver, StoreError> {
        let begun = begin(&self.folder, generation, request).await?;
        let unpublished = begun.unpublished();
        let incarnation = Incarnation::new(
            self.folder.clone(),
            generation,
            begun.start,
            State {
                lineage: begun.lineage,
                unpublished,
                newest_published: begun.newest_published,
                ..State::default()
            },
        );
        if let Some(restored) = &begun.restore {
            incarnation.remember(&restored.manifest);
        }
        Ok(TakeOver {
            incarnation,
            start: begun.start,
            restore: begun.restore,
            to_publish: begun.to_publish,
            discarded: begun.discarded,
            passed_over: begun.passed_over,
            repeats: begun.repeats,
        })
    }

    /// Refuses to continue from an epoch that is older than allowed, or from none.
    ///
    /// # Errors
    /// `TooOld`.
    pub fn check_age(&self, at_least: Option<Epoch>, found: Option<Epoch>) -> Result<(), StoreError> {
        check_age(&self.folder, at_least, found)
    }
}

/// Refuses to continue from an epoch that is older than allowed, or from none.
fn check_age(folder: &Folder, at_least: Option<Epoch>, found: Option<Epoch>) -> Result<(), StoreError> {
    match at_least {
        Some(at_least) if found.is_none_or(|epoch| epoch < at_least) => {
            Err(StoreError::TooOld { job: folder.job.to_string(), at_least, found })
        }
        _ => Ok(()),
    }
}

/// Appends `Start` and reads what it means, falling back if it must and may.
pub(crate) async fn begin(
    folder: &Folder,
    generation: Generation,
    request: &TakeOverRequest,
) -> Result<Begun, StoreError> {
    check_target(folder, generation, request.from).await?;
    let stale = stale_view(folder).await?;
    let kind = EpochKind::Start { from: request.from, discarded: request.discard.clone() };
    let mut start = log::append(folder, generation, kind).await?;
    let before = match request.from {
        StartFrom::Newest => None,
        StartFrom::Epoch(_) | StartFrom::Empty => Some(log::read(folder, Epoch(start.0 - 1), 1).await?),
    };
    let mut newest = before.and_then(|b| b.lineage.first().map(|c| c.epoch));
    let mut passed_over: Vec<PassedOver> = Vec::new();
    loop {
        let resolved = match &stale {
            Some(resolved) => resolved.clone(),
            None => log::read(folder, start, folder.settings.retained.max(1)).await?,
        };
        newest = newest.max(resolved.lineage.first().map(|c| c.epoch));
        let damage = match complete(folder, generation, &resolved, request.on_damage).await? {
            Ok((restore, to_publish)) => {
                check_age(folder, request.at_least, restore.as_ref().map(|r| r.owned.epoch))?;
                let back_to = restore.as_ref().map_or(Epoch(0), |r| r.owned.epoch);
                let repeats = newest.filter(|n| *n > back_to).map(|n| (back_to.next(), n));
                let Resolved { lineage, newest_published, discarded, .. } = resolved;
                return Ok(Begun {
                    start,
                    lineage,
                    restore,
                    to_publish,
                    newest_published,
                    discarded,
                    passed_over,
                    repeats,
                });
            }
            Err(damage) => damage,
        };
        let previous = resolved.lineage.iter().find(|c| c.epoch < damage.epoch).map(|c| c.epoch);
        // Nothing is written into the log for a start that may not be.
        let allowed = previous.filter(|epoch| request.at_least.is_none_or(|at_least| *epoch >= at_least));
        let (OnDamage::FallBack, Some(back_to), None) = (request.on_damage, allowed, &stale) else {
            let PassedOver { epoch, reason } = damage;
            return Err(StoreError::Damaged { epoch, previous, source: Box::new(reason) });
        };
        tracing::warn!(epoch = %damage.epoch, %back_to, reason = %damage.reason, "a checkpoint is damaged, falling back");
        // What is unpublished behind the damage descends from it, and is made again.
        let discarded = resolved.unpublished.iter().map(|c| c.epoch).filter(|e| *e > back_to).collect();
        let kind = EpochKind::Start { from: StartFrom::Epoch(back_to), discarded };
        start = log::append(folder, generation, kind).await?;
        passed_over.push(damage);
    }
}

/// What to restore and what to publish, or the oldest epoch that cannot be used.
type Completed = Result<(Option<Restored>, Vec<Restored>), PassedOver>;

/// Reads the manifests of what is to be published and restored, and looks for the objects of the latter.
async fn complete(
    folder: &Folder,
    generation: Generation,
    resolved: &Resolved,
    on_damage: OnDamage,
) -> Result<Completed, StoreError> {
    let mut to_publish = Vec::with_capacity(resolved.unpublished.len());
    for owned in &resolved.unpublished {
        match objects::manifest(folder, owned).await {
            Ok(manifest) => to_publish.push(Restored { owned: owned.clone(), manifest }),
            Err(reason) if reason.is_damage() => return Ok(Err(PassedOver { epoch: owned.epoch, reason })),
            Err(error) => return Err(error),
        }
    }
    let Some(owned) = resolved.lineage.first() else { return Ok(Ok((None, to_publish))) };
    match restorable(folder, generation, owned).await {
        Ok(manifest) => Ok(Ok((Some(Restored { owned: owned.clone(), manifest }), to_publish))),
        Err(reason) if reason.is_damage() && on_damage == OnDamage::RestoreNothing => {
            tracing::warn!(epoch = %owned.epoch, %reason, "a checkpoint is damaged, and not restored");
            Ok(Ok((None, to_publish)))
        }
        Err(reason) if reason.is_damage() => Ok(Err(PassedOver { epoch: owned.epoch, reason })),
        Err(error) => Err(error),
    }
}

/// Pins first, then verifies, so that nobody's retention deletes what was just found to be there.
async fn restorable(
    folder: &Folder,
    generation: Generation,
    owned: &OwnedCheckpoint,
) -> Result<Manifest, StoreError> {
    let pin = Pin { epoch: owned.epoch, generation, reason: "restore".to_owned() };
    let key = layout::pin(&restore_pin(generation, owned.epoch));
    match folder.create(&key, pin.encode()).await {
        Ok(CreateOutcome::Created | CreateOutcome::Taken(_)) => {}
        Err(source) => return Err(StoreError::Storage { action: "pin the checkpoint to restore", source }),
    }
    let manifest = objects::manifest(folder, owned).await?;
    objects::verify(folder.storage.as_ref(), &manifest, &folder.settings.patience).await?;
    Ok(manifest)
}

/// Name of the pin that a coordinator holds on what it restores.
pub(crate) fn restore_pin(generation: Generation, epoch: Epoch) -> String {
    format!("restore-{generation}-{epoch}")
}

/// Refuses to write a start into the log that names nothing usable: the log is for ever.
async fn check_target(folder: &Folder, generation: Generation, from: StartFrom) -> Result<(), StoreError> {
    let StartFrom::Epoch(epoch) = from else { return Ok(()) };
    let store = JobStore { folder: folder.clone() };
    let damaged = |reason: StoreError| match reason.is_damage() {
        true => StoreError::Damaged { epoch, previous: None, source: Box::new(reason) },
        false => reason,
    };
    let (owned, _) = store.read_manifest(epoch).await.map_err(damaged)?;
    restorable(folder, generation, &owned).await.map_err(damaged)?;
    Ok(())
}

/// For tests of the tests: what the log said before `Start`.
async fn stale_view(folder: &Folder) -> Result<Option<Resolved>, StoreError> {
    if !folder.has(Sabotage::ReadBeforeStart) {
        return Ok(None);
    }
    let newest = log::newest(folder).await?;
    Ok(Some(log::read(folder, newest, folder.settings.retained.max(1)).await?))
}

#[cfg(test)]
#[path = "take_over/take_over_test.rs"]
mod take_over_test;
