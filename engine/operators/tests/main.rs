//! Tests of the operators through their public interface, as the worker drives them: text tables in, text out, and random
//! inputs against a naive model.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

mod calc;
mod expiry;
mod group_aggregate;
mod processing_window;
mod random;
mod resumption;
mod session_aggregate;
mod window_aggregate;
mod window_assign;
