//! Memcomparable encoding of keys: a persistent format.
//!
//! Bytes compare as the values do (NULL first), and equal values have equal bytes. Key groups are hashes of these bytes, and
//! state is sorted by them, so the encoding of a type never changes. Per column: `0x00` for NULL, else `0x01` and
//!
//! - integers, dates, times, timestamps: big-endian with the sign bit flipped (`INT 1` = `01 80 00 00 01`);
//! - BOOLEAN: one byte; DECIMAL: 16 bytes big-endian, sign flipped;
//! - FLOAT, DOUBLE: IEEE bits big-endian, all bits flipped when negative, else the sign bit; `-0.0` as `0.0`, one NaN;
//! - strings and binary: `0x00` escaped as `00 FF`, terminated by `00 00`.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, BooleanBuilder, Decimal128Builder,
    PrimitiveBuilder, StringArray, StringBuilder,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time32MillisecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use std::sync::Arc;

/// Why keys could not be encoded or decoded.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// Such a column cannot be (part of) a key.
    #[error("a column of type {0} cannot be part of a key")]
    UnsupportedType(DataType),
    /// Stored bytes are not an encoded key of the expected types.
    #[error("damaged key: {0}")]
    Damaged(&'static str),
}

/// Encoded keys of the rows of a batch, back to back.
#[derive(Clone, Debug, Default)]
pub struct EncodedKeys {
    bytes: Vec<u8>,
    /// End of each key; the first starts at 0.
    ends: Vec<usize>,
}

impl EncodedKeys {
    /// The key of a row.
    #[must_use]
    pub fn get(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[start..self.ends[row]]
    }

    /// Adds a key that consists of these encoded parts.
    pub fn push(&mut self, parts: &[&[u8]]) {
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        self.ends.push(self.bytes.len());
    }

    /// Number of keys.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All keys in row order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|row| self.get(row))
    }

    /// The hash of each key, which decides its key group.
    #[must_use]
    pub fn hashes(&self) -> Vec<u64> {
        self.iter().map(millstream_model::key_group::key_hash).collect()
    }
}

/// Whether a column of this type can be part of a key.
#[must_use]
pub const fn is_key_type(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Boolean
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::Float32
            | DataType::Float64
            | DataType::Decimal128(_, _)
            | DataType::Utf8
            | DataType::Binary
            | DataType::Date32
            | DataType::Time32(TimeUnit::Millisecond)
            | DataType::Timestamp(_, _)
    )
}

/// Encodes the key of each of `rows` rows from its columns. No columns: every key is empty (one global group).
///
/// # Errors
/// [`KeyError::UnsupportedType`] for a type that [`is_key_type`] refuses.
pub fn encode_keys(columns: &[ArrayRef], rows: usize) -> Result<EncodedKeys, KeyError> {
    let encoders = columns.iter().map(ColumnEncoder::new).collect::<Result<Vec<_>, _>>()?;
    let widths: Option<Vec<usize>> = encoders.iter().map(ColumnEncoder::fixed_width).collect();
    if let Some(widths) = widths {
        return Ok(encode_fixed(&encoders, &widths, rows));
    }
    let mut out =
        EncodedKeys { bytes: Vec::with_capacity(rows * (columns.len() * 9)), ends: Vec::with_capacity(rows) };
    for row in 0..rows {
        for encoder in &encoders {
            encoder.append(row, &mut out.bytes);
        }
        out.ends.push(out.bytes.len());
    }
    Ok(out)
}

/// Keys of one length: written column by column, which needs no look at the type of a value.
fn encode_fixed(encoders: &[ColumnEncoder<'_>], widths: &[usize], rows: usize) -> EncodedKeys {
    let key: usize = widths.iter().sum();
    let mut bytes = vec![0; rows * key];
    let mut from = 0;
    for (encoder, width) in encoders.iter().zip(widths) {
        encoder.fill(&mut bytes, key, from);
        from += width;
    }
    EncodedKeys { bytes, ends: (1..=rows).map(|row| row * key).collect() }
}

/// A column with its concrete type resolved once, not once a row.
struct ColumnEncoder<'a> {
    values: Values<'a>,
    nulls: Option<&'a NullBuffer>,
}

