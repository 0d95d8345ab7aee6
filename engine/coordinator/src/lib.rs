//! The coordinator of one job: carries out what the job master decides, and tells it what happens.
//!
//! ```text
//! workers --FromWorker--> driver --Event--> job master --Command--> driver --> workers, bucket, sinks, sources
//! ```
//!
//! This crate never decides: what to do next is `millstream-jobmaster`'s, what the bucket means is
//! `millstream-checkpoint-store`'s. It never sees SQL. It owns the clock, the connections to the workers, the enumerators and
//! publishers, and the pages on which people read how the job is doing.
//!
//! [`Coordinator::new`] wires a job, [`Coordinator::run`] runs it to its end, a [`JobHandle`] asks it to stop and watches it,
//! [`http::Pages`] shows it, [`desk::serve`] takes workers of other processes. Whether its workers are threads of this process or pods is hidden behind [`Transport`].

mod announce;
mod clock;
pub mod control;
mod coordinator;
pub mod desk;
mod driver;
mod enumerators;
#[cfg(test)]
mod fixture;
mod handle;
mod history;
pub mod http;
mod links;
mod membership;
mod metadata_io;
pub mod metrics;
mod outage;
mod progress;
mod publishers;
mod rescales;
mod savepoints;
mod settings;
pub mod status;
mod take_over;
mod timers;

pub use announce::OUTCOME;
pub use clock::SteeredClock;
pub use coordinator::{Coordinator, JobParts};
pub use handle::{JobHandle, Request, RescaleRequest, SavepointRequest};
pub use history::ExceptionReport;
pub use links::{Transport, WorkerLink};
pub use millstream_jobmaster::{AfterSavepoint, JobEnd as JobOutcome, SavepointReport};
pub use outage::{Outage, StartPatience};
pub use settings::CoordinatorSettings;
pub use status::JobStatus;
