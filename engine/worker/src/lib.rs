//! Runs subtasks: slots, tasks, exchange, and a subtask's part of checkpoints.
//!
//! A worker takes [`ToWorker`](millstream_model::control::ToWorker) messages and answers with
//! [`FromWorker`](millstream_model::control::FromWorker) ones. It never decides when to checkpoint, never reads SQL, and
//! never makes output visible. Example: a job of 3 chains at parallelism 2 is 6 subtasks in 2 slots, each slot one thread
//! with one subtask of every chain.

mod clock;
mod error;
mod held;
pub mod http;
mod local_copies;
mod memory;
mod operator_factory;
mod sabotage;
pub mod session;
mod slot;
mod spill;
mod store;
mod task;
mod worker;

pub use held::HeldRecord;
pub use local_copies::LocalCopies;
pub use operator_factory::OperatorFactory;
pub use sabotage::Sabotage;
pub use spill::SpillSettings;
pub use store::{ObjectScope, SnapshotStore};
pub use worker::{CANCELLATION_TIMEOUT, CompileAt, WorkerError, WorkerNetwork, WorkerSettings, run};
