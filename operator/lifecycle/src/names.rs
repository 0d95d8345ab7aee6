//! Names of the objects that belong to a deployment.
//!
//! Stable: a name follows from the job, the deployment's number and the worker's index, so that an operator that starts again finds
//! what it made. A job's name has at most 45 characters, so services, which must be DNS labels of at most 63, can be made for 99,999
//! deployments of the longest name. Names of pods may be longer.

use crate::fields::checksum;
use crate::snapshot::Task;

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

/// The savepoint that a StreamSnapshot is: the last part of its address. The engine takes at most 100 characters: 60 of the name, which are for
/// people, and the beginning of the uid, so that another snapshot of the same name is another savepoint.
pub fn savepoint(snapshot: &str, uid: &str) -> String {
    format!("{}-{}", cut(snapshot, 60), short(uid))
}

/// A pod that works for a StreamSnapshot. Names of pods have at most 253 characters, as those of snapshots.
pub fn snapshot_pod(snapshot: &str, uid: &str, task: Task) -> String {
    let task = match task {
        Task::Check => "check",
        Task::Delete => "delete",
    };
    format!("{}-{task}-{}", cut(snapshot, 200), short(uid))
}

fn cut(name: &str, most: usize) -> &str {
    let end = name.char_indices().nth(most).map_or(name.len(), |(at, _)| at);
    name.get(..end).unwrap_or(name).trim_end_matches(['-', '.'])
}

fn short(uid: &str) -> String {
    uid.chars().filter(char::is_ascii_alphanumeric).take(12).collect()
}

/// A StreamSnapshot made by the schedule for this minute, in seconds since 1970.
pub fn scheduled_snapshot(job: &str, due_s: i64) -> String {
    format!("{job}-scheduled-{}", due_s / 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_snapshots_fit_whatever_they_are_called() {
        let uid = "0d7c3d6e-1f2a-4b3c-8d9e-001122334455";
        assert_eq!(savepoint("nightly", uid), "nightly-0d7c3d6e1f2a");
        assert_eq!(snapshot_pod("nightly", uid, Task::Delete), "nightly-delete-0d7c3d6e1f2a");
        let long = format!("{}-.{}", "a".repeat(58), "b".repeat(193));
        assert_eq!(savepoint(&long, uid), format!("{}-0d7c3d6e1f2a", "a".repeat(58)));
        assert!(snapshot_pod(&long, uid, Task::Check).len() <= 253);
    }
}
