//! When to look at a key because one of its sessions may be over.
//!
//! A timer is a promise that no session of the key ends earlier; sessions grow without touching it. When it is due, the key's
//! sessions are looked at, and the next timer is set to the first end that is left. So a session costs one timer when it begins
//! and one look each time that it has outlived its timer. A timer whose key is gone, or has a later one, does no harm.
//!
//! Timers are derived from sessions and are in no checkpoint. Beyond a budget they lie in a store, in the order of their times,
//! under `table, time, key group, key`: whatever is due is one range. Example: a session `[0, 10)` sets a timer at 10 s; rows make
//! it `[0, 15)`; at the watermark 9.999 s the key is looked at and the timer set to 15 s.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use millstream_model::Watermark;
use millstream_model::key_group::KeyGroup;
use millstream_state::{ScanOrder, StateError, TableSpill};

/// Bytes of a tree's entry, beside the key: by estimate.
const ENTRY_BYTES: usize = 64;
/// Bytes of a stored timer before the key: table, time, key group.
const PREFIX_BYTES: usize = 11;

/// A time at which to look at a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timer {
    /// End of a session.
    pub(crate) at: i64,
    pub(crate) key_group: KeyGroup,
    pub(crate) key: Box<[u8]>,
}

/// All timers of a subtask.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    /// Those in memory.
    held: BTreeSet<Timer>,
    held_bytes: usize,
    spilled: Option<Spilled>,
}

#[derive(Debug)]
struct Spilled {
    spill: TableSpill,
    /// No timer in the store is earlier; `None`: there is none.
    earliest: Option<i64>,
}

impl Timers {
    /// From now on, timers beyond the budget lie in the store.
    pub(crate) fn spill_to(&mut self, spill: TableSpill) {
        self.spilled = Some(Spilled { spill, earliest: None });
    }

    /// Sets a timer.
    ///
    /// # Errors
    /// [`StateError::Spill`].
    pub(crate) fn set(&mut self, timer: Timer) -> Result<(), StateError> {
        let bytes = timer.bytes();
        if self.held.insert(timer) {
            self.held_bytes += bytes;
        }
        match &mut self.spilled {
            Some(spilled) if self.held_bytes > spilled.spill.budget => {
                self.held_bytes = 0;
                spilled.put(&std::mem::take(&mut self.held))
            }
            _ => Ok(()),
        }
    }

    /// Whether the watermark closes what some timer waits for. Those in the store may be later than this says.
    pub(crate) fn has_due(&self, watermark: Watermark) -> bool {
        let held = self.held.first().map(|timer| timer.at);
        let spilled = self.spilled.as_ref().and_then(|spilled| spilled.earliest);
        held.into_iter().chain(spilled).any(|at| watermark.closes(at))
    }

    /// Takes up to `limit` timers that are due: earlier ones first, of those in memory or of those in the store.
    ///
    /// # Errors
    /// [`StateError::Spill`].
    pub(crate) fn take_due(&mut self, watermark: Watermark, limit: usize) -> Result<Vec<Timer>, StateError> {
        let mut due = Vec::new();
        while due.len() < limit
            && let Some(timer) = self.held.pop_first()
        {
            if !watermark.closes(timer.at) {
                self.held.insert(timer);
                break;
            }
            self.held_bytes -= timer.bytes();
            due.push(timer);
        }
        if let Some(spilled) = &mut self.spilled
            && due.is_empty()
        {
            return spilled.take_due(watermark, limit);
        }
        Ok(due)
    }

    /// Allocated bytes, by estimate.
    pub(crate) const fn bytes(&self) -> usize {
        self.held_bytes
    }
}

impl Timer {
    fn bytes(&self) -> usize {
        ENTRY_BYTES + self.key.len()
    }

    fn stored(&self, table: u8) -> Vec<u8> {
        let mut bytes = time_prefix(table, self.at);
        bytes.extend_from_slice(&self.key_group.to_be_bytes());
        bytes.extend_from_slice(&self.key);
        bytes
    }

    /// `None` for what is no stored timer.
    fn of_stored(bytes: &[u8]) -> Option<Self> {
        let ([_, time @ .., high, low], key) = bytes.split_first_chunk::<PREFIX_BYTES>()?;
        let at = (u64::from_be_bytes(*time) ^ (1 << 63)) as i64;
        Some(Self { at, key_group: KeyGroup::from_be_bytes([*high, *low]), key: key.into() })
    }
}

