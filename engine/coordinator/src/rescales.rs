//! Who waits for another parallelism.
//!
//! The job master decides what comes of an order; here it gets its number, and whoever asked the answer.

use std::collections::BTreeMap;

use millstream_jobmaster::{Event, RescaleId};
use millstream_model::{Attempt, JobError};

use crate::handle::RescaleRequest;

/// Orders that are not answered.
#[derive(Debug, Default)]
pub(crate) struct RescaleDesk {
    last: u64,
    open: BTreeMap<RescaleId, RescaleRequest>,
}

impl RescaleDesk {
    /// Takes an order: what to tell the job master.
    pub(crate) fn open(&mut self, request: RescaleRequest) -> Event {
        self.last += 1;
        let id = RescaleId(self.last);
        let RescaleRequest { parallelism, graph, .. } = &request;
        tracing::info!("parallelism {parallelism} was asked for");
        let event = Event::RescaleRequested { id, parallelism: *parallelism, graph: graph.clone() };
        self.open.insert(id, request);
        event
    }

    /// Tells whoever asked; they may have gone.
    pub(crate) fn answer(&mut self, id: RescaleId, answer: Result<Attempt, JobError>) {
        let Some(request) = self.open.remove(&id) else { return };
        match &answer {
            Ok(attempt) => tracing::info!("attempt {attempt} runs at parallelism {}", request.parallelism),
            Err(error) => tracing::warn!("parallelism {} is refused: {error}", request.parallelism),
        }
        let _ = request.answer.send(answer);
    }
}
