//! CSV: fields by position, no header.
//!
//! A record ends at `\n`, `\r\n` or `\r` outside quotes. As in Flink 2.3 a quote counts only at the start of a field, blanks
//! after the closing quote are dropped, one empty field too many at the end is let through, and a record with fewer fields
//! than columns is malformed, or padded with NULL under `csv.ignore-parse-errors`. More lenient than Flink: an empty line
//! of a table with several columns is no record, and blanks around decimals are dropped.

pub(crate) mod decode;
mod encode;
mod split;

use arrow::datatypes::SchemaRef;

use crate::error::ConnectorError;
use crate::format::csv::decode::CsvDecoder;
use crate::format::csv::encode::CsvEncoder;
use crate::format::{RecordDecoder, RowEncoder};
use crate::options::{OptionKind, OptionSpec, ParsedOptions};

/// Options of the format `csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CsvFormat {
    pub(crate) delimiter: u8,
    /// `None`: quotes are ordinary characters.
    pub(crate) quote: Option<u8>,
    pub(crate) escape: Option<u8>,
    pub(crate) null_literal: Option<String>,
    pub(crate) allows_comments: bool,
    pub(crate) ignores_parse_errors: bool,
    pub(crate) has_scientific_decimals: bool,
}

impl CsvFormat {
    pub(crate) fn option_specs() -> Vec<OptionSpec> {
        vec![
            OptionSpec::with_default(
                "csv.field-delimiter",
                OptionKind::Character,
                ",",
                "the character between fields",
            ),
            OptionSpec::with_default(
                "csv.quote-character",
                OptionKind::Character,
                "\"",
                "the character around fields",
            ),
            OptionSpec::with_default(
                "csv.disable-quote-character",
                OptionKind::Boolean,
                "false",
                "whether quotes are ordinary characters; large files can then be read in parallel",
            ),
            OptionSpec::optional(
                "csv.escape-character",
                OptionKind::Character,
                "the character that makes the next one ordinary; none by default",
            ),
            OptionSpec::optional(
                "csv.null-literal",
                OptionKind::Text,
                "the text that stands for NULL; none by default",
            ),
            OptionSpec::with_default(
                "csv.allow-comments",
                OptionKind::Boolean,
                "false",
                "whether lines that start with # and blank lines are no records",
            ),
            OptionSpec::with_default(
                "csv.ignore-parse-errors",
                OptionKind::Boolean,
                "false",
                "whether malformed records are skipped and counted, and malformed fields NULL",
            ),
            OptionSpec::with_default(
                "csv.write-bigdecimal-in-scientific-notation",
                OptionKind::Boolean,
                "true",
                "whether small decimals are written as 1E-8",
            ),
            OptionSpec::refused("csv.array-element-delimiter", "there are no ARRAY columns yet"),
        ]
    }

    pub(crate) fn from_options(options: &ParsedOptions) -> Result<Self, ConnectorError> {
        let byte = |key: &str| match options.character(key) {
            None => Ok(None),
            Some(c) if c.is_ascii() && c != '\n' && c != '\r' => Ok(u8::try_from(c).ok()),
            Some(c) => Err(options.error(format!(
                "'{key}' = '{}': must be an ASCII character other than a line break",
                c.escape_default()
            ))),
        };
        let is_quoting = !options.boolean("csv.disable-quote-character");
        if !is_quoting && options.is_given("csv.quote-character") {
            return Err(options
                .error("'csv.quote-character' has no effect with 'csv.disable-quote-character' = 'true'; leave one out"));
        }
        let format = Self {
            delimiter: byte("csv.field-delimiter")?.unwrap_or(b','),
            quote: byte("csv.quote-character")?.filter(|_| is_quoting),
            escape: byte("csv.escape-character")?,
            null_literal: options.text("csv.null-literal").map(str::to_owned),
            allows_comments: options.boolean("csv.allow-comments"),
            ignores_parse_errors: options.boolean("csv.ignore-parse-errors"),
            has_scientific_decimals: options.boolean("csv.write-bigdecimal-in-scientific-notation"),
        };
        let special = [Some(format.delimiter), format.quote, format.escape];
        for (i, one) in special.iter().enumerate() {
            if one.is_some() && special.iter().skip(i + 1).any(|other| other == one) {
                return Err(options.error(
                    "'csv.field-delimiter', 'csv.quote-character' and 'csv.escape-character' must differ from each other",
                ));
            }
        }
        Ok(format)
    }

    /// Whether every line break ends a record.
    pub(crate) const fn starts_at_any_line(&self) -> bool {
        self.quote.is_none() && self.escape.is_none()
    }

    pub(crate) fn decoder(&self, written: &SchemaRef, wanted: SchemaRef) -> Box<dyn RecordDecoder> {
        Box::new(CsvDecoder::new(self.clone(), written, wanted))
    }

    pub(crate) fn encoder(&self, columns: Vec<usize>) -> Box<dyn RowEncoder> {
        Box::new(CsvEncoder::new(self.clone(), columns))
    }
}

#[cfg(test)]
mod csv_test;
