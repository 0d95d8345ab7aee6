//! One table of a savepoint: its segments in, its files out.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Field, SchemaRef, UInt16Type};
use bytes::Bytes;
use millstream_checkpoint::{checksum, layout};
use millstream_checkpoint_store::JobObjects;
use millstream_model::snapshot::StateSegment;
use millstream_model::{KeyGroupRange, OperatorUid};
use millstream_state::{decode_segment, filter_key_groups};
use millstream_storage::CreateOutcome;
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;

use crate::column_type;
use crate::error::{OTHER_EPOCH, SavepointError};
use crate::location::{SavepointLocation, attempt_folder};
use crate::manifest::{FIRST_VALUE_ID, SavedColumn, SavedFile, SavedTable};
use crate::merge::{self, Slice};
use crate::parquet_file;
use crate::partition::Buckets;
use crate::settings::SavepointSettings;

/// Key columns of a segment, in front of the values.
const SEGMENT_KEY_COLUMNS: usize = 3;

/// What writing a table needs to know.
pub(super) struct TableWriter<'a> {
    pub(super) objects: JobObjects,
    pub(super) location: &'a SavepointLocation,
    pub(super) settings: &'a SavepointSettings,
    pub(super) attempt: u64,
    pub(super) operator: &'a OperatorUid,
    pub(super) name: &'a str,
    /// In the order in which they must be applied.
    pub(super) segments: Vec<&'a StateSegment>,
    pub(super) max_parallelism: u32,
}

/// The rows of a segment in some key groups.
struct Part {
    rows: RecordBatch,
    /// Key groups in which the segment has rows at all.
    span: KeyGroupRange,
}

impl TableWriter<'_> {
    /// Reads, merges, writes and looks at each file once more.
    pub(super) async fn write(self) -> Result<SavedTable, SavepointError> {
        let buckets = Buckets::of_segments(&self.segments, self.max_parallelism, self.settings);
        let mut table = SavedTable {
            operator: self.operator.clone(),
            name: self.name.to_owned(),
            buckets: buckets.count,
            columns: Vec::new(),
            files: Vec::new(),
        };
        // Where each segment has rows: known once it was read, so that a narrow one is not read in every pass.
        let mut spans: Vec<Option<KeyGroupRange>> = vec![None; self.segments.len()];
        let mut values: Option<Vec<Field>> = None;
        for (first, end) in buckets.passes(&self.segments, self.settings) {
            let range = KeyGroupRange { start: buckets.range(first).start, end: buckets.range(end - 1).end };
            let mut slices = Vec::new();
            for (segment, span) in self.segments.iter().zip(&mut spans) {
                let declared = segment.key_groups;
                // A segment of no key groups is read once all the same, for the table's columns.
                let may_have_rows = span
                    .map_or(declared.overlaps(range) || declared.start >= declared.end, |s| {
                        s.overlaps(range)
                    });
                let base_of = segment.is_base.then_some(declared);
                if may_have_rows {
                    let part = self.read(segment, range).await?;
                    *span = Some(part.span);
                    self.check_columns(segment, &part.rows, &mut values)?;
                    slices.push(Slice { rows: part.rows, base_of });
                } else if base_of.is_some_and(|base| base.overlaps(range)) {
                    // It has no rows here, and still ends what came before it.
                    let schema = millstream_state::segment_schema(values.as_deref().unwrap_or_default());
                    slices.push(Slice { rows: RecordBatch::new_empty(schema), base_of });
                }
            }
            if table.columns.is_empty() {
                table.columns = self.columns(values.as_deref().unwrap_or_default())?;
            }
            let slices: Arc<[Slice]> = slices.into();
            for bucket in first..end {
                if let Some(file) = self.write_bucket(&table, buckets.range(bucket), slices.clone()).await? {
                    table.files.push(file);
                }
            }
        }
        Ok(table)
    }

    async fn read(&self, segment: &StateSegment, range: KeyGroupRange) -> Result<Part, SavepointError> {
        let bytes = self.objects.fetch(&segment.object).await;
        let bytes = bytes.map_err(SavepointError::of_checkpoint("read a segment of the checkpoint"))?;
        let decoded =
            tokio::task::spawn_blocking(move || decode_segment(&bytes).map(|rows| part(&rows, range)));
        let decoded = decoded.await.map_err(|_| SavepointError::Interrupted)?;
        let (part, rows) =
            decoded.map_err(|reason| damaged(segment, "a state segment", reason.to_string()))?;
        if rows != segment.rows {
            return Err(damaged(segment, format!("{} rows", segment.rows), rows.to_string()));
        }
        let (declared, span) = (segment.key_groups, part.span);
        if span.start < span.end && (span.start < declared.start || span.end > declared.end) {
            let expected = format!("rows of the key groups [{}, {})", declared.start, declared.end);
            return Err(damaged(segment, expected, format!("[{}, {})", span.start, span.end)));
        }
        Ok(part)
    }

    /// All segments of a table have the same columns, until a base says otherwise for all of them.
    fn check_columns(
        &self,
        segment: &StateSegment,
        rows: &RecordBatch,
        values: &mut Option<Vec<Field>>,
    ) -> Result<(), SavepointError> {
        let schema = rows.schema();
        let found: Vec<Field> =
            schema.fields().iter().skip(SEGMENT_KEY_COLUMNS).map(|f| f.as_ref().clone()).collect();
        match values {
            None => *values = Some(found),
            Some(expected) if *expected == found => {}
            Some(expected) => {
                return Err(damaged(
                    segment,
                    format!("the columns ({})", describe(expected)),
                    describe(&found),
                ));
            }
        }
        Ok(())
    }

    fn columns(&self, values: &[Field]) -> Result<Vec<SavedColumn>, SavepointError> {
        let own_id = |f: &Field| f.metadata().get(PARQUET_FIELD_ID_META_KEY)?.parse::<i32>().ok();
        let own: BTreeSet<i32> =
            values.iter().filter_map(own_id).filter(|id| *id >= FIRST_VALUE_ID).collect();
        let has_own = own.len() == values.len();
        let mut next_id = FIRST_VALUE_ID;
        let mut columns = Vec::with_capacity(values.len());
        for field in values {
            if column_type::name(field.data_type()).is_none() {
                return Err(SavepointError::ColumnType {
                    operator: self.operator.clone(),
                    table: self.name.to_owned(),
                    column: field.name().clone(),
                    data_type: field.data_type().clone(),
                });
            }
            let field_id = own_id(field).filter(|_| has_own).unwrap_or(next_id);
            next_id = next_id.saturating_add(1);
            columns.push(SavedColumn {
                field_id,
                name: field.name().clone(),
                data_type: field.data_type().clone(),
                is_nullable: field.is_nullable(),
            });
        }
        Ok(columns)
    }

    /// Nothing for a bucket without rows.
    async fn write_bucket(
        &self,
        table: &SavedTable,
        range: KeyGroupRange,
        slices: Arc<[Slice]>,
    ) -> Result<Option<SavedFile>, SavepointError> {
        let key = format!(
            "{}{}/{}/{:05}-{:05}.parquet",
            attempt_folder(self.attempt),
            layout::escaped(&self.operator.0),
            layout::escaped(self.name),
            range.start,
            range.end
        );
        let (schema, rows) = (table.schema(), self.settings.row_group_rows);
        let encoded = tokio::task::spawn_blocking(move || bucket(&schema, &slices, range, rows));
        let encoded = encoded.await.map_err(|_| SavepointError::Interrupted)?;
        let encoded = encoded.map_err(|error| match error {
            BucketError::Merge(source) => SavepointError::Convert { table: table.label(), source },
            BucketError::Encode(source) => SavepointError::Encode { file: self.location.path(&key), source },
        })?;
        let Some((bytes, rows)) = encoded else { return Ok(None) };
        let file = SavedFile {
            key,
            length: bytes.len() as u64,
            checksum: checksum(&bytes),
            rows,
            key_groups: range,
        };
        match self.location.create(&file.key, bytes).await {
            Ok(CreateOutcome::Created) => {}
            Ok(CreateOutcome::Taken(_)) => {
                return Err(self.location.damaged(&file.key, "nothing", "another object of this name"));
            }
            Err(source) => {
                return Err(SavepointError::Storage { action: "write a file of a savepoint", source });
            }
        }
        let found = self.location.length(&file.key).await?;
        if found == Some(file.length) {
            return Ok(Some(file));
        }
        let found = found.map_or_else(|| "nothing".to_owned(), |length| format!("{length} bytes"));
        Err(self.location.damaged(&file.key, format!("{} bytes", file.length), found))
    }
}

