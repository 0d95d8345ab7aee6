//! Flink's SQL types and how they lie in Arrow.
//!
//! Owns the mapping in both directions and Flink's spelling of every type. It never decides which operation is
//! allowed between two types: that is `cast` and `planner`.
//!
//! Arrow knows less than Flink does: a `VARCHAR(3)` column is `Utf8`, and a `TIMESTAMP(1)` column is
//! `Timestamp(Millisecond)`, so going back with [`SqlType::from_arrow`] gives the widest type that lies in the same
//! way: `STRING` and `TIMESTAMP(3)`. For example `DECIMAL(10, 2)` is `Decimal128(10, 2)` in both directions.

use std::fmt;
use std::str::FromStr;

use arrow::datatypes::{DataType, Field, FieldRef, IntervalUnit, TimeUnit};

/// The greatest precision of a `DECIMAL`.
pub const MAX_DECIMAL_PRECISION: u8 = 38;

/// A type of Flink SQL that expressions compute with.
///
/// `ARRAY`, `MAP` and `MULTISET` are not there yet. A `ROW` is only passed on or taken apart: see [`ColumnType`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SqlType {
    /// `BOOLEAN`
    Boolean,
    /// `TINYINT`, 8 bits
    TinyInt,
    /// `SMALLINT`, 16 bits
    SmallInt,
    /// `INT`, 32 bits
    Int,
    /// `BIGINT`, 64 bits
    BigInt,
    /// `FLOAT`, 32 bits
    Float,
    /// `DOUBLE`, 64 bits
    Double,
    /// `DECIMAL(p, s)` with `1 <= p <= 38` and `0 <= s <= p`
    Decimal {
        /// Number of digits in all.
        precision: u8,
        /// Number of digits after the point.
        scale: i8,
    },
    /// `CHAR(n)`: exactly `n` code points, padded with blanks
    Char(u32),
    /// `VARCHAR(n)`: at most `n` code points
    Varchar(u32),
    /// `STRING`, the same as `VARCHAR(2147483647)`
    String,
    /// `BINARY(n)`: exactly `n` bytes, padded with zero bytes
    Binary(u32),
    /// `VARBINARY(n)`: at most `n` bytes
    Varbinary(u32),
    /// `BYTES`, the same as `VARBINARY(2147483647)`
    Bytes,
    /// `DATE`
    Date,
    /// `TIME(p)`; kept to milliseconds whatever `p` is, as Flink does
    Time(u8),
    /// `TIMESTAMP(p)`: date and time of day without a zone
    Timestamp(u8),
    /// `TIMESTAMP_LTZ(p)`: an instant, shown in the session's zone
    TimestampLtz(u8),
    /// An interval of years and months
    IntervalYearToMonth,
    /// An interval of days, hours, minutes and seconds
    IntervalDayToSecond,
    /// The type of a bare `NULL`
    Null,
}

impl SqlType {
    /// The Arrow type that columns of this type have.
    ///
    /// Total: every type has exactly one. `TIMESTAMP(0)` is in seconds, 1 to 3 in milliseconds, 4 to 6 in
    /// microseconds, 7 to 9 in nanoseconds; `TIMESTAMP_LTZ` the same with the zone `UTC`.
    pub fn to_arrow(&self) -> DataType {
        match *self {
            Self::Boolean => DataType::Boolean,
            Self::TinyInt => DataType::Int8,
            Self::SmallInt => DataType::Int16,
            Self::Int => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::Float => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
            Self::Char(_) | Self::Varchar(_) | Self::String => DataType::Utf8,
            Self::Binary(_) | Self::Varbinary(_) | Self::Bytes => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Time(_) => DataType::Time32(TimeUnit::Millisecond),
            Self::Timestamp(precision) => DataType::Timestamp(unit_of(precision), None),
            Self::TimestampLtz(precision) => DataType::Timestamp(unit_of(precision), Some("UTC".into())),
            Self::IntervalYearToMonth | Self::IntervalDayToSecond => {
                DataType::Interval(IntervalUnit::MonthDayNano)
            }
            Self::Null => DataType::Null,
        }
    }

