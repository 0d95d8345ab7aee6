//! Entries leave for the store and come back.
//!
//! The map in memory is a layer over the store: an entry that it has, or that is gone, hides the one that lies there. When it is
//! full, all of it leaves at once.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::Int64Type;
use millstream_model::key_group::KeyGroup;

use super::{Entry, SortedMap, successor};
use crate::error::StateError;
use crate::side_table::SideTable as _;
use crate::spill::ScanOrder;

impl SortedMap {
    /// Brings in the entries of these (key group, group key, sort key) that are in the store. Before that everything in memory
    /// leaves if it is too much.
    ///
    /// # Errors
    /// [`StateError::Spill`].
    pub fn load<'a>(
        &mut self,
        keys: impl Iterator<Item = (KeyGroup, &'a [u8], &'a [u8])>,
    ) -> Result<(), StateError> {
        self.make_room()?;
        let Some(spilled) = self.spilled.as_ref().filter(|s| s.rows() > 0) else { return Ok(()) };
        let is_known = |key: &[u8]| self.entries.contains_key(key) || self.gone.contains_key(key);
        let mut missing: Vec<(KeyGroup, Vec<u8>)> = keys
            .map(|(key_group, group_key, sort_key)| (key_group, [group_key, sort_key].concat()))
            .filter(|(_, key)| !is_known(key))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        let wanted: Vec<(KeyGroup, &[u8])> = missing.iter().map(|(group, key)| (*group, &key[..])).collect();
        let (found, columns) = spilled.get(&wanted)?;
        let Some(counts) = columns.first().map(|c| c.as_primitive::<Int64Type>().clone()) else {
            return Ok(());
        };
        for (i, count) in found.into_iter().zip(counts.values()) {
            let (key_group, key) = &missing[i];
            self.key_bytes += key.len();
            let entry = Entry {
                count: *count,
                key_group: *key_group,
                is_dirty: false,
                is_stored: true,
                is_spilled: true,
                is_current: true,
            };
            self.entries.insert(Arc::from(&key[..]), entry);
        }
        Ok(())
    }

    /// Sends everything away; what changed becomes a part of the next checkpoint.
    pub(super) fn evict(&mut self) -> Result<(), StateError> {
        let mut leaving: Vec<(Arc<[u8]>, Entry)> =
            self.entries.iter().map(|(k, e)| (k.clone(), *e)).collect();
        leaving.retain(|(_, entry)| !entry.is_current);
        leaving.sort_unstable_by(|a, b| (a.1.key_group, &a.0).cmp(&(b.1.key_group, &b.0)));
        let changes = self.take_changes(false);
        let mut parts = Vec::new();
        self.cut(&changes, false, &mut parts)?;
        parts.into_iter().for_each(|part| self.parts.push(part));
        let rows: Vec<(KeyGroup, &[u8])> = leaving.iter().map(|(k, e)| (e.key_group, &k[..])).collect();
        let counts: ArrayRef = Arc::new(Int64Array::from_iter_values(leaving.iter().map(|(_, e)| e.count)));
        let new = leaving.iter().filter(|(_, e)| !e.is_spilled).count();
        if let Some(spilled) = &mut self.spilled {
            spilled.flush()?;
            spilled.put(&rows, &[counts], new)?;
        }
        self.entries.clear();
        self.key_bytes = 0;
        Ok(())
    }

    /// The first entry of a group in this order with a count above 0: the one in memory, or one in the store before it.
    pub(super) fn extreme(
        &self,
        group_key: &[u8],
        key_group: KeyGroup,
        order: ScanOrder,
        cached: Option<&[u8]>,
    ) -> Result<Option<Vec<u8>>, StateError> {
        let mut found = cached.map(<[u8]>::to_vec);
        let Some(spilled) = self.spilled.as_ref().filter(|s| s.rows() > 0) else { return Ok(found) };
        let mut failed = None;
        self.visit_spilled(group_key, key_group, order, &mut |key, value| {
            let is_behind = cached.is_some_and(|cached| match order {
                ScanOrder::Ascending => key > cached,
                ScanOrder::Descending => key < cached,
            });
            if is_behind {
                return ControlFlow::Break(());
            }
            match spilled.decode(std::iter::once(value)) {
                Ok(columns) if columns[0].as_primitive::<Int64Type>().value(0) <= 0 => {
                    ControlFlow::Continue(())
                }
                Ok(_) => {
                    found = Some(key.to_vec());
                    ControlFlow::Break(())
                }
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        failed.map_or(Ok(found), Err)
    }

    /// Shows all sort keys and counts of a group, in no order.
    ///
    /// # Errors
    /// [`StateError::Spill`].
    pub fn visit_group(
        &self,
        group_key: &[u8],
        key_group: KeyGroup,
        visit: &mut dyn FnMut(&[u8], i64),
    ) -> Result<(), StateError> {
        self.group(group_key).for_each(|(key, count)| visit(key, count));
        let Some(spilled) = self.spilled.as_ref().filter(|s| s.rows() > 0) else { return Ok(()) };
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        self.visit_spilled(group_key, key_group, ScanOrder::Ascending, &mut |key, value| {
            keys.push(key.to_vec());
            values.push(value.to_vec());
            ControlFlow::Continue(())
        })?;
        if !keys.is_empty() {
            let counts = spilled.decode(values.iter().map(Vec::as_slice))?.remove(0);
            keys.iter().zip(counts.as_primitive::<Int64Type>().values()).for_each(|(key, n)| visit(key, *n));
        }
        Ok(())
    }

    /// Shows sort keys and values of a group in the store that nothing in memory hides.
    fn visit_spilled(
        &self,
        group_key: &[u8],
        key_group: KeyGroup,
        order: ScanOrder,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StateError> {
        let Some(spilled) = self.spilled.as_ref().filter(|s| s.rows() > 0) else { return Ok(()) };
        let end = successor(group_key);
        spilled.visit(key_group, group_key, end.as_deref(), order, &mut |key, value| {
            if self.entries.contains_key(key) || self.gone.contains_key(key) {
                return ControlFlow::Continue(());
            }
            visit(&key[group_key.len()..], value)
        })
    }

    /// Removes what the store has of a group, and says how many entries that were. Each entry's removal is stored.
    pub(super) fn remove_spilled(
        &mut self,
        group_key: &[u8],
        key_group: KeyGroup,
    ) -> Result<usize, StateError> {
        let mut keys: Vec<Arc<[u8]>> = Vec::new();
        self.visit_spilled(group_key, key_group, ScanOrder::Ascending, &mut |key, _| {
            keys.push(Arc::from([group_key, key].concat()));
            ControlFlow::Continue(())
        })?;
        let count = keys.len();
        for key in keys {
            if let Some(spilled) = &mut self.spilled {
                spilled.doom(key_group, &key);
            }
            self.note_gone(key, key_group);
        }
        Ok(count)
    }
}
