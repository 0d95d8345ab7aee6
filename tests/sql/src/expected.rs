//! A recorded answer: the `.expected` file beside a case.
//!
//! Owns the file's layout: lines with `#` first (how it was made, how many changes there were, one line a column), then one
//! line a row, sorted. Two columns and one row look like
//!
//! ```text
//! # made by: flink 2.3.0, streaming, parallelism 1, UTC, a watermark after every row
//! # changes: 1 rows from +I 1, -U 4, +U 4
//! # column: k<TAB>STRING
//! # column: n<TAB>BIGINT NOT NULL
//! a<TAB>5
//! ```

use thiserror::Error;

use crate::column_type::{ColumnType, UnknownType};
use crate::text::{Row, parse_row, write_row};

/// One column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, as the query gave it.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// Whether the oracle knew that it is never NULL.
    pub not_null: bool,
}

/// Final rows with their columns, and how they were made.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// The oracle and its settings, in words.
    pub made_by: String,
    /// The columns in order.
    pub columns: Vec<Column>,
    /// The rows in the order of the file.
    pub rows: Vec<Row>,
}

/// A file that is not in the format.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ExpectedError {
    /// There is no `# made by:` line.
    #[error("the header does not say how the rows were made")]
    NoOrigin,
    /// There is no `# column:` line.
    #[error("the header names no column")]
    NoColumns,
    /// A header line has another shape than `# key: value`, or a key that does not exist.
    #[error("line {line} of the header is not understood: `{text}`")]
    Header {
        /// Number of the line, from 1.
        line: usize,
        /// The line.
        text: String,
    },
    /// A column line has an unknown type.
    #[error("line {line} has a column of an unknown type")]
    Type {
        /// Number of the line, from 1.
        line: usize,
        /// What the type's text was.
        source: UnknownType,
    },
    /// A row has another number of cells than there are columns.
    #[error("line {line} has {found} cells for {columns} columns")]
    Width {
        /// Number of the line, from 1.
        line: usize,
        /// The number of cells found.
        found: usize,
        /// The number of columns named in the header.
        columns: usize,
    },
}

impl Expected {
    /// Reads the content of an `.expected` file.
    ///
    /// # Errors
    /// [`ExpectedError`] with the line that is wrong.
    pub fn parse(content: &str) -> Result<Self, ExpectedError> {
        let mut made_by = None;
        let mut columns = Vec::new();
        let mut rows = Vec::new();
        for (index, line) in content.lines().enumerate() {
            let number = index + 1;
            if let Some(header) = line.strip_prefix('#') {
                let unreadable = || ExpectedError::Header { line: number, text: line.to_owned() };
                let (key, value) = header.trim_start().split_once(": ").ok_or_else(unreadable)?;
                match key {
                    "made by" => made_by = Some(value.to_owned()),
                    "changes" => {}
                    "column" => columns.push(column(value, number)?),
                    _ => return Err(unreadable()),
                }
                continue;
            }
            let row = parse_row(line);
            if row.len() != columns.len() {
                return Err(ExpectedError::Width { line: number, found: row.len(), columns: columns.len() });
            }
            rows.push(row);
        }
        if columns.is_empty() {
            return Err(ExpectedError::NoColumns);
        }
        Ok(Self { made_by: made_by.ok_or(ExpectedError::NoOrigin)?, columns, rows })
    }

    /// The content of an `.expected` file with these rows, sorted; [`parse`](Self::parse) reads it back.
    pub fn write(&self) -> String {
        let mut content = format!("# made by: {}\n# changes: {} rows\n", self.made_by, self.rows.len());
        for column in &self.columns {
            let not_null = if column.not_null { " NOT NULL" } else { "" };
            content.push_str(&format!(
                "# column: {}\t{}{not_null}\n",
                column.name,
                type_text(column.column_type)
            ));
        }
        let mut lines: Vec<String> = self.rows.iter().map(|row| write_row(row)).collect();
        lines.sort();
        for line in lines {
            content.push_str(&line);
            content.push('\n');
        }
        content
    }
}

fn column(value: &str, line: usize) -> Result<Column, ExpectedError> {
    let unreadable = || ExpectedError::Header { line, text: format!("# column: {value}") };
    let (name, column_type) = value.split_once('\t').ok_or_else(unreadable)?;
    Ok(Column {
        name: name.to_owned(),
        column_type: column_type.parse().map_err(|source| ExpectedError::Type { line, source })?,
        not_null: column_type.ends_with(" NOT NULL"),
    })
}

fn type_text(column_type: ColumnType) -> String {
    match column_type {
        ColumnType::Boolean => "BOOLEAN".to_owned(),
        ColumnType::TinyInt => "TINYINT".to_owned(),
        ColumnType::SmallInt => "SMALLINT".to_owned(),
        ColumnType::Int => "INT".to_owned(),
        ColumnType::BigInt => "BIGINT".to_owned(),
        ColumnType::Float => "FLOAT".to_owned(),
        ColumnType::Double => "DOUBLE".to_owned(),
        ColumnType::Decimal { precision, scale } => format!("DECIMAL({precision}, {scale})"),
        ColumnType::Text => "STRING".to_owned(),
        ColumnType::Bytes => "BYTES".to_owned(),
        ColumnType::Date => "DATE".to_owned(),
        ColumnType::Time { digits } => format!("TIME({digits})"),
        ColumnType::Timestamp { digits } => format!("TIMESTAMP({digits})"),
        ColumnType::TimestampLtz { digits } => format!("TIMESTAMP_LTZ({digits})"),
    }
}
