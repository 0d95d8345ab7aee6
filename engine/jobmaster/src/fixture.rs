//! Small graphs and values that the tables of this crate's tests are written with.

use millstream_model::graph::{Chain, Edge, JobGraph, OperatorNode, OperatorRole, Partitioning, RollPolicy};
use millstream_model::snapshot::SplitState;
use millstream_model::{ChainId, EdgeId, OperatorUid, SplitId, Watermark};

/// Chains of these parallelisms, each reading the one before: the first starts with the bounded source `src`, the last ends
/// with the staged sink `out`.
pub(crate) fn graph(parallelism: &[u32]) -> JobGraph {
    let last = parallelism.len() - 1;
    let chains = parallelism.iter().enumerate().map(|(index, p)| chain(index, *p, last)).collect();
    let edges = (0..last)
        .map(|index| Edge {
            id: EdgeId(index as u32),
            from: ChainId(index as u32),
            to: ChainId(index as u32 + 1),
            partitioning: Partitioning::Hash { columns: vec![0] },
        })
        .collect();
    JobGraph { chains, edges, max_parallelism: 256, fingerprint: "f1".into() }
}

fn chain(index: usize, parallelism: u32, last: usize) -> Chain {
    let mut operators = Vec::new();
    if index == 0 {
        operators.push(operator("src", OperatorRole::Source { bounded: true }));
    } else {
        operators.push(operator(&format!("agg{index}"), OperatorRole::Stateful));
    }
    if index == last {
        let roll = RollPolicy { bytes: 1_000, age_ms: 0 };
        operators.push(operator("out", OperatorRole::Sink { staged: true, roll }));
    }
    Chain { id: ChainId(index as u32), name: format!("chain {index}"), parallelism, operators }
}

fn operator(uid: &str, role: OperatorRole) -> OperatorNode {
    OperatorNode { uid: OperatorUid(uid.into()), name: uid.into(), role, meaning: format!("m-{uid}") }
}

/// A split at its start.
pub(crate) fn split(name: &str) -> SplitState {
    SplitState {
        split: SplitId(name.into()),
        descriptor: name.as_bytes().to_vec(),
        position: Vec::new(),
        watermark: Watermark::MIN,
        is_idle: false,
        is_finished: false,
    }
}

/// The splits' names, joined by commas.
pub(crate) fn split_ids(splits: &[SplitState]) -> String {
    splits.iter().map(|s| s.split.0.as_str()).collect::<Vec<_>>().join(",")
}
