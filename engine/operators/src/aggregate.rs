//! The aggregate calls of an operator: their state for every group, and the number of rows of each group.
//!
//! This module owns what a batch of rows, or of partial states, does to the calls; [`stored`] what of it spills, and is frozen and
//! restored. Which key a group has, and what is emitted, belongs to the operators. Example: `COUNT(*), SUM(x) FILTER (WHERE y)` over two rows of one group, of which one has `y`,
//! leaves `rows 2`, the count 2 and the sum of one value.

mod accumulator;
mod count;
mod extreme;
mod kept_values;
mod last_write;
mod partial_table;
mod seen_values;
mod stored;
mod sum;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Int64Type};
use millstream_batch::StreamBatch;
use millstream_expr::AggregateKind;
use millstream_model::KeyGroupRange;
use millstream_plan::{AggregateCall, TtlTime, state_fields};
use millstream_state::{CopyBuffers, GroupTable, KeySets, StateError, ValueColumns};
use xxhash_rust::xxh3::xxh3_64;

pub(crate) use accumulator::Emptied;
use accumulator::{Accumulator, accumulator};
use kept_values::KeptValues;
pub(crate) use last_write::{LastWrites, with_last_write};
pub(crate) use partial_table::PartialTable;
use seen_values::SeenValues;

use crate::error::OperatorError;

/// One call with its state.
struct Call {
    spec: AggregateCall,
    accumulator: Box<dyn Accumulator>,
    /// Values with their counts, where the accumulator alone cannot know: DISTINCT, and extremes that may be retracted.
    kept: Option<KeptValues>,
    /// Whether its values are among those that [`Aggregates::seen`] keeps.
    is_sharing: bool,
}

/// Whether rows may be taken away again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changes {
    /// Rows are only added.
    AppendOnly,
    /// Rows may be retracted. A retraction of a row of an empty group is a counted no-op.
    Retracting,
    /// Rows may be retracted, also in another part of the group than the one that has them: counts may be below 0.
    RetractingParts,
}

/// The state of all calls, indexed by group number.
pub(crate) struct Aggregates {
    calls: Vec<Call>,
    /// What DISTINCT calls of lasting groups share.
    seen: Vec<SeenValues>,
    rows: Vec<i64>,
    changes: Changes,
    /// When each group was last written, if groups expire.
    last_writes: Option<LastWrites>,
}

/// Where a group's key and key group are found.
pub(crate) trait GroupKeys {
    fn key(&self, group: u32) -> &[u8];
    fn key_group(&self, group: u32) -> u16;
}

impl GroupKeys for GroupTable {
    fn key(&self, group: u32) -> &[u8] {
        Self::key(self, group)
    }

    fn key_group(&self, group: u32) -> u16 {
        Self::key_group(self, group)
    }
}

impl Aggregates {
    /// Empty state for these calls.
    ///
    /// # Errors
    /// [`OperatorError::Plan`] when a function does not take its argument.
    pub(crate) fn new(calls: &[AggregateCall], changes: Changes) -> Result<Self, OperatorError> {
        let emptied = if changes == Changes::Retracting { Emptied::IsEmpty } else { Emptied::IsPart };
        let mut identities = BTreeMap::<String, u32>::new();
        let call = |spec: &AggregateCall| {
            let needs_argument = spec.kind != AggregateKind::CountStar;
            if needs_argument != spec.argument.is_some() {
                return Err(OperatorError::Plan(format!("{} with the wrong number of arguments", spec.kind)));
            }
            let mut spec = spec.clone();
            let twins = identities.entry(spec.identity.clone()).or_default();
            *twins += 1;
            if *twins > 1 {
                spec.identity = format!("{}#{twins}", spec.identity);
            }
            Ok(Call {
                accumulator: accumulator(&spec, emptied)?,
                kept: KeptValues::for_call(kept_table_name(&spec), &spec, changes),
                is_sharing: false,
                spec,
            })
        };
        Ok(Self {
            calls: calls.iter().map(call).collect::<Result<_, _>>()?,
            seen: Vec::new(),
            rows: Vec::new(),
            changes,
            last_writes: None,
        })
    }

