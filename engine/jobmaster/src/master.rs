//! The phases of a job, and the one function through which everything happens.
//!
//! ```text
//! TakingOver -> Recovering -> WaitingForSlots -> Active (deploying, running) -> Draining -> Over
//!                                  ^    ^              |                          ^
//!                                  |    +-- Backoff <- Cancelling ----------------+
//!                                  +--------- lost slots
//! ```
//!
//! An event changes facts; then [`JobMaster`] takes every step that the facts now allow, one at a time, until none is left.
//! So the order in which facts arrive does not matter for what follows from them together.

mod checkpoints;
mod deploy;
mod failover;
mod outputs;
mod rescale;
mod savepoints;
mod workers;

#[cfg(test)]
mod master_test;

use std::collections::{BTreeMap, BTreeSet};

use millstream_checkpoint::Manifest;
use millstream_model::control::{FromWorker, HeldSlots, WorkerId};
use millstream_model::graph::JobGraph;
use millstream_model::{Attempt, Epoch, Generation, JobError, JobIdentity, OperatorUid};
use serde::{Deserialize, Serialize};

use rescale::Rescale;

use crate::checkpointing::Checkpointing;
use crate::command::{Command, JobEnd, Timer};
use crate::deployment::Deployment;
use crate::event::{Event, OwnedEpoch, Takeover};
use crate::publishing::Publishing;
use crate::restarts::Restarts;
use crate::savepoints::{SavepointReport, Savepoints};
use crate::settings::Settings;
use crate::status::{CheckpointReport, EpochReport, JobPhase, StatusReport};

/// What the job is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// Whose state is restored and written.
    pub job: JobIdentity,
    /// What runs.
    pub graph: JobGraph,
    /// At which parallelism the graph was compiled: operators that have a limit of their own may have less.
    pub parallelism: u32,
    /// The text that the graph was compiled from; goes into manifests.
    pub sql: String,
    /// Version of the engine; goes into manifests.
    pub engine_version: String,
    /// Operators whose state in the restored checkpoint the user gave up by name.
    pub droppable: BTreeSet<OperatorUid>,
    /// What the user chose.
    pub settings: Settings,
}

/// The state of a job as its coordinator sees it, and every decision about it.
#[derive(Clone, Debug)]
pub struct JobMaster {
    spec: JobSpec,
    generation: Generation,
    /// What each worker offers.
    workers: BTreeMap<WorkerId, Offer>,
    /// The newest attempt's number; 0 before the first.
    attempt: Attempt,
    phase: Phase,
    /// The newest owned checkpoint: where the next attempt starts.
    newest: Option<OwnedEpoch>,
    /// What the next manifest builds on: `newest`, without what was dropped at the restore.
    parent: Option<Manifest>,
    /// Epochs whose output was given up by name.
    discarded: BTreeSet<Epoch>,
    /// The newest record of the log that is known.
    log_end: Epoch,
    checkpoints: Checkpointing,
    /// For when the checkpoint timer of the attempt under way is set.
    next_checkpoint_ms: Option<u64>,
    publishing: Publishing,
    restarts: Restarts,
    retention: Retention,
    is_stop_requested: bool,
    /// The stop that was asked for is the end of all input.
    is_drain_requested: bool,
    savepoints: Savepoints,
    rescale: Option<Rescale>,
    /// At which parallelism the graph was compiled, if not at that of the job's text.
    parallelism: Option<u32>,
    /// Of the graph by the job's text, which is what workers register with.
    fingerprint: String,
    notes: Notes,
    /// Commands of the step that is being taken.
    out: Vec<Command>,
}

/// What a worker brings.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Offer {
    slots: u32,
    /// Where it listens for rows of other workers.
    address: Option<String>,
    /// What it has run.
    held: HeldSlots,
}

