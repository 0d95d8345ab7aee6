//! `MIN` and `MAX`: one value a group.
//!
//! Retractions are none of its business: `aggregate::values` keeps the values in order and sets the new extreme. Strings compare
//! by their bytes, `-0.0` equals `0.0`, NaN is the greatest. Example: `MAX` of `"b", "a", NULL` is `"b"`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, GenericByteBuilder, PrimitiveArray};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowNativeTypeOp, ArrowPrimitiveType, BinaryType, ByteArrayType, DataType, Decimal128Type, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Utf8Type,
};
use millstream_expr::AggregateKind;
use millstream_plan::AggregateCall;
use millstream_state::CopyBuffers;

use crate::aggregate::accumulator::Accumulator;
use crate::error::OperatorError;

/// The accumulator of a `MIN` or `MAX`.
///
/// # Errors
/// [`OperatorError::Plan`] for a type without an order.
pub(crate) fn extreme(call: &AggregateCall) -> Result<Box<dyn Accumulator>, OperatorError> {
    let is_max = call.kind == AggregateKind::Max;
    let data_type = call.argument_type.clone();
    Ok(match &data_type {
        // Times are compared as the integers that they are.
        DataType::Boolean | DataType::Int8 => Box::new(Fixed::<Int8Type>::new(is_max, data_type)),
        DataType::Int16 => Box::new(Fixed::<Int16Type>::new(is_max, data_type)),
        DataType::Int32 | DataType::Date32 | DataType::Time32(_) => {
            Box::new(Fixed::<Int32Type>::new(is_max, data_type))
        }
        DataType::Int64 | DataType::Timestamp(_, _) => Box::new(Fixed::<Int64Type>::new(is_max, data_type)),
        DataType::Float32 => Box::new(Fixed::<Float32Type>::new(is_max, data_type)),
        DataType::Float64 => Box::new(Fixed::<Float64Type>::new(is_max, data_type)),
        DataType::Decimal128(_, _) => Box::new(Fixed::<Decimal128Type>::new(is_max, data_type)),
        DataType::Utf8 => Box::new(Bytes::<Utf8Type>::new(is_max)),
        DataType::Binary => Box::new(Bytes::<BinaryType>::new(is_max)),
        other => return Err(OperatorError::Plan(format!("{} over {other}", call.kind))),
    })
}

/// Values of a fixed width.
struct Fixed<T: ArrowPrimitiveType> {
    values: Vec<Option<T::Native>>,
    is_max: bool,
    data_type: DataType,
}

impl<T: ArrowPrimitiveType> Fixed<T> {
    const fn new(is_max: bool, data_type: DataType) -> Self {
        Self { values: Vec::new(), is_max, data_type }
    }

    /// The values as the type that they are compared in. `None` only if the plan was wrong.
    fn carried(&self, values: &ArrayRef) -> Option<PrimitiveArray<T>> {
        let carried = match &self.data_type {
            DataType::Decimal128(_, _) => values.clone(),
            found if *found == T::DATA_TYPE => canonical(values),
            _ => cast(values, &T::DATA_TYPE).ok()?,
        };
        carried.as_primitive_opt::<T>().cloned()
    }

    fn improve(&mut self, groups: &[u32], values: &PrimitiveArray<T>) {
        for (i, group) in groups.iter().enumerate() {
            if values.is_null(i) {
                continue;
            }
            let (slot, value) = (&mut self.values[*group as usize], values.value(i));
            let is_better =
                slot.is_none_or(|best| if self.is_max { value.is_gt(best) } else { value.is_lt(best) });
            if is_better {
                *slot = Some(value);
            }
        }
    }

    fn column(&self, groups: &[u32], buffers: &CopyBuffers) -> ArrayRef {
        let array: PrimitiveArray<T> =
            buffers.optional_values(groups.iter().map(|g| self.values[*g as usize]));
        match &self.data_type {
            DataType::Decimal128(_, _) => Arc::new(array.with_data_type(self.data_type.clone())),
            found if *found == T::DATA_TYPE => Arc::new(array),
            // Back from the integers that `carried` made; such casts change the type alone and never fail.
            other => {
                let array: ArrayRef = Arc::new(array);
                cast(&array, other).unwrap_or(array)
            }
        }
    }
}