enum Values<'a> {
    Bool(&'a BooleanBuffer),
    I8(&'a [i8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    F32(&'a [f32]),
    F64(&'a [f64]),
    Decimal(&'a [i128]),
    Str(&'a StringArray),
    Bin(&'a BinaryArray),
}

impl<'a> ColumnEncoder<'a> {
    fn new(array: &'a ArrayRef) -> Result<Self, KeyError> {
        let values = match array.data_type() {
            DataType::Boolean => Values::Bool(array.as_boolean().values()),
            DataType::Int8 => Values::I8(array.as_primitive::<Int8Type>().values()),
            DataType::Int16 => Values::I16(array.as_primitive::<Int16Type>().values()),
            DataType::Int32 => Values::I32(array.as_primitive::<Int32Type>().values()),
            DataType::Date32 => Values::I32(array.as_primitive::<Date32Type>().values()),
            DataType::Time32(TimeUnit::Millisecond) => {
                Values::I32(array.as_primitive::<Time32MillisecondType>().values())
            }
            DataType::Int64 => Values::I64(array.as_primitive::<Int64Type>().values()),
            DataType::Timestamp(unit, _) => Values::I64(match unit {
                TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
                TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values(),
                TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values(),
                TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values(),
            }),
            DataType::Float32 => Values::F32(array.as_primitive::<Float32Type>().values()),
            DataType::Float64 => Values::F64(array.as_primitive::<Float64Type>().values()),
            DataType::Decimal128(_, _) => Values::Decimal(array.as_primitive::<Decimal128Type>().values()),
            DataType::Utf8 => Values::Str(array.as_string()),
            DataType::Binary => Values::Bin(array.as_binary()),
            other => return Err(KeyError::UnsupportedType(other.clone())),
        };
        Ok(Self { values, nulls: array.nulls().filter(|nulls| nulls.null_count() > 0) })
    }

    /// Bytes of every value, if all have the same number of them.
    const fn fixed_width(&self) -> Option<usize> {
        if self.nulls.is_some() {
            return None;
        }
        let value = match &self.values {
            Values::Bool(_) | Values::I8(_) => 1,
            Values::I16(_) => 2,
            Values::I32(_) | Values::F32(_) => 4,
            Values::I64(_) | Values::F64(_) => 8,
            Values::Decimal(_) => 16,
            Values::Str(_) | Values::Bin(_) => return None,
        };
        Some(1 + value)
    }

    /// Writes a column of fixed width into keys of `key` bytes, `from` bytes behind the beginning of each.
    fn fill(&self, bytes: &mut [u8], key: usize, from: usize) {
        match &self.values {
            Values::Bool(values) => fill(bytes, key, from, values.iter().map(|v| [u8::from(v)])),
            Values::I8(values) => fill(bytes, key, from, values.iter().map(|v| ordered_i8(*v))),
            Values::I16(values) => fill(bytes, key, from, values.iter().map(|v| ordered_i16(*v))),
            Values::I32(values) => fill(bytes, key, from, values.iter().map(|v| ordered_i32(*v))),
            Values::I64(values) => fill(bytes, key, from, values.iter().map(|v| ordered_i64(*v))),
            Values::F32(values) => fill(bytes, key, from, values.iter().map(|v| ordered_f32(*v))),
            Values::F64(values) => fill(bytes, key, from, values.iter().map(|v| ordered_f64(*v))),
            Values::Decimal(values) => fill(bytes, key, from, values.iter().map(|v| ordered_i128(*v))),
            Values::Str(_) | Values::Bin(_) => {}
        }
    }

    fn append(&self, row: usize, out: &mut Vec<u8>) {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            out.push(0);
            return;
        }
        out.push(1);
        match &self.values {
            Values::Bool(values) => out.push(u8::from(values.value(row))),
            Values::I8(values) => out.extend(ordered_i8(values[row])),
            Values::I16(values) => out.extend(ordered_i16(values[row])),
            Values::I32(values) => out.extend(ordered_i32(values[row])),
            Values::I64(values) => out.extend(ordered_i64(values[row])),
            Values::F32(values) => out.extend(ordered_f32(values[row])),
            Values::F64(values) => out.extend(ordered_f64(values[row])),
            Values::Decimal(values) => out.extend(ordered_i128(values[row])),
            Values::Str(array) => append_escaped(array.value(row).as_bytes(), out),
            Values::Bin(array) => append_escaped(array.value(row), out),
        }
    }
}

fn fill<const WIDTH: usize>(
    bytes: &mut [u8],
    key: usize,
    from: usize,
    values: impl Iterator<Item = [u8; WIDTH]>,
) {
    for (target, value) in bytes.chunks_exact_mut(key).zip(values) {
        target[from] = 1;
        target[from + 1..=from + WIDTH].copy_from_slice(&value);
    }
}

const fn ordered_i8(value: i8) -> [u8; 1] {
    [value.cast_unsigned() ^ 0x80]
}

const fn ordered_i16(value: i16) -> [u8; 2] {
    (value.cast_unsigned() ^ (1 << 15)).to_be_bytes()
}

const fn ordered_i32(value: i32) -> [u8; 4] {
    (value.cast_unsigned() ^ (1 << 31)).to_be_bytes()
}

const fn ordered_i64(value: i64) -> [u8; 8] {
    (value.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

const fn ordered_i128(value: i128) -> [u8; 16] {
    (value.cast_unsigned() ^ (1 << 127)).to_be_bytes()
}

fn ordered_f32(value: f32) -> [u8; 4] {
    let bits = if value.is_nan() { f32::NAN.to_bits() } else { (value + 0.0).to_bits() };
    let ordered = if bits >> 31 == 1 { !bits } else { bits | (1 << 31) };
    ordered.to_be_bytes()
}

fn ordered_f64(value: f64) -> [u8; 8] {
    let bits = if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() };
    let ordered = if bits >> 63 == 1 { !bits } else { bits | (1 << 63) };
    ordered.to_be_bytes()
}

fn append_escaped(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    while let Some(zero) = memchr::memchr(0, rest) {
        out.extend_from_slice(&rest[..=zero]);
        out.push(0xff);
        rest = &rest[zero + 1..];
    }
    out.extend_from_slice(rest);
    out.extend([0, 0]);
}

/// Decodes keys back into columns of the given types.
///
/// # Errors
/// [`KeyError::Damaged`] when the bytes are not such keys.
pub fn decode_keys<'a>(
    keys: impl IntoIterator<Item = &'a [u8]>,
    types: &[DataType],
) -> Result<Vec<ArrayRef>, KeyError> {
    let mut decoder = KeyDecoder::new(types)?;
    for key in keys {
        decoder.push(key)?;
    }
    Ok(decoder.finish())
}

/// Builds columns from encoded keys one at a time.
pub struct KeyDecoder {
    builders: Vec<ColumnBuilder>,
}

impl KeyDecoder {
    /// A decoder for keys of these column types.
    ///
    /// # Errors
    /// [`KeyError::UnsupportedType`].
    pub fn new(types: &[DataType]) -> Result<Self, KeyError> {
        Ok(Self { builders: types.iter().map(ColumnBuilder::new).collect::<Result<_, _>>()? })
    }

    /// Appends one key's values to the columns.
    ///
    /// # Errors
    /// [`KeyError::Damaged`].
    pub fn push(&mut self, key: &[u8]) -> Result<(), KeyError> {
        let mut input = Input(key);
        for builder in &mut self.builders {
            builder.push(&mut input)?;
        }
        if input.0.is_empty() { Ok(()) } else { Err(KeyError::Damaged("trailing bytes")) }
    }

    /// The columns.
    #[must_use]
    pub fn finish(self) -> Vec<ArrayRef> {
        self.builders.into_iter().map(ColumnBuilder::finish).collect()
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], KeyError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(KeyError::Damaged("too short"))?;
        self.0 = rest;
        Ok(*head)
    }

    fn take_escaped(&mut self) -> Result<Vec<u8>, KeyError> {
        let mut out = Vec::new();
        loop {
            let [byte] = self.take::<1>()?;
            if byte != 0 {
                out.push(byte);
                continue;
            }
            match self.take::<1>()? {
                [0] => return Ok(out),
                [0xff] => out.push(0),
                _ => return Err(KeyError::Damaged("bad escape")),
            }
        }
    }
}

enum ColumnBuilder {
    Bool(BooleanBuilder),
    I8(PrimitiveBuilder<Int8Type>),
    I16(PrimitiveBuilder<Int16Type>),
    I32(PrimitiveBuilder<Int32Type>, DataType),
    I64(PrimitiveBuilder<Int64Type>, DataType),
    F32(PrimitiveBuilder<Float32Type>),
    F64(PrimitiveBuilder<Float64Type>),
    Decimal(Decimal128Builder),
    Str(StringBuilder),
    Bin(BinaryBuilder),
}

impl ColumnBuilder {
    fn new(data_type: &DataType) -> Result<Self, KeyError> {
        Ok(match data_type {
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::Int8 => Self::I8(PrimitiveBuilder::new()),
            DataType::Int16 => Self::I16(PrimitiveBuilder::new()),
            DataType::Int32 | DataType::Date32 | DataType::Time32(TimeUnit::Millisecond) => {
                Self::I32(PrimitiveBuilder::new(), data_type.clone())
            }
            DataType::Int64 | DataType::Timestamp(_, _) => {
                Self::I64(PrimitiveBuilder::new(), data_type.clone())
            }
            DataType::Float32 => Self::F32(PrimitiveBuilder::new()),
            DataType::Float64 => Self::F64(PrimitiveBuilder::new()),
            DataType::Decimal128(_, _) => {
                Self::Decimal(Decimal128Builder::new().with_data_type(data_type.clone()))
            }
            DataType::Utf8 => Self::Str(StringBuilder::new()),
            DataType::Binary => Self::Bin(BinaryBuilder::new()),
            other => return Err(KeyError::UnsupportedType(other.clone())),
        })
    }

    fn push(&mut self, input: &mut Input<'_>) -> Result<(), KeyError> {
        match input.take::<1>()? {
            [0] => {
                self.push_null();
                return Ok(());
            }
            [1] => {}
            _ => return Err(KeyError::Damaged("bad null marker")),
        }
        match self {
            Self::Bool(b) => b.append_value(input.take::<1>()? == [1]),
            Self::I8(b) => b.append_value((input.take::<1>()?[0] ^ 0x80) as i8),
            Self::I16(b) => b.append_value((u16::from_be_bytes(input.take()?) ^ 0x8000) as i16),
            Self::I32(b, _) => b.append_value((u32::from_be_bytes(input.take()?) ^ 0x8000_0000) as i32),
            Self::I64(b, _) => b.append_value((u64::from_be_bytes(input.take()?) ^ (1 << 63)) as i64),
            Self::F32(b) => {
                let ordered = u32::from_be_bytes(input.take()?);
                b.append_value(f32::from_bits(if ordered >> 31 == 1 {
                    ordered ^ (1 << 31)
                } else {
                    !ordered
                }));
            }
            Self::F64(b) => {
                let ordered = u64::from_be_bytes(input.take()?);
                b.append_value(f64::from_bits(if ordered >> 63 == 1 {
                    ordered ^ (1 << 63)
                } else {
                    !ordered
                }));
            }
            Self::Decimal(b) => b.append_value((u128::from_be_bytes(input.take()?) ^ (1 << 127)) as i128),
            Self::Str(b) => b.append_value(
                String::from_utf8(input.take_escaped()?).map_err(|_| KeyError::Damaged("not UTF-8"))?,
            ),
            Self::Bin(b) => b.append_value(input.take_escaped()?),
        }
        Ok(())
    }

    fn push_null(&mut self) {
        match self {
            Self::Bool(b) => b.append_null(),
            Self::I8(b) => b.append_null(),
            Self::I16(b) => b.append_null(),
            Self::I32(b, _) => b.append_null(),
            Self::I64(b, _) => b.append_null(),
            Self::F32(b) => b.append_null(),
            Self::F64(b) => b.append_null(),
            Self::Decimal(b) => b.append_null(),
            Self::Str(b) => b.append_null(),
            Self::Bin(b) => b.append_null(),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Bool(mut b) => Arc::new(b.finish()),
            Self::I8(mut b) => Arc::new(b.finish()),
            Self::I16(mut b) => Arc::new(b.finish()),
            Self::I32(mut b, t) => retyped::<Int32Type>(&b.finish(), &t),
            Self::I64(mut b, t) => retyped::<Int64Type>(&b.finish(), &t),
            Self::F32(mut b) => Arc::new(b.finish()),
            Self::F64(mut b) => Arc::new(b.finish()),
            Self::Decimal(mut b) => Arc::new(b.finish()),
            Self::Str(mut b) => Arc::new(b.finish()),
            Self::Bin(mut b) => Arc::new(b.finish()),
        }
    }
}

/// The same bits under another type of the same width.
fn retyped<T: ArrowPrimitiveType>(array: &arrow::array::PrimitiveArray<T>, data_type: &DataType) -> ArrayRef {
    let data = array.to_data().into_builder().data_type(data_type.clone());
    arrow::array::make_array(data.build().expect("the width of the values is the same"))
}

#[cfg(test)]
#[path = "key_encoding/key_encoding_test.rs"]
mod tests;
