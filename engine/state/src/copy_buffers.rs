//! Memory for the copies that barriers make.
//!
//! A barrier stops a task while it copies what changed. Most of that time would go into new memory: the system hands it out page
//! by page, each of them cleared. So the memory of a copy comes back when the copy has been encoded, and the next barrier uses it
//! again. Example: a table of which 600,000 groups change between two barriers keeps the 30 MB that their copies take; after a
//! barrier with 6,000 of them, it keeps a hundredth of that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array as _, ArrowPrimitiveType, NullBufferBuilder, PrimitiveArray, RecordBatch};
use arrow::buffer::{MutableBuffer, ScalarBuffer};
use arrow::datatypes::DataType;

/// Smaller copies are not worth keeping: the allocator has as much at hand.
const MIN_BYTES: usize = 64 * 1024;

/// Buffers that are taken, become columns of a copy, and are given back. Clones share them. The default one keeps nothing.
#[derive(Clone, Debug, Default)]
pub struct CopyBuffers(Option<Arc<Mutex<Kept>>>);

#[derive(Debug, Default)]
struct Kept {
    free: Vec<MutableBuffer>,
    free_bytes: usize,
    /// Taken since the last barrier began, and for that barrier.
    taken_bytes: usize,
    limit: usize,
}

impl Kept {
    fn keep(&mut self, buffer: MutableBuffer) {
        let bytes = buffer.capacity();
        if bytes >= MIN_BYTES && self.free_bytes + bytes <= self.limit.max(self.taken_bytes) {
            self.free_bytes += bytes;
            self.free.push(buffer);
        }
    }

    /// The smallest buffer with as much room.
    fn take(&mut self, bytes: usize) -> Option<MutableBuffer> {
        let fits = self.free.iter().enumerate().filter(|(_, buffer)| buffer.capacity() >= bytes);
        let place = fits.min_by_key(|(_, buffer)| buffer.capacity())?.0;
        let mut buffer = self.free.swap_remove(place);
        self.free_bytes -= buffer.capacity();
        buffer.clear();
        Some(buffer)
    }
}

impl CopyBuffers {
    /// Keeps what the copies of the last two barriers needed.
    #[must_use]
    pub fn keeping() -> Self {
        Self(Some(Arc::default()))
    }

