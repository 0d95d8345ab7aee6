//! What goes wrong with a publisher's calls, and when.

use std::collections::BTreeMap;
use std::fmt;

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// A new producer for a transactional id: older ones are fenced, their transactions ended.
    Init,
    /// The progress that the id's last committed transaction wrote.
    ReadProgress,
    /// A transaction.
    Begin,
    /// Rows into the transaction.
    Append,
    /// The progress record into the transaction.
    WriteProgress,
    /// The transaction becomes visible.
    Commit,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MockFault {
    /// The process dies before the target sees the call.
    CrashBefore,
    /// The target applies the call, and the process dies before it hears so. After `Begin` or `Append` the transaction
    /// hangs: committed rows behind it cannot be read until it ends.
    CrashAfter,
    /// Nothing is applied and no answer comes.
    Lost,
    /// The call is applied and no answer comes.
    AppliedUnheard,
    /// A commit that the target has decided on and not finished: it becomes visible with the next `Init` of its id, or by
    /// [`super::MockTarget::finish_commits`]. Other phases: as `AppliedUnheard`.
    LateCommit,
    /// A commit on its way: it reaches the target with [`super::MockTarget::deliver_commits`], and is refused if a newer
    /// producer is there by then. Other phases: as `Lost`.
    DelayedCommit,
    /// The call waits until [`super::MockTarget::wake`]: how a zombie sleeps.
    Sleep,
}

/// The faults of one publisher. Each happens once.
#[derive(Clone, Debug, Default)]
pub struct MockFaults {
    at_call: BTreeMap<u64, MockFault>,
    at_phase: Vec<(Phase, MockFault)>,
}

impl MockFaults {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// A fault at call `number`, which counts from 1.
    #[must_use]
    pub fn at_call(mut self, number: u64, fault: MockFault) -> Self {
        self.at_call.insert(number, fault);
        self
    }

    /// A fault at the next call of this phase that has none yet.
    #[must_use]
    pub fn at_phase(mut self, phase: Phase, fault: MockFault) -> Self {
        self.at_phase.push((phase, fault));
        self
    }

    pub(super) fn take(&mut self, number: u64, phase: Phase) -> Option<MockFault> {
        if let Some(fault) = self.at_call.remove(&number) {
            return Some(fault);
        }
        let index = self.at_phase.iter().position(|(p, _)| *p == phase)?;
        Some(self.at_phase.remove(index).1)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Init => "make a producer",
            Self::ReadProgress => "read the progress",
            Self::Begin => "begin a transaction",
            Self::Append => "append rows",
            Self::WriteProgress => "write the progress",
            Self::Commit => "commit",
        })
    }
}
