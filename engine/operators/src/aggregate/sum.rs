//! `SUM` and `AVG`: a sum and the number of its values.
//!
//! As in Flink: integers wrap in their own type (`SUM(TINYINT)` of 100 and 100 is -56), `AVG` of an integer is cut off toward zero
//! and has the argument's type, a decimal result that needs more than 38 digits is NULL, and `AVG` of a decimal is rounded
//! half up. Decimal sums are exact up to 1.7e38, so a retraction brings a result back that was NULL; beyond, the sum is lost
//! until the group is empty again.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, PrimitiveArray};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type,
};
use millstream_expr::AggregateKind;
use millstream_plan::AggregateCall;
use millstream_state::CopyBuffers;

use crate::aggregate::accumulator::{Accumulator, Emptied};

/// A type that sums are kept in.
pub(crate) trait SumType: ArrowPrimitiveType {
    /// Sum of nothing.
    const ZERO: Self::Native;

    fn plus(a: Self::Native, b: Self::Native) -> Self::Native;
    fn minus(a: Self::Native, b: Self::Native) -> Self::Native;
    /// Whether the sum overflowed for good.
    fn is_lost(_sum: Self::Native) -> bool {
        false
    }
    /// What stands for a sum that overflowed.
    fn lost() -> Self::Native {
        Self::ZERO
    }
    /// Results of the given kind and type from (sum, count) pairs; `None` for no values.
    fn results(sums: &[Option<(Self::Native, i64)>], finish: &Finish) -> ArrayRef;
}

/// How a result comes from a sum and a count.
#[derive(Clone, Debug)]
pub(crate) struct Finish {
    is_average: bool,
    argument: DataType,
    result: DataType,
}

#[derive(Clone, Copy, Debug)]
struct Slot<N> {
    sum: N,
    count: i64,
}

/// Sums of one call.
#[derive(Debug)]
pub(crate) struct Sum<T: SumType> {
    slots: Vec<Slot<T::Native>>,
    finish: Finish,
    emptied: Emptied,
    /// Type of the sums in the state.
    state_type: DataType,
}

impl<T: SumType> Sum<T> {
    pub(crate) fn new(call: &AggregateCall, emptied: Emptied) -> Self {
        let state_type = match &call.argument_type {
            DataType::Decimal128(_, scale) => DataType::Decimal128(DECIMAL128_MAX_PRECISION, *scale),
            _ => T::DATA_TYPE,
        };
        let finish = Finish {
            is_average: call.kind == AggregateKind::Avg,
            argument: call.argument_type.clone(),
            result: call.result_type.clone(),
        };
        Self { slots: Vec::new(), finish, emptied, state_type }
    }

    const EMPTY: Slot<T::Native> = Slot { sum: T::ZERO, count: 0 };

    fn add(&mut self, group: u32, value: T::Native, sign: i64) {
        let slot = &mut self.slots[group as usize];
        slot.count += sign;
        slot.sum = if sign > 0 { T::plus(slot.sum, value) } else { T::minus(slot.sum, value) };
        if slot.count == 0 && self.emptied == Emptied::IsEmpty {
            *slot = Self::EMPTY;
        }
    }

    fn typed(&self, values: PrimitiveArray<T>) -> ArrayRef {
        Arc::new(values.with_data_type(self.state_type.clone()))
    }
}

impl<T: SumType> Accumulator for Sum<T> {
    fn resize(&mut self, slots: usize) {
        self.slots.resize(slots.max(self.slots.len()), Self::EMPTY);
    }

    fn reserve(&mut self, slots: usize) {
        self.slots.reserve_exact(slots.saturating_sub(self.slots.len()));
    }

    fn reset(&mut self, group: u32) {
        self.slots[group as usize] = Self::EMPTY;
    }

    fn update(&mut self, groups: &[u32], values: Option<&ArrayRef>, signs: Option<&[i64]>) {
        let Some(values) = values.and_then(|v| widened(v, &T::DATA_TYPE)) else { return };
        let values = values.as_primitive::<T>();
        match (values.nulls(), signs) {
            (None, None) => {
                for (group, value) in groups.iter().zip(values.values()) {
                    let slot = &mut self.slots[*group as usize];
                    slot.sum = T::plus(slot.sum, *value);
                    slot.count += 1;
                }
            }
            _ => {
                for (i, group) in groups.iter().enumerate() {
                    if values.is_valid(i) {
                        self.add(*group, values.value(i), signs.map_or(1, |s| s[i]));
                    }
                }
            }
        }
    }

    fn merge(&mut self, groups: &[u32], state: &[ArrayRef]) {
        let (sums, counts) = (state[0].as_primitive::<T>(), state[1].as_primitive::<Int64Type>());
        for (i, group) in groups.iter().enumerate() {
            let slot = &mut self.slots[*group as usize];
            let count = if counts.is_valid(i) { counts.value(i) } else { 0 };
            // No sum without values; a missing sum of values is one that was lost.
            let sum = if sums.is_valid(i) {
                sums.value(i)
            } else if count == 0 {
                T::ZERO
            } else {
                T::lost()
            };
            slot.sum = T::plus(slot.sum, sum);
            slot.count += count;
        }
    }

