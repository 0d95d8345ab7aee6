//! What the state and the queues of a slot take in memory, against its budget.
//!
//! A slot's tasks add up after every batch what their operators hold, what is on its way to the bucket, and what waits in queues.
//! Operators that can spill stay below their share by themselves; whoever cannot, or does not get below, ends the job here, by
//! name and with advice, before the system ends the process without a word. Example: a budget of 1 GB, `Aggregate(k)` with
//! 900 MB and a window with 200 MB: `Aggregate(k)` is named.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::TaskError;

/// A slot's account. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct SlotMemory {
    /// `None`: nobody looks.
    budget: Option<usize>,
    /// Whether state may lie in a store, too.
    is_spilling: bool,
    held: Arc<Mutex<BTreeMap<usize, Held>>>,
}

/// What a task holds.
#[derive(Clone, Debug, Default)]
struct Held {
    /// Without what is on its way to the bucket.
    bytes: usize,
    being_stored: usize,
    /// Whether somebody stores that, so that the memory comes back.
    is_storing: bool,
    largest: usize,
    /// The operator with the most of it.
    operator: String,
}

/// A task's line in its slot's account, which ends with the task.
#[derive(Debug)]
pub(crate) struct TaskMemory {
    slot: SlotMemory,
    line: usize,
}

impl SlotMemory {
    pub(crate) fn new(budget: Option<usize>, is_spilling: bool) -> Self {
        Self { budget, is_spilling, held: Arc::default() }
    }

    /// A line for one of its tasks.
    pub(crate) fn task(&self) -> TaskMemory {
        let mut held = self.held();
        let line = held.last_key_value().map_or(0, |(last, _)| last + 1);
        held.insert(line, Held::default());
        TaskMemory { slot: self.clone(), line }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<usize, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TaskMemory {
    /// What the slot's tasks may hold together; `None`: nobody looks.
    pub(crate) const fn budget(&self) -> Option<usize> {
        self.slot.budget
    }

    /// Notes the bytes that are on their way to the bucket, and whether they are being stored or wait for the next barrier.
    pub(crate) fn note_copies(&self, being_stored: usize, is_storing: bool) {
        let mut held = self.slot.held();
        let own = held.entry(self.line).or_default();
        own.being_stored = being_stored;
        own.is_storing = is_storing;
    }

    /// Whether memory of the slot comes back without anybody's doing: a task, this or another one, has copies that are being stored.
    pub(crate) fn comes_back(&self) -> bool {
        self.slot.held().values().any(|held| held.is_storing && held.being_stored > 0)
    }

    /// Notes what the task's operators hold, each with its name, and the bytes in queues.
    ///
    /// # Errors
    /// The slot's budget is exceeded.
    pub(crate) fn hold<'a>(
        &self,
        operators: impl Iterator<Item = (&'a str, usize)>,
        queued: usize,
    ) -> Result<(), TaskError> {
        let Some(budget) = self.slot.budget else { return Ok(()) };
        let (mut bytes, mut largest) = (queued, ("", 0));
        for (name, held) in operators {
            bytes += held;
            if held > largest.1 {
                largest = (name, held);
            }
        }
        let mut held = self.slot.held();
        let own = held.entry(self.line).or_default();
        own.bytes = bytes;
        own.largest = largest.1;
        if own.operator != largest.0 {
            largest.0.clone_into(&mut own.operator);
        }
        let total: usize = held.values().map(|h| h.bytes + h.being_stored).sum();
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
        self.slot.held().remove(&self.line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream_model::ErrorKind;

    const MIB: usize = 1 << 20;

    #[test]
    fn the_operator_with_the_most_is_named_whoever_notices() {
        let slot = SlotMemory::new(Some(1_000 * MIB), false);
        let (first, second) = (slot.task(), slot.task());
        first.note_copies(30 * MIB, true);
        first.hold([("Aggregate(k)", 700 * MIB), ("Calc", 0)].into_iter(), 20 * MIB).unwrap();
        second.hold([("Window(k)", 250 * MIB)].into_iter(), 0).unwrap();
        let error = second.hold([("Window(k)", 251 * MIB)].into_iter(), 0).unwrap_err().into_job_error();
        assert_eq!(error.kind, ErrorKind::User, "a restart would end the same way");
        assert!(error.message.starts_with("Aggregate(k) holds 700.0 MiB of state, "), "{error}");
        for figure in ["1001.0 MiB", "1000.0 MiB", "30.0 MiB of it are on their way"] {
            assert!(error.message.contains(figure), "{error}");
        }
        drop(first);
        second.hold([("Window(k)", 999 * MIB)].into_iter(), MIB).unwrap();
    }

    #[test]
    fn copies_of_any_task_come_back_while_they_are_stored() {
        let slot = SlotMemory::new(Some(100 * MIB), true);
        let (source, aggregate) = (slot.task(), slot.task());
        aggregate.hold([("Aggregate(k)", 60 * MIB)].into_iter(), 0).unwrap();
        assert!(!source.comes_back());
        aggregate.note_copies(50 * MIB, true);
        source.hold(std::iter::empty(), MIB).unwrap_err();
        assert!(source.comes_back() && aggregate.comes_back());
        aggregate.note_copies(50 * MIB, false);
        assert!(!source.comes_back(), "they wait for a barrier");
        // Noted by whoever stores them, not only when the task has its next batch.
        aggregate.note_copies(0, true);
        assert!(!source.comes_back());
        source.hold(std::iter::empty(), MIB).unwrap();
    }

    #[test]
    fn the_advice_is_what_is_not_done_yet() {
        let advice = |is_spilling| {
            let task = SlotMemory::new(Some(MIB), is_spilling).task();
            task.hold([("Aggregate(k)", 2 * MIB)].into_iter(), 0).unwrap_err().to_string()
        };
        assert!(advice(false).contains("keep state in RocksDB") && !advice(false).contains("fixed-per-slot"));
        assert!(!advice(true).contains("keep state in RocksDB") && advice(true).contains("fixed-per-slot"));
    }

    #[test]
    fn without_a_budget_nobody_looks() {
        let slot = SlotMemory::new(None, false);
        slot.task().hold([("Aggregate(k)", usize::MAX)].into_iter(), 0).unwrap();
    }
}
