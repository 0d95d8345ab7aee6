//! The operator on a real API server, with real processes of the engine as pods.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "limits for what other processes do")]

mod deletion;
mod going_back;
mod job;
mod leadership;
mod lifecycle;
mod scaling;
mod security;
mod snapshots;
mod sql_maps;
mod upgrades;
