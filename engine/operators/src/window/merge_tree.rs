//! Merged runs of slices, so that a wide window over fine slices costs O(log n) merges a key and not n.
//!
//! A node of level `k` holds the merged groups of `2^k` slices, aligned at multiples of `2^k`. It is built when a window that holds
//! all of them fires, and shared by the windows that follow. Example: `HOP(slide 1 s, size 1 h)` has 3,600 slices a window; each
//! window merges at most 22 nodes. Late rows never change a node: they are in groups of their own, see `slices`.
//!
//! Nodes are derived and never stored: they come back from the slices.

use std::collections::HashMap;

use millstream_plan::{AggregateCall, WindowSpec};
use millstream_state::GroupTable;

use crate::aggregate::{Aggregates, Changes, PartialTable};
use crate::error::OperatorError;
use crate::window::Slices;
use crate::window::key::user_key;

/// Windows of fewer slices are merged slice by slice: there is little to share.
const MIN_SLICES: i64 = 8;

/// The groups that slices consist of.
#[derive(Clone, Copy)]
pub(crate) struct SliceGroups<'a> {
    pub(crate) slices: &'a Slices,
    pub(crate) table: &'a GroupTable,
    pub(crate) aggregates: &'a Aggregates,
}

/// The nodes.
pub(crate) struct MergeTree {
    window: WindowSpec,
    calls: Vec<AggregateCall>,
    changes: Changes,
    nodes: HashMap<Block, PartialTable>,
    max_level: u32,
}

/// Slices `index << level .. (index + 1) << level`, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Block {
    level: u32,
    index: i64,
}

impl Block {
    const fn slices(self) -> (i64, i64) {
        (self.index << self.level, (self.index + 1) << self.level)
    }

    /// Cuts `[start, end)` into the fewest blocks.
    fn cover(mut start: i64, end: i64, max_level: u32) -> Vec<Self> {
        let mut blocks = Vec::new();
        while start < end {
            let level = start.trailing_zeros().min((end - start).ilog2()).min(max_level);
            blocks.push(Self { level, index: start >> level });
            start += 1 << level;
        }
        blocks
    }
}

impl MergeTree {
    pub(crate) fn new(
        window: WindowSpec,
        calls: &[AggregateCall],
        changes: Changes,
        is_columnar: bool,
    ) -> Self {
        let slices = window.size() / window.slice();
        let shares = is_columnar && window.slide() < window.size() && slices >= MIN_SLICES;
        // A block that is as long as the window is never shared.
        let max_level = if shares { slices.ilog2() - 1 } else { 0 };
        Self { window, calls: calls.to_vec(), changes, nodes: HashMap::new(), max_level }
    }

    /// Number of the slice that ends at `slice_end`; slices are numbered without gaps.
    const fn number(&self, slice_end: i64) -> i64 {
        (slice_end - self.window.offset).div_euclid(self.window.slice())
    }

    const fn slice_end(&self, number: i64) -> i64 {
        number * self.window.slice() + self.window.offset
    }

    /// All groups of the window that ends at `end`, by the user's key.
    ///
    /// # Errors
    /// [`OperatorError`] when kept values are damaged.
    pub(crate) fn merge(&mut self, end: i64, groups: SliceGroups<'_>) -> Result<PartialTable, OperatorError> {
        let mut merged = PartialTable::new(&self.calls, self.changes)?;
        let after = self.number(end) + 1;
        let first = self.number(self.window.window_start(end)) + 1;
        for block in Block::cover(first, after, self.max_level) {
            self.merge_block(block, groups, &mut merged)?;
        }
        for (_, slice) in groups.slices.range(self.slice_end(first), end) {
            let mut delayed: Vec<u32> = slice.delayed_in(end).collect();
            // The same order as after a restore: sums of floats depend on it.
            delayed.sort_unstable_by_key(|g| groups.table.key(*g));
            absorb(&mut merged, &delayed, groups)?;
        }
        Ok(merged)
    }

    fn merge_block(
        &mut self,
        block: Block,
        groups: SliceGroups<'_>,
        into: &mut PartialTable,
    ) -> Result<(), OperatorError> {
        let (first, after) = block.slices();
        if groups.slices.range(self.slice_end(first), self.slice_end(after - 1)).next().is_none() {
            return Ok(());
        }
        if block.level == 0 {
            return match groups.slices.get(self.slice_end(first)) {
                Some(slice) => absorb(into, &slice.on_time, groups),
                None => Ok(()),
            };
        }
        if !self.nodes.contains_key(&block) {
            let mut node = PartialTable::new(&self.calls, self.changes)?;
            for half in [2 * block.index, 2 * block.index + 1] {
                self.merge_block(Block { level: block.level - 1, index: half }, groups, &mut node)?;
            }
            self.nodes.insert(block, node);
        }
        match self.nodes.get(&block) {
            Some(node) => into.absorb_all(node),
            None => Ok(()),
        }
    }

    /// Forgets nodes that no window from the one that ends at `end` on can use.
    pub(crate) fn expire(&mut self, end: i64) {
        if self.nodes.is_empty() {
            return;
        }
        let first = self.number(self.window.window_start(end)) + 1;
        self.nodes.retain(|block, _| block.slices().0 >= first);
    }

    /// Forgets all nodes.
    pub(crate) fn clear(&mut self) {
        self.nodes.clear();
    }

    /// Allocated bytes, by estimate.
    pub(crate) fn bytes(&self) -> usize {
        self.nodes.values().map(PartialTable::bytes).sum()
    }
}

fn absorb(into: &mut PartialTable, groups: &[u32], from: SliceGroups<'_>) -> Result<(), OperatorError> {
    if groups.is_empty() {
        return Ok(());
    }
    let keys = groups.iter().map(|g| {
        let key = user_key(from.table.key(*g));
        (millstream_model::key_group::key_hash(key), key)
    });
    into.absorb(keys, (from.aggregates, groups, from.table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_a_range_once_and_are_few() {
        for (start, end, max_level) in [(0, 8, 2), (-5, 9, 10), (1, 3_601, 10), (7, 7, 3), (-3_600, 0, 11)] {
            let blocks = Block::cover(start, end, max_level);
            let mut next = start;
            for block in &blocks {
                let (first, after) = block.slices();
                assert_eq!((first, first.rem_euclid(1 << block.level)), (next, 0));
                assert!(block.level <= max_level);
                next = after;
            }
            assert_eq!(next, end);
            assert!(blocks.len() <= 24, "{start}..{end}: {} blocks", blocks.len());
        }
    }
}
