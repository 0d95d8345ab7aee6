//! What a user may choose about checkpoints and restarts, as plain data with the defaults in one place.
//!
//! This module never decides anything; it holds numbers with their units in their names.

use serde::{Deserialize, Serialize};

/// Owned epochs that may wait to be published before checkpoints wait too.
///
/// Sixteen epochs at the default interval of 10 s are almost three minutes of an unreachable target; behind that the
/// staged output of a busy job would grow faster than a recovered target can take it.
pub const MAX_UNPUBLISHED_EPOCHS: usize = 16;

/// Everything the job master is told beside the job graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// When and how often checkpoints are taken.
    pub checkpoint: CheckpointSettings,
    /// What happens after a failure.
    pub restart: RestartStrategy,
    /// How a refused publish is repeated.
    pub publish: PublishSettings,
    /// How long to wait for enough slots before the job fails; `None` waits for ever, as on a cluster where a pod may
    /// be pending for a long time.
    pub slots_timeout_ms: Option<u64>,
    /// How long a worker may take to confirm that an attempt is gone, before it counts as lost.
    pub cancel_timeout_ms: u64,
    /// How long the subtasks of an attempt may take to restore, before the attempt counts as failed.
    pub deploy_timeout_ms: u64,
    /// Pause between the beginnings of two sweeps. A sweep lists the job's folder and reads the manifests that are kept.
    pub sweep_interval_ms: u64,
    /// Planted bugs, for the suite that must find them.
    pub sabotage: Sabotage,
}

/// When checkpoints are taken and what they may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointSettings {
    /// From trigger to trigger; `None` takes only the final one.
    pub interval_ms: Option<u64>,
    /// From trigger to the last acknowledgement; then it is aborted.
    pub timeout_ms: u64,
    /// From the end of one checkpoint, good or bad, to the next trigger.
    pub min_pause_ms: u64,
    /// Consecutive failed checkpoints that the job survives; one more restarts its tasks.
    pub tolerable_failures: u32,
    /// Owned epochs that may wait to be published, see [`MAX_UNPUBLISHED_EPOCHS`].
    pub max_unpublished: usize,
}

/// What happens after a failure that a restart may heal. Delays are exact: no jitter, because one job has one coordinator
/// and a log of events must replay to the same commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RestartStrategy {
    /// The first failure fails the job.
    None,
    /// Always the same pause.
    FixedDelay {
        /// Consecutive restarts before the job fails.
        attempts: u32,
        /// Pause before each.
        delay_ms: u64,
        /// An attempt that ran for this long resets the count to zero.
        reset_after_ms: u64,
    },
    /// Always the same pause, and a limit to how often tasks fail in a time, however long they ran between.
    FailureRate {
        /// Restarts within the interval; one more failure fails the job.
        attempts: u32,
        /// How far back restarts count.
        interval_ms: u64,
        /// Pause before each.
        delay_ms: u64,
    },
    /// A pause that doubles from failure to failure and starts over when the job ran well for a while.
    ExponentialDelay {
        /// First pause.
        initial_ms: u64,
        /// Longest pause.
        max_ms: u64,
        /// An attempt that ran for this long resets the pause to `initial_ms` and the count to zero.
        reset_after_ms: u64,
        /// Consecutive restarts before the job fails; `None` never gives up.
        attempts: Option<u32>,
    },
}

/// How a publish that failed for a passing reason is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishSettings {
    /// Tries of one epoch, the first included, before the job fails. Its output stays in the bucket and is published
    /// when the job is started again.
    pub attempts: u32,
    /// Pause after the first failed try; doubles with each.
    pub initial_backoff_ms: u64,
    /// Longest pause.
    pub max_backoff_ms: u64,
}

/// Bugs planted on purpose. The general suite must find each of them; production never sets one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sabotage {
    /// Publishes as soon as the manifest is written, before the epoch is claimed.
    pub publish_before_owned: bool,
    /// Completes a checkpoint although one acknowledgement is missing.
    pub complete_without_last_ack: bool,
    /// Takes the enumerators' snapshot when the last acknowledgement arrives instead of at the trigger.
    pub late_enumerator_snapshot: bool,
    /// Believes what older attempts say.
    pub accept_old_attempts: bool,
    /// Starts the tasks before the owned epochs of the predecessor are published.
    pub start_before_publishing: bool,
    /// Tells workers that an aborted checkpoint is owned, so that they forget what it froze.
    pub own_aborted_checkpoints: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            checkpoint: CheckpointSettings::default(),
            restart: RestartStrategy::default(),
            publish: PublishSettings::default(),
            slots_timeout_ms: None,
            cancel_timeout_ms: 60_000,
            deploy_timeout_ms: 600_000,
            sweep_interval_ms: 30_000,
            sabotage: Sabotage::default(),
        }
    }
}

impl Default for CheckpointSettings {
    fn default() -> Self {
        Self {
            interval_ms: Some(10_000),
            timeout_ms: 600_000,
            min_pause_ms: 0,
            tolerable_failures: 3,
            max_unpublished: MAX_UNPUBLISHED_EPOCHS,
        }
    }
}

impl Default for RestartStrategy {
    fn default() -> Self {
        Self::ExponentialDelay { initial_ms: 1_000, max_ms: 60_000, reset_after_ms: 600_000, attempts: None }
    }
}

impl Default for PublishSettings {
    /// Twelve tries with pauses of 0.5 s to 30 s are about four minutes in all.
    fn default() -> Self {
        Self { attempts: 12, initial_backoff_ms: 500, max_backoff_ms: 30_000 }
    }
}

impl PublishSettings {
    /// Pause after the `failed`-th try of one epoch, counted from 1: 500, 1000, 2000, ... up to the limit.
    #[must_use]
    pub fn backoff_ms(&self, failed: u32) -> u64 {
        doubled(self.initial_backoff_ms, failed.saturating_sub(1), self.max_backoff_ms)
    }
}

/// `initial * 2^times`, at most `max`, without overflow.
pub(crate) fn doubled(initial: u64, times: u32, max: u64) -> u64 {
    let factor = 1_u64.checked_shl(times).unwrap_or(u64::MAX);
    initial.saturating_mul(factor).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit_and_never_overflow() {
        let publish = PublishSettings { attempts: 5, initial_backoff_ms: 500, max_backoff_ms: 3_000 };
        let pauses: Vec<_> = [1, 2, 3, 4, 70].map(|n| publish.backoff_ms(n)).into();
        assert_eq!(pauses, [500, 1_000, 2_000, 3_000, 3_000]);
        assert_eq!(doubled(u64::MAX, 63, u64::MAX), u64::MAX);
    }

    #[test]
    fn nothing_is_sabotaged_by_default() {
        assert_eq!(Settings::default().sabotage, Sabotage::default());
        assert!(!Sabotage::default().publish_before_owned);
    }
}
