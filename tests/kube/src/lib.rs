//! A real Kubernetes control plane for tests: etcd, kube-apiserver and kube-controller-manager, one a test binary, and `kubectl`
//! to talk to it as a user does.
//!
//! Starting and ending it is the business of `scripts/kubernetes`, which people use, too: there is no second implementation
//! here. The tests of the `StreamJob` resource on it live in `tests/`. This crate never talks to the API server in any way but
//! through `kubectl`, so that what it compares is what a user reads.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod control_plane;
mod kubectl;
mod namespace;

pub use control_plane::{ControlPlane, script};
pub use kubectl::{Answer, Kubectl};
pub use namespace::Namespace;

use std::path::{Path, PathBuf};

/// The root of the checkout.
pub fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
