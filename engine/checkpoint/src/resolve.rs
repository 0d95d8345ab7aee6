//! What the epoch log says: what to continue from, and what is owned but not yet visible.
//!
//! The log is read backwards, because it is never cut and grows for years: [`resolve`] gets its newest part and either has
//! enough or asks for more. Example: `1 Start, 2 C, 3 C, 4 C, 5 Start(from 2), 6 C` continues from 6, and if that one is
//! damaged from 2, never from 4, whose state 6 does not descend from. If 3 and 4 carry no marker and record 5 does not
//! discard them, their output is still published first.

use std::collections::BTreeSet;

use millstream_model::snapshot::ObjectRef;
use millstream_model::{CheckpointId, Epoch, ErrorKind, Generation};
use serde::{Deserialize, Serialize};

use crate::epoch::{EpochKind, EpochRecord, FIRST_EPOCH, StartFrom};

/// A checkpoint that has its place in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedCheckpoint {
    /// Its place.
    pub epoch: Epoch,
    /// Its own number.
    pub checkpoint: CheckpointId,
    /// The coordinator that owns it.
    pub generation: Generation,
    /// Its manifest.
    pub manifest: ObjectRef,
}

/// The names by which a checkpoint's objects are known in the bucket.
pub type CheckpointKey = (CheckpointId, Generation);

impl OwnedCheckpoint {
    /// Its names in the bucket.
    #[must_use]
    pub const fn key(&self) -> CheckpointKey {
        (self.checkpoint, self.generation)
    }
}

/// Answer of [`resolve`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The records were enough.
    Complete(Resolved),
    /// The answer depends on records before the first one.
    NeedsOlder,
}

/// What the log says at its newest record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The newest record; 0 if the log is empty.
    pub newest: Epoch,
    /// Who wrote it; 0 if the log is empty.
    pub generation: Generation,
    /// What to continue from, newest first: the first is the one, the others are its ancestors, at least as many as were
    /// wanted if there are. Empty: the job begins anew.
    pub lineage: Vec<OwnedCheckpoint>,
    /// Owned, unmarked, not discarded: to be published, oldest first.
    pub unpublished: Vec<OwnedCheckpoint>,
    /// The newest one that carries the marker, on whatever branch: its marker is what says that nothing before it is due.
    pub newest_published: Option<OwnedCheckpoint>,
    /// Epochs whose output was given up by name, as far as the log was looked at.
    pub discarded: BTreeSet<Epoch>,
    /// The job was deleted.
    pub is_closed: bool,
}

/// A log that no correct coordinators can have written. Nothing is started from it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// A number is missing.
    #[error("the epoch log has a gap: epoch {before} is followed by {after}")]
    Gap {
        /// The record before the gap.
        before: Epoch,
        /// The record behind it.
        after: Epoch,
    },
    /// An older coordinator wrote behind a newer one.
    #[error(
        "epoch {epoch} was written by generation {generation}, although generation {newer} had started before it"
    )]
    GenerationWentBack {
        /// The record.
        epoch: Epoch,
        /// Its writer.
        generation: Generation,
        /// The writer before it.
        newer: Generation,
    },
    /// A coordinator's checkpoints are not in the order in which it took them: records were moved. Starting from such a log
    /// would repeat output without a word.
    #[error("epoch {epoch} is checkpoint {checkpoint}, although checkpoint {newer} is owned before it")]
    CheckpointWentBack {
        /// The record.
        epoch: Epoch,
        /// Its checkpoint.
        checkpoint: CheckpointId,
        /// The checkpoint before it.
        newer: CheckpointId,
    },
    /// A coordinator owns a checkpoint without having taken over.
    #[error("epoch {epoch} is owned by generation {generation}, which never started")]
    NoStart {
        /// The record.
        epoch: Epoch,
        /// Its writer.
        generation: Generation,
    },
    /// A start names something that is no checkpoint before it.
    #[error("epoch {start} continues from epoch {from}, which is no checkpoint before it")]
    StartsFromNothing {
        /// The start.
        start: Epoch,
        /// What it names.
        from: Epoch,
    },
    /// Something follows the end.
    #[error("epoch {epoch} closed the job, and a record follows")]
    NotClosed {
        /// The record that closed it.
        epoch: Epoch,
    },
}

impl ResolveError {
    /// What has to happen next: a person must look.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::State
    }
}

/// How the walk back through the log stands towards the state that is sought.
enum Walk {
    /// Each checkpoint that is met is an ancestor.
    Following,
    /// A start continued from this epoch; what lies between is another branch.
    SkippingTo { from: Epoch, start: Epoch },
    /// A start began anew; nothing before it matters.
    Ended,
}