    fn state(&self, groups: &[u32], buffers: &CopyBuffers) -> Vec<ArrayRef> {
        let slots = || groups.iter().map(|g| self.slots[*g as usize]);
        // A part of a group may hold a sum of no values: one was added and another one taken away.
        let is_empty = |s: &Slot<T::Native>| s.count == 0 && self.emptied == Emptied::IsEmpty;
        let known = |s: &Slot<T::Native>| !is_empty(s) && !T::is_lost(s.sum);
        // A barrier waits for this copy, and a validity bitmap costs as much as the values.
        let sums = if slots().all(|s| known(&s)) {
            self.typed(buffers.values(slots().map(|s| s.sum)))
        } else {
            self.typed(buffers.optional_values(slots().map(|s| known(&s).then_some(s.sum))))
        };
        let counts: Int64Array = buffers.values(slots().map(|s| s.count));
        vec![sums, Arc::new(counts)]
    }

    fn result(&self, groups: &[u32]) -> ArrayRef {
        let of = |s: Slot<T::Native>| (s.count > 0).then_some((s.sum, s.count));
        let sums: Vec<_> = groups.iter().map(|g| of(self.slots[*g as usize])).collect();
        T::results(&sums, &self.finish)
    }

    fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot<T::Native>>()
    }
}

/// The values in the type of their sum: integers as BIGINT, floats as DOUBLE. `None` only if the plan was wrong.
fn widened(values: &ArrayRef, sum_type: &DataType) -> Option<ArrayRef> {
    match (values.data_type(), sum_type) {
        (DataType::Decimal128(_, _), DataType::Decimal128(_, _)) => Some(values.clone()),
        (found, expected) if found == expected => Some(values.clone()),
        _ => cast(values, sum_type).ok(),
    }
}

impl SumType for Int64Type {
    const ZERO: i64 = 0;

    fn plus(a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    fn minus(a: i64, b: i64) -> i64 {
        a.wrapping_sub(b)
    }

    fn results(sums: &[Option<(i64, i64)>], finish: &Finish) -> ArrayRef {
        let average = finish.is_average;
        let values =
            sums.iter().map(|s| s.map(|(sum, count)| if average { sum.wrapping_div(count) } else { sum }));
        // Cutting off the upper bits of a sum that wrapped in 64 is the same as wrapping in fewer.
        match finish.result {
            DataType::Int8 => {
                Arc::new(PrimitiveArray::<Int8Type>::from_iter(values.map(|v| v.map(|v| v as i8))))
            }
            DataType::Int16 => {
                Arc::new(PrimitiveArray::<Int16Type>::from_iter(values.map(|v| v.map(|v| v as i16))))
            }
            DataType::Int32 => {
                Arc::new(PrimitiveArray::<Int32Type>::from_iter(values.map(|v| v.map(|v| v as i32))))
            }
            _ => Arc::new(Int64Array::from_iter(values)),
        }
    }
}

impl SumType for Float64Type {
    const ZERO: f64 = 0.0;

    fn plus(a: f64, b: f64) -> f64 {
        a + b
    }

    fn minus(a: f64, b: f64) -> f64 {
        a - b
    }

    fn results(sums: &[Option<(f64, i64)>], finish: &Finish) -> ArrayRef {
        let average = finish.is_average;
        let values =
            sums.iter().map(|s| s.map(|(sum, count)| if average { sum / count as f64 } else { sum }));
        match finish.result {
            DataType::Float32 => {
                Arc::new(PrimitiveArray::<Float32Type>::from_iter(values.map(|v| v.map(|v| v as f32))))
            }
            _ => Arc::new(PrimitiveArray::<Float64Type>::from_iter(values)),
        }
    }
}

/// One more than the largest value of 38 digits.
const DECIMAL_END: i128 = 10_i128.pow(38);

impl SumType for Decimal128Type {
    const ZERO: i128 = 0;

    fn plus(a: i128, b: i128) -> i128 {
        if Self::is_lost(a) || Self::is_lost(b) {
            Self::lost()
        } else {
            a.checked_add(b).unwrap_or(Self::lost())
        }
    }

    fn minus(a: i128, b: i128) -> i128 {
        if Self::is_lost(a) || Self::is_lost(b) {
            Self::lost()
        } else {
            a.checked_sub(b).unwrap_or(Self::lost())
        }
    }

    fn is_lost(sum: i128) -> bool {
        sum == i128::MIN
    }

    fn lost() -> i128 {
        i128::MIN
    }

    fn results(sums: &[Option<(i128, i64)>], finish: &Finish) -> ArrayRef {
        let scale_of = |t: &DataType| if let DataType::Decimal128(_, scale) = t { *scale } else { 0 };
        let more_digits = (scale_of(&finish.result) - scale_of(&finish.argument)).max(0) as u32;
        let fits = |v: &i128| -DECIMAL_END < *v && *v < DECIMAL_END;
        let one = |(sum, count): (i128, i64)| {
            if Self::is_lost(sum) {
                return None;
            }
            if finish.is_average { average(sum, count, more_digits) } else { Some(sum) }.filter(fits)
        };
        let values: PrimitiveArray<Self> = sums.iter().map(|s| s.and_then(one)).collect();
        Arc::new(values.with_data_type(finish.result.clone()))
    }
}

/// `sum / count` with `more_digits` more digits behind the point, rounded half up (away from zero).
fn average(sum: i128, count: i64, more_digits: u32) -> Option<i128> {
    let (count, factor) = (i128::from(count), 10_i128.pow(more_digits));
    let whole = (sum / count).checked_mul(factor)?;
    // The remainder is below 2^63, and a scale grows by at most 6 digits, so this stays in range.
    let rest = (sum % count) * factor;
    let (part, left) = (rest / count, rest % count);
    let round = if left.abs() * 2 >= count { sum.signum() } else { 0 };
    whole.checked_add(part + round)
}

#[cfg(test)]
#[path = "sum_test.rs"]
mod tests;
