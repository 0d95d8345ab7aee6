//! Where records come from and go to: the traits that a connector implements, the options it allows, the formats, and the
//! connectors that are built in.
//!
//! This crate never sees a checkpoint: it is handed positions and returns positions, it is handed staged output and makes
//! it visible. Readers may block; they run on threads of their own.

pub mod blackhole;
mod builtin;
pub mod clock;
pub mod conformance;
pub mod datagen;
pub mod error;
pub mod filesystem;
mod fixed_splits;
mod format;
pub mod nexmark;
pub mod options;
mod pace;
pub mod print;
pub mod registry;
pub mod sink;
pub mod source;
pub mod table;

pub use builtin::{Surroundings, builtin_registry, builtin_registry_in};
pub use clock::Clock;
pub use error::ConnectorError;
pub use format::sql_type;
pub use registry::{Connector, ConnectorRegistry};
pub use table::TableConfig;

#[cfg(test)]
mod round_trip_test;
#[cfg(test)]
mod test_table;
