//! The records that are neither manifests nor the epoch log: claims of generations, markers, pins.

use millstream_model::{CheckpointId, Epoch, Generation};

/// A coordinator's claim: the highest number is the fence. `generation/1`, `generation/2`, ... without gaps, never deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationRecord {
    /// The number that is claimed, as in its key.
    pub generation: Generation,
    /// Who claimed it, for whoever is told that he is fenced: host and process, or the pod's name.
    pub coordinator: String,
    /// Random: tells a coordinator's own unanswered claim from another's.
    pub nonce: u64,
}

/// The number of the first generation of a job.
pub const FIRST_GENERATION: Generation = Generation(1);

/// All output of a checkpoint is visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedMarker {
    /// The epoch that the checkpoint became.
    pub epoch: Epoch,
    /// The checkpoint.
    pub checkpoint: CheckpointId,
}

/// A hold on an epoch: its objects stay while the pin exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// What is held.
    pub epoch: Epoch,
    /// The coordinator that holds it.
    pub generation: Generation,
    /// Why, for people.
    pub reason: String,
}
