//! The end of a job: its policy is tried, for so long; then the finalizer goes, whatever happened.
//!
//! State stays in the bucket. Pods go with their owner; they are deleted here, too, so that a coordinator gets its SIGTERM before the
//! resource is gone.

use std::time::Duration;

use millstream_api::conditions::Reason;
use millstream_api::status::{IntentCause, IntentStatus, IntentStep, Phase, StartFrom, StopMethod};
use millstream_api::streamjob::DeletionPolicy;

use super::{Outcome, SOON, delete, running};
use crate::action::Action;
use crate::observed::{CallKind, CallState};
use crate::phase::Verdict;
use crate::situation::Situation;
use crate::status::begin as begin_status;
use crate::time::as_time;

/// How long cancelling may take, and how much longer than a savepoint a deletion may.
const MARGIN: Duration = Duration::from_secs(60);
/// How long a savepoint may take when the spec that says so cannot be read.
const SAVEPOINT: Duration = Duration::from_secs(600);
/// How long to leave the engine alone after it refused.
pub(super) const PAUSE: Duration = Duration::from_secs(10);

fn is_deleted(s: &Situation<'_>) -> bool {
    s.observed.object.deleted.is_some()
}

fn verdict(message: &str) -> Verdict {
    Verdict::working(Phase::Deleting, Reason::Deleting, message)
}

/// The deletion has its own clock, so that it ends even if no status could ever be written.
pub(super) fn is_due(s: &Situation<'_>) -> bool {
    is_deleted(s) && s.observed.object.skips_deletion_policy || is_since(s, limit(s))
}

/// How long the policy may take.
fn limit(s: &Situation<'_>) -> Duration {
    let savepoint = s.target.as_ref().map_or(SAVEPOINT, |job| job.cluster.upgrade.savepoint_timeout);
    match policy(s) {
        DeletionPolicy::Cancel => MARGIN,
        DeletionPolicy::Savepoint | DeletionPolicy::Drain => savepoint + MARGIN,
    }
}

fn is_since(s: &Situation<'_>, limit: Duration) -> bool {
    s.observed.object.deleted.is_some_and(|deleted| s.since(deleted) > limit)
}

fn policy(s: &Situation<'_>) -> DeletionPolicy {
    let deployed = s.current().and_then(|group| group.deployed).map(|deployed| &deployed.job);
    let job = s.target.as_ref().ok().or(deployed);
    job.map_or(DeletionPolicy::Cancel, |job| job.cluster.deletion_policy)
}

pub(super) fn is_new(s: &Situation<'_>) -> bool {
    is_deleted(s) && s.step() != Some(IntentStep::Delete) && !is_nothing_there(s)
}

/// Whether it is not known yet whether the job can still take the savepoint that its policy asks for.
pub(super) fn is_unasked(s: &Situation<'_>) -> bool {
    is_new(s) && running::is_unasked(s)
}

pub(super) fn wait_for_answer(_: &Situation<'_>) -> Outcome {
    Outcome::wait(verdict("the coordinator is being asked before the job ends"))
}

fn is_nothing_there(s: &Situation<'_>) -> bool {
    s.groups.values().all(|group| group.is_down())
}

pub(super) fn begin(s: &Situation<'_>) -> Outcome {
    let answers = s.current().is_some_and(|group| group.answer().is_some());
    let runs = s.current().is_some_and(|group| group.is_running());
    let method = match policy(s) {
        // What does not run has no savepoint to give; its checkpoints stay in the bucket.
        DeletionPolicy::Savepoint if runs => StopMethod::Savepoint,
        DeletionPolicy::Drain if runs => StopMethod::Drain,
        _ if answers => StopMethod::Cancel,
        _ => StopMethod::Pods,
    };
    let intent = IntentStatus {
        step: IntentStep::Delete,
        cause: IntentCause::Delete,
        since: as_time(s.now),
        attempt: s.attempt().unwrap_or(0),
        revision: s.observed.status.current_revision.clone().unwrap_or_default(),
        generation: s.observed.object.generation,
        plan: s.plan_id(IntentCause::Delete, s.attempt().unwrap_or(0)),
        stop: Some(method),
        from: StartFrom::Newest,
        floor: s.floor(),
        uri: None,
        parallelism: s.parallelism(),
        lost: Vec::new(),
        added: Vec::new(),
        troubled_since: None,
        warm: false,
    };
    Outcome::commit(verdict("the job ends, because its object is deleted"), begin_status(s, intent))
}

pub(super) fn is_asked(s: &Situation<'_>) -> bool {
    is_deleted(s)
}

/// Whether nothing of the job can run any more, or nothing more is to be waited for.
pub(super) fn is_over(s: &Situation<'_>) -> bool {
    if !is_deleted(s) {
        return false;
    }
    let Some(intent) = s.intent().filter(|intent| intent.step == IntentStep::Delete) else {
        return is_nothing_there(s);
    };
    let method = intent.stop.unwrap_or(StopMethod::Pods);
    let is_stopped = s.current().is_none_or(|group| group.is_down());
    let call = s.call(&intent.plan, CallKind::Stop(method)).map(|call| &call.state);
    // Cancelling is a courtesy: pods that are deleted end as well.
    let is_refused = method == StopMethod::Cancel && matches!(call, Some(CallState::Failed { .. }));
    is_stopped || method == StopMethod::Pods || is_refused || matches!(call, Some(CallState::Done { .. }))
}

pub(super) fn go_on(s: &Situation<'_>) -> Outcome {
    let said = verdict("the job is being ended as spec.deletionPolicy says");
    let Some((intent, method)) = s.intent().and_then(|intent| Some((intent, intent.stop?))) else {
        return Outcome::wait(said);
    };
    let (attempt, plan) = (intent.attempt, intent.plan.clone());
    match s.call(&plan, CallKind::Stop(method)).map(|call| &call.state) {
        Some(CallState::Running { .. } | CallState::Done { .. }) => Outcome::wait(said),
        Some(CallState::Failed { at, .. }) if s.since(*at) < PAUSE => Outcome::wait(said).after(PAUSE),
        _ if method == StopMethod::Cancel => Outcome::act(said, vec![Action::CancelJob { attempt, plan }]),
        _ => Outcome::act(said, vec![Action::StopWithSavepoint { attempt, plan, method }]),
    }
}

pub(super) fn end(s: &Situation<'_>) -> Outcome {
    // Where deletions are refused, as by a webhook, they would be so for ever. What has an owner that is gone is collected.
    let is_overdue = is_since(s, limit(s) + MARGIN);
    let children = s.groups.values().flat_map(|group| group.children.iter().copied());
    let mut actions: Vec<Action> = delete(children.filter(|_| !is_overdue)).into_iter().collect();
    if s.observed.object.has_finalizer {
        actions.push(Action::RemoveFinalizer);
    }
    Outcome::act(verdict("the job is over"), actions).after(SOON)
}
