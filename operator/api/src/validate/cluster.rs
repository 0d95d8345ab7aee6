//! The fields that only a cluster acts on, from their texts to [`ClusterSettings`].

use std::time::Duration;

use super::{Findings, durations};
use crate::defaults;
use crate::streamjob::{Approval, DeletionPolicy, Fallback, RollbackState, StreamJobSpec, UpgradeMode, Warm};
use crate::validated::{
    ClusterSettings, PodSettings, RollbackSettings, SnapshotSettings, StabilitySettings, UpgradeSettings,
};

/// Reads upgrade, rollback, stability and snapshots, whose errors come in the order of the reference. Pods, nonces and autoscaling are
/// checked elsewhere.
pub(super) fn check(spec: &StreamJobSpec, findings: &mut Findings) -> ClusterSettings {
    let upgrade = check_upgrade(spec, findings);
    let rollback = check_rollback(spec, findings);
    let stability = check_stability(spec, findings);
    let snapshots = check_snapshots(spec, findings);
    if let Some(slo) = spec.autoscaling.as_ref().and_then(|a| a.slo.as_ref()) {
        durations::read("spec.autoscaling.slo", "maxLag", slo.max_lag.as_ref(), Duration::ZERO, findings);
    }
    let (coordinator, worker) = (spec.coordinator.as_ref(), spec.worker.as_ref());
    ClusterSettings {
        restart_nonce: spec.restart.as_ref().and_then(|restart| restart.nonce),
        upgrade,
        rollback,
        stability,
        snapshots,
        autoscaling: spec.autoscaling.clone(),
        deletion_policy: spec.deletion_policy.unwrap_or(DeletionPolicy::Cancel),
        coordinator: PodSettings {
            resources: coordinator.and_then(|c| c.resources.clone()),
            template: coordinator.and_then(|c| c.pod_template.clone()),
        },
        worker: PodSettings {
            resources: worker.and_then(|w| w.resources.clone()),
            template: worker.and_then(|w| w.pod_template.clone()),
        },
        // Its range is checked with the pods.
        slots: worker
            .and_then(|w| w.slots)
            .and_then(|slots| u32::try_from(slots).ok())
            .unwrap_or(defaults::WORKER_SLOTS),
    }
}

fn check_upgrade(spec: &StreamJobSpec, findings: &mut Findings) -> UpgradeSettings {
    let given = spec.upgrade.clone().unwrap_or_default();
    let mut read = |field, text, default| durations::read("spec.upgrade", field, text, default, findings);
    UpgradeSettings {
        mode: given.mode.unwrap_or(UpgradeMode::Savepoint),
        fallback: given.fallback.unwrap_or(Fallback::LastState),
        max_checkpoint_age: read(
            "maxCheckpointAge",
            given.max_checkpoint_age.as_ref(),
            defaults::MAX_CHECKPOINT_AGE,
        ),
        approval: given.approval.unwrap_or(Approval::Auto),
        warm: given.warm.unwrap_or(Warm::Auto),
        savepoint_timeout: read(
            "savepointTimeout",
            given.savepoint_timeout.as_ref(),
            defaults::SAVEPOINT_TIMEOUT,
        ),
        allow_state_loss: given.allow_state_loss.unwrap_or(false),
    }
}

fn check_rollback(spec: &StreamJobSpec, findings: &mut Findings) -> RollbackSettings {
    let given = spec.rollback.clone().unwrap_or_default();
    let (text, default) = (given.deadline.as_ref(), defaults::ROLLBACK_DEADLINE);
    RollbackSettings {
        enabled: given.enabled.unwrap_or(true),
        deadline: durations::read("spec.rollback", "deadline", text, default, findings),
        state: given.state.unwrap_or(RollbackState::Latest),
        allow_repeated_output: given.allow_repeated_output.unwrap_or(false),
    }
}

fn check_stability(spec: &StreamJobSpec, findings: &mut Findings) -> StabilitySettings {
    let given = spec.stability.clone().unwrap_or_default();
    let (text, default) = (given.min_running.as_ref(), defaults::STABLE_RUNNING);
    let min_running = durations::read("spec.stability", "minRunning", text, default, findings);
    let mut count = |field: &str, value: Option<i32>, default: u32| {
        value.map_or(default, |value| findings.within(&format!("spec.stability.{field}"), value, 0, 1_000))
    };
    StabilitySettings {
        min_running,
        min_checkpoints: count("minCheckpoints", given.min_checkpoints, defaults::STABLE_CHECKPOINTS),
        max_restarts: count("maxRestarts", given.max_restarts, defaults::STABLE_RESTARTS),
    }
}