    /// The widest Flink type that lies in Arrow as `data_type`, or `None` if no Flink type does.
    ///
    /// Guarantee: `from_arrow(t.to_arrow())` lies in Arrow exactly as `t` does.
    pub fn from_arrow(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Boolean => Self::Boolean,
            DataType::Int8 => Self::TinyInt,
            DataType::Int16 => Self::SmallInt,
            DataType::Int32 => Self::Int,
            DataType::Int64 => Self::BigInt,
            DataType::Float32 => Self::Float,
            DataType::Float64 => Self::Double,
            DataType::Decimal128(precision, scale) => Self::Decimal { precision: *precision, scale: *scale },
            DataType::Utf8 => Self::String,
            DataType::Binary => Self::Bytes,
            DataType::Date32 => Self::Date,
            DataType::Time32(TimeUnit::Millisecond) => Self::Time(0),
            DataType::Timestamp(unit, None) => Self::Timestamp(precision_of(unit)),
            DataType::Timestamp(unit, Some(_)) => Self::TimestampLtz(precision_of(unit)),
            DataType::Interval(IntervalUnit::MonthDayNano) => Self::IntervalDayToSecond,
            DataType::Null => Self::Null,
            _ => return None,
        })
    }

    /// The `DECIMAL(p, s)` that holds every value of this integer type, if it is one.
    pub fn integer_as_decimal(&self) -> Option<(u8, i8)> {
        match self {
            Self::TinyInt => Some((3, 0)),
            Self::SmallInt => Some((5, 0)),
            Self::Int => Some((10, 0)),
            Self::BigInt => Some((19, 0)),
            _ => None,
        }
    }

    /// Whether this is one of the four integer types.
    pub fn is_integer(&self) -> bool {
        self.integer_as_decimal().is_some()
    }

    /// Whether this is `FLOAT` or `DOUBLE`.
    pub fn is_approximate(&self) -> bool {
        matches!(self, Self::Float | Self::Double)
    }

    /// Whether this is an integer, a decimal or an approximate number.
    pub fn is_numeric(&self) -> bool {
        self.is_integer() || self.is_approximate() || matches!(self, Self::Decimal { .. })
    }

    /// Whether this is one of the character string types.
    pub fn is_character(&self) -> bool {
        matches!(self, Self::Char(_) | Self::Varchar(_) | Self::String)
    }

    /// Whether this is one of the byte string types.
    pub fn is_binary(&self) -> bool {
        matches!(self, Self::Binary(_) | Self::Varbinary(_) | Self::Bytes)
    }

    /// Whether this is `TIMESTAMP` or `TIMESTAMP_LTZ`.
    pub fn is_timestamp(&self) -> bool {
        matches!(self, Self::Timestamp(_) | Self::TimestampLtz(_))
    }

    /// Whether this is an interval.
    pub fn is_interval(&self) -> bool {
        matches!(self, Self::IntervalYearToMonth | Self::IntervalDayToSecond)
    }
}

impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("BOOLEAN"),
            Self::TinyInt => f.write_str("TINYINT"),
            Self::SmallInt => f.write_str("SMALLINT"),
            Self::Int => f.write_str("INT"),
            Self::BigInt => f.write_str("BIGINT"),
            Self::Float => f.write_str("FLOAT"),
            Self::Double => f.write_str("DOUBLE"),
            Self::Decimal { precision, scale } => write!(f, "DECIMAL({precision}, {scale})"),
            Self::Char(length) => write!(f, "CHAR({length})"),
            Self::Varchar(length) if *length >= i32::MAX as u32 => f.write_str("STRING"),
            Self::Varchar(length) => write!(f, "VARCHAR({length})"),
            Self::String => f.write_str("STRING"),
            Self::Binary(length) => write!(f, "BINARY({length})"),
            Self::Varbinary(length) if *length >= i32::MAX as u32 => f.write_str("BYTES"),
            Self::Varbinary(length) => write!(f, "VARBINARY({length})"),
            Self::Bytes => f.write_str("BYTES"),
            Self::Date => f.write_str("DATE"),
            Self::Time(precision) => write!(f, "TIME({precision})"),
            Self::Timestamp(precision) => write!(f, "TIMESTAMP({precision})"),
            Self::TimestampLtz(precision) => write!(f, "TIMESTAMP_LTZ({precision})"),
            Self::IntervalYearToMonth => f.write_str("INTERVAL YEAR TO MONTH"),
            Self::IntervalDayToSecond => f.write_str("INTERVAL DAY TO SECOND"),
            Self::Null => f.write_str("NULL"),
        }
    }
}

