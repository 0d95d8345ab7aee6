//! Retention: deleting what nobody can name any more. What may go is decided in `millstream_checkpoint::retain`.
//!
//! Nothing is deleted on an ambiguous answer: a listing, pin or manifest that cannot be read ends the sweep. Before each batch
//! the fence and the pins are looked at again.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use millstream_checkpoint::retain::{Keep, Running, StoredObject, Sweep};
use millstream_checkpoint::{CheckpointKey, EpochKind, OwnedCheckpoint, Pin, RecordKind, layout};
use millstream_model::{Attempt, CheckpointId, Epoch};
use millstream_storage::CreateOutcome;

use crate::error::StoreError;
use crate::incarnation::Incarnation;
use crate::settings::Sabotage;
use crate::{log, objects};

/// Deletes that run at the same time.
const CONCURRENT_DELETES: usize = 16;

/// Who may still be writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Writers {
    /// Tasks of this attempt: whatever they wrote and nobody owns yet is left alone.
    Running(Attempt),
    /// Nobody: all tasks have ended, and no checkpoint is under way.
    Ended,
}

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Epochs that are kept.
    pub kept: BTreeSet<Epoch>,
    /// Objects that were deleted.
    pub deleted: usize,
    /// Objects that the next sweep will delete if they are still unreachable then.
    pub suspects: usize,
}

/// What the incarnation knew when the sweep began.
struct Known {
    lineage: Vec<OwnedCheckpoint>,
    unpublished: Vec<OwnedCheckpoint>,
    newest_published: Option<CheckpointKey>,
    newest_owned: Option<CheckpointId>,
    was_owned: BTreeSet<String>,
    suspects: BTreeSet<String>,
}

impl Incarnation {
    /// Deletes what two successive sweeps found unreachable.
    ///
    /// # Errors
    /// `Fenced`; `Storage`, `ObjectDamaged` or `Record` if something could not be read: what was deleted until then was
    /// garbage, the rest stays.
    pub async fn sweep(&self, writers: Writers) -> Result<SweepReport, StoreError> {
        let _retention = self.retention.lock().await;
        self.check_fence().await?;
        let pins = self.current_pins(writers).await?;
        let pinned = self.pinned_checkpoints(&pins).await?;
        // What is claimed after this looks like a checkpoint under way, and is left alone.
        let known = self.known();
        let keep = Keep {
            lineage: &known.lineage,
            retained: self.folder.settings.retained,
            unpublished: &known.unpublished,
            pinned: &pinned,
        };
        let listed = self.folder.list("list the job's objects", "").await?;
        let listed: Vec<StoredObject> =
            listed.into_iter().map(|o| StoredObject { key: o.key, modified_ms: o.modified_ms }).collect();
        let reachable = self.reachable(&keep, &listed).await?;
        let keys = keep.keys();
        let running = match writers {
            Writers::Running(attempt) => {
                Some(Running { attempt, was_owned: &known.was_owned, newest_owned: known.newest_owned })
            }
            Writers::Ended => None,
        };
        let plan = Sweep {
            listed: &listed,
            kept: &keys,
            newest_published: known
                .newest_published
                .filter(|_| !self.folder.has(Sabotage::SweepForgetsPublished)),
            reachable: &reachable,
            suspects: &known.suspects,
            generation: self.generation(),
            running,
            min_age_ms: self.folder.settings.min_garbage_age_ms,
        }
        .plan();

        let mut report = SweepReport { kept: keep.epochs(), deleted: 0, suspects: plan.suspects.len() };
        self.state().suspects = plan.suspects;
        for batch in &plan.batches {
            self.check_fence().await?;
            if self.current_pins(writers).await? != pins {
                tracing::info!("a pin appeared or went during a sweep, the rest waits for the next one");
                break;
            }
            self.delete(batch).await?;
            report.deleted += batch.len();
            report.suspects -= batch.len();
        }
        Ok(report)
    }

    /// Keeps everything of an epoch until [`Self::unpin`]. Pinning the same once more changes nothing.
    ///
    /// # Errors
    /// `NoSuchCheckpoint`; `Misuse` if the name is taken by another pin; `Damaged` if it is not complete any more, in which case
    /// the pin is removed again; `Storage`.
    pub async fn pin(&self, name: &str, epoch: Epoch, reason: &str) -> Result<(), StoreError> {
        self.check_alive()?;
        let pin = Pin { epoch, generation: self.generation(), reason: reason.to_owned() };
        let key = layout::pin(name);
        match self.folder.create(&key, pin.encode()).await.map_err(StoreError::storage("pin an epoch"))? {
            CreateOutcome::Created => {}
            CreateOutcome::Taken(_) => {
                return Err(StoreError::Misuse(format!("there is a pin {name} already")));
            }
        }
        // Pinned first, verified then: what is there now stays.
        let store = crate::JobStore { folder: self.folder.clone() };
        let verified = match store.read_manifest(epoch).await {
            Ok((_, manifest)) => {
                objects::verify(self.folder.storage.as_ref(), &manifest, &self.folder.settings.patience).await
            }
            Err(error) => Err(error),
        };
        if verified.is_err() {
            self.unpin(name).await?;
        }
        verified
    }

