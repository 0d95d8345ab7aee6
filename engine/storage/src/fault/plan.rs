//! What goes wrong, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::Action;

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process dies before the store sees the call.
    CrashBefore,
    /// The store applies the call, and the process dies before it hears so.
    CrashAfter,
    /// The store does nothing and gives no answer: ambiguous for a create, transient for a read.
    NotApplied,
    /// The store applies the call and the answer is lost: ambiguous for a create, transient for a read.
    Applied,
    /// The call takes this much longer.
    Delay(Duration),
    /// The call waits for `release`: how a zombie sleeps. One call at a time.
    Hold,
}

/// Which call meets which fault. Each fault happens once.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan {
    by_number: BTreeMap<u64, Fault>,
    by_key: Vec<(Action, String, Fault)>,
}

impl FaultPlan {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One fault, at call `number`, which counts from 1.
    #[must_use]
    pub fn at(number: u64, fault: Fault) -> Self {
        Self::none().and_at(number, fault)
    }

    /// Another fault, at call `number`.
    #[must_use]
    pub fn and_at(mut self, number: u64, fault: Fault) -> Self {
        self.by_number.insert(number, fault);
        self
    }

    /// Another fault, at the next such call whose key contains `part`.
    #[must_use]
    pub fn and_on(mut self, action: Action, part: &str, fault: Fault) -> Self {
        self.by_key.push((action, part.to_owned(), fault));
        self
    }

    pub(super) fn take(&mut self, number: u64, action: Action, key: &str) -> Option<Fault> {
        if let Some(fault) = self.by_number.remove(&number) {
            return Some(fault);
        }
        let position =
            self.by_key.iter().position(|(a, part, _)| *a == action && key.contains(part.as_str()))?;
        Some(self.by_key.remove(position).2)
    }
}
