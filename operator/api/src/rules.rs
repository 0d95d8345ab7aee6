//! Rules across fields, in CEL: what the API server checks beyond types, enums and ranges.
//!
//! Owns the one table of them. [`crate::streamjob_crd`] puts each rule into the schema where `at` says;
//! [`crate::StreamJob::validate`] checks the same in Rust for manifests that never meet an API server, except for
//! rules about a change (`oldSelf`), which a single manifest cannot break. A test demands a bad manifest for each rule.
//!
//! Rules read no field without `has()` unless the schema gives it a default, and never look at a text of unbounded
//! length, so that the API server's cost estimate stays below its limit. A rule about a duration passes what is none: the
//! pattern of the type has refused it, and CEL would add that it cannot convert a text to a `google.protobuf.Duration`.

/// One rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The object that the rule belongs to: empty for the root, else a path such as `spec.checkpoint`.
    pub at: &'static str,
    /// The field at fault, below `at`; empty when it is the object as a whole.
    pub field: &'static str,
    /// The CEL expression; false means refused.
    pub cel: &'static str,
    /// What the user is told.
    pub message: &'static str,
}

impl Rule {
    /// Whether the rule is about a change and not about a single object.
    pub fn is_transition(&self) -> bool {
        self.cel.contains("oldSelf")
    }
}

const fn rule(at: &'static str, field: &'static str, cel: &'static str, message: &'static str) -> Rule {
    Rule { at, field, cel, message }
}

