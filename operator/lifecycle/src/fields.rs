//! A job as its fields: path and effective value, with every default filled in.
//!
//! Owns the one list from which differences, revisions and the manifest in a job's config map are made, so that the three cannot
//! disagree about what a spec means. `checkpoint: {}` and `checkpoint: {interval: 10s}` have the same fields. A field that is absent
//! and has no default is `null`.

use std::time::Duration;

use millstream_api::streamjob::PodTemplate;
use millstream_api::{ClusterSettings, PodSettings, RestartPolicy, SqlSource, ValidatedJob};
use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_64;

/// Every field of the spec with its effective value, in the order of the reference.
pub fn fields(job: &ValidatedJob) -> Vec<(&'static str, Value)> {
    let mut fields = job_fields(job);
    fields.extend(cluster_fields(&job.cluster));
    fields
}

fn job_fields(job: &ValidatedJob) -> Vec<(&'static str, Value)> {
    let (sql, name, key) = match &job.sql {
        SqlSource::Inline(sql) => (json!(sql), Value::Null, Value::Null),
        SqlSource::ConfigMap { name, key } => (Value::Null, json!(name), json!(key)),
    };
    let secrets: Vec<Value> = job.secrets.iter().map(|name| json!({"name": name})).collect();
    let restore = job.restore.as_ref();
    let mut fields = vec![
        ("spec.sql", sql),
        ("spec.sqlFrom.configMapKeyRef.name", name),
        ("spec.sqlFrom.configMapKeyRef.key", key),
        ("spec.variables", json!(job.variables)),
        ("spec.secrets", json!(secrets)),
        ("spec.desiredState", json!(job.desired_state)),
        ("spec.parallelism", json!(job.parallelism)),
        ("spec.maxParallelism", json!(job.max_parallelism)),
        ("spec.state.backend", json!(job.state_backend)),
        ("spec.state.storage", json!(job.storage)),
        ("spec.checkpoint.interval", duration(job.checkpoint.interval)),
        ("spec.checkpoint.timeout", duration(job.checkpoint.timeout)),
        ("spec.checkpoint.minPause", duration(job.checkpoint.min_pause)),
        ("spec.checkpoint.retained", json!(job.checkpoint.retained)),
        ("spec.checkpoint.tolerableFailures", json!(job.checkpoint.tolerable_failures)),
        ("spec.restore.from", json!(restore.and_then(|r| r.from.as_ref()))),
        ("spec.restore.nonce", json!(restore.and_then(|r| r.nonce))),
        ("spec.restore.policy", json!(restore.map(|r| r.policy))),
        ("spec.config", json!(job.config)),
    ];
    fields.extend(restart_fields(&job.restart));
    fields
}

