//! Finds the files of the table: one split each, all at once, in the order of their key groups.

use std::sync::Arc;

use millstream_connectors::ConnectorError;
use millstream_connectors::source::{Discovery, Enumerator};
use millstream_model::snapshot::SplitState;
use millstream_model::{SplitId, Watermark};
use serde::{Deserialize, Serialize};

use crate::place::{damaged, encode_split, exact};
use crate::source::SourceSpec;

/// See the module.
pub(crate) struct SavepointEnumerator {
    spec: Arc<SourceSpec>,
    is_complete: bool,
}

/// What it remembers, in checkpoints. Variants are only ever added.
#[derive(Serialize, Deserialize)]
enum Memory {
    V1 { is_complete: bool },
}

impl SavepointEnumerator {
    pub(crate) const fn new(spec: Arc<SourceSpec>) -> Self {
        Self { spec, is_complete: false }
    }
}

impl Enumerator for SavepointEnumerator {
    fn discover(&mut self) -> Result<Discovery, ConnectorError> {
        let split = |file: &str| SplitState {
            split: SplitId(file.to_owned()),
            descriptor: encode_split(file),
            position: Vec::new(),
            watermark: Watermark::MIN,
            is_idle: false,
            is_finished: false,
        };
        let files = if self.is_complete { &[][..] } else { &self.spec.saved.files };
        self.is_complete = true;
        Ok(Discovery { splits: files.iter().map(|f| split(&f.key)).collect(), is_complete: true })
    }

    fn snapshot(&self) -> Vec<u8> {
        postcard::to_stdvec(&Memory::V1 { is_complete: self.is_complete }).unwrap_or_default()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), ConnectorError> {
        if state.is_empty() {
            return Ok(());
        }
        let Memory::V1 { is_complete } =
            exact(state).map_err(|reason| damaged(&self.spec.table, "the list of files", &reason))?;
        self.is_complete = is_complete;
        Ok(())
    }
}
