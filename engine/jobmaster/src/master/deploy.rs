//! Attempts: from enough slots over restored subtasks to flowing records.

use std::collections::{BTreeMap, BTreeSet};

use millstream_checkpoint::restore::{Loss, LossKind};
use millstream_checkpoint::{Outcome, RestorePlan, plan_restore};
use millstream_model::control::{ToWorker, WorkerId};
use millstream_model::graph::JobGraph;
use millstream_model::{Attempt, ErrorKind, JobError, SubtaskId};

use super::{JobMaster, Phase};
use crate::command::{Command, JobEnd, Timer};
use crate::deployment::Deployment;
use crate::schedule::{Placement, place, slots_needed};

impl JobMaster {
    /// Once everything that predecessors owned is visible: ends a job that has nothing left to do, else looks for slots.
    pub(super) fn leave_recovery(&mut self, now_ms: u64) -> bool {
        if !self.publishing.is_settled() && !self.spec.settings.sabotage.start_before_publishing {
            return false;
        }
        let finished = self.newest.as_ref().filter(|n| n.manifest.outcome == Outcome::Finished);
        if let Some(epoch) = finished.map(|n| n.epoch) {
            self.phase = Phase::Draining { end: JobEnd::Finished { epoch }, deployment: None };
        } else if self.is_stop_requested && !self.is_drain_requested {
            self.phase = Phase::Draining { end: self.stopped(), deployment: None };
        } else {
            self.phase = Phase::WaitingForSlots;
            self.wait_for_slots(now_ms);
        }
        true
    }

    /// Bounds the wait, if the settings do.
    pub(super) fn wait_for_slots(&mut self, now_ms: u64) {
        if self.place(&self.spec.graph).is_some() {
            return;
        }
        if let Some(timeout_ms) = self.spec.settings.slots_timeout_ms {
            let at_ms = now_ms.saturating_add(timeout_ms);
            self.out.push(Command::SetTimer { timer: Timer::Slots(self.attempt), at_ms });
        }
    }

    /// The workers never offered enough.
    pub(super) fn slots_timed_out(&mut self, since: Attempt) {
        if self.phase != Phase::WaitingForSlots || self.attempt != since {
            return;
        }
        let offered: u32 = self.slots().values().sum();
        let needed = slots_needed(&self.spec.graph);
        let cause = self.notes.last_error.as_ref().map(|e| format!("; last error: {e}")).unwrap_or_default();
        let message = format!("the job needs {needed} slots, its workers offer {offered}{cause}");
        let end = self.failed(JobError::new(ErrorKind::Transient, message));
        self.phase = Phase::Draining { end, deployment: None };
    }

    /// Starts the next attempt from the newest owned checkpoint, if the slots suffice.
    pub(super) fn deploy(&mut self, now_ms: u64) -> bool {
        self.adopt_rescale();
        let Some(placement) = self.place(&self.spec.graph) else {
            let (needed, offered) = (slots_needed(&self.spec.graph), self.slots().values().sum::<u32>());
            self.notes.next = Some(format!("start when {needed} slots are there, now {offered}"));
            return false;
        };
        let plan = match self.restore_plan() {
            Ok(plan) => plan,
            Err(error) => {
                let end = self.failed(error);
                self.phase = Phase::Draining { end, deployment: None };
                return true;
            }
        };
        for (worker, offer) in &mut self.workers {
            if placement.workers().contains(worker) {
                offer.held = placement.held_by(*worker);
            }
        }
        let manifest = plan.as_ref().map(|p| &p.parent);
        self.attempt = self.attempt.next();
        let attempt = self.attempt;
        let deployment = Deployment::new(attempt, &self.spec.graph, placement, manifest);
        let prepare = self.prepare(&deployment);
        self.out.extend(deployment.broadcast(&prepare));
        for subtask in self.spec.graph.subtasks() {
            let restore = plan.as_ref().and_then(|p| p.subtasks.get(&subtask)).cloned().unwrap_or_default();
            let message = ToWorker::Deploy { attempt, generation: self.generation, subtask, restore };
            self.out.extend(deployment.send(subtask, message));
        }
        for source in deployment.sources() {
            // Nothing is remembered where a checkpoint came before the first discovery.
            let state = manifest.and_then(|m| m.source(source)).map(|s| s.enumerator.clone());
            let state = state.filter(|s| !s.is_empty());
            self.out.push(Command::StartEnumerator { attempt, source: source.clone(), state });
        }
        let at_ms = now_ms.saturating_add(self.spec.settings.deploy_timeout_ms);
        self.out.push(Command::SetTimer { timer: Timer::Deploy(attempt), at_ms });
        self.notes.restored_from = self.newest.as_ref().map(|n| n.epoch);
        self.notes.next = None;
        self.phase = Phase::Active(Box::new(deployment));
        self.parent = plan.map(|p| p.parent);
        true
    }

