//! `COUNT(*)` and `COUNT(x)`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::Int64Type;
use millstream_state::CopyBuffers;

use crate::aggregate::accumulator::Accumulator;

/// Counts of rows, or of values that are not NULL.
#[derive(Debug, Default)]
pub(crate) struct Count {
    counts: Vec<i64>,
}

impl Accumulator for Count {
    fn resize(&mut self, slots: usize) {
        self.counts.resize(slots.max(self.counts.len()), 0);
    }

    fn reserve(&mut self, slots: usize) {
        self.counts.reserve_exact(slots.saturating_sub(self.counts.len()));
    }

    fn reset(&mut self, group: u32) {
        self.counts[group as usize] = 0;
    }

    fn update(&mut self, groups: &[u32], values: Option<&ArrayRef>, signs: Option<&[i64]>) {
        let sign = |i: usize| signs.map_or(1, |s| s[i]);
        match values.and_then(|v| v.nulls()) {
            None => {
                for (i, group) in groups.iter().enumerate() {
                    self.counts[*group as usize] += sign(i);
                }
            }
            Some(nulls) => {
                for (i, group) in groups.iter().enumerate() {
                    self.counts[*group as usize] += if nulls.is_valid(i) { sign(i) } else { 0 };
                }
            }
        }
    }

    fn merge(&mut self, groups: &[u32], state: &[ArrayRef]) {
        for (group, count) in groups.iter().zip(state[0].as_primitive::<Int64Type>()) {
            self.counts[*group as usize] += count.unwrap_or(0);
        }
    }

    fn state(&self, groups: &[u32], buffers: &CopyBuffers) -> Vec<ArrayRef> {
        let counts: Int64Array = buffers.values(groups.iter().map(|g| self.counts[*g as usize]));
        vec![Arc::new(counts)]
    }

    fn result(&self, groups: &[u32]) -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(groups.iter().map(|g| self.counts[*g as usize])))
    }

    fn bytes(&self) -> usize {
        self.counts.capacity() * 8
    }
}
