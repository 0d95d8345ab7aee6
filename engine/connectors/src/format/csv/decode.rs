//! Records to columns. Only wanted fields are converted.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::format::column::{ColumnBuilder, append_decimal, append_some};
use crate::format::csv::CsvFormat;
use crate::format::csv::split::{Fields, frame, is_comment};
use crate::format::parse::time::TimestampStandard;
use crate::format::parse::{number, time};
use crate::format::{
    Decoded, Frame, RecordDecoder, RecordFault, finish_rows, outcome, shortened, sql_type, utf8,
};

/// Characters of a bad value that a message shows.
const SHOWN: usize = 40;

const SKIP_HINT: &str = "with 'csv.ignore-parse-errors' = 'true' such records are skipped and counted";

/// Decodes CSV records.
pub(super) struct CsvDecoder {
    format: CsvFormat,
    schema: SchemaRef,
    /// Columns of a record.
    width: usize,
    /// Position in the record of each wanted column.
    positions: Vec<usize>,
    builders: Vec<ColumnBuilder>,
    rows: usize,
    fields: Fields,
    bytes: Vec<u8>,
}

impl CsvDecoder {
    pub(super) fn new(format: CsvFormat, written: &SchemaRef, wanted: SchemaRef) -> Self {
        let fields = wanted.fields();
        let positions = fields.iter().filter_map(|f| written.index_of(f.name()).ok()).collect();
        let builders = fields.iter().filter_map(|f| ColumnBuilder::new(f.data_type())).collect();
        Self {
            format,
            width: written.fields().len(),
            positions,
            builders,
            rows: 0,
            fields: Fields::default(),
            bytes: Vec::new(),
            schema: wanted,
        }
    }

    fn decode_line(&mut self, record: &str) -> Result<(), RecordFault> {
        self.fields
            .split(&self.format, record)
            .map_err(|fault| RecordFault { message: format!("{}; {SKIP_HINT}", fault.message), ..fault })?;
        self.check_width(record)?;
        for (index, (builder, position)) in self.builders.iter_mut().zip(&self.positions).enumerate() {
            let text = match self.fields.text(*position, record) {
                Some(text) if self.format.null_literal.as_deref() != Some(text) => text,
                _ => {
                    builder.append_null();
                    continue;
                }
            };
            if append_value(builder, text, &mut self.bytes) {
                continue;
            }
            if !self.format.ignores_parse_errors {
                let field = self.schema.field(index);
                let hint = if text.is_empty() && self.format.null_literal.is_none() {
                    "with 'csv.null-literal' = '' an empty field is NULL"
                } else {
                    "with 'csv.ignore-parse-errors' = 'true' it becomes NULL"
                };
                let message = format!(
                    "field {} (`{}`) cannot be read as {}: \"{}\"; {hint}",
                    position + 1,
                    field.name(),
                    sql_type(field.data_type()),
                    shortened(text, SHOWN)
                );
                return Err(RecordFault { at: self.fields.places[*position].at, message });
            }
            builder.append_null();
        }
        self.rows += 1;
        Ok(())
    }

    fn check_width(&mut self, record: &str) -> Result<(), RecordFault> {
        let found = self.fields.places.len();
        // A delimiter behind the last field is let through.
        let is_surplus = found > self.width
            && !(found == self.width + 1
                && self.fields.text(self.width, record) == Some("")
                && record.as_bytes().last() == Some(&self.format.delimiter));
        if is_surplus {
            let at = self.fields.places[self.width].at;
            let message = format!("{found} fields for the {} columns of the table; {SKIP_HINT}", self.width);
            return Err(RecordFault { at, message });
        }
        if found < self.width && !self.format.ignores_parse_errors {
            let message = format!(
                "{found} fields for the {} columns of the table; with 'csv.ignore-parse-errors' = 'true' those that are \
                 missing become NULL",
                self.width
            );
            return Err(RecordFault { at: record.len(), message });
        }
        Ok(())
    }
}

impl RecordDecoder for CsvDecoder {
    fn frame(&self, bytes: &[u8], is_end: bool) -> Frame {
        frame(&self.format, bytes, is_end)
    }

    fn decode(&mut self, record: &[u8]) -> Result<Decoded, RecordFault> {
        if (record.is_empty() && self.width > 1) || (self.format.allows_comments && is_comment(record)) {
            return Ok(Decoded::Nothing);
        }
        let decoded = utf8(record, SKIP_HINT).and_then(|record| self.decode_line(record));
        outcome(decoded, self.format.ignores_parse_errors)
    }

    fn skips_malformed(&self) -> bool {
        self.format.ignores_parse_errors
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        finish_rows(&self.schema, &mut self.builders, std::mem::take(&mut self.rows))
    }
}

/// Appends a field's value; false if it cannot be one of this type. Also reads the values of partition folders.
pub(crate) fn append_value(builder: &mut ColumnBuilder, text: &str, bytes: &mut Vec<u8>) -> bool {
    let standard = TimestampStandard::Sql;
    match builder {
        ColumnBuilder::Boolean(b) => {
            b.append_value(number::boolean(text));
            true
        }
        ColumnBuilder::Int8(b) => append_some!(b, number::integer(text)),
        ColumnBuilder::Int16(b) => append_some!(b, number::integer(text)),
        ColumnBuilder::Int32(b) => append_some!(b, number::integer(text)),
        ColumnBuilder::Int64(b) => append_some!(b, number::integer(text)),
        ColumnBuilder::Float32(b) => append_some!(b, number::float(text)),
        ColumnBuilder::Float64(b) => append_some!(b, number::float(text)),
        ColumnBuilder::Decimal { builder, precision, scale } => {
            append_decimal(builder, *precision, *scale, text)
        }
        ColumnBuilder::Text(b) => {
            b.append_value(text);
            true
        }
        ColumnBuilder::Bytes(b) => {
            bytes.clear();
            let is_valid = STANDARD.decode_vec(text, bytes).is_ok();
            if is_valid {
                b.append_value(bytes.as_slice());
            }
            is_valid
        }
        ColumnBuilder::Date(b) => append_some!(b, time::lenient_date(text)),
        ColumnBuilder::Time(b) => append_some!(b, time::lenient_time(text)),
        ColumnBuilder::Timestamp { builder, unit, zone: None } => {
            append_some!(builder, time::timestamp(text.trim(), standard, *unit))
        }
        ColumnBuilder::Timestamp { builder, unit, zone: Some(_) } => {
            append_some!(builder, time::instant(text.trim(), standard, *unit))
        }
    }
}
