//! How a deployment's coordinator ended, beyond the life of its pod.
//!
//! Owns keeping it: a pod that has ended is collected by whoever likes to, a node's drain or the cluster's own cleaning, and what it said
//! is what decides whether the job is finished, refused or to be started again. It is in the status from the first look at the ended pod
//! until another coordinator is there.

use millstream_api::status::{EndKind, EndStatus};

use crate::observed::{EnginePhase, Exit, PodState};
use crate::situation::Situation;
use crate::time::{Timestamp, as_time};

/// What is to be kept now.
pub(crate) fn updated(s: &Situation<'_>) -> Option<EndStatus> {
    let attempt = s.attempt()?;
    let kept = || s.observed.status.ended.clone().filter(|end| end.attempt == attempt);
    let Some((child, pod)) = s.current().and_then(|group| group.coordinator) else { return kept() };
    let answer = s.current().and_then(|group| group.answer());
    match &pod.state {
        PodState::Ended { exit, at } => Some(status(attempt, &child.uid, exit, *at)),
        PodState::Lost => kept(),
        // It says so before its process ends.
        _ if answer.is_some_and(|answer| answer.phase == EnginePhase::Finished) => {
            let said = |end: &EndStatus| end.how == EndKind::Finished && end.pod == child.uid;
            kept().filter(said).or_else(|| Some(status(attempt, &child.uid, &Exit::Finished, s.now)))
        }
        PodState::Starting | PodState::Stuck { .. } | PodState::Running { .. } => None,
    }
}

fn status(attempt: i64, pod: &str, exit: &Exit, at: Timestamp) -> EndStatus {
    let (how, message, code) = match exit {
        Exit::Finished => (EndKind::Finished, None, None),
        Exit::Stopped => (EndKind::Stopped, None, None),
        Exit::Failed(message) => (EndKind::Failed, Some(message.clone()), None),
        Exit::Refused(message) => (EndKind::Refused, Some(message.clone()), None),
        Exit::NothingToRestore(message) => (EndKind::NothingToRestore, Some(message.clone()), None),
        Exit::Fenced => (EndKind::Fenced, None, None),
        Exit::Crashed(code) => (EndKind::Crashed, None, Some(*code)),
    };
    EndStatus { attempt, pod: pod.to_owned(), how, message, code, at: as_time(at) }
}

/// What was kept, as the pod said it.
pub(crate) fn exit_of(end: &EndStatus) -> Exit {
    let message = || end.message.clone().unwrap_or_default();
    match end.how {
        EndKind::Finished => Exit::Finished,
        EndKind::Stopped => Exit::Stopped,
        EndKind::Failed => Exit::Failed(message()),
        EndKind::Refused => Exit::Refused(message()),
        EndKind::NothingToRestore => Exit::NothingToRestore(message()),
        EndKind::Fenced => Exit::Fenced,
        EndKind::Crashed => Exit::Crashed(end.code.unwrap_or(-1)),
    }
}
