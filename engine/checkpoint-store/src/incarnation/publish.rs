//! Permits to publish, and the marker behind them.

use millstream_checkpoint::{OwnedCheckpoint, PublishedMarker, layout};
use millstream_model::{Epoch, Generation};

use super::{Incarnation, StoredManifest};
use crate::error::StoreError;
use crate::settings::Sabotage;

/// The right to make the output of one epoch visible. There is no other way to get one than
/// [`Incarnation::publish_permit`]: the epoch is owned, everything before it is published, and no newer coordinator existed
/// when it was given. Publishing is idempotent all the same, because one may come into being a moment later.
#[derive(Debug, PartialEq, Eq)]
pub struct PublishPermit {
    owned: OwnedCheckpoint,
    generation: Generation,
}

impl PublishPermit {
    /// What may be published.
    #[must_use]
    pub const fn owned(&self) -> &OwnedCheckpoint {
        &self.owned
    }

    /// Its epoch, for progress records.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.owned.epoch
    }

    /// Who publishes; at a take-over a newer generation than the one that owns the epoch.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }
}

impl Incarnation {
    /// The permit for the oldest unpublished epoch, after a look at the fence.
    ///
    /// # Errors
    /// `Misuse` if the epoch is not owned, is published, or an older one is not; `Fenced`; `Storage` if the fence could not
    /// be seen, which is no permission.
    pub async fn publish_permit(&self, epoch: Epoch) -> Result<PublishPermit, StoreError> {
        self.check_fence().await?;
        let state = self.state();
        match state.unpublished.first_key_value() {
            Some((first, owned)) if *first == epoch => {
                Ok(PublishPermit { owned: owned.clone(), generation: self.generation })
            }
            Some((first, _)) => Err(StoreError::Misuse(format!(
                "epoch {epoch} is to be published, but epoch {first} comes first"
            ))),
            None => Err(StoreError::Misuse(format!("epoch {epoch} is not waiting to be published"))),
        }
    }

    /// Marks an epoch as published, after all its sinks are. The marker is the same from whoever writes it.
    ///
    /// # Errors
    /// `Storage`: the marker may be missing, and the epoch is published again by the next coordinator; call again.
    pub async fn mark_published(&self, permit: &PublishPermit) -> Result<(), StoreError> {
        let OwnedCheckpoint { epoch, checkpoint, generation, .. } = permit.owned;
        let marker = PublishedMarker { epoch, checkpoint };
        let key = layout::published(checkpoint, generation);
        self.folder
            .create(&key, marker.encode())
            .await
            .map_err(StoreError::storage("mark an epoch as published"))?;
        let mut state = self.state();
        state.unpublished.remove(&epoch);
        // Output becomes visible in the order of the epochs.
        state.newest_published = Some(permit.owned.clone());
        Ok(())
    }

    /// A permit for a manifest that nobody owns: only with the bug planted that allows it, else `None`.
    #[must_use]
    pub fn permit_before_claim(&self, manifest: &StoredManifest, epoch: Epoch) -> Option<PublishPermit> {
        let owned = OwnedCheckpoint {
            epoch,
            checkpoint: manifest.checkpoint,
            generation: self.generation,
            manifest: manifest.object.clone(),
        };
        let permit = PublishPermit { owned, generation: self.generation };
        self.folder.has(Sabotage::PublishBeforeOwned).then_some(permit)
    }
}
