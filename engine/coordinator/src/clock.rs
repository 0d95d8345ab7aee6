//! The one clock of a job: milliseconds since 1970 that never go back.
//!
//! Usually the machine's; a suite can steer it instead, so that an hour of timeouts takes no time. Example: a driver with timers for
//! 1,010 and 1,500 and a steered clock at 1,000 sleeps until somebody sets it to 1,010 or more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep_until};

/// Where a driver takes its time from.
#[derive(Clone, Debug)]
pub(crate) enum Clock {
    /// Wall time at its creation plus what has passed since by the monotonic clock. A wall clock that is set while the job runs
    /// changes neither timers nor the order of events.
    Machine { began: Instant, began_ms: u64 },
    /// See [`SteeredClock`].
    Steered(SteeredClock),
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the coordinator's driver is where time comes from")]
    pub(crate) fn new(steered: Option<SteeredClock>) -> Self {
        if let Some(steered) = steered {
            return Self::Steered(steered);
        }
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let began_ms = since_1970.as_millis().try_into().unwrap_or(u64::MAX);
        Self::Machine { began: Instant::now(), began_ms }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        match self {
            Self::Machine { began, began_ms } => {
                let passed = began.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
                began_ms.saturating_add(passed)
            }
            Self::Steered(steered) => steered.now_ms(),
        }
    }

    /// Waits for a moment; what is past is due now.
    pub(crate) async fn sleep_until(&self, ms: u64) {
        match self {
            Self::Machine { began, began_ms } => {
                sleep_until(*began + Duration::from_millis(ms.saturating_sub(*began_ms))).await;
            }
            Self::Steered(steered) => steered.sleep_until(ms).await,
        }
    }
}

/// Time that passes only when somebody says so, for one coordinator. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct SteeredClock {
    now_ms: Arc<watch::Sender<u64>>,
    waits_for: Arc<Mutex<Option<u64>>>,
}

impl SteeredClock {
    /// A clock that stands at `now_ms`.
    #[must_use]
    pub fn new(now_ms: u64) -> Self {
        Self { now_ms: Arc::new(watch::Sender::new(now_ms)), waits_for: Arc::default() }
    }

    /// What it shows.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        *self.now_ms.borrow()
    }

    /// Sets it forward; it never goes back.
    pub fn set(&self, now_ms: u64) {
        self.now_ms.send_modify(|now| *now = now_ms.max(*now));
    }

    /// What the coordinator waits for, if it waits for a moment.
    #[must_use]
    pub fn next_ms(&self) -> Option<u64> {
        *self.waits_for.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep_until(&self, ms: u64) {
        let _waiting = Waiting::until(ms, &self.waits_for);
        let mut now = self.now_ms.subscribe();
        // The sender lives in self, so waiting cannot fail.
        drop(now.wait_for(|now| *now >= ms).await);
    }
}

/// Notes what is waited for, until it is dropped.
struct Waiting<'a>(&'a Mutex<Option<u64>>);

impl<'a> Waiting<'a> {
    fn until(ms: u64, waits_for: &'a Mutex<Option<u64>>) -> Self {
        *waits_for.lock().unwrap_or_else(PoisonError::into_inner) = Some(ms);
        Self(waits_for)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_machines_clock_shows_wall_time_and_what_is_past_is_due() {
        let clock = Clock::new(None);
        let now_ms = clock.now_ms();
        assert!(now_ms > 1_600_000_000_000, "{now_ms}");
        clock.sleep_until(now_ms + 5).await;
        assert!(clock.now_ms() >= now_ms + 5);
        clock.sleep_until(0).await;
    }

    #[tokio::test]
    async fn a_steered_clock_waits_for_whoever_steers_it() {
        let steered = SteeredClock::new(1_000);
        let clock = Clock::new(Some(steered.clone()));
        assert_eq!((clock.now_ms(), steered.next_ms()), (1_000, None));
        clock.sleep_until(1_000).await;
        let sleeping = tokio::spawn(async move { clock.sleep_until(1_010).await });
        while steered.next_ms() != Some(1_010) {
            tokio::task::yield_now().await;
        }
        steered.set(1_009);
        tokio::task::yield_now().await;
        assert!(!sleeping.is_finished());
        steered.set(1_010);
        sleeping.await.unwrap();
        steered.set(5);
        assert_eq!((steered.now_ms(), steered.next_ms()), (1_010, None));
    }
}
