//! What the coordinator of a job does next: facts and `now` in, commands out.
//!
//! [`JobMaster::handle`] is the whole interface. This crate never does I/O, never reads a clock, draws no random numbers and
//! knows no async runtime; the same events give the same commands, so a log of them replays any decision as a test.
//!
//! | module | decides |
//! |---|---|
//! | [`master`] | the phases of a job and what leads from one to the next |
//! | `master/workers` | who may work, what happens when somebody is lost |
//! | `master/deploy` | attempts: placement, restore, start, splits |
//! | `master/checkpoints` | trigger, collect, write, claim, abort |
//! | `master/outputs` | publishing in epoch order, markers, retention |
//! | `master/failover` | restart, give up, stop, end |
//! | `schedule`, `splits`, `checkpointing`, `publishing`, `restarts` | the parts with a memory of their own |
//!
//! Example, of a job with one worker and no checkpoint yet: `TookOver` -> nothing, no slots; `Registered` -> deploy every
//! subtask, start the enumerators; the last `SubtaskRunning` -> start; after the interval `TimerFired` -> barriers; the last
//! `SnapshotStored` -> write the manifest; `ManifestWritten` -> claim; `EpochOwned` -> tell the workers, publish.

mod checkpointing;
mod command;
mod deployment;
mod event;
#[cfg(test)]
mod fixture;
pub mod master;
mod publishing;
mod rescales;
mod restarts;
mod savepoints;
mod schedule;
mod settings;
mod splits;
mod status;

pub use command::{Command, JobEnd, Timer};
pub use event::{Event, OwnedEpoch, Takeover};
pub use master::{JobMaster, JobSpec};
pub use rescales::RescaleId;
pub use savepoints::{AfterSavepoint, SavepointId, SavepointReport};
pub use settings::{
    CheckpointSettings, MAX_UNPUBLISHED_EPOCHS, PublishSettings, RestartStrategy, Sabotage, Settings,
};
pub use status::{CheckpointReport, EpochReport, JobPhase, StatusReport};
