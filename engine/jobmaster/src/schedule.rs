//! Which worker runs which subtask.
//!
//! One slot holds one subtask of every chain, so a job needs as many slots as its widest chain has subtasks. Slots are dealt
//! to the workers in turn, so that subtask 0 of narrow chains and subtask 1 of wide ones end up apart. Of what each worker is
//! dealt, it gets first the slots that it has run before: of their state it may have copies. At another parallelism, those are
//! the ones that have most of the same key groups. Nothing here depends on time or chance: the same workers give the same
//! placement.
//!
//! Example: chains of parallelism 4 and 2 on workers 1 and 2 with three slots each need four slots: 1, 2, 1, 2. The wide
//! chain's subtasks run on 1, 2, 1, 2, the narrow one's on 1, 2. When worker 1 is lost and worker 3 comes, 2 keeps its slots:
//! 3, 2, 3, 2.

use std::collections::BTreeMap;

use millstream_model::SubtaskId;
use millstream_model::control::{HeldSlots, WorkerId};
use millstream_model::graph::JobGraph;

/// Where each subtask of an attempt runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Placement {
    worker_of: BTreeMap<SubtaskId, WorkerId>,
}

/// Slots that a job needs: the parallelism of its widest chain.
pub(crate) fn slots_needed(graph: &JobGraph) -> u32 {
    graph.chains.iter().map(|c| c.parallelism).max().unwrap_or(0)
}

/// Places every subtask, or returns `None` if the workers offer too few slots. `held` says what a worker has run.
pub(crate) fn place<'a>(
    graph: &JobGraph,
    slots_of: &BTreeMap<WorkerId, u32>,
    held: impl Fn(WorkerId) -> Option<&'a HeldSlots>,
) -> Option<Placement> {
    let slots = keep(deal(slots_needed(graph), slots_of)?, held);
    let mut worker_of = BTreeMap::new();
    for subtask in graph.subtasks() {
        worker_of.insert(subtask, *slots.get(subtask.index as usize)?);
    }
    Some(Placement { worker_of })
}

/// The worker of each of `needed` slots, dealt in turn to those that still have room.
fn deal(needed: u32, slots_of: &BTreeMap<WorkerId, u32>) -> Option<Vec<WorkerId>> {
    let needed = needed as usize;
    let mut dealt = Vec::with_capacity(needed);
    let mut round = 0;
    while dealt.len() < needed {
        let before = dealt.len();
        dealt.extend(slots_of.iter().filter(|(_, slots)| **slots > round).map(|(worker, _)| *worker));
        if dealt.len() == before {
            return None;
        }
        round += 1;
    }
    dealt.truncate(needed);
    Some(dealt)
}

/// The same share for each worker, with what it has run before first.
fn keep<'a>(dealt: Vec<WorkerId>, held: impl Fn(WorkerId) -> Option<&'a HeldSlots>) -> Vec<WorkerId> {
    let mut shares: BTreeMap<WorkerId, usize> = BTreeMap::new();
    dealt.iter().for_each(|worker| *shares.entry(*worker).or_default() += 1);
    let of = dealt.len() as u64;
    let mut kept: Vec<Option<WorkerId>> = vec![None; dealt.len()];
    for (slot, keeper) in kept.iter_mut().enumerate() {
        let common = |worker: &WorkerId| held(*worker).map_or(0, |held| common(slot as u64, of, held));
        // The first of several that have as much.
        let best =
            shares.iter_mut().rev().filter(|(_, left)| **left > 0).max_by_key(|(worker, _)| common(worker));
        if let Some((worker, left)) = best.filter(|(worker, _)| common(worker) > 0) {
            *left -= 1;
            *keeper = Some(*worker);
        }
    }
    let mut rest = dealt.into_iter().filter(|worker| {
        let left = shares.get_mut(worker).filter(|left| **left > 0);
        left.map(|left| *left -= 1).is_some()
    });
    kept.into_iter().filter_map(|keeper| keeper.or_else(|| rest.next())).collect()
}

/// How much of slot `slot` of `of` a worker has run before, in parts of a whole that is the same for all workers of one job.
fn common(slot: u64, of: u64, held: &HeldSlots) -> u64 {
    let before = u64::from(held.of);
    let (start, end) = (slot * before, (slot + 1) * before);
    let overlap = |held: &u32| {
        let held = u64::from(*held);
        end.min((held + 1) * of).saturating_sub(start.max(held * of))
    };
    held.slots.iter().map(overlap).sum()
}

impl Placement {
    /// The slots of a worker.
    pub(crate) fn held_by(&self, worker: WorkerId) -> HeldSlots {
        HeldSlots::of(self.iter(), worker)
    }

    /// The worker of a subtask of this placement.
    pub(crate) fn worker(&self, subtask: SubtaskId) -> Option<WorkerId> {
        self.worker_of.get(&subtask).copied()
    }

