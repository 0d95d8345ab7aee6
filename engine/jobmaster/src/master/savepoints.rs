//! Savepoints on the way through the phases of a job.

use millstream_model::control::BarrierKind;
use millstream_model::{CheckpointId, ErrorKind, JobError};

use super::{AfterCancel, Cancelling, JobMaster, Phase};
use crate::command::{Command, JobEnd};
use crate::savepoints::{AfterSavepoint, SavepointId, SavepointReport};

impl JobMaster {
    /// Somebody wants a savepoint. It is taken as soon as a checkpoint can be; where the job does not run, when it does.
    pub(super) fn savepoint_requested(&mut self, id: SavepointId, then: AfterSavepoint, now_ms: u64) {
        if then == AfterSavepoint::Drain && self.ends_undrained() {
            let message = "no savepoint: the job is ending already, so it cannot be drained any more; if it has stopped, run it again and drain it then";
            return self.refuse(vec![id], &JobError::new(ErrorKind::User, message));
        }
        self.savepoints.order(id, then);
        self.is_drain_requested |= then == AfterSavepoint::Drain;
        if then != AfterSavepoint::GoOn {
            self.stop_requested(now_ms);
        }
    }

    /// Whether the job's last barrier is out, or its tasks are gone for good, without the end of its input.
    fn ends_undrained(&self) -> bool {
        match &self.phase {
            Phase::Active(deployment) => deployment.last_barrier == Some(BarrierKind::Stop),
            Phase::Cancelling(Cancelling {
                then: AfterCancel::Drain(end) | AfterCancel::End(end), ..
            })
            | Phase::Draining { end, .. } => matches!(end, JobEnd::Stopped { .. }),
            _ => false,
        }
    }

    /// Begins to write the next savepoint whose epoch is visible.
    pub(super) fn begin_savepoint(&mut self) -> bool {
        let publishing = &self.publishing;
        let begun = self.savepoints.begin(|epoch| publishing.is_visible(epoch));
        self.out.extend(begun.map(|(id, epoch)| Command::WriteSavepoint { id, epoch }));
        begun.is_some()
    }

    /// The files are there.
    pub(super) fn savepoint_written(&mut self, id: SavepointId, report: SavepointReport) {
        if self.savepoints.answered(id) {
            self.notes.last_savepoint = Some(report);
        }
    }

    /// Whoever asked knows already; the job is none the worse.
    pub(super) fn savepoint_failed(&mut self, id: SavepointId, error: &JobError) {
        if self.savepoints.answered(id) {
            self.notes.last_error = Some(format!("a savepoint failed: {error}"));
        }
    }

    /// The checkpoint that savepoints were to be made from is lost.
    pub(super) fn savepoints_aborted(&mut self, checkpoint: CheckpointId, reason: &str) {
        let refused = self.savepoints.aborted(checkpoint);
        let message = format!("checkpoint {checkpoint} failed: {reason}; ask for the savepoint again");
        self.refuse(refused, &JobError::new(ErrorKind::Transient, message));
    }

    /// No record flows any more, and nothing more becomes visible: savepoints are made from the newest epoch, or never. True
    /// if one had to be looked after.
    pub(super) fn settle_savepoints(&mut self) -> bool {
        let Phase::Draining { end, .. } = &self.phase else { return false };
        let newest = self.newest.as_ref();
        let reason = match (end, newest) {
            (JobEnd::Failed(error), _) => format!("the job failed: {error}"),
            (_, None) => "the job has no checkpoint yet".to_owned(),
            (_, Some(newest)) if newest.manifest.sinks.iter().any(|s| !s.pending.is_empty()) => {
                format!("the job ended, and epoch {} holds output that waits for more", newest.epoch)
            }
            (_, Some(newest)) => {
                let is_served = self.savepoints.is_wanted();
                self.savepoints.serve(newest.epoch);
                if self.begin_savepoint() || is_served {
                    return true;
                }
                if self.savepoints.is_writing() {
                    return false;
                }
                "its epoch could not be made visible".to_owned()
            }
        };
        let refused = self.savepoints.give_up_unwritten();
        let is_refused = !refused.is_empty();
        self.refuse(refused, &JobError::new(ErrorKind::Transient, format!("no savepoint: {reason}")));
        is_refused
    }

    /// Answers everybody who still waits, because this coordinator is about to end.
    pub(super) fn refuse_savepoints(&mut self) {
        let refused = self.savepoints.give_up();
        let message = "no savepoint: the job ended before it was complete";
        self.refuse(refused, &JobError::new(ErrorKind::Transient, message));
    }

    fn refuse(&mut self, refused: Vec<SavepointId>, error: &JobError) {
        let commands = refused.into_iter().map(|id| Command::RefuseSavepoint { id, error: error.clone() });
        self.out.extend(commands);
    }
}