/// The type of a table's column: a value, or a row of named fields.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// A value.
    Value(SqlType),
    /// `ROW<...>`: the fields with their names, in their order.
    Row(Vec<(String, ColumnType)>),
}

impl ColumnType {
    /// The Arrow type that columns of this type have. Fields may be null whatever the declaration says.
    pub fn to_arrow(&self) -> DataType {
        match self {
            Self::Value(sql_type) => sql_type.to_arrow(),
            Self::Row(fields) => DataType::Struct(
                fields.iter().map(|(name, field)| Field::new(name, field.to_arrow(), true)).collect(),
            ),
        }
    }

    /// The widest type that lies in Arrow as `data_type`, or `None` if no Flink type does.
    pub fn from_arrow(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Struct(fields) => {
                let field =
                    |field: &FieldRef| Some((field.name().clone(), Self::from_arrow(field.data_type())?));
                fields.iter().map(field).collect::<Option<_>>().map(Self::Row)
            }
            other => SqlType::from_arrow(other).map(Self::Value),
        }
    }

    /// The type of a value; `None` for a row.
    pub fn value(&self) -> Option<SqlType> {
        match self {
            Self::Value(sql_type) => Some(*sql_type),
            Self::Row(_) => None,
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(sql_type) => sql_type.fmt(f),
            Self::Row(fields) => {
                f.write_str("ROW<")?;
                for (index, (name, field)) in fields.iter().enumerate() {
                    let separator = if index > 0 { ", " } else { "" };
                    write!(f, "{separator}`{name}` {field}")?;
                }
                f.write_str(">")
            }
        }
    }
}

/// Text that is not the spelling of a type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not the spelling of a type")]
pub struct UnknownType(String);

impl FromStr for SqlType {
    type Err = UnknownType;

    /// Reads exactly what `Display` writes: `DECIMAL(10, 2)`, `TIMESTAMP(3)`, `STRING`.
    fn from_str(text: &str) -> Result<Self, UnknownType> {
        let unknown = || UnknownType(text.to_string());
        let Some((name, rest)) = text.split_once('(') else {
            const PLAIN: [SqlType; 13] = [
                SqlType::Boolean,
                SqlType::TinyInt,
                SqlType::SmallInt,
                SqlType::Int,
                SqlType::BigInt,
                SqlType::Float,
                SqlType::Double,
                SqlType::String,
                SqlType::Bytes,
                SqlType::Date,
                SqlType::IntervalYearToMonth,
                SqlType::IntervalDayToSecond,
                SqlType::Null,
            ];
            return PLAIN.into_iter().find(|plain| plain.to_string() == text).ok_or_else(unknown);
        };
        let arguments = rest.strip_suffix(')').ok_or_else(unknown)?;
        if name == "DECIMAL" {
            let (precision, scale) = arguments.split_once(", ").ok_or_else(unknown)?;
            let precision = precision.parse().map_err(|_| unknown())?;
            return Ok(Self::Decimal { precision, scale: scale.parse().map_err(|_| unknown())? });
        }
        let length: u32 = arguments.parse().map_err(|_| unknown())?;
        let precision = u8::try_from(length).map_err(|_| unknown());
        Ok(match name {
            "CHAR" => Self::Char(length),
            "VARCHAR" => Self::Varchar(length),
            "BINARY" => Self::Binary(length),
            "VARBINARY" => Self::Varbinary(length),
            "TIME" => Self::Time(precision?),
            "TIMESTAMP" => Self::Timestamp(precision?),
            "TIMESTAMP_LTZ" => Self::TimestampLtz(precision?),
            _ => return Err(unknown()),
        })
    }
}

/// How a message names an Arrow type: by Flink's name where there is one.
pub fn type_name(data_type: &DataType) -> String {
    match ColumnType::from_arrow(data_type) {
        Some(column_type) => column_type.to_string(),
        None => data_type.to_string(),
    }
}

/// The unit that keeps `precision` digits of a second.
fn unit_of(precision: u8) -> TimeUnit {
    match precision {
        0 => TimeUnit::Second,
        1..=3 => TimeUnit::Millisecond,
        4..=6 => TimeUnit::Microsecond,
        _ => TimeUnit::Nanosecond,
    }
}

