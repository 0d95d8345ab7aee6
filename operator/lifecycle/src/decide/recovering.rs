//! When things go wrong by themselves: coordinators that are gone, revisions that do not become stable, statuses that somebody edited.
//!
//! A coordinator that crashed is made again, in pauses that grow and so often as `spec.restart` allows; one that ended with a verdict
//! about the job is not. Each restart is counted in the status before it happens.

use std::time::Duration;

use millstream_api::conditions::Reason;
use millstream_api::status::{
    EpochRange, IntentCause, IntentStatus, IntentStep, Phase, RecoveryStatus, StartFrom, StopMethod,
    TrialStatus,
};
use millstream_api::streamjob::RollbackState;
use millstream_api::{RestartPolicy, ValidatedJob};

use super::{Outcome, delete, on_the_way, running};
use crate::action::Action;
use crate::observed::{Deployed, EnginePhase, Exit, PodState};
use crate::phase::Verdict;
use crate::situation::Situation;
use crate::status::{begin, remember};
use crate::time::{as_time, remaining};

/// The spec that says how to treat what runs: the user's, or what was deployed when that cannot be acted on.
pub(super) fn rules<'s>(s: &'s Situation<'_>) -> Option<&'s ValidatedJob> {
    let deployed = s.current().and_then(|group| group.deployed).map(|deployed| &deployed.job);
    s.target.as_ref().ok().or(deployed)
}

// ---- stability and going back

/// The deployment on trial, if it is the one that owns the job.
pub(super) fn trial<'a>(s: &Situation<'a>) -> Option<&'a TrialStatus> {
    s.observed.status.trial.as_ref().filter(|trial| Some(trial.attempt) == s.attempt())
}

/// The trial with what is seen now. A restart begins the time of running again.
pub(super) fn updated_trial(s: &Situation<'_>) -> Option<TrialStatus> {
    let mut trial = trial(s)?.clone();
    let recovered = s.observed.status.recovery.as_ref().map_or(0, |recovery| recovery.count);
    let by_engine = s.current().and_then(|group| group.answer()).map(|answer| answer.restarts);
    let restarts = by_engine.map_or(trial.restarts, |n| n.saturating_add(recovered)).max(recovered);
    let runs = s.current().is_some_and(|group| group.is_running());
    if !runs || restarts > trial.restarts {
        trial.running_since = None;
    }
    if runs && trial.running_since.is_none() {
        trial.running_since = Some(as_time(s.now));
    }
    trial.restarts = trial.restarts.max(restarts);
    Some(trial)
}

/// Whether the rule of stability holds: it has run for long enough without a restart, with checkpoints of its own.
pub(super) fn is_proven(s: &Situation<'_>) -> bool {
    let (Some(trial), Some(job)) = (updated_trial(s), rules(s)) else { return false };
    let rule = &job.cluster.stability;
    let answer = s.current().and_then(|group| group.answer());
    let newest = answer.and_then(|answer| answer.newest.as_ref()).map_or(0, |epoch| epoch.number);
    let made = newest.saturating_sub(trial.from_epoch.unwrap_or(0));
    let long_enough = trial.running_since.is_some_and(|since| s.since(since.0) >= rule.min_running);
    long_enough && made >= i64::from(rule.min_checkpoints)
}

/// When a revision has had its time. A rule that needs more than the deadline, such as two checkpoints ten minutes apart, gets it.
pub(super) fn is_past_deadline(s: &Situation<'_>) -> bool {
    let (Some(trial), Some(job)) = (trial(s), rules(s)) else { return false };
    let rule = &job.cluster.stability;
    let checkpoints = job.checkpoint.interval.saturating_mul(rule.min_checkpoints.saturating_add(1));
    let needs = rule.min_running.saturating_add(checkpoints);
    s.since(trial.since.0) > job.cluster.rollback.deadline.max(needs)
}

fn has_too_many_restarts(s: &Situation<'_>) -> bool {
    let (Some(trial), Some(job)) = (updated_trial(s), rules(s)) else { return false };
    u32::try_from(trial.restarts).unwrap_or(0) > job.cluster.stability.max_restarts
}

