//! The planner's pod: started for a plan, and again when it came to no verdict.
//!
//! What it found is looked at in `planning`. A pod that hangs has had its time after 300 s; the pauses between two are 10, 20, 40 s and so
//! on, at most 300.

use std::time::Duration;

use millstream_api::ValidatedJob;
use millstream_api::conditions::Reason;
use millstream_api::status::{IntentCause, PlanStatus};

use super::planning::{hold_for_long, phase_of};
use super::{Commit, Outcome, delete};
use crate::action::Action;
use crate::build::{Blueprint, Start, planner};
use crate::phase::Verdict;
use crate::situation::Situation;
use crate::time::{Timestamp, remaining};

/// How long a planner may take.
pub(super) const PLANNER: Duration = Duration::from_secs(300);
/// How long after a planner that came to no verdict the next one starts; twice as long after each, up to the longest.
const PLANNER_PAUSE: Duration = Duration::from_secs(10);
/// The longest such pause.
const PLANNER_PAUSE_MAX: Duration = Duration::from_secs(300);

/// A planner that came to no verdict says nothing about the SQL: its pod was evicted, or the bucket did not answer. Another one is
/// started after a pause that grows; the old job goes on as long as it takes.
pub(super) fn plan_again(
    s: &Situation<'_>,
    mut plan: PlanStatus,
    cause: IntentCause,
    why: &str,
    failed: Timestamp,
) -> Outcome {
    let before = plan.failures.unwrap_or(0);
    let doublings = u32::try_from(before).unwrap_or(0).min(16);
    let pause = PLANNER_PAUSE.saturating_mul(1 << doublings).min(PLANNER_PAUSE_MAX);
    let left = remaining(failed, pause, s.now);
    let planners = s.groups.get(&0).into_iter().flat_map(|group| group.children.iter().copied());
    let again = if left.is_zero() { delete(planners) } else { None };
    if again.is_some() {
        plan.failures = Some(before.saturating_add(1));
    }
    let said = format!("the new revision could not be judged, and will be again; the old one goes on: {why}");
    let mut outcome = hold_for_long(s, plan, Verdict::working(phase_of(cause), Reason::PlannerFailed, said));
    if outcome.commit == Commit::After {
        outcome.actions.extend(again);
    }
    outcome
}

/// Starts the pod that judges a plan, and removes those of other plans.
pub(super) fn start_planner(s: &Situation<'_>, job: &ValidatedJob, id: &str) -> Vec<Action> {
    let blueprint = Blueprint {
        object: &s.observed.object,
        operator: &s.observed.operator,
        job,
        image: &s.observed.operator.image,
        attempt: 0,
        plan: id,
        generation: s.observed.object.generation,
        parallelism: i32::try_from(job.parallelism).unwrap_or(1),
        workers: 0,
        start: Start::Newest(None),
        restore: None,
        lost: Vec::new(),
        transport: s.observed.operator.tls,
        certificates: None,
    };
    let old = s.groups.get(&0).into_iter().flat_map(|group| group.children.iter().copied());
    let stale = delete(old.filter(|child| child.plan != id));
    stale.into_iter().chain([Action::StartPlanner(planner(&blueprint))]).collect()
}