fn check_snapshots(spec: &StreamJobSpec, findings: &mut Findings) -> SnapshotSettings {
    let given = spec.snapshots.clone().unwrap_or_default();
    let retention = given.retention.unwrap_or_default();
    let (text, default) = (retention.max_age.as_ref(), defaults::SNAPSHOT_MAX_AGE);
    SnapshotSettings {
        schedule: given.schedule,
        // Its range is checked with the schedule.
        count: retention.count.and_then(|n| u32::try_from(n).ok()).unwrap_or(defaults::SNAPSHOTS_KEPT),
        max_age: durations::read("spec.snapshots.retention", "maxAge", text, default, findings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StreamJob;

    fn cluster(spec: &str) -> ClusterSettings {
        StreamJob::new("test", serde_json::from_str(spec).unwrap()).validate().unwrap().cluster
    }

    #[test]
    fn what_is_absent_has_the_defaults_of_the_reference() {
        let settings = cluster(r#"{"sql": "x"}"#);
        let minutes = |n: u64| Duration::from_secs(60 * n);
        assert_eq!(
            settings.upgrade,
            UpgradeSettings {
                mode: UpgradeMode::Savepoint,
                fallback: Fallback::LastState,
                max_checkpoint_age: minutes(10),
                approval: Approval::Auto,
                warm: Warm::Auto,
                savepoint_timeout: minutes(10),
                allow_state_loss: false,
            }
        );
        assert_eq!(
            settings.rollback,
            RollbackSettings {
                enabled: true,
                deadline: minutes(5),
                state: RollbackState::Latest,
                allow_repeated_output: false
            }
        );
        let stability = StabilitySettings { min_running: minutes(1), min_checkpoints: 2, max_restarts: 3 };
        assert_eq!(settings.stability, stability);
        let snapshots = SnapshotSettings { schedule: None, count: 10, max_age: minutes(168 * 60) };
        assert_eq!(settings.snapshots, snapshots);
        assert_eq!((settings.deletion_policy, settings.slots), (DeletionPolicy::Cancel, 2));
        assert_eq!((settings.restart_nonce, settings.autoscaling), (None, None));
        assert_eq!((settings.coordinator, settings.worker), (PodSettings::default(), PodSettings::default()));
    }

    #[test]
    fn what_is_written_is_parsed() {
        let settings = cluster(
            r#"{"sql": "x", "upgrade": {"mode": "LastState", "fallback": "Fail", "maxCheckpointAge": "1h30m",
                "approval": "Manual", "warm": "Never", "savepointTimeout": "20m", "allowStateLoss": true},
            "rollback": {"enabled": false, "deadline": "1s", "state": "PreUpgrade", "allowRepeatedOutput": true},
            "stability": {"minRunning": "0s", "minCheckpoints": 0, "maxRestarts": 1},
            "restart": {"nonce": 7}, "deletionPolicy": "Drain",
            "snapshots": {"schedule": "0 * * * *", "retention": {"count": 3, "maxAge": "2h"}},
            "worker": {"slots": 8, "resources": {"requests": {"cpu": "1"}}, "podTemplate": {"spec": {
                "serviceAccountName": "orders", "volumes": [{"name": "t", "projected": {"sources": [
                    {"serviceAccountToken": {"path": "token", "audience": "sts.amazonaws.com"}}]}}]}}}}"#,
        );
        assert_eq!(
            settings.upgrade,
            UpgradeSettings {
                mode: UpgradeMode::LastState,
                fallback: Fallback::Fail,
                max_checkpoint_age: Duration::from_secs(5_400),
                approval: Approval::Manual,
                warm: Warm::Never,
                savepoint_timeout: Duration::from_secs(1_200),
                allow_state_loss: true,
            }
        );
        assert_eq!(
            settings.rollback,
            RollbackSettings {
                enabled: false,
                deadline: Duration::from_secs(1),
                state: RollbackState::PreUpgrade,
                allow_repeated_output: true
            }
        );
        assert_eq!(settings.stability.min_running, Duration::ZERO);
        assert_eq!((settings.stability.min_checkpoints, settings.stability.max_restarts), (0, 1));
        assert_eq!(settings.snapshots.schedule.as_deref(), Some("0 * * * *"));
        assert_eq!((settings.snapshots.count, settings.snapshots.max_age.as_secs()), (3, 7_200));
        assert_eq!((settings.restart_nonce, settings.slots), (Some(7), 8));
        assert_eq!(settings.deletion_policy, DeletionPolicy::Drain);
        assert!(settings.worker.resources.is_some() && settings.worker.template.is_some());
        assert_eq!(settings.coordinator, PodSettings::default());
    }
}
