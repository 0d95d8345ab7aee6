//! Where the time comes from.

use millstream_lifecycle::time::{Timestamp, after};
use tokio::time::Instant;

/// A clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Option<(Timestamp, Instant)>);

impl Clock {
    /// The time of day.
    pub fn wall() -> Self {
        Self(None)
    }

    /// The time of the runtime's timers, which is `origin` now: where these are steered, so is what is decided.
    pub fn of_timers(origin: Timestamp) -> Self {
        Self(Some((origin, Instant::now())))
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        match self.0 {
            Some((origin, began)) => after(origin, began.elapsed()),
            None => Timestamp::now(),
        }
    }
}