/// The digits of a second that `unit` keeps.
pub(crate) fn precision_of(unit: &TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_spelled_as_flink_does_and_survives_the_way_through_arrow() {
        // (type, spelling, what comes back from Arrow)
        let cases = [
            (SqlType::Boolean, "BOOLEAN", "BOOLEAN"),
            (SqlType::TinyInt, "TINYINT", "TINYINT"),
            (SqlType::SmallInt, "SMALLINT", "SMALLINT"),
            (SqlType::Int, "INT", "INT"),
            (SqlType::BigInt, "BIGINT", "BIGINT"),
            (SqlType::Float, "FLOAT", "FLOAT"),
            (SqlType::Double, "DOUBLE", "DOUBLE"),
            (SqlType::Decimal { precision: 10, scale: 2 }, "DECIMAL(10, 2)", "DECIMAL(10, 2)"),
            (SqlType::Char(3), "CHAR(3)", "STRING"),
            (SqlType::Varchar(3), "VARCHAR(3)", "STRING"),
            (SqlType::Varchar(2_147_483_647), "STRING", "STRING"),
            (SqlType::String, "STRING", "STRING"),
            (SqlType::Binary(3), "BINARY(3)", "BYTES"),
            (SqlType::Varbinary(3), "VARBINARY(3)", "BYTES"),
            (SqlType::Varbinary(2_147_483_647), "BYTES", "BYTES"),
            (SqlType::Bytes, "BYTES", "BYTES"),
            (SqlType::Date, "DATE", "DATE"),
            (SqlType::Time(0), "TIME(0)", "TIME(0)"),
            (SqlType::Timestamp(0), "TIMESTAMP(0)", "TIMESTAMP(0)"),
            (SqlType::Timestamp(1), "TIMESTAMP(1)", "TIMESTAMP(3)"),
            (SqlType::Timestamp(3), "TIMESTAMP(3)", "TIMESTAMP(3)"),
            (SqlType::Timestamp(6), "TIMESTAMP(6)", "TIMESTAMP(6)"),
            (SqlType::Timestamp(9), "TIMESTAMP(9)", "TIMESTAMP(9)"),
            (SqlType::TimestampLtz(3), "TIMESTAMP_LTZ(3)", "TIMESTAMP_LTZ(3)"),
            (SqlType::TimestampLtz(5), "TIMESTAMP_LTZ(5)", "TIMESTAMP_LTZ(6)"),
            (SqlType::IntervalDayToSecond, "INTERVAL DAY TO SECOND", "INTERVAL DAY TO SECOND"),
            (SqlType::IntervalYearToMonth, "INTERVAL YEAR TO MONTH", "INTERVAL DAY TO SECOND"),
            (SqlType::Null, "NULL", "NULL"),
        ];
        for (sql_type, spelling, back) in cases {
            assert_eq!(sql_type.to_string(), spelling);
            assert_eq!(spelling.parse::<SqlType>().map(|read| read.to_string()), Ok(spelling.to_string()));
            let arrow = sql_type.to_arrow();
            let returned = SqlType::from_arrow(&arrow).expect(spelling);
            assert_eq!(returned.to_string(), back, "{spelling} through Arrow");
            assert_eq!(returned.to_arrow(), arrow, "{spelling} lies the same");
        }
    }

    #[test]
    fn rows_are_spelled_as_flink_does_and_survive_the_way_through_arrow() {
        let inner = ColumnType::Row(vec![("x".to_owned(), ColumnType::Value(SqlType::Int))]);
        let row = ColumnType::Row(vec![
            ("a".to_owned(), ColumnType::Value(SqlType::BigInt)),
            ("deep".to_owned(), inner),
        ]);
        assert_eq!(row.to_string(), "ROW<`a` BIGINT, `deep` ROW<`x` INT>>");
        assert_eq!(ColumnType::from_arrow(&row.to_arrow()), Some(row.clone()));
        assert_eq!((type_name(&row.to_arrow()), row.value()), (row.to_string(), None));
        let odd = Field::new("a", DataType::UInt8, true);
        assert_eq!(ColumnType::from_arrow(&DataType::Struct([odd].into_iter().collect())), None);
    }

    #[test]
    fn arrow_types_without_a_flink_type_are_refused() {
        for data_type in [DataType::UInt8, DataType::LargeUtf8, DataType::Time64(TimeUnit::Nanosecond)] {
            assert_eq!(SqlType::from_arrow(&data_type), None, "{data_type}");
            assert_eq!(type_name(&data_type), data_type.to_string());
        }
    }
}
