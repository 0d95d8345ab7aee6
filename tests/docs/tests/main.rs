//! The commands of the pages, run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod comparing;
mod first_job;
mod install;
mod other_pages;
mod parsing;