fn previous<'s, 'a>(s: &'s Situation<'a>) -> Option<&'s Deployed> {
    s.groups.get(&trial(s)?.previous?)?.deployed
}

/// Whether there is a revision to go back to, and going back is wanted. A spec that asks for a third revision goes forward instead.
pub(super) fn can_roll_back(s: &Situation<'_>) -> bool {
    let is_enabled = rules(s).is_some_and(|job| job.cluster.rollback.enabled);
    is_enabled && previous(s).is_some() && !s.wants_upgrade()
}

pub(super) fn is_unstable(s: &Situation<'_>) -> bool {
    let is_bad = has_too_many_restarts(s) || is_past_deadline(s) || is_beyond_help(s);
    trial(s).is_some() && is_bad && !is_proven(s) && can_roll_back(s)
}

pub(super) fn roll_back(s: &Situation<'_>) -> Outcome {
    let (Some(old), Some(trial), Some(job)) = (previous(s), trial(s), rules(s)) else {
        return Outcome::rest(running::standing(s));
    };
    let rollback = &job.cluster.rollback;
    let owns = s.floor() > trial.from_epoch;
    let (from, uri, repeated) = match (rollback.state, owns) {
        // Without a checkpoint of its own, the newest state is that of before the upgrade.
        (RollbackState::Latest, _) | (RollbackState::PreUpgrade, false) => (StartFrom::Newest, None, None),
        (RollbackState::PreUpgrade, true) if rollback.allow_repeated_output => {
            let before = trial.from_epoch.unwrap_or(0);
            let repeated = s.floor().map(|to| EpochRange { from: before + 1, to });
            (StartFrom::Epoch, Some(before.to_string()), repeated)
        }
        (RollbackState::PreUpgrade, true) => {
            let said = "the revision is not stable, but going back to the state before it would write output again: set \
                        spec.rollback.allowRepeatedOutput, or spec.rollback.state to Latest";
            return running::tend(s, Verdict::stalled(s, Reason::RollbackHeld, said));
        }
    };
    let group = s.current();
    let stop = match group {
        Some(group) if group.is_running() && from == StartFrom::Newest => StopMethod::Checkpoint,
        Some(group) if group.answer().is_some() => StopMethod::Cancel,
        Some(group) if !group.is_down() => StopMethod::Pods,
        _ => StopMethod::Nothing,
    };
    let attempt = s.next_attempt();
    let intent = IntentStatus {
        step: IntentStep::Stop,
        cause: IntentCause::Rollback,
        since: as_time(s.now),
        attempt,
        revision: old.revision.clone(),
        generation: s.observed.object.generation,
        plan: s.plan_id(IntentCause::Rollback, attempt),
        stop: Some(stop),
        floor: if from == StartFrom::Newest { s.floor() } else { None },
        from,
        uri,
        parallelism: s.parallelism(),
        lost: Vec::new(),
        warm: false,
    };
    let mut status = begin(s, intent);
    if let Some(plan) = &mut status.plan {
        plan.repeated_output = repeated;
    }
    let said = "the revision did not become stable: the one before it is started again";
    Outcome::commit(Verdict::working(Phase::Upgrading, Reason::Unstable, said), status)
}

// ---- coordinators that are gone

/// Why a job ended, when its coordinator said so.
pub(super) fn end_of(exit: &Exit) -> (Reason, String) {
    match exit {
        Exit::Failed(message) => (Reason::JobFailed, message.clone()),
        Exit::Refused(message) => (Reason::JobRefused, message.clone()),
        Exit::NothingToRestore(message) => (Reason::NothingToRestore, message.clone()),
        Exit::Fenced => (Reason::Fenced, "another coordinator owns the job".into()),
        Exit::Crashed(code) => (Reason::Unstable, format!("the coordinator ended with code {code}")),
        Exit::Finished => (Reason::Finished, "all input was read".into()),
        Exit::Stopped => (Reason::Unstable, "the job was stopped by somebody else".into()),
    }
}

