//! Routing of rows to target subtasks: hash once, counting sort, one move, slices.
//!
//! Example: targets `[1, 0, 1]` of 2 move the rows to the places `[1, 0, 2]`, and cut them into `[0, 1)` for target 0, `[1, 3)` for 1.

use arrow::array::ArrayRef;
use arrow::error::ArrowError;
use millstream_model::key_group::{KeyGroup, key_group_of, subtask_of};

use crate::key_encoding::{KeyError, encode_keys};
use crate::stream_batch::StreamBatch;

/// Sends rows to subtasks by the key group of their key columns.
#[derive(Clone, Debug)]
pub struct Partitioner {
    columns: Vec<usize>,
    parallelism: u32,
    max_parallelism: u32,
    /// The subtask of each key group.
    subtasks: Vec<u32>,
}

impl Partitioner {
    /// Routing by `columns` to `parallelism` subtasks that share `max_parallelism` key groups.
    #[must_use]
    pub fn new(columns: Vec<usize>, parallelism: u32, max_parallelism: u32) -> Self {
        let groups = 0..KeyGroup::try_from(max_parallelism).unwrap_or(KeyGroup::MAX);
        let subtasks = groups.map(|group| subtask_of(group, parallelism, max_parallelism)).collect();
        Self { columns, parallelism, max_parallelism, subtasks }
    }

    /// The same batch with the hash of its key, computed unless it is there already.
    ///
    /// # Errors
    /// When a key column's type cannot be a key.
    pub fn with_hash(&self, batch: StreamBatch) -> Result<StreamBatch, KeyError> {
        let columns: Vec<ArrayRef> = self.columns.iter().map(|c| batch.column(*c).clone()).collect();
        let hashes = encode_keys(&columns, batch.num_rows())?.hashes();
        Ok(batch.with_key_hash(Some(hashes.into())))
    }

    /// The batch cut by target subtask: `(target, rows)`, targets ascending, rows in their order, empty ones left out.
    /// The rows carry their key hash.
    ///
    /// # Errors
    /// When a key column's type cannot be a key.
    pub fn partition(&self, batch: StreamBatch) -> Result<Vec<(u32, StreamBatch)>, PartitionError> {
        let batch = self.with_hash(batch)?;
        if self.parallelism == 1 {
            return Ok(vec![(0, batch)]);
        }
        let subtask = |hash: &u64| self.subtasks[usize::from(key_group_of(*hash, self.max_parallelism))];
        let targets: Vec<u32> = batch.key_hash().map(|h| h.iter().map(subtask).collect()).unwrap_or_default();
        Ok(split_by_target(&batch, &targets, self.parallelism)?)
    }
}

/// Why a batch could not be partitioned.
#[derive(Debug, thiserror::Error)]
pub enum PartitionError {
    /// The key could not be encoded.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The rows could not be moved.
    #[error("move rows by target")]
    Move(#[from] ArrowError),
}

/// Cuts a batch by the given target of each row.
///
/// # Errors
/// When the rows cannot be moved.
pub fn split_by_target(
    batch: &StreamBatch,
    targets: &[u32],
    parallelism: u32,
) -> Result<Vec<(u32, StreamBatch)>, ArrowError> {
    let mut starts = vec![0_u32; parallelism as usize + 1];
    for target in targets {
        starts[*target as usize + 1] += 1;
    }
    for i in 0..parallelism as usize {
        starts[i + 1] += starts[i];
    }
    let non_empty = (0..parallelism as usize).filter(|t| starts[*t] < starts[t + 1]);
    if let [only] = non_empty.clone().collect::<Vec<_>>()[..] {
        return Ok(vec![(only as u32, batch.clone())]);
    }
    let mut next = starts.clone();
    let place = |target: &u32| {
        let next = &mut next[*target as usize];
        std::mem::replace(next, *next + 1)
    };
    let moved = batch.scatter(&targets.iter().map(place).collect::<Vec<_>>())?;
    Ok(non_empty
        .map(|t| (t as u32, moved.slice(starts[t] as usize, (starts[t + 1] - starts[t]) as usize)))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array, RecordBatch};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};

    use super::*;

    fn batch(values: Vec<i64>) -> StreamBatch {
        let schema = Arc::new(Schema::new(vec![Field::new("k", DataType::Int64, false)]));
        StreamBatch::new(RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(values))]).unwrap())
    }

    fn values(b: &StreamBatch) -> Vec<i64> {
        b.column(0).as_primitive::<Int64Type>().values().to_vec()
    }

    #[test]
    fn rows_keep_their_order_within_a_target() {
        let parts = split_by_target(&batch(vec![10, 11, 12]), &[1, 0, 1], 3).unwrap();
        assert_eq!(
            parts.iter().map(|(t, b)| (*t, values(b))).collect::<Vec<_>>(),
            [(0, vec![11]), (1, vec![10, 12])]
        );
    }

    #[test]
    fn every_row_arrives_once_and_equal_keys_meet() {
        let keys: Vec<i64> = (0..1000).map(|i| i % 37).collect();
        for parallelism in [1, 2, 3, 7] {
            let parts = Partitioner::new(vec![0], parallelism, 256).partition(batch(keys.clone())).unwrap();
            let mut owner = std::collections::HashMap::new();
            let mut count = 0;
            for (target, part) in &parts {
                assert_eq!(part.key_hash().unwrap().len(), part.num_rows());
                for key in values(part) {
                    assert_eq!(*owner.entry(key).or_insert(*target), *target);
                    count += 1;
                }
            }
            assert_eq!(count, 1000);
        }
    }

    #[test]
    fn an_empty_batch_goes_nowhere_it_matters() {
        let parts = Partitioner::new(vec![0], 4, 256).partition(batch(vec![])).unwrap();
        assert_eq!(parts.iter().map(|p| p.1.num_rows()).sum::<usize>(), 0);
    }
}
