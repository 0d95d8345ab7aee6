//! The facts as decisions need them: children by deployment, the spec with its revision, what of it is new.
//!
//! Owns adoption: a child counts as the job's when the operator made it and its owner is this very resource (by uid), and as a
//! deployment's by the number on its label. What belongs to a predecessor of the same name is a stranger; what belongs to a deployment that neither runs nor is being made
//! is an orphan.

mod group;
mod target;

use std::collections::BTreeMap;
use std::time::Duration;

use millstream_api::status::{IntentCause, IntentStatus, IntentStep, PlanKind, StopMethod};
use millstream_api::{DesiredState, FieldError, ValidatedJob};

use crate::diff::{Change, deepest, diff, revision};
use crate::fields::checksum;
use crate::observed::{
    Call, CallKind, CallState, Certificates, Child, Engine, Epoch, Judgement, Observed, Planner,
    PlannerState, Transport,
};
use crate::origin;
use crate::time::{Timestamp, elapsed};

pub(crate) use group::Group;
use group::by_attempt;
pub(crate) use target::Refusal;
use target::target;

/// Everything that a decision looks at.
pub(crate) struct Situation<'a> {
    pub(crate) observed: &'a Observed,
    pub(crate) now: Timestamp,
    pub(crate) target: Result<ValidatedJob, Refusal>,
    /// Revision of the target; of nothing when the spec is refused.
    pub(crate) revision: Option<String>,
    /// What the target changes of what runs.
    pub(crate) changes: Vec<Change>,
    pub(crate) groups: BTreeMap<i64, Group<'a>>,
    pub(crate) strangers: Vec<&'a Child>,
}

impl<'a> Situation<'a> {
    pub(crate) fn new(
        job: Result<&ValidatedJob, &[FieldError]>,
        observed: &'a Observed,
        now: Timestamp,
    ) -> Self {
        let (ours, strangers): (Vec<_>, Vec<_>) = observed
            .children
            .iter()
            .filter(|child| child.is_managed)
            .partition(|child| child.owner == observed.object.uid);
        let groups = by_attempt(&ours, observed);
        let deployed = observed.status.attempt.and_then(|n| groups.get(&n)).and_then(|g| g.deployed);
        let target = target(job, observed, deployed);
        let revision = target.as_ref().ok().map(revision);
        let changes = match (&target, deployed) {
            (Ok(job), Some(deployed)) => diff(&deployed.job, job),
            _ => Vec::new(),
        };
        let mut situation = Self { observed, now, target, revision, changes, groups, strangers };
        if situation.wants_restore().is_none() {
            // One that was carried out stays in the spec, and is no change any more.
            situation.changes.retain(|change| change.class != PlanKind::Restore);
        }
        situation
    }

