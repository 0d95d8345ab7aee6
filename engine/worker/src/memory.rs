//! What the state in a slot takes in memory, against its budget.
//!
//! A slot's tasks add up what their operators hold after every batch. Operators that can spill stay below their share by
//! themselves; whoever cannot, or does not get below, ends the job here, by name and with advice, before the system ends the
//! process without a word. Example: a budget of 1 GB, `Aggregate(k)` with 900 MB and a window with 200 MB: `Aggregate(k)` is
//! named.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millstream_model::SubtaskId;

use crate::error::TaskError;

/// A slot's account. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct SlotMemory {
    /// `None`: nobody looks.
    budget: Option<usize>,
    held: Arc<Mutex<BTreeMap<SubtaskId, Held>>>,
}

/// What a task holds.
#[derive(Clone, Debug, Default)]
struct Held {
    bytes: usize,
    largest: usize,
    /// The operator with the most of it.
    operator: String,
}

/// A task's line in its slot's account, which ends with the task.
#[derive(Debug)]
pub(crate) struct TaskMemory {
    slot: SlotMemory,
    subtask: SubtaskId,
}

impl SlotMemory {
    pub(crate) fn new(budget: Option<usize>) -> Self {
        Self { budget, held: Arc::default() }
    }

    /// The account of one of its tasks.
    pub(crate) fn task(&self, subtask: SubtaskId) -> TaskMemory {
        TaskMemory { slot: self.clone(), subtask }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<SubtaskId, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TaskMemory {
    /// Notes what the task's operators hold, each with its name, and `waiting` bytes that are on their way to the bucket.
    ///
    /// # Errors
    /// The slot's budget is exceeded.
    pub(crate) fn hold<'a>(
        &self,
        operators: impl Iterator<Item = (&'a str, usize)>,
        waiting: usize,
    ) -> Result<(), TaskError> {
        let Some(budget) = self.slot.budget else { return Ok(()) };
        let (mut bytes, mut largest) = (waiting, ("", 0));
        for (name, held) in operators {
            bytes += held;
            if held > largest.1 {
                largest = (name, held);
            }
        }
        let mut held = self.slot.held();
        let own = held.entry(self.subtask).or_default();
        own.bytes = bytes;
        own.largest = largest.1;
        if own.operator != largest.0 {
            largest.0.clone_into(&mut own.operator);
        }
        let total: usize = held.values().map(|h| h.bytes).sum();
        if total <= budget {
            return Ok(());
        }
        let largest = held.values().max_by_key(|h| h.largest).cloned().unwrap_or_default();
        Err(TaskError::Memory {
            operator: largest.operator,
            bytes: largest.largest,
            slot_bytes: total,
            budget_bytes: budget,
        })
    }
}

impl Drop for TaskMemory {
    fn drop(&mut self) {
        self.slot.held().remove(&self.subtask);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream_model::{ChainId, ErrorKind};

    const MIB: usize = 1 << 20;

    fn subtask(chain: u32) -> SubtaskId {
        SubtaskId { chain: ChainId(chain), index: 0 }
    }

    #[test]
    fn the_operator_with_the_most_is_named_whoever_notices() {
        let slot = SlotMemory::new(Some(1_000 * MIB));
        let (first, second) = (slot.task(subtask(0)), slot.task(subtask(1)));
        first.hold([("Aggregate(k)", 700 * MIB), ("Calc", 0)].into_iter(), 50 * MIB).unwrap();
        second.hold([("Window(k)", 250 * MIB)].into_iter(), 0).unwrap();
        let error = second.hold([("Window(k)", 251 * MIB)].into_iter(), 0).unwrap_err().into_job_error();
        assert_eq!(error.kind, ErrorKind::User, "a restart would end the same way");
        assert!(error.message.starts_with("Aggregate(k) holds 700.0 MiB of state, "), "{error}");
        assert!(error.message.contains("1001.0 MiB") && error.message.contains("1000.0 MiB"), "{error}");
        drop(first);
        second.hold([("Window(k)", 999 * MIB)].into_iter(), MIB).unwrap();
    }

    #[test]
    fn without_a_budget_nobody_looks() {
        let slot = SlotMemory::new(None);
        slot.task(subtask(0)).hold([("Aggregate(k)", usize::MAX)].into_iter(), 0).unwrap();
    }
}
