//! Promises of a bounded source: every row exactly once, from wherever reading is taken up again.

use std::collections::BTreeMap;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use millstream_model::SplitId;
use millstream_model::snapshot::SplitState;

use crate::error::ConnectorError;
use crate::source::{ReadOutcome, Source, SplitReader};

/// How often a reader may say "nothing now" in a row before a check gives up; with pauses this is some seconds.
const MAX_PENDING: u32 = 5_000;

/// Runs every check on a bounded source; returns all its rows by split.
///
/// # Panics
/// When a promise is broken, with the promise.
pub fn run(source: &dyn Source, projection: &SchemaRef) -> BTreeMap<SplitId, RecordBatch> {
    let splits = splits_are_found_once(source);
    let whole: BTreeMap<_, _> =
        splits.iter().map(|s| (s.split.clone(), read_all(source, s, projection, 8_192))).collect();
    for split in &splits {
        let expected = &whole[&split.split];
        batch_size_does_not_matter(source, split, projection, expected);
        every_position_continues(source, split, projection, expected);
        projection_only_leaves_out(source, split, projection, expected);
    }
    damaged_bytes_are_refused(source, &splits, projection);
    whole
}

/// All splits of a bounded source.
///
/// # Panics
/// When discovery does not come to an end.
pub fn splits(source: &dyn Source) -> Vec<SplitState> {
    let mut enumerator = source.enumerator().expect("an enumerator can be made");
    let mut splits = Vec::new();
    for _ in 0..1_000 {
        let discovery = enumerator.discover().expect("discovery works");
        splits.extend(discovery.splits);
        if discovery.is_complete {
            return splits;
        }
    }
    unreachable!("discovery of a bounded source comes to an end")
}

/// Every row of a split from its position on.
///
/// # Panics
/// When reading fails or does not come to an end.
pub fn read_all(
    source: &dyn Source,
    split: &SplitState,
    projection: &SchemaRef,
    max_rows: usize,
) -> RecordBatch {
    let mut reader = source.open(split, projection.clone()).expect("a split can be opened");
    let mut batches = Vec::new();
    while let Some((batch, _)) = next(reader.as_mut(), max_rows).expect("reading works") {
        assert_eq!(batch.schema(), *projection, "a batch has the columns that were asked for");
        assert!(batch.num_rows() <= max_rows, "a batch has no more rows than were asked for");
        batches.push(batch);
    }
    joined(projection, &batches)
}

fn joined(projection: &SchemaRef, batches: &[RecordBatch]) -> RecordBatch {
    if projection.fields().is_empty() {
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
        return RecordBatch::try_new_with_options(projection.clone(), Vec::new(), &options)
            .expect("no columns fit");
    }
    concat_batches(projection, batches).expect("batches of one schema can be joined")
}

/// The next batch with the position behind it; `None` at the end.
fn next(
    reader: &mut dyn SplitReader,
    max_rows: usize,
) -> Result<Option<(RecordBatch, Vec<u8>)>, ConnectorError> {
    for _ in 0..MAX_PENDING {
        match reader.read(max_rows)? {
            ReadOutcome::Batch(batch) => return Ok(Some((batch.columns, batch.position))),
            ReadOutcome::Pending(wait) => std::thread::sleep(wait.min(Duration::from_millis(1))),
            ReadOutcome::End => return Ok(None),
        }
    }
    unreachable!("a bounded split comes to an end")
}

fn splits_are_found_once(source: &dyn Source) -> Vec<SplitState> {
    assert!(source.is_bounded(), "the checks are for bounded sources");
    let found = splits(source);
    let ids: std::collections::BTreeSet<_> = found.iter().map(|s| &s.split).collect();
    assert_eq!(ids.len(), found.len(), "ids of splits do not repeat");
    assert!(found.iter().all(|s| s.position.is_empty()), "new splits are at their start");
    let again: Vec<SplitId> = splits(source).into_iter().map(|s| s.split).collect();
    assert_eq!(
        again,
        found.iter().map(|s| s.split.clone()).collect::<Vec<_>>(),
        "discovery is deterministic"
    );
    let mut enumerator = source.enumerator().expect("an enumerator can be made");
    while !enumerator.discover().expect("discovery works").is_complete {}
    let snapshot = enumerator.snapshot();
    let mut restored = source.enumerator().expect("an enumerator can be made");
    restored.restore(&snapshot).expect("its own snapshot can be restored");
    let discovery = restored.discover().expect("discovery works");
    assert!(discovery.splits.is_empty() && discovery.is_complete, "nothing in a snapshot is reported again");
    assert_eq!(restored.snapshot(), snapshot, "a snapshot survives being restored");
    found
}

fn batch_size_does_not_matter(
    source: &dyn Source,
    split: &SplitState,
    projection: &SchemaRef,
    expected: &RecordBatch,
) {
    for max_rows in [1, 7] {
        let rows = read_all(source, split, projection, max_rows);
        assert_eq!(rows, *expected, "{}: the same rows in batches of {max_rows}", split.split);
    }
}

/// Takes up reading at the position behind each batch of few rows; long splits at some of them.
fn every_position_continues(
    source: &dyn Source,
    split: &SplitState,
    projection: &SchemaRef,
    expected: &RecordBatch,
) {
    let mut reader = source.open(split, projection.clone()).expect("a split can be opened");
    let batch_rows = (expected.num_rows() / 50).max(1);
    let mut rows = 0;
    while let Some((batch, position)) = next(reader.as_mut(), batch_rows).expect("reading works") {
        rows += batch.num_rows();
        let state = SplitState { position, ..split.clone() };
        let rest = read_all(source, &state, projection, 8_192);
        let expected_rest = expected.slice(rows, expected.num_rows() - rows);
        assert_eq!(rest, expected_rest, "{}: after {rows} rows the rest follows", split.split);
    }
    assert_eq!(rows, expected.num_rows(), "{}: small batches hold all rows", split.split);
}

fn projection_only_leaves_out(
    source: &dyn Source,
    split: &SplitState,
    projection: &SchemaRef,
    expected: &RecordBatch,
) {
    let last = projection.fields().len().saturating_sub(1);
    for columns in [vec![], vec![last], (0..=last).step_by(2).collect()] {
        let narrow = std::sync::Arc::new(projection.project(&columns).expect("columns exist"));
        let rows = read_all(source, split, &narrow, 8_192);
        assert_eq!(rows.num_rows(), expected.num_rows(), "a projection has all rows");
        for (i, column) in columns.iter().enumerate() {
            assert_eq!(rows.column(i), expected.column(*column), "a projection has the same values");
        }
    }
}

fn damaged_bytes_are_refused(source: &dyn Source, splits: &[SplitState], projection: &SchemaRef) {
    let Some(split) = splits.first() else { return };
    let damaged = [
        SplitState { descriptor: Vec::new(), ..split.clone() },
        SplitState { descriptor: vec![0xFF; 3], ..split.clone() },
        SplitState { position: vec![0xFF; 3], ..split.clone() },
    ];
    for state in damaged {
        let opened = source.open(&state, projection.clone());
        assert!(
            matches!(opened, Err(ConnectorError::Position { .. })),
            "damaged bytes of a checkpoint are refused as such"
        );
    }
    let mut enumerator = source.enumerator().expect("an enumerator can be made");
    assert!(
        matches!(enumerator.restore(&[0xFF; 3]), Err(ConnectorError::Position { .. })),
        "a damaged snapshot is refused as such"
    );
}
