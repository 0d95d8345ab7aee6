//! Validation of a StreamJob: every rule at once, each error with the path of its field.
//!
//! Owns the list of checks; each step looks at one part of the spec, in a file of its own where it is more than a few
//! lines. Nothing here stops at the first error, so a user mends a manifest in one round. The rules are those of the
//! CRD (ranges, [`crate::rules`]) and those that a schema cannot say: names of variables, cron fields, quantities that
//! must not exceed each other.
//!
//! `spec.parallelism: 300` with the default `maxParallelism` gives one error, with the path `spec.parallelism` and
//! "300 is larger than spec.maxParallelism (256)".

mod cluster;
mod cron;
mod durations;
mod pods;
mod source;

use std::fmt;

use crate::defaults;
use crate::names::{self, MAX_JOB_NAME, MAX_LABEL, is_job_name, is_label};
use crate::streamjob::{
    Autoscaling, MAX_MAX_PARALLELISM, Restart, RestartStrategyName, RestoreFrom, StateBackendName, StreamJob,
};
use crate::validated::{CheckpointSettings, RestartPolicy, Restore, RestorePolicy, ValidatedJob};

/// A rule that a spec breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field: `spec.checkpoint.interval`, `spec.secrets[1].name`, `spec.variables["a-b"]`.
    pub path: String,
    /// What is wrong, without the path.
    pub message: String,
    /// What to write instead, where there is something to say.
    pub hint: Option<String>,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, " ({hint})"))
    }
}

/// The errors found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<FieldError>);

impl Findings {
    pub(crate) fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError { path: path.into(), message: message.into(), hint: None });
    }

    pub(crate) fn add_with_hint(
        &mut self,
        path: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.0.push(FieldError { path: path.into(), message: message.into(), hint: Some(hint.into()) });
    }

    /// A number from `min..=max`, or an error and `min`.
    fn within(&mut self, path: &str, value: i32, min: u32, max: u32) -> u32 {
        match u32::try_from(value) {
            Ok(v) if (min..=max).contains(&v) => v,
            _ => {
                self.add(path, format!("{value} is outside of {min} to {max}"));
                min
            }
        }
    }
}

impl StreamJob {
    /// Checks every rule and fills in the defaults.
    ///
    /// Pure: the same object gives the same answer, and nothing is read from anywhere else.
    ///
    /// # Errors
    /// All broken rules, in the order of the fields in the reference. Never an empty list.
    pub fn validate(&self) -> Result<ValidatedJob, Vec<FieldError>> {
        let mut findings = Findings::default();
        let job = check(self, &mut findings);
        if findings.0.is_empty() { Ok(job) } else { Err(findings.0) }
    }
}

/// The steps, in the order of the reference. What a broken field stands for in the answer does not matter: the answer is
/// thrown away when there is a finding.
fn check(job: &StreamJob, findings: &mut Findings) -> ValidatedJob {
    let spec = &job.spec;
    check_metadata(job, findings);
    let sql = source::check_sql(spec, findings);
    source::check_variables(&spec.variables, findings);
    source::check_secrets(&spec.secrets, findings);
    let (parallelism, max_parallelism) = check_parallelism(spec.parallelism, spec.max_parallelism, findings);
    let storage = spec.state.as_ref().and_then(|s| s.storage.clone());
    if let Some(uri) = &storage {
        source::check_storage("spec.state.storage", uri, findings);
    }
    let checkpoint = check_checkpoint(job, findings);
    let cluster = cluster::check(spec, findings);
    let restart = check_restart(spec.restart.as_ref(), findings);
    let restore = spec.restore.as_ref().map(|restore| check_restore(restore, findings));
    if let Some(snapshots) = &spec.snapshots {
        cron::check_snapshots(snapshots, findings);
    }
    if let Some(autoscaling) = &spec.autoscaling {
        check_autoscaling(autoscaling, spec.max_parallelism, findings);
    }
    pods::check(spec, findings);
    source::check_config(&spec.config, findings);
    ValidatedJob {
        name: job.metadata.name.clone(),
        namespace: job.metadata.namespace.clone().unwrap_or_else(|| names::DEFAULT_NAMESPACE.to_owned()),
        sql,
        variables: spec.variables.clone(),
        secrets: spec.secrets.iter().map(|secret| secret.name.clone()).collect(),
        desired_state: spec.desired_state,
        parallelism,
        max_parallelism,
        state_backend: spec.state.as_ref().and_then(|s| s.backend).unwrap_or(StateBackendName::Memory),
        storage,
        checkpoint,
        restart,
        restore,
        config: spec.config.clone(),
        cluster,
        ignored_locally: ignored_locally(job),
    }
}

