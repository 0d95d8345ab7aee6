//! Rules on typed jobs. Those that a manifest can break are in `tests/bad`, with their lines; here is what only an object
//! from an API server or a program can hold, and what a valid spec becomes.

use std::time::Duration;

use super::*;
use crate::streamjob::StreamJobSpec;
use crate::validated::{DesiredState, SqlSource, StateBackend};

fn job(spec: &str) -> StreamJob {
    let spec: StreamJobSpec = serde_json::from_str(spec).unwrap();
    StreamJob::new("test", spec)
}

#[test]
fn defaults_are_filled_in() {
    let valid = job(r#"{"sql": "SELECT 1"}"#).validate().unwrap();
    assert_eq!(valid.name.as_deref(), Some("test"));
    assert_eq!(valid.namespace, "default");
    assert!(valid.is_in_default_namespace());
    assert_eq!(valid.sql, SqlSource::Inline("SELECT 1".to_owned()));
    assert_eq!((valid.parallelism, valid.max_parallelism), (1, 256));
    assert_eq!(valid.state_backend, StateBackend::Memory);
    assert_eq!(valid.desired_state, DesiredState::Running);
    assert_eq!(
        valid.checkpoint,
        CheckpointSettings {
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(600),
            min_pause: Duration::ZERO,
            retained: 3,
            tolerable_failures: 3,
        }
    );
    assert_eq!(
        valid.restart,
        RestartPolicy::ExponentialDelay {
            initial: Duration::from_secs(1),
            max: Duration::from_secs(60),
            attempts: 20,
            reset_after: Duration::from_secs(120),
        }
    );
    assert_eq!(valid.restore, None);
    assert!(valid.ignored_locally.is_empty());
}

#[test]
fn restart_strategies() {
    let fixed = job(r#"{"sql": "x", "restart": {"strategy": "FixedDelay", "initial": "5s", "attempts": 2}}"#);
    assert_eq!(
        fixed.validate().unwrap().restart,
        RestartPolicy::FixedDelay {
            delay: Duration::from_secs(5),
            attempts: 2,
            reset_after: Duration::from_secs(120)
        }
    );
    let spec = r#"{"sql": "x", "restart": {"strategy": "FailureRate", "attempts": 3, "resetAfter": "10m"}}"#;
    let (delay, interval) = (Duration::from_secs(1), Duration::from_secs(600));
    let rate = RestartPolicy::FailureRate { delay, attempts: 3, interval };
    assert_eq!(job(spec).validate().unwrap().restart, rate);
    let never = job(r#"{"sql": "x", "restart": {"strategy": "Never"}}"#);
    assert_eq!(never.validate().unwrap().restart, RestartPolicy::Never);
}

#[test]
fn ignored_fields_are_named() {
    let spec = r#"{"sql": "x", "upgrade": {}, "rollback": {}, "snapshots": {}, "autoscaling": {}, "worker": {"slots": 4}}"#;
    assert_eq!(
        job(spec).validate().unwrap().ignored_locally,
        ["spec.upgrade", "spec.rollback", "spec.snapshots", "spec.autoscaling", "spec.worker"]
    );
}

#[test]
fn all_errors_come_at_once_in_the_order_of_the_reference() {
    let spec = r#"{"sql": " ", "parallelism": 0, "state": {"storage": "x"}, "checkpoint": {"interval": "1"},
        "upgrade": {"savepointTimeout": "0s"}, "restart": {"attempts": 0}, "config": {"a b": ""}}"#;
    let errors = job(spec).validate().unwrap_err();
    let paths: Vec<_> = errors.iter().map(|e| e.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "spec.sql",
            "spec.parallelism",
            "spec.state.storage",
            "spec.checkpoint.interval",
            "spec.upgrade.savepointTimeout",
            "spec.restart.attempts",
            "spec.config[\"a b\"]"
        ]
    );
    assert_eq!(
        errors[1].to_string(),
        "spec.parallelism: 0 is not at least 1 (to stop a job and keep its state, set spec.desiredState to Suspended)"
    );
}

#[test]
fn counts_are_limited() {
    let mut many = job(r#"{"sql": "x"}"#);
    many.spec.variables = (0..257).map(|i| (format!("V{i}"), String::new())).collect();
    many.spec.config = (0..257).map(|i| (format!("c{i}"), String::new())).collect();
    many.spec.secrets = (0..65).map(|i| crate::streamjob::SecretName { name: format!("s{i}") }).collect();
    let messages: Vec<_> = many.validate().unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "spec.variables: has 257 entries, more than 256",
            "spec.secrets: has 65 entries, more than 64",
            "spec.config: has 257 entries, more than 256"
        ]
    );
}

#[test]
fn sql_up_to_the_limit_is_accepted() {
    let mut long = job(r#"{"sql": "x"}"#);
    long.spec.sql = Some("é".repeat(1_048_576));
    assert!(long.validate().is_ok(), "the limit counts characters, as the API server does");
    long.spec.sql = Some("é".repeat(1_048_577));
    assert_eq!(long.validate().unwrap_err()[0].message, "has 1048577 characters, more than 1048576");
}
