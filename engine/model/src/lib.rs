//! Plain data that every engine crate shares: identities, time, key groups, watermarks, barriers, the job graph, and the
//! messages between coordinator and worker.
//!
//! This crate never does I/O, never reads a clock and names no data format: it compiles in seconds and the job master,
//! which must stay pure, depends on little else.

pub mod control;
pub mod error;
pub mod graph;
pub mod id;
pub mod key_group;
pub mod snapshot;
pub mod time;

pub use error::{ErrorKind, JobError};
pub use id::{
    Attempt, ChainId, CheckpointId, EdgeId, Epoch, Generation, JobIdentity, OperatorUid, SplitId, SubtaskId,
};
pub use key_group::{KeyGroup, KeyGroupRange};
pub use time::{EventTime, Watermark};
