//! A small job for this crate's tests: `src` (chain 0) -hash-> `agg` -> `out` (chain 1).

use millstream_model::graph::{Chain, Edge, JobGraph, OperatorNode, OperatorRole, Partitioning, RollPolicy};
use millstream_model::snapshot::{
    ObjectRef, OperatorCounters, OperatorFacts, SplitState, StagedSegment, StateSegment, SubtaskSnapshot,
};
use millstream_model::{
    Attempt, ChainId, CheckpointId, EdgeId, Epoch, Generation, JobIdentity, KeyGroupRange, OperatorUid,
    SplitId, SubtaskId, Watermark,
};

use crate::manifest::{Manifest, OperatorState, Outcome, Publication, SinkState, SourceState};

pub(crate) const KEY_GROUPS: u32 = 128;

pub(crate) fn job() -> JobIdentity {
    JobIdentity { namespace: "default".to_owned(), name: "flights".to_owned(), uid: "local".to_owned() }
}

pub(crate) fn uid(name: &str) -> OperatorUid {
    OperatorUid(name.to_owned())
}

pub(crate) fn subtask(chain: u32, index: u32) -> SubtaskId {
    SubtaskId { chain: ChainId(chain), index }
}

pub(crate) fn object(key: &str, length: u64) -> ObjectRef {
    ObjectRef { key: key.to_owned(), length, checksum: crate::checksum(key.as_bytes()) }
}

/// The graph with `sources` and `aggregates` subtasks; output of a slot rolls at 100 bytes or 1,000 ms.
pub(crate) fn graph(sources: u32, aggregates: u32) -> JobGraph {
    let node = |name: &str, role| OperatorNode {
        uid: uid(name),
        name: format!("Operator({name})"),
        role,
        meaning: format!("{name}-v1"),
    };
    let roll = RollPolicy { bytes: 100, age_ms: 1_000 };
    JobGraph {
        chains: vec![
            Chain {
                id: ChainId(0),
                name: "src".to_owned(),
                parallelism: sources,
                operators: vec![node("src", OperatorRole::Source { bounded: true })],
            },
            Chain {
                id: ChainId(1),
                name: "agg -> out".to_owned(),
                parallelism: aggregates,
                operators: vec![
                    node("agg", OperatorRole::Stateful),
                    node("out", OperatorRole::Sink { staged: true, roll }),
                ],
            },
        ],
        edges: vec![Edge {
            id: EdgeId(0),
            from: ChainId(0),
            to: ChainId(1),
            partitioning: Partitioning::Hash { columns: vec![0] },
        }],
        max_parallelism: KEY_GROUPS,
        fingerprint: "f1".to_owned(),
    }
}

pub(crate) fn range(index: u32, parallelism: u32) -> KeyGroupRange {
    KeyGroupRange::of_subtask(index, parallelism, KEY_GROUPS)
}

pub(crate) fn delta(key: &str, key_groups: KeyGroupRange) -> StateSegment {
    StateSegment {
        operator: uid("agg"),
        table: "main".to_owned(),
        object: object(key, 10),
        rows: 5,
        key_groups,
        is_base: false,
    }
}

pub(crate) fn base(key: &str, key_groups: KeyGroupRange) -> StateSegment {
    StateSegment { is_base: true, ..delta(key, key_groups) }
}

pub(crate) fn split(name: &str, position: &str) -> SplitState {
    SplitState {
        split: SplitId(name.to_owned()),
        descriptor: b"descriptor".to_vec(),
        position: position.as_bytes().to_vec(),
        watermark: Watermark(17),
        is_idle: false,
        is_finished: false,
    }
}

pub(crate) fn finished(split: SplitState) -> SplitState {
    SplitState { is_finished: true, ..split }
}

/// A segment of sink `out` with 3 rows.
pub(crate) fn staged(key: &str, slot: u32, length: u64, closed_at_ms: u64) -> StagedSegment {
    StagedSegment {
        sink: uid("out"),
        slot,
        partition: String::new(),
        object: object(key, length),
        rows: 3,
        closed_at_ms,
    }
}

/// A snapshot without state that says facts about every operator of its chain.
pub(crate) fn snapshot(subtask: SubtaskId) -> SubtaskSnapshot {
    let operators: &[&str] = if subtask.chain.0 == 0 { &["src"] } else { &["agg", "out"] };
    let facts = operators.iter().map(|o| OperatorFacts {
        operator: uid(o),
        watermark: Watermark(i64::from(100 + subtask.index)),
        counters: OperatorCounters { rows_in: 10, rows_out: 1, ..OperatorCounters::default() },
    });
    SubtaskSnapshot {
        subtask,
        segments: vec![],
        splits: vec![],
        facts: facts.collect(),
        staged: vec![],
        is_finished: false,
        freeze_us: 0,
    }
}

/// A manifest with at least one of everything.
pub(crate) fn a_manifest() -> Manifest {
    let operator = |name: &str, is_stateful, segments| OperatorState {
        uid: uid(name),
        name: format!("Operator({name})"),
        meaning: format!("{name}-v1"),
        parallelism: 2,
        is_stateful,
        segments,
        facts: OperatorFacts {
            operator: uid(name),
            watermark: if is_stateful { Watermark::MAX } else { Watermark::MIN },
            counters: OperatorCounters {
                rows_in: 1,
                rows_out: 2,
                late_dropped: 3,
                skipped: 4,
                lost_retractions: u64::MAX,
            },
        },
    };
    Manifest {
        job: job(),
        checkpoint: CheckpointId(7),
        generation: Generation(2),
        attempt: Attempt(3),
        created_at_ms: 1_700_000_000_000,
        max_parallelism: KEY_GROUPS,
        fingerprint: "f1".to_owned(),
        sql: "SELECT 'é'".to_owned(),
        engine_version: "0.1.0".to_owned(),
        outcome: Outcome::Running,
        operators: vec![
            operator("src", false, vec![]),
            operator(
                "agg",
                true,
                vec![base("b0", range(0, 2)), delta("d0", range(0, 2)), base("b1", range(1, 2))],
            ),
            operator("out", false, vec![]),
        ],
        sources: vec![SourceState {
            uid: uid("src"),
            enumerator: vec![0, 1, 2],
            splits: vec![
                finished(split("a", "9")),
                SplitState { is_idle: true, watermark: Watermark::MIN, ..split("b", "4") },
                split("c", ""),
            ],
        }],
        sinks: vec![SinkState {
            uid: uid("out"),
            slots: 4,
            last_output: Some(Epoch(5)),
            publications: vec![Publication {
                id: Publication::id_of(CheckpointId(7), Generation(2), 0, 0),
                slot: 0,
                partition: "dt=2024-01-01".to_owned(),
                segments: vec![
                    StagedSegment { partition: "dt=2024-01-01".to_owned(), ..staged("s1", 0, 50, 900) },
                    StagedSegment { partition: "dt=2024-01-01".to_owned(), ..staged("s2", 0, 60, 950) },
                ],
            }],
            pending: vec![staged("s3", 1, 20, 990)],
            repeated: vec!["s0".to_owned()],
        }],
        finished: vec![subtask(0, 1)],
    }
}
