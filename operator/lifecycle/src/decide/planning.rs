//! Changes that a running job has to be stopped for: planned, judged, approved, then begun.
//!
//! Nothing here touches the job that runs. A plan is in the status before anybody acts on it; its id follows from what is to be
//! done, so an approval of one plan is none of another, and stays one when something else of the spec changes.

use millstream_api::ValidatedJob;
use millstream_api::conditions::Reason;
use millstream_api::status::{
    IntentCause, IntentStatus, IntentStep, OperatorFate, Phase, PlanKind, PlanStatus, StartFrom, StopMethod,
};
use millstream_api::streamjob::{UpgradeMode, Warm};

use super::judging::{PLANNER, plan_again, start_planner};
use super::{Commit, Outcome, delete, recovering, running};
use crate::action::Action;
use crate::observed::{Judgement, PlannerState};
use crate::origin;
use crate::phase::Verdict;
use crate::plan::{
    self, Stop, from, is_approved, is_only_text, lost, lost_by_name, propose, stop, stop_in_any_case,
};
use crate::situation::Situation;
use crate::status::{begin, remember};
use crate::time::{after, as_time};

fn is_idle(s: &Situation<'_>) -> bool {
    s.intent().is_none() && s.attempt().is_some() && s.target.is_ok()
}

pub(super) fn wants_restore(s: &Situation<'_>) -> bool {
    is_idle(s) && s.wants_restore().is_some()
}

pub(super) fn wants_restart(s: &Situation<'_>) -> bool {
    is_idle(s) && s.wants_restart() && !s.wants_upgrade()
}

pub(super) fn wants_upgrade(s: &Situation<'_>) -> bool {
    is_idle(s) && s.wants_upgrade()
}

pub(super) fn upgrade(s: &Situation<'_>) -> Outcome {
    judge_and_begin(s, IntentCause::Spec)
}

pub(super) fn restore(s: &Situation<'_>) -> Outcome {
    judge_and_begin(s, IntentCause::Restore)
}

/// A restart is what the user ordered, and changes nothing: no plan, no approval, and the revision that runs.
pub(super) fn restart(s: &Situation<'_>) -> Outcome {
    let method = stop_in_any_case(s);
    let attempt = s.next_attempt();
    let revision = s.wanted_revision().unwrap_or_default();
    let (from, uri) = origin::again(s);
    let intent = IntentStatus { uri, ..new_intent(s, IntentCause::Restart, attempt, revision, method, from) };
    let verdict =
        Verdict::working(Phase::Upgrading, Reason::Restarting, "restarted, as spec.restart.nonce says");
    Outcome::commit(verdict, begin(s, intent))
}

/// The intent to stop what runs and to start a deployment of this revision, at the parallelism that the spec asks for.
pub(super) fn new_intent(
    s: &Situation<'_>,
    cause: IntentCause,
    attempt: i64,
    revision: &str,
    method: StopMethod,
    from: StartFrom,
) -> IntentStatus {
    let wanted = s.target.as_ref().ok().and_then(|job| i32::try_from(job.parallelism).ok());
    IntentStatus {
        step: IntentStep::Stop,
        cause,
        since: as_time(s.now),
        attempt,
        revision: revision.to_owned(),
        generation: s.observed.object.generation,
        plan: s.plan_id(cause, attempt),
        stop: Some(method),
        floor: if from == StartFrom::Newest { s.floor_of(revision) } else { None },
        from,
        uri: None,
        parallelism: wanted.unwrap_or_else(|| s.parallelism()),
        lost: if Some(revision) == s.observed.status.current_revision.as_deref() {
            origin::lost(s)
        } else {
            Vec::new()
        },
        added: Vec::new(),
        troubled_since: None,
        warm: false,
    }
}

/// Says something about a plan while the old job goes on. One that crashed meanwhile is recovered: a planner may take minutes, and come to
/// no verdict then. One that never ran, or that was not activated yet, waits for the plan.
fn hold(s: &Situation<'_>, plan: PlanStatus, verdict: Verdict, more: Vec<Action>) -> Outcome {
    if origin::ran(s) && s.current().is_none_or(|group| group.is_down()) {
        let mut outcome = hold_for_long(s, plan, verdict);
        if outcome.commit == Commit::After {
            outcome.actions.extend(more);
        }
        return outcome;
    }
    let mut status = s.observed.status.clone();
    status.plan = Some(plan);
    let mut actions = more;
    if s.current().is_some_and(|group| !group.is_down()) {
        actions.extend(running::ensure_current(s));
    }
    actions.extend(delete(s.orphans()));
    Outcome::act(verdict, actions).with(status)
}

