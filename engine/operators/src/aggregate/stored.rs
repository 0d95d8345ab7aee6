//! What the aggregates of an operator store: the groups with their columns, and the tables that calls keep beside them.
//!
//! Example: `COUNT(*), COUNT(DISTINCT x)` stores the table of the groups, with the two counts, and a table `values-<call>`.

use millstream_plan::state_fields;
use millstream_state::{
    FrozenTable, GroupTable, RestoredTable, SideTable, SortedMap, SpilledBase, StateError, ValueColumns as _,
};

use super::{Aggregates, Call, Changes, last_write};
use crate::error::OperatorError;
use crate::operator::{OperatorSpill, TableSchema};

impl Aggregates {
    fn side_tables(&self) -> impl Iterator<Item = &dyn SideTable> {
        let seen = self.seen.iter().map(|seen| seen.table());
        seen.chain(self.calls.iter().filter_map(|call| call.kept.as_ref()).map(|kept| kept.table()))
    }

    fn side_tables_mut(&mut self) -> impl Iterator<Item = &mut dyn SideTable> {
        let seen = self.seen.iter_mut().map(|seen| seen.table_mut());
        seen.chain(self.calls.iter_mut().filter_map(|call| call.kept.as_mut()).map(|kept| kept.table_mut()))
    }

    /// From now on, the groups of `table` with these values, and what is kept beside the columns, lie in a store beyond a budget:
    /// the groups are its table 0, what is kept 1, 2, ..., each with the same share.
    ///
    /// # Errors
    /// [`StateError::Encode`].
    pub(crate) fn spill_to(
        &mut self,
        table: &mut GroupTable,
        spill: &OperatorSpill,
    ) -> Result<(), StateError> {
        let tables = 1 + self.side_tables().count();
        for (number, side) in (1..u8::MAX).zip(self.side_tables_mut()) {
            side.spill_to(spill.table(number, tables))?;
        }
        table.spill_to(spill.table(0, tables), self)
    }

    /// What lies in the store of `table` and of what is kept beside the columns.
    ///
    /// # Errors
    /// [`StateError::Spill`].
    pub(crate) fn spilled_bases(&mut self, table: &mut GroupTable) -> Result<Vec<SpilledBase>, StateError> {
        let mut bases: Vec<SpilledBase> = table.spilled_base()?.into_iter().collect();
        for side in self.side_tables_mut() {
            bases.extend(side.spilled_base()?);
        }
        Ok(bases)
    }

    /// Changes of `table` and of what is kept beside the columns that left for the store.
    ///
    /// # Errors
    /// [`StateError::Encode`].
    pub(crate) fn take_spilled(&mut self, table: &mut GroupTable) -> Result<Vec<FrozenTable>, StateError> {
        let mut parts = table.take_spilled()?;
        for side in self.side_tables_mut() {
            parts.extend(side.take_spilled()?);
        }
        Ok(parts)
    }

    /// Lets what is kept beside the columns leave memory if it is too much.
    ///
    /// # Errors
    /// [`StateError::Spill`].
    pub(crate) fn make_room(&mut self) -> Result<(), StateError> {
        self.side_tables_mut().try_for_each(SideTable::make_room)
    }

    /// A call that is new to stored groups begins with the rows from now on, unless some of those before may still be retracted.
    fn indispensable(&self) -> Vec<String> {
        if self.changes == Changes::AppendOnly {
            return Vec::new();
        }
        let of_call = |call: &Call| state_fields(&call.spec).into_iter().map(|field| field.name().clone());
        self.calls.iter().flat_map(of_call).collect()
    }

    /// The tables that [`Aggregates::freeze`] gives.
    pub(crate) fn tables(&self, table: &GroupTable) -> Vec<TableSchema> {
        let groups = TableSchema {
            name: table.name().to_owned(),
            columns: self.fields(),
            dispensable: last_write::columns(),
            indispensable: self.indispensable(),
        };
        let side = self.side_tables().flat_map(SideTable::names).map(|name| TableSchema {
            name: name.clone(),
            columns: SortedMap::fields().into(),
            dispensable: Vec::new(),
            indispensable: Vec::new(),
        });
        std::iter::once(groups).chain(side).collect()
    }

    /// Freezes `table` and what is kept beside the columns: tables `values-<call>`.
    ///
    /// # Errors
    /// [`StateError`].
    pub(crate) fn freeze(
        &mut self,
        table: &mut GroupTable,
        full: bool,
    ) -> Result<Vec<FrozenTable>, StateError> {
        let mut frozen = table.freeze(self, full)?;
        for side in self.side_tables_mut() {
            frozen.extend(side.freeze(full)?);
        }
        Ok(frozen)
    }

    /// Takes over a table of [`Aggregates::freeze`] beside that of the groups.
    ///
    /// # Errors
    /// [`OperatorError::UnknownTable`] when no call keeps such a table; [`OperatorError::State`].
    pub(crate) fn restore_kept(&mut self, table: &RestoredTable) -> Result<(), OperatorError> {
        match self.side_tables_mut().find(|side| side.names().contains(&table.name)) {
            Some(side) => Ok(side.restore(table)?),
            None => Err(OperatorError::UnknownTable { table: table.name.clone() }),
        }
    }

    /// Bytes of what is kept beside the columns, by estimate.
    pub(crate) fn kept_bytes(&self) -> usize {
        self.side_tables().map(SideTable::bytes).sum()
    }
}
