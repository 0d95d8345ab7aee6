//! What follows from a failure or a request to end: restart, give up, stop, leave to a newer coordinator.

use std::collections::BTreeSet;

use millstream_model::control::{ToWorker, WorkerId};
use millstream_model::{Attempt, CheckpointId, ErrorKind, Generation, JobError, SubtaskId};

use super::{AfterCancel, Cancelling, JobMaster, Phase};
use crate::command::{Command, JobEnd, Timer};

impl JobMaster {
    /// A subtask ended with an error.
    pub(super) fn subtask_failed(
        &mut self,
        attempt: Attempt,
        subtask: SubtaskId,
        error: &JobError,
        now_ms: u64,
    ) {
        let chain = self.spec.graph.chain(subtask.chain).map_or("unknown chain", |c| c.name.as_str());
        let error = JobError::new(error.kind, format!("{chain} ({subtask}): {error}"));
        if self.active(attempt).is_some() {
            self.fail(error, now_ms);
            return;
        }
        // The first to report is not always the one to blame: when one subtask meets a bad record, its neighbours see
        // closed channels. An error that no restart heals overrules the passing one that came first.
        if let Phase::Cancelling(cancelling) = &self.phase
            && cancelling.attempt == attempt
            && matches!(cancelling.then, AfterCancel::Restart { .. })
            && !is_healed_by_restart(error.kind)
        {
            let end = self.failed(error);
            if let Phase::Cancelling(cancelling) = &mut self.phase {
                cancelling.then = AfterCancel::Drain(end);
            }
        }
    }

    /// The attempt failed: ends its tasks, then restarts them or ends the job.
    pub(super) fn fail(&mut self, error: JobError, now_ms: u64) {
        if error.kind == ErrorKind::Fenced {
            self.fenced(self.generation.next(), &error.message);
            return;
        }
        let Phase::Active(deployment) = &self.phase else { return };
        let ran_ms = deployment.running_since_ms.map_or(0, |since| now_ms.saturating_sub(since));
        let pause_ms =
            if is_healed_by_restart(error.kind) { self.restarts.after_failure(ran_ms, now_ms) } else { None };
        let Some(pause_ms) = pause_ms else {
            let message = match (is_healed_by_restart(error.kind), self.restarts.total()) {
                (true, restarts @ 1..) => format!("{error} (given up after {restarts} restarts)"),
                _ => error.message,
            };
            let end = self.failed(JobError::new(error.kind, message));
            self.cancel(AfterCancel::Drain(end), now_ms);
            return;
        };
        self.notes.last_error = Some(error.message);
        self.cancel(AfterCancel::Restart { at_ms: now_ms.saturating_add(pause_ms) }, now_ms);
        let from = match (&self.newest, self.checkpoints.is_claiming()) {
            (_, true) => "the checkpoint that is being claimed, if it is owned".into(),
            (Some(newest), false) => format!("epoch {}", newest.epoch),
            (None, false) => "the beginning".into(),
        };
        self.notes.next = Some(format!("attempt {} in {pause_ms} ms from {from}", self.attempt.next()));
    }

    /// Ends every task of the attempt under way. A claim is waited for: only its answer says where to restart.
    pub(super) fn cancel(&mut self, then: AfterCancel, now_ms: u64) {
        let Phase::Active(deployment) = &self.phase else { return };
        let attempt = deployment.attempt;
        let alive = |w: &WorkerId| self.workers.contains_key(w);
        let waiting: BTreeSet<_> = deployment.placement.workers().into_iter().filter(alive).collect();
        for worker in &waiting {
            self.out.push(Command::Send { worker: *worker, message: ToWorker::Cancel { attempt } });
        }
        self.out.push(Command::StopEnumerators { attempt });
        let at_ms = now_ms.saturating_add(self.spec.settings.cancel_timeout_ms);
        self.out.push(Command::SetTimer { timer: Timer::Cancel(attempt), at_ms });
        if let Some(dropped) = self.checkpoints.drop_unclaimed() {
            self.savepoints_aborted(dropped.checkpoint, "the tasks that took it were ended");
        }
        self.phase = Phase::Cancelling(Cancelling { attempt, waiting, then });
    }

    /// Once every task is gone and no claim is open: the pause, or the end.
    pub(super) fn leave_cancelling(&mut self, now_ms: u64) -> bool {
        let Phase::Cancelling(cancelling) = &self.phase else { return false };
        if !cancelling.waiting.is_empty() || self.checkpoints.is_claiming() {
            return false;
        }
        match cancelling.then.clone() {
            AfterCancel::Restart { at_ms } if at_ms <= now_ms => {
                self.phase = Phase::WaitingForSlots;
                self.wait_for_slots(now_ms);
            }
            AfterCancel::Restart { at_ms } => {
                let timer = Timer::Restart(cancelling.attempt);
                self.out.push(Command::SetTimer { timer, at_ms });
                self.phase = Phase::Backoff(cancelling.attempt);
            }
            AfterCancel::Drain(end) => self.phase = Phase::Draining { end, deployment: None },
            AfterCancel::End(end) => self.end(end),
        }
        true
    }

