//! A coordinator's process: where it is in its life, and what it says of itself.

use std::time::Duration;

use millstream_lifecycle::time::Timestamp;
use serde_json::{Value, json};

use super::bucket::Place;

/// Where a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It claims nothing until it is told to.
    Standby,
    /// It is about to claim.
    TakingOver,
    /// It waits for workers.
    WaitingForSlots,
    /// State is read.
    Deploying,
    /// Records flow.
    Running,
    /// It takes its last checkpoint.
    Stopping,
    /// It ends where it is.
    Cancelling,
    /// Over, and about to end its process.
    Stopped,
}

/// A process.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) job: String,
    pub(super) attempt: i64,
    pub(super) ip: String,
    pub(super) stage: Stage,
    /// When that began.
    pub(super) since: Timestamp,
    /// What its pod says.
    pub(super) args: Vec<String>,
    pub(super) floor: Option<i64>,
    /// What it runs, from its config map.
    pub(super) sql: String,
    pub(super) storage: String,
    pub(super) parallelism: i64,
    pub(super) slots: i64,
    /// Its claim, once it has one.
    pub(super) generation: u64,
    pub(super) restored_from: Option<i64>,
    /// The last epoch that it wrote.
    pub(super) wrote: Option<i64>,
}

impl Process {
    pub(super) fn go_to(&mut self, stage: Stage, now: Timestamp) {
        self.stage = stage;
        self.since = now;
    }

    pub(super) fn has_been_for(&self, span: Duration, now: Timestamp) -> bool {
        millstream_lifecycle::time::elapsed(self.since, now) >= span
    }

    /// Whether it owns the job's epochs, or will without being asked.
    pub(super) fn can_own(&self) -> bool {
        !matches!(self.stage, Stage::Standby | Stage::Stopped)
    }

    /// The document of `/status`.
    pub(super) fn status(&self, place: &Place) -> Value {
        let phase = match self.stage {
            Stage::Standby => "Standby",
            Stage::TakingOver => "TakingOver",
            Stage::WaitingForSlots => "WaitingForSlots",
            Stage::Deploying => "Deploying",
            Stage::Running => "Running",
            Stage::Stopping => "Stopping",
            Stage::Cancelling => "Cancelling",
            Stage::Stopped => "Stopped",
        };
        let newest = place.newest.zip(place.at).map(|(epoch, at)| {
            json!({"epoch": epoch, "manifest": format!("{}/epoch/{epoch}", self.storage), "at_ms": at.as_millisecond()})
        });
        json!({
            "phase": phase, "newest_epoch": newest, "restored_from": self.restored_from, "restarts": 0,
            "parallelism": self.parallelism, "failed_checkpoints_in_a_row": 0,
        })
    }
}
