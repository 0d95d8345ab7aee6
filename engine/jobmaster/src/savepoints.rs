//! Savepoints that somebody asked for, from the order until its files are written.
//!
//! ```text
//! order -> Waiting -> Taking(checkpoint) -> Owned(epoch) -> Writing(epoch) -> answered
//!             ^            |
//!             +-- aborted -+   (an order to stop is tried again, any other is refused)
//! ```
//!
//! A savepoint is always an epoch of the job too: its files are written from an epoch that is owned and visible, beside the job,
//! which goes on meanwhile. Example: orders 1 and 2 wait; checkpoint 7 is taken for both and becomes epoch 12; when 12 is marked
//! as published, 1 is written from it, and then 2.

use std::collections::BTreeMap;
use std::fmt;

use millstream_model::{CheckpointId, Epoch};
use serde::{Deserialize, Serialize};

/// Number of an order within its coordinator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SavepointId(pub u64);

/// What becomes of the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AfterSavepoint {
    /// It goes on.
    GoOn,
    /// It stops; running it again continues.
    Stop,
    /// Its input ends here: windows fire, everything is flushed, and it is finished.
    Drain,
}

/// A savepoint that is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavepointReport {
    /// Its folder.
    pub location: String,
    /// The epoch that it holds.
    pub epoch: Epoch,
    /// Rows of all tables.
    pub rows: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// When it was complete.
    pub at_ms: u64,
}

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Taking(CheckpointId),
    Owned(Epoch),
    Writing(Epoch),
}

/// All orders that are not answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Savepoints {
    orders: BTreeMap<SavepointId, (AfterSavepoint, Stage)>,
}

impl Savepoints {
    /// Notes an order.
    pub(crate) fn order(&mut self, id: SavepointId, then: AfterSavepoint) {
        self.orders.insert(id, (then, Stage::Waiting));
    }

    /// Orders that are not answered.
    pub(crate) fn len(&self) -> usize {
        self.orders.len()
    }

    /// Whether a checkpoint has to be taken for somebody.
    pub(crate) fn is_wanted(&self) -> bool {
        self.orders.values().any(|(_, stage)| *stage == Stage::Waiting)
    }

    /// Whether an epoch must stay as it is because it is going to be read, or is read already.
    pub(crate) fn needs_an_epoch(&self) -> bool {
        self.orders.values().any(|(_, stage)| matches!(stage, Stage::Owned(_) | Stage::Writing(_)))
    }

    /// This checkpoint serves everybody who waits.
    pub(crate) fn taking(&mut self, checkpoint: CheckpointId) {
        self.advance(Stage::Waiting, Stage::Taking(checkpoint));
    }

    /// The checkpoint is this epoch.
    pub(crate) fn owned(&mut self, checkpoint: CheckpointId, epoch: Epoch) {
        self.advance(Stage::Taking(checkpoint), Stage::Owned(epoch));
    }

    /// No record will be read any more: everybody who waits gets this epoch.
    pub(crate) fn serve(&mut self, epoch: Epoch) {
        self.advance(Stage::Waiting, Stage::Owned(epoch));
    }

    /// The checkpoint will not complete. Orders to stop wait for the next one; the others are returned, and over.
    pub(crate) fn aborted(&mut self, checkpoint: CheckpointId) -> Vec<SavepointId> {
        let is_repeated = |then| !matches!(then, AfterSavepoint::GoOn);
        let refused = self.take(|then, stage| stage == Stage::Taking(checkpoint) && !is_repeated(then));
        self.advance(Stage::Taking(checkpoint), Stage::Waiting);
        refused
    }

    /// The oldest order whose epoch is visible by now: it has to be written. One at a time, since each takes memory.
    pub(crate) fn begin(&mut self, is_visible: impl Fn(Epoch) -> bool) -> Option<(SavepointId, Epoch)> {
        if self.is_writing() {
            return None;
        }
        self.orders.iter_mut().find_map(|(id, (_, stage))| match *stage {
            Stage::Owned(epoch) if is_visible(epoch) => {
                *stage = Stage::Writing(epoch);
                Some((*id, epoch))
            }
            _ => None,
        })
    }

