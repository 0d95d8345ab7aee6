//! Reads the records of one split, keeping exact byte positions.
//!
//! Rows before a malformed record are handed over first, so that nothing but the record itself is missing when the job
//! fails. Example: of `a\nb\nc\n` the split `0..2` holds `a` and `b` (which begins at byte 2, not behind it), `2..6` holds `c`.

use std::io::Read as _;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use millstream_model::snapshot::SplitState;

use crate::error::ConnectorError;
use crate::filesystem::SourceSpec;
use crate::filesystem::input::{Compression, Input};
use crate::filesystem::line_count::line_at;
use crate::filesystem::partition::{repeat, value_in_path};
use crate::filesystem::position::FilePosition;
use crate::filesystem::split::FileSplit;
use crate::format::{Decoded, Frame, MAX_RECORD_BYTES, RecordDecoder, RecordFault};
use crate::pace::Pace;
use crate::source::{ReadBatch, ReadOutcome, SplitReader};

/// Bytes asked of the file at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// A batch ends after this many bytes of records: the limit of what flows between operators.
const MAX_BATCH_BYTES: u64 = 1024 * 1024;

/// See the module.
pub(super) struct FileReader {
    spec: Arc<SourceSpec>,
    split: FileSplit,
    compression: Compression,
    input: Input,
    decoder: Box<dyn RecordDecoder>,
    columns: Columns,
    buffer: Vec<u8>,
    /// What of the buffer was read and not consumed.
    start: usize,
    end: usize,
    /// Byte of the (decompressed) file at `buffer[start]`.
    offset: u64,
    is_at_end: bool,
    /// The line at the cursor belongs to the split before, or is too long: drop it.
    drops_line: bool,
    failure: Option<ConnectorError>,
    pace: Option<Pace>,
}

