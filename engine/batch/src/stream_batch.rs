//! `StreamBatch`: what flows between operators.
//!
//! Sidecars are not columns, so expressions see only what the user sees. Example: 3 rows, `ops = [+I, -U, +U]`,
//! `row_watermark = [MIN, 5_000_000, 5_000_000]`: rows 1 and 2 are judged against a watermark of 5 s.

use arrow::array::{Array, ArrayRef, AsArray as _, BooleanArray, RecordBatch, UInt32Array};
use arrow::buffer::ScalarBuffer;
use arrow::compute::{concat, filter, take};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;

use crate::changelog::{Ops, RowOp};
use crate::scatter::{scattered, scattered_column};

/// Columns with their sidecars. Cheap to clone: columns and sidecars are shared.
#[derive(Clone, Debug)]
pub struct StreamBatch {
    columns: RecordBatch,
    ops: Option<Ops>,
    row_watermark: Option<ScalarBuffer<i64>>,
    key_hash: Option<ScalarBuffer<u64>>,
}

impl StreamBatch {
    /// A batch of inserts.
    #[must_use]
    pub const fn new(columns: RecordBatch) -> Self {
        Self { columns, ops: None, row_watermark: None, key_hash: None }
    }

    /// The same rows with a change kind for each; all inserts are normalised to `None`.
    #[must_use]
    pub fn with_ops(mut self, ops: Option<Ops>) -> Self {
        debug_assert!(ops.as_ref().is_none_or(|o| o.len() == self.num_rows()));
        self.ops = ops.filter(|o| o.iter().any(|op| *op != RowOp::Insert));
        self
    }

    /// The same rows, each with the watermark that its split had when the row was read (microseconds).
    #[must_use]
    pub fn with_row_watermark(mut self, watermark: Option<ScalarBuffer<i64>>) -> Self {
        debug_assert!(watermark.as_ref().is_none_or(|w| w.len() == self.num_rows()));
        self.row_watermark = watermark;
        self
    }

    /// The same rows with the hash of their exchange key.
    #[must_use]
    pub fn with_key_hash(mut self, hash: Option<ScalarBuffer<u64>>) -> Self {
        debug_assert!(hash.as_ref().is_none_or(|h| h.len() == self.num_rows()));
        self.key_hash = hash;
        self
    }

    /// Other columns for the same rows; the key hash is dropped, since it belonged to the old columns.
    #[must_use]
    pub fn map_columns(&self, columns: RecordBatch) -> Self {
        debug_assert_eq!(columns.num_rows(), self.num_rows());
        Self { columns, ops: self.ops.clone(), row_watermark: self.row_watermark.clone(), key_hash: None }
    }

    /// What the user sees.
    #[must_use]
    pub const fn columns(&self) -> &RecordBatch {
        &self.columns
    }

    /// One column. Panics if there is none: operators are built from a checked plan.
    #[must_use]
    pub fn column(&self, index: usize) -> &ArrayRef {
        self.columns.column(index)
    }

