//! What may be deleted: mark from everything that is kept, sweep what two successive marks did not reach.
//!
//! This module never deletes. It says which checkpoints are kept, and, given what these reach, which of the listed objects
//! may go, in which order. Claims of generations, the epoch log, pins and objects that are not ours never do. Example: with
//! 3 retained of the epochs 5 to 9, an unpublished 6 and a pin on 2, kept are 2, 6, 7, 8 and 9; an object that only the
//! manifest of 5 names becomes a suspect now and is deleted by the next sweep, then the manifest of 5, then its marker.

use std::collections::BTreeSet;

use millstream_model::{Attempt, CheckpointId, Epoch, Generation};

use crate::layout::{ObjectKind, Writer, parse};
use crate::resolve::{CheckpointKey, OwnedCheckpoint};

/// Keys deleted between two looks at the fence and the pins.
pub const BATCH: usize = 100;

/// Why an epoch is kept.
#[derive(Clone, Copy, Debug)]
pub struct Keep<'a> {
    /// What the job would continue from, newest first.
    pub lineage: &'a [OwnedCheckpoint],
    /// How many of these stay; at least one does.
    pub retained: usize,
    /// Owned, but their output is not all visible.
    pub unpublished: &'a [OwnedCheckpoint],
    /// Held by a pin.
    pub pinned: &'a [OwnedCheckpoint],
}

impl Keep<'_> {
    /// The epochs whose every object stays.
    #[must_use]
    pub fn epochs(&self) -> BTreeSet<Epoch> {
        let newest = self.lineage.iter().take(self.retained.max(1));
        newest.chain(self.unpublished).chain(self.pinned).map(|c| c.epoch).collect()
    }

    /// The same by their names in the bucket.
    #[must_use]
    pub fn keys(&self) -> BTreeSet<CheckpointKey> {
        let newest = self.lineage.iter().take(self.retained.max(1));
        newest.chain(self.unpublished).chain(self.pinned).map(OwnedCheckpoint::key).collect()
    }
}

/// An object below the job's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Its key, relative to the job's folder.
    pub key: String,
    /// When it was created, in milliseconds, by the store's clock.
    pub modified_ms: u64,
}

/// What one sweep is decided from.
#[derive(Clone, Copy, Debug)]
pub struct Sweep<'a> {
    /// Everything below the job's folder.
    pub listed: &'a [StoredObject],
    /// Checkpoints that are kept.
    pub kept: &'a BTreeSet<CheckpointKey>,
    /// The newest checkpoint whose output is visible. Its marker stays even when nothing else of it does: without it everything
    /// before the oldest unpublished one would look unpublished too.
    pub newest_published: Option<CheckpointKey>,
    /// Keys, relative to the job's folder, that the kept manifests name.
    pub reachable: &'a BTreeSet<String>,
    /// What the sweep before this one suspected.
    pub suspects: &'a BTreeSet<String>,
    /// The coordinator that sweeps.
    pub generation: Generation,
    /// Its tasks, if they may still report or upload something.
    pub running: Option<Running<'a>>,
    /// Objects younger than this stay, by the store's clock: it is compared with the newest object of the listing.
    pub min_age_ms: u64,
}

/// Tasks that are alive.
#[derive(Clone, Copy, Debug)]
pub struct Running<'a> {
    /// Their deployment. Everything that it wrote may be in a report that is still to come.
    pub attempt: Attempt,
    /// Except what an owned manifest has already named: what is unreachable after that is never named again, because
    /// `assemble` drops it even when it is reported again.
    pub was_owned: &'a BTreeSet<String>,
    /// Newer checkpoints than this are under way.
    pub newest_owned: Option<CheckpointId>,
}

/// What one sweep decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweepPlan {
    /// Keys to delete, batch by batch, in this order: data, then manifests, then markers. A checkpoint whose marker went
    /// before its manifest would look unpublished.
    pub batches: Vec<Vec<String>>,
    /// Everything unreachable now, for the next sweep.
    pub suspects: BTreeSet<String>,
}

impl Sweep<'_> {
    /// What may go now.
    #[must_use]
    pub fn plan(&self) -> SweepPlan {
        let now_ms = self.listed.iter().map(|o| o.modified_ms).max().unwrap_or(0);
        let (mut data, mut manifests, mut markers) = (Vec::new(), Vec::new(), Vec::new());
        let mut suspects = BTreeSet::new();
        for object in self.listed {
            let list = match parse(&object.key) {
                Some(ObjectKind::State(writer) | ObjectKind::Staged(writer))
                    if self.is_garbage(&object.key, writer) =>
                {
                    &mut data
                }
                Some(ObjectKind::Manifest(checkpoint, generation))
                    if self.is_past(checkpoint, generation) =>
                {
                    &mut manifests
                }
                Some(ObjectKind::Published(checkpoint, generation))
                    if self.is_past(checkpoint, generation)
                        && self.newest_published != Some((checkpoint, generation)) =>
                {
                    &mut markers
                }
                _ => continue,
            };
            suspects.insert(object.key.clone());
            let is_old = now_ms.saturating_sub(object.modified_ms) >= self.min_age_ms;
            if is_old && self.suspects.contains(&object.key) {
                list.push(object.key.clone());
            }
        }
        let batches = [data, manifests, markers];
        let batches = batches.iter().flat_map(|keys| keys.chunks(BATCH)).map(<[String]>::to_vec).collect();
        SweepPlan { batches, suspects }
    }

    fn is_garbage(&self, key: &str, writer: Writer) -> bool {
        if self.reachable.contains(key) || writer.generation > self.generation {
            return false;
        }
        match self.running {
            Some(running) if writer.generation == self.generation && writer.attempt >= running.attempt => {
                running.was_owned.contains(key)
            }
            _ => true,
        }
    }

    fn is_past(&self, checkpoint: CheckpointId, generation: Generation) -> bool {
        if self.kept.contains(&(checkpoint, generation)) || generation > self.generation {
            return false;
        }
        match self.running {
            Some(running) if generation == self.generation => Some(checkpoint) <= running.newest_owned,
            _ => true,
        }
    }
}

#[cfg(test)]
#[path = "retain/retain_test.rs"]
mod retain_test;
