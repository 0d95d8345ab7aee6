//! What a worker has of one deployment: which subtasks run here, how they reach the others, and their end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::Duration;

use millstream_exchange::{ChannelSender, Inbox, Network, Outbox, Peer};
use millstream_model::control::WorkerId;
use millstream_model::graph::{Edge, JobGraph, Partitioning};
use millstream_model::snapshot::SubtaskProgress;
use millstream_model::{Attempt, SubtaskId};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::WorkerError;
use crate::task::run::{Control, SharedProgress};

pub(super) struct RunningTask {
    pub(super) control: mpsc::Sender<Control>,
    pub(super) progress: SharedProgress,
    pub(super) ended: oneshot::Receiver<()>,
}

/// All subtasks of one deployment on this worker.
pub(super) struct RunningAttempt {
    pub(super) attempt: Attempt,
    pub(super) cancelled: CancellationToken,
    /// The worker of every subtask.
    placement: BTreeMap<SubtaskId, WorkerId>,
    /// The workers that can be reached by connections.
    peers: BTreeMap<WorkerId, Peer>,
    /// The queues of the subtasks that run here.
    pub(super) inboxes: BTreeMap<SubtaskId, Inbox>,
    pub(super) tasks: BTreeMap<SubtaskId, RunningTask>,
}

impl Drop for RunningAttempt {
    fn drop(&mut self) {
        self.cancelled.cancel();
    }
}

impl RunningAttempt {
    pub(super) fn new(
        attempt: Attempt,
        here: WorkerId,
        placement: Vec<(SubtaskId, WorkerId)>,
        addresses: Vec<(WorkerId, String)>,
        graph: &JobGraph,
    ) -> Self {
        let own = placement.iter().filter(|(_, worker)| *worker == here);
        let inboxes = own.map(|(subtask, _)| {
            let channels = graph.inputs(subtask.chain).map(|e| exchange_width(graph, e).0).sum();
            (*subtask, Inbox::new(channels))
        });
        Self {
            attempt,
            cancelled: CancellationToken::new(),
            inboxes: inboxes.collect(),
            placement: placement.into_iter().collect(),
            peers: addresses
                .into_iter()
                .map(|(worker, address)| (worker, Peer { worker, address }))
                .collect(),
            tasks: BTreeMap::new(),
        }
    }

    /// Subtasks with the same index share a slot: the slots are dealt by index, of which this worker has some.
    pub(super) fn slot_of(&self, subtask: SubtaskId, here: WorkerId) -> usize {
        let own = self.placement.iter().filter(|(_, worker)| **worker == here).map(|(s, _)| s.index);
        own.filter(|index| *index < subtask.index).collect::<BTreeSet<_>>().len()
    }

    /// What a subtask receives from and sends to.
    pub(super) fn edges(
        &self,
        subtask: SubtaskId,
        graph: &JobGraph,
        network: Option<&Network>,
    ) -> Result<(Inbox, Vec<Outbox>), String> {
        let inbox = self.inboxes.get(&subtask).cloned();
        let inbox = inbox.ok_or("it was deployed to a worker that it was not placed on")?;
        let outboxes = graph.outputs(subtask.chain).map(|edge| self.outbox(subtask, edge, graph, network));
        Ok((inbox, outboxes.collect::<Result<_, _>>()?))
    }

    /// An outgoing edge of a subtask, connected to the queues of its targets, here or elsewhere.
    fn outbox(
        &self,
        subtask: SubtaskId,
        edge: &Edge,
        graph: &JobGraph,
        network: Option<&Network>,
    ) -> Result<Outbox, String> {
        let (_, targets) = exchange_width(graph, edge);
        let inputs_before = graph.inputs(edge.to).take_while(|e| e.id != edge.id);
        let offset: usize = inputs_before.map(|e| exchange_width(graph, e).0).sum();
        let is_forward = matches!(edge.partitioning, Partitioning::Forward);
        let channel = offset + if is_forward { 0 } else { subtask.index as usize };
        let indexes: Vec<u32> = match edge.partitioning {
            Partitioning::Forward => vec![subtask.index],
            Partitioning::Single => vec![0],
            Partitioning::Hash { .. } | Partitioning::Rebalance => (0..targets).collect(),
        };
        let sender = |index: u32| self.sender(SubtaskId { chain: edge.to, index }, channel, network);
        let senders = indexes.into_iter().map(sender).collect::<Result<_, _>>()?;
        Ok(Outbox::new(&edge.partitioning, senders, graph.max_parallelism, subtask.index))
    }

    fn sender(
        &self,
        target: SubtaskId,
        channel: usize,
        network: Option<&Network>,
    ) -> Result<ChannelSender, String> {
        if let Some(inbox) = self.inboxes.get(&target) {
            return Ok(inbox.sender(channel, self.attempt));
        }
        let worker = self.placement.get(&target).ok_or_else(|| format!("subtask {target} runs nowhere"))?;
        match (network, self.peers.get(worker)) {
            (Some(network), Some(peer)) => Ok(network.sender(peer, self.attempt, target, channel)),
            _ => Err(format!("subtask {target} runs on worker {worker}, which has no address")),
        }
    }

    /// How far each task is.
    pub(super) fn progress(&self) -> Vec<(SubtaskId, SubtaskProgress)> {
        let of = |task: &RunningTask| task.progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.tasks.iter().map(|(subtask, task)| (*subtask, of(task))).collect()
    }

    /// Cancels the tasks and waits until they are gone.
    ///
    /// # Errors
    /// [`WorkerError::Stuck`] when one is still there after this time.
    pub(super) async fn end(mut self, timeout: Duration) -> Result<(), WorkerError> {
        self.cancelled.cancel();
        let until = tokio::time::Instant::now() + timeout;
        for (subtask, task) in std::mem::take(&mut self.tasks) {
            // An error of the channel means that the task's thread dropped it: it is gone as well.
            if tokio::time::timeout_at(until, task.ended).await.is_err() {
                let task = format!("subtask {subtask} of attempt {}", self.attempt);
                return Err(WorkerError::Stuck { task, timeout });
            }
        }
        Ok(())
    }
}

/// How many channels an edge gives to each receiving subtask, and how many subtasks a sender reaches.
fn exchange_width(graph: &JobGraph, edge: &Edge) -> (usize, u32) {
    let senders = graph.chain(edge.from).map_or(0, |c| c.parallelism);
    let targets = graph.chain(edge.to).map_or(0, |c| c.parallelism);
    match edge.partitioning {
        Partitioning::Forward => (1, 1),
        Partitioning::Single => (senders as usize, 1),
        Partitioning::Hash { .. } | Partitioning::Rebalance => (senders as usize, targets),
    }
}