    /// Schema of the columns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.columns.schema()
    }

    /// Number of rows.
    #[must_use]
    pub fn num_rows(&self) -> usize {
        self.columns.num_rows()
    }

    /// Change kinds; `None` means all inserts, and every operator has that fast path.
    #[must_use]
    pub const fn ops(&self) -> Option<&Ops> {
        self.ops.as_ref()
    }

    /// Change kind of one row.
    #[must_use]
    pub fn op(&self, row: usize) -> RowOp {
        self.ops.as_ref().map_or(RowOp::Insert, |ops| ops[row])
    }

    /// Watermark of each row's split when the row was read, in microseconds; `None` downstream of a firing operator.
    #[must_use]
    pub const fn row_watermark(&self) -> Option<&ScalarBuffer<i64>> {
        self.row_watermark.as_ref()
    }

    /// Hash of the exchange key of each row.
    #[must_use]
    pub const fn key_hash(&self) -> Option<&ScalarBuffer<u64>> {
        self.key_hash.as_ref()
    }

    /// Rows `offset..offset + length`, sharing buffers.
    #[must_use]
    pub fn slice(&self, offset: usize, length: usize) -> Self {
        Self {
            columns: self.columns.slice(offset, length),
            ops: self.ops.as_ref().map(|o| o[offset..offset + length].into()),
            row_watermark: self.row_watermark.as_ref().map(|w| w.slice(offset, length)),
            key_hash: self.key_hash.as_ref().map(|h| h.slice(offset, length)),
        }
    }

    /// The rows at these indexes, in this order, compactly copied.
    ///
    /// # Errors
    /// When an index is out of range.
    pub fn take(&self, indices: &UInt32Array) -> Result<Self, ArrowError> {
        let columns =
            self.columns.columns().iter().map(|c| take(c, indices, None)).collect::<Result<Vec<_>, _>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(indices.len()));
        let rows = || indices.values().iter().map(|i| *i as usize);
        Ok(Self {
            columns: RecordBatch::try_new_with_options(self.schema(), columns, &options)?,
            ops: self.ops.as_ref().map(|o| rows().map(|i| o[i]).collect()),
            row_watermark: self.row_watermark.as_ref().map(|w| rows().map(|i| w[i]).collect()),
            key_hash: self.key_hash.as_ref().map(|h| rows().map(|i| h[i]).collect()),
        })
    }

    /// The rows in other places, compactly copied: row 0 goes to `places[0]`. Each place of the batch is named once.
    ///
    /// # Errors
    /// What Arrow says of a column.
    pub(crate) fn scatter(&self, places: &[u32]) -> Result<Self, ArrowError> {
        let mut order = None;
        let mut moved = |column: &ArrayRef| match scattered_column(column, places) {
            Some(moved) => Ok(moved),
            None => {
                let rows = || scattered(&(0..places.len() as u32).collect::<Vec<_>>(), places);
                take(column, order.get_or_insert_with(|| UInt32Array::from(rows())), None)
            }
        };
        let columns = self.columns.columns().iter().map(&mut moved).collect::<Result<Vec<_>, _>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(places.len()));
        Ok(Self {
            columns: RecordBatch::try_new_with_options(self.schema(), columns, &options)?,
            ops: self.ops.as_ref().map(|ops| scattered(ops, places).into()),
            row_watermark: self.row_watermark.as_ref().map(|w| scattered(w, places).into()),
            key_hash: self.key_hash.as_ref().map(|hash| scattered(hash, places).into()),
        })
    }

    /// The rows for which the mask is true (null counts as false).
    ///
    /// # Errors
    /// When the mask has another length.
    pub fn filter(&self, mask: &BooleanArray) -> Result<Self, ArrowError> {
        if mask.len() != self.num_rows() {
            return Err(ArrowError::InvalidArgumentError(format!(
                "a mask of {} rows for a batch of {}",
                mask.len(),
                self.num_rows()
            )));
        }
        let kept: Vec<usize> = (0..mask.len()).filter(|i| mask.is_valid(*i) && mask.value(*i)).collect();
        if kept.len() == mask.len() {
            return Ok(self.clone());
        }
        let columns =
            self.columns.columns().iter().map(|c| filter(c, mask)).collect::<Result<Vec<_>, _>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(kept.len()));
        Ok(Self {
            columns: RecordBatch::try_new_with_options(self.schema(), columns, &options)?,
            ops: self.ops.as_ref().map(|o| kept.iter().map(|i| o[*i]).collect()),
            row_watermark: self.row_watermark.as_ref().map(|w| kept.iter().map(|i| w[*i]).collect()),
            key_hash: self.key_hash.as_ref().map(|h| kept.iter().map(|i| h[*i]).collect()),
        })
    }

    /// Several batches of one schema as one, compactly copied. Sidecars that only some have are filled: inserts, no
    /// watermark; the key hash is kept only if all have it.
    ///
    /// # Errors
    /// When the schemas differ or there is no batch.
    pub fn concat(batches: &[Self]) -> Result<Self, ArrowError> {
        let [first, rest @ ..] = batches else {
            return Err(ArrowError::InvalidArgumentError("no batch to concatenate".into()));
        };
        if rest.is_empty() {
            return Ok(first.clone());
        }
        let schema = first.schema();
        let rows = batches.iter().map(Self::num_rows).sum();
        let columns = (0..schema.fields().len())
            .map(|c| concat(&batches.iter().map(|b| b.column(c).as_ref()).collect::<Vec<_>>()))
            .collect::<Result<Vec<_>, _>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
        let ops = batches
            .iter()
            .any(|b| b.ops.is_some())
            .then(|| batches.iter().flat_map(|b| (0..b.num_rows()).map(|row| b.op(row))).collect::<Ops>());
        let row_watermark = batches.iter().any(|b| b.row_watermark.is_some()).then(|| {
            batches
                .iter()
                .flat_map(|b| {
                    (0..b.num_rows()).map(|row| b.row_watermark.as_ref().map_or(i64::MIN, |w| w[row]))
                })
                .collect()
        });
        let key_hash = batches
            .iter()
            .map(|b| b.key_hash.as_deref())
            .collect::<Option<Vec<_>>>()
            .map(|hashes| hashes.into_iter().flatten().copied().collect());
        Ok(Self {
            columns: RecordBatch::try_new_with_options(schema, columns, &options)?,
            ops,
            row_watermark,
            key_hash,
        })
    }

    /// Bytes that a queue holding this batch is charged with: the rows' own bytes, not the shared buffers behind them.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        let columns: usize = self.columns.columns().iter().map(row_bytes).sum();
        let sidecars = usize::from(self.ops.is_some())
            + 8 * usize::from(self.row_watermark.is_some())
            + 8 * usize::from(self.key_hash.is_some());
        columns + sidecars * self.num_rows()
    }
}

