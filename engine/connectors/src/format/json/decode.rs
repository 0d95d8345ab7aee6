//! Lines to columns in two steps: the scan notes where each wanted value stands, then the values are appended.
//!
//! Nothing is appended before the whole line is known to be well formed. The scan guesses that field k of a line has the
//! name that field k had before, so that in most data no name is looked up.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::format::column::{ColumnBuilder, append_decimal, append_some};
use crate::format::json::JsonFormat;
use crate::format::json::compact::compact;
use crate::format::json::row::{Append, RowBuilder};
use crate::format::json::scan::{Kind, Scanner, SyntaxFault, Token, unescape};
use crate::format::parse::{number, time};
use crate::format::{Decoded, Frame, RecordDecoder, RecordFault, find_byte, outcome, utf8};

/// Decodes JSON lines.
pub(super) struct JsonDecoder {
    format: JsonFormat,
    schema: SchemaRef,
    record: RowBuilder,
    stack: Vec<u8>,
    scratch: String,
    bytes: Vec<u8>,
}

impl JsonDecoder {
    pub(super) fn new(format: JsonFormat, schema: SchemaRef) -> Self {
        let record = RowBuilder::new(schema.fields(), "");
        Self { format, schema, record, stack: Vec::new(), scratch: String::new(), bytes: Vec::new() }
    }

    fn scan(&mut self, line: &str) -> Result<(), SyntaxFault> {
        let mut scanner = Scanner::new(line.as_bytes(), &mut self.stack);
        scanner.skip_blanks();
        self.record.scan(line, &mut scanner, &mut self.scratch)?;
        scanner.skip_blanks();
        match scanner.peek() {
            None => Ok(()),
            Some(_) => Err(scanner.fault("more text after the object; a line holds one record")),
        }
    }

    fn decode_line(&mut self, line: &str) -> Result<(), RecordFault> {
        self.scan(line).map_err(|fault| RecordFault {
            at: fault.at,
            message: format!("not a JSON object: {}; {SKIP_HINT}", fault.what),
        })?;
        let mut context =
            Append { line, format: &self.format, scratch: &mut self.scratch, bytes: &mut self.bytes };
        self.record.append(&mut context)
    }
}

impl RecordDecoder for JsonDecoder {
    fn frame(&self, bytes: &[u8], is_end: bool) -> Frame {
        match find_byte(bytes, b'\n') {
            Some(at) => Frame::Record { content: at, total: at + 1 },
            None if is_end => Frame::Record { content: bytes.len(), total: bytes.len() },
            None => Frame::Incomplete,
        }
    }

    fn decode(&mut self, record: &[u8]) -> Result<Decoded, RecordFault> {
        if record.iter().all(u8::is_ascii_whitespace) {
            return Ok(Decoded::Nothing);
        }
        let decoded = utf8(record, SKIP_HINT).and_then(|line| self.decode_line(line));
        outcome(decoded, self.format.ignores_parse_errors)
    }

    fn skips_malformed(&self) -> bool {
        self.format.ignores_parse_errors
    }

    fn rows(&self) -> usize {
        self.record.rows()
    }

    fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let rows = self.record.rows();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), self.record.finish(rows), &options)
    }
}

const SKIP_HINT: &str = "with 'json.ignore-parse-errors' = 'true' such records are skipped and counted";

/// Appends a value that is not null; false if it cannot be one of this type.
pub(super) fn append_value(builder: &mut ColumnBuilder, token: Token, context: &mut Append<'_>) -> bool {
    if let (ColumnBuilder::Int64(b), Some(number)) = (&mut *builder, token.number) {
        b.append_value(number.into());
        return true;
    }
    let Append { line, format, scratch, bytes } = context;
    let raw = line.get(token.start..token.end).unwrap_or_default();
    let is_text = matches!(token.kind, Kind::String | Kind::EscapedString);
    let is_number = matches!(token.kind, Kind::Integer | Kind::Float);
    if let (ColumnBuilder::Text(b), Kind::EscapedString) = (&mut *builder, token.kind) {
        // The value ends where the next one is appended.
        let is_written = unescape(raw, b).is_ok();
        b.append_value("");
        return is_written;
    }
    let text = if token.kind == Kind::EscapedString {
        scratch.clear();
        if unescape(raw, scratch).is_err() {
            return false;
        }
        scratch.as_str()
    } else {
        raw
    };
    let standard = format.timestamps;
    match builder {
        ColumnBuilder::Boolean(b) if token.kind != Kind::Container => {
            b.append_value(number::boolean(text));
            true
        }
        ColumnBuilder::Text(b) => {
            if token.kind == Kind::Container {
                bytes.clear();
                compact(raw, scratch, bytes);
                b.append_value(String::from_utf8_lossy(bytes));
            } else {
                b.append_value(text);
            }
            true
        }
        ColumnBuilder::Int8(b) if is_text || is_number => append_some!(b, number::integer(text)),
        ColumnBuilder::Int16(b) if is_text || is_number => append_some!(b, number::integer(text)),
        ColumnBuilder::Int32(b) if token.kind == Kind::Float => append_some!(b, number::truncated(text)),
        ColumnBuilder::Int64(b) if token.kind == Kind::Float => append_some!(b, number::truncated(text)),
        ColumnBuilder::Int32(b) if is_text || is_number => append_some!(b, number::integer(text)),
        ColumnBuilder::Int64(b) if is_text || is_number => append_some!(b, number::integer(text)),
        ColumnBuilder::Float32(b) if is_text || is_number => append_some!(b, number::float(text)),
        ColumnBuilder::Float64(b) if is_text || is_number => append_some!(b, number::float(text)),
        ColumnBuilder::Decimal { builder, precision, scale } if is_text || is_number => {
            append_decimal(builder, *precision, *scale, text)
        }
        ColumnBuilder::Bytes(b) if is_text => {
            bytes.clear();
            let is_valid = STANDARD.decode_vec(text, bytes).is_ok();
            if is_valid {
                b.append_value(bytes.as_slice());
            }
            is_valid
        }
        ColumnBuilder::Date(b) if is_text => append_some!(b, time::date(text)),
        ColumnBuilder::Time(b) if is_text => append_some!(b, time::time(text)),
        ColumnBuilder::Timestamp { builder, unit, zone: None } if is_text => {
            append_some!(builder, time::timestamp(text, standard, *unit))
        }
        ColumnBuilder::Timestamp { builder, unit, zone: Some(_) } if is_text => {
            append_some!(builder, time::instant(text, standard, *unit))
        }
        _ => false,
    }
}
