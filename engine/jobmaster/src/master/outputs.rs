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
            self.retention.is_due = true;
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

    /// Sweeps when an epoch was marked since the last sweep and none is under way.
    pub(super) fn begin_sweep(&mut self) -> bool {
        if !self.retention.is_due || self.retention.is_sweeping {
            return false;
        }
        self.retention.is_due = false;
        self.retention.is_sweeping = true;
        let pending = self.checkpoints.in_flight().map(|c| c.checkpoint).into_iter().collect();
        self.out.push(Command::Sweep { pending });
        true
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
