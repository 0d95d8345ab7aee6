//! A source's splits: every one in exactly one place, none lost, none read again.

use std::collections::{BTreeMap, BTreeSet};

use millstream_model::SplitId;
use millstream_model::graph::OperatorNode;
use millstream_model::snapshot::{SplitState, SubtaskSnapshot};

use super::{AssembleError, CheckpointParts};
use crate::manifest::SourceState;

pub(super) fn source(
    parts: &CheckpointParts<'_>,
    node: &OperatorNode,
    own: &[&SubtaskSnapshot],
) -> Result<SourceState, AssembleError> {
    let enumerator = parts
        .enumerators
        .iter()
        .find(|e| e.source == node.uid)
        .ok_or_else(|| AssembleError::MissingEnumerator(node.uid.clone()))?;

    let current = own.iter().flat_map(|s| &s.splits).chain(&enumerator.unassigned);
    let mut by_id: BTreeMap<&SplitId, &SplitState> = BTreeMap::new();
    for split in current.clone() {
        if by_id.insert(&split.split, split).is_some() {
            return Err(AssembleError::SplitTwice {
                source_uid: node.uid.clone(),
                split: split.split.clone(),
            });
        }
    }

    // The parent's order first, then what is new, so that the list stays as the enumerator found it.
    let forgotten: BTreeSet<&SplitId> = enumerator.forgotten.iter().collect();
    let mut splits = Vec::new();
    for old in parts.parent.and_then(|p| p.source(&node.uid)).map_or(&[][..], |s| &s.splits) {
        let now = by_id.remove(&old.split);
        splits.extend(carried_on(node, old, now, forgotten.contains(&old.split))?);
    }
    let is_new =
        |s: &&SplitState| by_id.contains_key(&s.split) && !(s.is_finished && forgotten.contains(&s.split));
    splits.extend(current.filter(is_new).cloned());
    Ok(SourceState { uid: node.uid.clone(), enumerator: enumerator.state.clone(), splits })
}

/// A split that the parent has, as it stands now; `None` if it is finished and need not be remembered.
fn carried_on(
    node: &OperatorNode,
    old: &SplitState,
    now: Option<&SplitState>,
    is_forgotten: bool,
) -> Result<Option<SplitState>, AssembleError> {
    let (source_uid, split) = (node.uid.clone(), old.split.clone());
    match now {
        Some(now) if old.is_finished && !now.is_finished => {
            Err(AssembleError::SplitReopened { source_uid, split })
        }
        None if !old.is_finished => Err(AssembleError::SplitLost { source_uid, split }),
        now => {
            let state = now.unwrap_or(old);
            Ok((!(state.is_finished && is_forgotten)).then(|| state.clone()))
        }
    }
}