    /// Once everything owned is visible and nothing is being deleted: lets the tasks go and ends.
    pub(super) fn leave_draining(&mut self) -> bool {
        if !self.publishing.is_settled() {
            return false;
        }
        if self.settle_savepoints() || self.sweep_for_the_end() {
            return true;
        }
        if self.savepoints.is_writing() || self.retention.is_sweeping || self.retention.wanted > 0 {
            return false;
        }
        let Phase::Draining { end, deployment } = &self.phase else { return false };
        if let Some(deployment) = deployment {
            let attempt = deployment.attempt;
            self.out.extend(deployment.broadcast(&ToWorker::Shutdown { attempt }));
            self.out.push(Command::StopEnumerators { attempt });
        }
        self.end(end.clone());
        true
    }

    /// Stop behind a final checkpoint. Where no record was read since the newest one, there is nothing to save.
    pub(super) fn stop_requested(&mut self, now_ms: u64) {
        self.is_stop_requested = true;
        let has_pending_output =
            self.newest.as_ref().is_some_and(|n| n.manifest.sinks.iter().any(|s| !s.pending.is_empty()));
        // Output that a roll policy holds back must be visible before a job is "stopped", and only tasks can end their input:
        // one more attempt, without waiting for the pause to pass, does both in its final checkpoint.
        let needs_tasks = has_pending_output || self.is_drain_requested;
        let stopped = self.stopped();
        match &mut self.phase {
            Phase::WaitingForSlots if self.is_drain_requested => {}
            Phase::WaitingForSlots => {
                self.phase = Phase::Draining { end: stopped, deployment: None };
            }
            Phase::Backoff(_) if needs_tasks => {
                self.phase = Phase::WaitingForSlots;
                self.wait_for_slots(now_ms);
            }
            Phase::Backoff(_) => self.phase = Phase::Draining { end: stopped, deployment: None },
            Phase::Cancelling(cancelling) => {
                if let AfterCancel::Restart { at_ms } = &mut cancelling.then {
                    if needs_tasks {
                        *at_ms = 0;
                    } else {
                        cancelling.then = AfterCancel::Drain(stopped);
                    }
                }
            }
            Phase::TakingOver
            | Phase::Recovering
            | Phase::Active(_)
            | Phase::Draining { .. }
            | Phase::Over(_) => {}
        }
    }

    /// Stop at once.
    pub(super) fn cancel_requested(&mut self, now_ms: u64) {
        let stopped = self.stopped();
        match &mut self.phase {
            Phase::Active(_) => self.cancel(AfterCancel::End(stopped), now_ms),
            Phase::Cancelling(cancelling) => {
                let end = match &cancelling.then {
                    AfterCancel::Drain(end) | AfterCancel::End(end) => end.clone(),
                    AfterCancel::Restart { .. } => stopped,
                };
                cancelling.then = AfterCancel::End(end);
            }
            Phase::Draining { end: end @ JobEnd::Failed(_), .. } => {
                let end = end.clone();
                self.end(end);
            }
            _ => self.end(stopped),
        }
    }

    /// A newer coordinator owns the job: this one must not do anything any more, not even clean up.
    pub(super) fn fenced(&mut self, by: Generation, reason: &str) {
        self.notes.last_error =
            Some(format!("generation {} is fenced by generation {by}: {reason}", self.generation));
        self.abandon();
        self.end(JobEnd::Fenced { by });
    }

    /// Nobody knows whether the checkpoint is owned, so nobody can say what to restore or to publish. The next coordinator
    /// reads the answer from the log.
    pub(super) fn claim_unknown(&mut self, checkpoint: CheckpointId, error: &JobError) {
        let is_waited_for = self.checkpoints.is_current(checkpoint) && self.checkpoints.is_claiming();
        if !is_waited_for {
            return;
        }
        let message = format!(
            "whether checkpoint {checkpoint} is owned could not be found out: {error}; start the job again to go on from \
             what the storage says"
        );
        self.abandon();
        let end = self.failed(JobError::new(ErrorKind::Unavailable, message));
        self.end(end);
    }

    /// The end of a failed job, noted.
    pub(super) fn failed(&mut self, error: JobError) -> JobEnd {
        self.notes.last_error = Some(error.message.clone());
        JobEnd::Failed(error)
    }

    /// The end of a job that was asked to stop, as of now.
    pub(super) fn stopped(&self) -> JobEnd {
        JobEnd::Stopped { epoch: self.newest.as_ref().map(|n| n.epoch) }
    }

    /// Tells the workers to end, without waiting for them.
    fn abandon(&mut self) {
        if let Phase::Active(deployment) | Phase::Draining { deployment: Some(deployment), .. } = &self.phase
        {
            let attempt = deployment.attempt;
            self.out.extend(deployment.broadcast(&ToWorker::Cancel { attempt }));
            self.out.push(Command::StopEnumerators { attempt });
        }
    }

    fn end(&mut self, end: JobEnd) {
        // A claim that was open when the stop was asked for may have been answered since.
        let end = if matches!(end, JobEnd::Stopped { .. }) { self.stopped() } else { end };
        self.notes.next = None;
        self.refuse_savepoints();
        self.refuse_rescale("the job ended before");
        self.out.push(Command::End(end.clone()));
        self.phase = Phase::Over(end);
    }
}

/// Whether starting the tasks again may help.
const fn is_healed_by_restart(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Transient | ErrorKind::Bug)
}
