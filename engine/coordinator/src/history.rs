//! What became of the last checkpoints, and what failed last.

use std::collections::VecDeque;

use millstream_jobmaster::{CheckpointReport, StatusReport};
use millstream_model::Attempt;
use serde::Serialize;

/// Checkpoints that are remembered.
const CHECKPOINTS: usize = 10;
/// Failures that are remembered.
const EXCEPTIONS: usize = 16;

/// A failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExceptionReport {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The deployment under way.
    pub attempt: Attempt,
    /// What failed, in one line.
    pub message: String,
}

/// The last of each, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    checkpoints: VecDeque<CheckpointReport>,
    exceptions: VecDeque<ExceptionReport>,
}

impl History {
    /// Notes what is new in a report.
    pub(crate) fn note(&mut self, old: &StatusReport, new: &StatusReport, now_ms: u64) {
        if let Some(checkpoint) = new.last_checkpoint.filter(|_| new.last_checkpoint != old.last_checkpoint) {
            push(&mut self.checkpoints, checkpoint, CHECKPOINTS);
        }
        // The same failure may come again: then it is a restart more.
        if let Some(message) = &new.last_error
            && (new.last_error != old.last_error || new.restarts > old.restarts)
        {
            let exception = ExceptionReport { at_ms: now_ms, attempt: new.attempt, message: message.clone() };
            push(&mut self.exceptions, exception, EXCEPTIONS);
        }
    }

    pub(crate) fn checkpoints(&self) -> Vec<CheckpointReport> {
        self.checkpoints.iter().copied().collect()
    }

    pub(crate) fn exceptions(&self) -> Vec<ExceptionReport> {
        self.exceptions.iter().cloned().collect()
    }
}

fn push<T>(list: &mut VecDeque<T>, entry: T, most: usize) {
    if list.len() == most {
        list.pop_front();
    }
    list.push_back(entry);
}

#[cfg(test)]
mod tests {
    use millstream_model::{CheckpointId, Epoch};

    use super::*;

    #[test]
    fn the_last_ones_stay_and_repetitions_count() {
        let mut history = History::default();
        let mut old = StatusReport::default();
        let tell = |history: &mut History, old: &mut StatusReport, new: StatusReport| {
            history.note(old, &new, 7);
            *old = new;
        };
        for n in 1..=12 {
            let checkpoint = CheckpointReport {
                epoch: Epoch(n),
                checkpoint: CheckpointId(n),
                bytes: 0,
                new_bytes: 0,
                duration_ms: 0,
                freeze_us: 0,
                at_ms: n,
            };
            let new = StatusReport { last_checkpoint: Some(checkpoint), ..old.clone() };
            tell(&mut history, &mut old, new.clone());
            tell(&mut history, &mut old, new);
        }
        let epochs: Vec<u64> = history.checkpoints().iter().map(|checkpoint| checkpoint.epoch.0).collect();
        assert_eq!(epochs, (3..=12).collect::<Vec<_>>());
        for restarts in [1, 1, 2] {
            let new = StatusReport {
                restarts,
                last_error: Some("lost".into()),
                attempt: Attempt(restarts),
                ..old.clone()
            };
            tell(&mut history, &mut old, new);
        }
        let failed: Vec<Attempt> =
            history.exceptions().into_iter().map(|exception| exception.attempt).collect();
        assert_eq!(failed, [Attempt(1), Attempt(2)]);
    }
}
