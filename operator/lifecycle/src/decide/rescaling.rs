//! Another parallelism: in place, by the engine; behind a checkpoint, by another deployment, when the engine refuses.
//!
//! Workers come before the engine is asked and go after it has done it, so no slot is missing meanwhile. A job is never stopped because
//! there is no room for more of it; one that does not run is deployed again, so that it can be made small enough to run.

use std::time::Duration;

use millstream_api::conditions::Reason;
use millstream_api::status::{
    IntentCause, IntentStatus, IntentStep, ParallelismStatus, Phase, StartFrom, StopMethod,
};

use super::planning::new_intent;
use super::recovering::is_beyond_help;
use super::stopping::without_intent;
use super::{Outcome, on_the_way, running};
use crate::action::Action;
use crate::build::workers_for;
use crate::observed::{CallKind, CallState, EnginePhase, Trouble};
use crate::origin;
use crate::phase::Verdict;
use crate::plan::stop_at_once;
use crate::situation::Situation;
use crate::status::begin as begin_status;

/// How long the engine may take to answer the call: a checkpoint, and a restart of the tasks. As long may records flow at the old
/// parallelism after it answered.
const LIMIT: Duration = Duration::from_secs(600);
/// How long it takes at most until a coordinator that answers has been asked again.
pub(super) const HEARD: Duration = Duration::from_secs(4);

fn intent<'a>(s: &Situation<'a>) -> Option<&'a IntentStatus> {
    s.intent().filter(|intent| intent.step == IntentStep::Rescale)
}

pub(super) fn is_wanted(s: &Situation<'_>) -> bool {
    let runs = s.current().is_some_and(|group| group.is_running());
    s.intent().is_none() && (runs || is_waiting(s)) && s.wants_parallelism().is_some()
}

/// Whether the job does not run and is expected to: for want of nodes or slots, or inside of a pause. One that is silent may run.
fn is_waiting(s: &Situation<'_>) -> bool {
    let Some(group) = s.current() else { return false };
    let waits = match group.answer().map(|answer| answer.phase) {
        Some(phase) => matches!(
            phase,
            EnginePhase::TakingOver
                | EnginePhase::WaitingForSlots
                | EnginePhase::Restoring
                | EnginePhase::Backoff
        ),
        None => !group.has_process(),
    };
    waits && !running::is_finished(s) && !is_beyond_help(s)
}

pub(super) fn begin(s: &Situation<'_>) -> Outcome {
    let (Some(attempt), Some(wanted)) = (s.attempt(), s.wants_parallelism()) else {
        return Outcome::rest(running::standing(s));
    };
    let revision = s.observed.status.current_revision.as_deref().unwrap_or_default();
    if !s.current().is_some_and(|group| group.is_running()) {
        return redeploy(s, revision, wanted);
    }
    let mut intent =
        new_intent(s, IntentCause::Scale, attempt, revision, StopMethod::Nothing, StartFrom::Newest);
    intent.step = IntentStep::Rescale;
    intent.plan = format!("{}-{wanted}", intent.plan);
    let said = format!("the parallelism goes from {} to {wanted}", s.parallelism());
    Outcome::commit(Verdict::working(Phase::Rescaling, Reason::Rescaling, said), begin_status(s, intent))
}

/// What does not run cannot be asked: it is deployed again, from the newest epoch.
fn redeploy(s: &Situation<'_>, revision: &str, wanted: i32) -> Outcome {
    let (from, uri) = origin::again(s);
    let attempt = s.next_attempt();
    let next = new_intent(s, IntentCause::Scale, attempt, revision, stop_at_once(s), from);
    let said = format!("the job does not run: it is deployed again at a parallelism of {wanted}");
    let verdict = Verdict::working(Phase::Rescaling, Reason::Rescaling, said);
    Outcome::commit(verdict, begin_status(s, IntentStatus { uri, ..next }))
}

/// The job has the new parallelism, whoever asked for it and whatever became of the answer.
pub(super) fn is_done(s: &Situation<'_>) -> bool {
    let Some(intent) = intent(s) else { return false };
    let answer = s.current().filter(|group| group.is_running()).and_then(|group| group.answer());
    answer.is_some_and(|answer| answer.parallelism == intent.parallelism)
}

