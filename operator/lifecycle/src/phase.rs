//! What a decision says about the job: the phase and the conditions, from one verdict.
//!
//! Owns the table of operator conditions. `Ready`, `Reconciling` and `Stalled` follow kstatus: exactly one of three pictures is shown,
//! so `Reconciling` and `Stalled` are never true together, and what is not true of them is left out.
//!
//! | standing | Ready | Reconciling | Stalled |
//! |---|---|---|---|
//! | Working | False | True | absent |
//! | Settled | True | absent | absent |
//! | Stalled | False | absent | True |

use millstream_api::conditions::{ConditionType, Reason};
use millstream_api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use millstream_api::status::{IntentCause, Phase};

use crate::situation::{Group, Situation};
use crate::time::as_time;

/// Characters of a message. The API server takes 32,768, and refuses the whole status for one more.
const MESSAGE: usize = 8_192;

/// How the job stands towards its spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The operator or the engine is getting there without a person.
    Working,
    /// It is as the spec says: running, finished, suspended.
    Settled,
    /// A person has to do something.
    Stalled,
}

/// What is said about a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) phase: Phase,
    pub(crate) standing: Standing,
    pub(crate) reason: Reason,
    pub(crate) message: String,
}

impl Verdict {
    pub(crate) fn working(phase: Phase, reason: Reason, message: impl Into<String>) -> Self {
        Self { phase, standing: Standing::Working, reason, message: message.into() }
    }

    pub(crate) fn settled(phase: Phase, reason: Reason, message: impl Into<String>) -> Self {
        Self { phase, standing: Standing::Settled, reason, message: message.into() }
    }

    /// What was said last, while nothing new is known. Of a spec that was not looked at yet it is not said that the job is as it asks.
    pub(crate) fn as_before(s: &Situation<'_>) -> Self {
        let status = &s.observed.status;
        let is_seen = status.observed_generation == Some(s.observed.object.generation);
        let told = |kind: ConditionType| {
            status.conditions.iter().find(|c| c.type_ == kind.as_str() && c.status == "True")
        };
        let (standing, told) = match (told(ConditionType::Stalled), told(ConditionType::Ready)) {
            (Some(stalled), _) => (Standing::Stalled, Some(stalled)),
            (None, Some(ready)) if is_seen => (Standing::Settled, Some(ready)),
            _ => (Standing::Working, told(ConditionType::Reconciling)),
        };
        let reason = told.and_then(|told| reason_of(&told.reason)).unwrap_or(Reason::Unknown);
        let message = told.map_or("the coordinator is being asked", |told| told.message.as_str());
        Self { phase: status.phase.unwrap_or(Phase::Deploying), standing, reason, message: message.into() }
    }

    /// Stalled. The phase says what is true of the job: it runs on if it did, else it has failed.
    pub(crate) fn stalled(s: &Situation<'_>, reason: Reason, message: impl Into<String>) -> Self {
        let runs = s.current().is_some_and(Group::is_running);
        let phase = if runs { Phase::Running } else { Phase::Failed };
        Self { phase, standing: Standing::Stalled, reason, message: message.into() }
    }
}

