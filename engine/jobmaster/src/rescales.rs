//! Orders to go on at another parallelism.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Number of an order within its coordinator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RescaleId(pub u64);

impl fmt::Display for RescaleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
