//! The one clock of a job: milliseconds since 1970 that never go back.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::{Duration, Instant};

/// Wall time at its creation plus what has passed since by the monotonic clock. A wall clock that is set while the job runs
/// changes neither timers nor the order of events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    began: Instant,
    began_ms: u64,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the coordinator's driver is where time comes from")]
    pub(crate) fn new() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: Instant::now(), began_ms: since_1970.as_millis().try_into().unwrap_or(u64::MAX) }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        let passed = self.began.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        self.began_ms.saturating_add(passed)
    }

    /// The moment to sleep until.
    pub(crate) fn at(&self, ms: u64) -> Instant {
        self.began + Duration::from_millis(ms.saturating_sub(self.began_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_milliseconds_agree() {
        let clock = Clock::new();
        let now_ms = clock.now_ms();
        assert!(now_ms > 1_600_000_000_000, "{now_ms}");
        assert_eq!(clock.at(clock.began_ms + 5), clock.began + Duration::from_millis(5));
        assert_eq!(clock.at(0), clock.began, "what is past is due now");
    }
}