    /// Where the subtasks of a graph would run; `None` if there are too few slots.
    pub(super) fn place(&self, graph: &JobGraph) -> Option<Placement> {
        place(graph, &self.slots(), |worker| self.workers.get(&worker).map(|offer| &offer.held))
    }

    /// Slots that each worker offers.
    pub(super) fn slots(&self) -> BTreeMap<WorkerId, u32> {
        self.workers.iter().map(|(worker, offer)| (*worker, offer.slots)).collect()
    }

    /// Who runs what, and how its workers reach each other.
    fn prepare(&self, deployment: &Deployment) -> ToWorker {
        let address = |worker: WorkerId| Some((worker, self.workers.get(&worker)?.address.clone()?));
        ToWorker::Prepare {
            attempt: deployment.attempt,
            placement: deployment.placement.iter().collect(),
            addresses: deployment.placement.workers().into_iter().filter_map(address).collect(),
            parallelism: self.parallelism,
            fingerprint: self.spec.graph.fingerprint.clone(),
        }
    }

    /// How the job goes on from the newest owned checkpoint; `None` if there is none.
    fn restore_plan(&self) -> Result<Option<RestorePlan>, JobError> {
        let Some(newest) = &self.newest else { return Ok(None) };
        // What a user gives up is what an earlier run left. State that this run has written since is not meant.
        let nothing = BTreeSet::new();
        let is_own = newest.manifest.generation == self.generation;
        let droppable = if is_own { &nothing } else { &self.spec.droppable };
        let plan = plan_restore(&newest.manifest, &self.spec.graph, droppable)
            .map_err(|error| JobError::new(error.kind(), error.to_string()))?;
        if plan.lost.is_empty() {
            return Ok(Some(plan));
        }
        let lost: Vec<_> = plan.lost.iter().map(described).collect();
        let message = format!(
            "going on from epoch {} would lose {}: the job has no such operator any more; name what may be lost, or start \
             over",
            newest.epoch,
            lost.join(", ")
        );
        Err(JobError::new(ErrorKind::State, message))
    }

    /// A subtask is restored; when all are, records flow.
    pub(super) fn subtask_running(&mut self, attempt: Attempt, subtask: SubtaskId, now_ms: u64) {
        let Some(deployment) = self.active(attempt) else { return };
        if !deployment.runs(subtask) {
            return;
        }
        deployment.running_since_ms = Some(now_ms);
        let commands = deployment.broadcast(&ToWorker::Start { attempt });
        self.out.extend(commands);
        self.answer_rescale(attempt);
        self.checkpoints.attempt_runs(now_ms);
        self.next_checkpoint_ms = None;
    }

    /// Restoring took too long.
    pub(super) fn deploy_timed_out(&mut self, attempt: Attempt, now_ms: u64) {
        let timeout_ms = self.spec.settings.deploy_timeout_ms;
        let Some(deployment) = self.active(attempt).filter(|d| !d.is_running()) else { return };
        let missing: Vec<_> = deployment.starting().map(|s| s.to_string()).collect();
        let message = format!("subtasks {} did not come up within {timeout_ms} ms", missing.join(", "));
        self.fail(JobError::new(ErrorKind::Transient, message), now_ms);
    }

    /// Hands splits to source subtasks. Not before they run, and not behind the last barrier, whose snapshot has them.
    pub(super) fn assign_splits(&mut self) -> bool {
        let Phase::Active(deployment) = &mut self.phase else { return false };
        if !deployment.is_running() || deployment.last_barrier.is_some() {
            return false;
        }
        let commands = deployment.assign();
        let did_something = !commands.is_empty();
        self.out.extend(commands);
        did_something
    }
}

fn described(loss: &Loss) -> String {
    let what = match loss.what {
        LossKind::State { rows } => format!("{rows} rows of state"),
        LossKind::Positions { records } => format!("the positions behind {records} records"),
        LossKind::StagedOutput { rows } => format!("{rows} rows of staged output"),
    };
    format!("{what} of {} (uid {})", loss.name, loss.uid)
}
