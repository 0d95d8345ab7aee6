//! Looking at a job's folder without touching it: what would be restored, what waits, whether the job is over.

use millstream_checkpoint::{Manifest, OwnedCheckpoint};
use millstream_model::{Epoch, Generation, JobError};

use crate::error::StoreError;
use crate::job_store::JobStore;
use crate::{log, objects};

/// What a job's folder says. It may change while one reads: only a take-over makes it certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The newest record of the log; `None` if the job never ran here.
    pub newest: Option<Epoch>,
    /// The coordinator that wrote it.
    pub generation: Generation,
    /// What a start would continue from; `None` if there is nothing, or if it is damaged.
    pub restorable: Option<(OwnedCheckpoint, Manifest)>,
    /// Why what a start would continue from cannot be read. Going back and starting over are still possible.
    pub damage: Option<JobError>,
    /// Older checkpoints that the job could go back to and that are still kept, newest first.
    pub ancestors: Vec<OwnedCheckpoint>,
    /// Owned epochs whose output is not all visible yet.
    pub unpublished: Vec<Epoch>,
    /// Whether the job was deleted.
    pub is_closed: bool,
}

impl Overview {
    /// Whether the job has nothing that a start would continue from or make visible: it never ran, or ended before its first
    /// checkpoint, or was told to begin anew.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.restorable.is_none() && self.damage.is_none() && self.unpublished.is_empty()
    }
}

impl JobStore {
    /// What the job's folder says now.
    ///
    /// # Errors
    /// `Log`; `Storage`.
    pub async fn look(&self) -> Result<Overview, StoreError> {
        let newest = log::newest(&self.folder).await?;
        let resolved = log::read(&self.folder, newest, self.folder.settings.retained.max(1)).await?;
        let mut lineage = resolved.lineage.into_iter();
        let (mut restorable, mut damage) = (None, None);
        if let Some(owned) = lineage.next() {
            match objects::manifest(&self.folder, &owned).await {
                Ok(manifest) => restorable = Some((owned, manifest)),
                Err(reason) if reason.is_damage() => {
                    let (epoch, previous) = (owned.epoch, lineage.as_slice().first().map(|c| c.epoch));
                    let damaged = StoreError::Damaged { epoch, previous, source: Box::new(reason) };
                    damage = Some(JobError::from(damaged));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Overview {
            newest: (newest > Epoch(0)).then_some(newest),
            generation: resolved.generation,
            restorable,
            damage,
            ancestors: lineage.take(self.folder.settings.retained.saturating_sub(1)).collect(),
            unpublished: resolved.unpublished.iter().map(|c| c.epoch).collect(),
            is_closed: resolved.is_closed,
        })
    }
}
