//! The command line and the wiring of roles: here, and only here, the parts of the engine are joined to a process.
//!
//! [`main`] parses arguments, runs a command and turns its outcome into an exit code: 0 finished or stopped, 1 the job
//! failed or was fenced, 2 the user's mistake.

pub mod cli;
mod clock;
mod connectors;
mod control;
mod document;
mod endpoints;
pub mod job_file;
pub mod local;
mod objects;
pub mod output;
mod savepoints;
mod state_backend;
pub mod telemetry;

pub use cli::main;
