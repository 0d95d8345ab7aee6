//! Rows to new places: the other way round than a gather.
//!
//! Reads go through a column once and in order, and writes end one behind the other in as many places as there are targets, which
//! stay in the nearest cache. A gather reads as often through the column as there are targets. Example: the values `[a, b, c]` with
//! the places `[1, 0, 2]` become `[b, a, c]`.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, ArrowPrimitiveType, PrimitiveArray, downcast_primitive_array};

/// The values in their new places, of which there are as many as values and each is named once.
pub(crate) fn scattered<T: Copy + Default>(values: &[T], places: &[u32]) -> Vec<T> {
    let mut moved = vec![T::default(); values.len()];
    for (value, place) in values.iter().zip(places) {
        moved[*place as usize] = *value;
    }
    moved
}

/// The same with a column; `None` if it has values of different lengths, or NULLs.
pub(crate) fn scattered_column(column: &ArrayRef, places: &[u32]) -> Option<ArrayRef> {
    if column.null_count() > 0 {
        return None;
    }
    downcast_primitive_array!(
        column => Some(moved(column, places)),
        _ => None,
    )
}

fn moved<T: ArrowPrimitiveType>(column: &PrimitiveArray<T>, places: &[u32]) -> ArrayRef {
    let values = scattered(column.values(), places);
    Arc::new(PrimitiveArray::<T>::new(values.into(), None).with_data_type(column.data_type().clone()))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray, TimestampMicrosecondArray};

    use super::*;

    #[test]
    fn values_are_in_their_places() {
        assert_eq!(scattered(&['a', 'b', 'c'], &[1, 0, 2]), ['b', 'a', 'c']);
        let at: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![5, 6, 7]).with_timezone("UTC"));
        let moved = scattered_column(&at.slice(1, 2), &[1, 0]).unwrap();
        let expected: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![7, 6]).with_timezone("UTC"));
        assert_eq!(&moved, &expected);
    }

    #[test]
    fn columns_with_lengths_or_nulls_are_left_to_others() {
        let text: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
        let nulls: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(1)]));
        assert!(scattered_column(&text, &[0]).is_none() && scattered_column(&nulls, &[0, 1]).is_none());
    }
}
