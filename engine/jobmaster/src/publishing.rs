//! The queue of owned epochs whose output is not visible yet.
//!
//! Strictly in epoch order: an epoch is published, then marked, then the next one begins. A failed step is repeated after a
//! pause that doubles; both steps may be repeated safely. Example: epochs 7, 9, 10 are queued (8 is a `Start` record): publish 7,
//! mark 7, publish 9, ...

use std::collections::VecDeque;

use millstream_model::{Epoch, ErrorKind, JobError};

use crate::command::{Command, Timer};
use crate::event::OwnedEpoch;
use crate::settings::PublishSettings;

/// Owned epochs, oldest first, and the step that the oldest is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Publishing {
    settings: PublishSettings,
    queue: VecDeque<OwnedEpoch>,
    step: Step,
    /// Failed tries of the current step.
    failed: u32,
    has_given_up: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The oldest epoch, if there is one, has not been touched.
    Idle,
    Publishing,
    Marking,
}

/// What follows from a failed try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AfterFailure {
    /// The failure was about something that is over.
    Ignore,
    /// Set this timer.
    Retry(Command),
    /// It will not work; the job has to fail with this error.
    GiveUp(JobError),
}

impl Publishing {
    /// Nothing to publish.
    pub(crate) const fn new(settings: PublishSettings) -> Self {
        Self { settings, queue: VecDeque::new(), step: Step::Idle, failed: 0, has_given_up: false }
    }

    /// Adds an epoch behind all others.
    pub(crate) fn push(&mut self, owned: OwnedEpoch) {
        self.queue.push_back(owned);
    }

    /// Epochs that are not marked yet.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether the output of this owned epoch is visible, and known to be.
    pub(crate) fn is_visible(&self, epoch: Epoch) -> bool {
        self.queue.front().is_none_or(|oldest| oldest.epoch > epoch)
    }

    /// Whether nothing more will happen here: everything is visible, or it was given up.
    pub(crate) fn is_settled(&self) -> bool {
        self.queue.is_empty() || self.has_given_up
    }

    /// Begins with the oldest epoch if nothing is under way.
    pub(crate) fn begin(&mut self) -> Option<Command> {
        if self.step != Step::Idle || self.has_given_up {
            return None;
        }
        self.queue.front()?;
        self.step = Step::Publishing;
        self.failed = 0;
        self.current()
    }

    /// The oldest epoch is visible: mark it.
    pub(crate) fn published(&mut self, epoch: Epoch) -> Option<Command> {
        if !self.is_at(epoch, Step::Publishing) {
            return None;
        }
        self.step = Step::Marking;
        self.failed = 0;
        self.current()
    }

    /// The oldest epoch is marked and leaves the queue; false if it is not the oldest or was not published.
    pub(crate) fn marked(&mut self, epoch: Epoch) -> bool {
        let is_current = self.is_at(epoch, Step::Marking);
        if is_current {
            self.queue.pop_front();
            self.step = Step::Idle;
        }
        is_current
    }

    /// A try failed.
    pub(crate) fn failed(&mut self, epoch: Epoch, error: &JobError, now_ms: u64) -> AfterFailure {
        if self.queue.front().is_none_or(|owned| owned.epoch != epoch) || self.has_given_up {
            return AfterFailure::Ignore;
        }
        self.failed = self.failed.saturating_add(1);
        if error.kind != ErrorKind::Transient {
            self.has_given_up = true;
            let message = format!(
                "the output of epoch {epoch} is refused: {error}; it stays in the job's storage until the target takes it"
            );
            return AfterFailure::GiveUp(JobError::new(error.kind, message));
        }
        if self.failed >= self.settings.attempts {
            self.has_given_up = true;
            let message = format!(
                "epoch {epoch} could not be published in {} tries: {error}; its output stays in the job's storage and \
                 is published when the job is started again",
                self.failed
            );
            return AfterFailure::GiveUp(JobError::new(ErrorKind::Unavailable, message));
        }
        let at_ms = now_ms.saturating_add(self.settings.backoff_ms(self.failed));
        AfterFailure::Retry(Command::SetTimer { timer: Timer::Publish(epoch), at_ms })
    }

    /// The pause after a failed try is over.
    pub(crate) fn retry(&self, epoch: Epoch) -> Option<Command> {
        let is_current = self.queue.front().is_some_and(|owned| owned.epoch == epoch);
        (is_current && self.failed > 0 && !self.has_given_up).then(|| self.current()).flatten()
    }