/// Bytes of the rows of an array, without those of its buffers that belong to others.
fn row_bytes(array: &ArrayRef) -> usize {
    let nulls = if array.nulls().is_some() { array.len().div_ceil(8) } else { 0 };
    // This is asked for every slice on its way: most types are answered without building their `ArrayData`.
    let values = match array.data_type() {
        DataType::Boolean => array.len().div_ceil(8),
        DataType::Utf8 => offsets_and_values(array.as_string::<i32>().value_offsets()),
        DataType::Binary => offsets_and_values(array.as_binary::<i32>().value_offsets()),
        other => match other.primitive_width() {
            Some(width) => array.len() * width,
            None => {
                let size = array.to_data().get_slice_memory_size();
                return size.unwrap_or_else(|_| array.get_array_memory_size());
            }
        },
    };
    values + nulls
}

fn offsets_and_values(offsets: &[i32]) -> usize {
    let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
    size_of_val(offsets) + usize::try_from(last - first).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};

    use super::*;

    fn batch() -> StreamBatch {
        let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
        let columns =
            RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(vec![10, 11, 12, 13]))]).unwrap();
        StreamBatch::new(columns)
            .with_ops(Some([RowOp::Insert, RowOp::UpdateBefore, RowOp::UpdateAfter, RowOp::Delete].into()))
            .with_row_watermark(Some(vec![1, 2, 3, 4].into()))
            .with_key_hash(Some(vec![5, 6, 7, 8].into()))
    }

    fn values(b: &StreamBatch) -> Vec<i64> {
        b.column(0).as_primitive::<Int64Type>().values().to_vec()
    }

    #[test]
    fn sidecars_follow_their_rows_through_slice_take_and_filter() {
        let b = batch();
        let sliced = b.slice(1, 2);
        assert_eq!(
            (values(&sliced), sliced.op(0), sliced.row_watermark().unwrap()[1]),
            (vec![11, 12], RowOp::UpdateBefore, 3)
        );
        let taken = b.take(&UInt32Array::from(vec![3, 0])).unwrap();
        assert_eq!(
            (values(&taken), taken.op(0), taken.key_hash().unwrap()[1]),
            (vec![13, 10], RowOp::Delete, 5)
        );
        let kept = b.filter(&BooleanArray::from(vec![Some(true), None, Some(false), Some(true)])).unwrap();
        assert_eq!(
            (values(&kept), kept.op(1), kept.row_watermark().unwrap()[1]),
            (vec![10, 13], RowOp::Delete, 4)
        );
    }

    #[test]
    fn concatenation_fills_missing_sidecars() {
        let plain = StreamBatch::new(batch().columns().slice(0, 1));
        let joined = StreamBatch::concat(&[plain, batch().slice(2, 2)]).unwrap();
        assert_eq!(values(&joined), [10, 12, 13]);
        assert_eq!((joined.op(0), joined.op(2)), (RowOp::Insert, RowOp::Delete));
        assert_eq!(joined.row_watermark().unwrap()[..], [i64::MIN, 3, 4]);
        assert!(joined.key_hash().is_none());
        assert!(StreamBatch::concat(&[]).is_err());
    }

    #[test]
    fn all_inserts_carry_no_ops() {
        let b = batch().with_ops(Some(vec![RowOp::Insert; 4].into()));
        assert!(b.ops().is_none());
    }

    #[test]
    fn a_mask_of_another_length_is_an_error() {
        assert!(batch().filter(&BooleanArray::from(vec![true])).is_err());
    }

    #[test]
    fn a_slice_is_charged_for_its_rows_only() {
        let b = batch();
        assert!(b.slice(0, 1).queued_bytes() * 4 <= b.queued_bytes() + 4);
    }
}
