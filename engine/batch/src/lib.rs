//! The unit of work: columns with sidecars.
//!
//! This crate owns the shape of a batch and the cheap operations on it (slice, gather, hash, partition). It never evaluates
//! an expression and never knows where a batch came from.

mod changelog;
mod key_encoding;
mod partition;
mod scatter;
mod stream_batch;

pub use changelog::{Ops, RowOp, compact};
pub use key_encoding::{EncodedKeys, KeyDecoder, KeyError, decode_keys, encode_keys, is_key_type};
pub use partition::{PartitionError, Partitioner, split_by_target};
pub use stream_batch::StreamBatch;

/// A batch never has more rows than this.
pub const MAX_BATCH_ROWS: usize = 8_192;

/// An exchange sends at the latest when this many bytes wait for one target.
pub const EXCHANGE_BATCH_BYTES: usize = 64 * 1024;