/// Reads `records`, the newest part of the log in order, given the checkpoints whose output is `marked` as published.
/// Output is published in epoch order, so nothing older than a marked epoch is looked at for publishing.
///
/// # Errors
/// See [`ResolveError`]; only the records that are looked at are checked.
pub fn resolve(
    records: &[(Epoch, EpochRecord)],
    marked: &BTreeSet<CheckpointKey>,
    wanted: usize,
) -> Result<Resolution, ResolveError> {
    check_order(records)?;
    let Some((newest, last)) = records.last() else { return Ok(Resolution::Complete(Resolved::default())) };
    let mut resolved = Resolved {
        newest: *newest,
        generation: last.generation,
        is_closed: last.kind == EpochKind::Closed,
        ..Resolved::default()
    };
    let mut walk = Walk::Following;
    for (epoch, record) in records.iter().rev() {
        match &record.kind {
            EpochKind::Closed => {}
            EpochKind::Start { from, discarded: given_up } => {
                resolved.discarded.extend(given_up.iter().copied());
                if matches!(walk, Walk::Following) {
                    walk = match *from {
                        StartFrom::Newest => Walk::Following,
                        StartFrom::Empty => Walk::Ended,
                        StartFrom::Epoch(from) if from < *epoch => Walk::SkippingTo { from, start: *epoch },
                        StartFrom::Epoch(from) => {
                            return Err(ResolveError::StartsFromNothing { start: *epoch, from });
                        }
                    };
                }
            }
            EpochKind::Checkpoint { checkpoint, manifest } => {
                let owned = OwnedCheckpoint {
                    epoch: *epoch,
                    checkpoint: *checkpoint,
                    generation: record.generation,
                    manifest: manifest.clone(),
                };
                if resolved.newest_published.is_none() && marked.contains(&owned.key()) {
                    resolved.newest_published = Some(owned.clone());
                }
                if resolved.newest_published.is_none() && !resolved.discarded.contains(epoch) {
                    resolved.unpublished.insert(0, owned.clone());
                }
                if matches!(walk, Walk::SkippingTo { from, .. } if from == *epoch) {
                    walk = Walk::Following;
                }
                if matches!(walk, Walk::Following) {
                    resolved.lineage.push(owned);
                }
            }
        }
        if let Walk::SkippingTo { from, start } = walk
            && *epoch <= from
        {
            return Err(ResolveError::StartsFromNothing { start, from });
        }
        let knows_lineage = matches!(walk, Walk::Ended) || resolved.lineage.len() >= wanted.max(1);
        if knows_lineage && resolved.newest_published.is_some() {
            return Ok(Resolution::Complete(resolved));
        }
    }
    match records.first() {
        Some((first, _)) if *first > FIRST_EPOCH => Ok(Resolution::NeedsOlder),
        _ => match walk {
            Walk::SkippingTo { from, start } => Err(ResolveError::StartsFromNothing { start, from }),
            Walk::Following | Walk::Ended => Ok(Resolution::Complete(resolved)),
        },
    }
}

/// What holds between neighbours in every log.
fn check_order(records: &[(Epoch, EpochRecord)]) -> Result<(), ResolveError> {
    if let Some((FIRST_EPOCH, first)) = records.first()
        && !matches!(first.kind, EpochKind::Start { .. })
    {
        return Err(ResolveError::NoStart { epoch: FIRST_EPOCH, generation: first.generation });
    }
    for pair in records.windows(2) {
        let [(before, earlier), (after, later)] = pair else { continue };
        if before.next() != *after {
            return Err(ResolveError::Gap { before: *before, after: *after });
        }
        if earlier.kind == EpochKind::Closed {
            return Err(ResolveError::NotClosed { epoch: *before });
        }
        if later.generation < earlier.generation {
            return Err(ResolveError::GenerationWentBack {
                epoch: *after,
                generation: later.generation,
                newer: earlier.generation,
            });
        }
        if later.generation > earlier.generation && matches!(later.kind, EpochKind::Checkpoint { .. }) {
            return Err(ResolveError::NoStart { epoch: *after, generation: later.generation });
        }
        if let (EpochKind::Checkpoint { checkpoint: newer, .. }, EpochKind::Checkpoint { checkpoint, .. }) =
            (&earlier.kind, &later.kind)
            && checkpoint <= newer
        {
            return Err(ResolveError::CheckpointWentBack {
                epoch: *after,
                checkpoint: *checkpoint,
                newer: *newer,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "resolve/resolve_test.rs"]
mod resolve_test;
