//! Time, which passes when nothing else happens.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use millstream_coordinator::SteeredClock;
use tokio::sync::watch;

use super::member::Member;
use super::stage::Stage;

/// Between two looks whether anything happened.
const LOOK: Duration = Duration::from_millis(1);
/// Looks without any activity before time passes, however little of it.
const FEWEST_LOOKS: u64 = 2;
/// Threads may be late on a busy machine: the longer the way to the next moment, the longer they are waited for.
const MS_A_LOOK: u64 = 200;
const MOST_LOOKS: u64 = 50;

/// The time of all processes and of the suite itself.
#[derive(Debug)]
pub(crate) struct Time {
    now_ms: watch::Sender<u64>,
    clocks: Mutex<Vec<(Arc<Member>, SteeredClock)>>,
    /// Moments that the suite waits for.
    alarms: Mutex<Vec<u64>>,
}

impl Time {
    pub(crate) fn new() -> Self {
        Self { now_ms: watch::Sender::new(1_000_000), clocks: Mutex::default(), alarms: Mutex::default() }
    }

    /// A clock for a coordinator.
    pub(crate) fn clock(&self, member: &Arc<Member>) -> SteeredClock {
        let clock = SteeredClock::new(*self.now_ms.borrow());
        self.clocks.lock().unwrap().push((member.clone(), clock.clone()));
        clock
    }

    /// Waits for so long.
    pub(crate) async fn sleep(&self, ms: u64) {
        let until = *self.now_ms.borrow() + ms;
        self.alarms.lock().unwrap().push(until);
        let mut now = self.now_ms.subscribe();
        let _ = now.wait_for(|now| *now >= until).await;
    }

    /// Shows those who stood still what time it is.
    pub(crate) fn show(&self) {
        // The borrow must end before the clock is set.
        let now = *self.now_ms.borrow();
        self.set(now);
    }

    /// Lets time pass for as long as it is polled.
    pub(crate) async fn pass(&self, stage: &Stage) {
        let (mut seen, mut looks) = (stage.activity(), 0);
        loop {
            tokio::time::sleep(LOOK).await;
            let activity = stage.activity();
            if activity != seen {
                (seen, looks) = (activity, 0);
                continue;
            }
            looks += 1;
            let now = *self.now_ms.borrow();
            let Some(next) = self.next(now) else { continue };
            if looks >= (FEWEST_LOOKS + (next - now) / MS_A_LOOK).min(MOST_LOOKS) {
                self.set(next);
                looks = 0;
            }
        }
    }

    fn set(&self, now: u64) {
        self.alarms.lock().unwrap().retain(|at| *at > now);
        for (_, clock) in self.clocks.lock().unwrap().iter().filter(|(member, _)| member.runs()) {
            clock.set(now);
        }
        self.now_ms.send_replace(now);
    }

    /// The next moment that anybody waits for.
    fn next(&self, now: u64) -> Option<u64> {
        let clocks = self.clocks.lock().unwrap();
        let timers =
            clocks.iter().filter(|(member, _)| member.runs()).filter_map(|(_, clock)| clock.next_ms());
        let alarms = self.alarms.lock().unwrap().clone();
        timers.chain(alarms).filter(|at| *at > now).min()
    }
}
