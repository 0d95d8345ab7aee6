//! Savepoints that are there already: a pod reads every file, and nothing is asked of the job. The job says how to reach the bucket.

use std::time::Duration;

use millstream_api::conditions::SnapshotReason;
use millstream_api::streamsnapshot::{SnapshotPhase, TakingStatus};

use super::SnapshotAction;
use super::facts::{Task, ToolPod, ToolState};
use super::said::{failed, said, stalled};
use super::table::{Outcome, Sight};
use crate::time::as_time;

/// How long a pod may take to start before the attempt counts as failed.
pub(super) const START: Duration = Duration::from_secs(300);

/// The pod of one that is being looked at.
fn pod<'a>(s: &Sight<'a>) -> Option<&'a ToolPod> {
    s.pod(Task::Check).filter(|_| s.is_existing() && s.is(SnapshotPhase::InProgress))
}

pub(super) fn is_found(s: &Sight<'_>) -> bool {
    pod(s).is_some_and(|pod| matches!(pod.state, ToolState::Done(_)))
}

pub(super) fn complete(s: &Sight<'_>) -> Outcome {
    let (Some(ToolState::Done(found)), Some(taking)) = (pod(s).map(|pod| &pod.state), s.taking()) else {
        return Outcome::wait();
    };
    let mut status =
        said(s, SnapshotPhase::Completed, SnapshotReason::Completed, "every file is there and right");
    status.uri = Some(taking.uri.clone());
    status.epoch = found.epoch;
    status.size_bytes = found.bytes;
    status.completed_at = found.at.map(as_time);
    status.verified = Some(true);
    status.error = None;
    Outcome::say(status)
}

pub(super) fn is_refused(s: &Sight<'_>) -> bool {
    pod(s).is_some_and(|pod| matches!(pod.state, ToolState::Absent(_)))
}

pub(super) fn refuse(s: &Sight<'_>) -> Outcome {
    let Some(ToolState::Absent(why)) = pod(s).map(|pod| &pod.state) else { return Outcome::wait() };
    stalled(s, SnapshotReason::NoSavepoint, &format!("spec.existingUri: {why}"))
}

pub(super) fn has_failed(s: &Sight<'_>) -> bool {
    pod(s).is_some_and(|pod| trouble(s, pod).is_some())
}

pub(super) fn count_failure(s: &Sight<'_>) -> Outcome {
    let message = pod(s).and_then(|pod| trouble(s, pod)).unwrap_or_default();
    failed(s, &message)
}

/// Why a pod that looks at files will not say what it found.
pub(super) fn trouble(s: &Sight<'_>, pod: &ToolPod) -> Option<String> {
    match &pod.state {
        ToolState::Failed { message, .. } => Some(message.clone()),
        ToolState::Starting { since, trouble } if s.since(*since) > START => {
            let why = trouble.clone().unwrap_or_else(|| "nothing is known of a reason".to_owned());
            Some(format!("the pod that looks at its files does not start: {why}"))
        }
        _ => None,
    }
}

pub(super) fn is_under_way(s: &Sight<'_>) -> bool {
    s.is_existing() && s.is(SnapshotPhase::InProgress)
}

pub(super) fn go_on(s: &Sight<'_>) -> Outcome {
    match (pod(s), s.taking()) {
        (None, Some(taking)) => {
            Outcome::act(SnapshotAction::StartPod { task: Task::Check, uri: taking.uri.clone() })
        }
        _ => Outcome::wait(),
    }
}

pub(super) fn lacks_access(s: &Sight<'_>) -> bool {
    let knows = s.job().is_some_and(|job| job.access.is_some());
    s.is_existing() && s.taking().is_none() && !knows
}

pub(super) fn wait_for_job(s: &Sight<'_>) -> Outcome {
    let name = s.spec().map(|spec| spec.job_ref.name.as_str()).unwrap_or_default();
    let (reason, message) = match s.job() {
        None => (
            SnapshotReason::JobNotFound,
            format!("there is no StreamJob {name} that says how to reach the bucket"),
        ),
        Some(_) => (
            SnapshotReason::JobNotRunning,
            format!(
                "the spec of the StreamJob {name} has errors, so it does not say how to reach the bucket"
            ),
        ),
    };
    Outcome::say(said(s, SnapshotPhase::Pending, reason, &message))
}

pub(super) fn begin(s: &Sight<'_>) -> Outcome {
    let uri = s.spec().and_then(|spec| spec.existing_uri.clone()).unwrap_or_default();
    let mut status = said(s, SnapshotPhase::InProgress, SnapshotReason::Checking, "a pod reads every file");
    if let Some(job) = s.job() {
        status.access.clone_from(&job.access);
    }
    let job_uid =
        s.job().map(|job| job.uid.clone()).or_else(|| s.taking().map(|taking| taking.job_uid.clone()));
    status.taking = Some(TakingStatus {
        job_uid: job_uid.unwrap_or_default(),
        attempt: 0,
        name: String::new(),
        uri,
        since: as_time(s.now),
    });
    Outcome::commit(status)
}
