//! What tests share: text tables of changes, folding of changelogs, a harness that drives operators as a worker does,
//! operators that are wrong on purpose, the suite that every store for spilled state passes, certificates, an S3 server.
//!
//! This crate is never part of what is shipped.

pub mod certificates;
pub mod changelog;
pub mod harness;
pub mod mock_sink;
pub mod mutants;
pub mod plans;
pub mod s3_server;
pub mod spill_suite;
pub mod table;
