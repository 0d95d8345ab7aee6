//! What the controller saw: the facts that decisions are made from.
//!
//! Owns their shape and nothing else. Whatever is not known is said to be not known (`None`, [`Engine::Unknown`]); no fact stands for
//! a guess. Every child that carries the job's label is among [`Observed::children`], also those of another owner, since telling
//! one's own from a stranger's is a decision.

mod call;
mod certificates;
mod child;
mod engine;

use std::collections::BTreeMap;

use millstream_api::status::{OperatorVerdict, StreamJobStatus};
use millstream_api::streamsnapshot::SnapshotPhase;

pub use call::{Call, CallKind, CallState};
pub use certificates::{Certificates, Validity};
pub use child::{Child, ChildKind, Component, Deployed, Exit, Pod, PodState, Trouble};
pub use engine::{Answer, Engine, EnginePhase, Epoch};

use crate::time::Timestamp;

/// Everything that is known about a StreamJob at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The resource without its spec.
    pub object: ObjectFacts,
    /// The status as it is stored.
    pub status: StreamJobStatus,
    /// The text that `spec.sqlFrom` leads to.
    pub sql: SqlText,
    /// What this installation of the operator gives to every job.
    pub operator: OperatorSettings,
    /// Every object with the job's label.
    pub children: Vec<Child>,
    /// What the coordinator of each deployment last said.
    pub engines: BTreeMap<i64, Engine>,
    /// What the API server did not let this process make, by deployment; 0 is the planner's.
    pub denials: BTreeMap<i64, Denial>,
    /// Calls to the engine that this process of the operator made; none after it was restarted.
    pub calls: Vec<Call>,
    /// The planner pod of the newest plan.
    pub planner: Option<Planner>,
    /// The StreamSnapshots of this job.
    pub snapshots: Vec<Snapshot>,
}

/// Metadata of the resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectFacts {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// `metadata.creationTimestamp`.
    pub created: Timestamp,
    /// `metadata.deletionTimestamp`.
    pub deleted: Option<Timestamp>,
    /// Whether the operator's finalizer is there.
    pub has_finalizer: bool,
    /// The annotation that approves a plan: its id.
    pub approved: Option<String>,
    /// Whether the annotation is there that ends a deletion at once.
    pub skips_deletion_policy: bool,
}

/// What stands behind `spec.sqlFrom`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SqlText {
    /// The SQL is in the spec.
    Inline,
    /// The config map has it.
    Found(String),
    /// It is not there, and why.
    Missing(String),
}

/// What does not come from the job: the installation's defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorSettings {
    /// Image of the engine for new deployments; those that exist keep theirs.
    pub image: String,
    /// `imagePullPolicy` of it.
    pub pull_policy: Option<String>,
    /// Service account of job pods; it needs no rights.
    pub service_account: Option<String>,
    /// How processes of new deployments talk; those that run go on as they began.
    pub tls: Transport,
    /// CAs (PEM) of the operator's own certificate, whom coordinators let in beside their own deployment.
    pub client_ca: String,
}

/// How processes of a job talk to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TLS, and certificates on both sides.
    Tls,
    /// In the clear, which has to be asked for.
    Plaintext,
}

/// An object that the API server did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Whether room may let it pass, or somebody has to change something.
    pub trouble: Trouble,
    /// The object and the reason.
    pub message: String,
}

impl Transport {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls => "Tls",
            Self::Plaintext => "Plaintext",
        }
    }

    /// The one that a word stands for.
    pub fn read(word: &str) -> Option<Self> {
        [Self::Tls, Self::Plaintext].into_iter().find(|transport| transport.as_str() == word)
    }
}

/// The pod that judges a plan before anything stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planner {
    /// Id of the plan that it judges.
    pub plan: String,
    /// How far it is.
    pub state: PlannerState,
}

/// How far a planner pod is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannerState {
    /// It has not ended.
    Pending {
        /// When it was made.
        since: Timestamp,
    },
    /// It has compiled the job and compared it with the newest manifest.
    Judged(Judgement),
    /// It refused the SQL, and why.
    Refused(String),
    /// It came to no verdict, for a reason that is none of the SQL's.
    Failed {
        /// What is known of it.
        message: String,
        /// When.
        at: Timestamp,
    },
}

/// A planner's verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict for each operator; one that is `Lost` makes the whole incompatible.
    pub operators: Vec<OperatorVerdict>,
    /// How many more there are: a pod's word is short. Those that are lost are named first, then those that are new.
    pub omitted: u32,
    /// Whether the compiled job is the one that runs.
    pub is_same_plan: bool,
    /// The newest epoch that the job owns, read in the bucket.
    pub newest: Option<Epoch>,
    /// Why the job cannot go on from that epoch at all.
    pub refused: Option<String>,
}

/// A StreamSnapshot of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// Whether the schedule made it.
    pub is_scheduled: bool,
    /// When it was made.
    pub created: Timestamp,
    /// How far it is.
    pub phase: SnapshotPhase,
}