enum BucketError {
    Merge(arrow::error::ArrowError),
    Encode(parquet::errors::ParquetError),
}

fn bucket(
    schema: &SchemaRef,
    slices: &[Slice],
    range: KeyGroupRange,
    batch_rows: usize,
) -> Result<Option<(Bytes, u64)>, BucketError> {
    let batches = merge::merge(slices, range, batch_rows).map_err(BucketError::Merge)?;
    let rows: u64 = batches.iter().map(|b| b.num_rows() as u64).sum();
    if rows == 0 {
        return Ok(None);
    }
    let bytes = parquet_file::encode(schema, &batches, batch_rows).map_err(BucketError::Encode)?;
    Ok(Some((bytes, rows)))
}

/// The rows of these key groups, in memory of their own if they are few, and the number of all rows.
fn part(rows: &RecordBatch, range: KeyGroupRange) -> (Part, u64) {
    let groups = rows.column(0).as_primitive::<UInt16Type>().values();
    let span = match (groups.first(), groups.last()) {
        (Some(first), Some(last)) => KeyGroupRange { start: u32::from(*first), end: u32::from(*last) + 1 },
        _ => KeyGroupRange { start: 0, end: 0 },
    };
    let kept = filter_key_groups(rows, range);
    let kept = if kept.num_rows() == rows.num_rows() {
        kept
    } else {
        // A slice would keep the whole segment alive.
        let all = UInt32Array::from_iter_values(0..kept.num_rows() as u32);
        take_record_batch(&kept, &all).unwrap_or(kept)
    };
    (Part { rows: kept, span }, rows.num_rows() as u64)
}

fn damaged(segment: &StateSegment, expected: impl Into<String>, found: impl Into<String>) -> SavepointError {
    SavepointError::Damaged {
        file: segment.object.key.clone(),
        expected: expected.into(),
        found: found.into(),
        advice: OTHER_EPOCH,
    }
}

fn describe(fields: &[Field]) -> String {
    let fields: Vec<String> = fields.iter().map(|f| format!("{} {}", f.name(), f.data_type())).collect();
    fields.join(", ")
}
