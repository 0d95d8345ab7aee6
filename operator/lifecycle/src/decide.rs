//! One decision: the first row of the table that fits the situation says what to do.
//!
//! Owns the table and what every decision has in common. A row writes an intent, or acts on one that is written; never both, so that
//! what cannot be taken back always stands in the status before it happens, and a conflict in that write leaves nothing done.
//!
//! Example: a job that runs revision `a` and whose spec asks for `b`. Row "another revision is asked for" has it judged; the same row
//! then writes the intent `Warm`; "warm: pods are ready" writes `Stop`; "stop: under way" asks the engine; "stop: done" writes `Start`;
//! "start: under way" activates the standby; "start: records flow" clears the intent; "stable" ends the trial.

mod deleting;
mod judging;
mod planning;
mod recovering;
mod repairing;
mod rescaling;
mod rolling_back;
mod running;
mod scheduling;
mod starting;
mod stopping;
mod warming;

use std::fmt;
use std::time::Duration;

use millstream_api::conditions::Reason;
use millstream_api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use millstream_api::status::{IntentStep, Phase, PlanStatus, StreamJobStatus};
use millstream_api::{FieldError, ValidatedJob};

use crate::action::{Action, ChildRef, Grace};
use crate::observed::{Child, Engine, Observed, PodState};
use crate::phase::{Standing, Verdict};
use crate::situation::Situation;
use crate::status::{complete, is_foreign, is_worth_writing};
use crate::time::Timestamp;

/// How soon to look again when something is under way.
pub(crate) const SOON: Duration = Duration::from_secs(2);
/// How soon to look again at a job that needs nothing now.
pub(crate) const STEADY: Duration = Duration::from_secs(15);
/// The same, where nothing depends on the time either: watches and the engine's answers say what changes.
const CALM: Duration = Duration::from_secs(60);

/// What to do about a job, and what to say about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The row of the table that fitted.
    pub situation: &'static str,
    /// Where the job is in its life.
    pub phase: Phase,
    /// What to do, in this order. When a step fails, the rest waits for the next decision.
    pub actions: Vec<Action>,
    /// What is said about the job.
    pub conditions: Vec<Condition>,
    /// What is about to be done, or was done last.
    pub plan: Option<PlanStatus>,
    /// The status to write behind the actions; `None` when the stored one will do, or an intent is written.
    pub status: Option<Box<StreamJobStatus>>,
    /// When to look again, unless something happens before.
    pub requeue: Duration,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.situation, self.phase)?;
        self.actions.iter().try_for_each(|action| write!(f, "; {action}"))
    }
}

/// What a row comes to.
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    /// The status without what is observed; `None` carries the stored one on.
    pub(crate) status: Option<StreamJobStatus>,
    pub(crate) commit: Commit,
    pub(crate) actions: Vec<Action>,
    pub(crate) requeue: Duration,
}

/// How a status is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commit {
    /// Behind the actions, if it is worth it.
    After,
    /// Before anything else, under a lock; the actions of the next decision rest on it.
    First,
}

impl Outcome {
    /// Does this and says that.
    pub(crate) fn act(verdict: Verdict, actions: Vec<Action>) -> Self {
        Self { verdict, status: None, commit: Commit::After, actions, requeue: SOON }
    }

    /// Does nothing until something changes.
    pub(crate) fn rest(verdict: Verdict) -> Self {
        Self { requeue: STEADY, ..Self::act(verdict, Vec::new()) }
    }

    /// Waits, and says for what.
    pub(crate) fn wait(verdict: Verdict) -> Self {
        let reason = verdict.message.clone();
        Self::act(verdict, vec![Action::Wait(reason)])
    }

    /// Writes an intent, and decides again at once.
    pub(crate) fn commit(verdict: Verdict, status: StreamJobStatus) -> Self {
        Self {
            verdict,
            status: Some(status),
            commit: Commit::First,
            actions: Vec::new(),
            requeue: Duration::ZERO,
        }
    }

    /// The same, with a changed status.
    pub(crate) fn with(mut self, status: StreamJobStatus) -> Self {
        self.status = Some(status);
        self
    }

    pub(crate) fn after(mut self, requeue: Duration) -> Self {
        self.requeue = requeue;
        self
    }
}

