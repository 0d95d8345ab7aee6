//! What can happen next, and what it does. One step is one call to the bucket or to the sink.

use super::world::{Coordinator, Phase, Record, World, row};
use super::{Bug, Protocol};

/// A step of coordinator 0 or 1, or of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// Claims the next generation.
    ClaimGeneration(usize),
    /// Finds the end of the log, and whether a newer generation wrote there.
    FindNewest(usize),
    /// Creates the start, or the epoch of a checkpoint, and hears the answer.
    Create(usize),
    /// The same, and the answer is lost; it is applied now, later, or never.
    CreateUnanswered(usize, Fate),
    /// Reads the log up to its own start.
    ReadLog(usize),
    /// Uploads a checkpoint and writes its manifest.
    TakeCheckpoint(usize),
    /// Looks at the fence and gets the permit for an epoch.
    Permit(usize),
    /// Makes the output visible, unless the progress record says it is.
    Publish(usize),
    /// Writes the marker.
    Mark(usize),
    /// Looks at the fence and decides what to delete.
    Sweep(usize),
    /// Deletes it.
    Delete(usize),
    /// Dies; the slot may start again.
    Crash(usize),
    /// An unanswered write arrives.
    Arrive(u8, Record),
}

/// What becomes of a write whose answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    Applied,
    InFlight,
}

/// Every step that is possible now, in a fixed order.
pub(crate) fn possible(protocol: &Protocol, world: &World, steps: &mut Vec<Step>) {
    for (i, c) in world.coordinators.iter().enumerate() {
        match c.phase {
            Phase::Idle if world.generations < protocol.generations => steps.push(Step::ClaimGeneration(i)),
            Phase::Idle | Phase::Stopped => {}
            Phase::Claimed => steps.push(Step::FindNewest(i)),
            Phase::Starting | Phase::Claiming(_) => {
                steps.push(Step::Create(i));
                // One lost answer at a time is enough to make every difference.
                if world.in_flight.is_empty() {
                    steps.push(Step::CreateUnanswered(i, Fate::Applied));
                    steps.push(Step::CreateUnanswered(i, Fate::InFlight));
                }
            }
            Phase::Started => steps.push(Step::ReadLog(i)),
            Phase::TakingOver | Phase::Running => {}
        }
        let is_up = matches!(c.phase, Phase::TakingOver | Phase::Running);
        if is_up && c.permit.is_none() && !c.unpublished.is_empty() {
            steps.push(Step::Permit(i));
        }
        if is_up && let Some((place, _)) = c.permit {
            steps.push(Step::Publish(i));
            if world.visible.last().is_some_and(|(progress, _)| *progress >= place) {
                steps.push(Step::Mark(i));
            }
        }
        if c.phase == Phase::Running {
            if world.checkpoints < protocol.checkpoints && c.unpublished.len() < 2 {
                steps.push(Step::TakeCheckpoint(i));
            }
            steps.push(if c.sweeping.is_empty() { Step::Sweep(i) } else { Step::Delete(i) });
        }
        if !matches!(c.phase, Phase::Idle | Phase::Stopped) && world.generations < protocol.generations {
            steps.push(Step::Crash(i));
        }
    }
    steps.extend(world.in_flight.iter().map(|(place, record)| Step::Arrive(*place, *record)));
}

