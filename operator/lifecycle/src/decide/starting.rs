//! Starting a deployment, until records flow.
//!
//! Nothing is created or activated that could own an epoch while another coordinator of the job could: those go first, and are gone when
//! this begins. The floor goes with the coordinator.

use millstream_api::conditions::Reason;
use millstream_api::status::{IntentCause, IntentStatus, IntentStep, RestorePoint, StartFrom};
use millstream_api::{Restore, ValidatedJob};

use super::deleting::PAUSE;
use super::recovering;
use super::rolling_back::{can_roll_back, is_past_deadline, roll_back};
use super::stopping::without_intent;
use super::{Outcome, delete, on_the_way, running};
use crate::action::Action;
use crate::build::{Blueprint, Start, workers_for};
use crate::observed::{CallKind, CallState, EnginePhase, Exit, Trouble};
use crate::origin;
use crate::phase::Verdict;
use crate::situation::Situation;

fn intent<'a>(s: &Situation<'a>) -> Option<&'a IntentStatus> {
    s.intent().filter(|intent| intent.step == IntentStep::Start)
}

pub(super) fn has_arrived(s: &Situation<'_>) -> bool {
    let Some(intent) = intent(s) else { return false };
    let group = s.current();
    let is_finished = group.and_then(|g| g.exit()).is_some_and(|exit| *exit == Exit::Finished);
    let flows = group.is_some_and(|group| group.is_running()) || is_finished;
    flows && s.rivals(intent.attempt).is_empty()
}

pub(super) fn arrive(s: &Situation<'_>) -> Outcome {
    let mut status = without_intent(s, "records flow");
    if let Some(entry) = status.history.first_mut() {
        entry.action = "Started".into();
    }
    let answer = s.current().and_then(|group| group.answer());
    let epoch = answer.and_then(|answer| answer.restored_from);
    let uri = intent(s).and_then(|intent| intent.uri.as_deref()).or(s.restore_of_current());
    let is_restored = epoch.is_some() || uri.is_some();
    status.restored_from = is_restored.then(|| RestorePoint {
        uri: uri.unwrap_or_default().to_owned(),
        epoch: epoch.unwrap_or(0),
        age: None,
    });
    Outcome::commit(on_the_way(s, "records flow"), status)
}

/// A new spec is not kept waiting by a deployment that does not run yet.
pub(super) fn is_stale(s: &Situation<'_>) -> bool {
    let Some(intent) = intent(s) else { return false };
    // Pods that find no room may find it when there are fewer of them.
    let wanted = s.target.as_ref().ok().and_then(|job| i32::try_from(job.parallelism).ok());
    let is_stuck = s.current().is_some_and(|group| group.trouble().is_some());
    let is_other_size = is_stuck && wanted.is_some_and(|wanted| wanted != intent.parallelism);
    let is_other = s.wanted_revision().is_some_and(|revision| revision != intent.revision);
    s.is_suspended_by_user() || is_other || is_other_size
}

pub(super) fn abandon(s: &Situation<'_>) -> Outcome {
    let said = on_the_way(s, "the spec changed before records flowed");
    let mut status = without_intent(s, "the spec changed");
    // As long as it never ran, whether it was restored is not known; what starts from the newest epoch now may start without what the user
    // wants back.
    let restores = intent(s).is_some_and(|i| matches!(i.cause, IntentCause::Create | IntentCause::Restore));
    if let (true, Some(nonces)) = (restores && !origin::ran(s), &mut status.nonces) {
        nonces.restore = None;
        nonces.restored = None;
    }
    Outcome::commit(said, status)
}

pub(super) fn has_ended(s: &Situation<'_>) -> bool {
    intent(s).is_some() && recovering::is_beyond_help(s)
}

pub(super) fn judge_end(s: &Situation<'_>) -> Outcome {
    if can_roll_back(s) {
        return roll_back(s);
    }
    if recovering::is_forgotten(s) {
        return abandon(s);
    }
    Outcome::commit(recovering::why_beyond_help(s), without_intent(s, "the job ended before records flowed"))
}

pub(super) fn is_late(s: &Situation<'_>) -> bool {
    intent(s).is_some() && is_past_deadline(s) && can_roll_back(s)
}

pub(super) fn judge_lateness(s: &Situation<'_>) -> Outcome {
    roll_back(s)
}