/// Every rule of the StreamJob CRD.
pub const RULES: &[Rule] = &[
    rule(
        "",
        "",
        "size(self.metadata.name) <= 45 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        "metadata.name must be at most 45 characters: lower case letters, digits and '-', with a letter at the beginning and a letter or digit at the end",
    ),
    rule("spec", "", "has(self.sql) != has(self.sqlFrom)", "exactly one of sql and sqlFrom must be set"),
    rule(
        "spec",
        "parallelism",
        "self.parallelism <= self.maxParallelism",
        "parallelism must not be larger than maxParallelism",
    ),
    rule(
        "spec",
        "maxParallelism",
        "self.maxParallelism == oldSelf.maxParallelism",
        "maxParallelism is fixed for the job's life, since state is stored by key group",
    ),
    rule(
        "spec",
        "upgrade",
        "!(has(self.upgrade) && has(self.upgrade.mode) && self.upgrade.mode == 'Stateless') || (has(oldSelf.upgrade) && has(oldSelf.upgrade.mode) && oldSelf.upgrade.mode == 'Stateless') || (has(self.upgrade.allowStateLoss) && self.upgrade.allowStateLoss)",
        "changing upgrade.mode to Stateless gives up the job's state: set upgrade.allowStateLoss to true for this change",
    ),
    rule(
        "spec",
        "restore",
        "!(has(self.restore) && has(self.restore.policy) && self.restore.policy == 'IfPresent') || (has(oldSelf.restore) && has(oldSelf.restore.policy) && oldSelf.restore.policy == 'IfPresent') || (has(self.upgrade) && has(self.upgrade.allowStateLoss) && self.upgrade.allowStateLoss)",
        "changing restore.policy to IfPresent can start the job empty: set upgrade.allowStateLoss to true for this change",
    ),
    rule(
        "spec",
        "state",
        "!(has(oldSelf.state) && has(oldSelf.state.storage)) || (has(self.state) && has(self.state.storage) && self.state.storage == oldSelf.state.storage) || (has(self.restore) && has(self.restore.from) && (!has(oldSelf.restore) || !has(oldSelf.restore.from) || self.restore.from != oldSelf.restore.from || (has(self.restore.nonce) && (!has(oldSelf.restore.nonce) || self.restore.nonce != oldSelf.restore.nonce)))) || (has(self.upgrade) && has(self.upgrade.allowStateLoss) && self.upgrade.allowStateLoss)",
        "changing state.storage leaves the job's state behind: name it in a new restore.from, or set upgrade.allowStateLoss to true for this change",
    ),
    rule(
        "spec",
        "autoscaling.maxParallelism",
        "!has(self.autoscaling) || !has(self.autoscaling.maxParallelism) || self.autoscaling.maxParallelism <= self.maxParallelism",
        "autoscaling.maxParallelism must not be larger than maxParallelism",
    ),
    rule(
        "spec.autoscaling",
        "minParallelism",
        "!has(self.minParallelism) || !has(self.maxParallelism) || self.minParallelism <= self.maxParallelism",
        "minParallelism must not be larger than maxParallelism",
    ),
    rule(
        "spec.autoscaling.slo",
        "maxLag",
        "!has(self.maxLag) || !self.maxLag.matches('^([0-9]+(h|m|s|ms))+$') || (duration(self.maxLag) >= duration('1ms') && duration(self.maxLag) <= duration('87600h'))",
        "must be at least 1ms and at most 87600h",
    ),
    rule(
        "spec.checkpoint",
        "interval",
        "!has(self.interval) || !self.interval.matches('^([0-9]+(h|m|s|ms))+$') || (duration(self.interval) >= duration('10ms') && duration(self.interval) <= duration('87600h'))",
        "must be at least 10ms and at most 87600h",
    ),
    rule(
        "spec.checkpoint",
        "timeout",
        "!has(self.timeout) || !self.timeout.matches('^([0-9]+(h|m|s|ms))+$') || (duration(self.timeout) >= duration('10ms') && duration(self.timeout) <= duration('87600h'))",
        "must be at least 10ms and at most 87600h",
    ),
    rule(
        "spec.checkpoint",
        "minPause",
        "!has(self.minPause) || !self.minPause.matches('^([0-9]+(h|m|s|ms))+$') || duration(self.minPause) <= duration('87600h')",
        "must be at most 87600h",
    ),
    rule(
        "spec.upgrade",
        "maxCheckpointAge",
        "!has(self.maxCheckpointAge) || !self.maxCheckpointAge.matches('^([0-9]+(h|m|s|ms))+$') || (duration(self.maxCheckpointAge) >= duration('1s') && duration(self.maxCheckpointAge) <= duration('87600h'))",
        "must be at least 1s and at most 87600h",
    ),
    rule(
        "spec.upgrade",
        "savepointTimeout",
        "!has(self.savepointTimeout) || !self.savepointTimeout.matches('^([0-9]+(h|m|s|ms))+$') || (duration(self.savepointTimeout) >= duration('1s') && duration(self.savepointTimeout) <= duration('87600h'))",
        "must be at least 1s and at most 87600h",
    ),
    rule(
        "spec.rollback",
        "deadline",
        "!has(self.deadline) || !self.deadline.matches('^([0-9]+(h|m|s|ms))+$') || (duration(self.deadline) >= duration('1s') && duration(self.deadline) <= duration('87600h'))",
        "must be at least 1s and at most 87600h",
    ),
    rule(
        "spec.stability",
        "minRunning",
        "!has(self.minRunning) || !self.minRunning.matches('^([0-9]+(h|m|s|ms))+$') || duration(self.minRunning) <= duration('87600h')",
        "must be at most 87600h",
    ),
    rule(
        "spec.restart",
        "initial",
        "!has(self.initial) || !self.initial.matches('^([0-9]+(h|m|s|ms))+$') || (duration(self.initial) >= duration('1ms') && duration(self.initial) <= duration('87600h'))",
        "must be at least 1ms and at most 87600h",
    ),
    rule(
        "spec.restart",
        "max",
        "!has(self.max) || !self.max.matches('^([0-9]+(h|m|s|ms))+$') || (duration(self.max) >= duration('1ms') && duration(self.max) <= duration('87600h'))",
        "must be at least 1ms and at most 87600h",
    ),
    rule(
        "spec.restart",
        "initial",
        "(has(self.initial) && !self.initial.matches('^([0-9]+(h|m|s|ms))+$')) || (has(self.max) && !self.max.matches('^([0-9]+(h|m|s|ms))+$')) || duration(has(self.initial) ? self.initial : '1s') <= duration(has(self.max) ? self.max : '1m')",
        "initial must not be longer than max",
    ),
    rule(
        "spec.restart",
        "resetAfter",
        "!has(self.resetAfter) || !self.resetAfter.matches('^([0-9]+(h|m|s|ms))+$') || (duration(self.resetAfter) >= duration('1ms') && duration(self.resetAfter) <= duration('87600h'))",
        "must be at least 1ms and at most 87600h",
    ),
    rule(
        "spec.snapshots.retention",
        "maxAge",
        "!has(self.maxAge) || !self.maxAge.matches('^([0-9]+(h|m|s|ms))+$') || (duration(self.maxAge) >= duration('1m') && duration(self.maxAge) <= duration('87600h'))",
        "must be at least 1m and at most 87600h",
    ),
];

/// Every rule of the StreamSnapshot CRD. What was asked for is fixed: another snapshot is another object.
pub const SNAPSHOT_RULES: &[Rule] = &[
    rule(
        "spec",
        "jobRef",
        "self.jobRef == oldSelf.jobRef",
        "jobRef cannot be changed: make another StreamSnapshot",
    ),
    rule(
        "spec",
        "type",
        "has(self.type) == has(oldSelf.type) && (!has(self.type) || self.type == oldSelf.type)",
        "type cannot be changed: make another StreamSnapshot",
    ),
    rule(
        "spec",
        "existingUri",
        "has(self.existingUri) == has(oldSelf.existingUri) && (!has(self.existingUri) || self.existingUri == oldSelf.existingUri)",
        "existingUri cannot be changed: make another StreamSnapshot",
    ),
    rule(
        "spec",
        "existingUri",
        "!has(self.existingUri) || !has(self.type) || self.type == 'Savepoint'",
        "existingUri names a savepoint: leave type out or set it to Savepoint",
    ),
];
