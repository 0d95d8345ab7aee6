//! Rows to CSV in the form of Flink's encoder (after Jackson's rules for quotes; not compared with a running Flink).
//!
//! Jackson, which writes for Flink, quotes text that is longer than 24 characters or has a character up to the highest of
//! delimiter, quote and line breaks; with `,` that is every text with a blank: `1,"2024-01-01 10:00:00",plain`. A text that
//! is the NULL literal itself, or empty where NULL is empty, cannot be told from NULL by any reader; so it is in Flink.

use arrow::array::RecordBatch;
use arrow::datatypes::TimeUnit;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::format::RowEncoder;
use crate::format::csv::CsvFormat;
use crate::format::render::number::DecimalNotation;
use crate::format::render::time::{self, write_date, write_time, write_timestamp};
use crate::format::render::values::Values;

/// Longest text that Jackson looks through before it decides to quote.
const MAX_CHECKED: usize = 24;

/// Encodes CSV.
pub(super) struct CsvEncoder {
    format: CsvFormat,
    columns: Vec<usize>,
    /// Characters up to this one are quoted.
    highest_special: u8,
    scratch: Vec<u8>,
    text: String,
}

impl CsvEncoder {
    pub(super) fn new(format: CsvFormat, columns: Vec<usize>) -> Self {
        let highest_special = format.delimiter.max(format.quote.unwrap_or(0)).max(b'\r');
        Self { format, columns, highest_special, scratch: Vec::new(), text: String::new() }
    }

    fn write_value(&mut self, values: &Values<'_>, row: usize, out: &mut Vec<u8>) -> Result<(), String> {
        let decimals =
            if self.format.has_scientific_decimals { DecimalNotation::Java } else { DecimalNotation::Plain };
        if values.write_plain(row, decimals, out) {
            return Ok(());
        }
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        match values {
            Values::Text(a) => text.extend_from_slice(a.value(row).as_bytes()),
            Values::Bytes(a) => {
                self.text.clear();
                STANDARD.encode_string(a.value(row), &mut self.text);
                text.extend_from_slice(self.text.as_bytes());
            }
            Values::Date(a) => write_date(a.value(row).into(), &mut text),
            Values::Time(a) => {
                let (seconds, nanos) = time::split(a.value(row).into(), TimeUnit::Millisecond);
                write_time(seconds, nanos, &mut text);
            }
            Values::Timestamp { values, unit, has_zone, .. } => {
                let (seconds, nanos) = time::split(values[row], *unit);
                write_timestamp(seconds, nanos, b' ', &mut text);
                if *has_zone {
                    text.push(b'Z');
                }
            }
            _ => {}
        }
        let written = self.write_text(&text, out);
        self.scratch = text;
        written
    }

    fn write_text(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        let is_special = |b: &u8| {
            Some(*b) == self.format.quote
                || Some(*b) == self.format.escape
                || *b == self.format.delimiter
                || matches!(b, b'\n' | b'\r')
        };
        let Some(quote) = self.format.quote else {
            let Some(escape) = self.format.escape else {
                return match text.iter().find(|b| is_special(b)) {
                    None => {
                        out.extend_from_slice(text);
                        Ok(())
                    }
                    Some(byte) => Err(format!(
                        "a text holds {:?}, which CSV without quotes and escapes cannot hold; allow one of them",
                        char::from(*byte)
                    )),
                };
            };
            for byte in text {
                if is_special(byte) {
                    out.push(escape);
                }
                // What follows an escape is read as it is, but for these two.
                out.push(match byte {
                    b'\n' => b'n',
                    b'\r' => b'r',
                    other => *other,
                });
            }
            return Ok(());
        };
        let is_long = text.len() > MAX_CHECKED && std::str::from_utf8(text).is_ok_and(is_long);
        if !is_long && !text.iter().any(|b| *b <= self.highest_special || is_special(b)) {
            out.extend_from_slice(text);
            return Ok(());
        }
        out.push(quote);
        for byte in text {
            if *byte == quote {
                out.push(self.format.escape.unwrap_or(quote));
            } else if Some(*byte) == self.format.escape {
                out.push(*byte);
            }
            out.push(*byte);
        }
        out.push(quote);
        Ok(())
    }
}

/// Java counts UTF-16 units.
fn is_long(text: &str) -> bool {
    text.encode_utf16().take(MAX_CHECKED + 1).count() > MAX_CHECKED
}

impl RowEncoder for CsvEncoder {
    fn encode(
        &mut self,
        batch: &RecordBatch,
        rows: &mut dyn Iterator<Item = usize>,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let columns =
            self.columns.iter().map(|i| Values::of(batch.column(*i))).collect::<Result<Vec<_>, _>>()?;
        for row in rows {
            for (index, values) in columns.iter().enumerate() {
                if index > 0 {
                    out.push(self.format.delimiter);
                }
                if values.is_null(row) {
                    out.extend_from_slice(self.format.null_literal.as_deref().unwrap_or_default().as_bytes());
                } else {
                    self.write_value(values, row, out)?;
                }
            }
            out.push(b'\n');
        }
        Ok(())
    }
}