/// The world after a step; `None` if nothing changes.
pub(crate) fn after(protocol: &Protocol, world: &World, step: Step) -> Option<World> {
    let mut next = world.clone();
    match step {
        Step::ClaimGeneration(i) => {
            next.generations += 1;
            next.coordinators[i] =
                Coordinator { phase: Phase::Claimed, generation: next.generations, ..Coordinator::default() };
        }
        Step::FindNewest(i) => {
            // Numbers are looked for one by one, so a gap looks like the end.
            let newest = (1..).take_while(|place| world.log.contains_key(place)).last().unwrap_or(0);
            let is_behind_newer = world
                .log
                .get(&newest)
                .is_some_and(|last| last.generation() > world.coordinators[i].generation);
            if is_behind_newer && protocol.bug != Some(Bug::StartWithoutLook) {
                stop(&mut next.coordinators[i]);
                return Some(next);
            }
            next.coordinators[i].newest = newest;
            next.coordinators[i].phase = Phase::Starting;
            if protocol.bug == Some(Bug::ReadBeforeStart) {
                restore(&mut next, i, newest);
            }
        }
        Step::Create(i) => create(protocol, &mut next, i),
        Step::CreateUnanswered(i, fate) => {
            let (place, record) = wanted(protocol, world, i)?;
            match fate {
                Fate::Applied if world.log.contains_key(&place) => return None,
                Fate::Applied => drop(next.log.insert(place, record)),
                Fate::InFlight => drop(next.in_flight.insert((place, record))),
            }
            if protocol.bug == Some(Bug::AmbiguousPutIsLost) && next.coordinators[i].phase != Phase::Starting
            {
                next.coordinators[i].phase = Phase::Running;
            }
        }
        Step::ReadLog(i) => {
            if protocol.bug != Some(Bug::ReadBeforeStart) {
                let newest = world.coordinators[i].newest;
                restore(&mut next, i, newest);
            }
            next.coordinators[i].phase = Phase::TakingOver;
            settle(&mut next.coordinators[i]);
        }
        Step::TakeCheckpoint(i) => {
            let c = &mut next.coordinators[i];
            next.checkpoints += 1;
            let record = Record::Checkpoint { generation: c.generation, id: next.checkpoints, row: c.rows };
            c.phase = Phase::Claiming(record);
            next.objects.insert(record);
            if protocol.bug == Some(Bug::PublishBeforeOwned) {
                next.visible.push((c.newest + 1, record));
            }
        }
        Step::Permit(i) => {
            let is_newest = world.generations == world.coordinators[i].generation;
            let c = &mut next.coordinators[i];
            if is_newest || protocol.bug == Some(Bug::SkipGenerationCheck) {
                let out_of_order = protocol.bug == Some(Bug::PublishOutOfOrder);
                c.permit = if out_of_order { c.unpublished.last() } else { c.unpublished.first() }.copied();
                next.has_late_permit |= !is_newest;
            } else {
                stop(c);
            }
        }
        Step::Publish(i) => {
            let (place, record) = world.coordinators[i].permit?;
            // The progress record moves in the same transaction as the rows: `SET epoch = e WHERE epoch < e`.
            if world.visible.last().is_some_and(|(progress, _)| *progress >= place) {
                return None;
            }
            next.visible.push((place, record));
        }
        Step::Mark(i) => {
            let c = &mut next.coordinators[i];
            let (place, _) = c.permit.take()?;
            c.unpublished.retain(|(p, _)| *p != place);
            settle(c);
            next.marked.insert(place);
        }
        Step::Sweep(i) => {
            if world.generations != world.coordinators[i].generation {
                stop(&mut next.coordinators[i]);
            } else {
                let forgets = protocol.bug == Some(Bug::SweepForgetsUnpublished);
                let c = &mut next.coordinators[i];
                let is_kept = |r: &Record| {
                    c.restorable == Some(*r)
                        || (!forgets && c.unpublished.iter().any(|(_, u)| u == r))
                        || r.generation() > c.generation
                };
                c.sweeping = world.objects.iter().filter(|r| !is_kept(r)).copied().collect();
                if c.sweeping.is_empty() {
                    return None;
                }
            }
        }
        Step::Delete(i) => {
            let swept = std::mem::take(&mut next.coordinators[i].sweeping);
            next.objects.retain(|r| !swept.contains(r));
        }
        Step::Crash(i) => next.coordinators[i] = Coordinator::default(),
        Step::Arrive(place, record) => {
            next.in_flight.remove(&(place, record));
            let there = *next.log.entry(place).or_insert(record);
            next.has_refused_late |= there.generation() > record.generation();
        }
    }
    Some(next)
}

/// What a coordinator wants to create, and where.
fn wanted(protocol: &Protocol, world: &World, i: usize) -> Option<(u8, Record)> {
    let c = &world.coordinators[i];
    match c.phase {
        Phase::Starting => Some((c.newest + 1, Record::Start { generation: c.generation })),
        Phase::Claiming(record) => {
            let gap = u8::from(protocol.bug == Some(Bug::LeaveEpochGap));
            Some((c.newest + 1 + gap, record))
        }
        _ => None,
    }
}

/// Creates what is wanted and acts on the answer, reading back whose record it is if the place is taken.
fn create(protocol: &Protocol, world: &mut World, i: usize) {
    let Some((place, record)) = wanted(protocol, world, i) else { return };
    let there = *world.log.entry(place).or_insert(record);
    let is_start = world.coordinators[i].phase == Phase::Starting;
    let c = &mut world.coordinators[i];
    if there.generation() > c.generation {
        stop(c);
    } else if there != record {
        // A start steps over what others appended. A checkpoint never meets an older record behind its own start; with the
        // bug that calls an unanswered claim lost it meets its own.
        c.newest = place;
        if !is_start && protocol.bug.is_none() {
            c.phase = Phase::Stopped;
        }
    } else if is_start {
        c.newest = place;
        c.phase = Phase::Started;
    } else {
        c.newest = place;
        c.rows = row(record) + 1;
        c.unpublished.push((place, record));
        c.owned.push((place, record));
        c.restorable = Some(record);
        c.phase = Phase::Running;
    }
}

/// Takes over what the log says up to `last`.
fn restore(world: &mut World, i: usize, last: u8) {
    let Ok(resolved) = world.resolved_to(last) else { return };
    let restorable = resolved.lineage.first().map(|c| world.at(c.epoch).1);
    let unpublished = resolved.unpublished.iter().map(|c| world.at(c.epoch)).collect();
    let c = &mut world.coordinators[i];
    c.restorable = restorable;
    c.rows = restorable.map_or(0, |r| row(r) + 1);
    c.unpublished = unpublished;
}

/// Tasks start only when everything that waited is published.
fn settle(c: &mut Coordinator) {
    if c.phase == Phase::TakingOver && c.unpublished.is_empty() {
        c.phase = Phase::Running;
    }
}

/// Stops for good. What it was told before stays true.
fn stop(c: &mut Coordinator) {
    *c = Coordinator { phase: Phase::Stopped, owned: std::mem::take(&mut c.owned), ..Coordinator::default() };
}
