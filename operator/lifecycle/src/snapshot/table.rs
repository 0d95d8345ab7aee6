//! The table: the first row that fits says what to do.

use std::time::Duration;

use millstream_api::conditions::SnapshotReason;
use millstream_api::streamsnapshot::{
    SnapshotDeletion, SnapshotPhase, SnapshotType, StreamSnapshotSpec, StreamSnapshotStatus, TakingStatus,
};

use super::facts::{JobOfSnapshot, JobSeen, SnapshotObserved, Task, ToolPod};
use super::said::{as_before, reason, retries, said, stalled};
use super::{SnapshotAction, SnapshotDecision, adopting, deleting, taking};
use crate::time::{Timestamp, elapsed};

/// How soon to look again at what is waited for. Looking costs no call.
const SOON: Duration = Duration::from_secs(2);

/// A snapshot as decisions see it.
pub(super) struct Sight<'a> {
    pub(super) observed: &'a SnapshotObserved,
    pub(super) now: Timestamp,
}

impl<'a> Sight<'a> {
    pub(super) fn status(&self) -> &'a StreamSnapshotStatus {
        &self.observed.status
    }

    pub(super) fn spec(&self) -> Option<&'a StreamSnapshotSpec> {
        self.observed.spec.as_ref().ok()
    }

    pub(super) fn taking(&self) -> Option<&'a TakingStatus> {
        self.status().taking.as_ref()
    }

    pub(super) fn job(&self) -> Option<&'a JobOfSnapshot> {
        match &self.observed.job {
            JobSeen::There(job) => Some(job),
            JobSeen::Absent => None,
        }
    }

    pub(super) fn pod(&self, task: Task) -> Option<&'a ToolPod> {
        self.observed.pods.iter().find(|pod| pod.task == task)
    }

    pub(super) fn since(&self, then: Timestamp) -> Duration {
        elapsed(then, self.now)
    }

    pub(super) fn is(&self, phase: SnapshotPhase) -> bool {
        self.status().phase == Some(phase)
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.observed.object.deleted.is_some()
    }

    /// What is to become of the files. Those of a spec that cannot be read stay.
    pub(super) fn policy(&self) -> SnapshotDeletion {
        self.spec().and_then(|spec| spec.deletion_policy).unwrap_or(SnapshotDeletion::Retain)
    }

    pub(super) fn is_existing(&self) -> bool {
        self.spec().is_some_and(|spec| spec.existing_uri.is_some())
    }
}

/// What a row comes to.
pub(super) struct Outcome {
    actions: Vec<SnapshotAction>,
    status: Option<StreamSnapshotStatus>,
    is_intent: bool,
    requeue: Option<Duration>,
}

impl Outcome {
    /// Does this.
    pub(super) fn act(action: SnapshotAction) -> Self {
        Self { actions: vec![action], status: None, is_intent: false, requeue: Some(SOON) }
    }

    /// Says this.
    pub(super) fn say(status: StreamSnapshotStatus) -> Self {
        Self { actions: Vec::new(), status: Some(status), is_intent: false, requeue: Some(SOON) }
    }

    /// Writes this before anything else.
    pub(super) fn commit(status: StreamSnapshotStatus) -> Self {
        Self { actions: Vec::new(), status: Some(status), is_intent: true, requeue: Some(SOON) }
    }

    /// Waits for what says itself when it happens.
    pub(super) fn wait() -> Self {
        Self { actions: Vec::new(), status: None, is_intent: false, requeue: Some(SOON) }
    }

    /// Does nothing until something changes.
    fn rest(status: Option<StreamSnapshotStatus>) -> Self {
        Self { actions: Vec::new(), status, is_intent: false, requeue: None }
    }

    pub(super) fn saying(mut self, status: StreamSnapshotStatus) -> Self {
        self.status = Some(status);
        self
    }
}

