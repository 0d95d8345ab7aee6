//! A window that fires: its rows in the order of their keys, in chunks.
//!
//! Example: a window of 20,000 keys is shown as 8,192 + 8,192 + 3,616 rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, SchemaRef};
use millstream_batch::{MAX_BATCH_ROWS, StreamBatch, decode_keys};
use millstream_model::time::MILLISECOND;
use millstream_plan::{WindowField, WindowSpec};
use millstream_state::GroupTable;

use crate::aggregate::{Aggregates, PartialTable};
use crate::error::OperatorError;
use crate::event_time::window_bounds;
use crate::window::key::user_key;

/// Rows of a window, ready to be shown.
pub(crate) struct Firing {
    end: i64,
    /// The merged groups, unless the window is a single slice: then they are in the table.
    merged: Option<PartialTable>,
    /// In the order of their keys.
    groups: Vec<u32>,
    next: usize,
}

/// One chunk of a firing.
pub(crate) struct Chunk {
    pub(crate) rows: StreamBatch,
    /// Retractions without a row to retract that the chunk's groups were left with.
    pub(crate) lost_retractions: u64,
}

impl Firing {
    /// The window that ends at `end` and is the single slice with these groups.
    pub(crate) fn of_slice(end: i64, mut groups: Vec<u32>, table: &GroupTable) -> Self {
        groups.sort_unstable_by_key(|g| table.key(*g));
        Self { end, merged: None, groups, next: 0 }
    }

    /// The window that ends at `end` and has these merged groups.
    pub(crate) fn of_merged(end: i64, merged: PartialTable) -> Self {
        let mut groups: Vec<u32> = (0..merged.len() as u32).collect();
        groups.sort_unstable_by_key(|g| merged.key(*g));
        Self { end, merged: Some(merged), groups, next: 0 }
    }

    /// End of the window.
    pub(crate) const fn end(&self) -> i64 {
        self.end
    }

    /// The next rows; `None` when all were shown.
    ///
    /// # Errors
    /// [`OperatorError`] when a column cannot be built.
    pub(crate) fn next_chunk(
        &mut self,
        shape: &WindowRows,
        table: &GroupTable,
        aggregates: &Aggregates,
    ) -> Result<Option<Chunk>, OperatorError> {
        if self.next == self.groups.len() {
            return Ok(None);
        }
        let chunk = &self.groups[self.next..self.groups.len().min(self.next + MAX_BATCH_ROWS)];
        let aggregates = self.merged.as_ref().map_or(aggregates, PartialTable::aggregates);
        let lost = chunk.iter().map(|g| aggregates.rows(*g).min(0).unsigned_abs()).sum();
        let shown: Vec<u32> = chunk.iter().copied().filter(|g| aggregates.rows(*g) > 0).collect();
        let key = |group: &u32| match &self.merged {
            Some(merged) => merged.key(*group),
            None => user_key(table.key(*group)),
        };
        let rows = shape.build(self.end, shown.iter().map(key), aggregates.results(&shown), shown.len())?;
        self.next += chunk.len();
        Ok(Some(Chunk { rows, lost_retractions: lost }))
    }
}

/// The shape of the rows that a windowed aggregate emits.
#[derive(Clone, Debug)]
pub(crate) struct WindowRows {
    pub(crate) window: WindowSpec,
    pub(crate) key_types: Vec<DataType>,
    pub(crate) output: Vec<WindowField>,
    pub(crate) schema: SchemaRef,
}

impl WindowRows {
    fn build<'a>(
        &self,
        end: i64,
        keys: impl Iterator<Item = &'a [u8]>,
        results: Vec<ArrayRef>,
        rows: usize,
    ) -> Result<StreamBatch, OperatorError> {
        let keys = decode_keys(keys, &self.key_types)?;
        let time =
            |micros: i64, data_type: &DataType| window_bounds(&self.window, vec![micros; rows], data_type);
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.output.len());
        for (field, target) in self.output.iter().zip(self.schema.fields()) {
            let missing = || OperatorError::Plan(format!("no column for the window field {}", target.name()));
            columns.push(match field {
                WindowField::Key(i) => keys.get(*i).ok_or_else(missing)?.clone(),
                WindowField::Call(i) => results.get(*i).ok_or_else(missing)?.clone(),
                WindowField::Start => time(self.window.window_start(end), target.data_type())?,
                WindowField::End => time(end, target.data_type())?,
                WindowField::Time => time(end - MILLISECOND, target.data_type())?,
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let rows = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(OperatorError::columns("build the rows of a window"))?;
        Ok(StreamBatch::new(rows))
    }
}
