//! Reads the rows of one file.
//!
//! The file is fetched as a whole, compared with its length and checksum, and only then parsed; that its rows are of its key
//! groups and in order is checked as they go by. It stays in memory until it is read: a file holds what takes up to 64 MB in
//! memory by the writer's settings, and a task has one of them open.
//!
//! Reading is taken up again by passing over the rows before the position, so that they are checked again, too. Example: at
//! 10,000 of 60,000 rows the first batch of 8,192 is dropped, and 1,808 rows of the second.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use millstream_connectors::ConnectorError;
use millstream_connectors::source::{ReadBatch, ReadOutcome, SplitReader};
use millstream_model::snapshot::SplitState;
use millstream_savepoint::{FileRows, SavedFile};
use millstream_storage::wait::wait_for;

use crate::columns::Origin;
use crate::source::SourceSpec;
use crate::{failure, key, place};

/// A batch has about this many bytes at most, but at least one row: the limit of what flows between operators.
const MAX_BATCH_BYTES: usize = 1024 * 1024;

/// Columns of the files before the stored ones.
const KEY_GROUP: usize = 0;
const KEY: usize = 1;

/// See the module.
pub(crate) struct FileReader {
    spec: Arc<SourceSpec>,
    file: SavedFile,
    projection: SchemaRef,
    /// Of the projected columns.
    origins: Vec<Origin>,
    rows: FileRows,
    /// Decoded rows, of which `taken` were handed over.
    batch: Option<RecordBatch>,
    taken: usize,
    /// Rows of the file that were handed over.
    done: u64,
}

impl FileReader {
    /// Opens the split where its position says.
    pub(crate) fn open(
        spec: Arc<SourceSpec>,
        split: &SplitState,
        projection: SchemaRef,
    ) -> Result<Self, ConnectorError> {
        let refuse = |message: String| ConnectorError::Position { table: spec.table.clone(), message };
        let key = place::decode_split(&spec.table, &split.descriptor)?;
        let position = place::decode_position(&spec.table, &split.position)?;
        let location = spec.reader.location();
        let file = spec.saved.files.iter().find(|f| f.key == key).cloned().ok_or_else(|| {
            refuse(format!(
                "the savepoint {location} has no file {key}: it is another one than the job began with"
            ))
        })?;
        if position > file.rows {
            return Err(refuse(format!("{key} has {} rows, and {position} were read", file.rows)));
        }
        let origins = spec.columns.of_projection(&projection).map_err(refuse)?;
        let place = format!("{location}/{key}");
        let rows = wait_for(spec.reader.read_file(&spec.saved, &file))
            .map_err(|e| failure::of_waiting(&spec.table, format!("cannot read {place}"), &e))?
            .map_err(|e| failure::of_reading(&spec.table, &place, e))?;
        let mut opened = Self { spec, file, projection, origins, rows, batch: None, taken: 0, done: 0 };
        opened.pass_over(position)?;
        Ok(opened)
    }

    fn pass_over(&mut self, rows: u64) -> Result<(), ConnectorError> {
        while self.done < rows && self.fill()? {
            let left = self.left();
            let passed = usize::try_from(rows - self.done).map_or(left, |rows| rows.min(left));
            self.taken += passed;
            self.done += passed as u64;
        }
        Ok(())
    }

    /// Decoded rows that were not handed over.
    fn left(&self) -> usize {
        self.batch.as_ref().map_or(0, |batch| batch.num_rows() - self.taken)
    }

    /// Sees to it that there are decoded rows; `false` at the end of the file.
    fn fill(&mut self) -> Result<bool, ConnectorError> {
        while self.left() == 0 {
            let Some(batch) = self.rows.next() else { return Ok(false) };
            let batch = batch.map_err(|e| failure::of_reading(&self.spec.table, &self.place(), e))?;
            (self.batch, self.taken) = (Some(batch), 0);
        }
        Ok(true)
    }

    fn columns(&self, rows: &RecordBatch) -> Result<RecordBatch, ConnectorError> {
        let keys = rows.column(KEY).as_binary::<i32>();
        let is_part = |origin: &Origin| matches!(origin, Origin::Part(_));
        let parts = if self.origins.iter().any(is_part) {
            key::decode(keys, &self.spec.columns.parts)
                .map_err(|fault| self.key_error(keys.value(fault.row), &fault))?
        } else {
            Vec::new()
        };
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let column =
            |(origin, field): (&Origin, &Arc<arrow::datatypes::Field>)| -> Result<ArrayRef, ArrowError> {
                let stored = match origin {
                    Origin::Stored(at) => rows.column(*at),
                    Origin::KeyGroup => rows.column(KEY_GROUP),
                    Origin::RawKey => rows.column(KEY),
                    Origin::Part(at) => {
                        let missing = || ArrowError::SchemaError(format!("the key has no part {at}"));
                        return parts.get(*at).cloned().ok_or_else(missing);
                    }
                };
                cast_with_options(stored, field.data_type(), &strict)
            };
        let columns = self.origins.iter().zip(self.projection.fields()).map(column).collect::<Result<_, _>>();
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        columns
            .and_then(|columns| RecordBatch::try_new_with_options(self.projection.clone(), columns, &options))
            .map_err(|e| self.record_error(e.to_string()))
    }

    fn key_error(&self, key: &[u8], fault: &key::KeyFault) -> ConnectorError {
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let row = self.done + fault.row as u64;
        let columns = &self.spec.columns;
        self.record_error(format!(
            "the key x'{hex}' of row {row} is not one of ({}): {}; {}",
            columns.key_text(),
            fault.reason,
            columns.advice()
        ))
    }

    fn record_error(&self, message: String) -> ConnectorError {
        ConnectorError::Record { table: self.spec.table.clone(), place: self.place(), message }
    }

    fn place(&self) -> String {
        format!("{}/{}", self.spec.reader.location(), self.file.key)
    }
}

impl SplitReader for FileReader {
    fn read(&mut self, max_rows: usize) -> Result<ReadOutcome, ConnectorError> {
        if !self.fill()? {
            return Ok(ReadOutcome::End);
        }
        let Some(batch) = &self.batch else { return Ok(ReadOutcome::End) };
        let row_bytes = batch.get_array_memory_size() / batch.num_rows().max(1);
        let most = (MAX_BATCH_BYTES / row_bytes.max(1)).min(max_rows).max(1);
        let rows = batch.slice(self.taken, most.min(batch.num_rows() - self.taken));
        let columns = self.columns(&rows)?;
        self.taken += rows.num_rows();
        self.done += rows.num_rows() as u64;
        Ok(ReadOutcome::Batch(ReadBatch {
            columns,
            position: place::encode_position(self.done),
            skipped: 0,
            progress: Some((self.done, self.file.rows)),
        }))
    }
}
