//! Savepoints that a running job writes.
//!
//! The intent names the job by uid, its deployment, the savepoint and where it will be. Then the engine is asked, and what it answers is
//! the outcome. Where no answer came, what is there decides: the engine's own word about its newest savepoint, else a pod that looks.

use std::time::Duration;

use millstream_api::conditions::SnapshotReason;
use millstream_api::status::Phase;
use millstream_api::streamsnapshot::{SnapshotPhase, TakingStatus};

use super::SnapshotAction;
use super::adopting::trouble;
use super::facts::{Found, JobOfSnapshot, SavepointCall, SavepointOutcome, Task, ToolState, Written};
use super::said::{failed, said};
use super::table::{Outcome, Sight};
use crate::names::savepoint;
use crate::observed::{Answer, Engine, Epoch};
use crate::time::as_time;

/// The pause after the first failure; it doubles with each.
const PAUSE: Duration = Duration::from_secs(10);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(300);

/// The call for the intent that stands in the status.
fn call<'a>(s: &Sight<'a>) -> Option<&'a SavepointCall> {
    let taking = s.taking().filter(|_| s.is(SnapshotPhase::InProgress))?;
    s.observed.call.as_ref().filter(|call| call.since == taking.since)
}

pub(super) fn is_done(s: &Sight<'_>) -> bool {
    call(s).is_some_and(|call| matches!(call.outcome, SavepointOutcome::Done(_)))
}

pub(super) fn complete(s: &Sight<'_>) -> Outcome {
    match call(s).map(|call| &call.outcome) {
        Some(SavepointOutcome::Done(written)) => completed(s, written),
        _ => Outcome::wait(),
    }
}

fn completed(s: &Sight<'_>, written: &Written) -> Outcome {
    let mut status =
        said(s, SnapshotPhase::Completed, SnapshotReason::Completed, "the savepoint is complete");
    status.uri = Some(written.uri.clone());
    status.epoch = Some(written.epoch);
    status.size_bytes = written.bytes;
    status.completed_at = Some(as_time(written.at));
    status.error = None;
    Outcome::say(status)
}

fn answer<'a>(s: &Sight<'a>) -> Option<&'a Answer> {
    s.job().and_then(|job| job.engine.answer())
}

/// The job's newest savepoint, if it is this one.
fn newest<'a>(s: &Sight<'a>) -> Option<&'a Epoch> {
    let taking = s.taking().filter(|_| s.is(SnapshotPhase::InProgress))?;
    // Its name is no other one's. The engine may write the address in another way.
    let is_it = |savepoint: &&Epoch| savepoint.uri.rsplit('/').next() == Some(&taking.name);
    answer(s)?.savepoint.as_ref().filter(is_it)
}

pub(super) fn is_said_to_be_done(s: &Sight<'_>) -> bool {
    newest(s).is_some()
}

pub(super) fn complete_as_said(s: &Sight<'_>) -> Outcome {
    let Some(Epoch { number, uri, completed: at, bytes, .. }) = newest(s).cloned() else {
        return Outcome::wait();
    };
    completed(s, &Written { uri, epoch: number, bytes, at })
}

fn found(s: &Sight<'_>) -> Option<Found> {
    match s.pod(Task::Check).filter(|_| s.is(SnapshotPhase::InProgress))?.state {
        ToolState::Done(found) => Some(found),
        _ => None,
    }
}

pub(super) fn is_found(s: &Sight<'_>) -> bool {
    found(s).is_some()
}

pub(super) fn complete_as_found(s: &Sight<'_>) -> Outcome {
    let (Some(found), Some(taking)) = (found(s), s.taking()) else { return Outcome::wait() };
    let message = "the savepoint is complete, and every file is right";
    let mut status = said(s, SnapshotPhase::Completed, SnapshotReason::Completed, message);
    status.uri = Some(taking.uri.clone());
    status.epoch = found.epoch;
    status.size_bytes = found.bytes;
    status.completed_at = Some(as_time(found.at.unwrap_or(s.now)));
    status.verified = Some(true);
    status.error = None;
    Outcome::say(status)
}

pub(super) fn is_called(s: &Sight<'_>) -> bool {
    call(s).is_some_and(|call| matches!(call.outcome, SavepointOutcome::Running))
}

