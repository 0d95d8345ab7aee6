//! When a checkpoint should hold all of an operator's state again instead of what changed.
//!
//! Deltas keep checkpoints small but make a restore read more. Example: with 1,000 live rows and deltas of 900 rows each,
//! the third delta makes 2,700 > 2 x 1,000, so the next checkpoint is a base.

use crate::frozen_table::FrozenTable;

/// A restore reads at most one base and about this many deltas of each subtask.
const MAX_DELTAS: u32 = 8;
/// The same with a store behind the tables: a base is all that lies there, however little changed. Small segments are cheap.
const MAX_DELTAS_OF_SPILLED: u32 = 256;
/// A restore reads at most about this many stale rows for each live one.
const MAX_DELTA_ROWS_PER_LIVE_ROW: u64 = 2;

/// Counts what one operator of one subtask has stored since its last base.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BasePolicy {
    has_base: bool,
    is_spilling: bool,
    deltas: u32,
    delta_rows: u64,
    live_rows: u64,
    /// Rows of this interval that are stored before its barrier. Counted at the barrier, so that a base is never due before.
    early_rows: u64,
}

impl BasePolicy {
    /// The policy of an operator whose state lies in a store beyond a budget.
    #[must_use]
    pub fn of_spilled() -> Self {
        Self { is_spilling: true, ..Self::default() }
    }

    /// Notes changes that are stored before the next barrier.
    pub fn stores_early(&mut self, tables: &[FrozenTable]) {
        self.early_rows += tables.iter().map(|t| t.row_count() as u64).sum::<u64>();
    }

    /// Whether the next checkpoint should be a base. Always for the first one of an attempt: what an earlier attempt stored
    /// may belong to other key groups.
    #[must_use]
    pub const fn needs_base(&self) -> bool {
        !self.has_base
            || self.deltas >= if self.is_spilling { MAX_DELTAS_OF_SPILLED } else { MAX_DELTAS }
            || self.delta_rows > MAX_DELTA_ROWS_PER_LIVE_ROW.saturating_mul(self.live_rows)
    }

    /// Notes what the operator just froze.
    pub fn froze(&mut self, is_full: bool, tables: &[FrozenTable]) {
        let rows: u64 = tables.iter().map(|t| t.row_count() as u64).sum();
        let rows = rows + std::mem::take(&mut self.early_rows);
        if is_full {
            let live_rows = tables.iter().map(|t| t.live_rows).max().unwrap_or(0).max(rows);
            *self = Self { has_base: true, is_spilling: self.is_spilling, live_rows, ..Self::default() };
        } else if rows > 0 {
            self.deltas += 1;
            self.delta_rows += rows;
            // A table that was cut into several parts says its size in each; the largest figure is near enough.
            self.live_rows = tables.iter().map(|t| t.live_rows).max().unwrap_or(self.live_rows).max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{RecordBatch, RecordBatchOptions};
    use arrow::datatypes::Schema;
    use std::sync::Arc;

    use super::*;

    fn frozen(rows: usize, live_rows: u64) -> Vec<FrozenTable> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let rows = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).unwrap();
        vec![FrozenTable::of_rows("t", false, rows, live_rows)]
    }

    #[test]
    fn the_first_checkpoint_is_a_base() {
        let mut policy = BasePolicy::default();
        assert!(policy.needs_base());
        policy.froze(true, &frozen(5, 5));
        assert!(!policy.needs_base());
    }

    #[test]
    fn many_deltas_or_many_stale_rows_ask_for_a_base() {
        // (live rows, rows of each delta, deltas until a base is due)
        for (live, rows, due) in [(1000, 1, 8), (1000, 900, 3), (10, 21, 1), (1000, 2000, 2)] {
            let mut policy = BasePolicy::default();
            policy.froze(true, &frozen(live, live as u64));
            let mut written = 0;
            while !policy.needs_base() {
                policy.froze(false, &frozen(rows, live as u64));
                written += 1;
            }
            assert_eq!(written, due, "{live} live, {rows} a delta");
        }
    }

    #[test]
    fn checkpoints_without_changes_cost_nothing() {
        let mut policy = BasePolicy::default();
        policy.froze(true, &frozen(5, 5));
        for _ in 0..100 {
            policy.froze(false, &[]);
        }
        assert!(!policy.needs_base());
    }
}
