//! Deployments on trial: when they are stable, when they had their time, and going back to what was before.
//!
//! Stable is a rule that held, not a moment of running. Going back keeps the newest state; the state before the upgrade is taken only if
//! nothing was written since, or the user allowed output to be written again.

use millstream_api::conditions::Reason;
use millstream_api::status::{EpochRange, IntentCause, IntentStatus, Phase, StartFrom, TrialStatus};
use millstream_api::streamjob::{RollbackState, UpgradeMode};

use super::planning::new_intent;
use super::recovering::{end_of, is_beyond_help, keep_alive, rules};
use super::{Outcome, running};
use crate::observed::Deployed;
use crate::origin;
use crate::phase::Verdict;
use crate::plan::{stop_at_once, stop_in_any_case};
use crate::situation::Situation;
use crate::status::begin;
use crate::time::as_time;

/// The deployment on trial, if it is the one that owns the job.
pub(super) fn trial<'a>(s: &Situation<'a>) -> Option<&'a TrialStatus> {
    s.observed.status.trial.as_ref().filter(|trial| Some(trial.attempt) == s.attempt())
}

/// The trial with what is seen now. A restart begins the time of running again.
pub(super) fn updated_trial(s: &Situation<'_>) -> Option<TrialStatus> {
    let mut trial = trial(s)?.clone();
    let recovered = s.observed.status.recovery.as_ref().map_or(0, |recovery| recovery.count);
    let by_engine = s.current().and_then(|group| group.answer()).map(|answer| answer.restarts);
    let restarts = by_engine.map_or(trial.restarts, |n| n.saturating_add(recovered)).max(recovered);
    let runs = s.current().is_some_and(|group| group.is_running());
    if !runs || restarts > trial.restarts {
        trial.running_since = None;
    }
    if runs && trial.running_since.is_none() {
        trial.running_since = Some(as_time(s.now));
    }
    trial.restarts = trial.restarts.max(restarts);
    Some(trial)
}

/// Whether the rule of stability holds: it has run for long enough without a restart, with checkpoints of its own.
pub(super) fn is_proven(s: &Situation<'_>) -> bool {
    let (Some(trial), Some(job)) = (updated_trial(s), rules(s)) else { return false };
    let rule = &job.cluster.stability;
    let long_enough = trial.running_since.is_some_and(|since| s.since(since.0) >= rule.min_running);
    long_enough && origin::made(s) >= i64::from(rule.min_checkpoints)
}

/// When a revision has had its time. A rule that needs more than the deadline, such as two checkpoints ten minutes apart, gets it; and
/// so does one whose records flow: nobody may have looked until now, since the operator was away.
pub(super) fn is_past_deadline(s: &Situation<'_>) -> bool {
    let (Some(trial), Some(job)) = (trial(s), rules(s)) else { return false };
    let rule = &job.cluster.stability;
    // For each restart, one checkpoint may not count.
    let recovered = s.observed.status.recovery.as_ref().map_or(0, |recovery| recovery.count);
    let checkpoints = rule.min_checkpoints.saturating_add(u32::try_from(recovered).unwrap_or(0));
    let checkpoints = job.checkpoint.interval.saturating_mul(checkpoints.saturating_add(1));
    let needs = rule.min_running.saturating_add(checkpoints);
    let runs_since = updated_trial(s).and_then(|trial| trial.running_since);
    let is_proving_itself = runs_since.is_some_and(|since| s.since(since.0) <= needs);
    s.since(trial.since.0) > job.cluster.rollback.deadline.max(needs) && !is_proving_itself
}

/// Whether the deployment on trial has needed more restarts than the rule of stability allows.
pub(super) fn has_too_many_restarts(s: &Situation<'_>) -> bool {
    let (Some(trial), Some(job)) = (updated_trial(s), rules(s)) else { return false };
    u32::try_from(trial.restarts).unwrap_or(0) > job.cluster.stability.max_restarts
}

/// What was deployed before.
fn previous<'s, 'a>(s: &'s Situation<'a>) -> Option<&'s Deployed> {
    s.groups.get(&trial(s)?.previous?)?.deployed
}

/// Whether the revision before keeps its state elsewhere: the newest state is where the new revision has written it.
fn has_moved(s: &Situation<'_>) -> bool {
    let storage = |deployed: &Deployed| deployed.job.storage.clone();
    let new = s.current().and_then(|group| group.deployed).map(storage);
    previous(s).map(storage).zip(new).is_some_and(|(old, new)| old != new)
}