fn restart_fields(restart: &RestartPolicy) -> [(&'static str, Value); 5] {
    let (strategy, initial, max, attempts, reset_after) = match *restart {
        RestartPolicy::ExponentialDelay { initial, max, attempts, reset_after } => {
            ("ExponentialDelay", Some(initial), Some(max), Some(attempts), Some(reset_after))
        }
        // A manifest in which the pause is longer than the default of max needs a max.
        RestartPolicy::FixedDelay { delay, attempts, reset_after } => {
            ("FixedDelay", Some(delay), Some(delay), Some(attempts), Some(reset_after))
        }
        RestartPolicy::FailureRate { delay, attempts, interval } => {
            ("FailureRate", Some(delay), Some(delay), Some(attempts), Some(interval))
        }
        RestartPolicy::Never => ("Never", None, None, None, None),
    };
    let span = |span: Option<Duration>| span.map_or(Value::Null, duration);
    [
        ("spec.restart.strategy", json!(strategy)),
        ("spec.restart.initial", span(initial)),
        ("spec.restart.max", span(max)),
        ("spec.restart.attempts", json!(attempts)),
        ("spec.restart.resetAfter", span(reset_after)),
    ]
}

fn cluster_fields(cluster: &ClusterSettings) -> Vec<(&'static str, Value)> {
    let ClusterSettings { upgrade, rollback, stability, snapshots, .. } = cluster;
    let scaling = cluster.autoscaling.as_ref();
    let slo = scaling.and_then(|s| s.slo.as_ref()).and_then(|slo| slo.max_lag.as_ref());
    let [coordinator_requests, coordinator_limits, coordinator_template] = pod_fields(&cluster.coordinator);
    let [worker_requests, worker_limits, worker_template] = pod_fields(&cluster.worker);
    vec![
        ("spec.restart.nonce", json!(cluster.restart_nonce)),
        ("spec.upgrade.mode", json!(upgrade.mode)),
        ("spec.upgrade.fallback", json!(upgrade.fallback)),
        ("spec.upgrade.maxCheckpointAge", duration(upgrade.max_checkpoint_age)),
        ("spec.upgrade.approval", json!(upgrade.approval)),
        ("spec.upgrade.warm", json!(upgrade.warm)),
        ("spec.upgrade.savepointTimeout", duration(upgrade.savepoint_timeout)),
        ("spec.upgrade.allowStateLoss", json!(upgrade.allow_state_loss)),
        ("spec.rollback.enabled", json!(rollback.enabled)),
        ("spec.rollback.deadline", duration(rollback.deadline)),
        ("spec.rollback.state", json!(rollback.state)),
        ("spec.rollback.allowRepeatedOutput", json!(rollback.allow_repeated_output)),
        ("spec.stability.minRunning", duration(stability.min_running)),
        ("spec.stability.minCheckpoints", json!(stability.min_checkpoints)),
        ("spec.stability.maxRestarts", json!(stability.max_restarts)),
        ("spec.snapshots.schedule", json!(snapshots.schedule)),
        ("spec.snapshots.retention.count", json!(snapshots.count)),
        ("spec.snapshots.retention.maxAge", duration(snapshots.max_age)),
        ("spec.autoscaling.mode", json!(scaling.and_then(|s| s.mode))),
        ("spec.autoscaling.minParallelism", json!(scaling.and_then(|s| s.min_parallelism))),
        ("spec.autoscaling.maxParallelism", json!(scaling.and_then(|s| s.max_parallelism))),
        ("spec.autoscaling.targetUtilization", json!(scaling.and_then(|s| s.target_utilization))),
        ("spec.autoscaling.slo.maxLag", json!(slo)),
        ("spec.deletionPolicy", json!(cluster.deletion_policy)),
        ("spec.coordinator.resources.requests", coordinator_requests),
        ("spec.coordinator.resources.limits", coordinator_limits),
        ("spec.coordinator.podTemplate", coordinator_template),
        ("spec.worker.slots", json!(cluster.slots)),
        ("spec.worker.resources.requests", worker_requests),
        ("spec.worker.resources.limits", worker_limits),
        ("spec.worker.podTemplate", worker_template),
    ]
}

fn pod_fields(pods: &PodSettings) -> [Value; 3] {
    let resources = pods.resources.clone().unwrap_or_default();
    [json!(resources.requests), json!(resources.limits), json!(pods.template)]
}

/// `1h`, `90s`, `10ms` as the manifest writes it: the largest unit that divides evenly, so that reading gives the same span.
fn duration(span: Duration) -> Value {
    let ms = span.as_millis();
    let units = [(3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let whole = units.into_iter().find(|(unit, _)| ms > 0 && ms.is_multiple_of(*unit));
    json!(match whole {
        _ if ms == 0 => "0s".to_owned(),
        Some((unit, name)) => format!("{}{name}", ms / unit),
        None => format!("{ms}ms"),
    })
}

/// The spec that has exactly these fields, as a manifest writes it. What is `null` or empty is left out.
pub fn as_spec(fields: &[(&'static str, Value)]) -> Value {
    let mut spec = Map::new();
    for (path, value) in fields {
        let is_empty =
            value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty);
        if value.is_null() || is_empty {
            continue;
        }
        let steps: Vec<&str> = path.split('.').skip(1).collect();
        put(&mut spec, &steps, value);
    }
    Value::Object(spec)
}

fn put(object: &mut Map<String, Value>, steps: &[&str], value: &Value) {
    match steps {
        [] => {}
        [last] => {
            object.insert((*last).to_owned(), value.clone());
        }
        [first, rest @ ..] => {
            let child = object.entry(*first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(child) = child {
                put(child, rest, value);
            }
        }
    }
}

/// A template without its labels and annotations, which a running pod can get; `null` when nothing else is in it.
pub fn without_metadata(template: Option<&PodTemplate>) -> Value {
    let mut fields = template.map(|t| t.0.clone()).unwrap_or_default();
    fields.remove("metadata");
    if fields.is_empty() { Value::Null } else { Value::Object(fields) }
}

/// 16 hexadecimal digits that stand for a text: equal for equal texts, in every version of the operator.
pub fn checksum(text: &str) -> String {
    format!("{:016x}", xxh3_64(text.as_bytes()))
}
