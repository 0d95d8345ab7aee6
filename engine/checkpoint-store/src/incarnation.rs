//! The right to write: one coordinator's time as the owner of a job.
//!
//! It can be lost at any moment to a newer generation, and is lost for good: after `Fenced`, or a claim whose fate is
//! unknown, every further call fails with `Ended`. Methods take `&self` and may run concurrently; claims queue up behind each
//! other, so epochs are claimed in the order of the calls. Dropping the future of a claim leaves it undecided, and the next
//! claim finds that out.

mod publish;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millstream_checkpoint::layout::{self, ObjectKind};
use millstream_checkpoint::{EpochKind, EpochRecord, Manifest, OwnedCheckpoint};
use millstream_model::error::with_causes;
use millstream_model::snapshot::ObjectRef;
use millstream_model::{CheckpointId, Epoch, Generation};
use millstream_storage::{CreateOutcome, Remedy};
use tokio::time::Instant;

use crate::error::StoreError;
use crate::io::Folder;
use crate::job_store::JobStore;
use crate::log::{self, Claim};
use crate::objects::reference;
use crate::settings::Sabotage;
use crate::take_over::{self, Begun, TakeOver, TakeOverRequest};
pub use publish::PublishPermit;

/// Ancestors that are remembered beyond what is retained.
const REMEMBERED: usize = 32;

/// One coordinator's time as the owner of a job. Clones are the same incarnation.
#[derive(Clone, Debug)]
pub struct Incarnation {
    pub(crate) folder: Folder,
    generation: Generation,
    /// The newest record of the log, held while a claim is under way.
    newest: Arc<tokio::sync::Mutex<Epoch>>,
    /// Held by whatever deletes, and by whatever goes back to something older.
    pub(crate) retention: Arc<tokio::sync::Mutex<()>>,
    state: Arc<Mutex<State>>,
}

/// What an incarnation knows without asking the bucket.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// What the job would continue from, newest first.
    pub(crate) lineage: Vec<OwnedCheckpoint>,
    /// Owned, but their output is not all visible.
    pub(crate) unpublished: BTreeMap<Epoch, OwnedCheckpoint>,
    /// The newest whose output is visible, as far as this incarnation knows.
    pub(crate) newest_published: Option<OwnedCheckpoint>,
    /// Newest checkpoint that this incarnation owns.
    pub(crate) newest_owned: Option<CheckpointId>,
    /// Objects of this generation that an owned manifest has named; relative keys.
    pub(crate) was_owned: BTreeSet<String>,
    /// What the last sweep found unreachable.
    pub(crate) suspects: BTreeSet<String>,
    /// Why nothing may be written any more.
    pub(crate) ended: Option<String>,
}

/// A manifest that is in the bucket and can be claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredManifest {
    checkpoint: CheckpointId,
    object: ObjectRef,
    /// Relative keys of this generation's objects in it.
    objects: BTreeSet<String>,
}

impl StoredManifest {
    /// The object, with length and checksum.
    #[must_use]
    pub const fn object(&self) -> &ObjectRef {
        &self.object
    }

    /// Which checkpoint it is of.
    #[must_use]
    pub const fn checkpoint(&self) -> CheckpointId {
        self.checkpoint
    }
}

/// The definite answers to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// The checkpoint is owned: the point of no return.
    Owned(OwnedCheckpoint),
    /// A newer coordinator was there first. This incarnation has ended.
    Fenced {
        /// Whose record it is.
        by: Generation,
        /// Who that is.
        coordinator: String,
    },
}

