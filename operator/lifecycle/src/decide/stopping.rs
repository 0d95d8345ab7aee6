//! Stopping the job that runs, for a change or to suspend it.
//!
//! What is tried first is in the intent. What comes next when it fails is a rule: an upgrade falls back as its spec says, a rollback, a
//! restart and a restore go on without the final checkpoint, since the newest epoch is there in any case.

use std::time::Duration;

use millstream_api::UpgradeSettings;
use millstream_api::conditions::Reason;
use millstream_api::status::{
    IntentCause, IntentStatus, IntentStep, Phase, StartFrom, StopMethod, StreamJobStatus,
};
use millstream_api::streamjob::{Fallback, UpgradeMode};

use super::deleting::PAUSE;
use super::planning::new_intent;
use super::rescaling::HEARD;
use super::{Outcome, delete, on_the_way};
use crate::action::Action;
use crate::fields::checksum;
use crate::observed::{CallKind, CallState, Engine};
use crate::origin;
use crate::phase::Verdict;
use crate::plan::{Stop, from, is_out_of_reach, last_state, stop};
use crate::situation::Situation;
use crate::status::{begin, remember};
use crate::time::{Timestamp, as_time};

/// How long a job may take to cancel.
const CANCEL: Duration = Duration::from_secs(60);
/// How long a coordinator has to be silent, not to be waited for any longer when nothing but its end is wanted.
const GONE: Duration = Duration::from_secs(10);

fn intent<'a>(s: &Situation<'a>) -> Option<&'a IntentStatus> {
    s.intent().filter(|intent| matches!(intent.step, IntentStep::Stop | IntentStep::Suspend))
}

pub(super) fn is_stopping(s: &Situation<'_>) -> bool {
    intent(s).is_some()
}

pub(super) fn is_done(s: &Situation<'_>) -> bool {
    let Some(intent) = intent(s) else { return false };
    let call = intent.stop.and_then(|method| s.call(&intent.plan, CallKind::Stop(method)));
    let is_answered = call.is_some_and(|call| matches!(call.state, CallState::Done { .. }));
    is_answered || s.current().is_none_or(|group| group.is_down())
}

/// Stopped, and to stay so: while the spec says it, and while the spec says nothing that can be acted on.
pub(super) fn is_suspended(s: &Situation<'_>) -> bool {
    s.step() == Some(IntentStep::Suspend) && is_done(s) && (s.is_suspended_by_user() || s.target.is_err())
}

pub(super) fn suspend(s: &Situation<'_>) -> Outcome {
    let Ok(job) = &s.target else { return Outcome::rest(super::running::standing(s)) };
    let attempt = s.next_attempt();
    let method = match stop(s, &job.cluster.upgrade) {
        Stop::By(method) => method,
        // The state stays in the bucket, and the pod is told to take a final checkpoint if anybody is there.
        Stop::Later(..) if is_out_of_reach(s, &job.cluster.upgrade) && !waits(&job.cluster.upgrade) => {
            StopMethod::Pods
        }
        Stop::Later(reason, message) if is_out_of_reach(s, &job.cluster.upgrade) => {
            return super::running::tend(s, Verdict::stalled(s, reason, message));
        }
        Stop::Later(reason, message) => {
            return super::running::tend(s, Verdict::working(Phase::Running, reason, message));
        }
        Stop::Never(reason, message) => return super::running::tend(s, Verdict::stalled(s, reason, message)),
    };
    let revision = s.observed.status.current_revision.as_deref().unwrap_or_default();
    // What never ran is resumed as it would have been started.
    let (from, uri) = origin::again(s);
    let intent = IntentStatus {
        step: IntentStep::Suspend,
        uri,
        ..new_intent(s, IntentCause::Suspend, attempt, revision, method, from)
    };
    let verdict = Verdict::working(Phase::Upgrading, Reason::Suspended, "the job is being suspended");
    Outcome::commit(verdict, begin(s, intent))
}

/// Whether the job is not to be stopped without a savepoint.
fn waits(settings: &UpgradeSettings) -> bool {
    settings.mode == UpgradeMode::Savepoint && settings.fallback != Fallback::LastState
}

