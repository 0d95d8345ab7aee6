//! The only place of this crate that reads clocks.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A moment for measuring durations.
#[expect(clippy::disallowed_methods, reason = "tasks measure their own busy, idle and backpressured time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Wall clock in milliseconds since the epoch, for the age of staged segments.
#[expect(clippy::disallowed_methods, reason = "staged segments carry the time at which they were closed")]
pub(crate) fn unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

/// Wall clock in milliseconds since the epoch, for `CURRENT_TIMESTAMP` and its kin.
pub(crate) fn wall_clock_ms() -> i64 {
    i64::try_from(unix_ms()).unwrap_or(i64::MAX)
}
