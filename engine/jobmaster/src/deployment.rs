//! One attempt: which subtask runs where, how far it has come up, and which splits its sources have.

use std::collections::BTreeSet;

use millstream_checkpoint::{EnumeratorState, Manifest};
use millstream_model::control::{Barrier, BarrierKind, ToWorker, WorkerId};
use millstream_model::graph::JobGraph;
use millstream_model::{Attempt, ChainId, OperatorUid, SplitId, SubtaskId};

use crate::command::Command;
use crate::schedule::Placement;
use crate::splits::SourceSplits;

/// The tasks of one attempt, from their deployment until they are cancelled or shut down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deployment {
    pub(crate) attempt: Attempt,
    pub(crate) placement: Placement,
    sources: Vec<DeployedSource>,
    /// Subtasks that have not said that they run.
    starting: BTreeSet<SubtaskId>,
    /// Subtasks that have not seen the end of all their input.
    unfinished: BTreeSet<SubtaskId>,
    /// When all subtasks ran.
    pub(crate) running_since_ms: Option<u64>,
    /// The `Stop` or `Drain` barrier that left: its snapshot has every split that nobody owns, so none may be assigned any more.
    pub(crate) last_barrier: Option<BarrierKind>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct DeployedSource {
    uid: OperatorUid,
    chain: ChainId,
    splits: SourceSplits,
}

impl Deployment {
    /// A deployment of `graph` that goes on from `manifest`, none of whose subtasks runs yet.
    pub(crate) fn new(
        attempt: Attempt,
        graph: &JobGraph,
        placement: Placement,
        manifest: Option<&Manifest>,
    ) -> Self {
        let source = |chain: &millstream_model::graph::Chain| {
            let uid = chain.source()?.uid.clone();
            let state = manifest.and_then(|m| m.source(&uid));
            let splits = SourceSplits::restored(
                chain.parallelism,
                state.map(|s| s.enumerator.clone()).unwrap_or_default(),
                state.map(|s| s.splits.as_slice()).unwrap_or_default(),
            );
            Some(DeployedSource { uid, chain: chain.id, splits })
        };
        Self {
            attempt,
            placement,
            sources: graph.chains.iter().filter_map(source).collect(),
            starting: graph.subtasks().collect(),
            unfinished: graph.subtasks().collect(),
            running_since_ms: None,
            last_barrier: None,
        }
    }

    /// Notes that a subtask runs; true when it was the last one.
    pub(crate) fn runs(&mut self, subtask: SubtaskId) -> bool {
        self.starting.remove(&subtask) && self.starting.is_empty()
    }

