//! What the state and the queues of a slot take in memory, against its budget.
//!
//! A slot's tasks add up after every batch what their operators hold, what is on its way to the bucket, and what waits in queues.
//! Operators that can spill stay below their share by themselves; whoever cannot, or does not get below, ends the job here, by
//! name and with advice, before the system ends the process without a word. Example: a budget of 1 GB, `Aggregate(k)` with
//! 900 MB and a window with 200 MB: `Aggregate(k)` is named.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millstream_model::SubtaskId;

use crate::error::TaskError;

/// A slot's account. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct SlotMemory {
    /// `None`: nobody looks.
    budget: Option<usize>,
    /// Whether state may lie in a store, too.
    is_spilling: bool,
    held: Arc<Mutex<BTreeMap<SubtaskId, Held>>>,
}

/// What a task holds.
#[derive(Clone, Debug, Default)]
struct Held {
    bytes: usize,
    /// The part of it that is on its way to the bucket.
    being_stored: usize,
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
    pub(crate) fn new(budget: Option<usize>, is_spilling: bool) -> Self {
        Self { budget, is_spilling, held: Arc::default() }
    }

    /// What its tasks may hold together; `None`: nobody looks.
    pub(crate) const fn budget(&self) -> Option<usize> {
        self.budget
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
    /// Notes what the task's operators hold, each with its name, and the bytes that are on their way to the bucket and in queues.
    ///
    /// # Errors
    /// The slot's budget is exceeded.
    pub(crate) fn hold<'a>(
        &self,
        operators: impl Iterator<Item = (&'a str, usize)>,
        being_stored: usize,
        queued: usize,
    ) -> Result<(), TaskError> {
        let Some(budget) = self.slot.budget else { return Ok(()) };
        let (mut bytes, mut largest) = (being_stored + queued, ("", 0));
        for (name, held) in operators {
            bytes += held;
            if held > largest.1 {
                largest = (name, held);
            }
        }
        let mut held = self.slot.held();
        let own = held.entry(self.subtask).or_default();
        own.bytes = bytes;
        own.being_stored = being_stored;
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
            being_stored_bytes: held.values().map(|h| h.being_stored).sum(),
            budget_bytes: budget,
            is_spilling: self.slot.is_spilling,
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
        let slot = SlotMemory::new(Some(1_000 * MIB), false);
        let (first, second) = (slot.task(subtask(0)), slot.task(subtask(1)));
        first.hold([("Aggregate(k)", 700 * MIB), ("Calc", 0)].into_iter(), 30 * MIB, 20 * MIB).unwrap();
        second.hold([("Window(k)", 250 * MIB)].into_iter(), 0, 0).unwrap();
        let error = second.hold([("Window(k)", 251 * MIB)].into_iter(), 0, 0).unwrap_err().into_job_error();
        assert_eq!(error.kind, ErrorKind::User, "a restart would end the same way");
        assert!(error.message.starts_with("Aggregate(k) holds 700.0 MiB of state, "), "{error}");
        for figure in ["1001.0 MiB", "1000.0 MiB", "30.0 MiB of it are on their way"] {
            assert!(error.message.contains(figure), "{error}");
        }
        drop(first);
        second.hold([("Window(k)", 999 * MIB)].into_iter(), 0, MIB).unwrap();
    }

    #[test]
    fn the_advice_is_what_is_not_done_yet() {
        let advice = |is_spilling| {
            let task = SlotMemory::new(Some(MIB), is_spilling).task(subtask(0));
            task.hold([("Aggregate(k)", 2 * MIB)].into_iter(), 0, 0).unwrap_err().to_string()
        };
        assert!(advice(false).contains("keep state in RocksDB") && !advice(false).contains("fixed-per-slot"));
        assert!(!advice(true).contains("keep state in RocksDB") && advice(true).contains("fixed-per-slot"));
    }

    #[test]
    fn without_a_budget_nobody_looks() {
        let slot = SlotMemory::new(None, false);
        slot.task(subtask(0)).hold([("Aggregate(k)", usize::MAX)].into_iter(), 0, 0).unwrap();
    }
}