    /// Lets go of a pin.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn unpin(&self, name: &str) -> Result<(), StoreError> {
        self.folder.delete("remove a pin", &layout::pin(name)).await
    }

    /// Every pin of the folder by its name (as it stands in its key), whoever holds it.
    ///
    /// # Errors
    /// `Record` if one is damaged; `Storage`.
    pub async fn pins(&self) -> Result<BTreeMap<String, Pin>, StoreError> {
        let mut pins = BTreeMap::new();
        for object in self.folder.list("list the pins", layout::PINS).await? {
            let pin = self.folder.record("read a pin", RecordKind::Pin, &object.key, Pin::decode).await?;
            if let (Some(pin), Some(name)) = (pin, object.key.strip_prefix(layout::PINS)) {
                pins.insert(name.to_owned(), pin);
            }
        }
        Ok(pins)
    }

    /// All pins by key, without those that coordinators held on what they restored and need no longer: these are removed.
    async fn current_pins(&self, writers: Writers) -> Result<BTreeMap<String, Pin>, StoreError> {
        if self.folder.has(Sabotage::SweepIgnoresPins) {
            return Ok(BTreeMap::new());
        }
        let mut pins = BTreeMap::new();
        // Nobody reads what was restored any more once there is a checkpoint after it, or the tasks have ended.
        let is_restored = writers == Writers::Ended || self.state().newest_owned.is_some();
        for object in self.folder.list("list the pins", layout::PINS).await? {
            let pin = self.folder.record("read a pin", RecordKind::Pin, &object.key, Pin::decode).await?;
            let Some(pin) = pin else { continue };
            let is_restore =
                object.key == layout::pin(&crate::take_over::restore_pin(pin.generation, pin.epoch));
            let is_over =
                pin.generation < self.generation() || (pin.generation == self.generation() && is_restored);
            if is_restore && is_over {
                self.folder.delete("remove a pin", &object.key).await?;
            } else {
                pins.insert(object.key, pin);
            }
        }
        Ok(pins)
    }

    async fn pinned_checkpoints(
        &self,
        pins: &BTreeMap<String, Pin>,
    ) -> Result<Vec<OwnedCheckpoint>, StoreError> {
        let mut pinned = Vec::new();
        for pin in pins.values() {
            let record = log::record(&self.folder, pin.epoch).await?;
            if let Some(record) = record
                && let EpochKind::Checkpoint { checkpoint, manifest } = record.kind
            {
                let (epoch, generation) = (pin.epoch, record.generation);
                pinned.push(OwnedCheckpoint { epoch, checkpoint, generation, manifest });
            }
        }
        Ok(pinned)
    }

    fn known(&self) -> Known {
        let state = self.state();
        Known {
            lineage: state.lineage.clone(),
            unpublished: state.unpublished.values().cloned().collect(),
            newest_published: state.newest_published.as_ref().map(OwnedCheckpoint::key),
            newest_owned: state.newest_owned,
            was_owned: state.was_owned.clone(),
            suspects: state.suspects.clone(),
        }
    }

    /// Relative keys of everything that the kept checkpoints name.
    async fn reachable(
        &self,
        keep: &Keep<'_>,
        listed: &[StoredObject],
    ) -> Result<BTreeSet<String>, StoreError> {
        let epochs = keep.epochs();
        let there: BTreeSet<&str> = listed.iter().map(|o| o.key.as_str()).collect();
        let must_be_there = keep.lineage.iter().take(1).chain(keep.unpublished).chain(keep.pinned);
        let mut kept: BTreeMap<Epoch, &OwnedCheckpoint> = must_be_there.map(|c| (c.epoch, c)).collect();
        // After going back to an old checkpoint, ancestors may be among the retained that an earlier sweep deleted.
        for owned in keep.lineage.iter().filter(|c| epochs.contains(&c.epoch)) {
            if there.contains(layout::manifest(owned.checkpoint, owned.generation).as_str()) {
                kept.insert(owned.epoch, owned);
            }
        }
        let mut reachable = BTreeSet::new();
        for owned in kept.into_values() {
            let manifest = objects::manifest(&self.folder, owned).await?;
            let keys = manifest.objects().filter_map(|o| o.key.strip_prefix(&self.folder.prefix));
            reachable.extend(keys.map(str::to_owned));
        }
        Ok(reachable)
    }

    async fn delete(&self, batch: &[String]) -> Result<(), StoreError> {
        let delete = |key: &'_ String| {
            let (folder, key) = (&self.folder, key.clone());
            async move { folder.delete("delete an object that nothing refers to", &key).await }
        };
        stream::iter(batch).map(delete).buffer_unordered(CONCURRENT_DELETES).try_collect::<()>().await?;
        let mut state = self.state();
        for key in batch {
            state.was_owned.remove(key);
            state.suspects.remove(key);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "sweep/sweep_test.rs"]
mod sweep_test;
