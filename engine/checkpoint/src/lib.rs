//! Checkpoint formats and rules: keys in the bucket, manifests, the epoch log, what to restore and what to keep.
//!
//! This crate never does I/O, never reads a clock and draws no random numbers: bytes, facts and `now` go in, values that can
//! be printed and compared come out. The same rules over object storage are `millstream-checkpoint-store`.

pub mod assemble;
pub mod envelope;
pub mod epoch;
mod error;
pub mod generation;
pub mod layout;
pub mod manifest;
pub mod resolve;
pub mod restore;
pub mod retain;
#[cfg(test)]
mod testing;
mod wire;

pub use assemble::{AssembleError, CheckpointParts, EnumeratorState, Roll, assemble};
pub use envelope::{RecordKind, checksum};
pub use epoch::{EpochKind, EpochRecord, FIRST_EPOCH, StartFrom};
pub use error::DecodeError;
pub use generation::{FIRST_GENERATION, GenerationRecord, Pin, PublishedMarker};
pub use manifest::{Manifest, OperatorState, Outcome, Publication, SinkState, SourceState};
pub use resolve::{CheckpointKey, OwnedCheckpoint, Resolution, ResolveError, Resolved, resolve};
pub use restore::{Loss, LossKind, RestoreError, RestorePlan, plan_restore};
