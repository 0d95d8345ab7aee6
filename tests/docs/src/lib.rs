//! The pages of `docs/` as their readers use them: every command is taken from the page, typed into a shell on a cluster of its own,
//! and what it shows is compared with what the page says.
//!
//! A page is a list of fences ([`Page`]), a shell with `kubectl` and `helm` runs them ([`Shell`]), [`compare`] forgives what differs from
//! run to run. This crate never has a command of its own in the place of one that a page shows.
#![allow(clippy::print_stderr, reason = "what was typed and shown stands beside the failure of a test")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "limits for what other processes do")]

mod compare;
mod page;
mod shell;
mod walk;

pub use compare::compare;
pub use page::{Block, Page, parse};
pub use shell::Shell;
pub use walk::{Walk, assert_left_out};
