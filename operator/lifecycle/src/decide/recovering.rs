//! Coordinators that are gone by themselves.
//!
//! One that crashed is made again, in pauses that grow and as often as `spec.restart` allows; one that ended with a verdict about the job
//! is not. Each restart is counted in the status before it happens.

use std::time::Duration;

use millstream_api::conditions::Reason;
use millstream_api::status::{Phase, RecoveryStatus};
use millstream_api::{RestartPolicy, ValidatedJob};

use super::rolling_back::{can_roll_back, has_too_many_restarts, updated_trial};
use super::{Outcome, delete, running};
use crate::action::Action;
use crate::observed::{EnginePhase, Exit, PodState};
use crate::origin;
use crate::phase::Verdict;
use crate::situation::Situation;
use crate::status::remember;
use crate::time::{as_time, remaining};

/// The spec that says how to treat what runs: the user's, or what was deployed when that cannot be acted on.
pub(super) fn rules<'s>(s: &'s Situation<'_>) -> Option<&'s ValidatedJob> {
    let deployed = s.current().and_then(|group| group.deployed).map(|deployed| &deployed.job);
    s.target.as_ref().ok().or(deployed)
}

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

/// Whether nobody knows what is to be started again: the config map that said so is gone, and the spec asks for something else.
pub(super) fn is_forgotten(s: &Situation<'_>) -> bool {
    let is_down = s.current().is_none_or(|group| group.is_down());
    let revision = s.observed.status.current_revision.as_deref();
    is_down && revision.is_none_or(|revision| s.job_of(revision).is_none())
}

/// Whether starting the same again is no use: the job said why it ended, has no attempt left, or is not known any more. A job that failed
/// before records flowed may have failed for what was around it, a bucket or a broker that did not answer, so it is tried as often as any.
pub(super) fn is_beyond_help(s: &Situation<'_>) -> bool {
    let said = s.current().and_then(|group| group.exit()).is_some_and(|exit| match exit {
        Exit::Failed(_) => origin::ran(s) || can_roll_back(s) && has_too_many_restarts(s),
        Exit::Refused(_) | Exit::NothingToRestore(_) | Exit::Fenced => true,
        Exit::Finished | Exit::Stopped | Exit::Crashed(_) => false,
    });
    said || is_exhausted(s) || is_forgotten(s)
}

pub(super) fn why_beyond_help(s: &Situation<'_>) -> Verdict {
    let (reason, message) = match s.current().and_then(|group| group.exit()) {
        Some(exit) if is_exhausted(s) && !matches!(exit, Exit::Failed(_)) => {
            let (_, message) = end_of(exit);
            (Reason::RestartsExhausted, format!("no restart is left: {message}"))
        }
        Some(exit) => end_of(exit),
        None => match &s.target {
            Err(refusal) => (refusal.reason, refusal.message.clone()),
            Ok(_) => {
                (Reason::JobFailed, "nothing is known of what was deployed before: change the spec".into())
            }
        },
    };
    Verdict::stalled(s, reason, message)
}

/// Nothing is restarted; a new spec, a restart nonce or a restore gets the job out of here.
pub(super) fn stall(s: &Situation<'_>) -> Outcome {
    let orphans = delete(s.orphans()).into_iter().collect();
    Outcome { requeue: super::STEADY, ..Outcome::act(why_beyond_help(s), orphans) }
}

/// Whether the restart for what happened last is in the status already. An end is known by its pod: its time is by the clock of a node,
/// which may be ahead of the operator's or behind.
fn is_noted(s: &Situation<'_>) -> bool {
    let recovery = s.observed.status.recovery.as_ref();
    match s.current().and_then(|group| group.ended_pod()) {
        Some(pod) => recovery.is_some_and(|recovery| recovery.pod.as_deref() == Some(pod)),
        None => s.observed.status.phase == Some(Phase::Restarting) && recovery.is_some(),
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
    let pod = s.current().and_then(|group| group.ended_pod()).map(str::to_owned);
    status.recovery = Some(RecoveryStatus { count: count.saturating_add(1), last: as_time(s.now), pod });
    status.trial = updated_trial(s);
    let why = match s.current().and_then(|group| group.exit()) {
        Some(exit) => end_of(exit).1,
        None => "the coordinator's pod is gone".into(),
    };
    let revision = status.current_revision.clone().unwrap_or_default();
    remember(&mut status, s, "Restart".into(), why.clone(), &revision);
    Outcome::commit(Verdict::working(Phase::Restarting, Reason::Restarting, why), status)
}

/// Whether the deployment that owns the job is a standby that no intent is going to activate: another spec came before it was, and
/// went or waits.
pub(super) fn is_left_standing(s: &Situation<'_>) -> bool {
    let answer = s.current().and_then(|group| group.answer());
    s.intent().is_none() && answer.is_some_and(|answer| answer.phase == EnginePhase::Standby)
}

/// It owns nothing, so it goes; the one that is made in its place takes over by itself.
pub(super) fn replace(s: &Situation<'_>) -> Outcome {
    let said = "a standby that nobody activates is started again";
    let verdict = Verdict::working(Phase::Restarting, Reason::Restarting, said);
    let coordinator = s.current().and_then(|group| group.coordinator).map(|(child, _)| child);
    match delete(coordinator) {
        Some(action) => Outcome::act(verdict, vec![action]),
        None => Outcome::wait(verdict),
    }
}

pub(super) fn is_restarting(s: &Situation<'_>) -> bool {
    let runs = s.current().is_some_and(|group| group.is_running());
    let is_down = s.current().is_none_or(|group| group.is_down());
    is_down || s.observed.status.phase == Some(Phase::Restarting) && !runs
}

/// Says something that may stay so for long, and does not leave the job lying meanwhile: if it crashed, if it was stopped for what is
/// held now, or if it is a standby that was not activated because of that.
pub(super) fn keep_alive(s: &Situation<'_>, verdict: Verdict) -> Outcome {
    let group = s.current();
    let is_up = group.is_some_and(|group| !group.is_down());
    let is_finished = group.and_then(|group| group.exit()).is_some_and(|exit| *exit == Exit::Finished);
    if is_left_standing(s) {
        replace(s)
    } else if is_up || is_finished || is_beyond_help(s) {
        let mut actions = if is_up { running::ensure_current(s) } else { Vec::new() };
        actions.extend(delete(s.orphans()));
        Outcome::act(verdict, actions)
    } else if is_gone(s) {
        note(s)
    } else {
        restart(s)
    }
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
