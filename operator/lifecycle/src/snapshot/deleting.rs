//! The end of a snapshot. With `deletionPolicy: Delete` a pod deletes the files first; that is tried for so long, then the object goes
//! without them.

use std::time::Duration;

use millstream_api::conditions::SnapshotReason;
use millstream_api::streamsnapshot::{SnapshotDeletion, SnapshotPhase};

use super::SnapshotAction;
use super::facts::{SavepointOutcome, Task, ToolState};
use super::said::said;
use super::table::{Outcome, Sight, delete_pod};

/// How long a deletion may take. Deleting a savepoint takes a call for each file of some 100 MB.
const LIMIT: Duration = Duration::from_secs(600);
/// How long a pod may take to start before another one is made.
const START: Duration = Duration::from_secs(120);
/// How long to wait before the next pod.
const PAUSE: Duration = Duration::from_secs(10);

pub(super) fn is_free(s: &Sight<'_>) -> bool {
    s.is_deleted() && !s.observed.object.has_finalizer
}

pub(super) fn is_due(s: &Sight<'_>) -> bool {
    let Some(deleted) = s.observed.object.deleted else { return false };
    s.observed.object.skips_deletion_policy || s.since(deleted) > LIMIT
}

/// Nothing is to be deleted: nobody asked for that, or nothing was ever begun.
pub(super) fn keeps_files(s: &Sight<'_>) -> bool {
    s.is_deleted() && (s.policy() == SnapshotDeletion::Retain || s.taking().is_none())
}

pub(super) fn is_done(s: &Sight<'_>) -> bool {
    let state = s.pod(Task::Delete).map(|pod| &pod.state);
    s.is_deleted() && matches!(state, Some(ToolState::Done(_) | ToolState::Absent(_)))
}

pub(super) fn end(_: &Sight<'_>) -> Outcome {
    Outcome::act(SnapshotAction::RemoveFinalizer)
}

/// Files that are written behind a deletion would stay for ever.
pub(super) fn is_being_written(s: &Sight<'_>) -> bool {
    let outcome = s.observed.call.as_ref().map(|call| &call.outcome);
    s.is_deleted() && matches!(outcome, Some(SavepointOutcome::Running))
}

pub(super) fn wait(s: &Sight<'_>) -> Outcome {
    Outcome::wait().saying(verdict(s, "its files are deleted when they are complete"))
}

pub(super) fn is_needed(s: &Sight<'_>) -> bool {
    s.is_deleted() && s.observed.needed_by.is_some() && s.pod(Task::Delete).is_none()
}

pub(super) fn wait_for_job(s: &Sight<'_>) -> Outcome {
    let job = s.observed.needed_by.as_deref().unwrap_or_default();
    Outcome::wait().saying(verdict(s, &format!("the job {job} is starting from it")))
}

pub(super) fn go_on(s: &Sight<'_>) -> Outcome {
    let Some(taking) = s.taking() else { return Outcome::act(SnapshotAction::RemoveFinalizer) };
    let Some(pod) = s.pod(Task::Delete) else {
        // What the engine called it, where it said so.
        let uri = s.status().uri.clone().unwrap_or_else(|| taking.uri.clone());
        let start = SnapshotAction::StartPod { task: Task::Delete, uri };
        return Outcome::act(start).saying(verdict(s, "a pod deletes its files"));
    };
    match &pod.state {
        _ if pod.is_terminating => Outcome::wait(),
        ToolState::Failed { message, at } => {
            let again = if s.since(*at) < PAUSE { Outcome::wait() } else { delete_pod(pod) };
            again.saying(verdict(s, &format!("its files could not be deleted yet: {message}")))
        }
        ToolState::Starting { since, .. } if s.since(*since) > START => delete_pod(pod),
        ToolState::Starting { trouble: Some(why), .. } => Outcome::wait()
            .saying(verdict(s, &format!("the pod that deletes its files does not start: {why}"))),
        _ => Outcome::wait(),
    }
}

fn verdict(s: &Sight<'_>, message: &str) -> millstream_api::streamsnapshot::StreamSnapshotStatus {
    let phase = s.status().phase.unwrap_or(SnapshotPhase::Pending);
    said(s, phase, SnapshotReason::Deleting, message)
}

pub(super) fn lacks_finalizer(s: &Sight<'_>) -> bool {
    s.policy() == SnapshotDeletion::Delete && !s.observed.object.has_finalizer
}

pub(super) fn has_idle_finalizer(s: &Sight<'_>) -> bool {
    s.policy() == SnapshotDeletion::Retain && s.observed.object.has_finalizer
}
