//! Jobs that are as they should be, or become so without a change: created, suspended, finished, on trial, settled.

use std::time::Duration;

use millstream_api::RestartPolicy;
use millstream_api::conditions::{ConditionType, Reason};
use millstream_api::names::FINALIZER;
use millstream_api::status::{IntentCause, IntentStatus, IntentStep, Phase, StartFrom, StopMethod};

use super::planning::new_intent;
use super::recovering::rules;
use super::rolling_back::{is_past_deadline, is_proven, trial, updated_trial};
use super::starting::{restore_of, start_of};
use super::{Outcome, SOON, STEADY, delete};
use crate::action::Action;
use crate::build::{Blueprint, Built, CertificateOrder, Start, deployment, workers_for};
use crate::certificates::{Due, due};
use crate::observed::{Child, Component, Engine, EnginePhase, Exit, PodState, Transport};
use crate::origin;
use crate::phase::{Verdict, reason_of};
use crate::situation::{Group, Situation};
use crate::status::begin;

/// Silence of a coordinator that means something.
const SILENCE: Duration = Duration::from_secs(60);

pub(super) fn lacks_finalizer(s: &Situation<'_>) -> bool {
    !s.observed.object.has_finalizer && s.observed.object.deleted.is_none()
}

/// Alone: nothing is done for an object that could go without anybody noticing, and the first status is written by the decision that
/// follows.
pub(super) fn add_finalizer(_: &Situation<'_>) -> Outcome {
    let said = format!("the finalizer {FINALIZER} is being added");
    Outcome::act(Verdict::working(Phase::Deploying, Reason::Deploying, said), vec![Action::AddFinalizer])
}

pub(super) fn has_strangers(s: &Situation<'_>) -> bool {
    !s.strangers.is_empty()
}

/// Names are the same as those of a job that was deleted: its pods go, by their uids, before ours come.
pub(super) fn remove_strangers(s: &Situation<'_>) -> Outcome {
    let said = "objects of a deleted job of this name are going";
    let verdict = Verdict::working(Phase::Deploying, Reason::Deploying, said);
    match delete(s.strangers.iter().copied()) {
        Some(action) => Outcome::act(verdict, vec![action]),
        None => Outcome::wait(verdict),
    }
}

/// Whether the coordinator that has the job is there and was not asked yet, as after a restart of the operator. What it will say decides
/// whether the job runs, and whether a revision has proved itself: nothing is made of not knowing.
pub(super) fn is_unasked(s: &Situation<'_>) -> bool {
    s.current().is_some_and(|group| group.is_unasked())
}

/// The controller takes it for silent when it has not answered in a few seconds.
pub(super) fn wait_for_answer(s: &Situation<'_>) -> Outcome {
    Outcome::act(Verdict::as_before(s), Vec::new())
}

fn is_unborn_at_all(s: &Situation<'_>) -> bool {
    s.attempt().is_none() && s.intent().is_none()
}

pub(super) fn is_created_suspended(s: &Situation<'_>) -> bool {
    is_unborn_at_all(s) && s.is_suspended_by_user()
}

pub(super) fn is_unborn_and_bad(s: &Situation<'_>) -> bool {
    is_unborn_at_all(s) && s.target.is_err()
}

pub(super) fn is_unborn(s: &Situation<'_>) -> bool {
    is_unborn_at_all(s)
}

pub(super) fn stall_on_spec(s: &Situation<'_>) -> Outcome {
    Outcome::rest(standing(s))
}

pub(super) fn create(s: &Situation<'_>) -> Outcome {
    let (Ok(job), Some(revision)) = (&s.target, &s.revision) else { return stall_on_spec(s) };
    let restores = job.restore.as_ref().is_some_and(|restore| restore.from.is_some());
    let attempt = s.next_attempt();
    let from = if restores { StartFrom::SpecRestore } else { StartFrom::Newest };
    let intent = IntentStatus {
        step: IntentStep::Start,
        ..new_intent(s, IntentCause::Create, attempt, revision, StopMethod::Nothing, from)
    };
    let verdict = Verdict::working(Phase::Deploying, Reason::Deploying, "the job is being deployed");
    Outcome::commit(verdict, begin(s, intent))
}

/// Whether the job is to be stopped: what never started at all is suspended as it is.
pub(super) fn is_to_be_suspended(s: &Situation<'_>) -> bool {
    s.is_suspended_by_user() && s.intent().is_none()
}

pub(super) fn rest_suspended(s: &Situation<'_>) -> Outcome {
    let verdict = match &s.target {
        Ok(_) => Verdict::settled(Phase::Suspended, Reason::Suspended, "suspended as spec.desiredState says"),
        Err(refusal) => {
            Verdict { phase: Phase::Suspended, ..Verdict::stalled(s, refusal.reason, &refusal.message) }
        }
    };
    // The config map stays: it says what was suspended.
    let keeps = |child: &&Child| child.is_memory() && Some(child.attempt) == s.attempt();
    let rest =
        s.groups.values().flat_map(|group| group.children.iter().copied()).filter(|child| !keeps(child));
    let actions: Vec<Action> = delete(rest).into_iter().collect();
    let requeue = if actions.is_empty() { STEADY } else { SOON };
    Outcome::act(verdict, actions).after(requeue)
}

