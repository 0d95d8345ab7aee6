//! Savepoints by the clock: one StreamSnapshot for each time that is due, and no more of them than are to be kept.
//!
//! What people made is never deleted, nor is the newest that is complete. A time that passed while nothing ran is caught up with once.
//! Taking the savepoint is the snapshot's own affair ([`crate::snapshot`]).

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
    can_take(s) && due(s).is_some()
}

pub(super) fn take(s: &Situation<'_>) -> Outcome {
    let verdict = running::standing(s);
    let Some(due) = due(s) else { return Outcome::rest(verdict) };
    let name = scheduled_snapshot(&s.observed.object.name, due.as_second());
    let mut status = s.observed.status.clone();
    status.scheduled_at = Some(as_time(due));
    Outcome::act(verdict, vec![Action::CreateSnapshot { name }]).with(status)
}

/// Scheduled snapshots that are too many or too old, oldest first: complete ones, and apart from them those that came to nothing.
fn surplus<'a>(s: &Situation<'a>) -> Vec<&'a Snapshot> {
    let Ok(job) = &s.target else { return Vec::new() };
    let settings = &job.cluster.snapshots;
    let keep = usize::try_from(settings.count).unwrap_or(usize::MAX);
    let is_old = |snapshot: &Snapshot| after(snapshot.created, settings.max_age) < s.now;
    let complete = newest_first(s, |phase| phase == SnapshotPhase::Completed);
    let newest = complete.first().map(|snapshot| snapshot.created);
    let vain = newest_first(s, |phase| matches!(phase, SnapshotPhase::Failed | SnapshotPhase::Abandoned));
    let of_complete = complete.into_iter().enumerate();
    let of_complete = of_complete.filter(|(rank, snapshot)| *rank > 0 && (*rank >= keep || is_old(snapshot)));
    // Why one came to nothing is of interest until a later one did not.
    let of_vain = vain.into_iter().enumerate().filter(|(rank, snapshot)| {
        newest.is_some_and(|newest| newest > snapshot.created) || *rank >= keep || is_old(snapshot)
    });
    let mut surplus: Vec<&Snapshot> = of_complete.chain(of_vain).map(|(_, snapshot)| snapshot).collect();
    surplus.sort_by_key(|snapshot| (snapshot.created, &snapshot.name));
    surplus
}

fn newest_first<'a>(s: &Situation<'a>, is_meant: fn(SnapshotPhase) -> bool) -> Vec<&'a Snapshot> {
    let scheduled = s.observed.snapshots.iter().filter(|snapshot| snapshot.is_scheduled);
    let mut meant: Vec<&Snapshot> = scheduled.filter(|snapshot| is_meant(snapshot.phase)).collect();
    meant.sort_by(|a, b| (b.created, &b.name).cmp(&(a.created, &a.name)));
    meant
}

pub(super) fn has_surplus(s: &Situation<'_>) -> bool {
    !surplus(s).is_empty()
}

pub(super) fn discard(s: &Situation<'_>) -> Outcome {
    let delete = |snapshot: &Snapshot| Action::DeleteSnapshot { name: snapshot.name.clone() };
    Outcome::act(running::standing(s), surplus(s).into_iter().map(delete).collect())
}