fn allowed_restarts(s: &Situation<'_>) -> u32 {
    match rules(s).map(|job| job.restart) {
        Some(
            RestartPolicy::ExponentialDelay { attempts, .. }
            | RestartPolicy::FixedDelay { attempts, .. }
            | RestartPolicy::FailureRate { attempts, .. },
        ) => attempts,
        Some(RestartPolicy::Never) => 0,
        None => u32::MAX,
    }
}

fn is_exhausted(s: &Situation<'_>) -> bool {
    let count = s.observed.status.recovery.as_ref().map_or(0, |recovery| recovery.count);
    let is_down = s.current().is_some_and(|group| group.exit().is_some());
    is_down && u32::try_from(count).unwrap_or(0) >= allowed_restarts(s) && !is_noted(s)
}

/// Whether starting the same again is no use: the job said why it ended, or has no attempt left.
pub(super) fn is_beyond_help(s: &Situation<'_>) -> bool {
    let exit = s.current().and_then(|group| group.exit());
    let said = exit.is_some_and(|(exit, _)| {
        matches!(exit, Exit::Failed(_) | Exit::Refused(_) | Exit::NothingToRestore(_) | Exit::Fenced)
    });
    said || is_exhausted(s)
}

pub(super) fn why_beyond_help(s: &Situation<'_>) -> Verdict {
    let (reason, message) = match s.current().and_then(|group| group.exit()) {
        Some((exit, _)) if is_exhausted(s) => {
            let (_, message) = end_of(exit);
            (Reason::RestartsExhausted, format!("no restart is left: {message}"))
        }
        Some((exit, _)) => end_of(exit),
        None => (Reason::JobFailed, String::new()),
    };
    Verdict::stalled(s, reason, message)
}

/// Nothing is restarted; a new spec, a restart nonce or a restore gets the job out of here.
pub(super) fn stall(s: &Situation<'_>) -> Outcome {
    let orphans = delete(s.orphans()).into_iter().collect();
    Outcome { requeue: super::STEADY, ..Outcome::act(why_beyond_help(s), orphans) }
}

/// Whether the restart for what happened last is in the status already.
fn is_noted(s: &Situation<'_>) -> bool {
    let last = s.observed.status.recovery.as_ref().map(|recovery| recovery.last.0);
    match s.current().and_then(|group| group.exit()) {
        Some((_, at)) => last.is_some_and(|last| last >= at),
        None => s.observed.status.phase == Some(Phase::Restarting) && last.is_some(),
    }
}

pub(super) fn is_gone(s: &Situation<'_>) -> bool {
    s.current().is_none_or(|group| group.is_down()) && !is_noted(s)
}

/// The same for a deployment that is being started, whose coordinator may not have been made yet.
pub(super) fn is_gone_with_an_exit(s: &Situation<'_>) -> bool {
    s.current().is_some_and(|group| group.exit().is_some()) && is_gone(s)
}

pub(super) fn note(s: &Situation<'_>) -> Outcome {
    let mut status = s.observed.status.clone();
    let count = status.recovery.as_ref().map_or(0, |recovery| recovery.count);
    status.recovery = Some(RecoveryStatus { count: count.saturating_add(1), last: as_time(s.now) });
    status.trial = updated_trial(s);
    let why = match s.current().and_then(|group| group.exit()) {
        Some((exit, _)) => end_of(exit).1,
        None => "the coordinator's pod is gone".into(),
    };
    let revision = status.current_revision.clone().unwrap_or_default();
    remember(&mut status, s, "Restart".into(), why.clone(), &revision);
    Outcome::commit(Verdict::working(Phase::Restarting, Reason::Restarting, why), status)
}

pub(super) fn is_restarting(s: &Situation<'_>) -> bool {
    let runs = s.current().is_some_and(|group| group.is_running());
    let is_down = s.current().is_none_or(|group| group.is_down());
    is_down || s.observed.status.phase == Some(Phase::Restarting) && !runs
}

