//! Builders of the column types that formats know, behind one enum, so that a row is appended without boxes.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder as _, ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder,
    Float32Builder, Float64Builder, Int8Builder, Int16Builder, Int32Builder, Int64Builder, StringBuilder,
    Time32MillisecondBuilder,
};
use arrow::datatypes::{
    DataType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};

use crate::format::parse::decimal::{ParsedDecimal, decimal};

/// Whether a column of this type can be read and written.
pub(crate) fn is_supported(data_type: &DataType) -> bool {
    ColumnBuilder::new(data_type).is_some()
}

/// A column under construction.
#[derive(Debug)]
pub(crate) enum ColumnBuilder {
    Boolean(BooleanBuilder),
    Int8(Int8Builder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal { builder: Decimal128Builder, precision: u8, scale: i8 },
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    Time(Time32MillisecondBuilder),
    Timestamp { builder: Int64Builder, unit: TimeUnit, zone: Option<Arc<str>> },
}

/// Runs the same expression on the inner builder of every variant.
macro_rules! on_builder {
    ($column:expr, $b:ident => $do:expr) => {
        match $column {
            ColumnBuilder::Boolean($b) => $do,
            ColumnBuilder::Int8($b) => $do,
            ColumnBuilder::Int16($b) => $do,
            ColumnBuilder::Int32($b) => $do,
            ColumnBuilder::Int64($b) => $do,
            ColumnBuilder::Float32($b) => $do,
            ColumnBuilder::Float64($b) => $do,
            ColumnBuilder::Decimal { builder: $b, .. } => $do,
            ColumnBuilder::Text($b) => $do,
            ColumnBuilder::Bytes($b) => $do,
            ColumnBuilder::Date($b) => $do,
            ColumnBuilder::Time($b) => $do,
            ColumnBuilder::Timestamp { builder: $b, .. } => $do,
        }
    };
}

impl ColumnBuilder {
    /// An empty column; `None` if no format knows the type.
    pub(crate) fn new(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Boolean => Self::Boolean(BooleanBuilder::new()),
            DataType::Int8 => Self::Int8(Int8Builder::new()),
            DataType::Int16 => Self::Int16(Int16Builder::new()),
            DataType::Int32 => Self::Int32(Int32Builder::new()),
            DataType::Int64 => Self::Int64(Int64Builder::new()),
            DataType::Float32 => Self::Float32(Float32Builder::new()),
            DataType::Float64 => Self::Float64(Float64Builder::new()),
            DataType::Decimal128(precision, scale) => Self::Decimal {
                builder: Decimal128Builder::new().with_precision_and_scale(*precision, *scale).ok()?,
                precision: *precision,
                scale: *scale,
            },
            DataType::Utf8 => Self::Text(StringBuilder::new()),
            DataType::Binary => Self::Bytes(BinaryBuilder::new()),
            DataType::Date32 => Self::Date(Date32Builder::new()),
            DataType::Time32(TimeUnit::Millisecond) => Self::Time(Time32MillisecondBuilder::new()),
            DataType::Timestamp(unit, zone) => {
                Self::Timestamp { builder: Int64Builder::new(), unit: *unit, zone: zone.clone() }
            }
            _ => return None,
        })
    }

    /// Appends NULL.
    pub(crate) fn append_null(&mut self) {
        on_builder!(self, b => b.append_null());
    }

    /// Appends NULL so many times.
    pub(crate) fn append_nulls(&mut self, count: usize) {
        on_builder!(self, b => b.append_nulls(count));
    }

    /// The column, leaving an empty one, for most types with room for as much again.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Int32(builder) => {
                let room = Int32Builder::with_capacity(builder.len());
                Arc::new(std::mem::replace(builder, room).finish())
            }
            Self::Int64(builder) => {
                let room = Int64Builder::with_capacity(builder.len());
                Arc::new(std::mem::replace(builder, room).finish())
            }
            Self::Text(builder) => {
                let room = StringBuilder::with_capacity(builder.len(), builder.values_slice().len());
                Arc::new(std::mem::replace(builder, room).finish())
            }
            Self::Timestamp { builder, unit, zone } => {
                let room = Int64Builder::with_capacity(builder.len());
                let raw = std::mem::replace(builder, room).finish();
                let zone = zone.clone();
                match unit {
                    TimeUnit::Second => {
                        Arc::new(raw.reinterpret_cast::<TimestampSecondType>().with_timezone_opt(zone))
                    }
                    TimeUnit::Millisecond => {
                        Arc::new(raw.reinterpret_cast::<TimestampMillisecondType>().with_timezone_opt(zone))
                    }
                    TimeUnit::Microsecond => {
                        Arc::new(raw.reinterpret_cast::<TimestampMicrosecondType>().with_timezone_opt(zone))
                    }
                    TimeUnit::Nanosecond => {
                        Arc::new(raw.reinterpret_cast::<TimestampNanosecondType>().with_timezone_opt(zone))
                    }
                }
            }
            other => on_builder!(other, b => Arc::new(b.finish()) as ArrayRef),
        }
    }
}

/// Appends a decimal, NULL if it does not fit; false if the text is none.
pub(crate) fn append_decimal(builder: &mut Decimal128Builder, precision: u8, scale: i8, text: &str) -> bool {
    match decimal(text, precision, scale) {
        ParsedDecimal::Value(value) => builder.append_value(value),
        ParsedDecimal::Overflow => builder.append_null(),
        ParsedDecimal::Invalid => return false,
    }
    true
}

/// Appends a value if there is one; false if there is none.
macro_rules! append_some {
    ($builder:expr, $value:expr) => {
        match $value {
            Some(value) => {
                $builder.append_value(value);
                true
            }
            None => false,
        }
    };
}
pub(crate) use append_some;

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Field, IntervalUnit};

    use super::*;

    #[test]
    fn finished_columns_have_the_declared_type() {
        let zone: Arc<str> = "UTC".into();
        let types = [
            DataType::Boolean,
            DataType::Int8,
            DataType::Decimal128(10, 2),
            DataType::Utf8,
            DataType::Binary,
            DataType::Date32,
            DataType::Time32(TimeUnit::Millisecond),
            DataType::Timestamp(TimeUnit::Second, None),
            DataType::Timestamp(TimeUnit::Millisecond, Some(zone.clone())),
            DataType::Timestamp(TimeUnit::Microsecond, None),
            DataType::Timestamp(TimeUnit::Nanosecond, Some(zone)),
        ];
        for data_type in types {
            let mut column = ColumnBuilder::new(&data_type).unwrap();
            column.append_null();
            let array = column.finish();
            assert_eq!((array.data_type(), array.len(), array.null_count()), (&data_type, 1, 1));
            assert_eq!(column.finish().len(), 0);
        }
    }

    #[test]
    fn nested_types_and_intervals_are_not_supported() {
        let item = Arc::new(Field::new("item", DataType::Int32, true));
        assert!(!is_supported(&DataType::List(item)));
        assert!(!is_supported(&DataType::Interval(IntervalUnit::MonthDayNano)));
    }
}
