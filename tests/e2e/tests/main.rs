//! End-to-end tests: they start `millstream` as a user does, as a process, and read what it wrote as a user would, as files.
//! They share no code with the engine, so that a mistake there is not repeated here.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "reports of long tests")]

mod bad_input;
mod chaos;
mod cli;
mod cluster;
mod examples;
mod expiry;
mod golden_savepoint;
mod harness;
mod kill;
mod local_copies;
mod matrix;
mod memory;
mod processing_time;
mod recovery;
mod rescale;
mod savepoint;
mod savepoint_sql;
mod signals;
mod standby;
mod tls;
mod watch;
mod web_identity;
mod zombie;
