//! Statuses that somebody else wrote.

use millstream_api::conditions::Reason;
use millstream_api::status::{Nonces, ParallelismStatus, RestorePoint};

use super::{Outcome, on_the_way};
use crate::origin;
use crate::phase::Verdict;
use crate::situation::Situation;
use crate::status::remember;

/// What the objects say counts; what only the status said is gone. The oldest coordinator that lives owns the job, since a younger one
/// is activated only when the others are gone; without any it is the newest deployment. Numbers and epochs never go back.
pub(super) fn repair(s: &Situation<'_>) -> Outcome {
    let deployments = || s.groups.iter().filter(|(attempt, _)| **attempt > 0);
    let living = deployments().find(|(_, group)| !group.is_down());
    let ended = || deployments().rev().find(|(_, group)| group.coordinator.is_some());
    let remembered = || deployments().rev().find(|(_, group)| group.deployed.is_some());
    let mut status = s.observed.status.clone();
    let (attempt, deployed) = match living.or_else(ended).or_else(remembered) {
        Some((attempt, group)) => (Some(*attempt), group.deployed),
        None => (status.attempt, None),
    };
    status.attempt = attempt;
    status.last_attempt = Some(s.next_attempt() - 1);
    status.current_revision = deployed.map(|deployed| deployed.revision.clone());
    let parallelism = deployed.and_then(|deployed| i32::try_from(deployed.job.parallelism).ok());
    if let Some(current) = parallelism {
        let desired = status.parallelism.map_or(current, |p| p.desired);
        status.parallelism = Some(ParallelismStatus { desired, current });
    }
    // An epoch that somebody made up is no floor. Without a coordinator that knows better it stays: one that is too high holds the job and
    // says so, one that is too low might let it start without its state.
    let answer = attempt.and_then(|attempt| s.groups.get(&attempt)).and_then(|group| group.answer());
    let newest = answer.and_then(|answer| answer.newest.as_ref());
    status.epoch = newest.map(|epoch| epoch.number).or(status.epoch);
    status.intent = None;
    status.trial = None;
    status.recovery = None;
    status.ended = None;
    status.origin = attempt.map(origin::unknown);
    status.rolled_back = None;
    status.rollback_reason = None;
    // Whether a nonce was acted on and a restore arrived cannot be known any more; acting twice would be worse than not acting.
    if let (Ok(job), true) = (&s.target, attempt.is_some()) {
        let restore = job.restore.as_ref();
        status.nonces = Some(Nonces {
            restart: job.cluster.restart_nonce,
            restore: restore.and_then(|restore| restore.nonce),
            restored: restore.and_then(|restore| restore.from.clone()),
        });
    }
    let restore = deployed.and_then(|deployed| deployed.job.restore.as_ref()?.from.clone());
    status.restored_from = restore.map(|uri| RestorePoint { uri, epoch: 0, age: None });
    remember(&mut status, s, "Repair".into(), "the status was written by somebody else".into(), "");
    let said = on_the_way(s, "somebody else wrote this status: it is made again from what is there");
    Outcome::commit(Verdict { reason: Reason::StatusEdited, ..said }, status)
}