/// Where the job is, with what is known only there.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    TakingOver,
    /// Owned epochs of predecessors become visible; no task may run.
    Recovering,
    WaitingForSlots,
    Active(Box<Deployment>),
    /// Every task is being ended.
    Cancelling(Cancelling),
    /// A pause after the failure of this attempt.
    Backoff(Attempt),
    /// No record flows any more; what is owned becomes visible, then it is over.
    Draining {
        end: JobEnd,
        deployment: Option<Box<Deployment>>,
    },
    Over(JobEnd),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Cancelling {
    attempt: Attempt,
    /// Workers that have not confirmed.
    waiting: BTreeSet<WorkerId>,
    then: AfterCancel,
}

/// What follows when every task is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
enum AfterCancel {
    Restart {
        at_ms: u64,
    },
    /// Show what is owned, then end.
    Drain(JobEnd),
    /// End without waiting for anything else.
    End(JobEnd),
}

/// When objects that nobody needs are deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Retention {
    is_sweeping: bool,
    /// Sweeps that are wanted: one after an epoch was marked, two at the end, because what goes was seen twice.
    wanted: u8,
    last_begun_ms: Option<u64>,
    has_swept_for_the_end: bool,
}

/// What is remembered for the status alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Notes {
    restored_from: Option<Epoch>,
    newest: Option<EpochReport>,
    last_checkpoint: Option<CheckpointReport>,
    last_savepoint: Option<SavepointReport>,
    last_error: Option<String>,
    next: Option<String>,
    reported: Option<Box<StatusReport>>,
}

impl JobMaster {
    /// A job that nobody has taken over yet.
    #[must_use]
    pub fn new(spec: JobSpec) -> Self {
        let settings = &spec.settings;
        Self {
            generation: Generation(0),
            workers: BTreeMap::new(),
            attempt: Attempt(0),
            phase: Phase::TakingOver,
            newest: None,
            parent: None,
            discarded: BTreeSet::new(),
            log_end: Epoch(0),
            checkpoints: Checkpointing::new(settings.checkpoint, millstream_model::CheckpointId(1)),
            next_checkpoint_ms: None,
            publishing: Publishing::new(settings.publish),
            restarts: Restarts::new(settings.restart),
            retention: Retention::default(),
            is_stop_requested: false,
            is_drain_requested: false,
            savepoints: Savepoints::default(),
            rescale: None,
            parallelism: None,
            fingerprint: spec.graph.fingerprint.clone(),
            notes: Notes::default(),
            out: Vec::new(),
            spec,
        }
    }

    /// Takes an event in and says what has to be done now, in this order. `now_ms` never goes back; timers refer to it.
    ///
    /// Guarantees: at most one checkpoint is under way; epochs are published in order, each after it is owned; nothing is
    /// commanded after [`Command::End`]; events of older attempts, checkpoints and timers change nothing.
    pub fn handle(&mut self, event: Event, now_ms: u64) -> Vec<Command> {
        if matches!(self.phase, Phase::Over(_)) {
            return Vec::new();
        }
        self.apply(event, now_ms);
        while self.step(now_ms) {}
        self.report();
        std::mem::take(&mut self.out)
    }

    /// What runs, or is about to.
    #[must_use]
    pub const fn graph(&self) -> &JobGraph {
        &self.spec.graph
    }

    /// What people are told.
    #[must_use]
    pub fn status(&self) -> StatusReport {
        StatusReport {
            phase: self.shown_phase(),
            generation: self.generation,
            attempt: self.attempt,
            restarts: self.restarts.total(),
            parallelism: self.parallelism.unwrap_or(self.spec.parallelism),
            epoch: self.newest.as_ref().map(|n| n.epoch),
            newest: self.notes.newest.clone(),
            restored_from: self.notes.restored_from,
            unpublished: self.publishing.len(),
            in_flight: self.checkpoints.in_flight().map(|c| c.checkpoint),
            last_checkpoint: self.notes.last_checkpoint,
            last_savepoint: self.notes.last_savepoint.clone(),
            savepoints_under_way: self.savepoints.len(),
            checkpoint_interval_ms: self.checkpoints.interval_ms(),
            failed_checkpoints: self.checkpoints.failures(),
            failed_checkpoints_in_a_row: self.checkpoints.failures_in_a_row(),
            last_error: self.notes.last_error.clone(),
            next: self.notes.next.clone(),
        }
    }

