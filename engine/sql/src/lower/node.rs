//! The DAG of stream operators before it is cut into chains.

use arrow::datatypes::SchemaRef;
use millstream_model::graph::RollPolicy;
use millstream_plan::{
    CalcSpec, GroupAggregateSpec, LocalAggregateSpec, SinkSpec, SourceSpec, StateTtl, WindowAggregateSpec,
    WindowAssignSpec,
};

/// Index of a node in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(pub(crate) usize);

/// Nodes in topological order.
#[derive(Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
}

impl Graph {
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        // Ids are only made by `add`.
        &self.nodes[id.0]
    }

    /// Adds a node, or finds the one that is the same: the same operator over the same inputs runs once.
    pub(crate) fn add(&mut self, node: Node) -> NodeId {
        let is_sink = matches!(node.kind, NodeKind::Sink(_));
        let is_same = |other: &Node| {
            other.meaning == node.meaning && other.inputs == node.inputs && other.ttl() == node.ttl()
        };
        let twin = self.nodes.iter().position(|other| !is_sink && is_same(other));
        if let Some(index) = twin {
            return NodeId(index);
        }
        self.nodes.push(node);
        NodeId(self.nodes.len() - 1)
    }

    /// How many nodes read this one.
    pub(crate) fn consumers(&self, id: NodeId) -> usize {
        self.nodes.iter().flat_map(|node| &node.inputs).filter(|input| **input == id).count()
    }
}

/// One operator with everything that its consumers and the explanation need to know.
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    pub(crate) inputs: Vec<NodeId>,
    /// Schema of the output; for a sink of its input.
    pub(crate) schema: SchemaRef,
    pub(crate) changelog: Changelog,
    /// Columns that identify a row of the output, if some do.
    pub(crate) unique_key: Option<Vec<usize>>,
    /// Where each output column comes from, in terms of tables and stateful operators.
    pub(crate) lineage: Vec<String>,
    /// Why rows are updated: the clause to name in messages.
    pub(crate) update_cause: Option<UpdateCause>,
    /// Stable identity before twins are numbered.
    pub(crate) uid: String,
    /// Hash of what it computes, upstream included.
    pub(crate) meaning: String,
    /// Uids of the nearest stateful or source nodes, itself if it is one.
    pub(crate) anchors: Vec<String>,
    pub(crate) name: String,
    /// Lines for the explanation.
    pub(crate) details: Vec<(&'static str, String)>,
    /// Whether everything upstream ends by itself.
    pub(crate) bounded: bool,
}

impl Node {
    /// How long its state outlives its last write. No part of its meaning: with another TTL it goes on with the same state.
    pub(crate) fn ttl(&self) -> Option<StateTtl> {
        match &self.kind {
            NodeKind::GroupAggregate { global, .. } => global.ttl,
            _ => None,
        }
    }
}

/// What a node does.
pub(crate) enum NodeKind {
    Source { spec: Box<SourceSpec>, limit: Option<u32> },
    Calc(CalcSpec),
    WindowAssign(WindowAssignSpec),
    WindowAggregate { local: Option<Box<WindowAggregateSpec>>, global: Box<WindowAggregateSpec> },
    ProcessingWindowAggregate { local: Option<LocalAggregateSpec>, global: Box<WindowAggregateSpec> },
    GroupAggregate { local: Option<LocalAggregateSpec>, global: Box<GroupAggregateSpec> },
    Union,
    Sink(Box<SinkNode>),
}

/// A sink and what its connector asks for.
pub(crate) struct SinkNode {
    pub(crate) spec: SinkSpec,
    pub(crate) staged: bool,
    pub(crate) roll: RollPolicy,
    pub(crate) limit: Option<u32>,
}

/// Which kinds of changes flow along an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changelog {
    /// `+I` only.
    AppendOnly,
    /// Every change, with the row before it.
    Retract,
}

/// The clause that makes a stream an updating one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UpdateCause {
    GroupBy,
    Distinct,
    GlobalAggregate,
}

impl UpdateCause {
    /// The word that stands in the text.
    pub(crate) fn keyword(self) -> &'static str {
        match self {
            Self::GroupBy => "GROUP",
            Self::Distinct => "DISTINCT",
            Self::GlobalAggregate => "SELECT",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GroupBy => "GROUP BY without a window",
            Self::Distinct => "SELECT DISTINCT",
            Self::GlobalAggregate => "an aggregate over the whole stream",
        }
    }
}
