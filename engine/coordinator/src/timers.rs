//! Timers that the job master set, each at most once.

use std::collections::BTreeMap;

use millstream_jobmaster::Timer;

/// Pending timers. A job has a handful: one for checkpoints, one for the attempt, one for publishing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    at_ms: BTreeMap<Timer, u64>,
}

impl Timers {
    /// Sets or moves a timer.
    pub(crate) fn set(&mut self, timer: Timer, at_ms: u64) {
        self.at_ms.insert(timer, at_ms);
    }

    /// When the next one fires.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.at_ms.values().min().copied()
    }

    /// Takes the earliest timer that is due.
    pub(crate) fn take_due(&mut self, now_ms: u64) -> Option<Timer> {
        let due = self.at_ms.iter().filter(|(_, at)| **at <= now_ms);
        let timer = due.min_by_key(|(timer, at)| (**at, **timer)).map(|(timer, _)| *timer)?;
        self.at_ms.remove(&timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream_model::{Attempt, Epoch};

    #[test]
    fn timers_fire_once_in_the_order_of_their_times() {
        let mut timers = Timers::default();
        assert_eq!((timers.next_ms(), timers.take_due(9)), (None, None));
        timers.set(Timer::Checkpoint(Attempt(1)), 30);
        timers.set(Timer::Publish(Epoch(2)), 20);
        timers.set(Timer::Checkpoint(Attempt(1)), 10);
        assert_eq!(timers.next_ms(), Some(10));
        assert_eq!(timers.take_due(9), None);
        assert_eq!(timers.take_due(25), Some(Timer::Checkpoint(Attempt(1))));
        assert_eq!(timers.take_due(25), Some(Timer::Publish(Epoch(2))));
        assert_eq!(timers.take_due(u64::MAX), None);
    }
}
