//! Which workers give signs of life.
//!
//! Liveness only: a worker that is wrongly thought lost costs a restart, never a row, because nothing that it still does is
//! published.

use std::collections::BTreeMap;

use millstream_model::control::WorkerId;

/// When each worker was last heard. Only workers that once sent a heartbeat are watched.
#[derive(Clone, Debug)]
pub(crate) struct Membership {
    timeout_ms: Option<u64>,
    heard_ms: BTreeMap<WorkerId, u64>,
}

impl Membership {
    pub(crate) const fn new(timeout_ms: Option<u64>) -> Self {
        Self { timeout_ms, heard_ms: BTreeMap::new() }
    }

    /// A heartbeat came.
    pub(crate) fn heard(&mut self, worker: WorkerId, now_ms: u64) {
        self.heard_ms.insert(worker, now_ms);
    }

    /// No heartbeats are expected any more: the worker left, or no task runs.
    pub(crate) fn forget(&mut self, worker: WorkerId) {
        self.heard_ms.remove(&worker);
    }

    /// No task runs, so nobody sends heartbeats.
    pub(crate) fn forget_all(&mut self) {
        self.heard_ms.clear();
    }

    /// Workers that are silent for too long, with how long. They are forgotten.
    pub(crate) fn take_lost(&mut self, now_ms: u64) -> Vec<(WorkerId, u64)> {
        let Some(timeout_ms) = self.timeout_ms else { return Vec::new() };
        let silent = |at: &u64| now_ms.saturating_sub(*at);
        let lost: Vec<_> = self
            .heard_ms
            .iter()
            .map(|(worker, at)| (*worker, silent(at)))
            .filter(|(_, silent_ms)| *silent_ms > timeout_ms)
            .collect();
        lost.iter().for_each(|(worker, _)| self.forget(*worker));
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_for_longer_than_the_timeout_is_a_loss_told_once() {
        let mut membership = Membership::new(Some(100));
        membership.heard(1, 0);
        membership.heard(2, 0);
        membership.heard(2, 60);
        assert_eq!(membership.take_lost(100), []);
        assert_eq!(membership.take_lost(101), [(1, 101)]);
        assert_eq!(membership.take_lost(110), []);
        membership.forget(2);
        assert_eq!(membership.take_lost(10_000), []);
    }

    #[test]
    fn without_a_timeout_nobody_is_lost() {
        let mut membership = Membership::new(None);
        membership.heard(1, 0);
        assert_eq!(membership.take_lost(u64::MAX), []);
        membership.forget_all();
    }
}
