//! The only place of this crate that reads a clock.

use std::time::Instant;

/// A moment for measuring durations.
#[expect(clippy::disallowed_methods, reason = "senders measure how long they wait for credit")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