impl Incarnation {
    pub(crate) fn new(folder: Folder, generation: Generation, start: Epoch, state: State) -> Self {
        Self {
            folder,
            generation,
            newest: Arc::new(tokio::sync::Mutex::new(start)),
            retention: Arc::default(),
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// The fence that this incarnation stands behind.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// Checkpoints that are owned and whose output is not all visible, oldest first.
    #[must_use]
    pub fn unpublished(&self) -> Vec<OwnedCheckpoint> {
        self.state().unpublished.values().cloned().collect()
    }

    /// Looks whether a newer coordinator exists, by one direct read that needs no listing.
    ///
    /// # Errors
    /// `Fenced` if there is one; `Storage` if it could not be asked, which is no permission.
    pub async fn check_fence(&self) -> Result<(), StoreError> {
        self.check_alive()?;
        if self.folder.has(Sabotage::SkipGenerationCheck) {
            return Ok(());
        }
        match JobStore::claimant(&self.folder, self.generation.next()).await? {
            None => Ok(()),
            Some(newer) => {
                self.end(&format!("generation {} ({}) has taken over", newer.generation, newer.coordinator));
                Err(StoreError::Fenced {
                    mine: self.generation,
                    by: newer.generation,
                    coordinator: newer.coordinator,
                })
            }
        }
    }

    /// Writes a manifest, complete and immutable, before its epoch is claimed.
    ///
    /// # Errors
    /// `Misuse` if it is not this incarnation's, or another was written for the same checkpoint; `Record` if it is too
    /// large; `Storage` if it may or may not be there: the checkpoint must be aborted, what is there is swept later.
    pub async fn write_manifest(&self, manifest: &Manifest) -> Result<StoredManifest, StoreError> {
        self.check_alive()?;
        if manifest.generation != self.generation || manifest.job != self.folder.job {
            return Err(StoreError::Misuse(format!(
                "a manifest of generation {} of {} was given to generation {} of {}",
                manifest.generation, manifest.job, self.generation, self.folder.job
            )));
        }
        let key = layout::manifest(manifest.checkpoint, self.generation);
        let full = self.folder.full(&key);
        let body = manifest.encode().map_err(|source| StoreError::Record { key: full.clone(), source })?;
        let object = reference(full, &body);
        match self.folder.create(&key, body).await {
            Ok(CreateOutcome::Created) => {
                let objects = self.own_objects(manifest).collect();
                Ok(StoredManifest { checkpoint: manifest.checkpoint, object, objects })
            }
            Ok(CreateOutcome::Taken(_)) => {
                Err(StoreError::Misuse(format!("checkpoint {} has two manifests", manifest.checkpoint)))
            }
            Err(source) => Err(StoreError::Storage { action: "write a manifest", source }),
        }
    }

    /// Claims the next epoch for a checkpoint: the point of no return. A claim without a definite answer is repeated with
    /// the same body until there is one.
    ///
    /// # Errors
    /// `Undecided` when patience ends: this incarnation has ended, and the coordinator must, because the checkpoint may be
    /// owned; `Storage` if the store definitely refused: the checkpoint must be aborted; `Ended`.
    pub async fn claim_epoch(&self, manifest: &StoredManifest) -> Result<ClaimOutcome, StoreError> {
        let mut newest = self.newest.lock().await;
        self.check_alive()?;
        let mut place = newest.next();
        if self.folder.has(Sabotage::LeaveEpochGap) && manifest.checkpoint.0.is_multiple_of(3) {
            place = place.next();
        }
        let record = EpochRecord {
            kind: EpochKind::Checkpoint {
                checkpoint: manifest.checkpoint,
                manifest: manifest.object.clone(),
            },
            generation: self.generation,
            nonce: self.folder.settings.nonces.draw(),
        };
        if self.folder.has(Sabotage::AmbiguousPutIsLost) {
            place = self.careless_claim(place, &record).await?;
        } else {
            match self.careful_claim(place, &record).await? {
                None => {}
                Some(fenced) => return Ok(fenced),
            }
        }
        *newest = place;
        let owned = OwnedCheckpoint {
            epoch: place,
            checkpoint: manifest.checkpoint,
            generation: self.generation,
            manifest: manifest.object.clone(),
        };
        let mut state = self.state();
        state.lineage.insert(0, owned.clone());
        state.lineage.truncate(self.folder.settings.retained + REMEMBERED);
        state.unpublished.insert(place, owned.clone());
        state.newest_owned = state.newest_owned.max(Some(manifest.checkpoint));
        state.was_owned.extend(manifest.objects.iter().cloned());
        Ok(ClaimOutcome::Owned(owned))
    }

    /// Restarts the job from somewhere else without giving it up: after this nothing that was deployed before may go on.
    ///
    /// # Errors
    /// As [`JobStore::take_over`].
    pub async fn restart_from(&self, request: &TakeOverRequest) -> Result<TakeOver, StoreError> {
        let _retention = self.retention.lock().await;
        let mut newest = self.newest.lock().await;
        self.check_alive()?;
        let begun = match take_over::begin(&self.folder, self.generation, request).await {
            Ok(begun) => begun,
            Err(error) => {
                // A start may have been appended: what is known here about the log is no longer certain.
                self.end("restarting from another checkpoint failed");
                return Err(error);
            }
        };
        let unpublished = begun.unpublished();
        let Begun { start, lineage, restore, to_publish, newest_published, discarded, passed_over, repeats } =
            begun;
        *newest = start;
        {
            let mut state = self.state();
            state.lineage = lineage;
            state.unpublished = unpublished;
            state.newest_published = newest_published;
        }
        if let Some(restored) = &restore {
            self.remember(&restored.manifest);
        }
        Ok(TakeOver {
            incarnation: self.clone(),
            start,
            restore,
            to_publish,
            discarded,
            passed_over,
            repeats,
        })
    }

    /// Ends the job for good: no coordinator starts it again. Its objects stay until somebody deletes the folder.
    ///
    /// # Errors
    /// `Fenced`, `Undecided`, `Storage`.
    pub async fn close(&self) -> Result<Epoch, StoreError> {
        let mut newest = self.newest.lock().await;
        self.check_alive()?;
        let place = log::append(&self.folder, self.generation, EpochKind::Closed).await?;
        *newest = place;
        self.end("the job was closed");
        Ok(place)
    }

    /// The claim as it must be: repeated until the answer is definite. `Some` if another has the place.
    async fn careful_claim(
        &self,
        place: Epoch,
        record: &EpochRecord,
    ) -> Result<Option<ClaimOutcome>, StoreError> {
        let other = match self.patient_claim(place, record).await {
            Ok(Claim::Made) => return Ok(None),
            Ok(Claim::Taken(other)) => other,
            Err(error) => {
                if matches!(error, StoreError::Undecided { .. }) {
                    self.end(&format!("it is unknown whether epoch {place} was claimed"));
                }
                return Err(error);
            }
        };
        if other.generation > self.generation {
            let fenced = log::fenced(&self.folder, self.generation, other.generation).await;
            self.end(&fenced.to_string());
            let StoreError::Fenced { by, coordinator, .. } = fenced else { return Err(fenced) };
            return Ok(Some(ClaimOutcome::Fenced { by, coordinator }));
        }
        // Ours from a claim that was dropped, or an older generation's behind our start, which cannot be.
        let reason = format!("epoch {place} already has a record of generation {}", other.generation);
        self.end(&reason);
        Err(StoreError::Ended { mine: self.generation, reason })
    }

    /// Goes on with a store that is away. Only its first refusal is a definite no: behind a lost answer it says nothing about
    /// the claim that went before.
    async fn patient_claim(&self, place: Epoch, record: &EpochRecord) -> Result<Claim, StoreError> {
        let settings = &self.folder.settings;
        let until = Instant::now() + settings.claim_patience;
        let (what, mut source) = match log::claim(&self.folder, place, record).await {
            Err(StoreError::Undecided { what, source }) => (what, source),
            decided => return decided,
        };
        while Instant::now() < until {
            tracing::warn!("the claim of {what} failed: {}; trying again", with_causes(&source));
            tokio::time::sleep(settings.patience.longest_pause).await;
            source = match log::claim(&self.folder, place, record).await {
                Err(StoreError::Undecided { source, .. }) => source,
                Err(_) => break,
                decided => return decided,
            };
        }
        Err(StoreError::Undecided { what, source })
    }

    /// The claim as it must not be, for tests of the tests: no answer counts as no.
    async fn careless_claim(&self, mut place: Epoch, record: &EpochRecord) -> Result<Epoch, StoreError> {
        loop {
            let key = self.folder.full(&layout::epoch(place));
            match self.folder.storage.put_if_absent(&key, record.encode().into()).await {
                Ok(millstream_storage::PutOutcome::Created) => return Ok(place),
                Ok(millstream_storage::PutOutcome::AlreadyExists) => place = place.next(),
                Err(source) if source.remedy() == Remedy::ReadBack => {
                    return Err(StoreError::Storage { action: "claim an epoch", source });
                }
                Err(source) => return Err(StoreError::Undecided { what: format!("epoch {place}"), source }),
            }
        }
    }

    /// Remembers the objects of this generation in a manifest that is owned.
    pub(crate) fn remember(&self, manifest: &Manifest) {
        let objects: Vec<String> = self.own_objects(manifest).collect();
        self.state().was_owned.extend(objects);
    }

    fn own_objects(&self, manifest: &Manifest) -> impl Iterator<Item = String> {
        manifest.objects().filter_map(|object| {
            let key = object.key.strip_prefix(&self.folder.prefix)?;
            match layout::parse(key)? {
                ObjectKind::State(writer) | ObjectKind::Staged(writer) => {
                    (writer.generation == self.generation).then(|| key.to_owned())
                }
                _ => None,
            }
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, reason: &str) {
        self.state().ended.get_or_insert_with(|| reason.to_owned());
    }

    pub(crate) fn check_alive(&self) -> Result<(), StoreError> {
        match &self.state().ended {
            None => Ok(()),
            Some(reason) => Err(StoreError::Ended { mine: self.generation, reason: reason.clone() }),
        }
    }
}

#[cfg(test)]
#[path = "incarnation/incarnation_test.rs"]
mod incarnation_test;
