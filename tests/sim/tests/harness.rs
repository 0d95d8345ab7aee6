//! A whole real job in this process, on a bucket and a target that fail on purpose, and what must hold of them afterwards.
//!
//! A [`World`] outlives processes: the bucket and the targets. A [`Life`] is one process with its faults, from its start to
//! its death or end. What the job computes is known by [`oracle`], which shares nothing with the engine.

pub(crate) mod checks;
pub(crate) mod job;
pub(crate) mod life;
pub(crate) mod numbers;
pub(crate) mod oracle;
pub(crate) mod sinks;
pub(crate) mod storage;

pub(crate) use job::Shape;
pub(crate) use life::{End, Life, Orders, Planted, World};
