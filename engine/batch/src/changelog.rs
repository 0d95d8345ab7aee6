//! Change kinds of rows, and cancelling of changes that undo each other.
//!
//! Example: `[+I a, -D a, +I b]` compacts to `[+I b]`.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};

use crate::stream_batch::StreamBatch;

/// Change kinds of the rows of a batch.
pub type Ops = Arc<[RowOp]>;

/// What a row of a changelog does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RowOp {
    /// `+I`: a new row.
    #[default]
    Insert = 0,
    /// `-U`: the old content of a changed row.
    UpdateBefore = 1,
    /// `+U`: the new content of a changed row.
    UpdateAfter = 2,
    /// `-D`: a row that goes.
    Delete = 3,
}

impl RowOp {
    /// Whether the row adds (`+I`, `+U`) rather than removes.
    #[must_use]
    pub const fn is_addition(self) -> bool {
        matches!(self, Self::Insert | Self::UpdateAfter)
    }

    /// `+1` or `-1`.
    #[must_use]
    pub const fn sign(self) -> i64 {
        if self.is_addition() { 1 } else { -1 }
    }

    /// The kind behind its short name, as Flink prints it.
    #[must_use]
    pub fn from_short_name(name: &str) -> Option<Self> {
        Some(match name {
            "+I" => Self::Insert,
            "-U" => Self::UpdateBefore,
            "+U" => Self::UpdateAfter,
            "-D" => Self::Delete,
            _ => return None,
        })
    }

    /// The kind with this number, as it is stored in frames and segments.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Insert),
            1 => Some(Self::UpdateBefore),
            2 => Some(Self::UpdateAfter),
            3 => Some(Self::Delete),
            _ => None,
        }
    }
}

impl fmt::Display for RowOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Insert => "+I",
            Self::UpdateBefore => "-U",
            Self::UpdateAfter => "+U",
            Self::Delete => "-D",
        })
    }
}

/// Removes pairs of an addition and a removal of equal rows, whichever comes first. The rest keeps its order.
///
/// Batches without removals come back as they are.
///
/// # Errors
/// When a column's type cannot be compared.
pub fn compact(batch: &StreamBatch) -> Result<StreamBatch, ArrowError> {
    let Some(ops) = batch.ops() else { return Ok(batch.clone()) };
    if ops.iter().all(|op| op.is_addition()) || batch.num_rows() < 2 {
        return Ok(batch.clone());
    }
    let rows = comparable_rows(batch.columns())?;
    // Per distinct row: indexes of unmatched changes, all of one sign.
    let mut open: HashMap<&[u8], Vec<usize>> = HashMap::with_capacity(batch.num_rows());
    let mut keep = vec![true; batch.num_rows()];
    for (i, op) in ops.iter().enumerate() {
        let unmatched = open.entry(rows.row(i).data()).or_default();
        match unmatched.last() {
            Some(&other) if ops[other].is_addition() != op.is_addition() => {
                unmatched.pop();
                keep[other] = false;
                keep[i] = false;
            }
            _ => unmatched.push(i),
        }
    }
    if keep.iter().all(|k| *k) {
        return Ok(batch.clone());
    }
    batch.filter(&BooleanArray::from(keep))
}

/// Rows in a form that compares equal exactly when the rows are equal (NULL equals NULL, NaN equals NaN).
fn comparable_rows(columns: &RecordBatch) -> Result<arrow::row::Rows, ArrowError> {
    let fields = columns.schema().fields().iter().map(|f| SortField::new(f.data_type().clone())).collect();
    RowConverter::new(fields)?.convert_columns(columns.columns())
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    fn batch(rows: &[(&str, Option<&str>)]) -> StreamBatch {
        let schema = Arc::new(Schema::new(vec![Field::new("v", DataType::Utf8, true)]));
        let values = StringArray::from(rows.iter().map(|r| r.1).collect::<Vec<_>>());
        let ops: Ops = rows.iter().map(|r| RowOp::from_short_name(r.0).unwrap()).collect();
        StreamBatch::new(RecordBatch::try_new(schema, vec![Arc::new(values)]).unwrap()).with_ops(Some(ops))
    }

    fn text(b: &StreamBatch) -> Vec<String> {
        let values = b.column(0).as_string::<i32>();
        (0..b.num_rows())
            .map(|i| format!("{} {}", b.op(i), if values.is_null(i) { "NULL" } else { values.value(i) }))
            .collect()
    }

    #[test]
    fn equal_opposite_rows_cancel_and_the_rest_keeps_its_order() {
        let cases: &[(&[(&str, Option<&str>)], &[&str])] = &[
            (&[("+I", Some("a")), ("-D", Some("a")), ("+I", Some("b"))], &["+I b"]),
            (&[("-U", Some("a")), ("+U", Some("a"))], &[]),
            (
                &[("-U", Some("a")), ("+U", Some("b")), ("-U", Some("b")), ("+U", Some("c"))],
                &["-U a", "+U c"],
            ),
            (&[("+I", None), ("-D", None), ("-D", Some("x"))], &["-D x"]),
            (&[("+I", Some("a")), ("+I", Some("a")), ("-D", Some("a"))], &["+I a"]),
        ];
        for (input, expected) in cases {
            assert_eq!(text(&compact(&batch(input)).unwrap()), *expected);
        }
    }

    #[test]
    fn codes_and_names_round_trip() {
        for op in [RowOp::Insert, RowOp::UpdateBefore, RowOp::UpdateAfter, RowOp::Delete] {
            assert_eq!(RowOp::from_code(op as u8), Some(op));
            assert_eq!(RowOp::from_short_name(&op.to_string()), Some(op));
        }
        assert_eq!(RowOp::from_code(4), None);
        assert_eq!(RowOp::from_short_name("+X"), None);
    }
}
