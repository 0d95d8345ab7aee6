//! What is said about a snapshot: the phase and the conditions by kstatus' rules, and what a failure leads to.
//!
//! One of three pictures is shown: there (Ready), on the way (Reconciling), or nothing more will happen without a person (Stalled).

use millstream_api::conditions::{ConditionType, SnapshotReason};
use millstream_api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use millstream_api::streamsnapshot::{SnapshotPhase, StreamSnapshotStatus};

use super::table::{Outcome, Sight};
use crate::time::as_time;

/// Attempts after the first one that failed, when the spec names no number.
const RETRIES: i32 = 3;

/// The stored status with this phase and these words.
pub(super) fn said(
    s: &Sight<'_>,
    phase: SnapshotPhase,
    reason: SnapshotReason,
    message: &str,
) -> StreamSnapshotStatus {
    let mut status = s.status().clone();
    status.phase = Some(phase);
    status.observed_generation = Some(s.observed.object.generation);
    status.conditions = conditions(s, phase, reason.as_str(), message);
    status
}

/// The stored status with the words that stand there, for the newest generation.
pub(super) fn as_before(s: &Sight<'_>) -> StreamSnapshotStatus {
    let mut status = s.status().clone();
    status.observed_generation = Some(s.observed.object.generation);
    for condition in &mut status.conditions {
        condition.observed_generation = Some(s.observed.object.generation);
    }
    status
}

/// The reason that stands in the stored status.
pub(super) fn reason(status: &StreamSnapshotStatus) -> Option<&str> {
    let ready = status.conditions.iter().find(|c| c.type_ == ConditionType::Ready.as_str());
    ready.map(|ready| ready.reason.as_str())
}

fn conditions(s: &Sight<'_>, phase: SnapshotPhase, reason: &str, message: &str) -> Vec<Condition> {
    let is_deleted = s.observed.object.deleted.is_some();
    let condition = |kind: ConditionType, status: &str| {
        let old = s.status().conditions.iter().find(|c| c.type_ == kind.as_str() && c.status == status);
        Condition {
            type_: kind.as_str().to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            observed_generation: Some(s.observed.object.generation),
            last_transition_time: old.map_or_else(|| as_time(s.now), |c| c.last_transition_time.clone()),
        }
    };
    match phase {
        SnapshotPhase::Completed if !is_deleted => vec![condition(ConditionType::Ready, "True")],
        SnapshotPhase::Failed | SnapshotPhase::Abandoned if !is_deleted => {
            vec![condition(ConditionType::Ready, "False"), condition(ConditionType::Stalled, "True")]
        }
        _ => vec![condition(ConditionType::Ready, "False"), condition(ConditionType::Reconciling, "True")],
    }
}

/// How many attempts may follow one that failed.
pub(super) fn retries(s: &Sight<'_>) -> i32 {
    s.spec().and_then(|spec| spec.retries).unwrap_or(RETRIES)
}

/// One attempt more has failed.
pub(super) fn failed(s: &Sight<'_>, message: &str) -> Outcome {
    let failures = s.status().failures.unwrap_or(0).saturating_add(1);
    let mut status = if failures > retries(s) {
        let message = format!("{message} (attempts that failed: {failures})");
        said(s, SnapshotPhase::Failed, SnapshotReason::RetriesExhausted, &message)
    } else {
        said(s, SnapshotPhase::Pending, SnapshotReason::Retrying, message)
    };
    status.failures = Some(failures);
    status.failed_at = Some(as_time(s.now));
    status.error = Some(message.to_owned());
    Outcome::say(status)
}

/// Nothing more will happen without a person.
pub(super) fn stalled(s: &Sight<'_>, reason: SnapshotReason, message: &str) -> Outcome {
    let mut status = said(s, SnapshotPhase::Failed, reason, message);
    status.error = Some(message.to_owned());
    Outcome::say(status)
}
