//! `StreamJob`: what a user writes, field by field.
//!
//! Owns the shape of `spec`; its limits stand here as schema attributes, its rules across fields in [`crate::rules`], its
//! defaults in [`crate::defaults`], and the status in [`crate::status`]. The doc comment of a field is its description in
//! the CRD and on the reference page, so it speaks to the user.
//!
//! Reading is lenient where the API server is strict: an object that an older or newer CRD let through still
//! deserializes, so that the operator can report it. Unknown fields are refused only in [`crate::read_manifest`].
//!
//! `x-millstream-change` says beside a field how deep a change of it goes ([`crate::change`]); what is not marked inherits the mark of
//! the object around it, and a field without any is an Upgrade.
//!
//! No enum value is a word that YAML 1.1 reads as a boolean (`On`, `Off`, `Yes`, `No`): kubectl would send `false`.

mod autoscaling;
mod checkpoint;
mod pods;
mod restart;
mod snapshots;
mod source;
mod upgrade;

use std::collections::BTreeMap;

use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use autoscaling::{Autoscaling, AutoscalingMode, ServiceLevel};
pub use checkpoint::{Checkpoint, State, StateBackendName};
pub(crate) use checkpoint::{MAX_URI, STORAGE_PATTERN};
pub use pods::{CoordinatorPods, PodTemplate, Resources, WorkerPods};
pub use restart::{Restart, RestartStrategyName, RestoreFrom, RestorePolicy};
pub use snapshots::{SnapshotRetention, Snapshots};
pub use source::{ConfigMapKey, SecretName, SqlFrom};
pub use upgrade::{Approval, Fallback, Rollback, RollbackState, Stability, Upgrade, UpgradeMode, Warm};

use crate::defaults;
use crate::status::StreamJobStatus;

/// Longest SQL of a manifest, in characters. Stored objects are limited to about 1.5 MB in all.
pub const MAX_SQL: u32 = 1_048_576;
/// Most entries of `variables` and of `config`.
pub const MAX_ENTRIES: u32 = 256;
/// Largest number of key groups, and so of subtasks of one operator.
pub const MAX_MAX_PARALLELISM: i32 = 32_768;

/// A stream or batch job: SQL, and how to run it.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "millstream.dev",
    version = "v1alpha1",
    kind = "StreamJob",
    namespaced,
    status = "StreamJobStatus",
    shortname = "sj",
    category = "all",
    crates(kube_core = "::kube_core"),
    derive = "PartialEq",
    doc = "A StreamJob is a stream or batch job written in SQL, with the way to run it. Being able to write one means being able to run code with the rights of its pods.",
    scale(
        spec_replicas_path = ".spec.parallelism",
        status_replicas_path = ".status.parallelism.current",
        label_selector_path = ".status.selector"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct StreamJobSpec {
    /// The job's SQL, in Flink's dialect: tables, views, SET, and INSERT INTO or a bare SELECT. Exactly one of sql and
    /// sqlFrom is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_SQL), regex(pattern = r"\S"))]
    #[schemars(extend("x-millstream-change" = "Upgrade"))]
    pub sql: Option<String>,

    /// Where the SQL lies, when it is not in this object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-millstream-change" = "Upgrade"))]
    pub sql_from: Option<SqlFrom>,

    /// Values for ${NAME} in the SQL. Names consist of letters, digits and underscores. Never put a secret here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_ENTRIES))]
    #[schemars(extend("x-millstream-change" = "Upgrade"))]
    pub variables: BTreeMap<String, String>,

    /// Secrets mounted into the job's pods; options of a table refer to them as ${secret:NAME/KEY}.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 64),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    #[schemars(extend("x-millstream-change" = "Upgrade"))]
    pub secrets: Vec<SecretName>,

    /// Whether the job should run. A suspended job keeps its state and takes up where it stopped.
    #[serde(default)]
    #[schemars(extend("x-millstream-change" = "NoOp"))]
    pub desired_state: DesiredStateName,

    /// Subtasks of each operator. Leave it out of Git when something else scales the job (kubectl scale, an autoscaler).
    #[serde(default = "default_parallelism")]
    #[schemars(range(min = 1, max = MAX_MAX_PARALLELISM))]
    #[schemars(extend("x-millstream-change" = "Rescale"))]
    pub parallelism: i32,

    /// Number of key groups: the most that parallelism can ever be. Fixed for the job's life, since state is stored by
    /// key group.
    #[serde(default = "default_max_parallelism")]
    #[schemars(range(min = 1, max = MAX_MAX_PARALLELISM))]
    #[schemars(extend("x-millstream-change" = "Upgrade"))]
    pub max_parallelism: i32,

    /// Where state lives while the job runs, and where its checkpoints go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-millstream-change" = "Upgrade"))]
    pub state: Option<State>,

    /// How often the job's state is made durable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-millstream-change" = "Upgrade"))]
    pub checkpoint: Option<Checkpoint>,

    /// How a changed job takes over from the running one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-millstream-change" = "NoOp"))]
    pub upgrade: Option<Upgrade>,

    /// Going back to the previous revision when a new one does not become stable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-millstream-change" = "NoOp"))]
    pub rollback: Option<Rollback>,

    /// When a job counts as stable after a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-millstream-change" = "NoOp"))]
    pub stability: Option<Stability>,

    /// What happens when the job fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-millstream-change" = "Upgrade"))]
    pub restart: Option<Restart>,

    /// Starting from a chosen snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore: Option<RestoreFrom>,

    /// Savepoints taken by the clock, and how long they are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-millstream-change" = "NoOp"))]
    pub snapshots: Option<Snapshots>,

    /// Choosing the parallelism from the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-millstream-change" = "NoOp"))]
    pub autoscaling: Option<Autoscaling>,

    /// What happens to the running job when this object is deleted: Cancel stops it, Savepoint takes a savepoint first,
    /// Drain lets it finish what it has read. Default Cancel. Checkpoints and savepoints stay in the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-millstream-change" = "NoOp"))]
    pub deletion_policy: Option<DeletionPolicy>,

    /// The coordinator's pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-millstream-change" = "Upgrade"))]
    pub coordinator: Option<CoordinatorPods>,

    /// The workers' pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-millstream-change" = "Upgrade"))]
    pub worker: Option<WorkerPods>,

    /// Settings of the engine, by name, as text: "table.local-time-zone": "Europe/Berlin".
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_ENTRIES))]
    #[schemars(extend("x-millstream-change" = "Upgrade"))]
    pub config: BTreeMap<String, String>,
}

fn default_parallelism() -> i32 {
    defaults::PARALLELISM
}

fn default_max_parallelism() -> i32 {
    defaults::MAX_PARALLELISM
}

/// Whether the job should run. A suspended job keeps its state and takes up where it stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum DesiredStateName {
    #[default]
    /// Run, or take up again.
    Running,
    /// Stop and keep the state.
    Suspended,
}

/// What happens to the running job when this object is deleted: Cancel stops it, Savepoint takes a savepoint first,
/// Drain lets it finish what it has read. Default Cancel. Checkpoints and savepoints stay in the bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum DeletionPolicy {
    /// Stop at once.
    Cancel,
    /// Take a savepoint, then stop.
    Savepoint,
    /// Finish what has been read, then stop.
    Drain,
}
