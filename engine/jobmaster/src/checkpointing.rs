//! The checkpoint under way, from its trigger until it is owned or aborted. At most one exists.
//!
//! ```text
//! trigger -> Collecting -> (all subtasks stored) -> Writing -> Claiming -> owned
//!               |                                      |
//!               +-- failure, timeout, failover --------+--> aborted
//! ```
//!
//! A claim is never aborted: until its answer is known nobody can say whether the checkpoint happened.
//!
//! Example: interval 10 s, minimum pause 4 s. Triggered at 10, owned at 18: the next trigger is at 22, not at 20.

use std::collections::BTreeMap;

use millstream_checkpoint::{EnumeratorState, Manifest};
use millstream_model::control::BarrierKind;
use millstream_model::snapshot::SubtaskSnapshot;
use millstream_model::{CheckpointId, SubtaskId};

use crate::settings::CheckpointSettings;

/// Pause between two tries of a checkpoint that somebody waits for, if the minimum pause between checkpoints is shorter.
const RETRY_MS: u64 = 500;

/// Numbers checkpoints, says when the next one is due and follows the one under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpointing {
    settings: CheckpointSettings,
    next: CheckpointId,
    in_flight: Option<InFlight>,
    last_trigger_ms: u64,
    /// End of the last checkpoint, good or bad.
    last_end_ms: Option<u64>,
    /// Of this attempt.
    consecutive_failures: u32,
    /// Whatever attempt they were of.
    failures_in_a_row: u64,
    failures: u64,
}

/// A checkpoint that was triggered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InFlight {
    pub(crate) checkpoint: CheckpointId,
    pub(crate) kind: BarrierKind,
    pub(crate) triggered_at_ms: u64,
    /// Taken in the step that triggered the barriers.
    pub(crate) enumerators: Vec<EnumeratorState>,
    /// The longest synchronous part of a subtask so far.
    pub(crate) freeze_us: u64,
    pub(crate) stage: Stage,
}

/// How far a checkpoint is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Subtasks store their parts.
    Collecting(BTreeMap<SubtaskId, SubtaskSnapshot>),
    /// The manifest is on its way into the bucket.
    Writing(Box<Manifest>),
    /// The next epoch is being claimed for it.
    Claiming(Box<Manifest>),
}

impl Checkpointing {
    /// No checkpoint under way; the first will have the number `next`.
    pub(crate) const fn new(settings: CheckpointSettings, next: CheckpointId) -> Self {
        Self {
            settings,
            next,
            in_flight: None,
            last_trigger_ms: 0,
            last_end_ms: None,
            consecutive_failures: 0,
            failures_in_a_row: 0,
            failures: 0,
        }
    }

    /// The checkpoint under way.
    pub(crate) const fn in_flight(&self) -> Option<&InFlight> {
        self.in_flight.as_ref()
    }

    /// Checkpoints that were aborted.
    pub(crate) const fn failures(&self) -> u64 {
        self.failures
    }

    /// Checkpoints that were aborted since one was owned: a restart does not make a store well.
    pub(crate) const fn failures_in_a_row(&self) -> u64 {
        self.failures_in_a_row
    }

    /// From one to the next at least, if they are taken by the clock.
    pub(crate) fn interval_ms(&self) -> Option<u64> {
        self.settings.interval_ms.map(|interval| interval.max(self.settings.min_pause_ms))
    }

    /// An attempt began to run: the first checkpoint is due one interval later, and old failures are forgiven.
    pub(crate) const fn attempt_runs(&mut self, now_ms: u64) {
        self.last_trigger_ms = now_ms;
        self.last_end_ms = None;
        self.consecutive_failures = 0;
    }

    /// When the next checkpoint may be triggered; `None` while one is under way or if there is none by interval. One that
    /// somebody waits for need not wait itself, but for a moment after a failure.
    pub(crate) fn due_ms(&self, is_waited_for: bool) -> Option<u64> {
        if self.in_flight.is_some() {
            return None;
        }
        if is_waited_for {
            let pause = self.settings.min_pause_ms.max(RETRY_MS);
            let retry = self.last_end_ms.filter(|_| self.consecutive_failures > 0);
            return Some(retry.map_or(0, |end| end.saturating_add(pause)));
        }
        let by_interval = self.last_trigger_ms.saturating_add(self.settings.interval_ms?);
        let by_pause = self.last_end_ms.map_or(0, |end| end.saturating_add(self.settings.min_pause_ms));
        Some(by_interval.max(by_pause))
    }

