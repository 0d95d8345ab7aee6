//! Savepoints by the clock: one StreamSnapshot for each time that is due, and no more of them than are to be kept.
//!
//! What people made is never deleted, nor is the newest that is complete. A time that passed while nothing ran is caught up with once.

use millstream_api::streamsnapshot::SnapshotPhase;

use super::{Outcome, running};
use crate::action::Action;
use crate::names::scheduled_snapshot;
use crate::observed::Snapshot;
use crate::schedule::Schedule;
use crate::situation::Situation;
use crate::time::{Timestamp, after, as_time};

/// The newest time that the schedule named since it was looked at last.
fn due(s: &Situation<'_>) -> Option<Timestamp> {
    let schedule = Schedule::parse(s.target.as_ref().ok()?.cluster.snapshots.schedule.as_deref()?)?;
    let looked = s.observed.status.scheduled_at.as_ref().map_or(s.observed.object.created, |at| at.0);
    schedule.newest_between(looked, s.now)
}

fn can_take(s: &Situation<'_>) -> bool {
    let is_busy = s.observed.snapshots.iter().any(|snapshot| snapshot.is_scheduled && is_under_way(snapshot));
    s.current().is_some_and(|group| group.is_running()) && !is_busy
}

fn is_under_way(snapshot: &Snapshot) -> bool {
    matches!(snapshot.phase, SnapshotPhase::Pending | SnapshotPhase::InProgress)
}

pub(super) fn is_due(s: &Situation<'_>) -> bool {
    waiting(s).is_some() || can_take(s) && due(s).is_some()
}

/// A snapshot that nobody has begun.
fn waiting<'a>(s: &Situation<'a>) -> Option<&'a Snapshot> {
    let runs = s.current().is_some_and(|group| group.is_running());
    let pending = |snapshot: &&Snapshot| snapshot.phase == SnapshotPhase::Pending;
    s.observed.snapshots.iter().filter(|_| runs).find(pending)
}

pub(super) fn take(s: &Situation<'_>) -> Outcome {
    let verdict = running::standing(s);
    if let (Some(snapshot), Some(attempt)) = (waiting(s), s.attempt()) {
        let name = snapshot.name.clone();
        return Outcome::act(verdict, vec![Action::TriggerSavepoint { attempt, name }]);
    }
    let Some(due) = due(s) else { return Outcome::rest(verdict) };
    let name = scheduled_snapshot(&s.observed.object.name, due.as_second());
    let mut status = s.observed.status.clone();
    status.scheduled_at = Some(as_time(due));
    Outcome::act(verdict, vec![Action::CreateSnapshot { name }]).with(status)
}

/// Scheduled snapshots that are too many or too old, oldest first.
fn surplus<'a>(s: &Situation<'a>) -> Vec<&'a Snapshot> {
    let Ok(job) = &s.target else { return Vec::new() };
    let settings = &job.cluster.snapshots;
    let mut done: Vec<&Snapshot> = s
        .observed
        .snapshots
        .iter()
        .filter(|snapshot| snapshot.is_scheduled && snapshot.phase == SnapshotPhase::Completed)
        .collect();
    done.sort_by(|a, b| (b.created, &b.name).cmp(&(a.created, &a.name)));
    let keep = usize::try_from(settings.count).unwrap_or(usize::MAX);
    let is_old = |snapshot: &Snapshot| after(snapshot.created, settings.max_age) < s.now;
    let mut surplus: Vec<&Snapshot> = done
        .into_iter()
        .enumerate()
        .filter(|(rank, snapshot)| *rank > 0 && (*rank >= keep || is_old(snapshot)))
        .map(|(_, snapshot)| snapshot)
        .collect();
    surplus.reverse();
    surplus
}

pub(super) fn has_surplus(s: &Situation<'_>) -> bool {
    !surplus(s).is_empty()
}

pub(super) fn discard(s: &Situation<'_>) -> Outcome {
    let delete = |snapshot: &Snapshot| Action::DeleteSnapshot { name: snapshot.name.clone() };
    Outcome::act(running::standing(s), surplus(s).into_iter().map(delete).collect())
}
