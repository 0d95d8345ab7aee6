//! How savepoints are written and read; plain data.

use millstream_checkpoint_store::Nonces;
use millstream_storage::Patience;

/// Settings of [`crate::write()`] and [`crate::import()`].
#[derive(Clone, Debug)]
pub struct SavepointSettings {
    /// A bucket of key groups should not have more bytes in memory, by estimate. Its file is held in memory as a whole, while
    /// it is written and while it is read.
    pub bucket_bytes: u64,
    /// Rows of a table are held in memory up to about this many bytes. Every pass over a table reads its segments once more.
    pub memory_bytes: u64,
    /// Rows of a row group of Parquet, and of a batch that is read.
    pub row_group_rows: usize,
    /// Rows of a segment that an import makes; at most [`millstream_state::MAX_SEGMENT_ROWS`].
    pub segment_rows: usize,
    /// Bytes in memory of the rows of a segment that an import makes, by estimate.
    pub segment_bytes: usize,
    /// How long to go on with a store that gives no definite answer.
    pub patience: Patience,
    /// Where the names of attempts come from.
    pub nonces: Nonces,
}

impl Default for SavepointSettings {
    fn default() -> Self {
        Self {
            bucket_bytes: 64 << 20,
            memory_bytes: 256 << 20,
            row_group_rows: 64 << 10,
            segment_rows: millstream_state::MAX_SEGMENT_ROWS,
            segment_bytes: 32 << 20,
            patience: Patience::default(),
            nonces: Nonces::random(),
        }
    }
}
