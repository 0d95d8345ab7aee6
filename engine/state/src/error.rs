//! What can go wrong with state.

use arrow::error::ArrowError;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Frozen rows could not be brought into the form of a segment.
    #[error("encode state table {table}")]
    Encode {
        /// The table.
        table: String,
        /// What Arrow said.
        source: ArrowError,
    },
    /// Stored bytes are not a segment.
    #[error("damaged state segment: {0}")]
    Damaged(String),
    /// A segment's columns are not those of the operator that should restore it.
    #[error(
        "state table {table} was stored with the columns ({found}) but the operator expects ({expected})"
    )]
    Schema {
        /// The table.
        table: String,
        /// What the operator keeps.
        expected: String,
        /// What was stored.
        found: String,
    },
    /// The store for what does not fit into memory failed.
    #[error(transparent)]
    Spill(#[from] crate::spill::SpillError),
    /// A row arrived at a subtask that does not own its key.
    #[error("a row of key group {key_group} arrived at the subtask of the key groups [{start}, {end})")]
    ForeignKeyGroup {
        /// Where the row belongs.
        key_group: u16,
        /// First group that the subtask owns.
        start: u32,
        /// One past the last one.
        end: u32,
    },
}

impl StateError {
    pub(crate) fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged(reason.into())
    }
}
