//! How long a start goes on with a storage that does not answer.
//!
//! The store repeats each call for some seconds. A start goes on for longer, because a process that ends is only started again
//! by whoever watches it, with pauses that grow, and it looks as if the job had failed. Example: ten minutes, and the first try
//! fails at 12:00:00. The next ones begin 1, 2, 4, 8, 16, 30, 30, ... seconds after the one before has failed; one that fails at
//! 12:10:00 or later was the last.

use std::time::Duration;

/// When a start is given up, and the pauses until then. Plain data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartPatience {
    /// What fails for so long is given up. Zero: the first failure is the last.
    pub give_up_after: Duration,
    /// Pause behind the first failure; doubled behind each further one.
    pub first_pause: Duration,
    /// Longest pause. With ten minutes there are 25 tries at the most, each of which may leave a record in the log.
    pub longest_pause: Duration,
}

impl StartPatience {
    /// Goes on for so long.
    #[must_use]
    pub const fn of(give_up_after: Duration) -> Self {
        Self { give_up_after, first_pause: Duration::from_secs(1), longest_pause: Duration::from_secs(30) }
    }
}

impl Default for StartPatience {
    /// None: whoever typed a command is told at once.
    fn default() -> Self {
        Self::of(Duration::ZERO)
    }
}

/// The failures of one start.
#[derive(Clone, Copy, Debug)]
pub struct Outage {
    patience: StartPatience,
    since_ms: Option<u64>,
    failed: u32,
}

impl Outage {
    /// Nothing failed yet.
    #[must_use]
    pub const fn new(patience: StartPatience) -> Self {
        Self { patience, since_ms: None, failed: 0 }
    }

    /// A try failed at `now_ms`: the pause before the next one, in milliseconds; `None` if it was the last.
    pub fn failed(&mut self, now_ms: u64) -> Option<u64> {
        let StartPatience { give_up_after, first_pause, longest_pause } = self.patience;
        let since_ms = *self.since_ms.get_or_insert(now_ms);
        if u128::from(now_ms.saturating_sub(since_ms)) >= give_up_after.as_millis() {
            return None;
        }
        let factor = 1_u32.checked_shl(self.failed).unwrap_or(u32::MAX);
        self.failed = self.failed.saturating_add(1);
        let pause = first_pause.saturating_mul(factor).min(longest_pause);
        Some(pause.as_millis().try_into().unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_pauses_hold_and_end() {
        let mut outage = Outage::new(StartPatience::of(Duration::from_secs(600)));
        let mut now_ms = 5_000;
        let mut pauses = Vec::new();
        while let Some(pause_ms) = outage.failed(now_ms) {
            pauses.push(pause_ms / 1_000);
            now_ms += pause_ms;
        }
        assert_eq!(pauses[..7], [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(pauses.len(), 24, "and one more try behind the last pause");
        assert!((605_000..635_000).contains(&now_ms), "{now_ms}");
    }

    #[test]
    fn without_patience_the_first_failure_is_the_last() {
        assert_eq!(Outage::new(StartPatience::default()).failed(7), None);
    }
}
