//! What a store is told when it is opened.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use millstream_storage::Patience;

/// Settings of a [`crate::JobStore`]; plain data, with defaults that are safe.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// Who this is, for whoever is fenced by it: `host/pid`, or the pod's name.
    pub coordinator: String,
    /// How long to go on with a store that gives no definite answer.
    pub patience: Patience,
    /// How long to go on beyond that with the claim of an epoch, which nothing can be done without: once it is given up, the
    /// coordinator has to end. Zero: not at all.
    pub claim_patience: Duration,
    /// Checkpoints that are kept; at least 1.
    pub retained: usize,
    /// Objects younger than this are never deleted.
    pub min_garbage_age_ms: u64,
    /// Where nonces come from.
    pub nonces: Nonces,
    /// Bugs planted by tests; none in production.
    pub sabotage: BTreeSet<Sabotage>,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            coordinator: "unknown".to_owned(),
            patience: Patience::default(),
            claim_patience: Duration::ZERO,
            retained: 3,
            min_garbage_age_ms: 60_000,
            nonces: Nonces::random(),
            sabotage: BTreeSet::new(),
        }
    }
}

/// A source of numbers that nobody else draws. Clones share it.
#[derive(Clone, Debug)]
pub struct Nonces(Option<Arc<AtomicU64>>);

impl Nonces {
    /// Random ones.
    #[must_use]
    pub const fn random() -> Self {
        Self(None)
    }

    /// Counted from `first`, so that a simulation gives the same names every time. Processes that share a bucket need ranges
    /// that do not meet.
    #[must_use]
    pub fn counted_from(first: u64) -> Self {
        Self(Some(Arc::new(AtomicU64::new(first))))
    }

    /// The next one.
    #[must_use]
    pub fn draw(&self) -> u64 {
        match &self.0 {
            Some(counter) => counter.fetch_add(1, Ordering::Relaxed),
            None => uuid::Uuid::new_v4().as_u64_pair().0 ^ uuid::Uuid::new_v4().as_u64_pair().1,
        }
    }
}

/// A bug planted on purpose, to prove that the test suite finds it. Nothing outside tests sets one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sabotage {
    /// Permits to publish are given for manifests that no epoch record names yet.
    PublishBeforeOwned,
    /// Nobody looks for a newer generation before publishing and deleting.
    SkipGenerationCheck,
    /// Retention deletes what is pinned.
    SweepIgnoresPins,
    /// Retention deletes the marker of the newest published epoch when nothing else of that epoch is kept.
    SweepForgetsPublished,
    /// A claim without a definite answer counts as not made.
    AmbiguousPutIsLost,
    /// A number of the epoch log is left out.
    LeaveEpochGap,
    /// The log is read before `Start` is appended, not after.
    ReadBeforeStart,
    /// Segments count as uploaded before they are.
    AckBeforeUpload,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_nonces_repeat_and_random_ones_do_not() {
        let (a, b) = (Nonces::counted_from(7), Nonces::counted_from(7));
        assert_eq!([a.draw(), a.clone().draw(), a.draw()], [7, 8, 9]);
        assert_eq!(b.draw(), 7);
        let drawn: BTreeSet<u64> = (0..1_000).map(|_| Nonces::random().draw()).collect();
        assert_eq!(drawn.len(), 1_000);
    }
}