pub(super) fn is_finished(s: &Situation<'_>) -> bool {
    let group = s.current();
    let exited = group.and_then(|group| group.exit()).is_some_and(|exit| *exit == Exit::Finished);
    exited || group.and_then(|group| group.answer()).is_some_and(|a| a.phase == EnginePhase::Finished)
}

pub(super) fn rest_finished(s: &Situation<'_>) -> Outcome {
    let good = Verdict::settled(Phase::Finished, Reason::Finished, "all input was read");
    let mut status = s.observed.status.clone();
    status.trial = None;
    // A coordinator that has ended needs no workers any more.
    let ended = s.current().filter(|group| group.exit().is_some());
    let idle = ended.into_iter().flat_map(|group| group.workers.values().map(|(child, _)| *child));
    let actions: Vec<Action> = delete(s.orphans().into_iter().chain(idle)).into_iter().collect();
    Outcome { requeue: STEADY, ..Outcome::act(against_spec(s, good), actions).with(status) }
}

/// Stable: the trial is over, and what could be gone back to may go.
pub(super) fn is_stable(s: &Situation<'_>) -> bool {
    trial(s).is_some() && is_proven(s)
}

pub(super) fn end_trial(s: &Situation<'_>) -> Outcome {
    let mut status = s.observed.status.clone();
    status.trial = None;
    let actions = ensure_current(s);
    Outcome::act(standing(s), actions).with(status)
}

pub(super) fn is_on_trial(s: &Situation<'_>) -> bool {
    trial(s).is_some()
}

pub(super) fn watch(s: &Situation<'_>) -> Outcome {
    let mut status = s.observed.status.clone();
    status.trial = updated_trial(s);
    let said = match status.trial.as_ref().and_then(|trial| trial.running_since.as_ref()) {
        Some(_) => Verdict::working(
            Phase::Running,
            Reason::Stabilizing,
            "records flow; not stable for long enough yet",
        ),
        None => troubled(s),
    };
    let said = if is_past_deadline(s) {
        Verdict::stalled(s, Reason::Unstable, "the job has not become stable in its time")
    } else {
        said
    };
    tend(s, against_spec(s, said)).with(status)
}

/// What is said of a job that should run and does not.
fn troubled(s: &Situation<'_>) -> Verdict {
    match s.current().and_then(|group| group.engine) {
        Some(Engine::Silent { .. }) | None => {
            Verdict::working(Phase::Restarting, Reason::CoordinatorSilent, "the coordinator does not answer")
        }
        _ => Verdict::working(Phase::Restarting, Reason::Restarting, "records do not flow"),
    }
}

/// The job as it is now, without anything under way.
pub(super) fn standing(s: &Situation<'_>) -> Verdict {
    let running = || Verdict::settled(Phase::Running, Reason::Running, "records flow");
    let good = match s.current().and_then(|group| group.engine) {
        Some(Engine::Answered(answer)) if answer.phase == EnginePhase::Running => running(),
        Some(Engine::Silent { since }) if s.since(*since) < SILENCE => running(),
        _ => troubled(s),
    };
    against_spec(s, good)
}

/// What is good is so only if it is what the spec says.
fn against_spec(s: &Situation<'_>, good: Verdict) -> Verdict {
    if let Err(refusal) = &s.target {
        let old = if s.attempt().is_some() { " (what was deployed before goes on)" } else { "" };
        return Verdict::stalled(s, refusal.reason, format!("{}{old}", refusal.message));
    }
    if s.revision.is_none() || s.revision != s.observed.status.rolled_back {
        return good;
    }
    // Why it was taken back was said when it was; as long as the spec is the same, it stays the reason.
    let told = s.observed.status.conditions.iter().find(|c| c.type_ == ConditionType::Stalled.as_str());
    let told = told.filter(|c| c.observed_generation == Some(s.observed.object.generation));
    let reason = told.and_then(|c| reason_of(&c.reason));
    let message = told.map(|c| c.message.clone());
    let why = s.observed.status.rollback_reason.as_deref().unwrap_or("it did not work");
    Verdict::stalled(
        s,
        reason.unwrap_or(Reason::RolledBack),
        message.unwrap_or_else(|| format!("the spec's revision was taken back, change the spec: {why}")),
    )
}

pub(super) fn keep(s: &Situation<'_>) -> Outcome {
    let mut status = s.observed.status.clone();
    let reset = match rules(s).map(|job| job.restart) {
        Some(
            RestartPolicy::ExponentialDelay { reset_after, .. }
            | RestartPolicy::FixedDelay { reset_after, .. }
            | RestartPolicy::FailureRate { interval: reset_after, .. },
        ) => reset_after,
        Some(RestartPolicy::Never) | None => Duration::ZERO,
    };
    if status.recovery.as_ref().is_some_and(|recovery| s.since(recovery.last.0) > reset) {
        status.recovery = None;
    }
    if !s.wants_upgrade() && s.revision != status.rolled_back {
        status.rolled_back = None;
        status.rollback_reason = None;
    }
    tend(s, standing(s)).with(status)
}

