//! Looking at a job's folder without touching it: what would be restored, what waits, whether the job is over.

use millstream_checkpoint::{Manifest, OwnedCheckpoint};
use millstream_model::{Epoch, Generation};

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
    /// What a start would continue from.
    pub restorable: Option<(OwnedCheckpoint, Manifest)>,
    /// Older checkpoints that the job could go back to and that are still kept, newest first.
    pub ancestors: Vec<OwnedCheckpoint>,
    /// Owned epochs whose output is not all visible yet.
    pub unpublished: Vec<Epoch>,
    /// Whether the job was deleted.
    pub is_closed: bool,
}

impl JobStore {
    /// What the job's folder says now.
    ///
    /// # Errors
    /// `Log`; `Damaged` if the manifest that a start would restore cannot be read; `Storage`.
    pub async fn look(&self) -> Result<Overview, StoreError> {
        let newest = log::newest(&self.folder).await?;
        let resolved = log::read(&self.folder, newest, self.folder.settings.retained.max(1)).await?;
        let mut lineage = resolved.lineage.into_iter();
        let restorable = match lineage.next() {
            None => None,
            Some(owned) => match objects::manifest(&self.folder, &owned).await {
                Ok(manifest) => Some((owned, manifest)),
                Err(reason) if reason.is_damage() => {
                    let previous = lineage.next().map(|c| c.epoch);
                    return Err(StoreError::Damaged {
                        epoch: owned.epoch,
                        previous,
                        source: Box::new(reason),
                    });
                }
                Err(error) => return Err(error),
            },
        };
        Ok(Overview {
            newest: (newest > Epoch(0)).then_some(newest),
            generation: resolved.generation,
            restorable,
            ancestors: lineage.take(self.folder.settings.retained.saturating_sub(1)).collect(),
            unpublished: resolved.unpublished.iter().map(|c| c.epoch).collect(),
            is_closed: resolved.is_closed,
        })
    }
}
