//! A checkpoint from its trigger to its epoch, or to its end without one.

use std::collections::BTreeSet;

use millstream_checkpoint::{CheckpointParts, Manifest, Outcome, Roll, assemble};
use millstream_model::control::{Barrier, BarrierKind, ToWorker};
use millstream_model::graph::JobGraph;
use millstream_model::snapshot::{OperatorCounters, OperatorFacts, SubtaskSnapshot};
use millstream_model::{Attempt, CheckpointId, Epoch, ErrorKind, JobError, SubtaskId, Watermark};

use super::{AfterCancel, JobMaster, Phase};
use crate::checkpointing::{InFlight, Stage};
use crate::command::{Command, JobEnd, Timer};
use crate::event::OwnedEpoch;
use crate::status::{CheckpointReport, EpochReport};

impl JobMaster {
    /// Sends barriers if a checkpoint is due: by interval, for a savepoint, or the final one as soon as all input has ended or
    /// a stop was asked for. Waits while another one is under way and while too many owned epochs are unpublished.
    pub(super) fn trigger_checkpoint(&mut self, now_ms: u64) -> bool {
        let kind = self.next_kind();
        let is_waited_for = kind != BarrierKind::Checkpoint || self.rescale_wants_a_checkpoint();
        let Phase::Active(deployment) = &mut self.phase else { return false };
        let has_room = self.publishing.len() < self.spec.settings.checkpoint.max_unpublished;
        let Some(due_ms) = self.checkpoints.due_ms(is_waited_for) else { return false };
        if !deployment.is_running() || !has_room {
            return false;
        }
        if due_ms > now_ms {
            // The due time moves when a checkpoint ends and when the next one turns out to be the final one.
            let timer = Timer::Checkpoint(deployment.attempt);
            if self.next_checkpoint_ms.replace(due_ms) != Some(due_ms) {
                self.out.push(Command::SetTimer { timer, at_ms: due_ms });
            }
            return false;
        }
        self.next_checkpoint_ms = None;
        deployment.last_barrier = deployment.last_barrier.or(kind.is_final().then_some(kind));
        let checkpoint = self.checkpoints.begin(kind, deployment.enumerators(), now_ms);
        self.out.extend(deployment.barriers(Barrier { checkpoint, kind }));
        if kind != BarrierKind::Checkpoint {
            self.savepoints.taking(checkpoint);
        }
        self.rescale_takes(checkpoint);
        let at_ms = now_ms.saturating_add(self.spec.settings.checkpoint.timeout_ms);
        self.out.push(Command::SetTimer { timer: Timer::CheckpointTimeout(checkpoint), at_ms });
        true
    }

    /// A subtask stored its part. With the last one, finished subtasks included, the manifest is assembled.
    pub(super) fn snapshot_stored(
        &mut self,
        attempt: Attempt,
        checkpoint: CheckpointId,
        snapshot: SubtaskSnapshot,
        now_ms: u64,
    ) {
        let sabotage = self.spec.settings.sabotage;
        if self.active(attempt).is_none() {
            return;
        }
        let Some(parts) = self.checkpoints.stored(checkpoint, snapshot) else { return };
        let expected = self.spec.graph.subtasks().count() - usize::from(sabotage.complete_without_last_ack);
        if parts < expected.max(1) {
            return;
        }
        match self.assemble(now_ms) {
            Ok(manifest) => {
                self.checkpoints.writing(manifest.clone());
                self.out.push(Command::WriteManifest { manifest: Box::new(manifest) });
            }
            Err(error) => self.checkpoint_failed(checkpoint, &error, now_ms),
        }
    }

    /// The manifest is in the bucket: the checkpoint becomes an epoch with the claim, and with nothing else.
    pub(super) fn manifest_written(&mut self, checkpoint: CheckpointId) {
        if !self.checkpoints.claiming(checkpoint) {
            return;
        }
        if self.spec.settings.sabotage.publish_before_owned
            && let Some(InFlight { stage: Stage::Claiming(manifest), .. }) = self.checkpoints.in_flight()
        {
            let epoch = self.guessed_epoch();
            self.out.push(Command::Publish { epoch, manifest: manifest.clone() });
        }
        self.out.push(Command::ClaimEpoch { checkpoint });
    }

