//! Lines to columns in two steps: the scan notes where each wanted value stands, then the values are appended.
//!
//! Nothing is appended before the whole line is known to be well formed. The scan guesses that field k of a line has the
//! name that field k had before, so that in most data no name is looked up.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::format::column::{ColumnBuilder, append_decimal, append_some};
use crate::format::json::JsonFormat;
use crate::format::json::compact::compact;
use crate::format::json::scan::{Kind, Scanner, SyntaxFault, Token, unescape};
use crate::format::parse::{number, time};
use crate::format::{
    Decoded, Frame, RecordDecoder, RecordFault, find_byte, finish_rows, outcome, shortened, sql_type, utf8,
};

/// Characters of a bad value that a message shows.
const SHOWN: usize = 40;

/// Decodes JSON lines.
pub(super) struct JsonDecoder {
    format: JsonFormat,
    schema: SchemaRef,
    by_name: HashMap<Vec<u8>, usize>,
    /// Field k of the line before: its name as written, and its column.
    guesses: Vec<(Vec<u8>, Option<usize>)>,
    builders: Vec<ColumnBuilder>,
    rows: usize,
    /// Where the values of the current line stand, by column.
    tokens: Vec<Token>,
    stack: Vec<u8>,
    scratch: String,
    bytes: Vec<u8>,
}

impl JsonDecoder {
    pub(super) fn new(format: JsonFormat, schema: SchemaRef) -> Self {
        let fields = schema.fields();
        let by_name = fields.iter().enumerate().map(|(i, f)| (f.name().clone().into_bytes(), i)).collect();
        let builders: Vec<_> = fields.iter().filter_map(|f| ColumnBuilder::new(f.data_type())).collect();
        let tokens = vec![Token::MISSING; builders.len()];
        Self {
            format,
            schema,
            by_name,
            guesses: Vec::new(),
            builders,
            rows: 0,
            tokens,
            stack: Vec::new(),
            scratch: String::new(),
            bytes: Vec::new(),
        }
    }

    fn scan(&mut self, line: &str) -> Result<(), SyntaxFault> {
        self.tokens.fill(Token::MISSING);
        let mut scanner = Scanner::new(line.as_bytes(), &mut self.stack);
        scanner.skip_blanks();
        scanner.expect(b'{', "a record is a JSON object: expected `{`")?;
        scanner.skip_blanks();
        let mut ordinal = 0;
        if scanner.peek() == Some(b'}') {
            scanner.at += 1;
        } else {
            loop {
                let name = scanner.field_name()?;
                let written = line.as_bytes().get(name.start..name.end).unwrap_or_default();
                let column = match self.guesses.get(ordinal) {
                    Some((guess, column)) if guess == written => *column,
                    _ => {
                        let column = if name.kind == Kind::EscapedString {
                            self.scratch.clear();
                            unescape(line.get(name.start..name.end).unwrap_or_default(), &mut self.scratch);
                            self.by_name.get(self.scratch.as_bytes()).copied()
                        } else {
                            self.by_name.get(written).copied()
                        };
                        remember(&mut self.guesses, ordinal, written, column);
                        column
                    }
                };
                let value = scanner.value()?;
                if let Some(slot) = column.and_then(|c| self.tokens.get_mut(c)) {
                    *slot = value;
                }
                ordinal += 1;
                scanner.skip_blanks();
                match scanner.peek() {
                    Some(b',') => scanner.at += 1,
                    Some(b'}') => {
                        scanner.at += 1;
                        break;
                    }
                    _ => return Err(scanner.fault("expected `,` or `}`")),
                }
                scanner.skip_blanks();
            }
        }
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
        self.append(line)
    }

    /// Appends the scanned values.
    fn append(&mut self, line: &str) -> Result<(), RecordFault> {
        for (index, (builder, token)) in self.builders.iter_mut().zip(&self.tokens).enumerate() {
            let is_fine = match token.kind {
                Kind::Missing if self.format.requires_all_fields => {
                    let name = self.schema.field(index).name();
                    let message =
                        format!("the field `{name}` is missing, and 'json.fail-on-missing-field' is 'true'");
                    return Err(RecordFault { at: 0, message });
                }
                Kind::Missing | Kind::Null => {
                    builder.append_null();
                    true
                }
                _ => append_value(builder, *token, line, &self.format, &mut self.scratch, &mut self.bytes),
            };
            if !is_fine {
                if !self.format.ignores_parse_errors {
                    return Err(self.bad_value(index, *token, line));
                }
                builder.append_null();
            }
        }
        self.rows += 1;
        Ok(())
    }

    fn bad_value(&self, index: usize, token: Token, line: &str) -> RecordFault {
        let field = self.schema.field(index);
        let is_string = matches!(token.kind, Kind::String | Kind::EscapedString);
        let quotes = usize::from(is_string);
        let text = line.get(token.start - quotes..token.end + quotes).unwrap_or_default();
        let message = format!(
            "the field `{}` cannot be read as {}: {}; with 'json.ignore-parse-errors' = 'true' it becomes NULL",
            field.name(),
            sql_type(field.data_type()),
            shortened(text, SHOWN)
        );
        RecordFault { at: token.start - quotes, message }
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
        self.rows
    }

    fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        finish_rows(&self.schema, &mut self.builders, std::mem::take(&mut self.rows))
    }
}

const SKIP_HINT: &str = "with 'json.ignore-parse-errors' = 'true' such records are skipped and counted";

fn remember(guesses: &mut Vec<(Vec<u8>, Option<usize>)>, ordinal: usize, name: &[u8], column: Option<usize>) {
    /// Fields whose names are remembered; a record with more is looked up field by field.
    const MAX_GUESSES: usize = 1_024;
    if let Some(guess) = guesses.get_mut(ordinal) {
        guess.0.clear();
        guess.0.extend_from_slice(name);
        guess.1 = column;
    } else if guesses.len() < MAX_GUESSES {
        guesses.push((name.to_vec(), column));
    }
}

/// Appends a value that is not null; false if it cannot be one of this type.
fn append_value(
    builder: &mut ColumnBuilder,
    token: Token,
    line: &str,
    format: &JsonFormat,
    scratch: &mut String,
    bytes: &mut Vec<u8>,
) -> bool {
    let raw = line.get(token.start..token.end).unwrap_or_default();
    let is_text = matches!(token.kind, Kind::String | Kind::EscapedString);
    let is_number = matches!(token.kind, Kind::Integer | Kind::Float);
    let text = if token.kind == Kind::EscapedString {
        scratch.clear();
        unescape(raw, scratch);
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
