//! The resources `StreamJob` and `StreamSnapshot`: their Rust types, the CRDs made from them, and the validation of a manifest.
//!
//! This crate owns the words of the resource. Everything that reads a manifest (`millstream run`, the operator, the
//! generated CRD and its reference page) takes field names, defaults, limits and messages from here, so that a manifest
//! means the same on a laptop and on a cluster.
//!
//! It never talks to a cluster, never opens a file, never parses SQL and never reads a clock: text goes in, a
//! [`ValidatedJob`] or a list of errors with paths (and, for a manifest, lines and columns) comes out.
//!
//! ```
//! let text = "
//! apiVersion: millstream.dev/v1alpha1
//! kind: StreamJob
//! metadata: {name: delays}
//! spec:
//!   sql: SELECT 1
//!   checkpoint: {interval: 10s}
//! ";
//! let job = millstream_api::read_manifest(text, "delays.yaml").unwrap().validate().unwrap();
//! assert_eq!(job.parallelism, 1);
//! assert_eq!(job.checkpoint.interval.as_millis(), 10_000);
//! ```

pub mod change;
pub mod conditions;
mod crd;
pub mod defaults;
mod duration;
mod manifest;
pub mod names;
mod path;
mod quantity;
pub mod rules;
pub mod status;
pub mod streamjob;
pub mod streamsnapshot;
mod validate;
mod validated;

/// Kubernetes' own types, for crates that build objects of them without a dependency of their own.
pub use k8s_openapi;

pub use crd::{streamjob_crd, streamsnapshot_crd};
pub use duration::{DurationError, DurationText, MAX_DURATION, parse_duration};
pub use manifest::{MAX_MANIFEST, Manifest, ManifestError, Position, Problem, SqlOrigin, read_manifest};
pub use quantity::{Quantity, QuantityError};
pub use streamjob::{StreamJob, StreamJobSpec};
pub use streamsnapshot::{StreamSnapshot, StreamSnapshotSpec};
pub use validate::FieldError;
pub use validated::{
    CheckpointSettings, ClusterSettings, DesiredState, PodSettings, RestartPolicy, Restore, RestorePolicy,
    RollbackSettings, SnapshotSettings, SqlSource, StabilitySettings, StateBackend, UpgradeSettings,
    ValidatedJob,
};
