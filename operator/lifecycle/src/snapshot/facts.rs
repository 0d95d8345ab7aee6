//! What the controller saw of a snapshot, its job and its pods.

use millstream_api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millstream_api::status::Phase;
use millstream_api::streamsnapshot::{AccessStatus, StreamSnapshotSpec, StreamSnapshotStatus};

use crate::observed::Engine;
use crate::time::Timestamp;

/// Everything that is known about a StreamSnapshot at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotObserved {
    /// The resource without its spec.
    pub object: SnapshotFacts,
    /// Its spec, or why it cannot be read.
    pub spec: Result<StreamSnapshotSpec, String>,
    /// The status as it is stored, but for `access`, which is read when a pod is made.
    pub status: StreamSnapshotStatus,
    /// The job that it names.
    pub job: JobSeen,
    /// The order that this process of the operator gave last for it; none after it was restarted.
    pub call: Option<SavepointCall>,
    /// Its pods.
    pub pods: Vec<ToolPod>,
    /// A job of the namespace that is about to start from its files.
    pub needed_by: Option<String>,
}

/// Metadata of the resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFacts {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// `metadata.deletionTimestamp`.
    pub deleted: Option<Timestamp>,
    /// Whether the operator's finalizer is there.
    pub has_finalizer: bool,
    /// Whether the annotation is there that ends a deletion at once.
    pub skips_deletion_policy: bool,
}

/// The job that a snapshot names.
#[derive(Clone, Debug, PartialEq)]
pub enum JobSeen {
    /// There is none.
    Absent,
    /// There is one.
    There(Box<JobOfSnapshot>),
}

/// A job, as far as its snapshots are concerned.
#[derive(Clone, Debug, PartialEq)]
pub struct JobOfSnapshot {
    /// `metadata.uid`.
    pub uid: String,
    /// Whether it is being deleted.
    pub is_deleted: bool,
    /// `status.phase`.
    pub phase: Option<Phase>,
    /// Whether something leads from one deployment to the next.
    pub is_under_way: bool,
    /// The deployment that owns it.
    pub attempt: Option<i64>,
    /// What the coordinator of that said last.
    pub engine: Engine,
    /// The folder in which its snapshots become savepoints. `None` when neither its spec nor a deployment says.
    pub savepoints: Option<String>,
    /// How its coordinator reaches the bucket.
    pub access: Option<AccessStatus>,
}

/// An order for a savepoint.
#[derive(Clone, Debug, PartialEq)]
pub struct SavepointCall {
    /// The intent that it carries out: the result of another one means nothing for this one.
    pub since: Time,
    /// How far it is.
    pub outcome: SavepointOutcome,
}

/// How far an order is.
#[derive(Clone, Debug, PartialEq)]
pub enum SavepointOutcome {
    /// No answer yet.
    Running,
    /// The savepoint is complete.
    Done(Written),
    /// There is none, as far as is known.
    Failed {
        /// What was said.
        message: String,
        /// Whether there can be one nevertheless: no answer came, or the engine refused, as it does when the name is taken.
        is_unclear: bool,
    },
}

/// A savepoint that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where it is.
    pub uri: String,
    /// The epoch that it holds.
    pub epoch: i64,
    /// Bytes of its files.
    pub bytes: Option<i64>,
    /// When it was complete.
    pub at: Timestamp,
}

/// What a pod of a snapshot does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// It reads every file and compares it with its checksum.
    Check,
    /// It deletes the files.
    Delete,
}

/// A short-lived pod of the engine that works for a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolPod {
    /// What it does.
    pub task: Task,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Whether it is being deleted already.
    pub is_terminating: bool,
    /// How far it is.
    pub state: ToolState,
}

/// How far such a pod is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolState {
    /// Its container does not run yet.
    Starting {
        /// When the pod was made.
        since: Timestamp,
        /// What keeps it, if that is known.
        trouble: Option<String>,
    },
    /// It works.
    Running,
    /// It did what it was to do, and what it found.
    Done(Found),
    /// There is no savepoint, or none that can be used, and why.
    Absent(String),
    /// It could not do it.
    Failed {
        /// Why.
        message: String,
        /// When.
        at: Timestamp,
    },
}

/// What a pod that looked at a savepoint found, as far as it said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The epoch that it holds.
    pub epoch: Option<i64>,
    /// Bytes of its files.
    pub bytes: Option<i64>,
    /// When it was taken.
    pub at: Option<Timestamp>,
}