    fn apply(&mut self, event: Event, now_ms: u64) {
        match event {
            Event::TookOver(takeover) => self.took_over(*takeover),
            Event::FromWorker(message) => self.heard(message, now_ms),
            Event::WorkerLost { worker, reason } => self.worker_lost(worker, &reason, now_ms),
            Event::SplitsDiscovered { attempt, source, splits, enumerator, no_more } => {
                if let Some(deployment) = self.active(attempt) {
                    deployment.discovered(&source, splits, enumerator, no_more);
                }
            }
            Event::EnumeratorFailed { attempt, source, error } => {
                if self.active(attempt).is_some() {
                    let message = format!("cannot find what source {source} has to read: {error}");
                    self.fail(JobError::new(error.kind, message), now_ms);
                }
            }
            Event::ManifestWritten { checkpoint } => self.manifest_written(checkpoint),
            Event::ManifestFailed { checkpoint, error } => {
                self.checkpoint_failed(checkpoint, &error, now_ms);
            }
            Event::EpochOwned { checkpoint, epoch } => self.epoch_owned(checkpoint, epoch, now_ms),
            Event::ClaimRefused { checkpoint, error } => self.claim_refused(checkpoint, &error, now_ms),
            Event::ClaimUnknown { checkpoint, error } => self.claim_unknown(checkpoint, &error),
            Event::Published { epoch } => self.published(epoch),
            Event::PublishFailed { epoch, error } | Event::MarkFailed { epoch, error } => {
                self.publish_failed(epoch, &error, now_ms);
            }
            Event::Marked { epoch } => self.marked(epoch),
            Event::Swept => self.retention.is_sweeping = false,
            Event::StopRequested => self.stop_requested(now_ms),
            Event::SavepointRequested { id, then } => self.savepoint_requested(id, then, now_ms),
            Event::SavepointWritten { id, report } => self.savepoint_written(id, report),
            Event::SavepointFailed { id, error } => self.savepoint_failed(id, &error),
            Event::RescaleRequested { id, parallelism, graph } => {
                self.rescale_requested(id, parallelism, *graph);
            }
            Event::CancelRequested => self.cancel_requested(now_ms),
            Event::TimerFired(timer) => self.timer_fired(timer, now_ms),
            Event::Fenced { by, reason } => self.fenced(by, &reason),
        }
    }

    fn heard(&mut self, message: FromWorker, now_ms: u64) {
        match message {
            FromWorker::Registered { worker, slots, fingerprint, address, held } => {
                self.worker_registered(worker, Offer { slots, address, held }, &fingerprint, now_ms);
            }
            FromWorker::SubtaskRunning { attempt, subtask } => {
                self.subtask_running(attempt, subtask, now_ms);
            }
            FromWorker::SubtaskFailed { attempt, subtask, error } => {
                self.subtask_failed(attempt, subtask, &error, now_ms);
            }
            FromWorker::SnapshotStored { attempt, checkpoint, snapshot } => {
                self.snapshot_stored(attempt, checkpoint, snapshot, now_ms);
            }
            FromWorker::SnapshotFailed { attempt, checkpoint, subtask, error } => {
                if self.active(attempt).is_some() {
                    let message = format!("subtask {subtask} could not store its part: {error}");
                    self.checkpoint_failed(checkpoint, &JobError::new(error.kind, message), now_ms);
                }
            }
            FromWorker::SubtaskFinished { attempt, subtask } => {
                if let Some(deployment) = self.active(attempt) {
                    deployment.finished(subtask);
                }
            }
            FromWorker::SplitsFinished { attempt, source, splits, .. } => {
                if let Some(deployment) = self.active(attempt) {
                    deployment.splits_finished(&source, &splits);
                }
            }
            FromWorker::Cancelled { attempt, worker } => self.cancelled(attempt, worker),
            FromWorker::Heartbeat { .. } => {}
        }
    }

