//! The operator in a world of its own: an API server, a node and engines in memory, on a clock that a test steers.
//!
//! | module | owns |
//! |---|---|
//! | [`api_server`] | a Kubernetes API server in memory |
//! | [`connection`] | a client's way to it, on which calls go wrong on purpose |
//! | [`world`] | the node that runs pods, the coordinators in them, and the bucket with its invariants |
//! | [`operator`] | the operator, killed and started again |
//! | [`story`] | what people do to a job |
//! | [`explore`] | a story again and again, with another call going wrong each time |
//! | [`fleet`] | many jobs on the real API server, with pods and engines that cost nothing |
//!
//! The operator is the real one, with kube's real client: only what is on the other side of its calls is made here. Nothing but
//! [`fleet`] opens a socket or reads a clock.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

pub mod api_server;
pub mod connection;
pub mod explore;
pub mod fleet;
pub mod operator;
pub mod story;
pub mod world;
