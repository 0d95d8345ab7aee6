//! A node for tests: it runs pods as processes, with binaries of this build for images.
//!
//! There is no container and no network of its own: a pod's address is one of loopback's, its volumes are folders, and every path and
//! address in its arguments is replaced by what it stands for here. Everything else is as a kubelet has it: binding, status, probes,
//! restarts, termination messages, grace, logs, and the token of a pod's service account. An image that is not one of ours cannot be
//! pulled ([`Images`]).
#![allow(clippy::print_stderr, reason = "what a node has to say stands beside the failure of a test")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "limits for what other processes do")]

mod account;
mod kubelet;
mod operator;
mod process;

pub use kubelet::{ENGINE_IMAGE, Images, Kubelet, UNSCHEDULABLE};
pub use operator::{IDENTITY, Operator};
pub use process::Process;

use std::path::PathBuf;

/// A program of this build.
///
/// # Panics
/// If it was not built.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join(name);
    assert!(path.exists(), "{} is missing: cargo build --workspace --bin {name}", path.display());
    path
}