struct Row {
    situation: &'static str,
    when: fn(&Sight<'_>) -> bool,
    then: fn(&Sight<'_>) -> Outcome,
}

const fn row(situation: &'static str, when: fn(&Sight<'_>) -> bool, then: fn(&Sight<'_>) -> Outcome) -> Row {
    Row { situation, when, then }
}

/// Every transition. The first row that fits is taken; the last one always does.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    // The end comes before everything else, and always comes.
    row("deletion: nothing holds it",         deleting::is_free,            |_| Outcome::rest(None)),
    row("deletion: time is up",               deleting::is_due,             deleting::end),
    row("deletion: the files stay",           deleting::keeps_files,        deleting::end),
    row("deletion: the files are gone",       deleting::is_done,            deleting::end),
    row("deletion: it is being written",      deleting::is_being_written,   deleting::wait),
    row("deletion: a job starts from it",     deleting::is_needed,          deleting::wait_for_job),
    row("deletion: under way",                |s| s.is_deleted(),          deleting::go_on),
    // The files of one that is deleted with them must not be forgotten.
    row("no finalizer",                       deleting::lacks_finalizer,    |_| Outcome::act(SnapshotAction::AddFinalizer)),
    row("a finalizer for nothing",            deleting::has_idle_finalizer, |_| Outcome::act(SnapshotAction::RemoveFinalizer)),
    row("a pod is left",                      has_idle_pod,                 remove_pod),
    // What is over stays so.
    row("there",                              |s| s.is(SnapshotPhase::Completed), |s| Outcome::rest(Some(as_before(s)))),
    row("abandoned",                          |s| s.is(SnapshotPhase::Abandoned), |s| Outcome::rest(Some(as_before(s)))),
    row("more attempts are allowed now",      may_go_on,                    go_on),
    row("failed",                             |s| s.is(SnapshotPhase::Failed), |s| Outcome::rest(Some(as_before(s)))),
    row("bad spec",                           |s| s.spec().is_none(),       refuse),
    row("checkpoints cannot be pinned",       is_checkpoint,                refuse_checkpoint),
    // A savepoint that is there already.
    row("adoption: found",                    adopting::is_found,           adopting::complete),
    row("adoption: refused",                  adopting::is_refused,         adopting::refuse),
    row("adoption: not looked at",            adopting::has_failed,         adopting::count_failure),
    row("adoption: under way",                adopting::is_under_way,       adopting::go_on),
    row("adoption: no job",                   adopting::lacks_access,       adopting::wait_for_job),
    row("adoption: in a pause",               |s| s.is_existing() && taking::is_in_pause(s), |_| Outcome::wait()),
    row("adoption: begins",                   |s| s.is_existing(),         adopting::begin),
    // A savepoint that the job writes.
    row("taken",                              taking::is_done,              taking::complete),
    row("taken, as the engine says",          taking::is_said_to_be_done,   taking::complete_as_said),
    row("taken, as a pod found",              taking::is_found,             taking::complete_as_found),
    row("being taken",                        taking::is_called,            taking::wait),
    row("not taken: is it there?",            taking::is_to_be_looked_for,  taking::look),
    row("not taken: being looked for",        taking::is_being_looked_for,  taking::wait),
    row("not taken: the job is over",         taking::is_lost,              taking::abandon),
    row("not taken: failed",                  taking::has_failed,           taking::count_failure),
    row("not taken: the job went away",       taking::is_interrupted,       taking::begin_again),
    row("being taken: the engine is at it",   taking::is_under_way_there,   taking::wait),
    row("being taken: ask",                   |s| s.is(SnapshotPhase::InProgress), taking::trigger),
    row("the job is over",                    taking::is_hopeless,          taking::abandon),
    row("the job does not run",               taking::is_early,             taking::wait_for_job),
    row("in a pause",                         taking::is_in_pause,          |_| Outcome::wait()),
    row("it can be taken",                    |_| true,                     taking::begin),
];

/// Decides what happens next to a snapshot.
///
/// Pure and total, as [`decide`](crate::decide()). Guarantees: nothing is asked of a job before the status says for what; what is complete
/// stays so; a snapshot whose job is gone or another one is not taken; a deletion ends within ten minutes, whatever happens.
pub fn decide_snapshot(observed: &SnapshotObserved, now: Timestamp) -> SnapshotDecision {
    let s = Sight { observed, now };
    let fitting = TABLE.iter().find(|row| (row.when)(&s));
    let (situation, outcome) = match fitting {
        Some(row) => (row.situation, (row.then)(&s)),
        None => ("nothing fits", Outcome::wait()),
    };
    let Outcome { mut actions, status, is_intent, requeue } = outcome;
    let mut status = status.filter(|status| *status != observed.status).map(Box::new);
    if is_intent {
        actions.extend(status.take().map(SnapshotAction::WriteIntent));
    }
    SnapshotDecision { situation, actions, status, requeue }
}

/// Whether a pod is there that nobody waits for any more.
fn has_idle_pod(s: &Sight<'_>) -> bool {
    !s.is(SnapshotPhase::InProgress) && !s.observed.pods.is_empty()
}

fn remove_pod(s: &Sight<'_>) -> Outcome {
    let pod = s.observed.pods.iter().find(|pod| !pod.is_terminating);
    pod.map_or_else(Outcome::wait, delete_pod)
}

pub(super) fn delete_pod(pod: &ToolPod) -> Outcome {
    Outcome::act(SnapshotAction::DeletePod { name: pod.name.clone(), uid: pod.uid.clone() })
}

fn may_go_on(s: &Sight<'_>) -> bool {
    let is_exhausted = reason(s.status()) == Some(SnapshotReason::RetriesExhausted.as_str());
    s.is(SnapshotPhase::Failed) && is_exhausted && s.status().failures.unwrap_or(0) <= retries(s)
}

fn go_on(s: &Sight<'_>) -> Outcome {
    let message = s.status().error.clone().unwrap_or_default();
    Outcome::say(said(s, SnapshotPhase::Pending, SnapshotReason::Retrying, &message))
}

fn refuse(s: &Sight<'_>) -> Outcome {
    let message = s.observed.spec.as_ref().err().map_or("", String::as_str);
    stalled(s, SnapshotReason::InvalidSpec, &format!("spec: {message}"))
}

fn is_checkpoint(s: &Sight<'_>) -> bool {
    s.spec().is_some_and(|spec| spec.kind == Some(SnapshotType::Checkpoint))
}

fn refuse_checkpoint(s: &Sight<'_>) -> Outcome {
    let message = "spec.type: this version of the engine cannot keep a checkpoint beyond spec.checkpoint.retained of the job: make a \
                   StreamSnapshot of the type Savepoint";
    stalled(s, SnapshotReason::Unsupported, message)
}