    /// The checkpoint is owned: the workers may forget what they kept for it, and its output is published. A final one
    /// decides how the job ends, whatever happens to its tasks from now on.
    pub(super) fn epoch_owned(&mut self, checkpoint: CheckpointId, epoch: Epoch, now_ms: u64) {
        let Some((in_flight, manifest)) = self.checkpoints.owned(checkpoint, now_ms) else { return };
        let end = match manifest.outcome {
            Outcome::Running => None,
            Outcome::Stopped => Some(JobEnd::Stopped { epoch: Some(epoch) }),
            Outcome::Finished => Some(JobEnd::Finished { epoch }),
        };
        let report = CheckpointReport {
            epoch,
            checkpoint,
            bytes: manifest.objects().map(|o| o.length).sum(),
            new_bytes: new_bytes(&manifest, self.parent.as_ref()),
            duration_ms: now_ms.saturating_sub(in_flight.triggered_at_ms),
            freeze_us: in_flight.freeze_us,
            at_ms: now_ms,
        };
        self.notes.newest = Some(EpochReport::taken(&report, &manifest));
        self.notes.last_checkpoint = Some(report);
        let owned = OwnedEpoch { epoch, manifest };
        self.log_end = epoch;
        self.parent = Some(owned.manifest.clone());
        self.newest = Some(owned.clone());
        self.publishing.push(owned);
        self.savepoints.owned(checkpoint, epoch);
        if let Phase::Active(deployment) = &mut self.phase {
            deployment.forgot(&in_flight.enumerators);
        }
        match (&mut self.phase, end) {
            (Phase::Active(deployment), None) => {
                let attempt = deployment.attempt;
                let message = ToWorker::EpochOwned { attempt, checkpoint, epoch };
                self.out.extend(deployment.broadcast(&message));
                self.rescale_from(checkpoint, now_ms);
            }
            (Phase::Active(deployment), Some(end)) => {
                let attempt = deployment.attempt;
                let message = ToWorker::EpochOwned { attempt, checkpoint, epoch };
                self.out.extend(deployment.broadcast(&message));
                self.phase = Phase::Draining { end, deployment: Some(deployment.clone()) };
            }
            // Input that is to end has not ended in a checkpoint that only stops: the next attempt sees to that.
            (Phase::Cancelling(_), Some(JobEnd::Stopped { .. })) if self.is_drain_requested => {}
            (Phase::Cancelling(cancelling), Some(end))
                if matches!(cancelling.then, AfterCancel::Restart { .. }) =>
            {
                cancelling.then = AfterCancel::Drain(end);
            }
            _ => {}
        }
    }

    /// The checkpoint under way will not complete. The job goes on, unless that happened too often in a row or the error is
    /// one that a later checkpoint would meet again.
    pub(super) fn checkpoint_failed(&mut self, checkpoint: CheckpointId, error: &JobError, now_ms: u64) {
        if self.checkpoints.is_current(checkpoint) && self.checkpoints.abort(now_ms).is_some() {
            self.lost(checkpoint, error, now_ms);
        }
    }

    /// The store refused the claim. What is definite is no reason to end.
    pub(super) fn claim_refused(&mut self, checkpoint: CheckpointId, error: &JobError, now_ms: u64) {
        if self.checkpoints.refused(checkpoint, now_ms) {
            self.lost(checkpoint, error, now_ms);
        }
    }

    /// A checkpoint was given up: the workers keep what they froze for the next one.
    fn lost(&mut self, checkpoint: CheckpointId, error: &JobError, now_ms: u64) {
        let message = format!("checkpoint {checkpoint} failed: {error}");
        self.notes.last_error = Some(message.clone());
        self.savepoints_aborted(checkpoint, &error.message);
        self.rescale_lost(checkpoint);
        let Phase::Active(deployment) = &self.phase else { return };
        let attempt = deployment.attempt;
        let aborted = if self.spec.settings.sabotage.own_aborted_checkpoints {
            ToWorker::EpochOwned { attempt, checkpoint, epoch: self.guessed_epoch() }
        } else {
            ToWorker::CheckpointAborted { attempt, checkpoint }
        };
        self.out.extend(deployment.broadcast(&aborted));
        if matches!(error.kind, ErrorKind::User | ErrorKind::State | ErrorKind::Fenced) {
            self.fail(JobError::new(error.kind, message), now_ms);
        } else if self.checkpoints.has_failed_too_often() {
            let failures = self.checkpoints.consecutive_failures();
            let message = format!("{failures} checkpoints in a row failed; {message}");
            self.fail(JobError::new(ErrorKind::Transient, message), now_ms);
        }
    }

