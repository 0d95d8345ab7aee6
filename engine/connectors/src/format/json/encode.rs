//! Rows to JSON lines in the form of Flink's encoder (after its and Jackson's rules; not compared with a running Flink).
//!
//! Example: `{"id":1,"name":"a\"b","at":"2024-01-01 10:00:00.5","amount":1.50}`. Characters outside ASCII are written as they
//! are; NaN and infinities as strings.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, TimeUnit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::format::RowEncoder;
use crate::format::json::JsonFormat;
use crate::format::parse::time::TimestampStandard;
use crate::format::render::number::DecimalNotation;
use crate::format::render::time::{self, write_date, write_time, write_timestamp};
use crate::format::render::values::Values;

/// Encodes JSON lines.
pub(super) struct JsonEncoder {
    format: JsonFormat,
    columns: Vec<usize>,
    scratch: String,
}

impl JsonEncoder {
    pub(super) fn new(format: JsonFormat, columns: Vec<usize>) -> Self {
        Self { format, columns, scratch: String::new() }
    }

    fn write_object<'b, 'v: 'b>(
        &mut self,
        fields: impl Iterator<Item = (&'b [u8], &'b Names, &'b Values<'v>)>,
        row: usize,
        out: &mut Vec<u8>,
    ) {
        out.push(b'{');
        let mut is_first = true;
        for (name, names, values) in fields {
            let is_null = values.is_null(row);
            if is_null && self.format.leaves_out_nulls {
                continue;
            }
            if !is_first {
                out.push(b',');
            }
            is_first = false;
            out.extend_from_slice(name);
            match values {
                _ if is_null => out.extend_from_slice(b"null"),
                Values::Row { fields, .. } => {
                    let fields =
                        names.0.iter().zip(fields).map(|((name, names), v)| (name.as_slice(), names, v));
                    // Boxed, because the type of this iterator would contain itself.
                    let fields: Box<dyn Iterator<Item = _>> = Box::new(fields);
                    self.write_object(fields, row, out);
                }
                _ => self.write_value(values, row, out),
            }
        }
        out.push(b'}');
    }

    fn write_value(&mut self, values: &Values<'_>, row: usize, out: &mut Vec<u8>) {
        let separator = match self.format.timestamps {
            TimestampStandard::Sql => b' ',
            TimestampStandard::Iso8601 => b'T',
        };
        match values {
            Values::Float32(a) if !a.value(row).is_finite() => write_quoted_plain(values, row, out),
            Values::Float64(a) if !a.value(row).is_finite() => write_quoted_plain(values, row, out),
            Values::Text(a) => write_string(a.value(row), out),
            Values::Bytes(a) => {
                self.scratch.clear();
                STANDARD.encode_string(a.value(row), &mut self.scratch);
                out.push(b'"');
                out.extend_from_slice(self.scratch.as_bytes());
                out.push(b'"');
            }
            Values::Date(a) => {
                out.push(b'"');
                write_date(a.value(row).into(), out);
                out.push(b'"');
            }
            Values::Time(a) => {
                let (seconds, nanos) = time::split(a.value(row).into(), TimeUnit::Millisecond);
                out.push(b'"');
                write_time(seconds, nanos, out);
                out.push(b'"');
            }
            Values::Timestamp { values, unit, has_zone, .. } => {
                let (seconds, nanos) = time::split(values[row], *unit);
                out.push(b'"');
                write_timestamp(seconds, nanos, separator, out);
                if *has_zone {
                    out.push(b'Z');
                }
                out.push(b'"');
            }
            _ => {
                let notation = if self.format.has_plain_decimals {
                    DecimalNotation::Plain
                } else {
                    DecimalNotation::Java
                };
                values.write_plain(row, notation, out);
            }
        }
    }
}

impl RowEncoder for JsonEncoder {
    fn encode(
        &mut self,
        batch: &RecordBatch,
        rows: &mut dyn Iterator<Item = usize>,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let schema = batch.schema();
        let mut columns = Vec::with_capacity(self.columns.len());
        for index in &self.columns {
            columns.push(Column {
                name: quoted_name(schema.field(*index).name()),
                names: Names::of(schema.field(*index).data_type()),
                values: Values::of(batch.column(*index))?,
            });
        }
        for row in rows {
            let fields = columns.iter().map(|column| (column.name.as_slice(), &column.names, &column.values));
            self.write_object(fields, row, out);
            out.push(b'\n');
        }
        Ok(())
    }
}

struct Column<'a> {
    name: Vec<u8>,
    names: Names,
    values: Values<'a>,
}

/// The written names of a row's fields, the same for every row; none for a value.
struct Names(Vec<(Vec<u8>, Names)>);

impl Names {
    fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Struct(fields) => {
                Self(fields.iter().map(|f| (quoted_name(f.name()), Self::of(f.data_type()))).collect())
            }
            _ => Self(Vec::new()),
        }
    }
}

/// `"name":`.
fn quoted_name(text: &str) -> Vec<u8> {
    let mut name = Vec::new();
    write_string(text, &mut name);
    name.push(b':');
    name
}

fn write_quoted_plain(values: &Values<'_>, row: usize, out: &mut Vec<u8>) {
    out.push(b'"');
    values.write_plain(row, DecimalNotation::Java, out);
    out.push(b'"');
}

/// Appends a JSON string: quotes, backslashes and control characters escaped.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut start = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[start..at]);
        start = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0C => out.extend_from_slice(b"\\f"),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
        }
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}
