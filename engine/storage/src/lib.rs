//! Object storage: a narrow trait, and the local folder, memory and S3 behind it.
//!
//! This crate is the only one that names object_store. It never overwrites an object: whatever the engine writes has a name
//! of its own and is created once, so that create-if-absent is the only primitive that correctness rests on. It never
//! decides what a failed write means: an ambiguous one is reported as such, and [`retry::create`] repeats it with the same
//! body until the answer is definite.

pub mod conformance;
mod create;
mod error;
pub mod fault;
mod key;
mod local;
mod memory;
mod object_storage;
mod open;
pub mod retry;
mod s3;
pub mod wait;

pub use create::CreateOutcome;
pub use error::{Action, Remedy, StorageError};
pub use local::LocalStorage;
pub use memory::MemoryStorage;
pub use object_storage::{ObjectInfo, ObjectStorage, PutOutcome};
pub use open::open;
pub use retry::Patience;
pub use s3::S3Storage;
