//! Checkpoint formats and rules: keys in the bucket, manifests, the epoch log, what to restore and what to keep.
//!
//! This crate never does I/O, never reads a clock and draws no random numbers: bytes, facts and `now` go in, values that can
//! be printed and compared come out. The same rules over object storage are `millstream-checkpoint-store`.

pub mod epoch;
pub mod manifest;

pub use epoch::{EpochKind, EpochRecord, FIRST_EPOCH, StartFrom};
pub use manifest::{Manifest, OperatorState, Outcome, Publication, SinkState, SourceState};
