//! The types that the recorded files name, and the Arrow types that our engine has for them.
//!
//! Owns the reading of Flink's type text. `TIMESTAMP(3) NOT NULL` is a timestamp with 3 digits that is never NULL; our engine
//! shows it as `Timestamp(Millisecond, None)`. Whether a column may be NULL is read but not compared: two planners may rightly
//! know different amounts about it.

use std::str::FromStr;

use arrow::datatypes::{DataType, TimeUnit};
use thiserror::Error;

/// A column's SQL type, as far as it decides how a value is stored and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are SQL's own")]
pub enum ColumnType {
    Boolean,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Float,
    Double,
    Decimal { precision: u8, scale: i8 },
    Text,
    Bytes,
    Date,
    Time { digits: u8 },
    Timestamp { digits: u8 },
    TimestampLtz { digits: u8 },
}

/// The text names no type that a recorded file can hold.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is no type that the recorded files know")]
pub struct UnknownType(String);

impl FromStr for ColumnType {
    type Err = UnknownType;

    fn from_str(text: &str) -> Result<Self, UnknownType> {
        let unknown = || UnknownType(text.to_owned());
        let bare = text.strip_suffix(" NOT NULL").unwrap_or(text);
        let (name, arguments) = match bare.split_once('(') {
            Some((name, rest)) => (name, rest.strip_suffix(')').ok_or_else(unknown)?),
            None => (bare, ""),
        };
        let number = |index: usize| -> Result<u8, UnknownType> {
            let argument = arguments.split(',').nth(index).ok_or_else(unknown)?;
            argument.trim().parse().map_err(|_| unknown())
        };
        Ok(match name {
            "BOOLEAN" => Self::Boolean,
            "TINYINT" => Self::TinyInt,
            "SMALLINT" => Self::SmallInt,
            "INT" => Self::Int,
            "BIGINT" => Self::BigInt,
            "FLOAT" => Self::Float,
            "DOUBLE" => Self::Double,
            "DECIMAL" => Self::Decimal {
                precision: number(0)?,
                scale: i8::try_from(number(1)?).map_err(|_| unknown())?,
            },
            "STRING" | "VARCHAR" | "CHAR" => Self::Text,
            "BYTES" | "VARBINARY" | "BINARY" => Self::Bytes,
            "DATE" => Self::Date,
            "TIME" => Self::Time { digits: number(0)? },
            "TIMESTAMP" => Self::Timestamp { digits: number(0)? },
            "TIMESTAMP_LTZ" => Self::TimestampLtz { digits: number(0)? },
            _ => return Err(unknown()),
        })
    }
}

impl ColumnType {
    /// The Arrow type that our engine gives a column of this type.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::TinyInt => DataType::Int8,
            Self::SmallInt => DataType::Int16,
            Self::Int => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::Float => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
            Self::Text => DataType::Utf8,
            Self::Bytes => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Time { .. } => DataType::Time32(TimeUnit::Millisecond),
            Self::Timestamp { digits } => DataType::Timestamp(unit(digits), None),
            Self::TimestampLtz { digits } => DataType::Timestamp(unit(digits), Some("UTC".into())),
        }
    }

    /// How far two values of this type may be apart, relative to the larger one, and still count as equal. Only for floating
    /// point, whose sums depend on the order of the rows and whose functions differ in the last digit between libraries.
    pub(crate) fn tolerance(self) -> Option<f64> {
        match self {
            Self::Float => Some(1e-6),
            Self::Double => Some(1e-10),
            _ => None,
        }
    }
}

/// The coarsest unit that holds the digits.
fn unit(digits: u8) -> TimeUnit {
    match digits {
        0 => TimeUnit::Second,
        1..=3 => TimeUnit::Millisecond,
        4..=6 => TimeUnit::Microsecond,
        _ => TimeUnit::Nanosecond,
    }
}