impl FileReader {
    /// Opens the split where its position says.
    pub(super) fn open(
        spec: &Arc<SourceSpec>,
        state: &SplitState,
        projection: &SchemaRef,
    ) -> Result<Self, ConnectorError> {
        let position_error =
            |message: String| ConnectorError::Position { table: spec.table.clone(), message };
        let split = FileSplit::decode(&state.descriptor).map_err(position_error)?;
        let position = FilePosition::decode(&state.position).map_err(position_error)?;
        let options_error = |message: String| ConnectorError::Options { table: spec.table.clone(), message };
        let compression = Compression::of(&split.file).map_err(options_error)?;
        let offset = position.map_or(split.start, |p| p.offset);
        let input =
            spec.place.open_at(&split.file, compression, offset).map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => {
                    position_error(format!("{} is gone; its rows would be lost", split.file))
                }
                std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof => {
                    ConnectorError::Record {
                        table: spec.table.clone(),
                        place: split.file.clone(),
                        message: format!("damaged compressed data: {error}"),
                    }
                }
                _ => spec.io_error(format!("cannot open {}", split.file), &error),
            })?;
        if input.file_bytes < split.file_bytes || input.starts_at < offset {
            let now = if input.is_compressed { input.starts_at } else { input.file_bytes };
            return Err(shrunk(spec, &split, offset, now));
        }
        let columns = Columns::new(spec, &split, projection).map_err(options_error)?;
        let decoder = spec.format.decoder(&spec.written, columns.decoded.clone());
        Ok(Self {
            spec: spec.clone(),
            drops_line: position.is_none() && split.start > 0,
            compression,
            input,
            decoder,
            columns,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            offset,
            is_at_end: false,
            failure: None,
            #[expect(clippy::cast_precision_loss, reason = "a pace need not be exact")]
            pace: (spec.rows_per_second > 0)
                .then(|| Pace::new(spec.rows_per_second as f64, spec.clock.elapsed())),
            split,
        })
    }

    /// Whether the line at the cursor belongs to nobody or to the next split.
    fn is_done(&self) -> bool {
        if self.input.is_compressed {
            return false;
        }
        if self.split.is_last() { self.offset >= self.split.end } else { self.offset > self.split.end }
    }

    /// Decodes until there are `max_rows` rows, enough bytes, or no more; returns how many records were skipped.
    fn fill_batch(&mut self, max_rows: usize) -> Result<u64, ConnectorError> {
        let mut skipped = 0;
        let from = self.offset;
        // Never stops within a line that is dropped: a position there would be taken for the start of a record.
        while self.decoder.rows() < max_rows
            && (self.drops_line || self.offset - from < MAX_BATCH_BYTES)
            && !self.is_done()
        {
            if self.offset == 0 && self.start == 0 && self.end > 0 {
                self.skip_byte_order_mark();
            }
            let bytes = self.buffer.get(self.start..self.end).unwrap_or_default();
            let frame = if self.is_at_end && bytes.is_empty() {
                break;
            } else if bytes.is_empty() {
                Frame::Incomplete
            } else {
                self.decoder.frame(bytes, self.is_at_end)
            };
            match frame {
                Frame::Record { total, .. } if self.drops_line => {
                    self.drops_line = false;
                    self.consume(total);
                }
                Frame::Record { content, .. } if content > MAX_RECORD_BYTES => {
                    skipped += self.drop_long_record()?
                }
                Frame::Record { content, total } => {
                    let record = bytes.get(..content).unwrap_or_default();
                    match self.decoder.decode(record) {
                        Ok(Decoded::Skipped) => skipped += 1,
                        Ok(Decoded::Row | Decoded::Nothing) => {}
                        Err(fault) => return Err(self.record_error(&fault, content)),
                    }
                    self.consume(total);
                }
                Frame::Incomplete if bytes.len() > MAX_RECORD_BYTES => {
                    if !self.drops_line {
                        skipped += self.drop_long_record()?;
                    }
                    // Everything but the last byte, which may be half of a line break.
                    self.consume(self.end - self.start - 1);
                }
                Frame::Incomplete => self.read_more()?,
            }
        }
        Ok(skipped)
    }

    /// The record at the cursor is longer than any may be: from here on its line is dropped.
    fn drop_long_record(&mut self) -> Result<u64, ConnectorError> {
        if !self.decoder.skips_malformed() {
            let limit = MAX_RECORD_BYTES / (1024 * 1024);
            let message =
                format!("the record is longer than {limit} MiB; is a line break or a closing quote missing?");
            return Err(self.record_error(&RecordFault { at: 0, message }, 0));
        }
        self.drops_line = true;
        Ok(1)
    }

    fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        self.offset += bytes as u64;
    }

    fn skip_byte_order_mark(&mut self) {
        if self.buffer.get(..self.end).is_some_and(|b| b.starts_with(&[0xEF, 0xBB, 0xBF])) {
            self.consume(3);
        }
    }

    fn read_more(&mut self) -> Result<(), ConnectorError> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let room = CHUNK_BYTES.max(self.end);
        if self.buffer.len() < self.end + CHUNK_BYTES {
            self.buffer.resize(self.end + room, 0);
        }
        let target = self.buffer.get_mut(self.end..).unwrap_or_default();
        match self.input.read(target) {
            Ok(0) => {
                let length = self.offset + self.end as u64;
                if !self.input.is_compressed && length < self.split.file_bytes {
                    // What is left may be half a record, and the rows behind it are lost.
                    return Err(shrunk(&self.spec, &self.split, self.offset, length));
                }
                self.is_at_end = true;
            }
            Ok(count) => self.end += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(self.read_error(&error)),
        }
        Ok(())
    }

    fn read_error(&self, error: &std::io::Error) -> ConnectorError {
        use std::io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
        // What a decompressor says about its input; reading again would give the same.
        let is_damage = matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof | Other);
        if self.input.is_compressed && is_damage {
            let message = format!("damaged compressed data after {} bytes of content: {error}", self.offset);
            return ConnectorError::Record {
                table: self.spec.table.clone(),
                place: self.split.file.clone(),
                message,
            };
        }
        self.spec.io_error(format!("cannot read {} at byte {}", self.split.file, self.offset), error)
    }

    fn record_error(&self, fault: &RecordFault, content: usize) -> ConnectorError {
        let record = self.buffer.get(self.start..self.start + content).unwrap_or_default();
        let before = record.get(..fault.at.min(record.len())).unwrap_or_default();
        let at = self.offset + before.len() as u64;
        let last_line = before.rsplit(|b| *b == b'\n' || *b == b'\r').next().unwrap_or_default();
        let column = String::from_utf8_lossy(last_line).chars().count() + 1;
        let again = self.spec.place.open_at(&self.split.file, self.compression, 0);
        let place = match again.ok().and_then(|file| line_at(file, at)) {
            Some(line) => format!("{}, line {line}, column {column}", self.split.file),
            None => format!("{}, byte {at}", self.split.file),
        };
        ConnectorError::Record { table: self.spec.table.clone(), place, message: fault.message.clone() }
    }

    fn progress(&self) -> (u64, u64) {
        if self.input.is_compressed {
            return (self.input.file_bytes_read(), self.input.file_bytes);
        }
        let length = self.split.end - self.split.start;
        (self.offset.saturating_sub(self.split.start).min(length), length)
    }
}

