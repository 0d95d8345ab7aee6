//! A walk over the groups in the store, some at a time, while batches come and go in between.
//!
//! It visits the store in the order of its keys and remembers where it was. What is written behind its place is seen by the next
//! walk. Example: 10,000 groups in the store and a limit of 1,024 are ten steps.

use arrow::array::ArrayRef;
use millstream_model::key_group::KeyGroup;

use super::{GroupTable, ValueColumns};
use crate::error::StateError;

/// Where a walk over the store goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorePlace(pub(crate) Vec<u8>);

/// One step of a walk.
#[derive(Debug)]
pub struct StoreStep {
    /// Groups that were brought in because they were asked for.
    pub groups: Vec<u32>,
    /// Where the next step begins; `None` at the end of the store.
    pub next: Option<StorePlace>,
}

impl GroupTable {
    /// Looks at the next `limit` groups in the store and brings in those that `is_wanted` names by their rows in the value
    /// columns. Groups that are in memory are passed over. Other groups may leave memory to make room.
    ///
    /// # Errors
    /// [`StateError::Spill`]; [`StateError::Damaged`].
    pub fn load_next(
        &mut self,
        place: &StorePlace,
        limit: usize,
        index_hash: impl Fn(&[u8]) -> u64,
        is_wanted: impl Fn(&[ArrayRef]) -> Vec<u32>,
        values: &mut dyn ValueColumns,
    ) -> Result<StoreStep, StateError> {
        self.make_room(limit, values)?;
        let Some(spilled) = &mut self.spilled else {
            return Ok(StoreStep { groups: Vec::new(), next: None });
        };
        spilled.flush()?;
        let step = spilled.walk(place, limit)?;
        let is_free = |(_, key): &(KeyGroup, Vec<u8>)| self.index.find(index_hash(key), key).is_none();
        let wanted = if step.keys.is_empty() { Vec::new() } else { is_wanted(&step.columns) };
        let rows: Vec<u32> = wanted.into_iter().filter(|row| is_free(&step.keys[*row as usize])).collect();
        let mut groups = Vec::with_capacity(rows.len());
        for row in &rows {
            let (key_group, key) = &step.keys[*row as usize];
            groups.push(self.adopt(index_hash(key), key, *key_group));
        }
        self.load_rows(&groups, rows, &step.columns, values)?;
        Ok(StoreStep { groups, next: step.next })
    }
}