/// The same for a plan that may wait for long.
pub(super) fn hold_for_long(s: &Situation<'_>, plan: PlanStatus, verdict: Verdict) -> Outcome {
    let mut outcome = recovering::keep_alive(s, verdict);
    outcome.status.get_or_insert_with(|| s.observed.status.clone()).plan = Some(plan);
    outcome
}

fn judge_and_begin(s: &Situation<'_>, cause: IntentCause) -> Outcome {
    let (Ok(job), Some(revision)) = (&s.target, s.revision.clone()) else {
        return Outcome::rest(running::standing(s));
    };
    let attempt = s.next_attempt();
    let id = s.plan_id(cause, attempt);
    let plan = propose(s, cause, &id);
    let stalled = |reason, said: &str| hold_for_long(s, plan.clone(), Verdict::stalled(s, reason, said));
    let judgement = match s.planner().filter(|planner| planner.plan == id).map(|planner| &planner.state) {
        None => {
            let denial = s.observed.denials.get(&0).map(|denial| denial.message.as_str());
            let said = denial.map_or_else(|| planning(cause), |why| cannot_plan(cause, why));
            return hold(s, plan, said, start_planner(s, job, &id));
        }
        Some(PlannerState::Pending { since }) if s.since(*since) > PLANNER => {
            return plan_again(
                s,
                plan,
                cause,
                "its pod came to no verdict in its time",
                after(*since, PLANNER),
            );
        }
        Some(PlannerState::Pending { .. }) => return hold(s, plan, planning(cause), Vec::new()),
        Some(PlannerState::Refused(message)) => return stalled(Reason::SqlError, message),
        Some(PlannerState::Failed { message, at }) => return plan_again(s, plan, cause, message, *at),
        Some(PlannerState::Judged(judgement)) => judgement,
    };
    if cause == IntentCause::Spec && is_what_runs(s, judgement) {
        return accept(s, plan, &revision);
    }
    if let Err((reason, said)) = check_state(s, job, cause, judgement) {
        return stalled(reason, &said);
    }
    let from = match (cause, from(s, job)) {
        (IntentCause::Restore, _) => StartFrom::Snapshot,
        (_, Ok(from)) => from,
        (_, Err((reason, said))) => return stalled(reason, &said),
    };
    let method = match (cause, stop(s, &job.cluster.upgrade)) {
        (_, Stop::By(method)) => method,
        // The newest state is left behind on the user's order, so its age is nothing to hold for.
        (IntentCause::Restore, _) => StopMethod::Pods,
        (_, Stop::Never(reason, said)) => return stalled(reason, &said),
        (_, Stop::Later(reason, said)) => {
            return hold_for_long(s, plan, Verdict::working(Phase::Upgrading, reason, said));
        }
    };
    if !is_approved(s, job, &id) {
        let said = format!("the plan {id} waits for the annotation millstream.dev/approve: {id}");
        return hold_for_long(s, plan, Verdict::working(Phase::Upgrading, Reason::AwaitingApproval, said));
    }
    let mut intent = new_intent(s, cause, attempt, &revision, method, from);
    intent.lost = lost(judgement);
    intent.added = plan::added(judgement);
    intent.uri = s.wants_restore().filter(|_| cause == IntentCause::Restore).map(str::to_owned);
    begin_change(s, job, plan, intent)
}

/// The first step: new pods beside the old job where that can be taken back, else the stop.
fn begin_change(
    s: &Situation<'_>,
    job: &ValidatedJob,
    plan: PlanStatus,
    mut intent: IntentStatus,
) -> Outcome {
    let is_warm = job.cluster.upgrade.warm == Warm::Auto
        && intent.from == StartFrom::Newest
        && s.current().is_some_and(|group| group.is_running());
    if is_warm {
        intent.step = IntentStep::Warm;
        intent.warm = true;
    }
    let (phase, reason) = match intent.cause {
        IntentCause::Restore => (Phase::Restoring, Reason::Restoring),
        _ => (Phase::Upgrading, Reason::Upgrading),
    };
    let mut status = begin(s, intent);
    let approved = s.observed.object.approved.clone().filter(|id| *id == plan.id);
    status.plan = Some(PlanStatus { approved_by: approved.map(|_| "annotation".into()), ..plan });
    Outcome::commit(Verdict::working(phase, reason, "a plan is being carried out"), status)
}

