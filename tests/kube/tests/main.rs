//! `StreamJob` and `StreamSnapshot` on a real API server: what it accepts, what it refuses and in which words, and what `kubectl`
//! shows. Needs `scripts/install kubernetes`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod conditions;
mod crd;
mod manifests;
mod printing;
mod snapshots;
mod start;
mod subresources;
mod transitions;
