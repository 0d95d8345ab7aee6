//! Cuts the DAG into chains, gives them parallelism, and joins them by exchanges.
//!
//! A chain is as long as it can be: it ends where rows must move to another subtask, where several operators read the
//! same output, and where parallelism must change. Stateful operators and sources are heads, sinks are tails. Example:
//! `source -> filter -> local aggregate` at parallelism 4, `-hash(k)->`, `aggregate -> sink` at parallelism 4.

use std::collections::BTreeMap;

use millstream_model::graph::{Chain, Edge, JobGraph, OperatorNode, OperatorRole, Partitioning};
use millstream_model::{ChainId, EdgeId, OperatorUid};
use millstream_plan::{CompiledChain, LocalAggregateSpec, OperatorSpec};

use super::identity::long_hash;
use super::node::{Changelog, Graph, Node, NodeId, NodeKind};

/// Parallelism of a job.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Width {
    pub(crate) parallelism: u32,
    pub(crate) max_parallelism: u32,
}

/// Chains with what the explanation wants to know of them.
pub(crate) struct Chained {
    pub(crate) graph: JobGraph,
    pub(crate) chains: Vec<CompiledChain>,
    /// Final uid of each node.
    pub(crate) uids: Vec<String>,
    /// Parallelism of each node; 0 for a union, which is no operator.
    pub(crate) parallelism: Vec<u32>,
}

/// Cuts a graph into chains.
pub(crate) fn chain(graph: &Graph, width: Width) -> Chained {
    let mut builder = Builder {
        width,
        graph,
        drafts: Vec::new(),
        edges: Vec::new(),
        ports: Vec::new(),
        widths: Vec::new(),
    };
    let uids = unique_uids(graph);
    for (index, node) in graph.nodes.iter().enumerate() {
        builder.add(node, &uids[index]);
    }
    builder.finish(uids)
}

/// Twins are numbered in the order of the graph.
fn unique_uids(graph: &Graph) -> Vec<String> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut uids = Vec::with_capacity(graph.nodes.len());
    for Node { uid, .. } in &graph.nodes {
        let count = seen.entry(uid.as_str()).or_insert(0);
        *count += 1;
        uids.push(if *count == 1 { uid.clone() } else { format!("{uid}-{count}") });
    }
    uids
}

struct Draft {
    parallelism: u32,
    operators: Vec<(OperatorNode, OperatorSpec)>,
}

struct Builder<'a> {
    width: Width,
    graph: &'a Graph,
    drafts: Vec<Draft>,
    edges: Vec<Edge>,
    /// The chains that a node's output comes from; several for a union.
    ports: Vec<Vec<usize>>,
    widths: Vec<u32>,
}