pub(super) fn arrive(s: &Situation<'_>) -> Outcome {
    let mut status = without_intent(s, "records flow at the new parallelism");
    if let (Some(entry), Some(intent)) = (status.history.first_mut(), intent(s)) {
        entry.action = "Rescaled".into();
        let desired = status.parallelism.map_or(intent.parallelism, |p| p.desired);
        status.parallelism = Some(ParallelismStatus { desired, current: intent.parallelism });
    }
    Outcome::commit(on_the_way(s, "records flow at the new parallelism"), status)
}

pub(super) fn is_stale(s: &Situation<'_>) -> bool {
    let Some(intent) = intent(s) else { return false };
    let wanted = s.target.as_ref().ok().and_then(|job| i32::try_from(job.parallelism).ok());
    let is_other = wanted.is_some_and(|wanted| wanted != intent.parallelism);
    let is_down = s.current().is_none_or(|group| group.is_down());
    let is_replaced = s.wants_upgrade() || s.wants_restore().is_some() || s.wants_restart();
    let is_replaced = is_replaced || s.is_suspended_by_user();
    is_down
        || match call(s, intent) {
            None | Some(CallState::Failed { .. }) => is_other || is_replaced,
            // The engine may be in the middle of it.
            Some(CallState::Running { .. }) => false,
            // It is on its way; only what makes it pointless ends the wait.
            Some(CallState::Done { .. }) => is_replaced,
        }
}

fn call<'a>(s: &Situation<'a>, intent: &IntentStatus) -> Option<&'a CallState> {
    s.call(&intent.plan, CallKind::Rescale(intent.parallelism)).map(|call| &call.state)
}

pub(super) fn take_back(s: &Situation<'_>) -> Outcome {
    let said = on_the_way(s, "the rescale is not wanted any more");
    Outcome::commit(said, without_intent(s, "not wanted any more"))
}

pub(super) fn has_failed(s: &Situation<'_>) -> bool {
    let Some(intent) = intent(s) else { return false };
    let runs = s.current().is_some_and(|group| group.is_running());
    runs && match call(s, intent) {
        // An answer that was lost looks the same; what the coordinator says next tells them apart.
        Some(CallState::Failed { at, .. }) => s.since(*at) >= HEARD,
        Some(CallState::Running { since: at } | CallState::Done { at, .. }) => s.since(*at) > LIMIT,
        None => false,
    }
}

pub(super) fn by_savepoint(s: &Situation<'_>) -> Outcome {
    let Some(old) = intent(s) else { return Outcome::rest(running::standing(s)) };
    let attempt = s.next_attempt();
    let (cause, method) = (IntentCause::Scale, StopMethod::Checkpoint);
    let mut next = new_intent(s, cause, attempt, &old.revision, method, StartFrom::Newest);
    next.parallelism = old.parallelism;
    let said = "the engine cannot rescale in place: the job goes on in a new deployment";
    Outcome::commit(Verdict::working(Phase::Rescaling, Reason::Rescaling, said), begin_status(s, next))
}

pub(super) fn go_on(s: &Situation<'_>) -> Outcome {
    let mut verdict = on_the_way(s, "the parallelism changes");
    let (Some(intent), Some(group)) = (intent(s), s.current()) else { return Outcome::wait(verdict) };
    let reason = |trouble| match trouble {
        Trouble::Unschedulable => Some(Reason::Unschedulable),
        Trouble::Denied => Some(Reason::Denied),
        Trouble::Image | Trouble::CrashLoop => None,
    };
    if let Some((reason, message)) = group.trouble().and_then(|(t, message)| Some((reason(t)?, message))) {
        verdict = Verdict::working(Phase::Rescaling, reason, message);
    }
    let mut actions = running::ensure_at(s, intent.parallelism, s.parallelism());
    let slots = group.deployed.map_or(1, |deployed| deployed.job.cluster.slots);
    let has_room = group.ready_workers() >= workers_for(intent.parallelism, slots);
    let (plan, parallelism) = (intent.plan.clone(), intent.parallelism);
    if actions.is_empty() && has_room && call(s, intent).is_none() && group.is_running() {
        actions.push(Action::Rescale { attempt: intent.attempt, plan, parallelism });
    }
    if actions.is_empty() {
        actions.push(Action::Wait(verdict.message.clone()));
    }
    Outcome::act(verdict, actions)
}