/// Whether there is a revision to go back to, and going back is wanted. A spec that asks for a third revision goes forward instead.
fn is_wanted(s: &Situation<'_>) -> bool {
    let is_enabled = rules(s).is_some_and(|job| job.cluster.rollback.enabled);
    is_enabled && previous(s).is_some() && !s.wants_upgrade()
}

/// The same, if nothing forbids it.
pub(super) fn can_roll_back(s: &Situation<'_>) -> bool {
    is_wanted(s) && why_held(s).is_none()
}

/// Why the revision before is not started again although that is wanted.
fn why_held(s: &Situation<'_>) -> Option<&'static str> {
    let rollback = &rules(s)?.cluster.rollback;
    if has_moved(s) {
        return Some(
            "the revision is not stable, but the one before it keeps its state in another place, where the newest is not: change the \
             spec, or move it back with spec.restore.from",
        );
    }
    let owns = rollback.state == RollbackState::PreUpgrade && origin::owns_any(s);
    let repeats = owns && !rollback.allow_repeated_output;
    repeats.then_some(
        "the revision is not stable, but going back to the state before it would write output again: set \
         spec.rollback.allowRepeatedOutput, or spec.rollback.state to Latest",
    )
}

pub(super) fn is_unstable(s: &Situation<'_>) -> bool {
    let is_bad = has_too_many_restarts(s) || is_past_deadline(s) || is_beyond_help(s);
    trial(s).is_some() && is_bad && !is_proven(s) && is_wanted(s)
}

fn is_stateless(deployed: &Deployed) -> bool {
    deployed.job.cluster.upgrade.mode == UpgradeMode::Stateless
}

/// What is wrong with the deployment on trial, as far as anybody said.
fn why_unstable(s: &Situation<'_>) -> String {
    let group = s.current();
    let exit = group.and_then(|group| group.exit()).map(|exit| end_of(exit).1);
    let failure = || group.and_then(|group| group.answer()).and_then(|answer| answer.error.clone());
    let trouble = || group.and_then(|group| group.trouble()).map(|(_, message)| message.to_owned());
    let why = exit.or_else(failure).or_else(trouble);
    why.unwrap_or_else(|| "it did not become stable in its time".to_owned())
}

pub(super) fn roll_back(s: &Situation<'_>) -> Outcome {
    if let Some(said) = why_held(s) {
        // It may become stable after all, which ends this.
        let mut outcome = keep_alive(s, Verdict::stalled(s, Reason::RollbackHeld, said));
        outcome.status.get_or_insert_with(|| s.observed.status.clone()).trial = updated_trial(s);
        return outcome;
    }
    let (Some(old), Some(trial), Some(job)) = (previous(s), trial(s), rules(s)) else {
        return Outcome::rest(running::standing(s));
    };
    let before = origin::updated(s).and_then(|origin| origin.floor);
    let goes_back = match job.cluster.rollback.state {
        RollbackState::PreUpgrade if origin::owns_any(s) => true,
        // It began with nothing and wrote nothing: what the one before goes on from is where that left it.
        _ => origin::instead(s) == Some(None) && !is_stateless(old),
    };
    let (from, uri, repeated) = match before.filter(|_| goes_back) {
        Some(before) => {
            // One that began empty has never said where the one before it ended, which may be behind the last epoch that was seen of it.
            let to = s.floor().unwrap_or(before).max(before.saturating_add(1));
            let repeated = EpochRange { from: before.saturating_add(1), to };
            (StartFrom::Epoch, Some(before.to_string()), Some(repeated))
        }
        // Without a checkpoint of its own, the newest state is that of before the upgrade.
        None => (StartFrom::Newest, None, None),
    };
    let stop = if from == StartFrom::Newest { stop_in_any_case(s) } else { stop_at_once(s) };
    let attempt = s.next_attempt();
    let intent = new_intent(s, IntentCause::Rollback, attempt, &old.revision, stop, from);
    // The revision before has no place for what this one has added, and whoever allowed to add it allowed to take it away again.
    let intent = IntentStatus { uri, lost: trial.added.clone(), ..intent };
    let mut status = begin(s, intent);
    if let Some(plan) = &mut status.plan {
        plan.repeated_output = repeated;
    }
    let why = why_unstable(s);
    let said = format!("the revision did not become stable, the one before it is started again: {why}");
    status.rollback_reason = Some(why);
    Outcome::commit(Verdict::working(Phase::Upgrading, Reason::Unstable, said), status)
}
