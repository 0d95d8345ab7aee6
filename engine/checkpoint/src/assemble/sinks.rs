//! What of the staged output becomes visible with this checkpoint, and what waits.

use std::collections::{BTreeMap, BTreeSet};

use millstream_model::graph::{Chain, OperatorNode, RollPolicy};
use millstream_model::snapshot::{StagedSegment, SubtaskSnapshot};

use super::{CheckpointParts, Roll};
use crate::manifest::{Publication, SinkState};

pub(super) fn sink(
    parts: &CheckpointParts<'_>,
    chain: &Chain,
    node: &OperatorNode,
    policy: RollPolicy,
    roll: Roll,
    own: &[&SubtaskSnapshot],
) -> SinkState {
    let parent = parts.parent.and_then(|p| p.sink(&node.uid));
    // Published by an earlier epoch, or about to be: never again.
    let published: BTreeSet<&str> = parent
        .iter()
        .flat_map(|p| {
            let owned = p.publications.iter().flat_map(|p| &p.segments).map(|s| s.object.key.as_str());
            owned.chain(p.repeated.iter().map(String::as_str))
        })
        .collect();

    let mut waiting: Vec<&StagedSegment> = parent.iter().flat_map(|p| &p.pending).collect();
    let mut known: BTreeSet<&str> = waiting.iter().map(|s| s.object.key.as_str()).collect();
    let mut repeated = BTreeSet::new();
    for segment in own.iter().flat_map(|s| &s.staged).filter(|s| s.sink == node.uid) {
        let key = segment.object.key.as_str();
        if published.contains(key) {
            repeated.insert(key);
        } else if known.insert(key) {
            waiting.push(segment);
        }
    }

    let mut groups: BTreeMap<(u32, &str), Vec<&StagedSegment>> = BTreeMap::new();
    for segment in waiting {
        groups.entry((segment.slot, segment.partition.as_str())).or_default().push(segment);
    }
    let (mut publications, mut pending) = (Vec::new(), Vec::new());
    let mut numbers: BTreeMap<u32, usize> = BTreeMap::new();
    for ((slot, partition), segments) in groups {
        let (rolled, rest) = split(&segments, policy, roll, parts.now_ms);
        for segments in rolled {
            let n = numbers.entry(slot).or_default();
            publications.push(Publication {
                id: Publication::id_of(parts.checkpoint, parts.generation, slot, *n),
                slot,
                partition: partition.to_owned(),
                segments: segments.iter().map(|s| (*s).clone()).collect(),
            });
            *n += 1;
        }
        pending.extend(rest.iter().map(|s| (*s).clone()));
    }
    // A sink that was redefined may have another target, which knows nothing yet.
    let meant = parts.parent.and_then(|p| p.operator(&node.uid)).map(|o| &o.meaning);
    let last_output =
        parent.filter(|_| meant == Some(&node.meaning)).and_then(|p| match p.publications.is_empty() {
            true => p.last_output,
            false => parts.parent_epoch,
        });
    SinkState {
        uid: node.uid.clone(),
        last_output: last_output.filter(|epoch| !parts.discarded.contains(epoch)),
        slots: parent.map_or(0, |p| p.slots).max(chain.parallelism),
        publications,
        pending,
        repeated: repeated.into_iter().map(str::to_owned).collect(),
    }
}

/// Cuts the segments of one slot and partition, in order, into publications of at least `policy.bytes` each; the rest waits
/// unless it is old enough or must go.
fn split<'a, 'b>(
    segments: &'b [&'a StagedSegment],
    policy: RollPolicy,
    roll: Roll,
    now_ms: u64,
) -> (Vec<&'b [&'a StagedSegment]>, &'b [&'a StagedSegment]) {
    let mut full = Vec::new();
    let mut rest = segments;
    loop {
        let mut bytes = 0_u64;
        let end = rest.iter().position(|s| {
            bytes = bytes.saturating_add(s.object.length);
            bytes >= policy.bytes.max(1)
        });
        let Some((publication, after)) = end.and_then(|last| rest.split_at_checked(last + 1)) else { break };
        full.push(publication);
        rest = after;
    }
    let oldest = rest.iter().map(|s| s.closed_at_ms).min();
    let is_old = oldest.is_some_and(|closed| now_ms.saturating_sub(closed) >= policy.age_ms);
    if is_old || (roll == Roll::Everything && !rest.is_empty()) {
        full.push(rest);
        rest = &[];
    }
    (full, rest)
}