    /// The checkpoint takes longer than allowed. One that is being claimed is waited for.
    pub(super) fn checkpoint_timed_out(&mut self, checkpoint: CheckpointId, now_ms: u64) {
        let Some(in_flight) = self.checkpoints.in_flight().filter(|c| c.checkpoint == checkpoint) else {
            return;
        };
        let timeout_ms = self.spec.settings.checkpoint.timeout_ms;
        let message = match &in_flight.stage {
            Stage::Collecting(parts) => {
                let missing: Vec<_> = self
                    .spec
                    .graph
                    .subtasks()
                    .filter(|s| !parts.contains_key(s))
                    .map(|s| s.to_string())
                    .collect();
                format!("no answer from subtasks {} within {timeout_ms} ms", missing.join(", "))
            }
            _ => format!("the manifest could not be written within {timeout_ms} ms"),
        };
        self.checkpoint_failed(checkpoint, &JobError::new(ErrorKind::Transient, message), now_ms);
    }

    /// The manifest of the checkpoint under way, all of whose parts are there.
    fn assemble(&self, now_ms: u64) -> Result<Manifest, JobError> {
        let (Some(in_flight), Phase::Active(deployment)) = (self.checkpoints.in_flight(), &self.phase) else {
            return Err(JobError::new(ErrorKind::Bug, "no checkpoint is under way"));
        };
        let Stage::Collecting(parts) = &in_flight.stage else {
            return Err(JobError::new(ErrorKind::Bug, "the checkpoint is assembled already"));
        };
        let sabotage = self.spec.settings.sabotage;
        let mut snapshots: Vec<_> = parts.values().cloned().collect();
        if sabotage.complete_without_last_ack {
            let missing = self.spec.graph.subtasks().filter(|s| !parts.contains_key(s));
            snapshots.extend(missing.map(|s| empty_part(&self.spec.graph, s)));
        }
        let now = deployment.enumerators();
        assemble(&CheckpointParts {
            job: &self.spec.job,
            sql: &self.spec.sql,
            engine_version: &self.spec.engine_version,
            checkpoint: in_flight.checkpoint,
            generation: self.generation,
            attempt: deployment.attempt,
            kind: in_flight.kind,
            now_ms,
            roll: if in_flight.kind == BarrierKind::Savepoint { Roll::Everything } else { Roll::ByPolicy },
            parent: self.parent.as_ref(),
            parent_epoch: self.newest.as_ref().map(|n| n.epoch),
            discarded: &self.discarded,
            graph: &self.spec.graph,
            snapshots: &snapshots,
            enumerators: if sabotage.late_enumerator_snapshot { &now } else { &in_flight.enumerators },
        })
        .map_err(|error| JobError::new(error.kind(), error.to_string()))
    }

    /// What the next checkpoint is for.
    fn next_kind(&self) -> BarrierKind {
        match &self.phase {
            Phase::Active(_) if self.is_drain_requested => BarrierKind::Drain,
            Phase::Active(deployment) if self.is_stop_requested || deployment.is_finished() => {
                BarrierKind::Stop
            }
            _ if self.savepoints.is_wanted() => BarrierKind::Savepoint,
            _ => BarrierKind::Checkpoint,
        }
    }

    /// What the next epoch's number would be; only planted bugs look at it.
    const fn guessed_epoch(&self) -> Epoch {
        self.log_end.next()
    }
}

/// Bytes of what `manifest` refers to and its parent did not.
fn new_bytes(manifest: &Manifest, parent: Option<&Manifest>) -> u64 {
    let known: BTreeSet<&str> = parent.iter().flat_map(|p| p.objects()).map(|o| o.key.as_str()).collect();
    manifest.objects().filter(|o| !known.contains(o.key.as_str())).map(|o| o.length).sum()
}

/// What a planted bug pretends that a subtask stored.
fn empty_part(graph: &JobGraph, subtask: SubtaskId) -> SubtaskSnapshot {
    let operators = graph.chain(subtask.chain).map(|c| c.operators.as_slice()).unwrap_or_default();
    let facts = |operator: &millstream_model::graph::OperatorNode| OperatorFacts {
        operator: operator.uid.clone(),
        watermark: Watermark::MIN,
        counters: OperatorCounters::default(),
    };
    SubtaskSnapshot {
        subtask,
        segments: Vec::new(),
        splits: Vec::new(),
        facts: operators.iter().map(facts).collect(),
        staged: Vec::new(),
        is_finished: false,
        freeze_us: 0,
    }
}
