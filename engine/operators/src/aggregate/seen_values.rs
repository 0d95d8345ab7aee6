//! The values that lasting groups of an append-only aggregate have had, for the DISTINCT calls over one argument: a value is there
//! or not, and once it is there nothing takes it away, so neither a checkpoint nor a spill writes it again.
//!
//! The calls share one set of keys, since most values are in several of them. A key is a group's key and the encoded value behind
//! it, as in a `SortedMap`, which restores the same rows. Example: `COUNT(DISTINCT x), COUNT(DISTINCT x) FILTER (WHERE y)` over
//! `(5, y) (3, not y) (5, y)` keeps two values, and 5 with a bit for each call.

use arrow::array::{Array as _, ArrayRef, AsArray as _, UInt32Array};
use arrow::compute::take;
use millstream_batch::{EncodedKeys, StreamBatch, encode_keys};
use millstream_model::KeyGroupRange;
use millstream_state::{KeySets, SideTable};

use crate::aggregate::{Call, GroupKeys};
use crate::error::OperatorError;

/// The values of the calls over one argument.
#[derive(Debug)]
pub(crate) struct SeenValues {
    /// Column of the argument.
    argument: usize,
    /// Places of the calls among all of the operator; the place in this list is a call's bit.
    calls: Vec<usize>,
    sets: KeySets,
}

impl SeenValues {
    /// For calls, given by their places and the names of their tables, over this argument.
    pub(crate) fn new(
        argument: usize,
        calls: &[(usize, String)],
        range: KeyGroupRange,
        max_parallelism: u32,
    ) -> Self {
        let (calls, names) = calls.iter().cloned().unzip();
        Self { argument, calls, sets: KeySets::new(names, range, max_parallelism) }
    }

    /// Passes on to the accumulators of its calls the values that their groups have not had before. Row `i` belongs to
    /// `groups[i]`.
    pub(crate) fn update(
        &mut self,
        all_calls: &mut [Call],
        batch: &StreamBatch,
        groups: &[u32],
        keys: &dyn GroupKeys,
    ) -> Result<(), OperatorError> {
        let values = batch.column(self.argument);
        let (rows, mut wanted) = self.wanted(all_calls, batch, values);
        let encoded = encode_keys(std::slice::from_ref(values), values.len())?;
        let mut joined = EncodedKeys::default();
        rows.iter().for_each(|row| joined.push(&[keys.key(groups[*row]), encoded.get(*row)]));
        let key_groups = rows.iter().map(|row| keys.key_group(groups[*row]));
        self.sets.add(&joined, key_groups, &mut wanted)?;
        for (bit, call) in self.calls.iter().enumerate() {
            let is_new = |at: &usize| wanted[*at] & (1 << bit) != 0;
            let new: Vec<u32> = (0..rows.len()).filter(is_new).map(|at| rows[at] as u32).collect();
            if new.is_empty() {
                continue;
            }
            let groups: Vec<u32> = new.iter().map(|row| groups[*row as usize]).collect();
            let values = take(values, &UInt32Array::from(new), None);
            let values = values.map_err(OperatorError::columns("gather new values"))?;
            all_calls[*call].accumulator.update(&groups, Some(&values), None);
        }
        Ok(())
    }

    /// Rows, ascending, with a value that some call counts, and the bits of the calls that do.
    fn wanted(&self, all_calls: &[Call], batch: &StreamBatch, values: &ArrayRef) -> (Vec<usize>, Vec<u8>) {
        let mut wanted = vec![0_u8; values.len()];
        for (bit, call) in self.calls.iter().enumerate() {
            match all_calls[*call].spec.filter {
                None => wanted.iter_mut().for_each(|bits| *bits |= 1 << bit),
                Some(column) => {
                    let mask = batch.column(column).as_boolean();
                    for (row, bits) in wanted.iter_mut().enumerate() {
                        *bits |= u8::from(mask.is_valid(row) && mask.value(row)) << bit;
                    }
                }
            }
        }
        let counts = |(row, bits): &(usize, u8)| *bits != 0 && values.is_valid(*row);
        wanted.into_iter().enumerate().filter(counts).unzip()
    }

    pub(crate) fn table(&self) -> &dyn SideTable {
        &self.sets
    }

    pub(crate) fn table_mut(&mut self) -> &mut dyn SideTable {
        &mut self.sets
    }
}
