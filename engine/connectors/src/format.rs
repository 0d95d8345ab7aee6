//! Formats: bytes of records to columns and back.
//!
//! A decoder is handed one record at a time by a reader that knows exact byte positions; it appends straight to Arrow
//! builders and decodes only the columns that are wanted. Encoders write rows so that outputs can be joined end to end.
//! Semantics are Flink's, measured on 2.3; where a format refuses what Flink silently changes or drops (a second object
//! on a line, the 30th of February), its module says so. This module never opens a file.
//!
//! Example: the JSON line `{"a": 1.5, "b": [1, 2]}` read as `a INT, b STRING` gives `1, '[1,2]'`.

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, SchemaRef};

use crate::error::ConnectorError;
use crate::format::column::ColumnBuilder;
use crate::options::{OptionKind, OptionSpec, ParsedOptions};
use crate::table::TableConfig;

pub(crate) mod column;
pub(crate) mod csv;
mod json;
pub(crate) mod parse;
pub(crate) mod render;

pub(crate) use csv::CsvFormat;
pub(crate) use json::JsonFormat;

/// Longest record that is accepted. Far beyond any sane record, and small enough that 16 readers that all meet one stay
/// below 600 MB (a buffer is doubled until the record fits).
pub(crate) const MAX_RECORD_BYTES: usize = 16 * 1024 * 1024;

/// How the records of a table are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// One JSON object a line.
    Json(JsonFormat),
    /// Delimited text.
    Csv(CsvFormat),
}

/// What to do with bytes that should start with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// The record, which may be blank or a comment.
    Record {
        /// Bytes of content.
        content: usize,
        /// Bytes of content and terminator.
        total: usize,
    },
    /// Its end is not here.
    Incomplete,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// A row was appended.
    Row,
    /// A blank line or a comment.
    Nothing,
    /// Malformed, and the table says that such records are skipped.
    Skipped,
}

/// A malformed record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordFault {
    /// Byte in the record at which it was noticed.
    pub(crate) at: usize,
    /// What is wrong, and how to go on without it.
    pub(crate) message: String,
}

/// Decodes records of one format into columns.
pub(crate) trait RecordDecoder: Send {
    /// Finds the end of the record at the start of `bytes`; `is_end`: nothing follows them.
    fn frame(&self, bytes: &[u8], is_end: bool) -> Frame;

    /// Appends the record's row. After a fault the rows before it can still be taken.
    ///
    /// # Errors
    /// When the record is malformed and the table does not say that such records are skipped.
    fn decode(&mut self, record: &[u8]) -> Result<Decoded, RecordFault>;

    /// Whether malformed records are skipped rather than refused.
    fn skips_malformed(&self) -> bool;

    /// Rows appended since the last [`Self::take`].
    fn rows(&self) -> usize;

    /// The appended rows.
    ///
    /// # Errors
    /// When Arrow refuses the columns, which would be a bug of the decoder.
    fn take(&mut self) -> Result<RecordBatch, arrow::error::ArrowError>;
}

/// The first `rows` values of each column as a batch, leaving empty columns.
///
/// # Errors
/// When Arrow refuses the columns, which would be a bug of the decoder.
pub(crate) fn finish_rows(
    schema: &SchemaRef,
    builders: &mut [ColumnBuilder],
    rows: usize,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    // After a fault some columns have one value more than others.
    let columns = builders.iter_mut().map(|b| b.finish().slice(0, rows)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
}

/// What becomes of a record: a row, or a fault that the table says to pass over.
pub(crate) fn outcome(
    decoded: Result<(), RecordFault>,
    skips_malformed: bool,
) -> Result<Decoded, RecordFault> {
    match decoded {
        Ok(()) => Ok(Decoded::Row),
        Err(_) if skips_malformed => Ok(Decoded::Skipped),
        Err(fault) => Err(fault),
    }
}

/// The text of a record.
///
/// # Errors
/// Where it stops being UTF-8; `skip_hint` says how to pass over such records.
pub(crate) fn utf8<'a>(record: &'a [u8], skip_hint: &str) -> Result<&'a str, RecordFault> {
    let text = simdutf8::basic::from_utf8(record);
    // The quick check does not say where.
    text.or_else(|_| std::str::from_utf8(record)).map_err(|error| RecordFault {
        at: error.valid_up_to(),
        message: format!("not UTF-8; convert the file, or {skip_hint}"),
    })
}

/// Encodes rows in one format. Bytes of several calls can be joined end to end.
pub(crate) trait RowEncoder: Send {
    /// Appends the rows `rows` of the batch, each with its terminator.
    ///
    /// # Errors
    /// When a column's type is not supported, with the reason.
    fn encode(
        &mut self,
        batch: &RecordBatch,
        rows: &mut dyn Iterator<Item = usize>,
        out: &mut Vec<u8>,
    ) -> Result<(), String>;
}

