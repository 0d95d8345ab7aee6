//! A table of groups that never goes to a checkpoint: of a first phase between two flushes, or of one window while it fires.
//!
//! Example: the rows `a 1, b 2, a 3` become the groups `a: rows 2, sum 4` and `b: rows 1, sum 2`, in this order.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use millstream_batch::{StreamBatch, decode_keys};
use millstream_plan::AggregateCall;
use millstream_state::{CopyBuffers, GroupIndex, ValueColumns as _};

use crate::aggregate::{Aggregates, Changes, GroupKeys};
use crate::batch_keys::BatchKeys;
use crate::error::OperatorError;

/// Most groups of a first phase.
const MAX_GROUPS: usize = 64 * 1024;

/// Most bytes of a first phase: what [`MAX_GROUPS`] groups with keys of some 200 bytes take.
const MAX_BYTES: usize = 16 << 20;

/// Groups in the order of their first row.
pub(crate) struct PartialTable {
    index: GroupIndex,
    aggregates: Aggregates,
    groups: Vec<u32>,
}

impl GroupKeys for GroupIndex {
    fn key(&self, group: u32) -> &[u8] {
        Self::key(self, group)
    }

    /// These groups are never stored.
    fn key_group(&self, _group: u32) -> u16 {
        0
    }
}

impl PartialTable {
    pub(crate) fn new(calls: &[AggregateCall], changes: Changes) -> Result<Self, OperatorError> {
        Ok(Self {
            index: GroupIndex::default(),
            aggregates: Aggregates::new(calls, changes)?,
            groups: Vec::new(),
        })
    }

    /// Number of groups; they are numbered `0..len`.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    pub(crate) const fn aggregates(&self) -> &Aggregates {
        &self.aggregates
    }

    pub(crate) fn key(&self, group: u32) -> &[u8] {
        self.index.key(group)
    }

    /// Adds rows.
    pub(crate) fn update(&mut self, batch: &StreamBatch, keys: &BatchKeys) -> Result<(), OperatorError> {
        self.groups.clear();
        for row in 0..batch.num_rows() {
            self.groups.push(self.index.find_or_insert(keys.hashes[row], keys.encoded.get(row)).0);
        }
        self.aggregates.resize(self.index.slots());
        self.aggregates.update(batch, &self.groups, &self.index)?;
        Ok(())
    }

    /// Adds groups of `other`: `others[i]`, known here by the key `keys[i]` with that hash.
    pub(crate) fn absorb<'a>(
        &mut self,
        keys: impl Iterator<Item = (u64, &'a [u8])>,
        (other, others, other_keys): (&Aggregates, &[u32], &dyn GroupKeys),
    ) -> Result<(), OperatorError> {
        self.groups.clear();
        for (hash, key) in keys {
            self.groups.push(self.index.find_or_insert(hash, key).0);
        }
        self.aggregates.resize(self.index.slots());
        self.aggregates.absorb(&self.groups, &self.index, (other, others, other_keys))
    }

    /// Adds its groups to others of the same calls: group `i` becomes part of `groups[i]`.
    pub(crate) fn add_to(
        &self,
        others: &mut Aggregates,
        groups: &[u32],
        keys: &dyn GroupKeys,
    ) -> Result<(), OperatorError> {
        let all: Vec<u32> = (0..self.len() as u32).collect();
        others.absorb(groups, keys, (&self.aggregates, &all, &self.index))
    }

    /// Adds all groups of another table with the same keys.
    pub(crate) fn absorb_all(&mut self, other: &Self) -> Result<(), OperatorError> {
        let all: Vec<u32> = (0..other.len() as u32).collect();
        let keys = all.iter().map(|g| {
            let key = other.index.key(*g);
            (millstream_model::key_group::key_hash(key), key)
        });
        self.absorb(keys, (&other.aggregates, &all, &other.index))
    }

    /// Whether a first phase should pass its groups on: beyond, rows repeat too rarely for it to save much, and the table leaves
    /// the fast caches.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= MAX_GROUPS || self.bytes() >= MAX_BYTES
    }

    /// Removes all groups but keeps the memory for the next ones, if it is not too much.
    ///
    /// # Errors
    /// [`OperatorError::State`].
    pub(crate) fn clear(&mut self) -> Result<(), OperatorError> {
        if self.bytes() >= MAX_BYTES {
            self.index = GroupIndex::default();
            self.aggregates = self.aggregates.new_empty()?;
            return Ok(());
        }
        for group in 0..self.len() as u32 {
            self.aggregates.clear(group, self.index.key(group), 0)?;
        }
        self.index.clear();
        Ok(())
    }

    /// Decoded keys, then partial states, of all groups.
    pub(crate) fn partial_columns(&self, key_types: &[DataType]) -> Result<Vec<ArrayRef>, OperatorError> {
        let all: Vec<u32> = (0..self.len() as u32).collect();
        let mut columns = decode_keys(all.iter().map(|g| self.index.key(*g)), key_types)?;
        columns.extend(self.aggregates.state(&all, &CopyBuffers::default()));
        Ok(columns)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.index.bytes() + self.aggregates.bytes() + self.aggregates.kept_bytes()
    }
}