    fn kept(&self) -> Option<MutexGuard<'_, Kept>> {
        // Whoever panicked left buffers that are whole.
        self.0.as_ref().map(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A barrier begins: forgets what the one before it did not need.
    pub(crate) fn begin(&self) {
        let Some(mut kept) = self.kept() else { return };
        kept.limit = std::mem::take(&mut kept.taken_bytes);
        while kept.free_bytes > kept.limit {
            let Some(dropped) = kept.free.pop() else { return };
            kept.free_bytes -= dropped.capacity();
        }
    }

    /// Allocates buffers of these sizes now, so that the first barrier finds them.
    pub(crate) fn prepare(&self, sizes: impl IntoIterator<Item = usize>) {
        let Some(mut kept) = self.kept() else { return };
        for bytes in sizes {
            let mut buffer = MutableBuffer::with_capacity(bytes);
            // Memory is there once it was written.
            buffer.resize(bytes, u8::MAX);
            kept.taken_bytes += buffer.capacity();
            kept.keep(buffer);
        }
    }

    /// An empty buffer with room for so many bytes.
    pub(crate) fn take(&self, bytes: usize) -> MutableBuffer {
        let Some(mut kept) = self.kept() else { return MutableBuffer::with_capacity(bytes) };
        let buffer = kept.take(bytes).unwrap_or_else(|| MutableBuffer::with_capacity(bytes));
        kept.taken_bytes += buffer.capacity();
        buffer
    }

    /// A column of values of which none is NULL.
    #[must_use]
    pub fn values<T: ArrowPrimitiveType>(
        &self,
        values: impl ExactSizeIterator<Item = T::Native>,
    ) -> PrimitiveArray<T> {
        PrimitiveArray::new(self.buffer(values), None)
    }

    /// A column of values of which some may be NULL.
    #[must_use]
    pub fn optional_values<T: ArrowPrimitiveType>(
        &self,
        values: impl ExactSizeIterator<Item = Option<T::Native>>,
    ) -> PrimitiveArray<T> {
        let mut nulls = NullBufferBuilder::new(values.len());
        let values = self.buffer(values.map(|value| {
            nulls.append(value.is_some());
            value.unwrap_or_default()
        }));
        PrimitiveArray::new(values, nulls.finish())
    }

    /// These numbers in a row.
    pub(crate) fn buffer<N: arrow::datatypes::ArrowNativeType>(
        &self,
        values: impl ExactSizeIterator<Item = N>,
    ) -> ScalarBuffer<N> {
        let mut buffer = self.take(values.len() * size_of::<N>());
        buffer.extend(values);
        buffer.into()
    }

    /// Takes the memory of a copy back, as far as nobody else uses it.
    pub(crate) fn give_back(&self, rows: RecordBatch) {
        if self.0.is_none() {
            return;
        }
        let mut own = Vec::new();
        let (_, columns, _) = rows.into_parts();
        for column in columns {
            let is_view = column.data_type() == &DataType::BinaryView;
            let data = column.to_data();
            drop(column);
            let mut buffers = data.buffers().to_vec();
            drop(data);
            if is_view {
                // Between the views and the copy of the last block lie blocks of the table.
                buffers.drain(1..buffers.len().saturating_sub(1).max(1));
            }
            own.extend(buffers.into_iter().filter_map(|buffer| buffer.into_mutable().ok()));
        }
        if let Some(mut kept) = self.kept() {
            own.into_iter().for_each(|buffer| kept.keep(buffer));
        }
    }

    /// Bytes that are kept for the next barrier.
    pub(crate) fn bytes(&self) -> usize {
        self.kept().map_or(0, |kept| kept.free_bytes)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    fn copy(buffers: &CopyBuffers, rows: usize) -> RecordBatch {
        let column: Int64Array = buffers.values((0..rows).map(|row| row as i64));
        RecordBatch::try_from_iter([("v", std::sync::Arc::new(column) as ArrayRef)]).unwrap()
    }

    fn place(rows: &RecordBatch) -> *const u8 {
        rows.column(0).to_data().buffers()[0].as_ptr()
    }

    #[test]
    fn the_memory_of_a_copy_is_used_again() {
        let buffers = CopyBuffers::keeping();
        buffers.begin();
        let first = copy(&buffers, 20_000);
        let first_place = place(&first);
        let other = copy(&buffers, 20_000);
        buffers.give_back(first);
        assert_eq!(buffers.bytes(), 160_000);
        buffers.begin();
        let second = copy(&buffers, 19_000);
        assert_eq!(place(&second), first_place);
        let column = second.column(0).clone();
        buffers.give_back(second);
        assert_eq!(buffers.bytes(), 0, "`column` still uses it");
        drop((column, other));
    }

    #[test]
    fn what_two_barriers_did_not_need_is_let_go() {
        let buffers = CopyBuffers::keeping();
        buffers.begin();
        let large = copy(&buffers, 100_000);
        buffers.give_back(large);
        buffers.begin();
        assert_eq!(buffers.bytes(), 800_000);
        buffers.begin();
        assert_eq!(buffers.bytes(), 0, "nothing was copied in between");
    }

    #[test]
    fn what_is_prepared_is_found() {
        let buffers = CopyBuffers::keeping();
        buffers.prepare([160_000, 80_000]);
        buffers.begin();
        assert_eq!(buffers.bytes(), 240_000);
        let rows = copy(&buffers, 20_000);
        assert_eq!(buffers.bytes(), 80_000);
        buffers.give_back(rows);
        assert_eq!(buffers.bytes(), 240_000);
    }

    #[test]
    fn nulls_are_told_apart() {
        let column: Int64Array = CopyBuffers::default().optional_values([Some(1), None, Some(3)].into_iter());
        assert_eq!(column, Int64Array::from(vec![Some(1), None, Some(3)]));
    }
}
