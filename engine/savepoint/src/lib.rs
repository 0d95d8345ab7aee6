//! Savepoints: a job's whole state in a form that outlives the job, its parallelism and its state backend.
//!
//! This crate owns the format (Parquet files and one manifest in a folder of their own), how one is made from an owned and
//! published checkpoint without asking the job's tasks, how it is read, and how it becomes a checkpoint of another job. It
//! never writes into a checkpoint, never overwrites an object, never deletes what a reader could still find, and reads no
//! clock: `now` and random numbers are arguments.
//!
//! ```text
//! savepoint/nightly/                                any folder of any store
//!   claim                                           whose attempt the name belongs to: 00c0ffee00c0ffee
//!   00c0ffee00c0ffee/manifest                       written last; without it there is no savepoint
//!   00c0ffee00c0ffee/agg/main/00000-00064.parquet   rows of the key groups [0, 64), sorted by (key group, key)
//! ```
//!
//! Example: epoch 41 has a base of 1,000,000 groups and two deltas that change 3,000 and delete 10 of them. Its savepoint has
//! 999,990 rows, and restoring it at any parallelism and in any backend is [`import()`], then an ordinary take-over.

mod abandoned;
mod claim;
mod column_type;
mod cut;
mod error;
mod evolve;
mod import;
mod inspect;
mod location;
mod manifest;
mod merge;
mod parquet_file;
mod partition;
mod reader;
mod remove;
mod reserve;
mod scan;
mod settings;
mod wire;
mod write;

pub use abandoned::clean_up;
pub use claim::SavepointClaim;
pub use error::SavepointError;
pub use evolve::{Difference, ExpectedOperator, ExpectedState, ExpectedTable, widens};
pub use import::{ImportRequest, Imported, import, preview, repeats};
pub use inspect::{
    ColumnSummary, OperatorSummary, SavepointSummary, SinkSummary, SourceSummary, SplitSummary, TableSummary,
};
pub use location::SavepointLocation;
pub use manifest::{SavedColumn, SavedFile, SavedTable, SavepointManifest};
pub use partition::Buckets;
pub use reader::SavepointReader;
pub use remove::{delete, list};
pub use reserve::check_free;
pub use scan::{FileRows, TableScan};
pub use settings::SavepointSettings;
pub use write::{SavepointRequest, write};
