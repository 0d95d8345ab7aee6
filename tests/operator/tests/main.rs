//! The operator on a real API server, with real processes of the engine as pods.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod job;
mod lifecycle;
mod snapshots;
mod sql_maps;
