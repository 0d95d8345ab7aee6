//! Building the manifest of a checkpoint from the one before and what every subtask reported.
//!
//! What a subtask reports repeats itself: everything since the last epoch that it *knows* to be owned, so segments that the
//! parent already has come again until the news arrives. Objects are told apart by key, hence two rules for whoever
//! reports: an uploaded segment keeps its key as long as it is reported, and segments come in the order in which they were
//! made. After a change of parallelism each subtask reports a base (an empty one, if it has no rows) for every table in
//! which it was restored something; the old segments go only because bases cover their key groups, and a missing base is an
//! error, never silently lost state.
//!
//! Example: the parent publishes staged segment `s1` and keeps `s2` pending. A subtask that has not heard of it reports
//! `s1 s2 s3`. Then `s1` is remembered as repeated, `s2` and `s3` are pending, and the roll policy decides on them.

mod sinks;
mod sources;
mod state;

use std::collections::{BTreeMap, BTreeSet};

use millstream_model::control::BarrierKind;
use millstream_model::graph::{JobGraph, OperatorNode, OperatorRole};
use millstream_model::snapshot::{OperatorCounters, OperatorFacts, SplitState, SubtaskSnapshot};
use millstream_model::{
    Attempt, CheckpointId, Epoch, ErrorKind, Generation, JobIdentity, OperatorUid, SplitId, SubtaskId,
    Watermark,
};
use serde::{Deserialize, Serialize};

use crate::manifest::{Manifest, OperatorState, Outcome};

/// Everything that a manifest is made of.
#[derive(Clone, Copy, Debug)]
pub struct CheckpointParts<'a> {
    /// Whose checkpoint it is.
    pub job: &'a JobIdentity,
    /// The SQL that the graph was compiled from.
    pub sql: &'a str,
    /// Version of this engine.
    pub engine_version: &'a str,
    /// The checkpoint's number.
    pub checkpoint: CheckpointId,
    /// The coordinator that assembles it.
    pub generation: Generation,
    /// The deployment whose subtasks reported.
    pub attempt: Attempt,
    /// What kind of barrier went through.
    pub kind: BarrierKind,
    /// Milliseconds by the coordinator's clock.
    pub now_ms: u64,
    /// Whether pending output may stay pending.
    pub roll: Roll,
    /// The newest owned checkpoint of this run, at first what was restored ([`crate::restore::RestorePlan::parent`]).
    pub parent: Option<&'a Manifest>,
    /// The parent's place in the log.
    pub parent_epoch: Option<Epoch>,
    /// Epochs whose output was given up by name: no target will ever know of them.
    pub discarded: &'a BTreeSet<Epoch>,
    /// The job graph of the deployment.
    pub graph: &'a JobGraph,
    /// One from each subtask of the graph.
    pub snapshots: &'a [SubtaskSnapshot],
    /// One from each source of the graph, taken together with the barrier's trigger.
    pub enumerators: &'a [EnumeratorState],
}

/// Whether staged output may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Roll {
    /// Each sink's roll policy decides. A final checkpoint publishes everything all the same.
    ByPolicy,
    /// Everything is published with this checkpoint: before a rescale, for a savepoint.
    Everything,
}

/// What the coordinator knows about a source's splits at the trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnumeratorState {
    /// The source.
    pub source: OperatorUid,
    /// The enumerator's own encoding of what it has found.
    pub state: Vec<u8>,
    /// Splits that no subtask has, in the order in which they will be assigned.
    pub unassigned: Vec<SplitState>,
    /// Finished splits that the enumerator itself remembers from now on; the manifest drops them.
    pub forgotten: Vec<SplitId>,
}

