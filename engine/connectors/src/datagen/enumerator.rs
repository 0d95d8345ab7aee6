//! Reports the splits once, with the moment at which the job started.

use std::sync::Arc;

use millstream_model::snapshot::SplitState;
use millstream_model::{SplitId, Watermark};

use crate::clock::Clock;
use crate::datagen::DatagenSpec;
use crate::datagen::split::DatagenSplit;
use crate::error::ConnectorError;
use crate::source::{Discovery, Enumerator};

/// See the module.
pub(super) struct DatagenEnumerator {
    spec: Arc<DatagenSpec>,
    clock: Clock,
    is_complete: bool,
}

impl DatagenEnumerator {
    pub(super) const fn new(spec: Arc<DatagenSpec>, clock: Clock) -> Self {
        Self { spec, clock, is_complete: false }
    }
}

impl Enumerator for DatagenEnumerator {
    fn discover(&mut self) -> Result<Discovery, ConnectorError> {
        if self.is_complete {
            return Ok(Discovery { splits: Vec::new(), is_complete: true });
        }
        self.is_complete = true;
        let splits = self.spec.splits;
        let start_ms = self.clock.unix_ms();
        let state = |index| SplitState {
            split: SplitId(format!("{index}/{splits}")),
            descriptor: DatagenSplit { index, splits, start_ms }.encode(),
            position: Vec::new(),
            watermark: Watermark::MIN,
            is_idle: false,
            is_finished: false,
        };
        Ok(Discovery { splits: (0..splits).map(state).collect(), is_complete: true })
    }

    fn snapshot(&self) -> Vec<u8> {
        vec![u8::from(self.is_complete)]
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), ConnectorError> {
        self.is_complete = match state {
            [] | [0] => false,
            [1] => true,
            _ => {
                return Err(ConnectorError::Position {
                    table: self.spec.table.clone(),
                    message: "what was remembered of the splits is damaged or from a newer version"
                        .to_owned(),
                });
            }
        };
        Ok(())
    }
}
