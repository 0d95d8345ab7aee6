//! What each subtask, source and sink of a job graph gets back from a manifest.
//!
//! Operators are matched by uid; parallelism may differ, the number of key groups may not once there is state. Nothing is
//! dropped silently: what the graph has no operator for is listed as lost, and the caller lets nothing start before a
//! person has named it. Example: state of `agg` in segments `[0, 64)` and `[64, 128)` restored at parallelism 3: subtask 1
//! owns `[43, 86)` and gets both, each of which it filters by key group.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use millstream_model::graph::{JobGraph, OperatorNode, OperatorRole};
use millstream_model::snapshot::{OperatorCounters, OperatorFacts, SubtaskRestore};
use millstream_model::{ErrorKind, KeyGroupRange, OperatorUid, SubtaskId};
use serde::{Deserialize, Serialize};

use crate::manifest::{Manifest, OperatorState, SourceState};

/// How a job graph continues from a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestorePlan {
    /// What every subtask of the graph starts from; empty for operators that are new.
    pub subtasks: BTreeMap<SubtaskId, SubtaskRestore>,
    /// Sources of the graph that were in the manifest, with all their splits.
    pub sources: Vec<SourceState>,
    /// The parent of the next checkpoint: the manifest without what was dropped.
    pub parent: Manifest,
    /// Operators of the graph whose state, splits or pending output go on as they were.
    pub kept: Vec<OperatorUid>,
    /// Like `kept`, but what they compute, or their input, changed its meaning.
    pub changed: Vec<OperatorUid>,
    /// Operators of the graph with state, splits or staged output that the manifest does not know.
    pub new: Vec<OperatorUid>,
    /// What would be lost, and was not named as droppable: the job must not start.
    pub lost: Vec<Loss>,
    /// What is dropped because its uid was named.
    pub dropped: Vec<Loss>,
}

/// Something in the manifest that the graph has no place for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// The operator.
    pub uid: OperatorUid,
    /// Its name, for people.
    pub name: String,
    /// What is lost.
    pub what: LossKind,
}

/// What is lost with an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LossKind {
    /// Keyed state: rows in its segments, changes and deletions included.
    State {
        /// How many.
        rows: u64,
    },
    /// Positions in a source: how many records had been read.
    Positions {
        /// How many.
        records: u64,
    },
    /// Output that was staged and is not visible yet.
    StagedOutput {
        /// How many rows.
        rows: u64,
    },
}

impl fmt::Display for LossKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State { rows } => write!(f, "state of {rows} rows"),
            Self::Positions { records } => write!(f, "the positions behind {records} records"),
            Self::StagedOutput { rows } => write!(f, "{rows} rows of output that are not visible yet"),
        }
    }
}

/// A graph that cannot continue from a manifest at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// State is divided into another number of key groups.
    #[error(
        "the job's state is divided into {manifest} key groups, and maxParallelism is now {graph}; it is fixed for the life of a job"
    )]
    MaxParallelism {
        /// In the manifest.
        manifest: u32,
        /// In the graph.
        graph: u32,
    },
}

impl RestoreError {
    /// What has to happen next.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::State
    }
}