fn time_prefix(table: u8, at: i64) -> Vec<u8> {
    let mut bytes = vec![table];
    bytes.extend_from_slice(&((at as u64) ^ (1 << 63)).to_be_bytes());
    bytes
}

impl Spilled {
    fn put(&mut self, timers: &BTreeSet<Timer>) -> Result<(), StateError> {
        let keys: Vec<Vec<u8>> = timers.iter().map(|timer| timer.stored(self.spill.table)).collect();
        let changes: Vec<_> = keys.iter().map(|key| (&key[..], Some(&[][..]))).collect();
        self.spill.store.write(&changes)?;
        let first = timers.first().map(|timer| timer.at);
        self.earliest = self.earliest.into_iter().chain(first).min();
        Ok(())
    }

    fn take_due(&mut self, watermark: Watermark, limit: usize) -> Result<Vec<Timer>, StateError> {
        let Some(earliest) = self.earliest.filter(|at| watermark.closes(*at)) else { return Ok(Vec::new()) };
        // Not from the table's begin: what was removed there costs a store time until it has cleaned up.
        let (from, to) = (time_prefix(self.spill.table, earliest), vec![self.spill.table + 1]);
        let (mut due, mut stored) = (Vec::new(), Vec::new());
        let mut next = Ok(None);
        self.spill.store.scan(&from, &to, ScanOrder::Ascending, &mut |bytes, _| {
            let Some(timer) = Timer::of_stored(bytes) else {
                next = Err(StateError::Damaged("a timer without a time".into()));
                return ControlFlow::Break(());
            };
            if due.len() == limit || !watermark.closes(timer.at) {
                next = Ok(Some(timer.at));
                return ControlFlow::Break(());
            }
            stored.push(bytes.to_vec());
            due.push(timer);
            ControlFlow::Continue(())
        })?;
        self.earliest = next?;
        let changes: Vec<_> = stored.iter().map(|key| (&key[..], None)).collect();
        self.spill.store.write(&changes)?;
        Ok(due)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use millstream_state::MemorySpill;

    use super::*;

    fn timer(at: i64, key: u8) -> Timer {
        Timer { at: at * 1_000, key_group: u16::from(key), key: [key].into() }
    }

    fn spilling(budget: usize) -> Timers {
        let mut timers = Timers::default();
        timers.spill_to(TableSpill { store: Arc::new(MemorySpill::default()), table: 3, budget });
        timers
    }

    #[test]
    fn timers_come_when_they_are_due_and_once() {
        for mut timers in [Timers::default(), spilling(0), spilling(200), spilling(10_000)] {
            for at in [5, -3, 20, 5, 9] {
                timers.set(timer(at, 1)).unwrap();
            }
            timers.set(timer(5, 0)).unwrap();
            assert!(!timers.has_due(Watermark(-4_001)));
            assert!(timers.has_due(Watermark(-4_000)));
            let mut due = Vec::new();
            while timers.has_due(Watermark(8_000)) {
                due.extend(timers.take_due(Watermark(8_000), 2).unwrap());
            }
            due.sort();
            assert_eq!(due, [timer(-3, 1), timer(5, 0), timer(5, 1), timer(9, 1)]);
            // One that comes behind the others' back.
            timers.set(timer(0, 7)).unwrap();
            assert_eq!(timers.take_due(Watermark(8_000), 9).unwrap(), [timer(0, 7)]);
            assert_eq!(timers.take_due(Watermark::MAX, 9).unwrap(), [timer(20, 1)]);
            assert!(!timers.has_due(Watermark::MAX));
            assert_eq!(timers.bytes(), 0);
        }
    }

    #[test]
    fn stored_timers_are_in_the_order_of_their_times() {
        let times = [i64::MIN / 4, -1, 0, 1, i64::MAX / 4];
        let stored: Vec<Vec<u8>> = times.iter().map(|at| timer(0, 9).at(*at).stored(2)).collect();
        assert!(stored.is_sorted());
        for (bytes, at) in stored.iter().zip(times) {
            assert_eq!(Timer::of_stored(bytes), Some(timer(0, 9).at(at)));
        }
        assert_eq!(Timer::of_stored(&[1; 10]), None);
    }

    impl Timer {
        fn at(self, at: i64) -> Self {
            Self { at, ..self }
        }
    }
}