pub(super) fn go_on(s: &Situation<'_>) -> Outcome {
    let verdict = verdict(s);
    let Some(intent) = intent(s) else { return Outcome::wait(verdict) };
    let rivals = s.rivals(intent.attempt);
    if !rivals.is_empty() {
        return match delete(rivals) {
            Some(action) => Outcome::act(verdict, vec![action]),
            None => Outcome::wait(on_the_way(s, "the old coordinator is going")),
        };
    }
    if recovering::is_gone_with_an_exit(s) {
        return recovering::note(s);
    }
    if s.current().is_some_and(|group| group.exit().is_some()) {
        return recovering::restart(s);
    }
    let mut actions = activate(s, intent);
    actions.extend(ensure_for(s, intent, start_of(s, intent)));
    actions.extend(delete(s.orphans()));
    if actions.is_empty() {
        actions.push(Action::Wait(verdict.message.clone()));
    }
    Outcome::act(verdict, actions)
}

/// What is said: what keeps the pods, and whether anybody can still expect it to pass.
fn verdict(s: &Situation<'_>) -> Verdict {
    let trouble = s.current().and_then(|group| group.trouble());
    let (reason, message) = match trouble {
        Some((Trouble::Image, message)) => (Reason::ImageUnavailable, message),
        Some((Trouble::Unschedulable, message)) => (Reason::Unschedulable, message),
        Some((Trouble::CrashLoop, message)) => (Reason::Unstable, message),
        Some((Trouble::Denied, message)) => (Reason::Denied, message),
        None => (Reason::Unstable, "records do not flow yet"),
    };
    if is_past_deadline(s) {
        return Verdict::stalled(s, reason, message);
    }
    match trouble {
        Some(_) => Verdict { reason, ..on_the_way(s, message) },
        None => on_the_way(s, "the new deployment starts"),
    }
}

/// A standby is told once that the job is its own; it is told again only when that failed.
fn activate(s: &Situation<'_>, intent: &IntentStatus) -> Vec<Action> {
    let answer = s.current().and_then(|group| group.answer());
    if answer.is_none_or(|answer| answer.phase != EnginePhase::Standby) {
        return Vec::new();
    }
    match s.call(&intent.plan, CallKind::Activate).map(|call| &call.state) {
        Some(CallState::Running { .. } | CallState::Done { .. }) => Vec::new(),
        Some(CallState::Failed { at, .. }) if s.since(*at) < PAUSE => Vec::new(),
        _ => vec![Action::Activate { attempt: intent.attempt, plan: intent.plan.clone() }],
    }
}

/// What the coordinator is told about its start. Once records have flowed, what was left behind is: to leave it again would leave what
/// came since.
pub(super) fn start_of(s: &Situation<'_>, intent: &IntentStatus) -> Start {
    if Some(intent.attempt) == s.attempt() && origin::ran(s) {
        return Start::Newest(s.floor());
    }
    let uri = intent.uri.clone().unwrap_or_default();
    match intent.from {
        StartFrom::Newest => Start::Newest(intent.floor),
        StartFrom::Empty => Start::Empty,
        // The manifest has it.
        StartFrom::SpecRestore => Start::Newest(None),
        StartFrom::Snapshot => Start::Snapshot(uri),
        StartFrom::Epoch => Start::Epoch(uri),
    }
}

/// The restore that a deployment was begun from: as its config map has it, or as the intent for it says.
pub(super) fn restore_of<'s>(
    s: &'s Situation<'_>,
    attempt: i64,
    intent: Option<&IntentStatus>,
    job: &'s ValidatedJob,
) -> Option<&'s Restore> {
    match s.groups.get(&attempt).and_then(|group| group.deployed) {
        Some(deployed) => deployed.job.restore.as_ref(),
        None if intent.is_some_and(|i| matches!(i.from, StartFrom::SpecRestore | StartFrom::Snapshot)) => {
            job.restore.as_ref()
        }
        None => None,
    }
}

/// Makes what is missing of the deployment that an intent leads to.
pub(super) fn ensure_for(s: &Situation<'_>, intent: &IntentStatus, start: Start) -> Vec<Action> {
    let Some((job, image)) = s.job_of(&intent.revision) else { return Vec::new() };
    let blueprint = Blueprint {
        object: &s.observed.object,
        operator: &s.observed.operator,
        job,
        image,
        attempt: intent.attempt,
        plan: &intent.plan,
        generation: intent.generation,
        parallelism: intent.parallelism,
        workers: workers_for(intent.parallelism, job.cluster.slots),
        start,
        restore: restore_of(s, intent.attempt, Some(intent), job),
        lost: intent.lost.clone(),
        transport: s.transport(intent.attempt),
        certificates: s.certificates(intent.attempt),
    };
    running::ensure(s, &blueprint)
}
