//! Parts of the next checkpoint that are there before its barrier: changes that left memory.

use crate::error::StateError;
use crate::frozen_table::{EARLY_BYTES, FrozenTable};

/// In the order in which they left, with their size: there can be thousands, and each batch asks whether they are many.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    parts: Vec<FrozenTable>,
    bytes: usize,
}

impl Parts {
    pub(crate) fn push(&mut self, part: FrozenTable) {
        self.bytes += part.bytes();
        self.parts.push(part);
    }

    /// All of them.
    pub(crate) fn take(&mut self) -> Vec<FrozenTable> {
        self.bytes = 0;
        std::mem::take(&mut self.parts)
    }

    /// All of them, joined, if they are many enough to be stored already.
    ///
    /// # Errors
    /// [`StateError::Encode`] when their columns differ.
    pub(crate) fn take_if_many(&mut self) -> Result<Vec<FrozenTable>, StateError> {
        if self.bytes < EARLY_BYTES { Ok(Vec::new()) } else { FrozenTable::joined(self.take()) }
    }
}
