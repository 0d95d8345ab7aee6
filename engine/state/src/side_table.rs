//! Tables that an operator keeps beside the columns of its groups, such as the values that a DISTINCT call has seen.

use crate::error::StateError;
use crate::frozen_table::FrozenTable;
use crate::restored::RestoredTable;
use crate::spilled_rows::{SpilledBase, TableSpill};

/// What an operator does with such tables whatever they hold: it lets them spill, freezes and restores them.
///
/// In a checkpoint they are tables of their own, one for each of [`SideTable::names`], with the columns of
/// [`crate::SortedMap::fields`] beside the key.
pub trait SideTable {
    /// What they are stored under.
    fn names(&self) -> &[String];

    /// From now on, what is beyond the budget lies in the store. Nothing may be there yet.
    ///
    /// # Errors
    /// [`StateError::Encode`].
    fn spill_to(&mut self, spill: TableSpill) -> Result<(), StateError>;

    /// Lets rows leave memory if they are too much.
    ///
    /// # Errors
    /// [`StateError::Spill`].
    fn make_room(&mut self) -> Result<(), StateError>;

    /// What lies in the store as it is at a barrier, for a full checkpoint; nothing if no store is used.
    ///
    /// # Errors
    /// [`StateError::Spill`].
    fn spilled_base(&mut self) -> Result<Option<SpilledBase>, StateError>;

    /// Changes that left for the store since the last call, or the last freeze, if they are many: parts of the next checkpoint
    /// that can be stored already.
    ///
    /// # Errors
    /// [`StateError::Encode`].
    fn take_spilled(&mut self) -> Result<Vec<FrozenTable>, StateError>;

    /// Copies what changed, or all if `full`, and clears the marks; see [`crate::GroupTable::freeze`].
    ///
    /// # Errors
    /// [`StateError::Encode`]; [`StateError::Spill`].
    fn freeze(&mut self, full: bool) -> Result<Vec<FrozenTable>, StateError>;

    /// Takes over the rows that are stored under one of the names.
    ///
    /// # Errors
    /// [`StateError::Schema`] when the stored columns are others, [`StateError::Damaged`] when a value cannot be one that was
    /// stored, [`StateError::ForeignKeyGroup`] when rows of other subtasks were not left out, [`StateError::Spill`].
    fn restore(&mut self, stored: &RestoredTable) -> Result<(), StateError>;

    /// Allocated bytes, by estimate.
    fn bytes(&self) -> usize;
}
