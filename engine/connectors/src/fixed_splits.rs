//! Splits that are known as soon as a job starts: reported once, and never again after a restore.
//!
//! Example: `datagen` with `splits = 2` reports `0/2` and `1/2` when it is first asked, and nothing from then on.

use millstream_model::snapshot::SplitState;
use millstream_model::{SplitId, Watermark};

use crate::error::ConnectorError;
use crate::source::{Discovery, Enumerator};

/// See the module.
pub(crate) struct FixedSplits {
    table: String,
    /// Describes all splits, in order, when they are reported.
    describe: Box<dyn Fn() -> Vec<Vec<u8>> + Send>,
    is_complete: bool,
}

impl FixedSplits {
    /// Splits with these descriptors, of this table.
    pub(crate) fn new(table: &str, describe: impl Fn() -> Vec<Vec<u8>> + Send + 'static) -> Self {
        Self { table: table.to_owned(), describe: Box::new(describe), is_complete: false }
    }
}

impl Enumerator for FixedSplits {
    fn discover(&mut self) -> Result<Discovery, ConnectorError> {
        if std::mem::replace(&mut self.is_complete, true) {
            return Ok(Discovery { splits: Vec::new(), is_complete: true });
        }
        let descriptors = (self.describe)();
        let count = descriptors.len();
        let state = |(index, descriptor)| SplitState {
            split: SplitId(format!("{index}/{count}")),
            descriptor,
            position: Vec::new(),
            watermark: Watermark::MIN,
            is_idle: false,
            is_finished: false,
        };
        Ok(Discovery { splits: descriptors.into_iter().enumerate().map(state).collect(), is_complete: true })
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
                    table: self.table.clone(),
                    message: "what was remembered of the splits is damaged or from a newer version"
                        .to_owned(),
                });
            }
        };
        Ok(())
    }
}