impl Builder<'_> {
    fn add(&mut self, node: &Node, uid: &str) {
        let operator = |suffix: &str, name: String, role| OperatorNode {
            uid: OperatorUid(format!("{uid}{suffix}")),
            name,
            role,
            meaning: node.meaning.clone(),
        };
        let plain = |role| operator("", node.name.clone(), role);
        let chain = match &node.kind {
            NodeKind::Source { spec, limit } => {
                let parallelism = self.width.parallelism.min(limit.unwrap_or(u32::MAX)).max(1);
                let role = OperatorRole::Source { bounded: node.bounded };
                self.start(parallelism, (plain(role), OperatorSpec::Source((**spec).clone())))
            }
            NodeKind::Calc(spec) => {
                self.extend(node, (plain(OperatorRole::Stateless), OperatorSpec::Calc(spec.clone())), None)
            }
            NodeKind::WindowAssign(spec) => self.extend(
                node,
                (plain(OperatorRole::Stateless), OperatorSpec::WindowAssign(spec.clone())),
                None,
            ),
            NodeKind::WindowAggregate { local, global } => {
                let global_keys = global.keys.clone();
                let keys = match local {
                    Some(spec) => {
                        let name = format!("Local{}", node.name);
                        let spec = OperatorSpec::LocalWindowAggregate((**spec).clone());
                        let tail = self.extend(
                            node,
                            (operator("-local", name, OperatorRole::Stateless), spec),
                            None,
                        );
                        // Behind the slice's end and the first window that it may count in.
                        let keys = (2..2 + global_keys.len()).collect();
                        return self.keyed(
                            node,
                            vec![tail],
                            keys,
                            (
                                plain(OperatorRole::Stateful),
                                OperatorSpec::WindowAggregate((**global).clone()),
                            ),
                        );
                    }
                    None => global_keys,
                };
                let ports = self.inputs(node);
                return self.keyed(
                    node,
                    ports,
                    keys,
                    (plain(OperatorRole::Stateful), OperatorSpec::WindowAggregate((**global).clone())),
                );
            }
            NodeKind::GroupAggregate { local, global } => {
                let spec = OperatorSpec::GroupAggregate((**global).clone());
                let first = local.as_ref().map(|local| {
                    let name = format!("Local{}", node.name);
                    (operator("-local", name, OperatorRole::Stateless), local)
                });
                return self.timeless(node, first, &global.keys, (plain(OperatorRole::Stateful), spec));
            }
            NodeKind::ProcessingWindowAggregate { local, global } => {
                let spec = OperatorSpec::ProcessingWindowAggregate((**global).clone());
                let first = local.as_ref().map(|local| {
                    let name = format!("Local{}", node.name);
                    (operator("-local", name, OperatorRole::Stateless), local)
                });
                return self.timeless(node, first, &global.keys, (plain(OperatorRole::Stateful), spec));
            }
            NodeKind::Union => {
                let ports = self.inputs(node);
                self.ports.push(ports);
                self.widths.push(0);
                return;
            }
            NodeKind::Sink(sink) => {
                let role = OperatorRole::Sink { staged: sink.staged, roll: sink.roll };
                self.extend(node, (plain(role), OperatorSpec::Sink(sink.spec.clone())), sink.limit)
            }
        };
        self.ports.push(vec![chain]);
        self.widths.push(self.drafts[chain].parallelism);
    }

    /// The chains that feed a node.
    fn inputs(&self, node: &Node) -> Vec<usize> {
        node.inputs.iter().flat_map(|input| self.ports.get(input.0).cloned().unwrap_or_default()).collect()
    }

    fn start(&mut self, parallelism: u32, operator: (OperatorNode, OperatorSpec)) -> usize {
        self.drafts.push(Draft { parallelism, operators: vec![operator] });
        self.drafts.len() - 1
    }

    /// Appends an operator to its input's chain, or starts a chain of its own where it cannot be appended.
    fn extend(&mut self, node: &Node, operator: (OperatorNode, OperatorSpec), limit: Option<u32>) -> usize {
        let ports = self.inputs(node);
        let is_alone = node.inputs.iter().all(|input| self.graph.consumers(*input) == 1);
        let limit = limit.unwrap_or(u32::MAX).max(1);
        if let [port] = ports.as_slice()
            && is_alone
            && self.drafts[*port].parallelism <= limit
        {
            self.drafts[*port].operators.push(operator);
            return *port;
        }
        let widest = ports.iter().map(|port| self.drafts[*port].parallelism).max().unwrap_or(1);
        let parallelism = widest.min(limit);
        let chain = self.start(parallelism, operator);
        for port in ports {
            let partitioning = self.spread(node, port, parallelism);
            self.connect(port, chain, partitioning);
        }
        chain
    }

    /// How rows get to a chain that does not ask for keys.
    fn spread(&self, node: &Node, from: usize, parallelism: u32) -> Partitioning {
        if parallelism == 1 {
            return Partitioning::Single;
        }
        if self.drafts[from].parallelism == parallelism {
            return Partitioning::Forward;
        }
        let input = node.inputs.first().map(|input| self.graph.node(*input));
        match input {
            // Changes of one row must stay in order, so they take one way.
            Some(input) if input.changelog == Changelog::Retract => {
                let all = || (0..input.schema.fields().len()).collect();
                Partitioning::Hash { columns: input.unique_key.clone().unwrap_or_else(all) }
            }
            _ => Partitioning::Rebalance,
        }
    }

    /// Starts a chain with a stateful operator that gets rows by key.
    fn keyed(
        &mut self,
        _node: &Node,
        ports: Vec<usize>,
        keys: Vec<usize>,
        operator: (OperatorNode, OperatorSpec),
    ) {
        let parallelism = if keys.is_empty() { 1 } else { self.width.parallelism };
        let chain = self.start(parallelism, operator);
        for port in ports {
            let partitioning = if keys.is_empty() {
                Partitioning::Single
            } else {
                Partitioning::Hash { columns: keys.clone() }
            };
            self.connect(port, chain, partitioning);
        }
        self.ports.push(vec![chain]);
        self.widths.push(parallelism);
    }

    /// An aggregate whose first phase, if it has one, knows no time: its partial rows begin with the keys.
    fn timeless(
        &mut self,
        node: &Node,
        first: Option<(OperatorNode, &LocalAggregateSpec)>,
        keys: &[usize],
        operator: (OperatorNode, OperatorSpec),
    ) {
        let (ports, keys) = match first {
            Some((first, local)) => {
                let tail = self.extend(node, (first, OperatorSpec::LocalAggregate(local.clone())), None);
                (vec![tail], (0..keys.len()).collect())
            }
            None => (self.inputs(node), keys.to_vec()),
        };
        self.keyed(node, ports, keys, operator);
    }

    fn connect(&mut self, from: usize, to: usize, partitioning: Partitioning) {
        let id = EdgeId(count(self.edges.len()));
        self.edges.push(Edge { id, from: ChainId(count(from)), to: ChainId(count(to)), partitioning });
    }

    fn finish(self, uids: Vec<String>) -> Chained {
        let mut chains = Vec::new();
        let mut compiled = Vec::new();
        for (index, draft) in self.drafts.into_iter().enumerate() {
            let (operators, specs): (Vec<_>, Vec<_>) = draft.operators.into_iter().unzip();
            let names: Vec<&str> = operators.iter().map(|operator| operator.name.as_str()).collect();
            chains.push(Chain {
                id: ChainId(count(index)),
                name: names.join(" -> "),
                parallelism: draft.parallelism,
                operators,
            });
            compiled.push(CompiledChain { operators: specs });
        }
        let max_parallelism = self.width.max_parallelism;
        let fingerprint =
            long_hash(&format!("{max_parallelism}\n{chains:?}\n{:?}\n{compiled:?}", self.edges));
        Chained {
            graph: JobGraph { chains, edges: self.edges, max_parallelism, fingerprint },
            chains: compiled,
            uids,
            parallelism: self.widths,
        }
    }
}

/// Counts of chains and edges are far below the token limit of a text.
fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The parallelism that a node's output comes with, through unions.
pub(crate) fn output_parallelism(graph: &Graph, chained: &Chained, id: NodeId) -> u32 {
    match chained.parallelism.get(id.0).copied().unwrap_or(0) {
        0 => {
            let inputs = &graph.node(id).inputs;
            inputs.iter().map(|input| output_parallelism(graph, chained, *input)).max().unwrap_or(1)
        }
        parallelism => parallelism,
    }
}
