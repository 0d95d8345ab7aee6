//! The arguments of one call as columns, and the building of the result column.
//!
//! Owns how a constant stands for all rows: it stays an array of one row and is never repeated. Reading row 5 of a
//! constant reads row 0. This module never knows what a function does.

use arrow::array::{
    Array, ArrayAccessor, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, BooleanArray, BooleanBuilder,
    Decimal128Array, Int64Array, NullBufferBuilder, PrimitiveArray, PrimitiveBuilder, StringArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, Time32MillisecondType, TimeUnit,
};
use datafusion_common::{Result, exec_datafusion_err, internal_datafusion_err};
use std::sync::Arc;

use crate::calendar::{Clock, Moment};

/// One argument: an array with a value for every row, or one value for all rows.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) array: ArrayRef,
    pub(crate) constant: bool,
}

impl Column {
    fn at(&self, row: usize) -> usize {
        if self.constant { 0 } else { row }
    }

    /// The column as an array of strings.
    pub(crate) fn strings(&self) -> Result<Values<'_, StringArray>> {
        self.values()
    }

    /// The column as an array of byte strings.
    pub(crate) fn bytes(&self) -> Result<Values<'_, BinaryArray>> {
        self.values()
    }

    /// The column as an array of booleans.
    pub(crate) fn booleans(&self) -> Result<Values<'_, BooleanArray>> {
        self.values()
    }

    /// The column as an array of 64-bit integers.
    pub(crate) fn integers(&self) -> Result<Values<'_, Int64Array>> {
        self.primitives::<Int64Type>()
    }

    /// The column as an array of doubles.
    pub(crate) fn doubles(&self) -> Result<Values<'_, PrimitiveArray<Float64Type>>> {
        self.primitives::<Float64Type>()
    }

    /// The column as an array of decimals, and their scale.
    pub(crate) fn decimals(&self) -> Result<(Values<'_, Decimal128Array>, i8)> {
        match self.array.data_type() {
            DataType::Decimal128(_, scale) => Ok((self.primitives::<Decimal128Type>()?, *scale)),
            other => Err(internal_datafusion_err!("expected decimals, not {other}")),
        }
    }

    /// The column as an array of some primitive type.
    pub(crate) fn primitives<T: ArrowPrimitiveType>(&self) -> Result<Values<'_, PrimitiveArray<T>>> {
        self.values()
    }

    /// The array itself, of some primitive type.
    pub(crate) fn array_of<T: ArrowPrimitiveType>(&self) -> Result<&PrimitiveArray<T>> {
        Ok(self.primitives::<T>()?.array)
    }

    fn values<A: Array + 'static>(&self) -> Result<Values<'_, A>> {
        let array = self.array.as_any().downcast_ref::<A>().ok_or_else(|| {
            internal_datafusion_err!("an argument has the unexpected type {}", self.array.data_type())
        })?;
        Ok(Values { array, constant: self.constant })
    }

    /// The column as moments: a timestamp, the midnight of a date, or a time of day on the first of January 1970.
    pub(crate) fn moments(&self) -> Result<Moments<'_>> {
        let (counts, unit) = match self.array.data_type() {
            DataType::Timestamp(unit, _) => {
                (Counts::Wide(wide_values(self.array.as_ref())?), Counting::Unit(*unit))
            }
            DataType::Date32 => {
                (Counts::Narrow(self.array.as_primitive::<Date32Type>().values().clone()), Counting::Days)
            }
            DataType::Time32(unit @ TimeUnit::Millisecond) => {
                let counts = self.array.as_primitive::<Time32MillisecondType>().values().clone();
                (Counts::Narrow(counts), Counting::Unit(*unit))
            }
            other => return Err(internal_datafusion_err!("expected a date or a timestamp, not {other}")),
        };
        Ok(Moments { column: self, counts, unit })
    }
}

/// How a temporal column counts.
#[derive(Debug, Clone, Copy)]
enum Counting {
    Days,
    Unit(TimeUnit),
}

enum Counts {
    Narrow(ScalarBuffer<i32>),
    Wide(ScalarBuffer<i64>),
}

fn wide_values(array: &dyn Array) -> Result<ScalarBuffer<i64>> {
    let any = array.as_any();
    if let Some(found) = any.downcast_ref::<TimestampSecondArray>() {
        Ok(found.values().clone())
    } else if let Some(found) = any.downcast_ref::<TimestampMillisecondArray>() {
        Ok(found.values().clone())
    } else if let Some(found) = any.downcast_ref::<TimestampMicrosecondArray>() {
        Ok(found.values().clone())
    } else if let Some(found) = any.downcast_ref::<TimestampNanosecondArray>() {
        Ok(found.values().clone())
    } else {
        Err(internal_datafusion_err!("expected a timestamp, not {}", array.data_type()))
    }
}

/// The values of a column by row.
#[derive(Debug)]
pub(crate) struct Values<'a, A> {
    array: &'a A,
    constant: bool,
}

impl<'a, A> Values<'a, A>
where
    &'a A: ArrayAccessor,
{
    /// The value of `row`, or `None` when it is null.
    pub(crate) fn get(&self, row: usize) -> Option<<&'a A as ArrayAccessor>::Item> {
        let row = if self.constant { 0 } else { row };
        let array = self.array;
        if array.is_null(row) { None } else { Some(array.value(row)) }
    }

    /// Whether one value stands for all rows.
    pub(crate) fn is_constant(&self) -> bool {
        self.constant
    }
}