    /// Every subtask with its worker, in subtask order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (SubtaskId, WorkerId)> + '_ {
        self.worker_of.iter().map(|(s, w)| (*s, *w))
    }

    /// The workers that run something, ascending, each once.
    pub(crate) fn workers(&self) -> Vec<WorkerId> {
        let mut workers: Vec<_> = self.worker_of.values().copied().collect();
        workers.sort_unstable();
        workers.dedup();
        workers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::graph;

    fn placed(chains: &[u32], workers: &[(WorkerId, u32)]) -> Option<Vec<Vec<WorkerId>>> {
        let graph = graph(chains);
        let placement = place(&graph, &workers.iter().copied().collect(), |_| None)?;
        let of = |chain: usize| {
            placement.iter().filter(|(s, _)| s.chain.0 as usize == chain).map(|(_, w)| w).collect::<Vec<_>>()
        };
        Some((0..chains.len()).map(of).collect())
    }

    #[test]
    fn slots_are_dealt_in_turn() {
        type Case = (&'static [u32], &'static [(WorkerId, u32)], Option<Vec<Vec<WorkerId>>>);
        let cases: [Case; 7] = [
            (&[1], &[(1, 1)], Some(vec![vec![1]])),
            (&[4, 2], &[(1, 3), (2, 3)], Some(vec![vec![1, 2, 1, 2], vec![1, 2]])),
            (&[4], &[(1, 1), (2, 3)], Some(vec![vec![1, 2, 2, 2]])),
            (&[2, 2], &[(7, 4)], Some(vec![vec![7, 7], vec![7, 7]])),
            (&[3], &[(1, 1), (2, 1)], None),
            (&[1], &[], None),
            (&[2], &[(1, 0), (2, 2)], Some(vec![vec![2, 2]])),
        ];
        for (chains, workers, expected) in cases {
            assert_eq!(placed(chains, workers), expected, "{chains:?} on {workers:?}");
        }
    }

    #[test]
    fn no_worker_has_more_than_its_share() {
        for parallelism in 1..=17 {
            for workers in 1..=5 {
                let slots: BTreeMap<_, _> = (1..=workers).map(|w| (w, 17)).collect();
                let placement = place(&graph(&[parallelism]), &slots, |_| None).unwrap();
                let load = |w| placement.iter().filter(|(_, on)| *on == w).count();
                let loads: Vec<_> = (1..=workers).map(load).collect();
                let (min, max) = (loads.iter().min().unwrap(), loads.iter().max().unwrap());
                assert!(max - min <= 1, "{parallelism} subtasks on {workers} workers: {loads:?}");
            }
        }
    }

    #[test]
    fn a_worker_keeps_what_it_has_run() {
        let held = |of, slots: &[u32]| HeldSlots { of, slots: slots.to_vec() };
        type Case = (u32, &'static [(WorkerId, u32)], Vec<(WorkerId, HeldSlots)>, &'static [WorkerId]);
        let cases: [Case; 7] = [
            (4, &[(2, 2), (3, 2)], vec![(2, held(4, &[1, 3]))], &[3, 2, 3, 2]),
            // Whoever comes instead takes what is left, also when it was dealt to another one.
            (3, &[(1, 2), (2, 2), (3, 1)], vec![(1, held(3, &[2])), (2, held(3, &[1]))], &[3, 2, 1]),
            // No worker gets more than its share for it.
            (2, &[(1, 2), (2, 2)], vec![(1, held(2, &[0, 1]))], &[1, 2]),
            // Two say that they have it.
            (2, &[(1, 1), (2, 1)], vec![(1, held(2, &[1])), (2, held(2, &[1]))], &[2, 1]),
            // Half of what slot 0 was is slot 0 of four, the other half slot 1.
            (4, &[(1, 2), (2, 2)], vec![(1, held(2, &[1])), (2, held(2, &[0]))], &[2, 2, 1, 1]),
            (2, &[(1, 1), (2, 1)], vec![(1, held(4, &[2, 3])), (2, held(4, &[0, 1]))], &[2, 1]),
            (2, &[(1, 1), (2, 1)], vec![(1, held(0, &[])), (2, held(9, &[40]))], &[1, 2]),
        ];
        for (parallelism, workers, held, expected) in cases {
            let held: BTreeMap<WorkerId, HeldSlots> = held.into_iter().collect();
            let slots = workers.iter().copied().collect();
            let placement = place(&graph(&[parallelism]), &slots, |worker| held.get(&worker)).unwrap();
            let found: Vec<WorkerId> = placement.iter().map(|(_, worker)| worker).collect();
            assert_eq!(found, expected, "{workers:?} with {held:?}");
            for (worker, _) in workers {
                let mine = expected.iter().enumerate().filter(|(_, on)| *on == worker);
                let slots = mine.map(|(slot, _)| slot as u32).collect();
                assert_eq!(placement.held_by(*worker), HeldSlots { of: parallelism, slots });
            }
        }
    }

    #[test]
    fn workers_are_listed_once() {
        let placement = place(&graph(&[4, 2]), &[(2, 2), (1, 2), (3, 2)].into(), |_| None).unwrap();
        assert_eq!(placement.workers(), [1, 2, 3]);
        let first = SubtaskId { chain: millstream_model::ChainId(1), index: 0 };
        assert_eq!(placement.worker(first), Some(1));
    }
}