impl SplitReader for FileReader {
    fn read(&mut self, max_rows: usize) -> Result<ReadOutcome, ConnectorError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let mut max_rows = max_rows.max(1);
        if let Some(pace) = &mut self.pace {
            let now = self.spec.clock.elapsed();
            let due = usize::try_from(pace.due(now)).unwrap_or(usize::MAX);
            if due == 0 {
                return Ok(ReadOutcome::Pending(pace.wait(now)));
            }
            max_rows = max_rows.min(due);
        }
        let before = self.offset;
        let skipped = match self.fill_batch(max_rows) {
            Ok(skipped) => skipped,
            Err(failure) if self.decoder.rows() > 0 => {
                self.failure = Some(failure);
                0
            }
            Err(failure) => return Err(failure),
        };
        if self.decoder.rows() == 0 && skipped == 0 && self.offset == before {
            return Ok(ReadOutcome::End);
        }
        let bug = |error: arrow::error::ArrowError| ConnectorError::Record {
            table: self.spec.table.clone(),
            place: self.split.file.clone(),
            message: format!("the decoded columns do not fit together: {error}"),
        };
        let decoded = self.decoder.take().map_err(bug)?;
        if let Some(pace) = &mut self.pace {
            pace.handed_over(decoded.num_rows() as u64);
        }
        Ok(ReadOutcome::Batch(ReadBatch {
            columns: self.columns.assemble(&decoded).map_err(bug)?,
            position: FilePosition { offset: self.offset }.encode(),
            skipped,
            progress: Some(self.progress()),
        }))
    }
}

/// A file lost bytes that belong to its splits.
fn shrunk(spec: &SourceSpec, split: &FileSplit, offset: u64, now: u64) -> ConnectorError {
    let message = format!(
        "{} is shorter than it was: {} bytes were found, {offset} read, {now} are there; files must not change while \
         they are read",
        split.file, split.file_bytes
    );
    ConnectorError::Position { table: spec.table.clone(), message }
}

/// How the wanted columns come about: decoded, or constant because a folder's name says so.
struct Columns {
    schema: SchemaRef,
    decoded: SchemaRef,
    origins: Vec<Origin>,
}

enum Origin {
    Decoded(usize),
    Folder(ArrayRef),
}

impl Columns {
    fn new(spec: &SourceSpec, split: &FileSplit, projection: &SchemaRef) -> Result<Self, String> {
        let mut decoded = Vec::new();
        let mut origins = Vec::new();
        for field in projection.fields() {
            if spec.partition_keys.contains(field.name()) {
                origins.push(Origin::Folder(value_in_path(&split.file, field, &spec.default_partition)?));
            } else {
                origins.push(Origin::Decoded(decoded.len()));
                decoded.push(field.clone());
            }
        }
        Ok(Self { schema: projection.clone(), decoded: Arc::new(Schema::new(decoded)), origins })
    }

    fn assemble(&self, decoded: &RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
        let rows = decoded.num_rows();
        let columns = self
            .origins
            .iter()
            .map(|origin| match origin {
                Origin::Decoded(index) => Ok(decoded.column(*index).clone()),
                Origin::Folder(value) => repeat(value, rows),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
    }
}

#[cfg(test)]
mod reader_test;