/// Keeps the running deployment well and clears up behind others, and says this.
pub(super) fn tend(s: &Situation<'_>, verdict: Verdict) -> Outcome {
    let mut actions = ensure_current(s);
    actions.extend(delete(s.orphans()));
    let requeue = if actions.is_empty() { STEADY } else { SOON };
    Outcome::act(verdict, actions).after(requeue)
}

/// Makes what is missing of the deployment that owns the job, and removes workers that it has too many.
pub(super) fn ensure_current(s: &Situation<'_>) -> Vec<Action> {
    ensure_at(s, s.parallelism(), s.parallelism())
}

/// The same, on the way from one parallelism to another.
pub(super) fn ensure_at(s: &Situation<'_>, parallelism: i32, beside: i32) -> Vec<Action> {
    let (Some(attempt), Some(revision)) = (s.attempt(), &s.observed.status.current_revision) else {
        return Vec::new();
    };
    let Some((job, image)) = s.job_of(revision) else { return Vec::new() };
    let config = s.current().and_then(|group| group.config);
    let intent = s.intent().filter(|intent| intent.step == IntentStep::Start);
    let plan = config.map(|child| child.plan.clone()).or_else(|| intent.map(|intent| intent.plan.clone()));
    let plan = plan.unwrap_or_else(|| s.plan_id(IntentCause::Create, attempt));
    let workers = workers_for(parallelism.max(beside), job.cluster.slots);
    let blueprint = Blueprint {
        object: &s.observed.object,
        operator: &s.observed.operator,
        job,
        image,
        attempt,
        plan: &plan,
        generation: config.map_or(s.observed.object.generation, |child| child.generation),
        parallelism,
        workers,
        start: intent.map_or_else(|| Start::Newest(s.floor()), |intent| start_of(s, intent)),
        restore: restore_of(s, attempt, intent, job),
        lost: intent.map_or_else(|| origin::lost(s), |intent| intent.lost.clone()),
        transport: s.transport(attempt),
        certificates: s.certificates(attempt),
    };
    let mut actions = ensure(s, &blueprint);
    // The engine may run at another parallelism than was decided last; it keeps the workers for that.
    let used = s.current().and_then(|group| group.answer()).map_or(0, |answer| answer.parallelism);
    let needed = workers.max(workers_for(used, job.cluster.slots));
    let surplus = s.current().into_iter().flat_map(|group| group.workers.iter());
    let surplus = surplus.filter(|(index, _)| **index >= needed).map(|(_, (child, _))| *child);
    actions.extend(delete(surplus));
    actions
}

/// Makes what is missing of a deployment. Pods wait for their certificates, so those come first.
pub(super) fn ensure(s: &Situation<'_>, blueprint: &Blueprint<'_>) -> Vec<Action> {
    let certificates = certify(s, blueprint);
    certificates.into_iter().chain(missing(s, &deployment(blueprint), blueprint.attempt)).collect()
}

fn certify(s: &Situation<'_>, blueprint: &Blueprint<'_>) -> Option<Action> {
    let order = || Box::new(CertificateOrder::new(blueprint));
    match (blueprint.transport, due(blueprint.certificates, s.now)) {
        (Transport::Plaintext, _) | (_, Due::Nothing) => None,
        (Transport::Tls, Due::Issue) => Some(Action::IssueCertificates(order())),
        (Transport::Tls, Due::Renew { .. }) => Some(Action::RenewCertificates(order())),
    }
}

/// Of these objects, what is not there or not in this form. A pod that ended goes first; what is going is waited for.
fn missing(s: &Situation<'_>, built: &[Built], attempt: i64) -> Vec<Action> {
    let empty = Group::default();
    let group = s.groups.get(&attempt).unwrap_or(&empty);
    let find =
        |built: &Built| group.children.iter().find(|c| c.kind == built.kind && c.name == built.name).copied();
    let is_worker_over = |child: &Child| {
        let pod = child.pod.as_ref();
        pod.is_some_and(|pod| {
            matches!(pod.component, Component::Worker(_)) && (pod.is_over() || pod.state == PodState::Lost)
        })
    };
    let over: Vec<&Child> = built.iter().filter_map(find).filter(|child| is_worker_over(child)).collect();
    let absent: Vec<Built> = built
        .iter()
        .filter(|built| {
            find(built).is_none_or(|child| !child.is_terminating() && child.applied != built.applied)
        })
        .cloned()
        .collect();
    let ensure = (!absent.is_empty()).then_some(Action::EnsureObjects(absent));
    delete(over).into_iter().chain(ensure).collect()
}