    /// Begins a checkpoint with the coordinator's side of the sources as of now. None may be under way.
    pub(crate) fn begin(
        &mut self,
        kind: BarrierKind,
        enumerators: Vec<EnumeratorState>,
        now_ms: u64,
    ) -> CheckpointId {
        let checkpoint = self.next;
        self.next = checkpoint.next();
        self.last_trigger_ms = now_ms;
        self.in_flight = Some(InFlight {
            checkpoint,
            kind,
            triggered_at_ms: now_ms,
            enumerators,
            freeze_us: 0,
            stage: Stage::Collecting(BTreeMap::new()),
        });
        checkpoint
    }

    /// Whether this checkpoint is the one under way.
    pub(crate) fn is_current(&self, checkpoint: CheckpointId) -> bool {
        self.in_flight.as_ref().is_some_and(|c| c.checkpoint == checkpoint)
    }

    /// Notes a subtask's part; the number of parts so far, or `None` if nobody waits for it.
    pub(crate) fn stored(&mut self, checkpoint: CheckpointId, snapshot: SubtaskSnapshot) -> Option<usize> {
        let in_flight = self.in_flight.as_mut().filter(|c| c.checkpoint == checkpoint)?;
        let Stage::Collecting(parts) = &mut in_flight.stage else { return None };
        in_flight.freeze_us = in_flight.freeze_us.max(snapshot.freeze_us);
        parts.insert(snapshot.subtask, snapshot);
        Some(parts.len())
    }

    /// Goes on with the assembled manifest.
    pub(crate) fn writing(&mut self, manifest: Manifest) {
        if let Some(in_flight) = self.in_flight.as_mut() {
            in_flight.stage = Stage::Writing(Box::new(manifest));
        }
    }

    /// The manifest is written: the claim follows. False if that checkpoint was given up meanwhile.
    pub(crate) fn claiming(&mut self, checkpoint: CheckpointId) -> bool {
        let Some(in_flight) = self.in_flight.take_if(|c| c.checkpoint == checkpoint) else { return false };
        let (stage, is_claiming) = match in_flight.stage {
            Stage::Writing(manifest) => (Stage::Claiming(manifest), true),
            other => (other, false),
        };
        self.in_flight = Some(InFlight { stage, ..in_flight });
        is_claiming
    }

    /// The claim succeeded: the checkpoint with its manifest, which is nobody's concern here any more.
    pub(crate) fn owned(&mut self, checkpoint: CheckpointId, now_ms: u64) -> Option<(InFlight, Manifest)> {
        let is_claimed =
            |c: &mut InFlight| c.checkpoint == checkpoint && matches!(c.stage, Stage::Claiming(_));
        let in_flight = self.in_flight.take_if(is_claimed)?;
        let Stage::Claiming(manifest) = &in_flight.stage else { return None };
        let manifest = (**manifest).clone();
        self.last_end_ms = Some(now_ms);
        self.consecutive_failures = 0;
        self.failures_in_a_row = 0;
        Some((in_flight, manifest))
    }

    /// The claim was refused for certain: gives the checkpoint up and counts a failure.
    pub(crate) fn refused(&mut self, checkpoint: CheckpointId, now_ms: u64) -> bool {
        let is_claimed =
            |c: &mut InFlight| c.checkpoint == checkpoint && matches!(c.stage, Stage::Claiming(_));
        let is_refused = self.in_flight.take_if(is_claimed).is_some();
        if is_refused {
            self.count_failure(now_ms);
        }
        is_refused
    }

    /// Gives the checkpoint under way up and counts a failure; `None` if there is none or it is being claimed.
    pub(crate) fn abort(&mut self, now_ms: u64) -> Option<InFlight> {
        let aborted = self.drop_unclaimed()?;
        self.count_failure(now_ms);
        Some(aborted)
    }

    fn count_failure(&mut self, now_ms: u64) {
        self.last_end_ms = Some(now_ms);
        self.consecutive_failures = self.consecutive_failures.saturating_add(1);
        self.failures_in_a_row += 1;
        self.failures += 1;
    }

    /// Forgets the checkpoint under way because its tasks are ended; one that is being claimed stays.
    pub(crate) fn drop_unclaimed(&mut self) -> Option<InFlight> {
        self.in_flight.take_if(|c| !matches!(c.stage, Stage::Claiming(_)))
    }

    /// Whether a claim waits for its answer.
    pub(crate) fn is_claiming(&self) -> bool {
        self.in_flight.as_ref().is_some_and(|c| matches!(c.stage, Stage::Claiming(_)))
    }

