//! Plans: what a change does, said before it is done, and how the running job may be stopped for it.
//!
//! Owns the rules about state. A job with state is never stopped in a way that gives it up: what it starts from again is the newest
//! epoch, at least the one that is known, unless losing state was allowed. A checkpoint that is older than `maxCheckpointAge` is not
//! good enough while a savepoint can be taken, and a reason to hold when it cannot.

use millstream_api::conditions::Reason;
use millstream_api::status::{
    Compatibility, IntentCause, OperatorFate, PlanKind, PlanStatus, RestorePoint, StartFrom, StateVerdict,
    StopMethod,
};
use millstream_api::streamjob::{Approval, Fallback, UpgradeMode};
use millstream_api::{UpgradeSettings, ValidatedJob};

use crate::observed::{Engine, EnginePhase, Epoch, Judgement};
use crate::origin;
use crate::situation::Situation;
use crate::status::span;
use crate::time::in_words;

/// How the running job is stopped for a change, or why it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// In this way.
    By(StopMethod),
    /// Not now; this may pass.
    Later(Reason, String),
    /// Not without a person.
    Never(Reason, String),
}

/// The newest epoch of which the age is known: from the coordinator, or read in the bucket by the planner.
pub(crate) fn newest<'a>(s: &'a Situation<'_>) -> Option<&'a Epoch> {
    let live = s.current().and_then(|group| group.answer()).and_then(|answer| answer.newest.as_ref());
    [live, s.judged_newest()].into_iter().flatten().max_by_key(|epoch| epoch.number)
}

/// How to stop what runs without waiting for anything.
pub(crate) fn stop_at_once(s: &Situation<'_>) -> StopMethod {
    match s.current() {
        Some(group) if group.answer().is_some() => StopMethod::Cancel,
        Some(group) if !group.is_down() => StopMethod::Pods,
        _ => StopMethod::Nothing,
    }
}

/// How to stop what runs for a change that is ordered, or has to be: behind a checkpoint if one can be taken.
pub(crate) fn stop_in_any_case(s: &Situation<'_>) -> StopMethod {
    let runs = s.current().is_some_and(|group| group.is_running());
    if runs { StopMethod::Checkpoint } else { stop_at_once(s) }
}

/// How to stop the running job for a change that keeps to these settings.
pub(crate) fn stop(s: &Situation<'_>, settings: &UpgradeSettings) -> Stop {
    let Some(group) = s.current().filter(|group| !group.is_down()) else {
        return Stop::By(StopMethod::Nothing);
    };
    // A standby owns nothing: what is in the bucket is all there is, however old.
    if group.answer().is_some_and(|answer| answer.phase == EnginePhase::Standby) {
        return Stop::By(StopMethod::Pods);
    }
    let at_once = stop_at_once(s);
    // Where records never flowed there is nothing to save, and nobody who could take a savepoint.
    if !origin::ran(s) {
        return Stop::By(at_once);
    }
    // What never owned an epoch has nothing to lose; what never ran cannot take a savepoint.
    let is_empty = s.floor().is_none() && newest(s).is_none();
    match settings.mode {
        UpgradeMode::Stateless => Stop::By(at_once),
        UpgradeMode::Savepoint if group.is_running() => Stop::By(StopMethod::Checkpoint),
        UpgradeMode::Savepoint | UpgradeMode::LastState if is_empty => Stop::By(at_once),
        UpgradeMode::Savepoint => match settings.fallback {
            Fallback::LastState => last_state(s, settings, at_once),
            Fallback::Wait => {
                Stop::Later(Reason::StopFailed, "no savepoint can be taken: the job does not run".into())
            }
            Fallback::Fail => {
                Stop::Never(Reason::StopFailed, "no savepoint can be taken: the job does not run".into())
            }
        },
        UpgradeMode::LastState => last_state(s, settings, at_once),
    }
}

/// Whether nobody can be expected to take a savepoint any more: the coordinator's pod does not run, or has been silent for as long as a
/// savepoint may take.
pub(crate) fn is_out_of_reach(s: &Situation<'_>, settings: &UpgradeSettings) -> bool {
    let Some(group) = s.current() else { return true };
    match group.engine {
        Some(Engine::Silent { since }) => s.since(*since) > settings.savepoint_timeout,
        Some(Engine::Answered(_)) => false,
        Some(Engine::Unknown) | None => !group.has_process(),
    }
}

/// From the newest checkpoint, if it is young enough; else behind a new one, if the job can take it.
pub(crate) fn last_state(s: &Situation<'_>, settings: &UpgradeSettings, at_once: StopMethod) -> Stop {
    let is_running = s.current().is_some_and(|group| group.is_running());
    let most = settings.max_checkpoint_age;
    match newest(s).map(|epoch| epoch.completed) {
        Some(completed) if s.since(completed) <= most => Stop::By(at_once),
        _ if is_running => Stop::By(StopMethod::Checkpoint),
        // Its age would be another one at each look, and each look a write of the status.
        Some(completed) => Stop::Never(
            Reason::CheckpointTooOld,
            format!(
                "the newest checkpoint was complete at {completed}, so it is older than upgrade.maxCheckpointAge ({}), and the job \
                 cannot take another",
                in_words(most)
            ),
        ),
        None => Stop::Later(
            Reason::CheckpointTooOld,
            "the age of the newest checkpoint is not known, and the coordinator does not answer".into(),
        ),
    }
}

