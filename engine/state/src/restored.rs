//! What a restore hands to an operator: the stored rows of one table, cut to the key groups that the subtask owns.
//!
//! Example: at parallelism 2 of 256 key groups, subtask 1 reads a base of `[0, 256)` and gets its rows of `[128, 256)`.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::UInt16Type;
use millstream_model::KeyGroupRange;

use crate::error::StateError;
use crate::segment::visit_segment;

/// Rows that a table takes over at a time: so many may be in memory beyond its budget.
pub(crate) const RESTORED_ROWS: usize = 8 * 1024;

/// Stored rows of one table. Later segments change what earlier ones said.
#[derive(Clone, Debug)]
pub struct RestoredTable {
    /// Name of the table within its operator.
    pub name: String,
    /// Parts of bases and deltas in the order in which they must be applied, each sorted by (key group, key).
    pub segments: Vec<RecordBatch>,
}

impl RestoredTable {
    /// A table without rows.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), segments: Vec::new() }
    }

    /// Decodes a segment and keeps its rows of these key groups. Segments must be pushed in the manifest's order.
    ///
    /// # Errors
    /// [`StateError::Damaged`] when the bytes are not a segment.
    pub fn push_segment(&mut self, bytes: &[u8], key_groups: KeyGroupRange) -> Result<(), StateError> {
        visit_segment(bytes, key_groups, |rows| self.segments.push(rows))
    }
}

/// The rows of these key groups, of a batch that is sorted by key group; shares the buffers.
#[must_use]
pub fn filter_key_groups(rows: &RecordBatch, key_groups: KeyGroupRange) -> RecordBatch {
    let groups = rows.column(0).as_primitive::<UInt16Type>().values();
    let start = groups.partition_point(|g| u32::from(*g) < key_groups.start);
    let end = groups.partition_point(|g| u32::from(*g) < key_groups.end);
    rows.slice(start, end.saturating_sub(start))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::UInt16Array;
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    #[test]
    fn ranges_cut_without_loss() {
        let schema = Arc::new(Schema::new(vec![Field::new("key_group", DataType::UInt16, false)]));
        let groups: Vec<u16> = vec![0, 0, 3, 5, 5, 5, 9];
        let rows = RecordBatch::try_new(schema, vec![Arc::new(UInt16Array::from(groups.clone()))]).unwrap();
        for start in 0..11 {
            for end in start..12 {
                let kept = filter_key_groups(&rows, KeyGroupRange { start, end });
                let expected = groups.iter().filter(|g| (start..end).contains(&u32::from(**g))).count();
                assert_eq!(kept.num_rows(), expected, "[{start}, {end})");
            }
        }
    }
}
