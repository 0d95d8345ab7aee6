//! A window that fires while its groups lie in a store: key group by key group, so that only one key group's groups are in memory.
//!
//! Before it begins, everything in memory has left for the store, so that what lies there is all there is. Example: a window over
//! 5,000,000 keys of 256 key groups fires in 256 steps of some 20,000 groups for each of its slices. Every window reads all of its
//! slices again: nothing that was merged is kept, so many slices a window (`HOP` with a slide much shorter than its size) cost that
//! much more than in memory.

use std::ops::Range;

use millstream_model::key_group::KeyGroup;
use millstream_plan::{AggregateCall, WindowSpec};
use millstream_state::GroupTable;

use crate::aggregate::{Aggregates, Changes, PartialTable};
use crate::error::OperatorError;
use crate::window::firing::{Chunk, Firing, WindowRows};
use crate::window::key::{SlicePrefix, user_key};

/// What a firing reads from and shows.
pub(crate) struct SpilledGroups<'a> {
    pub(crate) table: &'a mut GroupTable,
    pub(crate) aggregates: &'a mut Aggregates,
    pub(crate) calls: &'a [AggregateCall],
    pub(crate) changes: Changes,
    pub(crate) shape: &'a WindowRows,
}

/// The key groups of a window that are still to be shown.
pub(crate) struct SpilledFiring {
    window: WindowSpec,
    end: i64,
    /// End of the first window that fires later: slices that are in none of those go with this one.
    next_end: i64,
    key_groups: Range<u32>,
    current: Option<Firing>,
}

impl SpilledFiring {
    /// The window that ends at `end`, of these key groups.
    pub(crate) const fn new(window: WindowSpec, end: i64, key_groups: Range<u32>) -> Self {
        let next_end = end.saturating_add(window.slide());
        Self { window, end, next_end, key_groups, current: None }
    }

    /// End of the window.
    pub(crate) const fn end(&self) -> i64 {
        self.end
    }

    /// The next rows; `None` when all were shown.
    ///
    /// # Errors
    /// [`OperatorError`] when the store fails or a column cannot be built.
    pub(crate) fn next_chunk(
        &mut self,
        groups: &mut SpilledGroups<'_>,
    ) -> Result<Option<Chunk>, OperatorError> {
        loop {
            if let Some(firing) = &mut self.current {
                if let Some(chunk) = firing.next_chunk(groups.shape, groups.table, groups.aggregates)? {
                    return Ok(Some(chunk));
                }
                self.current = None;
            }
            let Some(key_group) = self.key_groups.next() else { return Ok(None) };
            let key_group = KeyGroup::try_from(key_group)
                .map_err(|_| OperatorError::Plan("more key groups than there can be".into()))?;
            let merged = self.merge(key_group, groups)?;
            self.current = Some(Firing::of_merged(self.end, merged));
        }
    }

    /// Merges the slices of one key group.
    fn merge(
        &self,
        key_group: KeyGroup,
        groups: &mut SpilledGroups<'_>,
    ) -> Result<PartialTable, OperatorError> {
        let mut merged = PartialTable::new(groups.calls, groups.changes)?;
        let first = SlicePrefix::first_key(self.window.window_start(self.end).saturating_add(1));
        let behind = SlicePrefix::first_key(self.end.saturating_add(1));
        let is_last = |key: &[u8]| {
            SlicePrefix::of(key).is_some_and(|p| self.window.last_window_end(p.slice_end) < self.next_end)
        };
        let loaded = groups.table.load_range(
            key_group,
            (&first, &behind),
            SlicePrefix::index_hash,
            is_last,
            groups.aggregates,
        )?;
        let table = &*groups.table;
        let counts = |group: &u32| {
            SlicePrefix::of(table.key(*group)).is_some_and(|prefix| prefix.visible_from <= self.end)
        };
        let counted: Vec<u32> = loaded.iter().copied().filter(counts).collect();
        let keys = counted.iter().map(|group| {
            let key = user_key(table.key(*group));
            (millstream_model::key_group::key_hash(key), key)
        });
        merged.absorb(keys, (&*groups.aggregates, &counted, table))?;
        for group in loaded.iter().filter(|group| is_last(table.key(**group))) {
            groups.aggregates.clear(*group, table.key(*group), key_group)?;
        }
        groups.table.drop_loaded(&loaded, groups.aggregates)?;
        Ok(merged)
    }
}