    /// Failures in a row.
    pub(crate) const fn consecutive_failures(&self) -> u32 {
        self.consecutive_failures
    }

    /// Whether there were more failures in a row than the settings tolerate.
    pub(crate) const fn has_failed_too_often(&self) -> bool {
        self.consecutive_failures > self.settings.tolerable_failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{manifest, snapshot};

    fn checkpointing() -> Checkpointing {
        let settings = CheckpointSettings {
            interval_ms: Some(10_000),
            min_pause_ms: 4_000,
            tolerable_failures: 1,
            ..CheckpointSettings::default()
        };
        let mut checkpointing = Checkpointing::new(settings, CheckpointId(5));
        checkpointing.attempt_runs(0);
        checkpointing
    }

    fn begin(c: &mut Checkpointing, now_ms: u64) -> CheckpointId {
        c.begin(BarrierKind::Checkpoint, Vec::new(), now_ms)
    }

    fn own(c: &mut Checkpointing, checkpoint: CheckpointId, now_ms: u64) -> bool {
        c.writing(manifest(checkpoint.0));
        c.claiming(checkpoint) && c.owned(checkpoint, now_ms).is_some()
    }

    #[test]
    fn the_documented_times_hold() {
        let mut c = checkpointing();
        assert_eq!(c.due_ms(false), Some(10_000));
        let id = begin(&mut c, 10_000);
        assert_eq!((id, c.due_ms(false), c.due_ms(true)), (CheckpointId(5), None, None));
        assert!(own(&mut c, id, 18_000));
        assert_eq!(c.due_ms(false), Some(22_000));
        assert_eq!(c.due_ms(true), Some(0), "the final one need not pause");
        let id = begin(&mut c, 22_000);
        assert_eq!(id, CheckpointId(6));
        assert!(c.abort(23_000).is_some());
        assert_eq!(c.due_ms(false), Some(32_000));
        assert_eq!(c.due_ms(true), Some(27_000), "the final one pauses after a failure");
    }

    #[test]
    fn without_an_interval_only_the_final_one_is_due() {
        let settings = CheckpointSettings { interval_ms: None, ..CheckpointSettings::default() };
        let c = Checkpointing::new(settings, CheckpointId(1));
        assert_eq!((c.due_ms(false), c.due_ms(true)), (None, Some(0)));
    }

    #[test]
    fn parts_are_counted_once_and_only_for_the_one_under_way() {
        let mut c = checkpointing();
        let id = begin(&mut c, 0);
        assert_eq!(c.stored(CheckpointId(4), snapshot(0, 0)), None);
        assert_eq!(c.stored(id, snapshot(0, 0)), Some(1));
        assert_eq!(c.stored(id, snapshot(0, 0)), Some(1));
        assert_eq!(c.stored(id, snapshot(0, 1)), Some(2));
        c.writing(manifest(id.0));
        assert_eq!(c.stored(id, snapshot(0, 2)), None);
    }

    #[test]
    fn a_claim_is_never_aborted() {
        let mut c = checkpointing();
        let id = begin(&mut c, 0);
        assert!(!c.claiming(id), "no manifest yet");
        c.writing(manifest(id.0));
        assert!(c.claiming(id));
        assert!(c.is_claiming());
        assert_eq!((c.abort(1), c.drop_unclaimed()), (None, None));
        assert!(c.owned(CheckpointId(99), 2).is_none());
        assert!(c.owned(id, 2).is_some());
        assert!(!c.is_claiming());
    }

    #[test]
    fn an_aborted_one_does_not_come_back() {
        let mut c = checkpointing();
        let id = begin(&mut c, 0);
        c.writing(manifest(id.0));
        assert!(c.abort(1).is_some());
        assert!(!c.claiming(id));
        assert!(c.owned(id, 2).is_none());
    }

    #[test]
    fn one_failure_is_tolerated_and_a_success_forgives() {
        let mut c = checkpointing();
        let fail = |c: &mut Checkpointing| {
            begin(c, 0);
            c.abort(1);
            c.has_failed_too_often()
        };
        assert!(!fail(&mut c));
        assert!(fail(&mut c));
        let id = begin(&mut c, 0);
        assert!(own(&mut c, id, 1));
        assert!(!fail(&mut c));
        assert_eq!((c.consecutive_failures(), c.failures_in_a_row(), c.failures()), (1, 1, 3));
        c.attempt_runs(0);
        assert_eq!((c.consecutive_failures(), c.failures_in_a_row()), (0, 1), "the store is as it was");
    }
}