    /// Empty state for the same calls, which does not expire.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn new_empty(&self) -> Result<Self, OperatorError> {
        let calls: Vec<AggregateCall> = self.calls.iter().map(|call| call.spec.clone()).collect();
        Self::new(&calls, self.changes)
    }

    /// The same in groups that never end, nor expire: those of key groups `range`. Then DISTINCT over added rows need not count.
    pub(crate) fn in_lasting_groups(mut self, range: KeyGroupRange, max_parallelism: u32) -> Self {
        if self.changes != Changes::AppendOnly {
            return self;
        }
        let mut by_argument = BTreeMap::<usize, Vec<(usize, String)>>::new();
        for (place, call) in self.calls.iter_mut().enumerate() {
            let Some(argument) = call.spec.argument else { continue };
            if call.kept.take_if(|kept| kept.are_distinct()).is_some() {
                call.is_sharing = true;
                by_argument.entry(argument).or_default().push((place, kept_table_name(&call.spec)));
            }
        }
        for (argument, calls) in by_argument {
            let sets = calls.chunks(KeySets::MAX);
            self.seen.extend(sets.map(|calls| SeenValues::new(argument, calls, range, max_parallelism)));
        }
        self
    }

    /// The same with the time of the last write of each group.
    pub(crate) fn with_last_writes(self, time: TtlTime) -> Self {
        Self { last_writes: Some(LastWrites::new(time)), ..self }
    }

    /// When each group was last written, if groups expire.
    pub(crate) const fn last_writes(&self) -> Option<&LastWrites> {
        self.last_writes.as_ref()
    }

    /// The same, to be changed.
    pub(crate) const fn last_writes_mut(&mut self) -> Option<&mut LastWrites> {
        self.last_writes.as_mut()
    }

    /// Makes room for groups `0..slots`; new ones are empty.
    pub(crate) fn resize(&mut self, slots: usize) {
        if slots > self.rows.len() {
            self.rows.resize(slots, 0);
            self.calls.iter_mut().for_each(|c| c.accumulator.resize(slots));
            if let Some(writes) = &mut self.last_writes {
                writes.resize(slots);
            }
        }
    }

    /// Makes a group empty, values that it keeps beside its columns included, and says how many those were.
    ///
    /// # Errors
    /// [`StateError::Spill`].
    pub(crate) fn clear(&mut self, group: u32, key: &[u8], key_group: u16) -> Result<usize, StateError> {
        self.reset(group);
        let kept = self.calls.iter_mut().filter_map(|call| call.kept.as_mut());
        kept.map(|kept| kept.remove_group(key, key_group)).sum()
    }

    /// Number of rows of a group.
    pub(crate) fn rows(&self, group: u32) -> i64 {
        self.rows[group as usize]
    }

    /// Whether any call keeps values in order, so that cancelling changes before them pays.
    pub(crate) fn keeps_values(&self) -> bool {
        !self.seen.is_empty() || self.calls.iter().any(|c| c.kept.is_some())
    }

    /// Whether a group's state is all in its columns, so that partial states can be merged as columns.
    pub(crate) fn is_columnar(&self) -> bool {
        !self.keeps_values()
    }

    /// Applies a batch, of which row `i` belongs to `groups[i]`. Returns the number of retractions of rows of empty groups,
    /// which change nothing.
    ///
    /// # Errors
    /// [`OperatorError`] when the batch does not have the planned columns.
    pub(crate) fn update(
        &mut self,
        batch: &StreamBatch,
        groups: &[u32],
        keys: &dyn GroupKeys,
    ) -> Result<u64, OperatorError> {
        let Some(ops) = batch.ops() else {
            groups.iter().for_each(|g| self.rows[*g as usize] += 1);
            self.update_calls(batch, groups, None, keys)?;
            return Ok(0);
        };
        let signs: Vec<i64> = ops.iter().map(|op| op.sign()).collect();
        if self.changes == Changes::AppendOnly && signs.contains(&-1) {
            return Err(OperatorError::Plan(
                "a retraction reached an aggregate that was planned without".into(),
            ));
        }
        let found = self.count_rows(groups, &signs);
        let lost = (groups.len() - found.len()) as u64;
        if lost == 0 {
            self.update_calls(batch, groups, Some(&signs), keys)?;
            return Ok(0);
        }
        let of = |i: &u32| *i as usize;
        let found_groups: Vec<u32> = found.iter().map(|i| groups[of(i)]).collect();
        let found_signs: Vec<i64> = found.iter().map(|i| signs[of(i)]).collect();
        let rows = batch.take(&UInt32Array::from(found)).map_err(OperatorError::columns("leave rows out"))?;
        self.update_calls(&rows, &found_groups, Some(&found_signs), keys)?;
        Ok(lost)
    }

    /// Counts rows in their order and returns those that count: a retraction needs a row to retract, unless that may be in
    /// another part of the group.
    fn count_rows(&mut self, groups: &[u32], signs: &[i64]) -> Vec<u32> {
        let mut found = Vec::with_capacity(groups.len());
        for (i, (group, sign)) in groups.iter().zip(signs).enumerate() {
            let rows = &mut self.rows[*group as usize];
            if *sign > 0 || *rows > 0 || self.changes == Changes::RetractingParts {
                *rows += sign;
                found.push(i as u32);
            }
        }
        found
    }

    fn update_calls(
        &mut self,
        batch: &StreamBatch,
        groups: &[u32],
        signs: Option<&[i64]>,
        keys: &dyn GroupKeys,
    ) -> Result<(), OperatorError> {
        for seen in &mut self.seen {
            seen.update(&mut self.calls, batch, groups, keys)?;
        }
        for call in self.calls.iter_mut().filter(|call| !call.is_sharing) {
            let values = call.spec.argument.map(|column| batch.column(column));
            match call.spec.filter {
                None => call.update(groups, values, signs, keys)?,
                Some(column) => {
                    let mask = batch.column(column).as_boolean();
                    let kept: Vec<u32> = (0..mask.len())
                        .filter(|i| mask.is_valid(*i) && mask.value(*i))
                        .map(|i| i as u32)
                        .collect();
                    let of = |i: &u32| *i as usize;
                    let kept_groups: Vec<u32> = kept.iter().map(|i| groups[of(i)]).collect();
                    let kept_signs: Option<Vec<i64>> = signs.map(|s| kept.iter().map(|i| s[of(i)]).collect());
                    let rows = UInt32Array::from(kept);
                    let values = values
                        .map(|v| take(v, &rows, None))
                        .transpose()
                        .map_err(OperatorError::columns("filter the argument of an aggregate"))?;
                    call.update(&kept_groups, values.as_ref(), kept_signs.as_deref(), keys)?;
                }
            }
        }
        Ok(())
    }

    /// Merges partial rows, of which row `i` belongs to `groups[i]`: each call's state columns, then the number of rows.
    ///
    /// # Errors
    /// [`OperatorError::Plan`] when a column is missing.
    pub(crate) fn merge(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<(), OperatorError> {
        let mut rest = columns;
        for call in &mut self.calls {
            let width = state_fields(&call.spec).len();
            let Some((state, behind)) = rest.split_at_checked(width) else { return Err(missing_columns()) };
            call.accumulator.merge(groups, state);
            rest = behind;
        }
        let [rows] = rest else { return Err(missing_columns()) };
        for (group, count) in groups.iter().zip(rows.as_primitive::<Int64Type>().values()) {
            self.rows[*group as usize] += count;
        }
        Ok(())
    }

    /// Adds groups of another set of the same calls: `others[i]` of `other` becomes part of `groups[i]`.
    ///
    /// # Errors
    /// [`OperatorError`] when kept values are damaged.
    pub(crate) fn absorb(
        &mut self,
        groups: &[u32],
        keys: &dyn GroupKeys,
        (other, others, other_keys): (&Self, &[u32], &dyn GroupKeys),
    ) -> Result<(), OperatorError> {
        if !self.seen.is_empty() {
            return Err(OperatorError::Plan("groups that last are not parts of others".into()));
        }
        for (group, theirs) in groups.iter().zip(others) {
            self.rows[*group as usize] += other.rows[*theirs as usize];
        }
        for (call, theirs) in self.calls.iter_mut().zip(&other.calls) {
            match (&mut call.kept, &theirs.kept) {
                (Some(kept), Some(their_kept)) => {
                    let their_groups = others.iter().map(|g| (other_keys.key(*g), other_keys.key_group(*g)));
                    kept.absorb(&mut *call.accumulator, (groups, keys), their_kept, their_groups)?;
                }
                _ => {
                    call.accumulator.merge(groups, &theirs.accumulator.state(others, &CopyBuffers::default()))
                }
            }
        }
        Ok(())
    }

    /// Partial rows of groups: each call's state columns, then the number of rows.
    pub(crate) fn state(&self, groups: &[u32], buffers: &CopyBuffers) -> Vec<ArrayRef> {
        let mut columns: Vec<ArrayRef> =
            self.calls.iter().flat_map(|c| c.accumulator.state(groups, buffers)).collect();
        let rows: Int64Array = buffers.values(groups.iter().map(|g| self.rows[*g as usize]));
        columns.push(Arc::new(rows));
        columns
    }

    /// Results of groups, one column a call.
    pub(crate) fn results(&self, groups: &[u32]) -> Vec<ArrayRef> {
        self.calls.iter().map(|c| c.accumulator.result(groups)).collect()
    }
}

