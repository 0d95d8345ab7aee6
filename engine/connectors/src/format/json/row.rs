//! The wanted fields of an object, and of the objects in it, under construction.
//!
//! The scan of an object guesses that its field k has the name that field k had before, so that in most data no name is looked
//! up. Recursion is as deep as the declared rows are, not as the data is. Example: for `bid ROW<price BIGINT>` the line
//! `{"bid": {"price": 7, "url": "x"}}` notes the place of `7` and passes over the rest.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBufferBuilder, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Fields};

use crate::format::column::ColumnBuilder;
use crate::format::json::JsonFormat;
use crate::format::json::decode::append_value;
use crate::format::json::scan::{Kind, Scanner, SyntaxFault, Token, unescape};
use crate::format::{RecordFault, shortened, sql_type};

/// Characters of a bad value that a message shows.
const SHOWN: usize = 40;

/// What appending a line's values needs.
pub(super) struct Append<'a> {
    pub(super) line: &'a str,
    pub(super) format: &'a JsonFormat,
    pub(super) scratch: &'a mut String,
    pub(super) bytes: &'a mut Vec<u8>,
}

/// Columns of the fields of one object.
pub(super) struct RowBuilder {
    fields: Fields,
    by_name: HashMap<Vec<u8>, usize>,
    /// Field k of the object before.
    guesses: Vec<Guess>,
    columns: Vec<Column>,
    rows: usize,
}

struct Column {
    /// Name for messages, with those of the rows around it.
    path: String,
    data_type: DataType,
    /// Where the value of the current line stands.
    token: Token,
    values: Values,
    /// NULLs that are to be appended before the next value: most rows have none of the values of a row that is NULL.
    nulls: usize,
}

enum Values {
    Plain(ColumnBuilder),
    Row { fields: Box<RowBuilder>, valid: BooleanBufferBuilder },
}

impl RowBuilder {
    /// No rows yet; `path` is in front of the fields' names in messages.
    pub(super) fn new(fields: &Fields, path: &str) -> Self {
        let by_name = fields.iter().enumerate().map(|(i, f)| (f.name().clone().into_bytes(), i)).collect();
        let column = |data_type: &DataType, path: String| {
            let values = match data_type {
                DataType::Struct(inner) => Values::Row {
                    fields: Box::new(Self::new(inner, &format!("{path}."))),
                    valid: BooleanBufferBuilder::new(0),
                },
                other => Values::Plain(ColumnBuilder::new(other)?),
            };
            Some(Column { path, data_type: data_type.clone(), token: Token::MISSING, values, nulls: 0 })
        };
        let columns =
            fields.iter().filter_map(|f| column(f.data_type(), format!("{path}{}", f.name()))).collect();
        Self { fields: fields.clone(), by_name, guesses: Vec::new(), columns, rows: 0 }
    }

    /// Rows appended since the last [`Self::finish`].
    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    /// Notes where the wanted values of the object at the cursor stand.
    pub(super) fn scan(
        &mut self,
        line: &str,
        scanner: &mut Scanner<'_>,
        scratch: &mut String,
    ) -> Result<(), SyntaxFault> {
        for column in &mut self.columns {
            column.token = Token::MISSING;
        }
        scanner.expect(b'{', "a record is a JSON object: expected `{`")?;
        scanner.skip_blanks();
        if scanner.peek() == Some(b'}') {
            scanner.at += 1;
            return Ok(());
        }
        let mut ordinal = 0;
        loop {
            let column = match self.guesses.get(ordinal) {
                Some(guess) if guess.is_at_start_of(scanner.rest()) => {
                    scanner.at += guess.written.len();
                    scanner.skip_blanks();
                    guess.column
                }
                _ => {
                    let name = scanner.field_name()?;
                    self.column_of(name, ordinal, line, scratch)
                }
            };
            match column.and_then(|index| self.columns.get_mut(index)) {
                Some(column) => column.scan(line, scanner, scratch)?,
                None => {
                    scanner.value()?;
                }
            }
            ordinal += 1;
            scanner.skip_blanks();
            match scanner.peek() {
                Some(b',') => scanner.at += 1,
                Some(b'}') => {
                    scanner.at += 1;
                    return Ok(());
                }
                _ => return Err(scanner.fault("expected `,` or `}`")),
            }
            scanner.skip_blanks();
        }
    }

    fn column_of(&mut self, name: Token, ordinal: usize, line: &str, scratch: &mut String) -> Option<usize> {
        let written = line.get(name.start..name.end).unwrap_or_default();
        let column = if name.kind == Kind::EscapedString {
            scratch.clear();
            // A string takes whatever is written to it.
            let _ = unescape(written, scratch);
            self.by_name.get(scratch.as_bytes()).copied()
        } else {
            self.by_name.get(written.as_bytes()).copied()
        };
        remember(&mut self.guesses, ordinal, written, column);
        column
    }

    /// Appends the scanned values as a row.
    pub(super) fn append(&mut self, context: &mut Append<'_>) -> Result<(), RecordFault> {
        for column in &mut self.columns {
            column.append(context)?;
        }
        self.rows += 1;
        Ok(())
    }

