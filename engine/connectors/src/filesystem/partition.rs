//! Folders of partitions, Hive's way: `day=2024-01-01/country=DE`.
//!
//! NULL and the empty text live in `__DEFAULT_PARTITION__` (and are read as NULL). Characters that mean something in a path
//! are written `%2F`; values as Java prints them, `at=2024-01-01T10%3A00`.

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::Field;

use crate::format::column::ColumnBuilder;
use crate::format::csv::decode::append_value;
use crate::format::parse::time::{TimestampStandard, instant, timestamp};
use crate::format::render::values::Values;
use crate::format::sql_type;

/// Folder of NULL, as in Flink.
pub(super) const DEFAULT_NAME: &str = "__DEFAULT_PARTITION__";

/// Writes folder names for the rows of a batch.
pub(super) struct FolderNames<'a> {
    columns: Vec<(&'a str, Values<'a>)>,
    default_name: &'a str,
    scratch: Vec<u8>,
}

impl<'a> FolderNames<'a> {
    /// For the key columns `keys`, given by name and index.
    pub(super) fn new(
        keys: &'a [(String, usize)],
        batch: &'a RecordBatch,
        default_name: &'a str,
    ) -> Result<Self, String> {
        let columns = keys
            .iter()
            .map(|(name, index)| Ok((name.as_str(), Values::of(batch.column(*index))?)))
            .collect::<Result<Vec<_>, String>>()?;
        Ok(Self { columns, default_name, scratch: Vec::new() })
    }

    /// The folder of a row, without a slash at the end; replaces what is in `folder`.
    pub(super) fn write(&mut self, row: usize, folder: &mut String) {
        folder.clear();
        for (i, (name, values)) in self.columns.iter().enumerate() {
            if i > 0 {
                folder.push('/');
            }
            escape(name, folder);
            folder.push('=');
            self.scratch.clear();
            if !values.is_null(row) {
                values.write_java(row, &mut self.scratch);
            }
            let value = String::from_utf8_lossy(&self.scratch);
            escape(if value.is_empty() { self.default_name } else { &value }, folder);
        }
    }
}

/// Appends a name with everything escaped that Hive escapes.
fn escape(name: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for c in name.chars() {
        let is_special = c.is_ascii_control()
            || matches!(
                c,
                '"' | '#' | '%' | '\'' | '*' | '/' | ':' | '=' | '?' | '\\' | '{' | '}' | '[' | ']' | '^'
            );
        match u8::try_from(c) {
            Ok(byte) if is_special => {
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
            _ => out.push(c),
        }
    }
}

/// The value that the folders of `file` give to the column `field`, as an array of one row.
pub(super) fn value_in_path(file: &str, field: &Field, default_name: &str) -> Result<ArrayRef, String> {
    let name = field.name();
    let folders = file.rsplit_once('/').map_or("", |(folders, _)| folders);
    let value = folders
        .split('/')
        .rev()
        .find_map(|folder| folder.split_once('=').filter(|(key, _)| unescape(key) == *name))
        .map(|(_, value)| unescape(value))
        .ok_or_else(|| {
            format!("{file}: there is no folder `{name}=...` for the PARTITIONED BY column `{name}`")
        })?;
    let mut builder = ColumnBuilder::new(field.data_type())
        .ok_or_else(|| format!("{} cannot be a PARTITIONED BY column", sql_type(field.data_type())))?;
    let is_fine = if value == default_name {
        builder.append_null();
        true
    } else {
        append(&mut builder, &value)
    };
    if is_fine {
        Ok(builder.finish())
    } else {
        Err(format!("{file}: the folder `{name}={value}` cannot be read as {}", sql_type(field.data_type())))
    }
}

fn append(builder: &mut ColumnBuilder, value: &str) -> bool {
    if let ColumnBuilder::Timestamp { builder, unit, zone } = builder {
        let read = if zone.is_some() { instant } else { timestamp };
        let parsed = read(value, TimestampStandard::Iso8601, *unit);
        return parsed.is_some_and(|v| {
            builder.append_value(v);
            true
        });
    }
    append_value(builder, value, &mut Vec::new())
}

/// The same value for `rows` rows.
pub(super) fn repeat(value: &ArrayRef, rows: usize) -> Result<ArrayRef, arrow::error::ArrowError> {
    take(value, &UInt32Array::from(vec![0; rows]), None)
}

fn unescape(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|d| std::str::from_utf8(d).ok());
        match digits.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Array, Date32Array, StringArray, TimestampMillisecondArray};
    use arrow::datatypes::{DataType, Schema, TimeUnit};

    use super::*;

    #[test]
    fn folders_are_named_and_read_back() {
        let fields = vec![
            Field::new("day", DataType::Date32, true),
            Field::new("who is", DataType::Utf8, true),
            Field::new("at", DataType::Timestamp(TimeUnit::Millisecond, None), true),
        ];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Date32Array::from(vec![Some(0), None, Some(19_782)])),
            Arc::new(StringArray::from(vec![Some("a/b=c:d%"), Some(""), Some("zürich")])),
            Arc::new(TimestampMillisecondArray::from(vec![Some(0), Some(1_704_103_200_500), None])),
        ];
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields.clone())), columns).unwrap();
        let keys: Vec<_> = fields.iter().enumerate().map(|(i, f)| (f.name().clone(), i)).collect();
        let mut names = FolderNames::new(&keys, &batch, DEFAULT_NAME).unwrap();
        let expected = [
            "day=1970-01-01/who is=a%2Fb%3Dc%3Ad%25/at=1970-01-01T00%3A00",
            "day=__DEFAULT_PARTITION__/who is=__DEFAULT_PARTITION__/at=2024-01-01T10%3A00%3A00.500",
            "day=2024-02-29/who is=zürich/at=__DEFAULT_PARTITION__",
        ];
        let mut folder = String::new();
        for (row, expected) in expected.iter().enumerate() {
            names.write(row, &mut folder);
            assert_eq!(folder, *expected);
            for (column, field) in fields.iter().enumerate() {
                let value = value_in_path(&format!("out/{folder}/part-1.csv"), field, DEFAULT_NAME).unwrap();
                let written = batch.column(column).slice(row, 1);
                let is_empty_text = (row, column) == (1, 1);
                assert!(*value == *written || (is_empty_text && value.is_null(0)), "{folder}: {field}");
            }
        }
    }

    #[test]
    fn folders_that_do_not_fit_are_named() {
        let field = Field::new("n", DataType::Int32, true);
        let table = [
            ("out/a.csv", "out/a.csv: there is no folder `n=...` for the PARTITIONED BY column `n`"),
            ("n=1", "n=1: there is no folder `n=...` for the PARTITIONED BY column `n`"),
            ("out/n=x/a.csv", "out/n=x/a.csv: the folder `n=x` cannot be read as INT"),
        ];
        for (file, message) in table {
            assert_eq!(value_in_path(file, &field, DEFAULT_NAME).unwrap_err(), message);
        }
    }
}
