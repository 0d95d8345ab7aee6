//! The time, as far as connectors need it: to pace generated rows and to start generated timestamps at "now".
//!
//! Handed down from outside, so that tests control it; [`Clock::system`] is the only place of this crate that reads clocks.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A source of time. Cheap to clone.
#[derive(Clone)]
pub struct Clock {
    elapsed: Arc<dyn Fn() -> Duration + Send + Sync>,
    unix_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl Clock {
    /// A clock made of two functions: time since any fixed moment, which never goes back, and milliseconds since 1970.
    #[must_use]
    pub fn new(
        elapsed: impl Fn() -> Duration + Send + Sync + 'static,
        unix_ms: impl Fn() -> i64 + Send + Sync + 'static,
    ) -> Self {
        Self { elapsed: Arc::new(elapsed), unix_ms: Arc::new(unix_ms) }
    }

    /// The machine's clocks.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the default of whoever brings no clock; connectors never call it"
    )]
    pub fn system() -> Self {
        let start = Instant::now();
        Self::new(
            move || start.elapsed(),
            || {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            },
        )
    }

    /// Time since a fixed moment.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        (self.elapsed)()
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix_ms(&self) -> i64 {
        (self.unix_ms)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_goes_on() {
        let clock = Clock::system();
        let before = clock.elapsed();
        assert!(clock.elapsed() >= before);
        assert!(clock.unix_ms() > 1_600_000_000_000);
    }
}
