//! Reports the generators once, with the moment at which the job started and the seed.

use std::sync::Arc;

use millstream_model::snapshot::SplitState;
use millstream_model::{SplitId, Watermark};

use super::random::SplittableRandom;
use super::spec::NexmarkSpec;
use super::split::NexmarkSplit;
use crate::clock::Clock;
use crate::error::ConnectorError;
use crate::source::{Discovery, Enumerator};

/// See the module.
pub(super) struct NexmarkEnumerator {
    spec: Arc<NexmarkSpec>,
    clock: Clock,
    is_complete: bool,
}

impl NexmarkEnumerator {
    pub(super) const fn new(spec: Arc<NexmarkSpec>, clock: Clock) -> Self {
        Self { spec, clock, is_complete: false }
    }
}

impl Enumerator for NexmarkEnumerator {
    fn discover(&mut self) -> Result<Discovery, ConnectorError> {
        let first = !std::mem::replace(&mut self.is_complete, true);
        let splits = if first { self.spec.splits } else { 0 };
        let start_ms = self.clock.unix_ms();
        // Any number will do that is another one the next time.
        let seed = self.spec.seed.unwrap_or_else(|| {
            let mut random = SplittableRandom::new(start_ms.cast_unsigned());
            u64::from(random.bits())
        });
        let each = self.spec.id_room() / i64::from(self.spec.splits);
        let state = |index| SplitState {
            split: SplitId(format!("{index}/{splits}")),
            descriptor: NexmarkSplit {
                index,
                splits,
                first_event_id: 1 + i64::from(index) * each,
                seed,
                base_ms: self.spec.base_ms.unwrap_or(start_ms),
                start_ms,
            }
            .encode(),
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
