//! What should happen to a StreamSnapshot: facts and `now` in, a [`SnapshotDecision`] out.
//!
//! [`decide_snapshot()`] is the whole interface. It is as pure as [`decide`](mod@crate::decide) and has a table of its own: a snapshot
//! outlives its job, so its life is no part of the job's.
//!
//! | module | owns |
//! |---|---|
//! | `facts` | what the controller saw |
//! | `table` | the transitions |
//! | `taking` | savepoints that a running job writes |
//! | `adopting` | savepoints that are there already |
//! | `deleting` | the end, with the files or without them |
//! | `said` | phase, conditions, counting of failures |
//!
//! Example: a snapshot of a running job gives "it can be taken: write intent", then "being taken: savepoint nightly-0d7c3d6e of attempt 3",
//! and when the engine has answered "taken: write status: Completed". An operator that is started in the middle asks again under the same
//! name: the engine either begins, or says that there is such a savepoint, and then a pod looks at it.
//!
//! Nothing here chooses a name twice: it follows from the snapshot's name and uid, so asking again is asking for the same savepoint.

mod adopting;
mod deleting;
mod facts;
mod said;
mod table;
mod taking;

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use millstream_api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millstream_api::streamsnapshot::StreamSnapshotStatus;

pub use facts::{
    Found, JobOfSnapshot, JobSeen, SavepointCall, SavepointOutcome, SnapshotFacts, SnapshotObserved, Task,
    ToolPod, ToolState, Written,
};
pub use table::decide_snapshot;

/// One thing to do about a snapshot.
#[derive(Clone, Debug, PartialEq)]
pub enum SnapshotAction {
    /// Put the finalizer on it, since its files are to go with it.
    AddFinalizer,
    /// Take the finalizer off.
    RemoveFinalizer,
    /// Write this status under a lock on the version, before anything that rests on it. Nothing comes behind it.
    WriteIntent(Box<StreamSnapshotStatus>),
    /// Ask a coordinator for a savepoint; its job goes on.
    Trigger {
        /// Whom.
        attempt: i64,
        /// Name of the savepoint, which makes asking twice harmless.
        name: String,
        /// The intent that this carries out, by its time.
        since: Time,
    },
    /// Start a pod that looks at the files, or deletes them.
    StartPod {
        /// What it does.
        task: Task,
        /// Where.
        uri: String,
    },
    /// Delete such a pod.
    DeletePod {
        /// Its name.
        name: String,
        /// Its uid, as a precondition.
        uid: String,
    },
}

/// What to do about a snapshot, and what to say about it.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotDecision {
    /// The row of the table that fitted.
    pub situation: &'static str,
    /// What to do, in this order.
    pub actions: Vec<SnapshotAction>,
    /// The status to write behind the actions; `None` when the stored one will do.
    pub status: Option<Box<StreamSnapshotStatus>>,
    /// When to look again, unless something happens before; `None` when only a change can make a difference.
    pub requeue: Option<Duration>,
}

impl fmt::Display for SnapshotAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddFinalizer => f.write_str("add finalizer"),
            Self::RemoveFinalizer => f.write_str("remove finalizer"),
            Self::WriteIntent(status) => match &status.taking {
                Some(taking) => write!(f, "write intent: {}", taking.uri),
                None => f.write_str("write intent: none"),
            },
            Self::Trigger { attempt, name, .. } => write!(f, "savepoint {name} of attempt {attempt}"),
            Self::StartPod { task, uri } => write!(f, "start pod: {task:?} {uri}"),
            Self::DeletePod { name, .. } => write!(f, "delete pod {name}"),
        }
    }
}

impl fmt::Display for SnapshotDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.situation)?;
        self.actions.iter().try_for_each(|action| write!(f, "; {action}"))?;
        match self.status.as_ref().and_then(|status| status.phase) {
            Some(phase) => write!(f, "; write status: {phase:?}"),
            None => Ok(()),
        }
    }
}
