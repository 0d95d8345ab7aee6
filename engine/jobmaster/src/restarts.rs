//! Whether and when the tasks of a job are started again after a failure.
//!
//! Owns the count of restarts and nothing else; it never sees what failed. Example with an exponential delay of 1 s, at most
//! 4 s, reset after 60 s: failures give pauses of 1, 2, 4, 4 s; a failure of an attempt that ran for at least 60 s gives 1 s
//! again.

use std::collections::VecDeque;

use crate::settings::{RestartStrategy, doubled};

/// Counts restarts and names the next pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Restarts {
    strategy: RestartStrategy,
    /// Restarts since the strategy was last reset.
    consecutive: u32,
    /// When the restarts were that count for a rate of failures.
    recent_ms: VecDeque<u64>,
    /// Restarts since the coordinator began.
    total: u32,
}

impl Restarts {
    /// No restart yet.
    pub(crate) const fn new(strategy: RestartStrategy) -> Self {
        Self { strategy, consecutive: 0, recent_ms: VecDeque::new(), total: 0 }
    }

    /// Restarts since the coordinator began.
    pub(crate) const fn total(&self) -> u32 {
        self.total
    }

    /// Counts a failure at `now_ms` of an attempt that ran for `ran_ms` and returns the pause before the next one, or `None` when
    /// the job has to fail.
    pub(crate) fn after_failure(&mut self, ran_ms: u64, now_ms: u64) -> Option<u64> {
        if let RestartStrategy::ExponentialDelay { reset_after_ms, .. }
        | RestartStrategy::FixedDelay { reset_after_ms, .. } = self.strategy
            && ran_ms >= reset_after_ms
        {
            self.consecutive = 0;
        }
        let pause = match self.strategy {
            RestartStrategy::None => None,
            RestartStrategy::FixedDelay { attempts, delay_ms, .. } => {
                (self.consecutive < attempts).then_some(delay_ms)
            }
            RestartStrategy::FailureRate { attempts, interval_ms, delay_ms } => {
                let counts_from = now_ms.saturating_sub(interval_ms);
                while self.recent_ms.front().is_some_and(|at_ms| *at_ms < counts_from) {
                    self.recent_ms.pop_front();
                }
                self.recent_ms.push_back(now_ms);
                (self.recent_ms.len() <= attempts as usize).then_some(delay_ms)
            }
            RestartStrategy::ExponentialDelay { initial_ms, max_ms, attempts, .. } => attempts
                .is_none_or(|limit| self.consecutive < limit)
                .then(|| doubled(initial_ms, self.consecutive, max_ms)),
        }?;
        self.consecutive = self.consecutive.saturating_add(1);
        self.total = self.total.saturating_add(1);
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(strategy: RestartStrategy, ran_ms: &[u64]) -> Vec<Option<u64>> {
        let mut restarts = Restarts::new(strategy);
        let mut now_ms = 0;
        let fail = |ran: &u64| {
            now_ms += ran;
            restarts.after_failure(*ran, now_ms)
        };
        ran_ms.iter().map(fail).collect()
    }

    #[test]
    fn each_strategy_names_its_pauses() {
        let exponential = |attempts| RestartStrategy::ExponentialDelay {
            initial_ms: 1_000,
            max_ms: 4_000,
            reset_after_ms: 60_000,
            attempts,
        };
        let fixed = RestartStrategy::FixedDelay { attempts: 2, delay_ms: 10, reset_after_ms: 60_000 };
        let rate = RestartStrategy::FailureRate { attempts: 2, interval_ms: 100, delay_ms: 10 };
        type Case = (RestartStrategy, &'static [u64], &'static [Option<u64>]);
        let cases: [Case; 10] = [
            (RestartStrategy::None, &[5], &[None]),
            (fixed, &[0, 59_999, 0], &[Some(10), Some(10), None]),
            (fixed, &[0, 0, 60_000, 0, 0], &[Some(10), Some(10), Some(10), Some(10), None]),
            (rate, &[0, 50, 50], &[Some(10), Some(10), None]),
            // However often it fails, as long as it is not more than twice in a while.
            (rate, &[0, 50, 51, 50, 51], &[Some(10); 5]),
            (rate, &[10, 90, 101, 0, 0], &[Some(10), Some(10), Some(10), Some(10), None]),
            (exponential(None), &[0, 0, 0, 0], &[Some(1_000), Some(2_000), Some(4_000), Some(4_000)]),
            (exponential(None), &[0, 0, 60_000, 0], &[Some(1_000), Some(2_000), Some(1_000), Some(2_000)]),
            (exponential(Some(2)), &[0, 0, 0], &[Some(1_000), Some(2_000), None]),
            (exponential(Some(1)), &[0, 60_000, 59_999], &[Some(1_000), Some(1_000), None]),
        ];
        for (strategy, ran, expected) in cases {
            assert_eq!(pauses(strategy, ran), expected, "{strategy:?} after {ran:?}");
        }
    }

    #[test]
    fn the_total_is_never_reset() {
        let strategy = RestartStrategy::ExponentialDelay {
            initial_ms: 1,
            max_ms: 1,
            reset_after_ms: 0,
            attempts: Some(1),
        };
        let mut restarts = Restarts::new(strategy);
        assert_eq!((restarts.after_failure(0, 0), restarts.after_failure(0, 0)), (Some(1), Some(1)));
        assert_eq!(restarts.total(), 2);
    }
}