    /// Subtasks that do not run yet.
    pub(crate) fn starting(&self) -> impl Iterator<Item = SubtaskId> + '_ {
        self.starting.iter().copied()
    }

    /// Whether records flow.
    pub(crate) const fn is_running(&self) -> bool {
        self.running_since_ms.is_some()
    }

    /// Notes that a subtask has seen the end of its input.
    pub(crate) fn finished(&mut self, subtask: SubtaskId) {
        self.unfinished.remove(&subtask);
    }

    /// Whether every subtask has seen the end of its input.
    pub(crate) fn is_finished(&self) -> bool {
        self.unfinished.is_empty()
    }

    /// The same message to every worker that has a part.
    pub(crate) fn broadcast(&self, message: &ToWorker) -> Vec<Command> {
        let send = |worker| Command::Send { worker, message: message.clone() };
        self.placement.workers().into_iter().map(send).collect()
    }

    /// A message to the worker of a subtask.
    pub(crate) fn send(&self, subtask: SubtaskId, message: ToWorker) -> Option<Command> {
        self.placement.worker(subtask).map(|worker| Command::Send { worker, message })
    }

    /// Takes what an enumerator found; false if the job has no such source.
    pub(crate) fn discovered(
        &mut self,
        source: &OperatorUid,
        splits: Vec<millstream_model::snapshot::SplitState>,
        enumerator: Vec<u8>,
        no_more: bool,
    ) -> bool {
        let Some(known) = self.sources.iter_mut().find(|s| s.uid == *source) else { return false };
        known.splits.discovered(splits, enumerator, no_more);
        true
    }

    /// Notes that splits of a source are read to their end.
    pub(crate) fn splits_finished(&mut self, source: &OperatorUid, splits: &[SplitId]) {
        if let Some(known) = self.sources.iter_mut().find(|s| s.uid == *source) {
            known.splits.finished(splits);
        }
    }

    /// Everything that can be assigned now.
    pub(crate) fn assign(&mut self) -> Vec<Command> {
        let mut commands = Vec::new();
        for source in &mut self.sources {
            for assignment in source.splits.assign() {
                let subtask = SubtaskId { chain: source.chain, index: assignment.subtask };
                let Some(worker) = self.placement.worker(subtask) else { continue };
                let message = ToWorker::AssignSplits {
                    attempt: self.attempt,
                    subtask,
                    splits: assignment.splits,
                    no_more: assignment.no_more,
                };
                commands.push(Command::Send { worker, message });
            }
        }
        commands
    }

    /// A barrier to every source subtask, in subtask order.
    pub(crate) fn barriers(&self, barrier: Barrier) -> Vec<Command> {
        let of_source = |subtask: &SubtaskId| self.sources.iter().any(|s| s.chain == subtask.chain);
        let send = |(subtask, worker): (SubtaskId, WorkerId)| Command::Send {
            worker,
            message: ToWorker::TriggerBarrier { attempt: self.attempt, subtask, barrier },
        };
        self.placement.iter().filter(|(subtask, _)| of_source(subtask)).map(send).collect()
    }

    /// The coordinator's side of every source, as of now.
    pub(crate) fn enumerators(&self) -> Vec<EnumeratorState> {
        self.sources.iter().map(|s| s.splits.snapshot(&s.uid)).collect()
    }

    /// A checkpoint with these snapshots of the sources is owned.
    pub(crate) fn forgot(&mut self, enumerators: &[EnumeratorState]) {
        for enumerator in enumerators {
            if let Some(known) = self.sources.iter_mut().find(|s| s.uid == enumerator.source) {
                known.splits.forgot(&enumerator.forgotten);
            }
        }
    }

    /// The sources' uids.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &OperatorUid> {
        self.sources.iter().map(|s| &s.uid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{graph, split};
    use crate::schedule::place;
    use millstream_model::CheckpointId;

    fn deployed() -> Deployment {
        let graph = graph(&[2, 1]);
        let placement = place(&graph, &[(1, 1), (2, 1)].into(), |_| None).unwrap();
        Deployment::new(Attempt(3), &graph, placement, None)
    }

    fn lines(commands: Vec<Command>) -> Vec<String> {
        commands.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_last_subtask_makes_it_run() {
        let mut deployment = deployed();
        let subtasks: Vec<_> = deployment.starting().collect();
        let ran: Vec<_> = subtasks.iter().map(|s| deployment.runs(*s)).collect();
        assert_eq!(ran, [false, false, true]);
        assert!(!deployment.runs(subtasks[0]), "said twice");
    }

    #[test]
    fn barriers_go_to_source_subtasks_only() {
        let barrier = Barrier { checkpoint: CheckpointId(4), kind: BarrierKind::Checkpoint };
        assert_eq!(
            lines(deployed().barriers(barrier)),
            ["worker 1: barrier 4 (Checkpoint) at 0/0", "worker 2: barrier 4 (Checkpoint) at 0/1"]
        );
    }

    #[test]
    fn a_split_is_in_the_snapshot_until_it_is_assigned() {
        let mut deployment = deployed();
        let source = OperatorUid("src".into());
        assert!(deployment.discovered(&source, vec![split("a")], vec![1], false));
        assert_eq!(deployment.enumerators()[0].unassigned.len(), 1);
        assert_eq!(lines(deployment.assign()), ["worker 1: assign 0/0 [a]", "worker 2: assign 0/1 []"]);
        assert_eq!(deployment.enumerators()[0].unassigned.len(), 0);
        assert!(!deployment.discovered(&OperatorUid("other".into()), vec![], vec![], true));
    }
}
