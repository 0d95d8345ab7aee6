//! The values of a column for a range of rows.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array,
    Int8Array, Int16Array, Int32Array, Int64Array, StringBuilder, Time32MillisecondArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
};
use arrow::datatypes::{DataType, TimeUnit};

use crate::datagen::DatagenSpec;
use crate::datagen::field::{FieldSpec, FieldValues};
use crate::datagen::random::Random;
use crate::format::render::number::write_integer;

/// Number of the draw that decides about NULL; values use those from 0 on.
const NULL_DRAW: u64 = u64::MAX >> 1;

const DAY_US: i64 = 86_400_000_000;

/// Rows `first`, `first + step`, ...: `count` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowNumbers {
    pub(super) first: u64,
    pub(super) step: u64,
    pub(super) count: usize,
}

impl RowNumbers {
    fn iter(self) -> impl Iterator<Item = u64> {
        (0..self.count as u64).map(move |i| self.first + i * self.step)
    }
}

/// The values of `field`; `start_ms` is when the job first started.
pub(super) fn generate(spec: &DatagenSpec, field: &FieldSpec, rows: RowNumbers, start_ms: i64) -> ArrayRef {
    let cells = Cells { spec, field, random: Random::of_column(spec.seed, &field.name), start_ms };
    match &field.data_type {
        DataType::Boolean => Arc::new(
            rows.iter()
                .map(|row| cells.unless_null(row, |c| c.random.draw(row, 0) & 1 == 1))
                .collect::<BooleanArray>(),
        ),
        DataType::Int8 => Arc::new(cells.integers(rows).map(|v| v.map(|v| v as i8)).collect::<Int8Array>()),
        DataType::Int16 => {
            Arc::new(cells.integers(rows).map(|v| v.map(|v| v as i16)).collect::<Int16Array>())
        }
        DataType::Int32 => {
            Arc::new(cells.integers(rows).map(|v| v.map(|v| v as i32)).collect::<Int32Array>())
        }
        DataType::Int64 => {
            Arc::new(cells.integers(rows).map(|v| v.map(|v| v as i64)).collect::<Int64Array>())
        }
        DataType::Float32 => Arc::new(
            rows.iter().map(|row| cells.unless_null(row, |c| c.float(row) as f32)).collect::<Float32Array>(),
        ),
        DataType::Float64 => Arc::new(
            rows.iter().map(|row| cells.unless_null(row, |c| c.float(row))).collect::<Float64Array>(),
        ),
        DataType::Decimal128(..) => {
            let values = cells.integers(rows).collect::<Decimal128Array>();
            Arc::new(values.with_data_type(field.data_type.clone()))
        }
        DataType::Utf8 => cells.texts(rows),
        DataType::Binary => cells.bytes(rows),
        DataType::Date32 => {
            let days = |us: i64| i32::try_from(us.div_euclid(DAY_US)).unwrap_or(i32::MAX);
            Arc::new(cells.moments(rows).map(|v| v.map(days)).collect::<Date32Array>())
        }
        DataType::Time32(_) => {
            let milliseconds = |us: i64| i32::try_from(us.rem_euclid(DAY_US) / 1_000).unwrap_or(0);
            Arc::new(cells.moments(rows).map(|v| v.map(milliseconds)).collect::<Time32MillisecondArray>())
        }
        DataType::Timestamp(unit, zone) => {
            let zone = zone.clone();
            let moments = cells.moments(rows);
            match unit {
                TimeUnit::Second => {
                    let values = moments.map(|v| v.map(|us| us.div_euclid(1_000_000)));
                    Arc::new(values.collect::<TimestampSecondArray>().with_timezone_opt(zone))
                }
                TimeUnit::Millisecond => {
                    let values = moments.map(|v| v.map(|us| us.div_euclid(1_000)));
                    Arc::new(values.collect::<TimestampMillisecondArray>().with_timezone_opt(zone))
                }
                TimeUnit::Microsecond => {
                    Arc::new(moments.collect::<TimestampMicrosecondArray>().with_timezone_opt(zone))
                }
                TimeUnit::Nanosecond => {
                    let values = moments.map(|v| v.map(|us| us.saturating_mul(1_000)));
                    Arc::new(values.collect::<TimestampNanosecondArray>().with_timezone_opt(zone))
                }
            }
        }
        other => arrow::array::new_null_array(other, rows.count),
    }
}

struct Cells<'a> {
    spec: &'a DatagenSpec,
    field: &'a FieldSpec,
    random: Random,
    start_ms: i64,
}