    pub(crate) fn intent(&self) -> Option<&'a IntentStatus> {
        self.observed.status.intent.as_ref()
    }

    pub(crate) fn step(&self) -> Option<IntentStep> {
        self.intent().map(|intent| intent.step)
    }

    /// The deployment that owns the job, or owned it last.
    pub(crate) fn current(&self) -> Option<&Group<'a>> {
        self.groups.get(&self.attempt()?)
    }

    pub(crate) fn attempt(&self) -> Option<i64> {
        self.observed.status.attempt
    }

    /// A number above every one that was ever given out, whatever the status says.
    pub(crate) fn next_attempt(&self) -> i64 {
        let intent = self.intent().map(|intent| intent.attempt);
        let labelled = self.observed.children.iter().map(|child| child.attempt).max();
        let given = self.observed.status.last_attempt;
        [self.attempt(), intent, labelled, given].into_iter().flatten().max().unwrap_or(0) + 1
    }

    /// The newest epoch that is known where the job keeps its state now. It never shrinks there: it is what a restore must reach.
    pub(crate) fn floor(&self) -> Option<i64> {
        let engine = self.attempt().and_then(|attempt| self.observed.engines.get(&attempt));
        let newest = engine.and_then(Engine::answer).and_then(|answer| answer.newest.as_ref());
        let number = |epoch: &Epoch| epoch.number;
        let own = self.observed.calls.iter().filter(|call| Some(call.attempt) == self.attempt());
        let ended = own.filter_map(|call| match &call.state {
            CallState::Done { epoch, .. } => *epoch,
            _ => None,
        });
        let intent = self.intent().and_then(|intent| intent.floor);
        let instead = origin::instead(self);
        let known = instead.unwrap_or(self.observed.status.epoch);
        // A planner that looked before the job left its epochs behind saw those.
        let found = origin::origin(self).and_then(|origin| origin.floor).filter(|_| instead.is_some());
        let judged = self.judged_newest().map(number).filter(|epoch| Some(*epoch) > found);
        [known, newest.map(number), judged].into_iter().chain([ended.max(), intent]).flatten().max()
    }

    /// The least epoch that a deployment of this revision must restore. In another place than the one where the job keeps its state
    /// now there is none: what brings state there is a restore.
    pub(crate) fn floor_of(&self, revision: &str) -> Option<i64> {
        let there = self.job_of(revision).and_then(|(job, _)| job.storage.as_deref());
        self.floor().filter(|_| !self.is_elsewhere(there))
    }

    fn is_elsewhere(&self, storage: Option<&str>) -> bool {
        let deployed = self.current().and_then(|group| group.deployed);
        let here = deployed.and_then(|deployed| deployed.job.storage.as_deref());
        here.zip(storage).is_some_and(|(here, there)| here != there)
    }

    /// The newest epoch that the planner read. It reads where the target keeps its state, which says nothing about another place.
    pub(crate) fn judged_newest(&self) -> Option<&'a Epoch> {
        let target = self.target.as_ref().ok().and_then(|job| job.storage.as_deref());
        self.judgement().filter(|_| !self.is_elsewhere(target))?.newest.as_ref()
    }

    pub(crate) fn call(&self, plan: &str, kind: CallKind) -> Option<&'a Call> {
        self.observed.calls.iter().find(|call| call.plan == plan && call.kind == kind)
    }

    /// What the planner of the newest plan found.
    pub(crate) fn judgement(&self) -> Option<&'a Judgement> {
        match &self.planner()?.state {
            PlannerState::Judged(judgement) => Some(judgement),
            _ => None,
        }
    }

    pub(crate) fn planner(&self) -> Option<&'a Planner> {
        let plan = self.observed.status.plan.as_ref()?;
        self.observed.planner.as_ref().filter(|planner| planner.plan == plan.id)
    }

    pub(crate) fn is_suspended_by_user(&self) -> bool {
        self.target.as_ref().is_ok_and(|job| job.desired_state == DesiredState::Suspended)
    }

    /// The revision that is to run: the spec's; while that is one that was taken back, the one that runs.
    pub(crate) fn wanted_revision(&self) -> Option<&str> {
        let status = &self.observed.status;
        match &self.revision {
            Some(revision) if status.rolled_back.as_ref() == Some(revision) => {
                status.current_revision.as_deref()
            }
            revision => revision.as_deref(),
        }
    }

    /// Whether another revision is to run than the one that runs.
    pub(crate) fn wants_upgrade(&self) -> bool {
        let wanted = self.wanted_revision();
        wanted.is_some() && wanted != self.observed.status.current_revision.as_deref()
    }

    pub(crate) fn wants_restart(&self) -> bool {
        let acted = self.observed.status.nonces.as_ref().and_then(|n| n.restart);
        self.target
            .as_ref()
            .is_ok_and(|job| job.cluster.restart_nonce.is_some() && job.cluster.restart_nonce != acted)
    }

    /// The address that the user wants the job to be restored from, if that was not done yet.
    pub(crate) fn wants_restore(&self) -> Option<&str> {
        let restore = self.target.as_ref().ok()?.restore.as_ref()?;
        let from = restore.from.as_deref()?;
        let nonces = self.observed.status.nonces.clone().unwrap_or_default();
        let is_new_number = restore.nonce.is_some() && restore.nonce != nonces.restore;
        let is_new_place = nonces.restored.as_deref() != Some(from);
        let is_owed = self.wants_upgrade() && self.owed_restore() == Some(from);
        (is_new_number || is_new_place || is_owed).then_some(from)
    }

    /// The address that the current deployment was to be restored from, if records never flowed in it: what comes next starts there,
    /// too, or it would go on from what the user wants to leave behind.
    pub(crate) fn owed_restore(&self) -> Option<&str> {
        let is_owed = self.observed.status.restored_from.is_none() && !origin::ran(self);
        self.restore_of_current().filter(|_| is_owed)
    }

    /// The address that the current deployment was begun from, if that was a restore.
    pub(crate) fn restore_of_current(&self) -> Option<&str> {
        self.current()?.deployed?.job.restore.as_ref()?.from.as_deref()
    }

    /// The parallelism that the spec asks for, if the running job has another one.
    pub(crate) fn wants_parallelism(&self) -> Option<i32> {
        let wanted = i32::try_from(self.target.as_ref().ok()?.parallelism).ok()?;
        (self.parallelism() != wanted).then_some(wanted)
    }

    /// What runs, as far as it was decided.
    pub(crate) fn parallelism(&self) -> i32 {
        self.observed.status.parallelism.map_or(1, |p| p.current)
    }

    pub(crate) fn class(&self) -> PlanKind {
        deepest(&self.changes)
    }

    /// The job and image of a revision, from wherever it is still known.
    pub(crate) fn job_of(&self, revision: &str) -> Option<(&ValidatedJob, &str)> {
        let of_group = |group: &Group<'a>| group.deployed.filter(|deployed| deployed.revision == revision);
        let deployed = self.groups.values().rev().find_map(of_group);
        match (&self.target, &self.revision) {
            (Ok(job), Some(own)) if own == revision => {
                // What runs keeps its image, also under a revision that was taken over without a new deployment.
                let is_current = self.observed.status.current_revision.as_deref() == Some(revision);
                let current = self.current().and_then(|group| group.deployed).filter(|_| is_current);
                let image = deployed.or(current).map(|deployed| deployed.image.as_str());
                Some((job, image.unwrap_or(self.observed.operator.image.as_str())))
            }
            _ => deployed.map(|deployed| (&deployed.job, deployed.image.as_str())),
        }
    }

    /// Names a plan: the same is to be done under the same id, for whatever reason the spec was written again meanwhile. The number of the
    /// deployment is in it, so what is done again is another plan; a deployment is rescaled and ended under the same number, so for
    /// those the generation is.
    pub(crate) fn plan_id(&self, cause: IntentCause, attempt: i64) -> String {
        let (object, image) = (&self.observed.object, &self.observed.operator.image);
        let restore = self.wants_restore().filter(|_| cause == IntentCause::Restore);
        let is_in_place = matches!(cause, IntentCause::Scale | IntentCause::Delete);
        let generation = is_in_place.then_some(object.generation);
        let what = (cause, attempt, &self.revision, image, restore, generation);
        let sum = checksum(&format!("{} {what:?}", object.uid));
        format!("p{attempt}-{}", sum.get(..8).unwrap_or(&sum))
    }

    /// How the processes of a deployment talk: as they began.
    pub(crate) fn transport(&self, attempt: i64) -> Transport {
        let deployed = self.groups.get(&attempt).and_then(|group| group.deployed);
        deployed.map_or(self.observed.operator.tls, |deployed| deployed.transport)
    }

    /// The certificates of a deployment.
    pub(crate) fn certificates(&self, attempt: i64) -> Option<&'a Certificates> {
        self.groups.get(&attempt).and_then(|group| group.certificates)
    }

    pub(crate) fn since(&self, then: Timestamp) -> Duration {
        elapsed(then, self.now)
    }

    /// Whether a deployment is one that may have pods now.
    pub(crate) fn is_wanted(&self, attempt: i64) -> bool {
        Some(attempt) == self.attempt()
            || self.intent().is_some_and(|intent| intent.warm && intent.attempt == attempt)
    }

    /// What may go: everything of deployments that neither run nor are being made. The config map of one that may be gone back to, or
    /// whose revision is being started, stays: it is the only memory of what was deployed.
    pub(crate) fn orphans(&self) -> Vec<&'a Child> {
        let previous = self.observed.status.trial.as_ref().and_then(|trial| trial.previous);
        let revision = self.intent().map(|intent| intent.revision.as_str());
        let mut orphans = Vec::new();
        for (attempt, group) in &self.groups {
            if *attempt == 0 {
                // A planner's verdict is looked at until the change that it judged is done.
                let is_open =
                    self.intent().is_some() || self.wants_upgrade() || self.wants_restore().is_some();
                orphans.extend(group.children.iter().filter(|_| !is_open).copied());
                continue;
            }
            if self.is_wanted(*attempt) {
                continue;
            }
            let remembers =
                Some(*attempt) == previous || group.deployed.map(|d| d.revision.as_str()) == revision;
            let goes = |child: &&&Child| !(child.is_terminating() || remembers && child.is_memory());
            orphans.extend(group.children.iter().filter(goes).copied());
        }
        orphans
    }

    /// Coordinators beside that of this deployment that could still own an epoch, standbys among them. One that has said that its job is
    /// over could not, and its successor does not wait until a kubelet has noticed that: that takes longer than everything else.
    pub(crate) fn rivals(&self, attempt: i64) -> Vec<&'a Child> {
        let ended = self.ended_by_order();
        let others = self.groups.iter().filter(|(other, _)| **other != attempt && Some(**other) != ended);
        let alive = others.filter(|(_, group)| !group.is_down()).filter_map(|(_, group)| group.coordinator);
        alive.map(|(child, _)| child).collect()
    }

    /// The deployment whose coordinator was stopped for the plan under way, and has said so. A savepoint is answered when it is written,
    /// not when the job is over, and an answer to another plan is about another process.
    fn ended_by_order(&self) -> Option<i64> {
        let intent = self.intent()?;
        let method = intent.stop.filter(|m| matches!(m, StopMethod::Checkpoint | StopMethod::Cancel))?;
        let call = self.call(&intent.plan, CallKind::Stop(method))?;
        matches!(call.state, CallState::Done { .. }).then_some(call.attempt)
    }
}
