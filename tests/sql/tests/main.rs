//! Our engine against recorded answers and against SQLite.
//!
//! Whole jobs run here in one process: planner, coordinator, worker, connectors. What is compared is always the folded
//! changelog, in every way of running that must not change it: other batch sizes, parallelism, checkpoints, crashes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "this is a test binary")]

mod engine;
mod fuzz;
mod goldens;
mod nexmark;
mod random;
mod state_kind;