impl Cells<'_> {
    fn unless_null<T>(&self, row: u64, value: impl FnOnce(&Self) -> T) -> Option<T> {
        let is_null = self.field.null_rate > 0.0 && self.random.unit(row, NULL_DRAW) < self.field.null_rate;
        if is_null { None } else { Some(value(self)) }
    }

    /// Whole numbers, unscaled decimals included.
    fn integers(&self, rows: RowNumbers) -> impl Iterator<Item = Option<i128>> + '_ {
        rows.iter().map(move |row| self.unless_null(row, |c| c.integer(row)))
    }

    fn integer(&self, row: u64) -> i128 {
        match &self.field.values {
            FieldValues::Integer { min, max } => {
                // Wrapping: the span of BIGINT and of wide decimals fits a u128, the sum fits an i128 again.
                let span = max.wrapping_sub(*min).cast_unsigned();
                min.wrapping_add(self.random.up_to(row, 0, span).cast_signed())
            }
            FieldValues::Sequence { start, .. } => {
                let scale = match self.field.data_type {
                    DataType::Decimal128(_, scale) => u32::try_from(scale).unwrap_or(0),
                    _ => 0,
                };
                (i128::from(*start) + i128::from(row)) * 10_i128.pow(scale)
            }
            _ => 0,
        }
    }

    fn float(&self, row: u64) -> f64 {
        match &self.field.values {
            // Not `max - min`, which overflows for the widest range.
            FieldValues::Float { min, max } => {
                let unit = self.random.unit(row, 0);
                min * (1.0 - unit) + max * unit
            }
            _ => self.integer(row) as f64,
        }
    }

    /// Microseconds since the epoch.
    fn moments(&self, rows: RowNumbers) -> impl Iterator<Item = Option<i64>> + '_ {
        rows.iter().map(move |row| {
            self.unless_null(row, |c| match &c.field.values {
                FieldValues::Moments { start_us, step_us, .. } => {
                    start_us.saturating_add(step_us.saturating_mul(i64::try_from(row).unwrap_or(i64::MAX)))
                }
                FieldValues::Recent { max_past_us } => {
                    let past = c.random.up_to(row, 0, u128::from(*max_past_us));
                    c.now_us(row).saturating_sub(i64::try_from(past).unwrap_or(i64::MAX))
                }
                _ => c.now_us(row),
            })
        })
    }

    fn now_us(&self, row: u64) -> i64 {
        let start = i128::from(self.start_ms) * 1_000;
        let since = match self.spec.rows_per_second {
            0 => 0,
            rate => i128::from(row) * 1_000_000 / i128::from(rate),
        };
        i64::try_from(start + since).unwrap_or(i64::MAX)
    }

    fn length(&self, row: u64) -> usize {
        let FieldValues::Text { length, is_varying } = self.field.values else { return 0 };
        let length = if is_varying {
            1 + self.random.up_to(row, NULL_DRAW - 1, u128::from(length.saturating_sub(1)))
        } else {
            u128::from(length)
        };
        usize::try_from(length).unwrap_or(0)
    }

    /// Appends `count` random bytes.
    fn random_bytes(&self, row: u64, count: usize, out: &mut Vec<u8>) {
        for word in 0..count.div_ceil(8) {
            out.extend_from_slice(&self.random.draw(row, word as u64).to_le_bytes());
        }
        out.truncate(count);
    }

    fn texts(&self, rows: RowNumbers) -> ArrayRef {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut builder = StringBuilder::with_capacity(rows.count, rows.count * 16);
        let (mut bytes, mut text) = (Vec::new(), String::new());
        for row in rows.iter() {
            let is_there = self.unless_null(row, |c| {
                text.clear();
                bytes.clear();
                if let FieldValues::Sequence { start, .. } = c.field.values {
                    write_integer(start + i64::try_from(row).unwrap_or(i64::MAX), &mut bytes);
                    text.extend(bytes.iter().map(|b| char::from(*b)));
                } else {
                    let length = c.length(row);
                    c.random_bytes(row, length, &mut bytes);
                    text.extend(bytes.iter().map(|b| char::from(HEX[usize::from(b & 15)])));
                }
            });
            match is_there {
                Some(()) => builder.append_value(&text),
                None => builder.append_null(),
            }
        }
        Arc::new(builder.finish())
    }

    fn bytes(&self, rows: RowNumbers) -> ArrayRef {
        let mut builder = BinaryBuilder::with_capacity(rows.count, rows.count * 16);
        let mut bytes = Vec::new();
        for row in rows.iter() {
            let is_there = self.unless_null(row, |c| {
                bytes.clear();
                c.random_bytes(row, c.length(row), &mut bytes);
            });
            match is_there {
                Some(()) => builder.append_value(&bytes),
                None => builder.append_null(),
            }
        }
        Arc::new(builder.finish())
    }
}
