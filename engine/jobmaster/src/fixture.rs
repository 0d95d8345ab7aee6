//! Small graphs and values that the tables of this crate's tests are written with.

use millstream_checkpoint::{Manifest, Outcome};
use millstream_model::graph::{Chain, Edge, JobGraph, OperatorNode, OperatorRole, Partitioning, RollPolicy};
use millstream_model::snapshot::{OperatorCounters, OperatorFacts, SplitState, SubtaskSnapshot};
use millstream_model::{
    Attempt, ChainId, CheckpointId, EdgeId, Epoch, Generation, JobIdentity, OperatorUid, SplitId, SubtaskId,
    Watermark,
};

use crate::event::OwnedEpoch;

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

/// The manifest of a checkpoint of [`graph`] without any state.
pub(crate) fn manifest(checkpoint: u64) -> Manifest {
    Manifest {
        job: job(),
        checkpoint: CheckpointId(checkpoint),
        generation: Generation(1),
        attempt: Attempt(1),
        created_at_ms: 0,
        max_parallelism: 256,
        fingerprint: "f1".into(),
        sql: "SELECT 1".into(),
        engine_version: "0.1.0".into(),
        outcome: Outcome::Running,
        operators: Vec::new(),
        sources: Vec::new(),
        sinks: Vec::new(),
        finished: Vec::new(),
    }
}

/// Epoch `n`, which is checkpoint `n`.
pub(crate) fn owned(n: u64) -> OwnedEpoch {
    OwnedEpoch { epoch: Epoch(n), manifest: manifest(n) }
}

/// Who the job of these tests is.
pub(crate) fn job() -> JobIdentity {
    JobIdentity { namespace: "default".into(), name: "job".into(), uid: "local".into() }
}

/// A subtask's part of a checkpoint, with nothing in it.
pub(crate) fn snapshot(chain: u32, index: u32) -> SubtaskSnapshot {
    SubtaskSnapshot {
        subtask: SubtaskId { chain: ChainId(chain), index },
        segments: Vec::new(),
        splits: Vec::new(),
        facts: Vec::new(),
        staged: Vec::new(),
        is_finished: false,
        freeze_us: 10,
    }
}

/// A subtask's part of a checkpoint of `graph`, with the facts of each of its operators.
pub(crate) fn snapshot_of(graph: &JobGraph, chain: u32, index: u32, is_finished: bool) -> SubtaskSnapshot {
    let operators = &graph.chains[chain as usize].operators;
    let facts = operators
        .iter()
        .map(|o| OperatorFacts {
            operator: o.uid.clone(),
            watermark: if is_finished { Watermark::MAX } else { Watermark(5) },
            counters: OperatorCounters { rows_in: 1, ..OperatorCounters::default() },
        })
        .collect();
    SubtaskSnapshot { facts, is_finished, ..snapshot(chain, index) }
}
