//! The job master's writes, carried out on the bucket, each answered with one event.
//!
//! Waits as long as the store's patience lasts and never decides what a failure means for the job: it says what is certain.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millstream_checkpoint::Manifest;
use millstream_checkpoint_store::{
    ClaimOutcome, Incarnation, JobStore, PublishPermit, StoreError, StoredManifest, Writers,
};
use millstream_jobmaster::{Command, Event};
use millstream_model::{Attempt, CheckpointId, Epoch, ErrorKind, JobError};

use crate::publishers::Publishers;

/// One coordinator's access to its job's folder and targets. Clones share everything.
#[derive(Clone)]
pub(crate) struct MetadataIo {
    store: JobStore,
    incarnation: Incarnation,
    publishers: Arc<Publishers>,
    shared: Arc<Mutex<Shared>>,
}

/// What one write leaves for the next.
#[derive(Default)]
struct Shared {
    /// Manifests that are written and not claimed; at most the one under way.
    stored: BTreeMap<CheckpointId, StoredManifest>,
    /// Permits of epochs that are published and not marked; at most one.
    permits: BTreeMap<Epoch, Arc<PublishPermit>>,
}

impl MetadataIo {
    pub(crate) fn new(store: JobStore, incarnation: Incarnation, publishers: Arc<Publishers>) -> Self {
        Self { store, incarnation, publishers, shared: Arc::default() }
    }

    /// The job's folder, and the right to write to it.
    pub(crate) const fn folder(&self) -> (&JobStore, &Incarnation) {
        (&self.store, &self.incarnation)
    }

    /// Carries a write out and says what came of it; `None` if the command is no write.
    pub(crate) async fn carry_out(self, command: Command) -> Option<Event> {
        let event = match command {
            Command::WriteManifest { manifest } => self.write_manifest(&manifest).await,
            Command::ClaimEpoch { checkpoint } => self.claim(checkpoint).await,
            Command::Publish { epoch, manifest } => self.publish(epoch, &manifest).await,
            Command::MarkPublished { epoch, .. } => self.mark(epoch).await,
            Command::Sweep { writing } => self.sweep(writing).await,
            _ => return None,
        };
        Some(event)
    }

    async fn write_manifest(&self, manifest: &Manifest) -> Event {
        let checkpoint = manifest.checkpoint;
        match self.incarnation.write_manifest(manifest).await {
            Ok(stored) => {
                let mut shared = self.shared();
                shared.stored.clear();
                shared.stored.insert(checkpoint, stored);
                Event::ManifestWritten { checkpoint }
            }
            Err(error) => self.answer(error, |error| Event::ManifestFailed { checkpoint, error }),
        }
    }

    async fn claim(&self, checkpoint: CheckpointId) -> Event {
        let stored = self.shared().stored.get(&checkpoint).cloned();
        let Some(stored) = stored else {
            let message = format!("checkpoint {checkpoint} is claimed before its manifest is written");
            return Event::ClaimRefused { checkpoint, error: JobError::new(ErrorKind::Bug, message) };
        };
        match self.incarnation.claim_epoch(&stored).await {
            Ok(ClaimOutcome::Owned(owned)) => {
                self.shared().stored.remove(&checkpoint);
                Event::EpochOwned { checkpoint, epoch: owned.epoch }
            }
            Ok(ClaimOutcome::Fenced { by, coordinator }) => {
                Event::Fenced { by, reason: format!("{coordinator} has taken the job over") }
            }
            // The store repeats a claim until the answer is definite; any other error is a definite no.
            Err(error @ StoreError::Undecided { .. }) => {
                Event::ClaimUnknown { checkpoint, error: error.into() }
            }
            Err(error) => self.answer(error, |error| Event::ClaimRefused { checkpoint, error }),
        }
    }

    async fn publish(&self, epoch: Epoch, manifest: &Manifest) -> Event {
        let permit = match self.incarnation.publish_permit(epoch).await {
            Ok(permit) => permit,
            Err(error) => match self.unowned_permit(epoch, manifest) {
                Some(permit) => permit,
                None => return self.answer(error, |error| Event::PublishFailed { epoch, error }),
            },
        };
        match self.publishers.publish(permit.epoch(), manifest).await {
            Ok(()) => {
                self.shared().permits.insert(epoch, Arc::new(permit));
                Event::Published { epoch }
            }
            // A newer coordinator may have published the epoch and deleted what was staged for it: whoever is fenced has no
            // say in why a publish fails.
            Err(error) => match self.incarnation.check_fence().await {
                Err(fenced @ (StoreError::Fenced { .. } | StoreError::Ended { .. })) => {
                    self.answer(fenced, |error| Event::PublishFailed { epoch, error })
                }
                // The bucket alone says who owns the job. A target that a predecessor's last call took away from this
                // publisher is taken back by the next one.
                Ok(()) if error.kind == ErrorKind::Fenced => {
                    let error = JobError::new(ErrorKind::Transient, error.message);
                    Event::PublishFailed { epoch, error }
                }
                _ => Event::PublishFailed { epoch, error },
            },
        }
    }

    /// Says so if a newer coordinator is in charge. A store that cannot be asked says nothing.
    pub(crate) async fn look_at_the_fence(self) -> Option<Event> {
        match self.incarnation.check_fence().await {
            Err(fenced @ (StoreError::Fenced { .. } | StoreError::Ended { .. })) => {
                Some(self.answer(fenced, |error| Event::Fenced {
                    by: self.incarnation.generation().next(),
                    reason: error.to_string(),
                }))
            }
            _ => None,
        }
    }

    /// Only where a test planted that bug.
    fn unowned_permit(&self, epoch: Epoch, manifest: &Manifest) -> Option<PublishPermit> {
        let stored = self.shared().stored.get(&manifest.checkpoint).cloned()?;
        self.incarnation.permit_before_claim(&stored, epoch)
    }

    async fn mark(&self, epoch: Epoch) -> Event {
        let permit = self.shared().permits.get(&epoch).cloned();
        let Some(permit) = permit else {
            let message = format!("epoch {epoch} is marked before it is published");
            return Event::MarkFailed { epoch, error: JobError::new(ErrorKind::Bug, message) };
        };
        match self.incarnation.mark_published(&permit).await {
            Ok(()) => {
                self.shared().permits.remove(&epoch);
                Event::Marked { epoch }
            }
            Err(error) => self.answer(error, |error| Event::MarkFailed { epoch, error }),
        }
    }

    /// A sweep that fails changes nothing for the job: what it left is garbage, and the next one finds it.
    async fn sweep(&self, writing: Option<Attempt>) -> Event {
        match self.incarnation.sweep(writing.map_or(Writers::Ended, Writers::Running)).await {
            Ok(report) => {
                tracing::debug!(deleted = report.deleted, suspects = report.suspects, "swept");
                Event::Swept
            }
            Err(error) => self.answer(error, |error| {
                tracing::warn!("retention failed and is tried again with a later checkpoint: {error}");
                Event::Swept
            }),
        }
    }

    /// The event for a failed step: fenced, or what `otherwise` makes of it.
    pub(crate) fn answer(&self, error: StoreError, otherwise: impl FnOnce(JobError) -> Event) -> Event {
        match error {
            StoreError::Fenced { by, coordinator, .. } => {
                Event::Fenced { by, reason: format!("{coordinator} has taken the job over") }
            }
            error @ StoreError::Ended { .. } => {
                Event::Fenced { by: self.incarnation.generation().next(), reason: error.to_string() }
            }
            error => otherwise(error.into()),
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