/// Floats with one zero and one NaN, as in encoded keys, where retractable extremes are kept.
fn canonical(values: &ArrayRef) -> ArrayRef {
    match values.data_type() {
        DataType::Float32 => {
            let canonical = |v: f32| if v.is_nan() { f32::NAN } else { v + 0.0 };
            Arc::new(values.as_primitive::<Float32Type>().unary::<_, Float32Type>(canonical))
        }
        DataType::Float64 => {
            let canonical = |v: f64| if v.is_nan() { f64::NAN } else { v + 0.0 };
            Arc::new(values.as_primitive::<Float64Type>().unary::<_, Float64Type>(canonical))
        }
        _ => values.clone(),
    }
}

impl<T: ArrowPrimitiveType> Accumulator for Fixed<T> {
    fn resize(&mut self, slots: usize) {
        self.values.resize(slots.max(self.values.len()), None);
    }

    fn reserve(&mut self, slots: usize) {
        self.values.reserve_exact(slots.saturating_sub(self.values.len()));
    }

    fn reset(&mut self, group: u32) {
        self.values[group as usize] = None;
    }

    fn update(&mut self, groups: &[u32], values: Option<&ArrayRef>, _signs: Option<&[i64]>) {
        if let Some(values) = values.and_then(|v| self.carried(v)) {
            self.improve(groups, &values);
        }
    }

    fn merge(&mut self, groups: &[u32], state: &[ArrayRef]) {
        self.update(groups, state.first(), None);
    }

    fn state(&self, groups: &[u32], buffers: &CopyBuffers) -> Vec<ArrayRef> {
        vec![self.column(groups, buffers)]
    }

    fn result(&self, groups: &[u32]) -> ArrayRef {
        self.column(groups, &CopyBuffers::default())
    }

    fn bytes(&self) -> usize {
        self.values.capacity() * size_of::<Option<T::Native>>()
    }
}

/// Strings and binary.
struct Bytes<T: ByteArrayType> {
    values: Vec<Option<Box<T::Native>>>,
    value_bytes: usize,
    is_max: bool,
}

impl<T: ByteArrayType> Bytes<T> {
    const fn new(is_max: bool) -> Self {
        Self { values: Vec::new(), value_bytes: 0, is_max }
    }
}

impl<T> Accumulator for Bytes<T>
where
    T: ByteArrayType,
    T::Native: PartialOrd,
    Box<T::Native>: for<'a> From<&'a T::Native> + Send,
{
    fn resize(&mut self, slots: usize) {
        self.values.resize_with(slots.max(self.values.len()), || None);
    }

    fn reserve(&mut self, slots: usize) {
        self.values.reserve_exact(slots.saturating_sub(self.values.len()));
    }

    fn reset(&mut self, group: u32) {
        if let Some(old) = self.values[group as usize].take() {
            self.value_bytes -= size_of_val(&*old);
        }
    }

    fn update(&mut self, groups: &[u32], values: Option<&ArrayRef>, _signs: Option<&[i64]>) {
        let Some(values) = values.and_then(|v| v.as_bytes_opt::<T>()) else { return };
        for (i, group) in groups.iter().enumerate() {
            if values.is_null(i) {
                continue;
            }
            let (slot, value) = (&mut self.values[*group as usize], values.value(i));
            let is_better =
                slot.as_deref().is_none_or(|best| if self.is_max { value > best } else { value < best });
            if is_better {
                self.value_bytes += size_of_val(value);
                self.value_bytes -= slot.as_deref().map_or(0, size_of_val);
                *slot = Some(Box::from(value));
            }
        }
    }

    fn merge(&mut self, groups: &[u32], state: &[ArrayRef]) {
        self.update(groups, state.first(), None);
    }

    fn state(&self, groups: &[u32], _buffers: &CopyBuffers) -> Vec<ArrayRef> {
        vec![self.result(groups)]
    }

    fn result(&self, groups: &[u32]) -> ArrayRef {
        let mut builder = GenericByteBuilder::<T>::with_capacity(groups.len(), 0);
        for group in groups {
            builder.append_option(self.values[*group as usize].as_ref());
        }
        Arc::new(builder.finish())
    }

    fn bytes(&self) -> usize {
        self.values.capacity() * size_of::<Option<Box<T::Native>>>() + self.value_bytes
    }
}

#[cfg(test)]
#[path = "extreme_test.rs"]
mod tests;
