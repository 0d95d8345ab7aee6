//! Who may work: registration, the check of the compiled job, losses.

use millstream_model::control::WorkerId;
use millstream_model::{ErrorKind, JobError};

use super::{JobMaster, Offer, Phase};
use crate::command::Command;

impl JobMaster {
    /// A worker offers its slots. One that compiled another job than the coordinator is sent away: its operators would mean
    /// something else under the same numbers.
    pub(super) fn worker_registered(
        &mut self,
        worker: WorkerId,
        offer: Offer,
        fingerprint: &str,
        now_ms: u64,
    ) {
        let expected = &self.fingerprint;
        if fingerprint != expected {
            let reason = format!(
                "worker {worker} compiled another job ({fingerprint}) than the coordinator ({expected}): \
                 both must run the same engine version with the same manifest"
            );
            self.notes.last_error = Some(reason.clone());
            self.out.push(Command::ReleaseWorker { worker, reason });
            return;
        }
        if self.workers.contains_key(&worker) {
            self.worker_lost(worker, "it registered again, so it was restarted", now_ms);
        }
        self.workers.insert(worker, offer);
    }

    /// A worker is gone with everything on it; an attempt that had a part there has failed.
    pub(super) fn worker_lost(&mut self, worker: WorkerId, reason: &str, now_ms: u64) {
        if self.workers.remove(&worker).is_none() {
            return;
        }
        match &mut self.phase {
            Phase::Active(deployment) if deployment.placement.workers().contains(&worker) => {
                let message = format!("worker {worker} is lost: {reason}");
                self.fail(JobError::new(ErrorKind::Transient, message), now_ms);
            }
            Phase::Cancelling(cancelling) => {
                cancelling.waiting.remove(&worker);
            }
            _ => {}
        }
    }

    /// Workers that did not confirm the end of an attempt count as lost: they see the closed connection and end their tasks,
    /// and nothing that those still do can be published.
    pub(super) fn cancel_timed_out(&mut self, attempt: millstream_model::Attempt) {
        let Phase::Cancelling(cancelling) = &mut self.phase else { return };
        if cancelling.attempt != attempt {
            return;
        }
        for worker in std::mem::take(&mut cancelling.waiting) {
            self.workers.remove(&worker);
            let reason = format!(
                "it did not end attempt {attempt} within {} ms",
                self.spec.settings.cancel_timeout_ms
            );
            self.out.push(Command::ReleaseWorker { worker, reason });
        }
    }

    /// A worker has ended every task of an attempt.
    pub(super) fn cancelled(&mut self, attempt: millstream_model::Attempt, worker: WorkerId) {
        if let Phase::Cancelling(cancelling) = &mut self.phase
            && cancelling.attempt == attempt
        {
            cancelling.waiting.remove(&worker);
        }
    }
}