/// A row: a situation and what follows from it.
struct Row {
    situation: &'static str,
    when: fn(&Situation<'_>) -> bool,
    then: fn(&Situation<'_>) -> Outcome,
}

const fn row(
    situation: &'static str,
    when: fn(&Situation<'_>) -> bool,
    then: fn(&Situation<'_>) -> Outcome,
) -> Row {
    Row { situation, when, then }
}

/// Every transition. The first row that fits is taken; the last one always does.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    // The end comes before everything else, and always comes.
    row("deletion: time is up",                deleting::is_due,             deleting::end),
    row("deletion: nobody was asked yet",      deleting::is_unasked,         deleting::wait_for_answer),
    row("deletion: begins",                    deleting::is_new,             deleting::begin),
    row("deletion: the job is over",           deleting::is_over,            deleting::end),
    row("deletion: under way",                 deleting::is_asked,           deleting::go_on),
    // Nothing rests on what somebody else wrote, nor on what is not ours.
    row("the status was edited",               is_foreign,                   repairing::repair),
    row("no finalizer",                        running::lacks_finalizer,     running::add_finalizer),
    row("children of a predecessor",           running::has_strangers,       running::remove_strangers),
    row("nobody was asked yet",                running::is_unasked,          running::wait_for_answer),
    // A step that was begun is finished or taken back, before anything new.
    row("warm: not wanted any more",           warming::is_stale,            warming::take_back),
    row("warm: pods are ready",                warming::is_ready,            warming::stop_old),
    row("warm: the new pods cannot work",      warming::is_hopeless,         warming::give_up),
    row("warm: no room for both",              warming::is_late,             warming::stop_old),
    row("warm: under way",                     |s| at(s, IntentStep::Warm),  warming::go_on),
    row("suspended",                           stopping::is_suspended,       running::rest_suspended),
    row("stop: done",                          stopping::is_done,            stopping::next),
    row("stop: not wanted any more",           stopping::is_stale,           stopping::take_back),
    row("stop: failed",                        stopping::has_failed,         stopping::fall_back),
    row("stop: under way",                     stopping::is_stopping,        stopping::go_on),
    row("start: records flow",                 starting::has_arrived,        starting::arrive),
    row("start: another spec came",            starting::is_stale,           starting::abandon),
    row("start: the job is refused",           starting::has_ended,          starting::judge_end),
    row("start: time is up",                   starting::is_late,            starting::judge_lateness),
    row("start: under way",                    |s| at(s, IntentStep::Start), starting::go_on),
    row("rescale: done",                       rescaling::is_done,           rescaling::arrive),
    row("rescale: not wanted any more",        rescaling::is_stale,          rescaling::take_back),
    row("rescale: refused",                    rescaling::has_failed,        rescaling::by_savepoint),
    row("rescale: under way",                  |s| at(s, IntentStep::Rescale), rescaling::go_on),
    // Nothing is under way: what does the spec want?
    row("created suspended",                   running::is_created_suspended, running::rest_suspended),
    row("never deployed, bad spec",            running::is_unborn_and_bad,   running::stall_on_spec),
    row("never deployed",                      running::is_unborn,           running::create),
    row("to be suspended",                     running::is_to_be_suspended,  stopping::suspend),
    row("a restore is asked for",              planning::wants_restore,      planning::restore),
    row("a restart is asked for",              planning::wants_restart,      planning::restart),
    row("another revision is asked for",       planning::wants_upgrade,      planning::upgrade),
    row("another parallelism is asked for",    rescaling::is_wanted,         rescaling::begin),
    // The spec is what runs, or cannot be acted on: keep the job well.
    row("finished",                            running::is_finished,         running::rest_finished),
    row("unstable",                            rolling_back::is_unstable,    rolling_back::roll_back),
    row("ended for good",                      recovering::is_beyond_help,   recovering::stall),
    row("the coordinator is gone",             recovering::is_gone,          recovering::note),
    row("a standby was left behind",           recovering::is_left_standing, recovering::replace),
    row("restarting",                          recovering::is_restarting,    recovering::restart),
    row("stable",                              running::is_stable,           running::end_trial),
    row("on trial",                            running::is_on_trial,         running::watch),
    row("a savepoint is due",                  scheduling::is_due,           scheduling::take),
    row("savepoints are too many or too old",  scheduling::has_surplus,      scheduling::discard),
    row("settled",                             |_| true,                     running::keep),
];

fn at(s: &Situation<'_>, step: IntentStep) -> bool {
    s.step() == Some(step)
}

/// Decides what happens next to a job.
///
/// Pure and total: the same facts give the same decision, and every situation has one. `job` is the validated spec or the errors of
/// its validation; a spec with errors never stops what runs.
///
/// Guarantees: an intent is written alone, and before every action that cannot be taken back; a job with state is never started empty
/// unless the spec allows to lose it; `Reconciling` and `Stalled` are never true together; deciding again on unchanged facts after what
/// was decided has been done gives no actions.
pub fn decide(job: Result<&ValidatedJob, &[FieldError]>, observed: &Observed, now: Timestamp) -> Decision {
    let s = Situation::new(job, observed, now);
    let fitting = TABLE.iter().find(|row| (row.when)(&s));
    let (situation, outcome) = match fitting {
        Some(row) => (row.situation, (row.then)(&s)),
        None => ("settled", running::keep(&s)),
    };
    finish(&s, situation, outcome)
}

fn finish(s: &Situation<'_>, situation: &'static str, outcome: Outcome) -> Decision {
    let Outcome { verdict, status, commit, mut actions, requeue } = outcome;
    let stored = &s.observed.status;
    let status = complete(s, &verdict, status.unwrap_or_else(|| stored.clone()));
    let requeue = if requeue == STEADY && is_timeless(s, &verdict, &status) { CALM } else { requeue };
    let (phase, conditions, plan) = (verdict.phase, status.conditions.clone(), status.plan.clone());
    let status = match commit {
        Commit::First => {
            actions = vec![Action::WriteIntent(Box::new(status))];
            None
        }
        Commit::After => Some(Box::new(status)).filter(|status| is_worth_writing(stored, status)),
    };
    Decision { situation, phase, actions, conditions, plan, status, requeue }
}

/// Whether the same facts lead to the same decision for minutes to come. What comes later than that may wait for the next look.
fn is_timeless(s: &Situation<'_>, verdict: &Verdict, status: &StreamJobStatus) -> bool {
    let is_silent = s.groups.values().any(|group| matches!(group.engine, Some(Engine::Silent { .. })));
    let has_schedule = s.target.as_ref().is_ok_and(|job| job.cluster.snapshots.schedule.is_some());
    verdict.standing != Standing::Working
        && status.trial.is_none()
        && status.recovery.is_none()
        && !is_silent
        && !has_schedule
}

/// Deletes these objects, where there are any. A pod whose node does not answer cannot use its time, and nobody ends one that is on
/// its way out there already.
pub(crate) fn delete<'a>(children: impl IntoIterator<Item = &'a Child>) -> Option<Action> {
    let is_lost = |child: &Child| child.pod.as_ref().is_some_and(|pod| pod.state == PodState::Lost);
    let as_ref = |child: &Child| {
        let grace = if is_lost(child) { Grace::None } else { Grace::Own };
        ChildRef { grace, ..ChildRef::to(child) }
    };
    let stays = |child: &&Child| !child.is_terminating() || is_lost(child);
    let gone: Vec<ChildRef> = children.into_iter().filter(stays).map(as_ref).collect();
    (!gone.is_empty()).then_some(Action::DeleteOrphans(gone))
}

/// What is said while a step leads from one deployment to the next.
pub(crate) fn on_the_way(s: &Situation<'_>, message: impl Into<String>) -> Verdict {
    use millstream_api::status::IntentCause::{Create, Restore, Resume, Scale, Suspend};
    let (phase, reason) = match s.intent().map(|intent| intent.cause) {
        Some(Create | Resume) => (Phase::Deploying, Reason::Deploying),
        Some(Restore) => (Phase::Restoring, Reason::Restoring),
        Some(Scale) => (Phase::Rescaling, Reason::Rescaling),
        Some(Suspend) => (Phase::Upgrading, Reason::Suspended),
        _ => (Phase::Upgrading, Reason::Upgrading),
    };
    Verdict::working(phase, reason, message)
}

#[cfg(test)]
mod tests;