fn check_metadata(job: &StreamJob, findings: &mut Findings) {
    if let Some(name) = job.metadata.name.as_deref()
        && !is_job_name(name)
    {
        findings.add_with_hint(
            "metadata.name",
            if name.is_empty() {
                "is empty".to_owned()
            } else if name.chars().count() > MAX_JOB_NAME {
                format!("has {} characters, more than {MAX_JOB_NAME}", name.chars().count())
            } else if is_label(name, MAX_JOB_NAME) {
                format!("{name:?} does not begin with a letter, and services are named after the job")
            } else {
                format!("{name:?} is not a name that Kubernetes accepts")
            },
            format!("use lower case letters, digits and '-', such as {:?}", names::job_name_from(name)),
        );
    }
    if let Some(namespace) = job.metadata.namespace.as_deref()
        && !is_label(namespace, MAX_LABEL)
    {
        findings.add_with_hint(
            "metadata.namespace",
            format!("{namespace:?} is not a name that Kubernetes accepts"),
            "use lower case letters, digits and '-', at most 63 characters",
        );
    }
}

fn check_parallelism(parallelism: i32, max_parallelism: i32, findings: &mut Findings) -> (u32, u32) {
    let largest = MAX_MAX_PARALLELISM.unsigned_abs();
    if parallelism < 1 {
        findings.add_with_hint(
            "spec.parallelism",
            format!("{parallelism} is not at least 1"),
            "to stop a job and keep its state, set spec.desiredState to Suspended",
        );
    } else if parallelism > max_parallelism && (1..=MAX_MAX_PARALLELISM).contains(&max_parallelism) {
        findings.add_with_hint(
            "spec.parallelism",
            format!("{parallelism} is larger than spec.maxParallelism ({max_parallelism})"),
            "maxParallelism is fixed for the job's life: choose it before the first run",
        );
    }
    let max = findings.within("spec.maxParallelism", max_parallelism, 1, largest);
    (u32::try_from(parallelism).unwrap_or(1), max)
}

fn check_checkpoint(job: &StreamJob, findings: &mut Findings) -> CheckpointSettings {
    let given = job.spec.checkpoint.clone().unwrap_or_default();
    let mut number = |field: &str, value: Option<i32>, default: u32, min: u32, max: u32| {
        value.map_or(default, |v| findings.within(&format!("spec.checkpoint.{field}"), v, min, max))
    };
    let retained = number("retained", given.retained, defaults::CHECKPOINTS_RETAINED, 1, 1_000);
    let tolerable_failures =
        number("tolerableFailures", given.tolerable_failures, defaults::TOLERABLE_FAILURES, 0, 1_000_000);
    let mut read = |field, text, default| durations::read("spec.checkpoint", field, text, default, findings);
    CheckpointSettings {
        interval: read("interval", given.interval.as_ref(), defaults::CHECKPOINT_INTERVAL),
        timeout: read("timeout", given.timeout.as_ref(), defaults::CHECKPOINT_TIMEOUT),
        min_pause: read("minPause", given.min_pause.as_ref(), defaults::CHECKPOINT_MIN_PAUSE),
        retained,
        tolerable_failures,
    }
}

