//! The changelog of an unbounded aggregate: what the groups that a batch touched were before it, and are after it.
//!
//! One change a group: `+I` for its first row, `-U +U` (adjacent) when a result changed, `-D` when its last row is gone, nothing when
//! all results are the same, unless such updates are wanted. Example: counts `a: 0 -> 2, b: 3 -> 3, c: 1 -> 0` give `+I a 2, -D c 1`.

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::{interleave, or, take};
use arrow::datatypes::SchemaRef;
use millstream_batch::{RowOp, StreamBatch};

use crate::error::OperatorError;

/// Results of the touched groups at one moment.
pub(crate) struct Moment {
    /// Whether the group has rows.
    pub(crate) exists: Vec<bool>,
    /// One column a call.
    pub(crate) results: Vec<ArrayRef>,
}

/// Which updates are emitted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// `-U` before each `+U`.
    pub(crate) updates_before: bool,
    /// Updates that change nothing.
    pub(crate) equal_updates: bool,
}

/// Builds the changes. `keys` has one row for each touched group.
///
/// # Errors
/// [`OperatorError::Columns`].
pub(crate) fn changes(
    schema: &SchemaRef,
    keys: &[ArrayRef],
    before: &Moment,
    after: &Moment,
    wanted: Wanted,
) -> Result<Option<StreamBatch>, OperatorError> {
    let failed = "build the changes of an aggregate";
    let differs = any_differs(before, after).map_err(OperatorError::columns(failed))?;
    let is_update = |group| wanted.equal_updates || differs.as_ref().is_some_and(|d| d.value(group));
    let (mut ops, mut groups, mut sources) = (Vec::new(), Vec::new(), Vec::new());
    let mut emit = |op: RowOp, source: usize, group: usize| {
        ops.push(op);
        groups.push(group as u32);
        sources.push((source, group));
    };
    for group in 0..before.exists.len() {
        match (before.exists[group], after.exists[group]) {
            (false, true) => emit(RowOp::Insert, 1, group),
            (true, false) => emit(RowOp::Delete, 0, group),
            (true, true) if is_update(group) => {
                if wanted.updates_before {
                    emit(RowOp::UpdateBefore, 0, group);
                }
                emit(RowOp::UpdateAfter, 1, group);
            }
            _ => {}
        }
    }
    if ops.is_empty() {
        return Ok(None);
    }
    let groups = UInt32Array::from(groups);
    let keys = keys.iter().map(|k| take(k, &groups, None));
    let results =
        before.results.iter().zip(&after.results).map(|(old, new)| interleave(&[old, new], &sources));
    let columns =
        keys.chain(results).collect::<Result<Vec<_>, _>>().map_err(OperatorError::columns(failed))?;
    let options = RecordBatchOptions::new().with_row_count(Some(ops.len()));
    let rows = RecordBatch::try_new_with_options(schema.clone(), columns, &options)
        .map_err(OperatorError::columns(failed))?;
    Ok(Some(StreamBatch::new(rows).with_ops(Some(ops.into()))))
}

/// Whether any result of each group differs; NULL equals NULL and NaN equals NaN. `None` without calls: nothing can change.
fn any_differs(before: &Moment, after: &Moment) -> Result<Option<BooleanArray>, arrow::error::ArrowError> {
    let mut all: Option<BooleanArray> = None;
    for (old, new) in before.results.iter().zip(&after.results) {
        let differs = distinct(old, new)?;
        all = Some(match all {
            None => differs,
            Some(others) => or(&others, &differs)?,
        });
    }
    Ok(all)
}