    fn timer_fired(&mut self, timer: Timer, now_ms: u64) {
        match timer {
            // Whether a checkpoint is due is looked at after every event.
            Timer::Checkpoint(attempt) => {
                if attempt == self.attempt {
                    self.next_checkpoint_ms = None;
                }
            }
            Timer::CheckpointTimeout(checkpoint) => self.checkpoint_timed_out(checkpoint, now_ms),
            Timer::Restart(attempt) => {
                if self.phase == Phase::Backoff(attempt) {
                    self.phase = Phase::WaitingForSlots;
                    self.wait_for_slots(now_ms);
                }
            }
            Timer::Deploy(attempt) => self.deploy_timed_out(attempt, now_ms),
            Timer::Cancel(attempt) => self.cancel_timed_out(attempt),
            Timer::Slots(attempt) => self.slots_timed_out(attempt),
            Timer::Publish(epoch) => self.out.extend(self.publishing.retry(epoch)),
        }
    }

    /// Takes one step that the facts allow; false if there is none.
    fn step(&mut self, now_ms: u64) -> bool {
        if let Some(command) = self.next_publish() {
            self.out.push(command);
            return true;
        }
        if self.begin_savepoint() || self.begin_sweep(now_ms) {
            return true;
        }
        match &self.phase {
            Phase::TakingOver | Phase::Backoff(_) | Phase::Over(_) => false,
            Phase::Recovering => self.leave_recovery(now_ms),
            Phase::WaitingForSlots => self.deploy(now_ms),
            Phase::Active(_) => self.assign_splits() || self.trigger_checkpoint(now_ms),
            Phase::Cancelling(_) => self.leave_cancelling(now_ms),
            Phase::Draining { .. } => self.leave_draining(),
        }
    }

    fn took_over(&mut self, takeover: Takeover) {
        if self.phase != Phase::TakingOver {
            return;
        }
        self.generation = takeover.generation;
        self.checkpoints = Checkpointing::new(self.spec.settings.checkpoint, takeover.next_checkpoint);
        let restored = takeover.restored.as_ref().map_or(Epoch(0), |r| r.epoch);
        self.log_end = takeover.start.max(restored);
        self.notes.newest = takeover.restored.as_ref().map(EpochReport::found);
        self.newest = takeover.restored;
        self.discarded = takeover.discarded;
        takeover.unpublished.into_iter().for_each(|owned| self.publishing.push(owned));
        self.phase = Phase::Recovering;
    }

    /// The deployment of this attempt, if it is the one whose records flow or are about to.
    fn active(&mut self, attempt: Attempt) -> Option<&mut Deployment> {
        let trusts_anybody = self.spec.settings.sabotage.accept_old_attempts;
        match &mut self.phase {
            Phase::Active(deployment) if deployment.attempt == attempt || trusts_anybody => Some(deployment),
            _ => None,
        }
    }

    fn shown_phase(&self) -> JobPhase {
        match &self.phase {
            Phase::TakingOver => JobPhase::TakingOver,
            Phase::Recovering => JobPhase::Recovering,
            Phase::WaitingForSlots => JobPhase::WaitingForSlots,
            Phase::Active(_) if self.is_stop_requested => JobPhase::Stopping,
            Phase::Active(deployment) if deployment.is_running() => JobPhase::Running,
            Phase::Active(_) => JobPhase::Deploying,
            Phase::Cancelling(_) => JobPhase::Cancelling,
            Phase::Backoff(_) => JobPhase::Backoff,
            Phase::Draining { .. } => JobPhase::Publishing,
            Phase::Over(JobEnd::Finished { .. }) => JobPhase::Finished,
            Phase::Over(JobEnd::Stopped { .. }) => JobPhase::Stopped,
            Phase::Over(JobEnd::Failed(_)) => JobPhase::Failed,
            Phase::Over(JobEnd::Fenced { .. }) => JobPhase::Fenced,
        }
    }

    /// Reports the status if it changed, before an [`Command::End`] if there is one.
    fn report(&mut self) {
        let status = Box::new(self.status());
        if self.notes.reported.as_ref() == Some(&status) {
            return;
        }
        self.notes.reported = Some(status.clone());
        let at = self.out.iter().position(|c| matches!(c, Command::End(_))).unwrap_or(self.out.len());
        self.out.insert(at, Command::ReportStatus(status));
    }
}
