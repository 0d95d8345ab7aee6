//! Savepoints that were asked for, and how each is written and answered.
//!
//! The job master counts orders and says when each may be written; here is where it goes and who waits for it.

use std::collections::BTreeMap;

use millstream_checkpoint_store::StoreError;
use millstream_jobmaster::{Event, SavepointId, SavepointReport};
use millstream_model::{Epoch, JobError};
use millstream_savepoint::{SavepointError, SavepointRequest as Wanted, SavepointSettings};

use crate::handle::SavepointRequest;
use crate::metadata_io::MetadataIo;

/// Orders that are neither being written nor answered.
#[derive(Debug, Default)]
pub(crate) struct SavepointDesk {
    last: u64,
    open: BTreeMap<SavepointId, SavepointRequest>,
}

impl SavepointDesk {
    /// Takes an order, and says so to the job master.
    pub(crate) fn open(&mut self, request: SavepointRequest) -> Event {
        self.last += 1;
        let id = SavepointId(self.last);
        let then = request.then;
        tracing::info!("savepoint {} was asked for", request.location);
        self.open.insert(id, request);
        Event::SavepointRequested { id, then }
    }

    /// The order that is to be written now.
    pub(crate) fn take(&mut self, id: SavepointId) -> Option<SavepointRequest> {
        self.open.remove(&id)
    }

    /// Says no.
    pub(crate) fn refuse(&mut self, id: SavepointId, error: JobError) {
        let Some(order) = self.open.remove(&id) else { return };
        tracing::warn!("savepoint {}: {error}", order.location);
        // Whoever asked may have gone.
        let _ = order.answer.send(Err(error));
    }
}

impl SavepointRequest {
    /// Writes the savepoint from an epoch that is visible, tells whoever asked, and returns what the job master has to know.
    pub(crate) async fn write(
        self,
        metadata: MetadataIo,
        id: SavepointId,
        epoch: Epoch,
        engine_version: String,
        now_ms: u64,
    ) -> Event {
        let Self { location, answer, .. } = self;
        let (store, incarnation) = metadata.folder();
        let wanted = Wanted { epoch, now_ms, engine_version };
        let settings = SavepointSettings::default();
        let written = millstream_savepoint::write(store, incarnation, &location, &wanted, &settings).await;
        match written {
            Ok(manifest) => {
                let report = SavepointReport {
                    location: location.to_string(),
                    epoch,
                    rows: manifest.rows(),
                    bytes: manifest.bytes(),
                    at_ms: now_ms,
                };
                tracing::info!(
                    "savepoint of epoch {epoch} is complete in {}: {} rows, {} bytes",
                    report.location,
                    report.rows,
                    report.bytes
                );
                let _ = answer.send(Ok(report.clone()));
                Event::SavepointWritten { id, report }
            }
            Err(error) => {
                let told = JobError::of(error.kind(), &error);
                let _ = answer.send(Err(told.clone()));
                let failed = |error| Event::SavepointFailed { id, error };
                match error {
                    SavepointError::Store { source, .. } if is_fence(&source) => {
                        metadata.answer(source, failed)
                    }
                    _ => failed(told),
                }
            }
        }
    }
}

const fn is_fence(error: &StoreError) -> bool {
    matches!(error, StoreError::Fenced { .. } | StoreError::Ended { .. })
}