    fn append_nulls(&mut self, count: usize) {
        for column in &mut self.columns {
            column.nulls += count;
        }
        self.rows += count;
    }

    /// The first `rows` rows of each column, leaving none: after a fault some columns have one value more.
    pub(super) fn finish(&mut self, rows: usize) -> Vec<ArrayRef> {
        self.rows = 0;
        self.columns.iter_mut().map(|column| column.finish(rows)).collect()
    }
}

impl Column {
    fn scan(
        &mut self,
        line: &str,
        scanner: &mut Scanner<'_>,
        scratch: &mut String,
    ) -> Result<(), SyntaxFault> {
        self.token = match &mut self.values {
            Values::Row { fields, .. } if scanner.peek() == Some(b'{') => {
                let start = scanner.at;
                fields.scan(line, scanner, scratch)?;
                Token::new(Kind::Container, start, scanner.at)
            }
            _ => scanner.value()?,
        };
        Ok(())
    }

    fn append(&mut self, context: &mut Append<'_>) -> Result<(), RecordFault> {
        let token = self.token;
        match token.kind {
            Kind::Missing if context.format.requires_all_fields => {
                let message = format!(
                    "the field `{}` is missing, and 'json.fail-on-missing-field' is 'true'",
                    self.path
                );
                return Err(RecordFault { at: 0, message });
            }
            Kind::Missing | Kind::Null => {
                self.nulls += 1;
                return Ok(());
            }
            _ => self.append_nulls(),
        }
        let is_object = context.line.as_bytes().get(token.start) == Some(&b'{');
        let is_fine = match &mut self.values {
            Values::Plain(builder) => append_value(builder, token, context),
            Values::Row { fields, valid } if token.kind == Kind::Container && is_object => {
                fields.append(context)?;
                valid.append(true);
                true
            }
            Values::Row { .. } => false,
        };
        if is_fine {
            return Ok(());
        }
        if context.format.ignores_parse_errors {
            self.nulls += 1;
            return Ok(());
        }
        Err(self.bad_value(token, context.line))
    }

    fn append_nulls(&mut self) {
        let count = std::mem::take(&mut self.nulls);
        if count == 0 {
            return;
        }
        match &mut self.values {
            Values::Plain(builder) => builder.append_nulls(count),
            Values::Row { fields, valid } => {
                fields.append_nulls(count);
                valid.append_n(count, false);
            }
        }
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        self.append_nulls();
        match &mut self.values {
            Values::Plain(builder) => builder.finish().slice(0, rows),
            Values::Row { fields, valid } => {
                let names = fields.fields.clone();
                let columns = fields.finish(rows);
                let nulls = NullBuffer::new(valid.finish().slice(0, rows));
                Arc::new(StructArray::new(names, columns, Some(nulls)))
            }
        }
    }

    fn bad_value(&self, token: Token, line: &str) -> RecordFault {
        let is_string = matches!(token.kind, Kind::String | Kind::EscapedString);
        let quotes = usize::from(is_string);
        let text = line.get(token.start - quotes..token.end + quotes).unwrap_or_default();
        let wanted = sql_type(&self.data_type);
        let message = format!(
            "the field `{}` cannot be read as {wanted}: {}; with 'json.ignore-parse-errors' = 'true' it becomes NULL",
            self.path,
            shortened(text, SHOWN)
        );
        RecordFault { at: token.start - quotes, message }
    }
}

/// What is expected to stand at the start of field k of an object.
struct Guess {
    /// `"name":`.
    written: Vec<u8>,
    /// Its first sixteen bytes as a number, and which bits of it count.
    head: u128,
    mask: u128,
    column: Option<usize>,
}

impl Guess {
    fn set(&mut self, name: &str, column: Option<usize>) {
        self.written.clear();
        self.written.push(b'"');
        self.written.extend_from_slice(name.as_bytes());
        self.written.extend_from_slice(b"\":");
        let number = |byte: &dyn Fn(u8) -> u8| {
            let mut bytes = [0; size_of::<u128>()];
            bytes.iter_mut().zip(&self.written).for_each(|(to, from)| *to = byte(*from));
            u128::from_le_bytes(bytes)
        };
        self.head = number(&|byte| byte);
        self.mask = number(&|_| u8::MAX);
        self.column = column;
    }

    fn is_at_start_of(&self, rest: &[u8]) -> bool {
        match rest.first_chunk() {
            Some(head) => {
                (u128::from_le_bytes(*head) ^ self.head) & self.mask == 0
                    && (self.written.len() <= size_of::<u128>() || rest.starts_with(&self.written))
            }
            None => rest.starts_with(&self.written),
        }
    }
}

fn remember(guesses: &mut Vec<Guess>, ordinal: usize, name: &str, column: Option<usize>) {
    /// Fields whose names are remembered; a record with more is looked up field by field.
    const MAX_GUESSES: usize = 1_024;
    if ordinal == guesses.len() && ordinal < MAX_GUESSES {
        guesses.push(Guess { written: Vec::new(), head: 0, mask: 0, column });
    }
    if let Some(guess) = guesses.get_mut(ordinal) {
        guess.set(name, column);
    }
}