    /// Whether files are being written.
    pub(crate) fn is_writing(&self) -> bool {
        self.orders.values().any(|(_, stage)| matches!(stage, Stage::Writing(_)))
    }

    /// Written or failed: the order is answered. False if it was not being written.
    pub(crate) fn answered(&mut self, id: SavepointId) -> bool {
        matches!(self.orders.remove(&id), Some((_, Stage::Writing(_))))
    }

    /// Gives up every order that is not being written.
    pub(crate) fn give_up_unwritten(&mut self) -> Vec<SavepointId> {
        self.take(|_, stage| !matches!(stage, Stage::Writing(_)))
    }

    /// Gives everything up.
    pub(crate) fn give_up(&mut self) -> Vec<SavepointId> {
        self.take(|_, _| true)
    }

    fn advance(&mut self, from: Stage, to: Stage) {
        self.orders.values_mut().filter(|(_, stage)| *stage == from).for_each(|(_, stage)| *stage = to);
    }

    fn take(&mut self, is_taken: impl Fn(AfterSavepoint, Stage) -> bool) -> Vec<SavepointId> {
        self.orders.extract_if(.., |_, (then, stage)| is_taken(*then, *stage)).map(|(id, _)| id).collect()
    }
}

impl fmt::Display for SavepointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: SavepointId = SavepointId(1);
    const TWO: SavepointId = SavepointId(2);

    fn both() -> Savepoints {
        let mut savepoints = Savepoints::default();
        savepoints.order(ONE, AfterSavepoint::GoOn);
        savepoints.order(TWO, AfterSavepoint::Stop);
        savepoints
    }

    #[test]
    fn one_checkpoint_serves_all_who_wait() {
        let mut s = both();
        assert!(s.is_wanted() && !s.needs_an_epoch());
        s.taking(CheckpointId(7));
        assert!(!s.is_wanted());
        s.order(SavepointId(3), AfterSavepoint::GoOn);
        s.owned(CheckpointId(6), Epoch(11));
        assert!(!s.needs_an_epoch(), "not theirs");
        s.owned(CheckpointId(7), Epoch(12));
        assert!(s.needs_an_epoch());
        assert_eq!(s.begin(|_| false), None);
        assert_eq!(s.begin(|epoch| epoch <= Epoch(12)), Some((ONE, Epoch(12))));
        assert_eq!(s.begin(|_| true), None, "one at a time");
        assert!(s.is_writing() && s.is_wanted(), "the third still waits");
        assert!(s.answered(ONE) && !s.answered(ONE) && s.needs_an_epoch());
        assert_eq!(s.begin(|_| true), Some((TWO, Epoch(12))));
        assert!(s.answered(TWO));
        assert!(!s.answered(SavepointId(3)) && !s.needs_an_epoch());
    }

    #[test]
    fn an_order_to_stop_survives_an_aborted_checkpoint() {
        let mut s = both();
        s.taking(CheckpointId(7));
        assert_eq!(s.aborted(CheckpointId(8)), []);
        assert_eq!(s.aborted(CheckpointId(7)), [ONE]);
        assert!(s.is_wanted());
        s.serve(Epoch(5));
        assert_eq!(s.begin(|_| true), Some((TWO, Epoch(5))));
    }

    #[test]
    fn what_is_being_written_may_finish() {
        let mut s = both();
        s.taking(CheckpointId(7));
        s.owned(CheckpointId(7), Epoch(12));
        s.order(SavepointId(3), AfterSavepoint::Drain);
        s.begin(|_| true);
        assert_eq!(s.give_up_unwritten(), [TWO, SavepointId(3)]);
        assert_eq!((s.len(), s.give_up()), (1, vec![ONE]));
        assert_eq!(s.len(), 0);
    }
}
