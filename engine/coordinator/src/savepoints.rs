//! Savepoints that were asked for, and how each is written and answered.
//!
//! The job master counts orders and says when each may be written; here is where it goes and who waits for it. Whoever orders
//! the job to stop is answered when it is over: the next command of a script may start it again, and must not fence it.

use std::collections::BTreeMap;

use millstream_checkpoint_store::StoreError;
use millstream_jobmaster::{AfterSavepoint, Event, SavepointId, SavepointReport};
use millstream_model::{Epoch, ErrorKind, JobError};
use millstream_savepoint::{
    SavepointError, SavepointLocation, SavepointRequest as Wanted, SavepointSettings,
};

use crate::clock::Clock;
use crate::handle::SavepointRequest;
use crate::metadata_io::MetadataIo;

/// Orders that are not answered.
#[derive(Debug, Default)]
pub(crate) struct SavepointDesk {
    last: u64,
    open: BTreeMap<SavepointId, SavepointRequest>,
    /// What the orders to stop have come to.
    for_the_end: Vec<(SavepointRequest, Result<SavepointReport, JobError>)>,
}

impl SavepointDesk {
    /// Takes an order: what to tell the job master. One for a folder that another order has is refused at once, because two
    /// writers would take the name from each other.
    pub(crate) fn open(&mut self, request: SavepointRequest) -> Option<Event> {
        let place = request.location.to_string();
        if self.open.values().any(|other| other.location.to_string() == place) {
            let message = format!("a savepoint {place} is being taken already; take another name");
            let _ = request.answer.send(Err(JobError::new(ErrorKind::User, message)));
            return None;
        }
        self.last += 1;
        let id = SavepointId(self.last);
        let then = request.then;
        tracing::info!("savepoint {place} was asked for");
        self.open.insert(id, request);
        Some(Event::SavepointRequested { id, then })
    }

    /// Where an order is to be written.
    pub(crate) fn location(&self, id: SavepointId) -> Option<SavepointLocation> {
        self.open.get(&id).map(|order| order.location.clone())
    }

    /// Tells whoever asked what came of it, or keeps the answer for the end.
    pub(crate) fn hear(&mut self, event: &Event) {
        let (id, answer) = match event {
            Event::SavepointWritten { id, report } => (id, Ok(report.clone())),
            Event::SavepointFailed { id, error } => (id, Err(error.clone())),
            _ => return,
        };
        let Some(order) = self.open.remove(id) else { return };
        if order.then == AfterSavepoint::GoOn {
            // Whoever asked may have gone.
            let _ = order.answer.send(answer);
        } else {
            self.for_the_end.push((order, answer));
        }
    }

    /// Says no.
    pub(crate) fn refuse(&mut self, id: SavepointId, error: JobError) {
        let Some(order) = self.open.remove(&id) else { return };
        tracing::warn!("savepoint {}: {error}", order.location);
        let _ = order.answer.send(Err(error));
    }

    /// The job is over.
    pub(crate) fn close(self) {
        for (order, answer) in self.for_the_end {
            let _ = order.answer.send(answer);
        }
    }
}

/// Writes a savepoint from an epoch that is visible, and returns what came of it.
pub(crate) async fn write(
    metadata: MetadataIo,
    id: SavepointId,
    location: SavepointLocation,
    epoch: Epoch,
    engine_version: String,
    clock: Clock,
) -> Event {
    let (store, incarnation) = metadata.folder();
    let wanted = Wanted { epoch, now_ms: clock.now_ms(), engine_version };
    let settings = SavepointSettings::default();
    match millstream_savepoint::write(store, incarnation, &location, &wanted, &settings).await {
        Ok(manifest) => {
            let report = SavepointReport {
                location: location.to_string(),
                epoch,
                rows: manifest.rows(),
                bytes: manifest.bytes(),
                at_ms: clock.now_ms(),
            };
            tracing::info!(
                "savepoint of epoch {epoch} is complete in {}: {} rows, {} bytes",
                report.location,
                report.rows,
                report.bytes
            );
            Event::SavepointWritten { id, report }
        }
        Err(SavepointError::Store { source, .. }) if is_fence(&source) => {
            metadata.answer(source, |error| Event::SavepointFailed { id, error })
        }
        Err(error) => Event::SavepointFailed { id, error: error.into() },
    }
}

const fn is_fence(error: &StoreError) -> bool {
    matches!(error, StoreError::Fenced { .. } | StoreError::Ended { .. })
}
