//! Another parallelism for a job that runs: from a checkpoint that is taken for it, in a new attempt.
//!
//! ```text
//! requested -> Wanted -> Wanted(checkpoint) -> owned: tasks are ended -> Adopted -> records flow: answered
//!                ^             |
//!                +-- aborted --+
//! ```
//!
//! Where no task runs, the next attempt has it at once. What runs goes on until the checkpoint is owned, so the pause is that of a
//! restart. A new coordinator begins with the parallelism of the job's text again.

use millstream_model::graph::JobGraph;
use millstream_model::{Attempt, CheckpointId, ErrorKind, JobError};

use super::{AfterCancel, Cancelling, JobMaster, Phase};
use crate::command::Command;
use crate::rescales::RescaleId;
use crate::schedule::slots_needed;

/// A rescale that is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rescale {
    /// It waits for the next attempt, for which this checkpoint is being taken.
    Wanted { id: RescaleId, parallelism: u32, graph: Box<JobGraph>, checkpoint: Option<CheckpointId> },
    /// Whoever is deployed now has it.
    Adopted { id: RescaleId },
}

impl JobMaster {
    /// Somebody wants another parallelism, and has compiled the job for it.
    pub(super) fn rescale_requested(&mut self, id: RescaleId, parallelism: u32, graph: JobGraph) {
        if let Err(message) = self.may_rescale(&graph) {
            let error = JobError::new(ErrorKind::User, message);
            self.out.push(Command::RefuseRescale { id, error });
            return;
        }
        if graph.fingerprint == self.spec.graph.fingerprint {
            // The same tasks, because each of them has a limit of its own or because that is what it was.
            self.parallelism = Some(parallelism);
            self.out.push(Command::Rescaled { id, attempt: self.attempt });
            return;
        }
        self.rescale = Some(Rescale::Wanted { id, parallelism, graph: Box::new(graph), checkpoint: None });
    }

    fn may_rescale(&self, graph: &JobGraph) -> Result<(), String> {
        let is_ending = match &self.phase {
            Phase::Cancelling(Cancelling { then, .. }) => !matches!(then, AfterCancel::Restart { .. }),
            Phase::Draining { .. } | Phase::Over(_) => true,
            _ => self.is_stop_requested,
        };
        if is_ending {
            return Err("the job is ending".into());
        }
        if self.rescale.is_some() {
            return Err("the job is being rescaled already; ask again when that is done".into());
        }
        let (is, was) = (graph.max_parallelism, self.spec.graph.max_parallelism);
        if is != was {
            return Err(format!(
                "the job has {was} key groups, and would have {is}: they are fixed for the life of a job"
            ));
        }
        // A job that runs is not stopped for one that cannot start. One that waits for slots anyway may wait for others.
        let slots = self.slots();
        if matches!(self.phase, Phase::Active(_)) && self.place(graph).is_none() {
            let (needed, offered) = (slots_needed(graph), slots.values().sum::<u32>());
            return Err(format!(
                "that needs {needed} slots, and the workers offer {offered}: start more workers first"
            ));
        }
        Ok(())
    }

    /// Whether a checkpoint has to be taken for a rescale, now rather than by interval.
    pub(super) const fn rescale_wants_a_checkpoint(&self) -> bool {
        matches!(self.rescale, Some(Rescale::Wanted { checkpoint: None, .. }))
    }

    /// This checkpoint serves the rescale that waits for one.
    pub(super) fn rescale_takes(&mut self, taken: CheckpointId) {
        if let Some(Rescale::Wanted { checkpoint, .. }) = &mut self.rescale {
            *checkpoint = Some(taken);
        }
    }

    /// The checkpoint will not complete: another one is needed.
    pub(super) fn rescale_lost(&mut self, lost: CheckpointId) {
        if let Some(Rescale::Wanted { checkpoint, .. }) = &mut self.rescale {
            checkpoint.take_if(|taken| *taken == lost);
        }
    }

    /// The checkpoint is owned: if it was taken for a rescale, the next attempt goes on from it.
    pub(super) fn rescale_from(&mut self, owned: CheckpointId, now_ms: u64) {
        if let Some(Rescale::Wanted { checkpoint: Some(taken), parallelism, .. }) = &self.rescale
            && *taken == owned
        {
            self.notes.next = Some(format!("attempt {} at parallelism {parallelism}", self.attempt.next()));
            self.cancel(AfterCancel::Restart { at_ms: now_ms }, now_ms);
        }
    }

    /// No task runs: from now on the job is what was asked for.
    pub(super) fn adopt_rescale(&mut self) {
        match self.rescale.take() {
            Some(Rescale::Wanted { id, parallelism, graph, .. }) => {
                self.spec.graph = *graph;
                self.parallelism = Some(parallelism);
                self.rescale = Some(Rescale::Adopted { id });
            }
            other => self.rescale = other,
        }
    }

    /// Records flow.
    pub(super) fn answer_rescale(&mut self, attempt: Attempt) {
        if let Some(Rescale::Adopted { id }) = self.rescale {
            self.rescale = None;
            self.out.push(Command::Rescaled { id, attempt });
        }
    }

    /// Tells whoever still waits that nothing will come of it.
    pub(super) fn refuse_rescale(&mut self, why: &str) {
        let Some(Rescale::Wanted { id, .. } | Rescale::Adopted { id }) = self.rescale.take() else { return };
        let error = JobError::new(ErrorKind::Transient, format!("not rescaled: {why}"));
        self.out.push(Command::RefuseRescale { id, error });
    }
}
