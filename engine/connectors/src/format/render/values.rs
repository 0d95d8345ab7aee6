//! Typed views of a batch's columns, so that a row is written without looking up types.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array,
    Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, StringArray, StructArray,
    Time32MillisecondArray,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};

use crate::format::render::number::{
    DecimalNotation, write_decimal, write_double, write_float, write_integer,
};
use crate::format::render::time::{
    self, write_date, write_java_instant, write_java_time, write_java_timestamp,
};
use crate::format::sql_type;

/// A column whose type is known.
pub(crate) enum Values<'a> {
    Boolean(&'a BooleanArray),
    Int8(&'a Int8Array),
    Int16(&'a Int16Array),
    Int32(&'a Int32Array),
    Int64(&'a Int64Array),
    Float32(&'a Float32Array),
    Float64(&'a Float64Array),
    Decimal(&'a Decimal128Array, i8),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    Date(&'a Date32Array),
    Time(&'a Time32MillisecondArray),
    Timestamp { array: &'a dyn Array, values: &'a [i64], unit: TimeUnit, has_zone: bool },
    Row { array: &'a StructArray, fields: Vec<Values<'a>> },
}

impl<'a> Values<'a> {
    /// A view of the column.
    ///
    /// # Errors
    /// When no format knows its type.
    pub(crate) fn of(array: &'a ArrayRef) -> Result<Self, String> {
        Ok(match array.data_type() {
            DataType::Boolean => Self::Boolean(array.as_boolean()),
            DataType::Int8 => Self::Int8(array.as_primitive::<Int8Type>()),
            DataType::Int16 => Self::Int16(array.as_primitive::<Int16Type>()),
            DataType::Int32 => Self::Int32(array.as_primitive::<Int32Type>()),
            DataType::Int64 => Self::Int64(array.as_primitive::<Int64Type>()),
            DataType::Float32 => Self::Float32(array.as_primitive::<Float32Type>()),
            DataType::Float64 => Self::Float64(array.as_primitive::<Float64Type>()),
            DataType::Decimal128(_, scale) => Self::Decimal(array.as_primitive::<Decimal128Type>(), *scale),
            DataType::Utf8 => Self::Text(array.as_string()),
            DataType::Binary => Self::Bytes(array.as_binary()),
            DataType::Date32 => Self::Date(array.as_primitive::<Date32Type>()),
            DataType::Time32(TimeUnit::Millisecond) => {
                Self::Time(array.as_primitive::<Time32MillisecondType>())
            }
            DataType::Timestamp(unit, zone) => {
                let values: &[i64] = match unit {
                    TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
                    TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values(),
                    TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values(),
                    TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values(),
                };
                Self::Timestamp { array: array.as_ref(), values, unit: *unit, has_zone: zone.is_some() }
            }
            DataType::Struct(_) => {
                let array = array.as_struct();
                let fields = array.columns().iter().map(Self::of).collect::<Result<_, _>>()?;
                Self::Row { array, fields }
            }
            other => return Err(format!("a column of type {} cannot be written", sql_type(other))),
        })
    }

    /// Whether the row is NULL here.
    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Boolean(a) => a.is_null(row),
            Self::Int8(a) => a.is_null(row),
            Self::Int16(a) => a.is_null(row),
            Self::Int32(a) => a.is_null(row),
            Self::Int64(a) => a.is_null(row),
            Self::Float32(a) => a.is_null(row),
            Self::Float64(a) => a.is_null(row),
            Self::Decimal(a, _) => a.is_null(row),
            Self::Text(a) => a.is_null(row),
            Self::Bytes(a) => a.is_null(row),
            Self::Date(a) => a.is_null(row),
            Self::Time(a) => a.is_null(row),
            Self::Timestamp { array, .. } => array.is_null(row),
            Self::Row { array, .. } => array.is_null(row),
        }
    }

    /// Appends a number or a boolean; false for other types.
    pub(crate) fn write_plain(&self, row: usize, decimals: DecimalNotation, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Boolean(a) => out.extend_from_slice(if a.value(row) { b"true" } else { b"false" }),
            Self::Int8(a) => write_integer(a.value(row).into(), out),
            Self::Int16(a) => write_integer(a.value(row).into(), out),
            Self::Int32(a) => write_integer(a.value(row).into(), out),
            Self::Int64(a) => write_integer(a.value(row), out),
            Self::Float32(a) => write_float(a.value(row), out),
            Self::Float64(a) => write_double(a.value(row), out),
            Self::Decimal(a, scale) => write_decimal(a.value(row), *scale, decimals, out),
            _ => return false,
        }
        true
    }

    /// Appends the value as Java's `toString` of Flink's external type gives it; the row must not be NULL.
    pub(crate) fn write_java(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Text(a) => out.extend_from_slice(a.value(row).as_bytes()),
            Self::Bytes(a) => write_java_bytes(a.value(row), out),
            Self::Date(a) => write_date(a.value(row).into(), out),
            Self::Time(a) => {
                let (seconds, nanos) = time::split(a.value(row).into(), TimeUnit::Millisecond);
                write_java_time(seconds, nanos, out);
            }
            Self::Timestamp { values, unit, has_zone, .. } => {
                let (seconds, nanos) = time::split(values[row], *unit);
                if *has_zone {
                    write_java_instant(seconds, nanos, out);
                } else {
                    write_java_timestamp(seconds, nanos, out);
                }
            }
            // Java prints the kind of a row, which for one inside another is always an insert.
            Self::Row { fields, .. } => {
                out.extend_from_slice(b"+I[");
                write_java_fields(fields, row, out);
                out.push(b']');
            }
            _ => {
                self.write_plain(row, DecimalNotation::Java, out);
            }
        }
    }
}

/// `1, a, null`.
pub(crate) fn write_java_fields(fields: &[Values<'_>], row: usize, out: &mut Vec<u8>) {
    for (i, values) in fields.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        if values.is_null(row) {
            out.extend_from_slice(b"null");
        } else {
            values.write_java(row, out);
        }
    }
}

/// `[104, -1]`: Java's bytes have a sign.
fn write_java_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'[');
    for (i, byte) in bytes.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        write_integer(byte.cast_signed().into(), out);
    }
    out.push(b']');
}
