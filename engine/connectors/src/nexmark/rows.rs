//! Columns of a batch in which most rows have no value: an event is of one kind, and the fields of the other two are empty.
//!
//! A value is put at its row; the rows passed over since the last one are filled when the next one comes. Nothing is NULL here:
//! the row that a field belongs to is. Example: texts of two bytes at the rows 1 and 3 of four give the offsets 0, 0, 2, 2, 4.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMillisecondArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, TimeUnit};

/// A column of numbers; rows without one have 0.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    values: Vec<i64>,
}

/// A column of milliseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Times {
    millis: Numbers,
}

/// A column of texts; rows without one have an empty one.
#[derive(Debug, Default)]
pub(super) struct Texts {
    offsets: Vec<i32>,
    bytes: Vec<u8>,
}

impl Numbers {
    pub(super) const TYPE: DataType = DataType::Int64;

    /// Rows are put in their order.
    #[inline]
    pub(super) fn put(&mut self, row: usize, value: i64) {
        self.values.resize(row, 0);
        self.values.push(value);
    }

    /// The column of `rows` rows; it begins anew.
    pub(super) fn finish(&mut self, rows: usize) -> ArrayRef {
        Arc::new(Int64Array::new(self.take(rows), None))
    }

    /// Begins anew in the same memory.
    pub(super) fn clear(&mut self) {
        self.values.clear();
    }

    fn take(&mut self, rows: usize) -> ScalarBuffer<i64> {
        self.values.resize(rows, 0);
        let next = Vec::with_capacity(rows);
        ScalarBuffer::from(std::mem::replace(&mut self.values, next))
    }
}

impl Times {
    pub(super) const TYPE: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

    /// As [`Numbers::put`].
    #[inline]
    pub(super) fn put(&mut self, row: usize, millis: i64) {
        self.millis.put(row, millis);
    }

    /// As [`Numbers::finish`].
    pub(super) fn finish(&mut self, rows: usize) -> ArrayRef {
        Arc::new(TimestampMillisecondArray::new(self.millis.take(rows), None))
    }

    /// As [`Numbers::clear`].
    pub(super) fn clear(&mut self) {
        self.millis.clear();
    }
}

impl Texts {
    pub(super) const TYPE: DataType = DataType::Utf8;

    /// Where the text of `row` is to be appended; what stands there belongs to earlier rows.
    #[inline]
    pub(super) fn at(&mut self, row: usize) -> &mut Vec<u8> {
        // Offset k is the end of row k - 1, so all rows before `row` end here. A batch is far from 2 GB.
        self.offsets.resize(row + 1, self.bytes.len() as i32);
        &mut self.bytes
    }

    /// As [`Numbers::put`].
    #[inline]
    pub(super) fn put(&mut self, row: usize, text: &str) {
        self.at(row).extend_from_slice(text.as_bytes());
    }

    /// As [`Numbers::finish`].
    pub(super) fn finish(&mut self, rows: usize) -> ArrayRef {
        self.offsets.resize(rows + 1, self.bytes.len() as i32);
        let offsets = std::mem::replace(&mut self.offsets, Vec::with_capacity(rows + 1));
        // The next batch is about as large. With an eighth more it seldom has to move while it grows.
        let room = Vec::with_capacity(self.bytes.len() + self.bytes.len() / 8);
        let bytes = Buffer::from_vec(std::mem::replace(&mut self.bytes, room));
        Arc::new(StringArray::new(OffsetBuffer::new(ScalarBuffer::from(offsets)), bytes, None))
    }

    /// As [`Numbers::clear`].
    pub(super) fn clear(&mut self) {
        self.offsets.clear();
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};

    use super::*;

    #[test]
    fn rows_without_a_value_are_filled() {
        let mut texts = Texts::default();
        for _ in 0..2 {
            texts.put(1, "ab");
            texts.put(3, "cd");
            let column = texts.finish(5);
            let found: Vec<&str> = column.as_string::<i32>().iter().flatten().collect();
            assert_eq!(found, ["", "ab", "", "cd", ""]);
            texts.put(4, "ef");
            texts.clear();
        }
        let mut numbers = Numbers::default();
        numbers.put(1, 9);
        numbers.clear();
        numbers.put(0, 7);
        numbers.put(2, 8);
        assert_eq!(numbers.finish(4).as_ref(), &Int64Array::from(vec![7, 0, 8, 0]));
        assert_eq!(numbers.finish(0).len(), 0);
    }
}