/// The conditions for this verdict, in the order of their declaration. A condition keeps the time of its last change of status.
pub(crate) fn conditions(s: &Situation<'_>, verdict: &Verdict) -> Vec<Condition> {
    let mut conditions = Vec::new();
    let truth = |is_true: bool| if is_true { "True" } else { "False" };
    let before = |kind: ConditionType| s.observed.status.conditions.iter().find(|c| c.type_ == kind.as_str());
    let mut add = |kind: ConditionType, status: &str, reason: Reason, message: &str| {
        let old = before(kind);
        let since = old.filter(|old| old.status == status).map(|old| old.last_transition_time.clone());
        conditions.push(Condition {
            type_: kind.as_str().to_owned(),
            status: status.to_owned(),
            reason: reason.as_str().to_owned(),
            message: message.chars().take(MESSAGE).collect(),
            observed_generation: Some(s.observed.object.generation),
            last_transition_time: since.unwrap_or_else(|| as_time(s.now)),
        });
    };
    add(ConditionType::Ready, truth(verdict.standing == Standing::Settled), verdict.reason, &verdict.message);
    match verdict.standing {
        Standing::Working => add(ConditionType::Reconciling, "True", verdict.reason, &verdict.message),
        Standing::Stalled => add(ConditionType::Stalled, "True", verdict.reason, &verdict.message),
        Standing::Settled => {}
    }
    // Of a job that has no pods, or needs none any more, there is nothing to say about them.
    let has_pods = |group: &&Group<'_>| group.coordinator.is_some() && verdict.phase != Phase::Finished;
    if let Some(group) = s.current().filter(has_pods) {
        let kept = |kind| before(kind).filter(|_| group.is_unasked());
        let answers = group.answer().is_some();
        match kept(ConditionType::CoordinatorAvailable) {
            Some(old) => add(ConditionType::CoordinatorAvailable, &old.status, as_it_was(old), &old.message),
            None => {
                let reason = if answers { Reason::Healthy } else { Reason::CoordinatorSilent };
                add(ConditionType::CoordinatorAvailable, truth(answers), reason, "");
            }
        }
        let enough = group.ready_workers() >= wanted_workers(s);
        let reason = if enough { Reason::Healthy } else { Reason::PodsMissing };
        add(ConditionType::WorkersAvailable, truth(enough), reason, "");
        if let Some(answer) = group.answer() {
            let fine = answer.failed_checkpoints == 0;
            let reason = if fine { Reason::Healthy } else { Reason::CheckpointsFailing };
            let error = answer.error.as_deref().filter(|_| !fine).unwrap_or_default();
            add(ConditionType::CheckpointHealthy, truth(fine), reason, error);
        } else if let Some(old) = kept(ConditionType::CheckpointHealthy) {
            add(ConditionType::CheckpointHealthy, &old.status, as_it_was(old), &old.message);
        }
    }
    if let Some(state) = s.observed.status.plan.as_ref().and_then(|plan| plan.state.as_ref()) {
        use millstream_api::status::Compatibility::{Compatible, Incompatible, Unknown};
        let (status, reason) = match state.verdict {
            Compatible => ("True", Reason::Healthy),
            Incompatible => ("False", Reason::StateIncompatible),
            Unknown => ("Unknown", Reason::Unknown),
        };
        add(ConditionType::StateCompatible, status, reason, "");
    }
    if let Some((status, reason)) = upgrade(s, verdict) {
        add(ConditionType::UpgradeSucceeded, status, reason, "");
    }
    conditions
}

/// How the last upgrade came out: open while it is under way or on trial, then as it ended, until the next one.
fn upgrade(s: &Situation<'_>, verdict: &Verdict) -> Option<(&'static str, Reason)> {
    let status = &s.observed.status;
    let is_upgrade = |intent: &millstream_api::status::IntentStatus| {
        matches!(intent.cause, IntentCause::Spec | IntentCause::Restore)
    };
    if status.rolled_back.is_some() {
        return Some(("False", Reason::RolledBack));
    }
    if status.intent.as_ref().is_some_and(is_upgrade) {
        return Some(("Unknown", Reason::Upgrading));
    }
    let old = status.conditions.iter().find(|c| c.type_ == ConditionType::UpgradeSucceeded.as_str())?;
    let is_open = old.status == "Unknown";
    match (is_open, verdict.standing) {
        (true, Standing::Settled) => Some(("True", Reason::Healthy)),
        (true, Standing::Stalled) => Some(("False", verdict.reason)),
        (true, Standing::Working) => Some(("Unknown", Reason::Upgrading)),
        (false, _) if old.status == "True" => Some(("True", Reason::Healthy)),
        (false, _) => Some(("False", reason_of(&old.reason)?)),
    }
}

/// The reason of this name, if there still is one.
pub(crate) fn reason_of(name: &str) -> Option<Reason> {
    Reason::ALL.iter().copied().find(|reason| reason.as_str() == name)
}

fn as_it_was(condition: &Condition) -> Reason {
    reason_of(&condition.reason).unwrap_or(Reason::Unknown)
}

/// How many workers the job needs for what it runs at.
pub(crate) fn wanted_workers(s: &Situation<'_>) -> u32 {
    let slots = s.current().and_then(|group| group.deployed).map_or(1, |deployed| deployed.job.cluster.slots);
    crate::build::workers_for(s.parallelism(), slots)
}
