//! The objects that belong to a job: what they are, whose they are, and how pods are.

use std::fmt;
use std::time::Duration;

use millstream_api::ValidatedJob;

use super::{Certificates, Transport};
use crate::time::{Timestamp, after};

/// An object with the job's label.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    /// What it is.
    pub kind: ChildKind,
    /// Its name.
    pub name: String,
    /// Its uid: deletions name it, so that a successor of the same name is spared.
    pub uid: String,
    /// The uid of the StreamJob that owns it.
    pub owner: String,
    /// Label: the deployment that it belongs to.
    pub attempt: i64,
    /// Label: the plan that it was made for.
    pub plan: String,
    /// Label: the generation of the spec that it was made for.
    pub generation: i64,
    /// Annotation: checksum of what was applied.
    pub applied: String,
    /// Whether its label `app.kubernetes.io/managed-by` says that the operator made it. What somebody else made is left alone, whatever
    /// other labels it has.
    pub is_managed: bool,
    /// When its grace is over, if it is being deleted already.
    pub ends_by: Option<Timestamp>,
    /// How it is, if it is a pod.
    pub pod: Option<Pod>,
    /// What it says, if it is a deployment's config map.
    pub deployed: Option<Box<Deployed>>,
    /// What it says about certificates, if it is the config map for those.
    pub certificates: Option<Box<Certificates>>,
}

/// Kinds of objects that the operator makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChildKind {
    /// A config map.
    ConfigMap,
    /// A headless service.
    Service,
    /// A network policy.
    NetworkPolicy,
    /// A pod disruption budget.
    PodDisruptionBudget,
    /// A pod.
    Pod,
    /// A secret with a certificate: written and never read, so none is ever seen.
    Secret,
}

/// How long behind its grace a pod may still be there, of a kubelet that is slow and by clocks that differ.
const OVERDUE: Duration = Duration::from_secs(30);

impl Child {
    /// Whether it is being deleted already.
    pub fn is_terminating(&self) -> bool {
        self.ends_by.is_some()
    }

    /// How it counts at this time. A pod that should have ended long ago, and of which no kubelet says so, is on a node that does not
    /// answer: nothing in its status tells that.
    #[must_use]
    pub fn as_of(mut self, now: Timestamp) -> Self {
        let is_overdue = self.ends_by.is_some_and(|by| after(by, OVERDUE) < now);
        if let Some(pod) = self.pod.as_mut().filter(|pod| is_overdue && !pod.is_over()) {
            pod.state = PodState::Lost;
        }
        self
    }

    /// Whether it is the memory of what was deployed: the config map that stays when everything else of its deployment goes.
    pub fn is_memory(&self) -> bool {
        self.kind == ChildKind::ConfigMap && self.certificates.is_none()
    }
}

impl fmt::Display for ChildKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What a deployment runs, as its config map remembers it.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployed {
    /// The job, with its SQL in it.
    pub job: ValidatedJob,
    /// Its revision.
    pub revision: String,
    /// The engine's image.
    pub image: String,
    /// How its processes talk to each other.
    pub transport: Transport,
}

/// What a pod does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// It coordinates.
    Coordinator,
    /// It works; its number.
    Worker(u32),
    /// It judges a plan.
    Planner,
}

/// A pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Its part.
    pub component: Component,
    /// How it is.
    pub state: PodState,
}

/// How a pod is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodState {
    /// Being scheduled, pulled or started, with nothing wrong so far.
    Starting,
    /// Not started for a reason that will not pass without somebody.
    Stuck {
        /// The reason.
        trouble: Trouble,
        /// What Kubernetes says.
        message: String,
    },
    /// Its container runs.
    Running {
        /// Whether its readiness probe holds.
        ready: bool,
    },
    /// Its container ended for good.
    Ended {
        /// How.
        exit: Exit,
        /// When.
        at: Timestamp,
    },
    /// Its node does not answer: whether it runs cannot be known, and only the fence in the bucket protects from it.
    Lost,
}

/// Why a pod does not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No node takes it, or a quota is used up.
    Unschedulable,
    /// The API server does not take it: a policy, or a name that is somebody else's.
    Denied,
    /// The image cannot be had, or the container cannot be made.
    Image,
    /// Its container ends again and again.
    CrashLoop,
}

/// How a coordinator ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All input was read.
    Finished,
    /// Stopped on request.
    Stopped,
    /// The job failed for good.
    Failed(String),
    /// The engine refused the job: SQL, options, state that does not fit.
    Refused(String),
    /// There is nothing to restore at or above the floor.
    NothingToRestore(String),
    /// Another coordinator owns the job.
    Fenced,
    /// Killed or crashed: the code says nothing about the job.
    Crashed(i32),
}

impl Pod {
    /// Whether this pod surely cannot own an epoch any more.
    pub fn is_over(&self) -> bool {
        matches!(self.state, PodState::Ended { .. })
    }

    /// Whether its readiness probe holds.
    pub fn is_ready(&self) -> bool {
        self.state == PodState::Running { ready: true }
    }

    /// What keeps it from starting.
    pub fn trouble(&self) -> Option<(Trouble, &str)> {
        match &self.state {
            PodState::Stuck { trouble, message } => Some((*trouble, message)),
            _ => None,
        }
    }
}
