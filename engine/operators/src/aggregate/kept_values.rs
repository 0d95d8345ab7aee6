//! Values with their counts, for calls whose accumulator alone cannot take a value away: DISTINCT needs to know whether an
//! equal value is left, a retracted MIN or MAX which value is the next.
//!
//! Example: `COUNT(DISTINCT x)` over `+a +a -a` counts 1: only the steps of a value's count from 0 to 1 and back reach the
//! accumulator.

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use millstream_batch::{decode_keys, encode_keys};
use millstream_expr::AggregateKind;
use millstream_plan::AggregateCall;
use millstream_state::{CountChange, SideTable, SortedMap, StateError};

use crate::aggregate::accumulator::Accumulator;
use crate::aggregate::{Changes, GroupKeys};
use crate::error::OperatorError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Distinct,
    Min,
    Max,
}

/// The values of one call, by group, with counts and in order.
#[derive(Debug)]
pub(crate) struct KeptValues {
    map: SortedMap,
    purpose: Purpose,
    value_type: [DataType; 1],
}

impl KeptValues {
    /// An empty set of values if the call needs one. DISTINCT has no meaning for MIN and MAX.
    pub(crate) fn for_call(name: String, call: &AggregateCall, changes: Changes) -> Option<Self> {
        let purpose = match call.kind {
            AggregateKind::Min if changes != Changes::AppendOnly => Purpose::Min,
            AggregateKind::Max if changes != Changes::AppendOnly => Purpose::Max,
            AggregateKind::Count | AggregateKind::Sum | AggregateKind::Avg if call.is_distinct => {
                Purpose::Distinct
            }
            _ => return None,
        };
        let map = SortedMap::new(name);
        let map = match changes {
            // A value that was seen, and is never taken away, has been there once.
            Changes::AppendOnly => map.with_unknown_count(1),
            _ => map,
        };
        Some(Self { map, purpose, value_type: [call.argument_type.clone()] })
    }

    /// Whether they are there for DISTINCT.
    pub(crate) fn are_distinct(&self) -> bool {
        self.purpose == Purpose::Distinct
    }

    /// Counts the values and passes on to the accumulator what they change.
    pub(crate) fn update(
        &mut self,
        accumulator: &mut dyn Accumulator,
        groups: &[u32],
        values: &ArrayRef,
        signs: Option<&[i64]>,
        keys: &dyn GroupKeys,
    ) -> Result<(), OperatorError> {
        let encoded = encode_keys(std::slice::from_ref(values), values.len())?;
        let mut steps = Steps::default();
        let valid = || groups.iter().enumerate().filter(|(row, _)| values.is_valid(*row));
        self.map.load(valid().map(|(row, g)| (keys.key_group(*g), keys.key(*g), encoded.get(row))))?;
        for (row, group) in valid() {
            let sign = signs.map_or(1, |s| s[row]);
            let change = self.map.add(keys.key(*group), encoded.get(row), keys.key_group(*group), sign);
            steps.note(row, *group, change);
        }
        let rows = UInt32Array::from(std::mem::take(&mut steps.rows));
        let changed = take(values, &rows, None).map_err(OperatorError::columns("gather changed values"))?;
        self.pass_on(accumulator, &steps, &changed, keys)
    }

    /// Adds the values of groups of another set: the group of `theirs[i]` becomes part of `groups[i]`.
    pub(crate) fn absorb<'a>(
        &mut self,
        accumulator: &mut dyn Accumulator,
        (groups, keys): (&[u32], &dyn GroupKeys),
        other: &Self,
        theirs: impl Iterator<Item = (&'a [u8], u16)>,
    ) -> Result<(), OperatorError> {
        let mut added = Vec::new();
        for (group, (their_key, their_key_group)) in groups.iter().zip(theirs) {
            other.map.visit_group(their_key, their_key_group, &mut |value, count| {
                added.push((*group, value.to_vec(), count));
            })?;
        }
        self.map.load(added.iter().map(|(g, value, _)| (keys.key_group(*g), keys.key(*g), &value[..])))?;
        let (mut steps, mut changed) = (Steps::default(), Vec::new());
        for (group, value, count) in added {
            let change = self.map.add(keys.key(group), &value, keys.key_group(group), count);
            if steps.note(0, group, change) {
                changed.push(value);
            }
        }
        let changed = decode_keys(changed.iter().map(Vec::as_slice), &self.value_type)?.remove(0);
        self.pass_on(accumulator, &steps, &changed, keys)
    }

    fn pass_on(
        &self,
        accumulator: &mut dyn Accumulator,
        steps: &Steps,
        changed: &ArrayRef,
        keys: &dyn GroupKeys,
    ) -> Result<(), OperatorError> {
        if self.purpose == Purpose::Distinct {
            accumulator.update(&steps.groups, Some(changed), Some(&steps.signs));
            return Ok(());
        }
        if !steps.signs.contains(&-1) {
            accumulator.update(&steps.groups, Some(changed), None);
            return Ok(());
        }
        // Something went: look the extremes of the groups up. Once each, however many of their values changed.
        let mut groups = steps.groups.clone();
        groups.sort_unstable();
        groups.dedup();
        let (mut found, mut extremes) = (Vec::new(), Vec::new());
        for group in groups {
            accumulator.reset(group);
            let (key, key_group) = (keys.key(group), keys.key_group(group));
            let extreme = match self.purpose {
                Purpose::Min => self.map.first(key, key_group)?,
                _ => self.map.last(key, key_group)?,
            };
            if let Some(extreme) = extreme {
                found.push(group);
                extremes.push(extreme);
            }
        }
        let extremes = decode_keys(extremes.iter().map(Vec::as_slice), &self.value_type)?.remove(0);
        accumulator.update(&found, Some(&extremes), None);
        Ok(())
    }

    /// Forgets a group's values, and says how many there were.
    pub(crate) fn remove_group(&mut self, key: &[u8], key_group: u16) -> Result<usize, StateError> {
        self.map.remove_group(key, key_group)
    }

    pub(crate) fn table(&self) -> &dyn SideTable {
        &self.map
    }

    pub(crate) fn table_mut(&mut self) -> &mut dyn SideTable {
        &mut self.map
    }
}

/// Values that appeared (+1) or disappeared (-1).
#[derive(Debug, Default)]
struct Steps {
    rows: Vec<u32>,
    groups: Vec<u32>,
    signs: Vec<i64>,
}

impl Steps {
    /// Notes a change of a count if the value appears or disappears by it.
    fn note(&mut self, row: usize, group: u32, change: CountChange) -> bool {
        let (was, is) = (change.before > 0, change.after > 0);
        if was != is {
            self.rows.push(row as u32);
            self.groups.push(group);
            self.signs.push(if is { 1 } else { -1 });
        }
        was != is
    }
}