pub(super) fn wait(_: &Sight<'_>) -> Outcome {
    Outcome::wait()
}

/// The job that is meant, as long as it can answer.
fn owner<'a>(s: &Sight<'a>) -> Option<&'a JobOfSnapshot> {
    let taking = s.taking()?;
    s.job().filter(|job| job.uid == taking.job_uid && !job.is_deleted)
}

/// Whether the deployment that was to be asked is still the one that runs, or will be known to be in a moment.
fn is_askable(s: &Sight<'_>) -> bool {
    let Some((job, taking)) = owner(s).zip(s.taking()) else { return false };
    job.phase == Some(Phase::Running) && !job.is_under_way && job.attempt == Some(taking.attempt)
}

/// Nobody can say whether it was written but who looks.
pub(super) fn is_to_be_looked_for(s: &Sight<'_>) -> bool {
    if !s.is(SnapshotPhase::InProgress) || s.pod(Task::Check).is_some() {
        return false;
    }
    match call(s).map(|call| &call.outcome) {
        Some(SavepointOutcome::Failed { is_unclear, .. }) => *is_unclear,
        _ => !is_askable(s),
    }
}

pub(super) fn look(s: &Sight<'_>) -> Outcome {
    let uri = s.taking().map(|taking| taking.uri.clone()).unwrap_or_default();
    let message = "no answer came whether it was taken: a pod looks whether it is there";
    let status = said(s, SnapshotPhase::InProgress, SnapshotReason::Checking, message);
    Outcome::act(SnapshotAction::StartPod { task: Task::Check, uri }).saying(status)
}

pub(super) fn is_being_looked_for(s: &Sight<'_>) -> bool {
    let pod = s.pod(Task::Check).filter(|_| s.is(SnapshotPhase::InProgress));
    pod.is_some_and(|pod| match pod.state {
        ToolState::Starting { .. } | ToolState::Running => trouble(s, pod).is_none(),
        _ => false,
    })
}

/// Whether the job of an attempt that is under way will never write it: it is gone, over, or another one.
pub(super) fn is_lost(s: &Sight<'_>) -> bool {
    s.is(SnapshotPhase::InProgress) && is_hopeless(s)
}

/// Whether the job will never write it.
pub(super) fn is_hopeless(s: &Sight<'_>) -> bool {
    why_never(s).is_some()
}

fn why_never(s: &Sight<'_>) -> Option<(SnapshotReason, String)> {
    let name = s.spec().map(|spec| spec.job_ref.name.as_str()).unwrap_or_default();
    let Some(job) = s.job() else {
        // One that was never begun waits for a job that is yet to come.
        let was_begun = s.taking().is_some();
        let gone =
            || (SnapshotReason::JobDeleted, format!("the StreamJob {name} was deleted before it was taken"));
        return was_begun.then(gone);
    };
    if s.taking().is_some_and(|taking| taking.job_uid != job.uid) {
        let message = format!("the StreamJob {name} was deleted, and another one has its name now");
        return Some((SnapshotReason::JobReplaced, message));
    }
    if job.is_deleted {
        return Some((SnapshotReason::JobDeleted, format!("the StreamJob {name} is being deleted")));
    }
    let finished = || (SnapshotReason::JobFinished, format!("the StreamJob {name} has finished"));
    (job.phase == Some(Phase::Finished)).then(finished)
}

pub(super) fn abandon(s: &Sight<'_>) -> Outcome {
    let Some((reason, message)) = why_never(s) else { return Outcome::wait() };
    let mut status = said(s, SnapshotPhase::Abandoned, reason, &message);
    status.error = Some(message);
    Outcome::say(status)
}

pub(super) fn has_failed(s: &Sight<'_>) -> bool {
    call(s).is_some_and(|call| matches!(call.outcome, SavepointOutcome::Failed { .. })) && owner_runs(s)
}

/// A failure counts only against a job that could have done it.
fn owner_runs(s: &Sight<'_>) -> bool {
    is_askable(s)
}

pub(super) fn count_failure(s: &Sight<'_>) -> Outcome {
    match call(s).map(|call| &call.outcome) {
        Some(SavepointOutcome::Failed { message, .. }) => failed(s, message),
        _ => Outcome::wait(),
    }
}

