//! The job graph: chains of operators with a parallelism, joined by exchanges.
//!
//! This is the skeleton the job master decides on. What an operator computes is in the compiled job (crate `plan`), under
//! the same chain and position. Example: `source -> calc` (parallelism 2) `-hash-> aggregate -> sink` (parallelism 2) has
//! two chains, one edge, four subtasks and four channels.

use serde::{Deserialize, Serialize};

use crate::id::{ChainId, EdgeId, OperatorUid, SubtaskId};

/// DAG of chains. Chains are in topological order: an edge's `from` comes before its `to`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobGraph {
    /// The chains, at the index that their id says.
    pub chains: Vec<Chain>,
    /// The exchanges, at the index that their id says.
    pub edges: Vec<Edge>,
    /// Number of key groups; fixed for the life of the job.
    pub max_parallelism: u32,
    /// Hash over everything the compiled job means, compared between processes before they deploy.
    pub fingerprint: String,
}

/// Operators fused without an exchange; a vertex of the graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Its index in the graph.
    pub id: ChainId,
    /// For people: the operators' names joined by ` -> `.
    pub name: String,
    /// Number of subtasks.
    pub parallelism: u32,
    /// The operators, in the order in which a batch passes them.
    pub operators: Vec<OperatorNode>,
}

/// One operator of a chain, as the job master sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorNode {
    /// Stable identity; state belongs to it.
    pub uid: OperatorUid,
    /// For people: `Aggregate(origin)`.
    pub name: String,
    /// What the job master has to do for it.
    pub role: OperatorRole,
    /// Hash of what the operator computes, upstream included: differs when its input's meaning changed.
    pub meaning: String,
}

/// What an operator asks of the job master.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperatorRole {
    /// Reads splits that the job master assigns. Always the head of a chain.
    Source {
        /// Whether the input ends by itself.
        bounded: bool,
    },
    /// Computes without state.
    Stateless,
    /// Has keyed state in checkpoints. Always the head of a chain.
    Stateful,
    /// Writes to the outside. Always the tail of a chain.
    Sink {
        /// Whether output is staged in checkpoints and published after the epoch is owned.
        staged: bool,
        /// When staged output becomes visible.
        roll: RollPolicy,
    },
}

/// When pending staged segments of a sink are published. Whichever limit is met first; stop, restore and end of input
/// force it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollPolicy {
    /// Publish when this many bytes of one slot and partition are pending.
    pub bytes: u64,
    /// Publish when the oldest pending segment is this old, in milliseconds. 0: with every checkpoint.
    pub age_ms: u64,
}

/// An exchange between two chains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// Its index in the graph.
    pub id: EdgeId,
    /// The sending chain.
    pub from: ChainId,
    /// The receiving chain.
    pub to: ChainId,
    /// How rows find their target subtask.
    pub partitioning: Partitioning,
}

/// Routing of an exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Partitioning {
    /// Subtask `i` to subtask `i`; both sides have the same parallelism.
    Forward,
    /// By key group of these columns.
    Hash {
        /// Column indexes of the key in the sender's output.
        columns: Vec<usize>,
    },
    /// Whole batches in turn over all subtasks.
    Rebalance,
    /// Everything to subtask 0.
    Single,
}

impl JobGraph {
    /// All subtasks, chain by chain.
    pub fn subtasks(&self) -> impl Iterator<Item = SubtaskId> + '_ {
        self.chains.iter().flat_map(|c| (0..c.parallelism).map(|index| SubtaskId { chain: c.id, index }))
    }

    /// The exchanges that end in `chain`, in edge order. A subtask's channels are numbered edge by edge, sender by sender.
    pub fn inputs(&self, chain: ChainId) -> impl Iterator<Item = &Edge> + '_ {
        self.edges.iter().filter(move |e| e.to == chain)
    }

    /// The exchanges that start at `chain`, in edge order.
    pub fn outputs(&self, chain: ChainId) -> impl Iterator<Item = &Edge> + '_ {
        self.edges.iter().filter(move |e| e.from == chain)
    }

    /// The chain with this id, if the graph has it.
    #[must_use]
    pub fn chain(&self, id: ChainId) -> Option<&Chain> {
        self.chains.get(id.0 as usize)
    }

    /// Every operator with its chain.
    pub fn operators(&self) -> impl Iterator<Item = (&Chain, &OperatorNode)> + '_ {
        self.chains.iter().flat_map(|c| c.operators.iter().map(move |o| (c, o)))
    }
}

impl Chain {
    /// The source at its head, if it is one.
    #[must_use]
    pub fn source(&self) -> Option<&OperatorNode> {
        self.operators.first().filter(|o| matches!(o.role, OperatorRole::Source { .. }))
    }

    /// The sink at its tail, if it is one.
    #[must_use]
    pub fn sink(&self) -> Option<&OperatorNode> {
        self.operators.last().filter(|o| matches!(o.role, OperatorRole::Sink { .. }))
    }
}
