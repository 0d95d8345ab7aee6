//! Where records come from and go to: the traits that a connector implements, the options it allows, the formats, and the
//! connectors that are built in.
//!
//! This crate never sees a checkpoint: it is handed positions and returns positions, it is handed staged output and makes
//! it visible. Readers may block; they run on threads of their own.

pub mod error;
pub mod options;
pub mod registry;
pub mod sink;
pub mod source;
pub mod table;

pub use error::ConnectorError;
pub use registry::{Connector, ConnectorRegistry};
pub use table::TableConfig;
