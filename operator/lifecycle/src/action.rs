//! What is to be done about a job. The controller does it, in this order, and decides nothing.
//!
//! An action prints one line. Those that cannot be taken back ([`Action::is_irreversible`]) come only in decisions about a status that
//! already holds the intent for them.

use std::fmt;

use millstream_api::status::{StopMethod, StreamJobStatus};

use crate::build::{Built, CertificateOrder};
use crate::observed::{Child, ChildKind};

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Put the finalizer on the resource.
    AddFinalizer,
    /// Write this status under a lock on the resource's version; on a conflict read again and decide again. Nothing comes behind it.
    WriteIntent(Box<StreamJobStatus>),
    /// Apply these objects by server-side apply. Those that are there in this form are not among them.
    EnsureObjects(Vec<Built>),
    /// Make a CA and certificates for a deployment's pods, write them, and forget the keys; nothing if somebody was faster.
    IssueCertificates(Box<CertificateOrder>),
    /// The same for pods that run: the CA is announced at once, and the certificates are written when the pods trust it.
    RenewCertificates(Box<CertificateOrder>),
    /// Start the pod that judges the plan.
    StartPlanner(Vec<Built>),
    /// Delete these objects, each by its uid.
    DeleteOrphans(Vec<ChildRef>),
    /// Ask the job to stop behind a checkpoint or savepoint.
    StopWithSavepoint {
        /// Whom.
        attempt: i64,
        /// For which plan.
        plan: String,
        /// Behind what.
        method: StopMethod,
    },
    /// Ask the job to end where it is.
    CancelJob {
        /// Whom.
        attempt: i64,
        /// For which plan.
        plan: String,
    },
    /// Ask the job to go on at another parallelism.
    Rescale {
        /// Whom.
        attempt: i64,
        /// For which plan.
        plan: String,
        /// Subtasks of each operator.
        parallelism: i32,
    },
    /// Let a standby take the job over.
    Activate {
        /// Whom.
        attempt: i64,
        /// For which plan.
        plan: String,
    },
    /// Make a StreamSnapshot, labelled as the schedule's.
    CreateSnapshot {
        /// Its name, which follows from the minute it is due.
        name: String,
    },
    /// Delete a StreamSnapshot of the schedule, and its files.
    DeleteSnapshot {
        /// Its name.
        name: String,
    },
    /// Take the finalizer off: the deletion ends.
    RemoveFinalizer,
    /// Something has to come first: this says what.
    Wait(String),
}

/// An object to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildRef {
    /// What it is.
    pub kind: ChildKind,
    /// Its name.
    pub name: String,
    /// Its uid, as a precondition.
    pub uid: String,
    /// How long it may take to go.
    pub grace: Grace,
}

/// How long an object may take to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grace {
    /// As it says itself.
    Own,
    /// At once: nobody is there who could use the time.
    None,
}

impl ChildRef {
    /// A reference to this object, to be given its own time.
    pub fn to(child: &Child) -> Self {
        Self { kind: child.kind, name: child.name.clone(), uid: child.uid.clone(), grace: Grace::Own }
    }
}

impl Action {
    /// Whether doing it cannot be taken back: it ends, moves or begins the ownership of state.
    pub fn is_irreversible(&self) -> bool {
        matches!(
            self,
            Self::StopWithSavepoint { .. }
                | Self::CancelJob { .. }
                | Self::Rescale { .. }
                | Self::Activate { .. }
        )
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddFinalizer => f.write_str("add finalizer"),
            Self::WriteIntent(status) => match &status.intent {
                Some(i) => {
                    write!(
                        f,
                        "write intent: {:?} {:?} to attempt {} from {:?}",
                        i.cause, i.step, i.attempt, i.from
                    )?;
                    i.floor.map_or(Ok(()), |floor| write!(f, " at least {floor}"))?;
                    i.stop.map_or(Ok(()), |stop| write!(f, ", stop by {stop:?}"))
                }
                None => f.write_str("write intent: none"),
            },
            Self::EnsureObjects(built) => list("ensure", built.iter().map(|b| format!("{b:?}")), f),
            Self::IssueCertificates(order) => write!(f, "issue certificates {}", order.name),
            Self::RenewCertificates(order) => write!(f, "renew certificates {}", order.name),
            Self::StartPlanner(built) => list("start planner", built.iter().map(|b| format!("{b:?}")), f),
            Self::DeleteOrphans(orphans) => {
                let now = |o: &ChildRef| if o.grace == Grace::None { " now" } else { "" };
                list("delete", orphans.iter().map(|o| format!("{}/{}{}", o.kind, o.name, now(o))), f)
            }
            Self::StopWithSavepoint { attempt, method, .. } => {
                write!(f, "stop attempt {attempt} behind {method:?}")
            }
            Self::CancelJob { attempt, .. } => write!(f, "cancel attempt {attempt}"),
            Self::Rescale { attempt, parallelism, .. } => {
                write!(f, "rescale attempt {attempt} to {parallelism}")
            }
            Self::Activate { attempt, .. } => write!(f, "activate attempt {attempt}"),
            Self::CreateSnapshot { name } => write!(f, "create snapshot {name}"),
            Self::DeleteSnapshot { name } => write!(f, "delete snapshot {name}"),
            Self::RemoveFinalizer => f.write_str("remove finalizer"),
            Self::Wait(reason) => write!(f, "wait: {reason}"),
        }
    }
}

fn list(what: &str, items: impl Iterator<Item = String>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{what} {}", items.collect::<Vec<_>>().join(" "))
}