/// Plans the restore of `manifest` into `graph`. What has a uid in `droppable` may be lost.
///
/// # Errors
/// See [`RestoreError`].
pub fn plan_restore(
    manifest: &Manifest,
    graph: &JobGraph,
    droppable: &BTreeSet<OperatorUid>,
) -> Result<RestorePlan, RestoreError> {
    let roles: BTreeMap<&OperatorUid, &OperatorNode> = graph.operators().map(|(_, o)| (&o.uid, o)).collect();
    let mut parent = manifest.clone();
    // Droppable names state to give up, also when the operator is still there.
    let continues = |uid: &OperatorUid, fits: fn(&OperatorRole) -> bool| {
        roles.get(uid).is_some_and(|o| fits(&o.role)) && !droppable.contains(uid)
    };
    let (dropped, lost) = losses(manifest, continues).into_iter().partition(|l| droppable.contains(&l.uid));
    parent.sources.retain(|s| continues(&s.uid, is_source));
    parent.sinks.retain(|s| continues(&s.uid, is_staged_sink));
    parent.operators.retain(|o| continues(&o.uid, |_| true));
    for operator in &mut parent.operators {
        if !continues(&operator.uid, is_stateful) {
            operator.segments.clear();
        }
    }
    let has_state = parent.operators.iter().any(|o| !o.segments.is_empty());
    if manifest.max_parallelism != graph.max_parallelism {
        if has_state {
            return Err(RestoreError::MaxParallelism {
                manifest: manifest.max_parallelism,
                graph: graph.max_parallelism,
            });
        }
        parent.max_parallelism = graph.max_parallelism;
    }

    let mut plan = RestorePlan {
        subtasks: BTreeMap::new(),
        sources: parent.sources.clone(),
        kept: Vec::new(),
        changed: Vec::new(),
        new: Vec::new(),
        lost,
        dropped,
        parent,
    };
    for (_, node) in graph.operators().filter(|(_, o)| has_something_to_keep(&o.role)) {
        let list = match plan.parent.operator(&node.uid) {
            None => &mut plan.new,
            Some(old) if old.meaning != node.meaning => &mut plan.changed,
            Some(_) => &mut plan.kept,
        };
        list.push(node.uid.clone());
    }
    plan.subtasks = graph.subtasks().map(|s| (s, subtask_restore(&plan.parent, graph, s))).collect();
    Ok(plan)
}

fn subtask_restore(parent: &Manifest, graph: &JobGraph, subtask: SubtaskId) -> SubtaskRestore {
    let Some(chain) = graph.chain(subtask.chain) else { return SubtaskRestore::default() };
    let range = KeyGroupRange::of_subtask(subtask.index, chain.parallelism, graph.max_parallelism);
    let operators = chain.operators.iter().filter_map(|o| parent.operator(&o.uid));
    let facts = |o: &OperatorState| OperatorFacts {
        // Each counter must be counted once, so one subtask carries them all.
        counters: if subtask.index == 0 { o.facts.counters } else { OperatorCounters::default() },
        ..o.facts.clone()
    };
    SubtaskRestore {
        segments: operators
            .clone()
            .flat_map(|o| &o.segments)
            .filter(|s| s.key_groups.overlaps(range))
            .cloned()
            .collect(),
        facts: operators.map(facts).collect(),
    }
}

fn losses(manifest: &Manifest, fits: impl Fn(&OperatorUid, fn(&OperatorRole) -> bool) -> bool) -> Vec<Loss> {
    let name = |uid: &OperatorUid| manifest.operator(uid).map_or_else(|| uid.0.clone(), |o| o.name.clone());
    let loss = |uid: &OperatorUid, what| Loss { uid: uid.clone(), name: name(uid), what };
    let mut losses = Vec::new();
    for operator in manifest.operators.iter().filter(|o| !fits(&o.uid, is_stateful)) {
        let rows = operator.segments.iter().map(|s| s.rows).sum();
        if rows > 0 {
            losses.push(loss(&operator.uid, LossKind::State { rows }));
        }
    }
    for source in manifest.sources.iter().filter(|s| !fits(&s.uid, is_source)) {
        // Splits alone do not tell: those that are read to their end are not in the manifest any more.
        let is_begun = source.splits.iter().any(|s| s.is_finished || !s.position.is_empty());
        let counters = manifest.operator(&source.uid).map(|o| o.facts.counters).unwrap_or_default();
        let records = counters.rows_in + counters.skipped;
        if is_begun || records > 0 {
            losses.push(loss(&source.uid, LossKind::Positions { records }));
        }
    }
    for sink in manifest.sinks.iter().filter(|s| !fits(&s.uid, is_staged_sink)) {
        let rows = sink.pending.iter().map(|s| s.rows).sum();
        if rows > 0 {
            losses.push(loss(&sink.uid, LossKind::StagedOutput { rows }));
        }
    }
    losses
}

const fn has_something_to_keep(role: &OperatorRole) -> bool {
    is_stateful(role) || is_source(role) || is_staged_sink(role)
}

const fn is_stateful(role: &OperatorRole) -> bool {
    matches!(role, OperatorRole::Stateful)
}

const fn is_source(role: &OperatorRole) -> bool {
    matches!(role, OperatorRole::Source { .. })
}

const fn is_staged_sink(role: &OperatorRole) -> bool {
    matches!(role, OperatorRole::Sink { staged: true, .. })
}

#[cfg(test)]
#[path = "restore/restore_test.rs"]
mod restore_test;