/// The pause before the restart that was noted last.
fn pause(s: &Situation<'_>) -> Duration {
    let count = s.observed.status.recovery.as_ref().map_or(0, |recovery| recovery.count);
    let doublings = u32::try_from(count.saturating_sub(1)).unwrap_or(0).min(31);
    match rules(s).map(|job| job.restart) {
        Some(RestartPolicy::ExponentialDelay { initial, max, .. }) => {
            initial.saturating_mul(1 << doublings.min(30)).min(max)
        }
        Some(RestartPolicy::FixedDelay { delay, .. } | RestartPolicy::FailureRate { delay, .. }) => delay,
        Some(RestartPolicy::Never) | None => Duration::ZERO,
    }
}

/// The ended pod goes, the pause passes, the pod comes back under its name.
pub(super) fn restart(s: &Situation<'_>) -> Outcome {
    let verdict = Verdict::working(Phase::Restarting, Reason::Restarting, "the coordinator is started again");
    let coordinator = s.current().and_then(|group| group.coordinator);
    let is_dead = coordinator.is_some_and(|(_, pod)| pod.is_over() || pod.state == PodState::Lost);
    let last = s.observed.status.recovery.as_ref().map(|recovery| recovery.last.0);
    let left = last.map_or(Duration::ZERO, |last| remaining(last, pause(s), s.now));
    if (is_dead || coordinator.is_none()) && !left.is_zero() {
        return Outcome::wait(verdict).after(left);
    }
    if let Some((child, _)) = coordinator.filter(|_| is_dead) {
        return match delete([child]) {
            Some(action) => Outcome::act(verdict, vec![action]),
            None => Outcome::wait(verdict),
        };
    }
    let mut actions = running::ensure_current(s);
    actions.extend(delete(s.orphans()));
    if actions.is_empty() {
        actions.push(Action::Wait(verdict.message.clone()));
    }
    let said = match s.current().and_then(|group| group.answer()) {
        Some(answer) if answer.phase == EnginePhase::Restoring => {
            Verdict::working(Phase::Restarting, Reason::Restoring, "state is being read")
        }
        _ => verdict,
    };
    let mut status = s.observed.status.clone();
    status.trial = updated_trial(s).or(status.trial);
    Outcome::act(said, actions).with(status)
}

// ---- statuses that somebody edited

/// What the objects say counts; what only the status said is gone. The newest deployment with a coordinator that is no standby owns the
/// job; numbers and epochs never go back.
pub(super) fn repair(s: &Situation<'_>) -> Outcome {
    let owner = s.groups.iter().rev().filter(|(attempt, _)| **attempt > 0).find(|(_, group)| {
        let is_standby = group.answer().is_some_and(|answer| answer.phase == EnginePhase::Standby);
        group.coordinator.is_some() && !is_standby
    });
    let remembered =
        || s.groups.iter().rev().find(|(attempt, group)| **attempt > 0 && group.deployed.is_some());
    let mut status = s.observed.status.clone();
    let (attempt, deployed) = match owner.or_else(remembered) {
        Some((attempt, group)) => (Some(*attempt), group.deployed),
        None => (status.attempt, None),
    };
    status.attempt = attempt;
    status.current_revision = deployed.map(|deployed| deployed.revision.clone());
    let parallelism = deployed.and_then(|deployed| i32::try_from(deployed.job.parallelism).ok());
    if let Some(current) = parallelism {
        let desired = status.parallelism.map_or(current, |p| p.desired);
        status.parallelism = Some(millstream_api::status::ParallelismStatus { desired, current });
    }
    status.intent = None;
    status.trial = None;
    status.recovery = None;
    status.rolled_back = None;
    // Whether a nonce was acted on cannot be known any more; acting twice would be worse than not acting.
    if let (Ok(job), true) = (&s.target, attempt.is_some()) {
        let restore = job.restore.as_ref();
        status.nonces = Some(millstream_api::status::Nonces {
            restart: job.cluster.restart_nonce,
            restore: restore.and_then(|restore| restore.nonce),
            restored: restore.and_then(|restore| restore.from.clone()),
        });
    }
    remember(&mut status, s, "Repair".into(), "the status was written by somebody else".into(), "");
    let said = on_the_way(s, "somebody else wrote this status: it is made again from what is there");
    Outcome::commit(Verdict { reason: Reason::StatusEdited, ..said }, status)
}
