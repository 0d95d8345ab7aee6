//! What a worker keeps on disk instead of in memory.

use std::sync::Arc;

use millstream_state::SpillFactory;

/// State beyond a budget lies in stores on this machine.
#[derive(Clone, Debug)]
pub struct SpillSettings {
    /// Makes the stores, one for each operator with keyed state of each subtask.
    pub stores: Arc<dyn SpillFactory>,
    /// Bytes that the state tables of one slot, of a subtask of every chain, may take in memory. What the stores themselves take is
    /// theirs.
    pub table_bytes: usize,
}