/// The old job is over: the new one starts, unless the spec has changed its mind meanwhile. Then the old one is over nevertheless, and
/// what the spec says now is planned from there; a spec that cannot be acted on lets the old one be taken up again.
pub(super) fn next(s: &Situation<'_>) -> Outcome {
    let Some(old) = intent(s) else { return Outcome::rest(super::running::standing(s)) };
    let verdict = on_the_way(s, "the old deployment has stopped");
    let same = s.wanted_revision() == Some(&old.revision);
    let is_asked_for = s.revision.as_deref() == Some(&old.revision);
    let resumes = old.step == IntentStep::Suspend;
    let as_planned = match old.cause {
        // What is being rolled back is still the one that counts as running.
        IntentCause::Rollback => {
            same || s.revision.is_none() || s.revision == s.observed.status.current_revision
        }
        IntentCause::Restore => is_asked_for && s.wants_restore() == old.uri.as_deref(),
        _ => same && s.wants_restore().is_none(),
    };
    // State is given up only if that is still allowed.
    let is_withdrawn = old.from == StartFrom::Empty
        && s.target.as_ref().is_ok_and(|job| from(s, job) != Ok(StartFrom::Empty));
    // A restore waits until it can be seen that it is still asked for.
    let waits = resumes || old.cause == IntentCause::Restore;
    let is_known = s.job_of(&old.revision).is_some();
    let goes_on = as_planned && !is_withdrawn || s.target.is_err() && !waits;
    if goes_on && is_known && !s.is_suspended_by_user() {
        let wanted = s.target.as_ref().ok().and_then(|job| i32::try_from(job.parallelism).ok());
        let start = IntentStatus {
            step: IntentStep::Start,
            cause: if resumes { IntentCause::Resume } else { old.cause },
            since: as_time(s.now),
            floor: if old.from == StartFrom::Newest { s.floor_of(&old.revision) } else { None },
            // A standby has read its manifest already: it is rescaled when it runs.
            parallelism: wanted.filter(|_| !old.warm).unwrap_or(old.parallelism),
            ..old.clone()
        };
        return Outcome::commit(verdict, begin(s, start));
    }
    Outcome::commit(verdict, without_intent(s, "the spec changed meanwhile"))
}

/// The status with nothing begun.
pub(super) fn without_intent(s: &Situation<'_>, why: &str) -> StreamJobStatus {
    let mut status = s.observed.status.clone();
    let revision = status.intent.take().map(|intent| intent.revision).unwrap_or_default();
    remember(&mut status, s, "TakenBack".into(), why.to_owned(), &revision);
    status
}

fn settings(s: &Situation<'_>) -> Option<UpgradeSettings> {
    let deployed = s.current().and_then(|group| group.deployed).map(|deployed| &deployed.job);
    s.target.as_ref().ok().or(deployed).map(|job| job.cluster.upgrade)
}

pub(super) fn has_failed(s: &Situation<'_>) -> bool {
    let Some((intent, method)) = intent(s).and_then(|intent| Some((intent, intent.stop?))) else {
        return false;
    };
    let limit = match method {
        StopMethod::Pods | StopMethod::Nothing => return false,
        StopMethod::Cancel if is_silent(s) => return true,
        StopMethod::Cancel => CANCEL,
        _ => settings(s).map_or(CANCEL, |settings| settings.savepoint_timeout),
    };
    let call = s.call(&intent.plan, CallKind::Stop(method));
    let is_refused = call.is_some_and(|call| matches!(call.state, CallState::Failed { .. }));
    is_refused || s.since(intent.since.0) > limit
}

fn is_silent(s: &Situation<'_>) -> bool {
    let engine = s.current().and_then(|group| group.engine);
    engine.is_some_and(|engine| matches!(engine, Engine::Silent { since } if s.since(*since) >= GONE))
}

/// Whether the spec asks for the stop no longer, and the job runs on: nobody stops it, because that was refused or not begun.
pub(super) fn is_stale(s: &Situation<'_>) -> bool {
    let Some((intent, method)) = intent(s).and_then(|intent| Some((intent, intent.stop?))) else {
        return false;
    };
    let Ok(job) = &s.target else { return false };
    let is_other = s.wanted_revision() != Some(&intent.revision);
    let is_reverted = match intent.cause {
        IntentCause::Spec => is_other,
        IntentCause::Scale => {
            is_other || s.is_suspended_by_user() || i32::try_from(job.parallelism) != Ok(intent.parallelism)
        }
        IntentCause::Suspend => !s.is_suspended_by_user(),
        IntentCause::Restore => s.wants_restore() != intent.uri.as_deref(),
        // Ordered, or decided here.
        _ => false,
    };
    let call = s.call(&intent.plan, CallKind::Stop(method)).map(|call| &call.state);
    let is_open = matches!(call, None | Some(CallState::Failed { .. }));
    is_reverted && is_open && s.current().is_some_and(|group| group.is_running())
}

pub(super) fn take_back(s: &Situation<'_>) -> Outcome {
    let said = on_the_way(s, "the spec does not ask for the stop any more");
    Outcome::commit(said, without_intent(s, "the spec changed"))
}