impl Format {
    /// Options that any table with a format has.
    pub(crate) fn option_specs(format: Option<&str>) -> Vec<OptionSpec> {
        let mut specs = vec![OptionSpec::required(
            "format",
            OptionKind::OneOf(&["json", "csv"]),
            "how rows are written, 'json' (one object a line) or 'csv'",
        )];
        match format {
            Some("json") => specs.extend(JsonFormat::option_specs()),
            Some("csv") => specs.extend(CsvFormat::option_specs()),
            // The options of both, so that a missing format is what gets reported.
            _ => {
                specs.extend(JsonFormat::option_specs());
                specs.extend(CsvFormat::option_specs());
            }
        }
        specs
    }

    /// The format that the checked options describe.
    ///
    /// # Errors
    /// When options contradict each other.
    pub(crate) fn from_options(options: &ParsedOptions) -> Result<Self, ConnectorError> {
        match options.text("format") {
            Some("csv") => Ok(Self::Csv(CsvFormat::from_options(options)?)),
            _ => Ok(Self::Json(JsonFormat::from_options(options)?)),
        }
    }

    /// Whether records can hold rows.
    pub(crate) const fn nesting(&self) -> Nesting {
        match self {
            Self::Json(_) => Nesting::Rows,
            Self::Csv(_) => Nesting::Flat,
        }
    }

    /// Ending of file names.
    pub(crate) const fn extension(&self) -> &'static str {
        match self {
            Self::Json(_) => "json",
            Self::Csv(_) => "csv",
        }
    }

    /// Whether a reader may begin at any line of a file.
    pub(crate) const fn starts_at_any_line(&self) -> bool {
        match self {
            Self::Json(_) => true,
            Self::Csv(csv) => csv.starts_at_any_line(),
        }
    }

    /// A decoder of the columns `wanted` of records that hold the columns `written`, matched by name.
    pub(crate) fn decoder(&self, written: &SchemaRef, wanted: SchemaRef) -> Box<dyn RecordDecoder> {
        match self {
            Self::Json(json) => json.decoder(wanted),
            Self::Csv(csv) => csv.decoder(written, wanted),
        }
    }

    /// An encoder of rows of these columns.
    pub(crate) fn encoder(&self, columns: Vec<usize>) -> Box<dyn RowEncoder> {
        match self {
            Self::Json(json) => json.encoder(columns),
            Self::Csv(csv) => csv.encoder(columns),
        }
    }
}

/// Whether a table may have columns that are rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nesting {
    /// Rows of rows too.
    Rows,
    /// Single values only.
    Flat,
}

/// Refuses columns that cannot be held.
///
/// # Errors
/// `Options`, naming the column.
pub(crate) fn check_columns(table: &TableConfig, nesting: Nesting) -> Result<(), ConnectorError> {
    let refuse = |field: &Field, reason: &str| {
        let message = format!("the column `{}` is {}, {reason}", field.name(), sql_type(field.data_type()));
        Err(ConnectorError::Options { table: table.name.clone(), message })
    };
    for field in table.schema.fields() {
        match field.data_type() {
            DataType::Struct(_) if nesting == Nesting::Flat => {
                return refuse(
                    field,
                    "which has no place in a flat record; declare its fields as columns, or use 'format' = 'json'",
                );
            }
            other if !is_held(other) => {
                return refuse(field, "which the formats json and csv cannot hold; declare it as STRING");
            }
            _ => {}
        }
    }
    Ok(())
}

fn is_held(data_type: &DataType) -> bool {
    match data_type {
        DataType::Struct(fields) => fields.iter().all(|field| is_held(field.data_type())),
        other => column::is_supported(other),
    }
}

/// How SQL writes a column's type; for messages.
#[must_use]
pub fn sql_type(data_type: &DataType) -> String {
    use arrow::datatypes::TimeUnit;
    let digits = |unit: &TimeUnit| match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    };
    match data_type {
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int8 => "TINYINT".to_owned(),
        DataType::Int16 => "SMALLINT".to_owned(),
        DataType::Int32 => "INT".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::Float32 => "FLOAT".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Utf8 => "STRING".to_owned(),
        DataType::Binary => "BYTES".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Time32(_) => "TIME".to_owned(),
        DataType::Decimal128(precision, scale) => format!("DECIMAL({precision}, {scale})"),
        DataType::Timestamp(unit, None) => format!("TIMESTAMP({})", digits(unit)),
        DataType::Timestamp(unit, Some(_)) => format!("TIMESTAMP_LTZ({})", digits(unit)),
        DataType::Struct(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|f| format!("`{}` {}", f.name(), sql_type(f.data_type()))).collect();
            format!("ROW<{}>", fields.join(", "))
        }
        other => other.to_string(),
    }
}

/// The first `limit` characters of a text, for messages.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Position of the first `byte`.
pub(crate) fn find_byte(bytes: &[u8], byte: u8) -> Option<usize> {
    memchr::memchr(byte, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found() {
        for (text, expected) in
            [("", None), ("abc", None), ("c", None), ("\n", Some(0)), ("ab\nc\n", Some(2)), ("ab\n", Some(2))]
        {
            assert_eq!(find_byte(text.as_bytes(), b'\n'), expected, "{text:?}");
        }
    }

    #[test]
    fn texts_are_shortened_at_characters() {
        assert_eq!(shortened("äöü", 2), "äö...");
        assert_eq!(shortened("äöü", 3), "äöü");
    }
}
