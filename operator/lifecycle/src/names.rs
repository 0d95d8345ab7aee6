//! Names of the objects that belong to a deployment.
//!
//! Stable: a name follows from the job, the deployment's number and the worker's index, so that an operator that starts again finds
//! what it made. A job's name has at most 45 characters, so services, which must be DNS labels of at most 63, can be made for 99,999
//! deployments of the longest name. Names of pods may be longer.

use crate::fields::checksum;

/// Roles that have a certificate of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsRole {
    /// The coordinator's pod.
    Coordinator,
    /// Every worker's pod.
    Worker,
}

/// The coordinator's pod, and the headless service in front of it.
pub fn coordinator(job: &str, attempt: i64) -> String {
    format!("{job}-coordinator-{attempt}")
}

/// A worker's pod.
pub fn worker(job: &str, attempt: i64, index: u32) -> String {
    format!("{job}-worker-{attempt}-{index}")
}

/// The headless service and the disruption budget of the workers.
pub fn workers(job: &str, attempt: i64) -> String {
    format!("{job}-workers-{attempt}")
}

/// The config map.
pub fn config(job: &str, attempt: i64) -> String {
    format!("{job}-config-{attempt}")
}

/// The network policy.
pub fn network(job: &str, attempt: i64) -> String {
    format!("{job}-network-{attempt}")
}

/// The planner's pod and config map.
pub fn planner(job: &str, plan: &str) -> String {
    format!("{job}-planner-{plan}")
}

/// The config map with the public part of the certificates.
pub fn certificates(job: &str, attempt: i64) -> String {
    format!("{job}-tls-{attempt}")
}

/// The secret with a role's certificate. The controller writes it and never reads it back: eight digits for the uid of the StreamJob
/// tell it from that of a job of the same name.
pub fn tls_secret(job: &str, uid: &str, attempt: i64, role: TlsRole) -> String {
    let role = match role {
        TlsRole::Coordinator => "coordinator",
        TlsRole::Worker => "worker",
    };
    let sum = checksum(uid);
    format!("{job}-tls-{attempt}-{}-{role}", sum.get(..8).unwrap_or(&sum))
}

/// A StreamSnapshot made by the schedule for this minute, in seconds since 1970.
pub fn scheduled_snapshot(job: &str, due_s: i64) -> String {
    format!("{job}-scheduled-{}", due_s / 60)
}