/// What a changed job starts from. Starting empty takes a permission, which a job that was stateless before has had.
pub(crate) fn from(s: &Situation<'_>, job: &ValidatedJob) -> Result<StartFrom, (Reason, String)> {
    if job.cluster.upgrade.mode != UpgradeMode::Stateless || s.floor().is_none() {
        return Ok(StartFrom::Newest);
    }
    let was = s.current().and_then(|group| group.deployed).map(|deployed| deployed.job.cluster.upgrade.mode);
    if job.cluster.upgrade.allow_state_loss || was == Some(UpgradeMode::Stateless) {
        return Ok(StartFrom::Empty);
    }
    Err((
        Reason::StateIncompatible,
        "upgrade.mode is Stateless, and the job has state: set upgrade.allowStateLoss to true for this change".into(),
    ))
}

/// The plan for a change, as far as it is known: before the planner has judged it, without a verdict.
pub(crate) fn propose(s: &Situation<'_>, cause: IntentCause, id: &str) -> PlanStatus {
    let old = s.observed.status.plan.as_ref().filter(|plan| plan.id == id);
    let method = s.target.as_ref().ok().map(|job| stop(s, &job.cluster.upgrade));
    let changes = s.changes.iter().filter(|change| change.class > PlanKind::NoOp);
    let judged = s.judgement().filter(|_| s.planner().is_some_and(|planner| planner.plan == id));
    PlanStatus {
        id: id.to_owned(),
        generation: s.observed.object.generation,
        kind: if cause == IntentCause::Restore {
            PlanKind::Restore
        } else {
            s.class().max(PlanKind::Upgrade)
        },
        changes: changes.map(|change| change.path.clone()).take(64).collect(),
        stop: match method {
            Some(Stop::By(method)) => Some(format!("{method:?}")),
            _ => None,
        },
        restore_from: restore_point(s, cause).or_else(|| old.and_then(|plan| plan.restore_from.clone())),
        state: judged.map(verdict),
        repeated_output: None,
        approved_by: old.and_then(|plan| plan.approved_by.clone()),
        failures: old.and_then(|plan| plan.failures),
    }
}

/// Where the new deployment will start, as it is known now. Its age is written once, or each look would change the status.
fn restore_point(s: &Situation<'_>, cause: IntentCause) -> Option<RestorePoint> {
    if cause == IntentCause::Restore {
        return s.wants_restore().map(|uri| RestorePoint { uri: uri.to_owned(), epoch: 0, age: None });
    }
    let written = s.observed.status.plan.as_ref().and_then(|plan| plan.restore_from.clone());
    if written.is_some() {
        return None;
    }
    newest(s).map(|epoch| RestorePoint {
        uri: epoch.uri.clone(),
        epoch: epoch.number,
        age: Some(span(s.since(epoch.completed))),
    })
}

fn verdict(judgement: &Judgement) -> StateVerdict {
    let is_lost = judgement.operators.iter().any(|o| o.verdict == OperatorFate::Lost);
    let verdict = if is_lost { Compatibility::Incompatible } else { Compatibility::Compatible };
    StateVerdict { verdict, operators: judgement.operators.iter().take(256).cloned().collect() }
}

/// Operators whose state the new job has no place for.
pub(crate) fn lost(judgement: &Judgement) -> Vec<String> {
    let lost = judgement.operators.iter().filter(|o| o.verdict == OperatorFate::Lost);
    lost.map(|operator| operator.uid.clone()).collect()
}

/// The same as people know them: by what the plan of the query calls them.
pub(crate) fn lost_by_name(judgement: &Judgement) -> Vec<&str> {
    let lost = judgement.operators.iter().filter(|o| o.verdict == OperatorFate::Lost);
    lost.map(|operator| operator.name.as_str()).collect()
}

/// Operators that the job did not have before: going back gives up what they have gathered.
pub(crate) fn added(judgement: &Judgement) -> Vec<String> {
    let added = judgement.operators.iter().filter(|o| o.verdict == OperatorFate::New);
    added.map(|operator| operator.uid.clone()).take(256).collect()
}

/// What may be missing among the named operators, if it matters: one that is lost, or else one that is new.
pub(crate) fn left_out(judgement: &Judgement) -> Option<OperatorFate> {
    let names = |fate: OperatorFate| judgement.operators.iter().any(|operator| operator.verdict == fate);
    let kept = [OperatorFate::Kept, OperatorFate::KeptInputChanged, OperatorFate::Rebuilt];
    // Behind the first that is kept there is no other.
    if judgement.omitted == 0 || kept.into_iter().any(names) {
        return None;
    }
    Some(if names(OperatorFate::New) { OperatorFate::New } else { OperatorFate::Lost })
}

/// Whether the plan may be carried out: nobody has to approve it, or somebody did, by its id.
pub(crate) fn is_approved(s: &Situation<'_>, job: &ValidatedJob, id: &str) -> bool {
    job.cluster.upgrade.approval == Approval::Auto || s.observed.object.approved.as_deref() == Some(id)
}

/// Whether the change can be nothing at all: the planner may lower a change of the SQL's text alone.
pub(crate) fn is_only_text(s: &Situation<'_>) -> bool {
    let deep = s.changes.iter().filter(|change| change.class >= PlanKind::Upgrade);
    let mut deep = deep.peekable();
    deep.peek().is_some() && deep.all(|c| c.path.starts_with("spec.sql") || c.path == "spec.variables")
}
