//! New pods get ready while the old job runs: a standby that claims nothing, and workers that have come to it.
//!
//! All of it can be taken back. The old job is stopped for pods that are there, or, when there is no room for both, before they are;
//! never for pods that cannot work, nor for those of which it is not known what keeps them. One image pull that failed is no verdict:
//! trouble has to last.

use std::time::Duration;

use millstream_api::conditions::Reason;
use millstream_api::status::{IntentStatus, IntentStep};

use super::starting::ensure_for;
use super::stopping::without_intent;
use super::{Outcome, on_the_way, running};
use crate::action::Action;
use crate::build::{Start, workers_for};
use crate::observed::{EnginePhase, Trouble};
use crate::phase::Verdict;
use crate::situation::{Group, Situation};
use crate::status::begin;
use crate::time::as_time;

/// How long new pods may find no node before the old job is stopped to make room.
const WARM: Duration = Duration::from_secs(120);
/// How long new pods may take in any case: a large image on a slow link takes minutes, and the old job runs meanwhile.
const WARM_MAX: Duration = Duration::from_secs(600);
/// How long trouble has to last: the kubelet has tried a third time by then, after pauses of 10 and 20 s.
const TROUBLE: Duration = Duration::from_secs(40);

fn intent<'a>(s: &Situation<'a>) -> Option<&'a IntentStatus> {
    s.intent().filter(|intent| intent.step == IntentStep::Warm)
}

fn new_group<'s, 'a>(s: &'s Situation<'a>) -> Option<&'s Group<'a>> {
    s.groups.get(&intent(s)?.attempt)
}

pub(super) fn is_stale(s: &Situation<'_>) -> bool {
    intent(s)
        .is_some_and(|intent| s.is_suspended_by_user() || s.revision.as_deref() != Some(&intent.revision))
}

pub(super) fn take_back(s: &Situation<'_>) -> Outcome {
    let said = on_the_way(s, "the spec changed while the new pods were getting ready");
    Outcome::commit(said, without_intent(s, "the spec changed"))
}

pub(super) fn is_ready(s: &Situation<'_>) -> bool {
    let (Some(intent), Some(group)) = (intent(s), new_group(s)) else { return false };
    let is_standby = group.answer().is_some_and(|answer| answer.phase == EnginePhase::Standby);
    let slots = group.deployed.map_or(1, |deployed| deployed.job.cluster.slots);
    // A standby takes no workers, so its own are not ready: they wait at its door as soon as they run.
    is_standby && group.running_workers() >= workers_for(intent.parallelism, slots)
}

/// The old job stops, for pods that are ready or to make room for them. Those that wait for a node keep waiting: they get the room.
pub(super) fn stop_old(s: &Situation<'_>) -> Outcome {
    let Some(old) = intent(s) else { return Outcome::rest(running::standing(s)) };
    let floor = s.floor_of(&old.revision);
    let next = IntentStatus { step: IntentStep::Stop, since: as_time(s.now), floor, ..old.clone() };
    Outcome::commit(on_the_way(s, "the old deployment is stopped"), begin(s, next))
}

pub(super) fn is_hopeless(s: &Situation<'_>) -> bool {
    why_hopeless(s).is_some()
}

fn why_hopeless(s: &Situation<'_>) -> Option<(Reason, String)> {
    let group = new_group(s)?;
    if let Some(exit) = group.exit() {
        return Some(super::recovering::end_of(exit));
    }
    let intent = intent(s)?;
    let is_lasting = intent.troubled_since.as_ref().is_some_and(|since| s.since(since.0) >= TROUBLE);
    if let Some((trouble, message)) = deep_trouble(group).filter(|_| is_lasting) {
        let reason = match trouble {
            Trouble::Image => Reason::ImageUnavailable,
            Trouble::Denied => Reason::Denied,
            Trouble::CrashLoop | Trouble::Unschedulable => Reason::Unstable,
        };
        return Some((reason, message.to_owned()));
    }
    let is_late = s.since(intent.since.0) > WARM_MAX && !needs_room(group);
    is_late.then(|| (Reason::Unstable, "they did not get ready in their time".to_owned()))
}

/// What keeps a pod and would keep it on an empty cluster, too.
fn deep_trouble<'a>(group: &Group<'a>) -> Option<(Trouble, &'a str)> {
    group.troubles().find(|(trouble, _)| *trouble != Trouble::Unschedulable)
}

/// Whether room is all that the new pods want.
fn needs_room(group: &Group<'_>) -> bool {
    group.trouble().is_some() && deep_trouble(group).is_none()
}

/// The new revision is not tried again until the spec changes; the old job never noticed.
pub(super) fn give_up(s: &Situation<'_>) -> Outcome {
    let (reason, message) = why_hopeless(s).unwrap_or((Reason::Unstable, String::new()));
    let mut status = without_intent(s, reason.as_str());
    status.rolled_back.clone_from(&s.revision);
    status.rollback_reason = Some(message.clone());
    let said = format!("the new pods cannot work, so the old revision keeps running: {message}");
    Outcome::commit(Verdict::stalled(s, reason, said), status)
}

pub(super) fn is_late(s: &Situation<'_>) -> bool {
    let is_due = intent(s).is_some_and(|intent| s.since(intent.since.0) > WARM);
    is_due && new_group(s).is_some_and(needs_room)
}

pub(super) fn go_on(s: &Situation<'_>) -> Outcome {
    let verdict = match new_group(s).and_then(Group::trouble) {
        Some((_, message)) => {
            on_the_way(s, format!("the new pods are not ready, and the old job runs on: {message}"))
        }
        None => on_the_way(s, "the new pods are getting ready while the old job runs"),
    };
    let Some(intent) = intent(s) else { return Outcome::wait(verdict) };
    let mut actions = ensure_for(s, intent, Start::Standby(intent.floor));
    if s.current().is_some_and(|group| !group.is_down()) {
        actions.extend(running::ensure_current(s));
    }
    let message = verdict.message.clone();
    if actions.is_empty() {
        actions.push(Action::Wait(message));
    }
    let mut status = s.observed.status.clone();
    if let Some(intent) = &mut status.intent {
        let since = intent.troubled_since.take().or_else(|| Some(as_time(s.now)));
        intent.troubled_since =
            since.filter(|_| new_group(s).is_some_and(|group| deep_trouble(group).is_some()));
    }
    Outcome::act(verdict, actions).with(status)
}