/// Whether the target is what runs, in other words. The planner compares with the newest manifest, which says what runs only if what runs
/// wrote it; before its first epoch that of its predecessor is there, and a spec that goes back to that one asks for a change.
fn is_what_runs(s: &Situation<'_>, judgement: &Judgement) -> bool {
    judgement.is_same_plan && is_only_text(s) && origin::owns(s, judgement.newest.as_ref())
}

/// The SQL reads differently and means the same: the revision counts as running, and nothing is touched.
fn accept(s: &Situation<'_>, plan: PlanStatus, revision: &str) -> Outcome {
    let mut status = s.observed.status.clone();
    status.plan = Some(PlanStatus { kind: PlanKind::NoOp, stop: None, restore_from: None, ..plan });
    remember(&mut status, s, "Accept".into(), "the SQL means the same as before".into(), revision);
    status.current_revision = Some(revision.to_owned());
    Outcome::commit(running::standing(s), status)
}

fn planning(cause: IntentCause) -> Verdict {
    let said = "the new revision is being judged; the old one goes on";
    Verdict::working(phase_of(cause), Reason::Planning, said)
}

fn cannot_plan(cause: IntentCause, why: &str) -> Verdict {
    let said = format!("the new revision cannot be judged yet; the old one goes on: {why}");
    Verdict::working(phase_of(cause), Reason::Denied, said)
}

pub(super) fn phase_of(cause: IntentCause) -> Phase {
    if cause == IntentCause::Restore { Phase::Restoring } else { Phase::Upgrading }
}

/// Whether the state that the new deployment will find is enough: at or above the floor, with a place for every operator.
fn check_state(
    s: &Situation<'_>,
    job: &ValidatedJob,
    cause: IntentCause,
    judgement: &Judgement,
) -> Result<(), (Reason, String)> {
    check_names(job, cause, judgement)?;
    let may_lose = job.cluster.upgrade.allow_state_loss;
    let lost = lost_by_name(judgement);
    if !lost.is_empty() && !may_lose {
        let said = format!(
            "state would be lost of {}: change the SQL, or set upgrade.allowStateLoss to true for this change",
            lost.join(", ")
        );
        return Err((Reason::StateIncompatible, said));
    }
    let is_moving = cause == IntentCause::Restore || job.cluster.upgrade.mode == UpgradeMode::Stateless;
    if let Some(why) = judgement.refused.as_ref().filter(|_| !is_moving) {
        return Err((Reason::StateIncompatible, why.clone()));
    }
    let newest = plan::newest(s).map(|epoch| epoch.number);
    let known = s.observed.status.epoch;
    if !is_moving && !may_lose && newest < known {
        let known = known.unwrap_or(0);
        let found = newest.map_or("none".to_owned(), |epoch| epoch.to_string());
        let said =
            format!("the bucket must hold epoch {known} or a newer one, and the newest there is {found}");
        return Err((Reason::NothingToRestore, said));
    }
    Ok(())
}

/// Whether every operator is named that has to be: the engine gives up the state of one only by its name, when it goes on from an epoch and
/// when it goes back. Which are missing would be known when the old job has stopped.
fn check_names(
    job: &ValidatedJob,
    cause: IntentCause,
    judgement: &Judgement,
) -> Result<(), (Reason, String)> {
    let cluster = &job.cluster;
    let starts_empty = cluster.upgrade.mode == UpgradeMode::Stateless && cause != IntentCause::Restore;
    let (is_short, change) = match plan::left_out(judgement) {
        Some(OperatorFate::Lost) => (!starts_empty || cluster.rollback.enabled, "removes or adds"),
        Some(_) => (cluster.rollback.enabled, "adds"),
        None => (false, ""),
    };
    if !is_short {
        return Ok(());
    }
    let (named, omitted) = (judgement.operators.len(), judgement.omitted);
    let way_out = if change == "adds" { ", or set rollback.enabled to false for it" } else { "" };
    let said = format!(
        "the change {change} more operators with state than a plan can name: {named} are named and {omitted} more are not, so the job \
         could not go on, or back, without them: make the change in several steps{way_out}"
    );
    Err((Reason::StateIncompatible, said))
}
