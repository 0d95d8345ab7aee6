//! Owned output becomes visible, epoch by epoch; what nobody needs any more is deleted.

use millstream_model::{Epoch, ErrorKind, JobError};

use super::{AfterCancel, JobMaster, Phase};
use crate::command::Command;
use crate::publishing::AfterFailure;

impl JobMaster {
    /// The next epoch to publish, if none is under way.
    pub(super) fn next_publish(&mut self) -> Option<Command> {
        match self.phase {
            Phase::TakingOver | Phase::Over(_) => None,
            _ => self.publishing.begin(),
        }
    }

    /// An epoch is visible.
    pub(super) fn published(&mut self, epoch: Epoch) {
        self.out.extend(self.publishing.published(epoch));
    }

    /// An epoch is marked; older ones may have become unreachable.
    pub(super) fn marked(&mut self, epoch: Epoch) {
        if self.publishing.marked(epoch) {
            self.retention.wanted = self.retention.wanted.max(1);
        }
    }

    /// A try to publish or to mark failed.
    pub(super) fn publish_failed(&mut self, epoch: Epoch, error: &JobError, now_ms: u64) {
        match self.publishing.failed(epoch, error, now_ms) {
            AfterFailure::Ignore => {}
            AfterFailure::Retry(timer) => {
                self.notes.last_error = Some(format!("publishing epoch {epoch} failed: {error}"));
                self.out.push(timer);
            }
            AfterFailure::GiveUp(error) if error.kind == ErrorKind::Fenced => {
                self.fenced(self.generation.next(), &error.message);
            }
            AfterFailure::GiveUp(error) => self.output_refused(error, now_ms),
        }
    }

    /// Sweeps when that is wanted, none is under way, and the last one is long enough ago. What a savepoint is about to read is
    /// not held by a pin before its writer begins, so nothing is swept meanwhile.
    pub(super) fn begin_sweep(&mut self, now_ms: u64) -> bool {
        let pause_ms = self.spec.settings.sweep_interval_ms;
        let is_draining = matches!(self.phase, Phase::Draining { .. });
        let has_paused = self.retention.last_begun_ms.is_none_or(|at| now_ms >= at.saturating_add(pause_ms));
        let waits_for_the_end = self.ends_well() && !self.retention.has_swept_for_the_end;
        if self.retention.wanted == 0
            || self.retention.is_sweeping
            || self.savepoints.needs_an_epoch()
            || waits_for_the_end
            || !(has_paused || is_draining)
        {
            return false;
        }
        self.retention.wanted -= 1;
        self.retention.is_sweeping = true;
        self.retention.last_begun_ms = Some(now_ms);
        let writing = match &self.phase {
            Phase::Active(deployment) => Some(deployment.attempt),
            Phase::Cancelling(cancelling) => Some(cancelling.attempt),
            // Everything is owned: the checkpoint behind which the job ends has all that its tasks wrote.
            Phase::Draining { .. } | Phase::Over(_) => None,
            Phase::TakingOver | Phase::Recovering | Phase::WaitingForSlots | Phase::Backoff(_) => {
                Some(self.attempt.next())
            }
        };
        self.out.push(Command::Sweep { writing });
        true
    }

    /// Before a job that ran ends well: two sweeps, after which its folder holds what is kept and nothing else.
    pub(super) fn sweep_for_the_end(&mut self) -> bool {
        if self.retention.has_swept_for_the_end || !self.ends_well() {
            return false;
        }
        self.retention.has_swept_for_the_end = true;
        self.retention.wanted = 2;
        true
    }

    /// Whether a job that ran and owns something is about to end without a failure.
    fn ends_well(&self) -> bool {
        let Phase::Draining { end, .. } = &self.phase else { return false };
        !matches!(end, crate::command::JobEnd::Failed(_)) && self.attempt.0 > 0 && self.newest.is_some()
    }

    /// Output that cannot be made visible ends the job, however well its tasks run: nothing behind it can be shown either.
    fn output_refused(&mut self, error: JobError, now_ms: u64) {
        let end = self.failed(error);
        match &mut self.phase {
            Phase::Active(_) => self.cancel(AfterCancel::Drain(end), now_ms),
            Phase::Cancelling(cancelling) => cancelling.then = AfterCancel::Drain(end),
            Phase::Draining { end: old, .. } => {
                if !matches!(old, crate::command::JobEnd::Failed(_)) {
                    *old = end;
                }
            }
            Phase::TakingOver | Phase::Recovering | Phase::WaitingForSlots | Phase::Backoff(_) => {
                self.phase = Phase::Draining { end, deployment: None };
            }
            Phase::Over(_) => {}
        }
    }
}
