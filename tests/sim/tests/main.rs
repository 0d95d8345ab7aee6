//! Tests: sim.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a broken harness is a failed test")]
#![allow(clippy::print_stderr, reason = "where a planted bug was found is worth a line")]

mod everything;
mod harness;
mod loops;
mod matrix;
mod model;
mod planted;