/// The parts do not make a checkpoint. Each of these is a bug of whoever made the parts; the checkpoint must be aborted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssembleError {
    /// A subtask of the graph did not report.
    #[error("subtask {0} reported no snapshot")]
    MissingSnapshot(SubtaskId),
    /// A subtask reported twice, or does not exist.
    #[error("subtask {0} is not in the graph or reported twice")]
    UnexpectedSnapshot(SubtaskId),
    /// A subtask reported something for an operator outside its chain.
    #[error("subtask {subtask} reported {what} of operator {operator}, which is not in its chain")]
    ForeignOperator {
        /// Who.
        subtask: SubtaskId,
        /// State, facts or staged output.
        what: &'static str,
        /// Whose.
        operator: OperatorUid,
    },
    /// A subtask said nothing about one of its operators.
    #[error("subtask {subtask} reported no facts of operator {operator}")]
    MissingFacts {
        /// Who.
        subtask: SubtaskId,
        /// Whose.
        operator: OperatorUid,
    },
    /// State of key groups that another subtask owns.
    #[error("subtask {subtask} reported a segment of {operator}.{table} outside its key groups")]
    ForeignKeyGroups {
        /// Who.
        subtask: SubtaskId,
        /// Whose state.
        operator: OperatorUid,
        /// Which table.
        table: String,
    },
    /// Inherited state would be lost.
    #[error(
        "operator {operator} changed its parallelism, and no base replaces segment {segment} of table {table}"
    )]
    MissingBase {
        /// Whose state.
        operator: OperatorUid,
        /// Which table.
        table: String,
        /// The key of the inherited segment.
        segment: String,
    },
    /// A source of the graph has no enumerator state.
    #[error("there is no enumerator state of source {0}")]
    MissingEnumerator(OperatorUid),
    /// Two subtasks, or a subtask and the enumerator, have the same split.
    #[error("split {split} of source {source_uid} is in two places")]
    SplitTwice {
        /// The source.
        source_uid: OperatorUid,
        /// The split.
        split: SplitId,
    },
    /// A split that was being read is nowhere.
    #[error("split {split} of source {source_uid} is neither assigned, nor waiting, nor finished")]
    SplitLost {
        /// The source.
        source_uid: OperatorUid,
        /// The split.
        split: SplitId,
    },
    /// A finished split is being read again.
    #[error("split {split} of source {source_uid} was finished and is being read again")]
    SplitReopened {
        /// The source.
        source_uid: OperatorUid,
        /// The split.
        split: SplitId,
    },
    /// The number of key groups changed.
    #[error("the job has {found} key groups, its last checkpoint has {expected}")]
    MaxParallelism {
        /// In the parent.
        expected: u32,
        /// In the graph.
        found: u32,
    },
}

impl AssembleError {
    /// What has to happen next.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::Bug
    }
}

/// Snapshots by subtask; exactly the graph's subtasks.
type Snapshots<'a> = BTreeMap<SubtaskId, &'a SubtaskSnapshot>;