/// The moments of a temporal column by row.
pub(crate) struct Moments<'a> {
    column: &'a Column,
    counts: Counts,
    unit: Counting,
}

impl Moments<'_> {
    /// The moment of `row`, or `None` when it is null.
    pub(crate) fn get(&self, row: usize) -> Option<Moment> {
        let row = self.column.at(row);
        if self.column.array.is_null(row) {
            return None;
        }
        let count = match &self.counts {
            Counts::Narrow(counts) => i64::from(counts[row]),
            Counts::Wide(counts) => counts[row],
        };
        Some(match self.unit {
            Counting::Days => Moment::midnight(count),
            Counting::Unit(unit) => Moment::from_unit(count, unit),
        })
    }
}

/// Builds a column of strings; `row` appends its text to those of the rows before and says whether there is one.
pub(crate) fn build_strings(
    rows: usize,
    mut row: impl FnMut(usize, &mut String) -> Result<Option<()>>,
) -> Result<ArrayRef> {
    let mut texts = String::with_capacity(rows * 16);
    let mut ends = Vec::with_capacity(rows + 1);
    let mut valid = NullBufferBuilder::new(rows);
    ends.push(0_i32);
    for at in 0..rows {
        let start = texts.len();
        let is_there = row(at, &mut texts)?.is_some();
        if !is_there {
            texts.truncate(start);
        }
        valid.append(is_there);
        let end = i32::try_from(texts.len());
        ends.push(end.map_err(|_| exec_datafusion_err!("the texts of {rows} rows have more than 2 GB"))?);
    }
    let offsets = OffsetBuffer::new(ends.into());
    Ok(Arc::new(StringArray::try_new(offsets, texts.into_bytes().into(), valid.finish())?))
}

/// Builds a column of byte strings.
pub(crate) fn build_bytes(
    rows: usize,
    mut row: impl FnMut(usize) -> Result<Option<Vec<u8>>>,
) -> Result<ArrayRef> {
    let mut builder = arrow::array::BinaryBuilder::with_capacity(rows, rows * 16);
    for at in 0..rows {
        builder.append_option(row(at)?);
    }
    Ok(Arc::new(builder.finish()))
}

/// Builds a column of booleans.
pub(crate) fn build_booleans(
    rows: usize,
    mut row: impl FnMut(usize) -> Result<Option<bool>>,
) -> Result<ArrayRef> {
    let mut builder = BooleanBuilder::with_capacity(rows);
    for at in 0..rows {
        builder.append_option(row(at)?);
    }
    Ok(Arc::new(builder.finish()))
}

/// Builds a column of a primitive type in the type `data_type`, which carries its zone or its precision and scale.
pub(crate) fn build_primitives<T: ArrowPrimitiveType>(
    rows: usize,
    data_type: &DataType,
    mut row: impl FnMut(usize) -> Result<Option<T::Native>>,
) -> Result<ArrayRef> {
    let mut builder = PrimitiveBuilder::<T>::with_capacity(rows).with_data_type(data_type.clone());
    for at in 0..rows {
        builder.append_option(row(at)?);
    }
    Ok(Arc::new(builder.finish()))
}

/// Builds a column of timestamps, dates or times of day. A moment that the type cannot hold becomes null.
pub(crate) fn build_moments(
    rows: usize,
    data_type: &DataType,
    mut row: impl FnMut(usize) -> Result<Option<Moment>>,
) -> Result<ArrayRef> {
    use arrow::datatypes::{
        TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    };
    let mut in_unit =
        |at: usize, unit: TimeUnit| Ok(row(at)?.and_then(|moment: Moment| moment.to_unit(unit)));
    match data_type {
        DataType::Timestamp(unit @ TimeUnit::Second, _) => {
            build_primitives::<TimestampSecondType>(rows, data_type, |at| in_unit(at, *unit))
        }
        DataType::Timestamp(unit @ TimeUnit::Millisecond, _) => {
            build_primitives::<TimestampMillisecondType>(rows, data_type, |at| in_unit(at, *unit))
        }
        DataType::Timestamp(unit @ TimeUnit::Microsecond, _) => {
            build_primitives::<TimestampMicrosecondType>(rows, data_type, |at| in_unit(at, *unit))
        }
        DataType::Timestamp(unit @ TimeUnit::Nanosecond, _) => {
            build_primitives::<TimestampNanosecondType>(rows, data_type, |at| in_unit(at, *unit))
        }
        DataType::Date32 => build_primitives::<Date32Type>(rows, data_type, |at| {
            Ok(row(at)?.and_then(|moment| i32::try_from(moment.day()).ok()))
        }),
        DataType::Time32(TimeUnit::Millisecond) => {
            build_primitives::<Time32MillisecondType>(rows, data_type, |at| {
                Ok(row(at)?.map(|moment| milliseconds_of(moment.clock())))
            })
        }
        other => Err(internal_datafusion_err!("{other} is not a temporal type")),
    }
}

fn milliseconds_of(clock: Clock) -> i32 {
    (clock.seconds() * 1_000) as i32 + (clock.nanos / 1_000_000) as i32
}
