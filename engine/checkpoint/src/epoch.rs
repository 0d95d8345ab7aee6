//! Records of the epoch log: the point of no return of a checkpoint, and the starts between them.
//!
//! The log is gap-free for the life of a job's folder: `epoch/1`, `epoch/2`, ... each created once, never changed, never
//! deleted. Whoever creates `epoch/<newest + 1>` owns it. Example: `1 Start(Newest)`, `2 Checkpoint(c=1)`,
//! `3 Checkpoint(c=2)`, `4 Start(Newest)` by generation 2: from now on generation 1, which believes that 4 is free, finds
//! the record, sees a newer generation and stops.

use millstream_model::snapshot::ObjectRef;
use millstream_model::{CheckpointId, Epoch, Generation};
use serde::{Deserialize, Serialize};

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// What it says.
    pub kind: EpochKind,
    /// The coordinator that wrote it.
    pub generation: Generation,
    /// Random, so that a coordinator whose write got no answer can tell its own record from another's.
    pub nonce: u64,
}

/// What an entry of the log says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EpochKind {
    /// The checkpoint is owned: its state is what a later start continues from, and its output will be published.
    Checkpoint {
        /// The checkpoint's own number.
        checkpoint: CheckpointId,
        /// Its manifest, with length and checksum.
        manifest: ObjectRef,
    },
    /// A coordinator took over, or restarted the job from somewhere else.
    Start {
        /// What it continues from.
        from: StartFrom,
        /// Owned epochs whose output was given up by name: nobody publishes them any more.
        discarded: Vec<Epoch>,
    },
    /// The job was deleted; no record follows.
    Closed,
}

/// What a start continues from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StartFrom {
    /// What the log before the record says: usually the newest checkpoint.
    Newest,
    /// An earlier checkpoint, by its epoch. Output of the epochs after it will be written again.
    Epoch(Epoch),
    /// Nothing: the job begins anew.
    Empty,
}

/// The number of the first record of every log.
pub const FIRST_EPOCH: Epoch = Epoch(1);
