//! Which worker runs which subtask.
//!
//! One slot holds one subtask of every chain, so a job needs as many slots as its widest chain has subtasks. Slots are dealt
//! to the workers in turn, so that subtask 0 of narrow chains and subtask 1 of wide ones end up apart. Nothing here depends
//! on time or chance: the same workers give the same placement.
//!
//! Example: chains of parallelism 4 and 2 on workers 1 and 2 with three slots each need four slots: 1, 2, 1, 2. The wide
//! chain's subtasks run on 1, 2, 1, 2, the narrow one's on 1, 2.

use std::collections::BTreeMap;

use millstream_model::SubtaskId;
use millstream_model::control::WorkerId;
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

/// Places every subtask, or returns `None` if the workers offer too few slots.
pub(crate) fn place(graph: &JobGraph, slots_of: &BTreeMap<WorkerId, u32>) -> Option<Placement> {
    let slots = deal(slots_needed(graph), slots_of)?;
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

impl Placement {
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
        let placement = place(&graph, &workers.iter().copied().collect())?;
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
                let placement = place(&graph(&[parallelism]), &slots).unwrap();
                let load = |w| placement.iter().filter(|(_, on)| *on == w).count();
                let loads: Vec<_> = (1..=workers).map(load).collect();
                let (min, max) = (loads.iter().min().unwrap(), loads.iter().max().unwrap());
                assert!(max - min <= 1, "{parallelism} subtasks on {workers} workers: {loads:?}");
            }
        }
    }

    #[test]
    fn workers_are_listed_once() {
        let placement = place(&graph(&[4, 2]), &[(2, 2), (1, 2), (3, 2)].into()).unwrap();
        assert_eq!(placement.workers(), [1, 2, 3]);
        let first = SubtaskId { chain: millstream_model::ChainId(1), index: 0 };
        assert_eq!(placement.worker(first), Some(1));
    }
}