fn kept_table_name(call: &AggregateCall) -> String {
    format!("values-{:016x}", xxh3_64(call.identity.as_bytes()))
}

fn missing_columns() -> OperatorError {
    OperatorError::Plan("partial rows do not have the columns of their calls".into())
}

impl Call {
    fn update(
        &mut self,
        groups: &[u32],
        values: Option<&ArrayRef>,
        signs: Option<&[i64]>,
        keys: &dyn GroupKeys,
    ) -> Result<(), OperatorError> {
        match (&mut self.kept, values) {
            (Some(kept), Some(values)) => kept.update(&mut *self.accumulator, groups, values, signs, keys),
            _ => {
                self.accumulator.update(groups, values, signs);
                Ok(())
            }
        }
    }
}

impl ValueColumns for Aggregates {
    /// Named by what each call computes: state outlives the names that a query gives to its results, and calls beside it.
    fn fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        for call in &self.calls {
            fields.extend(state_fields(&call.spec));
        }
        fields.push(Field::new("rows", DataType::Int64, true));
        fields.extend(self.last_writes.as_ref().map(LastWrites::field));
        fields
    }

    fn gather(&self, groups: &[u32], buffers: &CopyBuffers) -> Vec<ArrayRef> {
        let mut columns = self.state(groups, buffers);
        columns.extend(self.last_writes.as_ref().map(|writes| writes.gather(groups, buffers)));
        columns
    }

    fn reset(&mut self, group: u32) {
        self.rows[group as usize] = 0;
        self.calls.iter_mut().for_each(|c| c.accumulator.reset(group));
        if let Some(writes) = &mut self.last_writes {
            writes.reset(group);
        }
    }

    fn load(&mut self, slots: usize, groups: &[u32], columns: &[ArrayRef]) -> Result<(), StateError> {
        self.resize(slots);
        groups.iter().for_each(|g| self.reset(*g));
        let mut columns = columns;
        if let (Some(writes), Some((times, rest))) = (&mut self.last_writes, columns.split_last()) {
            writes.load(groups, times);
            columns = rest;
        }
        self.merge(groups, columns).map_err(|e| StateError::Damaged(e.to_string()))
    }

    fn reserve(&mut self, slots: usize) {
        self.rows.reserve_exact(slots.saturating_sub(self.rows.len()));
        self.calls.iter_mut().for_each(|c| c.accumulator.reserve(slots));
        if let Some(writes) = &mut self.last_writes {
            writes.reserve(slots);
        }
    }

    fn bytes(&self) -> usize {
        self.rows.capacity() * 8
            + self.last_writes.as_ref().map_or(0, LastWrites::bytes)
            + self.calls.iter().map(|c| c.accumulator.bytes()).sum::<usize>()
    }
}