    fn current(&self) -> Option<Command> {
        let OwnedEpoch { epoch, manifest } = self.queue.front()?;
        match self.step {
            Step::Idle => None,
            Step::Publishing => {
                Some(Command::Publish { epoch: *epoch, manifest: Box::new(manifest.clone()) })
            }
            Step::Marking => Some(Command::MarkPublished {
                epoch: *epoch,
                checkpoint: manifest.checkpoint,
                generation: manifest.generation,
            }),
        }
    }

    fn is_at(&self, epoch: Epoch, step: Step) -> bool {
        self.step == step && self.queue.front().is_some_and(|owned| owned.epoch == epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::owned;

    fn with(epochs: &[u64]) -> Publishing {
        let mut publishing =
            Publishing::new(PublishSettings { attempts: 3, initial_backoff_ms: 100, max_backoff_ms: 150 });
        epochs.iter().for_each(|e| publishing.push(owned(*e)));
        publishing
    }

    fn text(command: Option<Command>) -> String {
        command.map_or_else(String::new, |c| c.to_string())
    }

    #[test]
    fn epochs_are_published_and_marked_one_after_the_other() {
        let mut publishing = with(&[7, 9]);
        assert_eq!(text(publishing.begin()), "publish epoch 7: 0 publications");
        assert_eq!(text(publishing.begin()), "", "under way");
        assert_eq!(text(publishing.published(Epoch(9))), "", "not its turn");
        assert!(!publishing.marked(Epoch(7)), "not published");
        assert_eq!(text(publishing.published(Epoch(7))), "mark epoch 7 (checkpoint 7) published");
        assert_eq!(publishing.len(), 2);
        assert!(publishing.marked(Epoch(7)));
        assert_eq!(text(publishing.begin()), "publish epoch 9: 0 publications");
        assert!(!publishing.is_settled());
        publishing.published(Epoch(9));
        assert!(publishing.marked(Epoch(9)));
        assert!(publishing.is_settled());
    }

    #[test]
    fn a_passing_fault_is_repeated_with_longer_pauses_and_then_given_up() {
        let fault = JobError::new(ErrorKind::Transient, "no route");
        let mut publishing = with(&[7]);
        publishing.begin();
        let retry = |at_ms| AfterFailure::Retry(Command::SetTimer { timer: Timer::Publish(Epoch(7)), at_ms });
        assert_eq!(publishing.failed(Epoch(7), &fault, 1_000), retry(1_100));
        assert_eq!(text(publishing.retry(Epoch(7))), "publish epoch 7: 0 publications");
        assert_eq!(publishing.failed(Epoch(7), &fault, 2_000), retry(2_150));
        let AfterFailure::GiveUp(error) = publishing.failed(Epoch(7), &fault, 3_000) else { panic!() };
        assert!(error.message.starts_with("epoch 7 could not be published in 3 tries: no route"), "{error}");
        assert_eq!(error.kind, ErrorKind::Unavailable, "nothing is wrong with the job");
        assert!(publishing.is_settled());
        assert_eq!(publishing.failed(Epoch(7), &fault, 3_000), AfterFailure::Ignore);
        assert_eq!(publishing.retry(Epoch(7)), None);
    }

    #[test]
    fn a_refusal_is_not_repeated() {
        let mut publishing = with(&[7]);
        publishing.begin();
        let refused = JobError::new(ErrorKind::User, "record too large");
        let AfterFailure::GiveUp(error) = publishing.failed(Epoch(7), &refused, 0) else { panic!() };
        assert_eq!(error.kind, ErrorKind::User);
    }

    #[test]
    fn tries_of_the_marker_are_counted_apart() {
        let fault = JobError::new(ErrorKind::Transient, "timeout");
        let mut publishing = with(&[7]);
        publishing.begin();
        publishing.failed(Epoch(7), &fault, 0);
        publishing.failed(Epoch(7), &fault, 0);
        publishing.published(Epoch(7));
        assert!(matches!(publishing.failed(Epoch(7), &fault, 0), AfterFailure::Retry(_)));
        assert_eq!(text(publishing.retry(Epoch(7))), "mark epoch 7 (checkpoint 7) published");
    }
}
