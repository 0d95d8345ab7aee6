//! Operators: synchronous, resumable transformations of batches.
//!
//! This crate owns what each step of a job computes and its keyed state. It never does I/O, never reads a clock and never
//! plans: it is driven by the worker through [`Operator`] and built from a compiled plan by [`build`].
//! Example: `GroupAggregate(origin: COUNT(*))` turns the rows `JFK, LGA, JFK` of one batch into `+I JFK 2`, `+I LGA 1`.

mod aggregate;
mod batch_keys;
mod build;
mod calc;
mod error;
mod event_time;
mod expiry;
mod group_aggregate;
mod group_output;
mod local_aggregate;
mod local_window_aggregate;
mod operator;
mod pending;
mod processing_window_aggregate;
mod session;
mod session_aggregate;
mod window;
mod window_aggregate;
mod window_assign;

pub use build::build;
pub use error::OperatorError;
pub use operator::{BuildContext, Clock, Expiring, Operator, OperatorSpill, Output, Progress, TableSchema};