/// It is not there, and the deployment that was asked does not run any more: the next one is asked.
pub(super) fn is_interrupted(s: &Sight<'_>) -> bool {
    s.is(SnapshotPhase::InProgress) && !is_askable(s)
}

pub(super) fn begin_again(s: &Sight<'_>) -> Outcome {
    let message = "the job was interrupted before it was taken";
    Outcome::say(said(s, SnapshotPhase::Pending, SnapshotReason::JobNotRunning, message))
}

/// Whether it may be the engine's work already: this process has not asked, one before it may have. Until that is known nobody asks.
pub(super) fn is_under_way_there(s: &Sight<'_>) -> bool {
    let is_busy = answer(s).is_none_or(|answer| answer.savepoints_under_way > 0);
    s.is(SnapshotPhase::InProgress) && is_busy && !is_fresh(s)
}

/// Whether no process before this one can have asked: the intent was written just now.
fn is_fresh(s: &Sight<'_>) -> bool {
    let taking = s.taking();
    taking.is_some_and(|taking| s.since(taking.since.0) < Duration::from_secs(2))
        && s.job().is_some_and(|job| job.engine.is_running())
}

pub(super) fn trigger(s: &Sight<'_>) -> Outcome {
    let Some(taking) = s.taking() else { return Outcome::wait() };
    let (attempt, name, since) = (taking.attempt, taking.name.clone(), taking.since.clone());
    Outcome::act(SnapshotAction::Trigger { attempt, name, since })
}

fn can_be_asked(job: &JobOfSnapshot) -> bool {
    job.phase == Some(Phase::Running)
        && !job.is_under_way
        && job.attempt.is_some()
        && job.savepoints.is_some()
        && job.engine.is_running()
}

pub(super) fn is_early(s: &Sight<'_>) -> bool {
    !s.job().is_some_and(can_be_asked)
}

pub(super) fn wait_for_job(s: &Sight<'_>) -> Outcome {
    let name = s.spec().map(|spec| spec.job_ref.name.as_str()).unwrap_or_default();
    let (reason, message) = match s.job() {
        None => (SnapshotReason::JobNotFound, format!("there is no StreamJob {name}; it is waited for")),
        Some(job) if job.phase == Some(Phase::Suspended) => {
            let message =
                format!("the StreamJob {name} is suspended; the savepoint is taken when it runs again");
            (SnapshotReason::JobSuspended, message)
        }
        Some(job) => {
            let phase = job.phase.map_or_else(|| "new".to_owned(), |phase| format!("{phase:?}"));
            let what = match (&job.engine, job.phase) {
                (Engine::Silent { .. }, Some(Phase::Running)) => "its coordinator does not answer".to_owned(),
                (_, Some(Phase::Running)) => "records do not flow right now".to_owned(),
                _ => format!("it is {phase}"),
            };
            (SnapshotReason::JobNotRunning, format!("the StreamJob {name} does not run: {what}"))
        }
    };
    Outcome::say(said(s, SnapshotPhase::Pending, reason, &message))
}

/// Whether the pause after a failure is not over.
pub(super) fn is_in_pause(s: &Sight<'_>) -> bool {
    let Some(failed_at) = &s.status().failed_at else { return false };
    let failures = u32::try_from(s.status().failures.unwrap_or(1)).unwrap_or(1).clamp(1, 16);
    s.since(failed_at.0) < (PAUSE * 2_u32.pow(failures - 1)).min(LONGEST)
}

pub(super) fn begin(s: &Sight<'_>) -> Outcome {
    let Some((job, folder)) = s.job().and_then(|job| Some((job, job.savepoints.as_ref()?))) else {
        return Outcome::wait();
    };
    let object = &s.observed.object;
    let name = savepoint(&object.name, &object.uid);
    let mut status = said(s, SnapshotPhase::InProgress, SnapshotReason::Taking, "the job writes a savepoint");
    status.access.clone_from(&job.access);
    status.taking = Some(TakingStatus {
        job_uid: job.uid.clone(),
        attempt: job.attempt.unwrap_or(0),
        uri: format!("{}/{name}", folder.trim_end_matches('/')),
        name,
        since: as_time(s.now),
    });
    Outcome::commit(status)
}