/// The manifest of the checkpoint, complete and consistent with its parent.
///
/// # Errors
/// See [`AssembleError`].
pub fn assemble(parts: &CheckpointParts<'_>) -> Result<Manifest, AssembleError> {
    if let Some(parent) = parts.parent
        && parent.max_parallelism != parts.graph.max_parallelism
    {
        return Err(AssembleError::MaxParallelism {
            expected: parent.max_parallelism,
            found: parts.graph.max_parallelism,
        });
    }
    let snapshots = by_subtask(parts)?;
    let finished: Vec<SubtaskId> = snapshots.values().filter(|s| s.is_finished).map(|s| s.subtask).collect();
    let outcome = Outcome::of(parts.kind, finished.len() == snapshots.len());
    let roll = if outcome.is_final() { Roll::Everything } else { parts.roll };
    let mut manifest = Manifest {
        job: parts.job.clone(),
        checkpoint: parts.checkpoint,
        generation: parts.generation,
        attempt: parts.attempt,
        created_at_ms: parts.now_ms,
        max_parallelism: parts.graph.max_parallelism,
        fingerprint: parts.graph.fingerprint.clone(),
        sql: parts.sql.to_owned(),
        engine_version: parts.engine_version.to_owned(),
        outcome,
        operators: Vec::new(),
        sources: Vec::new(),
        sinks: Vec::new(),
        finished,
    };
    for (chain, node) in parts.graph.operators() {
        let own: Vec<&SubtaskSnapshot> =
            snapshots.values().filter(|s| s.subtask.chain == chain.id).copied().collect();
        let is_stateful = node.role == OperatorRole::Stateful;
        manifest.operators.push(OperatorState {
            uid: node.uid.clone(),
            name: node.name.clone(),
            meaning: node.meaning.clone(),
            parallelism: chain.parallelism,
            is_stateful,
            segments: if is_stateful { state::segments(parts, chain, node, &own)? } else { Vec::new() },
            facts: merged_facts(node, &own)?,
        });
        match node.role {
            OperatorRole::Source { .. } => manifest.sources.push(sources::source(parts, node, &own)?),
            OperatorRole::Sink { staged: true, roll: policy } => {
                manifest.sinks.push(sinks::sink(parts, chain, node, policy, roll, &own));
            }
            OperatorRole::Stateless | OperatorRole::Stateful | OperatorRole::Sink { .. } => {}
        }
    }
    Ok(manifest)
}

fn by_subtask<'a>(parts: &CheckpointParts<'a>) -> Result<Snapshots<'a>, AssembleError> {
    let mut snapshots = Snapshots::new();
    for snapshot in parts.snapshots {
        let subtask = snapshot.subtask;
        let Some(chain) = parts.graph.chain(subtask.chain).filter(|c| subtask.index < c.parallelism) else {
            return Err(AssembleError::UnexpectedSnapshot(subtask));
        };
        if snapshots.insert(subtask, snapshot).is_some() {
            return Err(AssembleError::UnexpectedSnapshot(subtask));
        }
        let has = |uid: &OperatorUid, role: fn(&OperatorRole) -> bool| {
            chain.operators.iter().any(|o| o.uid == *uid && role(&o.role))
        };
        let stateful = |role: &OperatorRole| matches!(role, OperatorRole::Stateful);
        let staged = |role: &OperatorRole| matches!(role, OperatorRole::Sink { staged: true, .. });
        let foreign = snapshot
            .segments
            .iter()
            .find(|s| !has(&s.operator, stateful))
            .map(|s| ("state", &s.operator))
            .or_else(|| {
                snapshot.staged.iter().find(|s| !has(&s.sink, staged)).map(|s| ("staged output", &s.sink))
            })
            .or_else(|| {
                snapshot.facts.iter().find(|f| !has(&f.operator, |_| true)).map(|f| ("facts", &f.operator))
            });
        if let Some((what, operator)) = foreign {
            return Err(AssembleError::ForeignOperator { subtask, what, operator: operator.clone() });
        }
    }
    match parts.graph.subtasks().find(|s| !snapshots.contains_key(s)) {
        Some(missing) => Err(AssembleError::MissingSnapshot(missing)),
        None => Ok(snapshots),
    }
}

fn merged_facts(node: &OperatorNode, own: &[&SubtaskSnapshot]) -> Result<OperatorFacts, AssembleError> {
    let mut watermark = Watermark::MAX;
    let mut counters = OperatorCounters::default();
    for snapshot in own {
        let Some(facts) = snapshot.facts.iter().find(|f| f.operator == node.uid) else {
            return Err(AssembleError::MissingFacts {
                subtask: snapshot.subtask,
                operator: node.uid.clone(),
            });
        };
        watermark = watermark.min(facts.watermark);
        counters.add(facts.counters);
    }
    Ok(OperatorFacts { operator: node.uid.clone(), watermark, counters })
}

#[cfg(test)]
#[path = "assemble/assemble_test.rs"]
mod assemble_test;
