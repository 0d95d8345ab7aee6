//! The store of one job, before anybody owns it.

use std::sync::Arc;

use millstream_checkpoint::{EpochKind, FIRST_EPOCH, FIRST_GENERATION, GenerationRecord, RecordKind, layout};
use millstream_model::{Epoch, Generation, JobIdentity};
use millstream_storage::{CreateOutcome, ObjectStorage, Remedy};

use crate::error::StoreError;
use crate::io::Folder;
use crate::objects::JobObjects;
use crate::settings::StoreSettings;

/// Claims that are tried before giving up. Each failed one means that another coordinator claimed at the same moment.
const CLAIM_ROUNDS: usize = 1_000;

/// A job's folder in object storage. Reading it changes nothing; only [`JobStore::take_over`] makes an owner.
#[derive(Clone, Debug)]
pub struct JobStore {
    pub(crate) folder: Folder,
}

impl JobStore {
    /// The store of `job`. Nothing is read or written.
    #[must_use]
    pub fn open(storage: Arc<dyn ObjectStorage>, job: JobIdentity, settings: StoreSettings) -> Self {
        Self { folder: Folder::new(storage, job, settings) }
    }

    /// Whose store it is.
    #[must_use]
    pub const fn job(&self) -> &JobIdentity {
        &self.folder.job
    }

    /// Where it is, for people.
    #[must_use]
    pub fn location(&self) -> String {
        format!("{}/{}", self.folder.storage.location(), self.folder.prefix.trim_end_matches('/'))
    }

    /// What workers use to upload and read this job's segments.
    #[must_use]
    pub fn objects(&self) -> JobObjects {
        JobObjects::new(self.folder.clone())
    }

    /// Tries every promise of the store that exactly-once rests on, with objects in a folder of its own beside the jobs'
    /// that are removed again. Takes some ten calls.
    ///
    /// # Errors
    /// `LyingStore` with what it did; `Storage` if it could not be asked.
    pub async fn probe(&self) -> Result<(), StoreError> {
        crate::probe::probe(&self.folder).await
    }

    /// Claims the next generation: from now on every older coordinator of the job is fenced. This is step 1 of
    /// [`JobStore::take_over`], which is what a coordinator calls.
    ///
    /// # Errors
    /// `Undecided` if the claim's fate is unknown; a later claim is then simply higher. `GenerationLost`; `Storage`.
    pub async fn claim_generation(&self) -> Result<Generation, StoreError> {
        let folder = &self.folder;
        // The log remembers whoever wrote into it, also if the record of the claim is gone. Read before the claims are listed:
        // whoever writes into the log has claimed before.
        let logged = match crate::log::newest(folder).await? {
            epoch if epoch < FIRST_EPOCH => None,
            epoch => crate::log::record(folder, epoch).await?.map(|record| record.generation),
        };
        let listed = folder.list("look for older coordinators", layout::GENERATIONS).await?;
        let newest = listed.iter().rev().find_map(|o| match layout::parse(&o.key) {
            Some(layout::ObjectKind::Generation(generation)) => Some(generation),
            _ => None,
        });
        if let (None, Some(generation)) = (newest, logged) {
            return Err(self.lost(generation));
        }
        let mut generation = newest.max(logged).map_or(FIRST_GENERATION, Generation::next);
        for _ in 0..CLAIM_ROUNDS {
            let record = GenerationRecord {
                generation,
                coordinator: folder.settings.coordinator.clone(),
                nonce: folder.settings.nonces.draw(),
            };
            match folder.create(&layout::generation(generation), record.encode()).await {
                Ok(CreateOutcome::Created) => return Ok(generation),
                Ok(CreateOutcome::Taken(_)) => generation = generation.next(),
                Err(source) if source.remedy() == Remedy::GiveUp => {
                    return Err(StoreError::Storage { action: "claim a generation", source });
                }
                Err(source) => {
                    return Err(StoreError::Undecided { what: format!("generation {generation}"), source });
                }
            }
        }
        Err(StoreError::Misuse(format!("{CLAIM_ROUNDS} generations in a row were claimed by others")))
    }

    /// The manifest of an epoch, checked against its record; its objects are not.
    ///
    /// # Errors
    /// `NoSuchCheckpoint`; `Damaged` if the record, the manifest or its checksum is wrong; `Storage`.
    pub async fn read_manifest(
        &self,
        epoch: Epoch,
    ) -> Result<(millstream_checkpoint::OwnedCheckpoint, millstream_checkpoint::Manifest), StoreError> {
        let missing = || StoreError::NoSuchCheckpoint { epoch, job: self.folder.job.to_string() };
        let record = crate::log::record(&self.folder, epoch).await?.ok_or_else(missing)?;
        let EpochKind::Checkpoint { checkpoint, manifest } = record.kind else { return Err(missing()) };
        let owned = millstream_checkpoint::OwnedCheckpoint {
            epoch,
            checkpoint,
            generation: record.generation,
            manifest,
        };
        let manifest = crate::objects::manifest(&self.folder, &owned).await?;
        Ok((owned, manifest))
    }

    /// A name for this folder's whole history: the job's identity, and the nonce of its first generation, which is never
    /// deleted. A job that begins anew in an emptied folder has another one, so that targets can tell its output from that
    /// of its predecessor. Call it after a take-over, when there is a first generation.
    ///
    /// # Errors
    /// `Record` if the first generation's record is damaged; `GenerationLost`; `Storage`.
    pub async fn lineage(&self) -> Result<String, StoreError> {
        match Self::claimant(&self.folder, FIRST_GENERATION).await? {
            Some(first) => Ok(format!("{}#{:016x}", self.folder.job, first.nonce)),
            None => Err(self.lost(FIRST_GENERATION)),
        }
    }

    fn lost(&self, generation: Generation) -> StoreError {
        StoreError::GenerationLost { job: self.folder.job.to_string(), generation }
    }

    /// Who claimed a generation, if it is claimed.
    pub(crate) async fn claimant(
        folder: &Folder,
        generation: Generation,
    ) -> Result<Option<GenerationRecord>, StoreError> {
        let key = layout::generation(generation);
        folder
            .record("look for a newer coordinator", RecordKind::Generation, &key, GenerationRecord::decode)
            .await
    }
}