fn check_restart(given: Option<&Restart>, findings: &mut Findings) -> RestartPolicy {
    let given = given.cloned().unwrap_or_default();
    let attempts = given.attempts.map_or(defaults::RESTART_ATTEMPTS, |attempts| {
        findings.within("spec.restart.attempts", attempts, 1, 1_000_000)
    });
    check_nonce("spec.restart.nonce", given.nonce, findings);
    let mut read = |field, text, default| durations::read("spec.restart", field, text, default, findings);
    let initial = read("initial", given.initial.as_ref(), defaults::RESTART_INITIAL);
    let max = read("max", given.max.as_ref(), defaults::RESTART_MAX);
    let reset_after = read("resetAfter", given.reset_after.as_ref(), defaults::RESTART_RESET_AFTER);
    if initial > max {
        let said = |text: Option<&crate::DurationText>, default: &str| {
            text.map_or_else(|| format!("{default}, the default"), ToString::to_string)
        };
        findings.add_with_hint(
            if given.initial.is_some() { "spec.restart.initial" } else { "spec.restart.max" },
            format!(
                "the first pause ({}) is longer than the longest one ({})",
                said(given.initial.as_ref(), "1s"),
                said(given.max.as_ref(), "1m")
            ),
            "pauses grow from initial to max",
        );
    }
    match given.strategy.unwrap_or(RestartStrategyName::ExponentialDelay) {
        RestartStrategyName::ExponentialDelay => {
            RestartPolicy::ExponentialDelay { initial, max, attempts, reset_after }
        }
        RestartStrategyName::FixedDelay => {
            RestartPolicy::FixedDelay { delay: initial, attempts, reset_after }
        }
        RestartStrategyName::FailureRate => {
            RestartPolicy::FailureRate { delay: initial, attempts, interval: reset_after }
        }
        RestartStrategyName::Never => RestartPolicy::Never,
    }
}

fn check_restore(given: &RestoreFrom, findings: &mut Findings) -> Restore {
    if let Some(uri) = &given.from {
        source::check_storage("spec.restore.from", uri, findings);
    }
    check_nonce("spec.restore.nonce", given.nonce, findings);
    Restore {
        from: given.from.clone(),
        nonce: given.nonce,
        policy: given.policy.unwrap_or(RestorePolicy::Required),
    }
}

fn check_nonce(path: &str, nonce: Option<i64>, findings: &mut Findings) {
    if let Some(nonce) = nonce
        && nonce < 0
    {
        findings.add_with_hint(path, format!("{nonce} is below 0"), "a nonce acts once for each new number");
    }
}

fn check_autoscaling(given: &Autoscaling, max_parallelism: i32, findings: &mut Findings) {
    let largest = MAX_MAX_PARALLELISM.unsigned_abs();
    for (field, value) in
        [("minParallelism", given.min_parallelism), ("maxParallelism", given.max_parallelism)]
    {
        if let Some(value) = value {
            findings.within(&format!("spec.autoscaling.{field}"), value, 1, largest);
        }
    }
    if let (Some(min), Some(max)) = (given.min_parallelism, given.max_parallelism)
        && min > max
    {
        findings.add(
            "spec.autoscaling.minParallelism",
            format!("{min} is larger than spec.autoscaling.maxParallelism ({max})"),
        );
    }
    if let Some(max) = given.max_parallelism
        && max > max_parallelism
        && max <= MAX_MAX_PARALLELISM
    {
        findings.add(
            "spec.autoscaling.maxParallelism",
            format!("{max} is larger than spec.maxParallelism ({max_parallelism})"),
        );
    }
    if let Some(target) = given.target_utilization
        && !(0.1..=1.0).contains(&target)
    {
        findings.add_with_hint(
            "spec.autoscaling.targetUtilization",
            format!("{target} is outside of 0.1 to 1"),
            "it is a share of time: 0.7 means busy 70 % of it",
        );
    }
}

/// The fields that `millstream run` names and does not act on.
fn ignored_locally(job: &StreamJob) -> Vec<&'static str> {
    let spec = &job.spec;
    [
        ("spec.upgrade", spec.upgrade.is_some()),
        ("spec.rollback", spec.rollback.is_some()),
        ("spec.stability", spec.stability.is_some()),
        ("spec.snapshots", spec.snapshots.is_some()),
        ("spec.autoscaling", spec.autoscaling.is_some()),
        ("spec.deletionPolicy", spec.deletion_policy.is_some()),
        ("spec.coordinator", spec.coordinator.is_some()),
        ("spec.worker", spec.worker.is_some()),
    ]
    .into_iter()
    .filter_map(|(path, present)| present.then_some(path))
    .collect()
}

#[cfg(test)]
#[path = "validate/validate_test.rs"]
mod tests;
