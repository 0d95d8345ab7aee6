//! JSON lines: one object a line.
//!
//! Fields are matched to columns by exact name; missing ones are NULL, the last of duplicates wins, unknown ones are
//! ignored. Numbers, booleans and their texts are interchangeable as in Flink; nested values read as STRING are written
//! compactly again; a row is an object, and a field of it is matched by its name as a column is. Where this is stricter than Flink 2.3: more than one value on a line is malformed (Flink drops all but
//! the first), and so is a line that holds an array.

mod compact;
mod decode;
mod encode;
mod row;
mod scan;

use arrow::datatypes::SchemaRef;

use crate::error::ConnectorError;
use crate::format::json::decode::JsonDecoder;
use crate::format::json::encode::JsonEncoder;
use crate::format::parse::time::TimestampStandard;
use crate::format::{RecordDecoder, RowEncoder};
use crate::options::{OptionKind, OptionSpec, ParsedOptions};

/// Options of the format `json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JsonFormat {
    pub(crate) timestamps: TimestampStandard,
    pub(crate) requires_all_fields: bool,
    pub(crate) ignores_parse_errors: bool,
    pub(crate) has_plain_decimals: bool,
    pub(crate) leaves_out_nulls: bool,
}

impl JsonFormat {
    pub(crate) fn option_specs() -> Vec<OptionSpec> {
        vec![
            OptionSpec::with_default(
                "json.timestamp-format.standard",
                OptionKind::OneOf(&["SQL", "ISO-8601"]),
                "SQL",
                "'SQL' for 2024-01-01 10:00:00.123, 'ISO-8601' for 2024-01-01T10:00:00.123",
            ),
            OptionSpec::with_default(
                "json.fail-on-missing-field",
                OptionKind::Boolean,
                "false",
                "whether a record without a wanted field is malformed, rather than NULL there",
            ),
            OptionSpec::with_default(
                "json.ignore-parse-errors",
                OptionKind::Boolean,
                "false",
                "whether malformed records are skipped and counted, and malformed fields NULL",
            ),
            OptionSpec::with_default(
                "json.encode.decimal-as-plain-number",
                OptionKind::Boolean,
                "false",
                "whether decimals are never written in scientific notation",
            ),
            OptionSpec::with_default(
                "json.encode.ignore-null-fields",
                OptionKind::Boolean,
                "false",
                "whether NULL fields are left out rather than written as null",
            ),
            OptionSpec::refused("json.map-null-key.mode", "there are no MAP columns yet"),
            OptionSpec::refused("json.map-null-key.literal", "there are no MAP columns yet"),
        ]
    }

    pub(crate) fn from_options(options: &ParsedOptions) -> Result<Self, ConnectorError> {
        let format = Self {
            timestamps: match options.text("json.timestamp-format.standard") {
                Some("ISO-8601") => TimestampStandard::Iso8601,
                _ => TimestampStandard::Sql,
            },
            requires_all_fields: options.boolean("json.fail-on-missing-field"),
            ignores_parse_errors: options.boolean("json.ignore-parse-errors"),
            has_plain_decimals: options.boolean("json.encode.decimal-as-plain-number"),
            leaves_out_nulls: options.boolean("json.encode.ignore-null-fields"),
        };
        if format.requires_all_fields && format.ignores_parse_errors {
            return Err(options
                .error("'json.fail-on-missing-field' and 'json.ignore-parse-errors' cannot both be 'true'"));
        }
        Ok(format)
    }

    pub(crate) fn decoder(&self, wanted: SchemaRef) -> Box<dyn RecordDecoder> {
        Box::new(JsonDecoder::new(self.clone(), wanted))
    }

    pub(crate) fn encoder(&self, columns: Vec<usize>) -> Box<dyn RowEncoder> {
        Box::new(JsonEncoder::new(self.clone(), columns))
    }
}

#[cfg(test)]
mod json_test;