pub(super) fn fall_back(s: &Situation<'_>) -> Outcome {
    let Some((old, method)) = intent(s).and_then(|intent| Some((intent, intent.stop?))) else {
        return Outcome::rest(super::running::standing(s));
    };
    let call = s.call(&old.plan, CallKind::Stop(method));
    let message = match call.map(|call| &call.state) {
        Some(CallState::Failed { message, .. }) => message.clone(),
        _ if is_silent(s) => "the coordinator does not answer".to_owned(),
        _ => "it took too long".to_owned(),
    };
    let again = |method: StopMethod| {
        let plan = format!("p{}-{}", old.generation, checksum(&old.plan).get(..8).unwrap_or_default());
        let intent = IntentStatus { stop: Some(method), since: as_time(s.now), plan, ..old.clone() };
        Outcome::commit(on_the_way(s, format!("stopping by {method:?}: {message}")), begin(s, intent))
    };
    if method == StopMethod::Cancel {
        return again(StopMethod::Pods);
    }
    let is_change = matches!(old.cause, IntentCause::Spec | IntentCause::Suspend | IntentCause::Scale);
    let Some(settings) = settings(s).filter(|settings| is_change && settings.mode != UpgradeMode::Stateless)
    else {
        return again(StopMethod::Cancel);
    };
    // Trying again at once would only be refused again.
    let refused_at = call.and_then(|call| match &call.state {
        CallState::Failed { at, .. } => Some(*at),
        _ => None,
    });
    let is_too_soon = refused_at.is_some_and(|at| s.since(at) < PAUSE);
    let hold = |reason, said: String| {
        if is_too_soon {
            super::running::tend(s, Verdict::working(Phase::Upgrading, reason, said))
        } else {
            again(method)
        }
    };
    // No planner reads the bucket for these, so the age of what is there stays unknown.
    let is_out_of_reach = old.cause != IntentCause::Spec && is_out_of_reach(s, &settings);
    match (settings.fallback, last_state(s, &settings, StopMethod::Cancel)) {
        (Fallback::LastState, Stop::By(StopMethod::Cancel)) => again(StopMethod::Cancel),
        (Fallback::LastState, Stop::Later(..)) if is_out_of_reach => again(StopMethod::Pods),
        (Fallback::LastState, Stop::Later(reason, why) | Stop::Never(reason, why)) => {
            hold(reason, format!("{message}; {why}"))
        }
        (Fallback::Fail, _) if old.cause == IntentCause::Spec => {
            refuse_change(s, old, &settings, refused_at, &message)
        }
        _ if is_out_of_reach => {
            let said = format!("no savepoint could be taken, and the coordinator does not answer: {message}");
            super::running::tend(s, Verdict::stalled(s, Reason::StopFailed, said))
        }
        _ => hold(Reason::StopFailed, format!("no savepoint could be taken: {message}")),
    }
}

/// The new revision is not tried again until the spec changes, if the old one runs on. An answer that was lost looks like a refusal, and a
/// job that has done what it was asked ends a moment later: until its coordinator was asked again, nothing is made of it.
fn refuse_change(
    s: &Situation<'_>,
    old: &IntentStatus,
    settings: &UpgradeSettings,
    refused_at: Option<Timestamp>,
    message: &str,
) -> Outcome {
    let is_heard = refused_at.is_none_or(|at| s.since(at) >= HEARD);
    if is_heard && s.current().is_some_and(|group| group.is_running()) {
        let mut status = without_intent(s, message);
        status.rolled_back = Some(old.revision.clone());
        status.rollback_reason = Some(message.to_owned());
        let said = format!("the old revision keeps running: no savepoint could be taken: {message}");
        return Outcome::commit(Verdict::stalled(s, Reason::StopFailed, said), status);
    }
    let verdict = if is_out_of_reach(s, settings) {
        let said = format!("no savepoint could be taken, and the coordinator does not answer: {message}");
        Verdict::stalled(s, Reason::StopFailed, said)
    } else {
        let said = format!(
            "no savepoint was confirmed, and whether the job has stopped is not known yet: {message}"
        );
        Verdict::working(Phase::Upgrading, Reason::StopFailed, said)
    };
    super::running::tend(s, verdict).after(HEARD)
}

pub(super) fn go_on(s: &Situation<'_>) -> Outcome {
    let verdict = on_the_way(s, "the old deployment is being stopped");
    let Some((intent, method)) = intent(s).and_then(|intent| Some((intent, intent.stop?))) else {
        return Outcome::wait(verdict);
    };
    let (Some(attempt), plan) = (s.attempt(), intent.plan.clone()) else { return Outcome::wait(verdict) };
    if matches!(method, StopMethod::Pods | StopMethod::Nothing) {
        let coordinator = s.current().and_then(|group| group.coordinator).map(|(child, _)| child);
        return match delete(coordinator) {
            Some(action) => Outcome::act(verdict, vec![action]),
            None => Outcome::wait(verdict),
        };
    }
    if s.call(&plan, CallKind::Stop(method)).is_some() {
        return Outcome::wait(verdict);
    }
    let action = match method {
        StopMethod::Cancel => Action::CancelJob { attempt, plan },
        _ => Action::StopWithSavepoint { attempt, plan, method },
    };
    Outcome::act(verdict, vec![action])
}
