//! What is done where and when.

use std::fmt;

use crate::harness::Shape;
use crate::harness::job::{Chains, Target};

/// A phase of a checkpoint: the moment before or behind one step of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The order to send a barrier is on its way to the source.
    Trigger,
    /// The source has sent it on and begins to store its part; the others align.
    Align,
    /// The worker that suffers stores its part (the sink's, where it is the coordinator that suffers).
    Upload,
    Uploaded,
    /// A part is acknowledged.
    Acknowledge,
    /// The manifest is written.
    Manifest,
    ManifestWritten,
    /// The epoch is claimed.
    Claim,
    Claimed,
    /// Workers are told so.
    Owned,
    /// Output becomes visible.
    Publish,
    /// The progress record of files is written, a transaction is committed.
    Commit,
    Published,
    /// The epoch is marked.
    Mark,
    Marked,
    /// What nobody needs is deleted.
    Sweep,
}

impl Phase {
    pub(crate) const ALL: [Self; 16] = [
        Self::Trigger,
        Self::Align,
        Self::Upload,
        Self::Uploaded,
        Self::Acknowledge,
        Self::Manifest,
        Self::ManifestWritten,
        Self::Claim,
        Self::Claimed,
        Self::Owned,
        Self::Publish,
        Self::Commit,
        Self::Published,
        Self::Mark,
        Self::Marked,
        Self::Sweep,
    ];
}

/// A process by what it does. A worker has the name of the first chain that it has a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Coordinator,
    Source,
    Middle,
    Sink,
}

impl Role {
    pub(crate) const ALL: [Self; 4] = [Self::Coordinator, Self::Source, Self::Middle, Self::Sink];
    /// In the order of their slots.
    pub(crate) const WORKERS: [Self; 3] = [Self::Source, Self::Middle, Self::Sink];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Coordinator => "coordinator",
            Self::Source => "source worker",
            Self::Middle => "middle worker",
            Self::Sink => "sink worker",
        })
    }
}

/// What happens to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    Kill,
    /// It stands still past every timeout and goes on later.
    Freeze,
    /// Nothing comes to it or from it, past every timeout; it goes on, and it reaches the bucket and the target.
    CutOff,
}

impl Fault {
    pub(crate) const ALL: [Self; 3] = [Self::Kill, Self::Freeze, Self::CutOff];
}

/// One cell of the matrix, for one kind of target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    pub(crate) target: Target,
    pub(crate) phase: Phase,
    pub(crate) role: Role,
    pub(crate) fault: Fault,
}

impl Cell {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let targets = [Target::Files, Target::Transactions];
        targets.into_iter().flat_map(|target| {
            Phase::ALL.into_iter().flat_map(move |phase| {
                Role::ALL.into_iter().flat_map(move |role| {
                    Fault::ALL.into_iter().map(move |fault| Self { target, phase, role, fault })
                })
            })
        })
    }

    pub(crate) const fn shape(self) -> Shape {
        Shape { target: self.target, parallelism: 3, chains: Chains::Three }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, phase, role, fault } = self;
        write!(f, "{target:?} {phase:?} x {role} x {fault:?}")
    }
}
