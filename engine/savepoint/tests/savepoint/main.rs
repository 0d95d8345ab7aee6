//! Savepoints from end to end: written from a job's checkpoints, damaged, interrupted, and restored into another job.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail loudly")]

mod crash;
mod damage;
mod fixture;
mod golden;
mod race;
mod restore;
mod round_trip;
