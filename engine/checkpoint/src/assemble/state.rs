//! Which segments make up an operator's state: the inherited ones, then the reported ones, less what later bases cover.

use std::collections::{BTreeMap, BTreeSet};

use millstream_model::KeyGroupRange;
use millstream_model::graph::{Chain, OperatorNode};
use millstream_model::snapshot::{StateSegment, SubtaskSnapshot};

use super::{AssembleError, CheckpointParts};

pub(super) fn segments(
    parts: &CheckpointParts<'_>,
    chain: &Chain,
    node: &OperatorNode,
    own: &[&SubtaskSnapshot],
) -> Result<Vec<StateSegment>, AssembleError> {
    let reported = reported(parts, chain, node, own)?;
    let reported_keys: BTreeSet<&str> = reported.iter().map(|s| s.object.key.as_str()).collect();
    let parent = parts.parent.and_then(|p| p.operator(&node.uid));
    // A segment that comes again stands where it was reported: a base between it and now must still cover it.
    let inherited =
        parent.iter().flat_map(|p| &p.segments).filter(|s| !reported_keys.contains(s.object.key.as_str()));
    let must_be_replaced: BTreeSet<&str> = if parent.is_some_and(|p| p.parallelism != chain.parallelism) {
        inherited.clone().map(|s| s.object.key.as_str()).collect()
    } else {
        BTreeSet::new()
    };

    let mut tables: BTreeMap<&str, Vec<&StateSegment>> = BTreeMap::new();
    for segment in inherited.chain(reported.iter().copied()) {
        tables.entry(segment.table.as_str()).or_default().push(segment);
    }
    let mut kept = Vec::new();
    for segments in tables.into_values() {
        for segment in not_superseded(segments) {
            if must_be_replaced.contains(segment.object.key.as_str()) {
                return Err(AssembleError::MissingBase {
                    operator: node.uid.clone(),
                    table: segment.table.clone(),
                    segment: segment.object.key.clone(),
                });
            }
            kept.push(segment.clone());
        }
    }
    Ok(kept)
}

/// What the subtasks reported, each segment once, in order.
fn reported<'a>(
    parts: &CheckpointParts<'_>,
    chain: &Chain,
    node: &OperatorNode,
    own: &[&'a SubtaskSnapshot],
) -> Result<Vec<&'a StateSegment>, AssembleError> {
    let mut seen = BTreeSet::new();
    let mut reported = Vec::new();
    for snapshot in own {
        let range =
            KeyGroupRange::of_subtask(snapshot.subtask.index, chain.parallelism, parts.graph.max_parallelism);
        for segment in snapshot.segments.iter().filter(|s| s.operator == node.uid) {
            if segment.key_groups.start < range.start || segment.key_groups.end > range.end {
                return Err(AssembleError::ForeignKeyGroups {
                    subtask: snapshot.subtask,
                    operator: node.uid.clone(),
                    table: segment.table.clone(),
                });
            }
            if seen.insert(segment.object.key.as_str()) {
                reported.push(segment);
            }
        }
    }
    Ok(reported)
}

/// The segments of one table, in order, without those whose key groups later bases cover together.
fn not_superseded(segments: Vec<&StateSegment>) -> Vec<&StateSegment> {
    let mut covered = Vec::new();
    let mut kept = Vec::new();
    for segment in segments.into_iter().rev() {
        if !covers(&covered, segment.key_groups) {
            kept.push(segment);
        }
        if segment.is_base {
            add(&mut covered, segment.key_groups);
        }
    }
    kept.reverse();
    kept
}

/// Ranges are disjoint, not even adjacent, so one of them must hold it all. Without key groups there is nothing to keep,
/// once there is a base at all.
fn covers(ranges: &[KeyGroupRange], wanted: KeyGroupRange) -> bool {
    let is_empty = wanted.start >= wanted.end;
    ranges.iter().any(|r| is_empty || (r.start <= wanted.start && wanted.end <= r.end))
}

fn add(ranges: &mut Vec<KeyGroupRange>, added: KeyGroupRange) {
    let mut whole = added;
    ranges.retain(|r| {
        let touches = r.start <= whole.end && whole.start <= r.end;
        if touches {
            whole = KeyGroupRange { start: whole.start.min(r.start), end: whole.end.max(r.end) };
        }
        !touches
    });
    ranges.push(whole);
}
