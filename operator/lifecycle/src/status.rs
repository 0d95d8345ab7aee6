//! The next status: what is carried over, what is observed, what is begun.
//!
//! Owns the seal, by which a status that somebody else wrote is noticed, and the rule when a status is worth a write: numbers that move
//! all the time (epochs, checkpoints) ride along with other changes and cause none.

use millstream_api::DurationText;
use millstream_api::names::{COMPONENT_LABEL, JOB_LABEL};
use millstream_api::status::{
    CheckpointStatus, HistoryEntry, IntentCause, IntentStatus, IntentStep, MAX_HISTORY, ParallelismStatus,
    Phase, StreamJobStatus, WorkersStatus,
};

use crate::ended;
use crate::fields::checksum;
use crate::observed::{Engine, Epoch};
use crate::origin;
use crate::phase::{Standing, Verdict, conditions, wanted_workers};
use crate::situation::Situation;
use crate::time::{as_time, in_words};

/// Checksum of everything in a status that decisions rest on.
pub(crate) fn seal(status: &StreamJobStatus) -> String {
    let facts = (
        (status.attempt, status.last_attempt, &status.current_revision, &status.intent, &status.trial),
        (&status.nonces, &status.rolled_back, &status.recovery, status.parallelism.map(|p| p.current)),
        (&status.restored_from, &status.origin, &status.ended, status.epoch),
    );
    checksum(&serde_json::to_string(&facts).unwrap_or_default())
}

/// Whether somebody else wrote the status: its facts do not fit its seal, or it is empty although there are children.
pub(crate) fn is_foreign(s: &Situation<'_>) -> bool {
    let status = &s.observed.status;
    match &status.seal {
        Some(sealed) => *sealed != seal(status),
        None => status.attempt.is_some() || s.groups.keys().any(|attempt| *attempt > 0),
    }
}

/// Fills in what is seen and what is said, and seals the rest.
pub(crate) fn complete(s: &Situation<'_>, verdict: &Verdict, mut status: StreamJobStatus) -> StreamJobStatus {
    let object = &s.observed.object;
    status.phase = Some(verdict.phase);
    status.observed_generation = Some(object.generation);
    status.conditions = conditions(s, verdict);
    status.selector = Some(format!("{JOB_LABEL}={},{COMPONENT_LABEL}=worker", object.name));
    status.target_revision = s.revision.clone().or(status.target_revision);
    let current = status.parallelism.map_or(0, |p| p.current);
    let wanted = s.target.as_ref().ok().and_then(|job| i32::try_from(job.parallelism).ok());
    status.parallelism = Some(ParallelismStatus { desired: wanted.unwrap_or(current), current });
    let group = s.current();
    let ready = group.map_or(0, |group| group.ready_workers());
    let has_pods = !matches!(verdict.phase, Phase::Suspended | Phase::Finished);
    let desired = if current > 0 && has_pods { wanted_workers(s) } else { 0 };
    status.workers = Some(WorkersStatus { desired: count(desired), ready: count(ready) });
    status.silent_since = match group.and_then(|group| group.engine) {
        Some(Engine::Silent { since }) => Some(as_time(*since)),
        _ if group.is_some_and(|group| group.is_unasked()) => status.silent_since,
        _ => None,
    };
    // What is known is known of the deployment that owned the job until now; another one may keep its epochs elsewhere.
    if status.attempt == s.attempt() && !is_foreign(s) {
        status.epoch = s.floor();
        status.origin = origin::updated(s).or(status.origin);
        status.ended = ended::updated(s);
    }
    let answer = group.and_then(|group| group.answer());
    if let Some(answer) = answer {
        status.last_checkpoint = answer.newest.as_ref().map(checkpoint).or(status.last_checkpoint);
        status.last_savepoint = answer.savepoint.as_ref().map(checkpoint).or(status.last_savepoint);
        let recovered = status.recovery.as_ref().map_or(0, |r| r.count);
        status.restarts = Some(answer.restarts.saturating_add(recovered));
    }
    status.error = match verdict.standing {
        _ if group.is_some_and(|group| group.is_unasked()) => status.error,
        Standing::Stalled => Some(verdict.message.clone()),
        Standing::Working => answer.and_then(|answer| answer.error.clone()),
        Standing::Settled => None,
    };
    status.seal = Some(seal(&status));
    status
}

fn count(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn checkpoint(epoch: &Epoch) -> CheckpointStatus {
    CheckpointStatus {
        epoch: epoch.number,
        uri: epoch.uri.clone(),
        completed_at: as_time(epoch.completed),
        size_bytes: epoch.bytes,
        duration: epoch.duration.map(|d| DurationText(format!("{}ms", d.as_millis()))),
    }
}

/// Whether the difference between two statuses is worth a write.
pub(crate) fn is_worth_writing(old: &StreamJobStatus, new: &StreamJobStatus) -> bool {
    let mut new = new.clone();
    new.epoch = old.epoch;
    new.last_checkpoint.clone_from(&old.last_checkpoint);
    new.seal = new.seal.as_ref().map(|_| seal(&new));
    new != *old
}

/// The status with this intent begun: numbers given out, nonces taken, one line of history more.
pub(crate) fn begin(s: &Situation<'_>, intent: IntentStatus) -> StreamJobStatus {
    let mut status = s.observed.status.clone();
    take_nonces(s, &intent, &mut status);
    remember(&mut status, s, format!("{:?}", intent.step), format!("{:?}", intent.cause), &intent.revision);
    if intent.step == IntentStep::Start {
        start(s, &intent, &mut status);
    }
    status.last_attempt = status.last_attempt.max(Some(intent.attempt));
    status.intent = Some(intent);
    status
}

/// From here on the new deployment owns the job: it is on trial, and what it replaces can be gone back to unless going back would
/// undo what the user asked for.
fn start(s: &Situation<'_>, intent: &IntentStatus, status: &mut StreamJobStatus) {
    use millstream_api::status::TrialStatus;
    let stable = match &status.trial {
        // What never was stable is nothing to go back to; what was before it is.
        Some(trial) => trial.previous,
        None => s.attempt(),
    };
    let is_upgrade = matches!(intent.cause, IntentCause::Spec | IntentCause::Resume);
    // The same revision at another parallelism is as much on trial as it was.
    let is_continued = intent.cause == IntentCause::Scale && status.trial.is_some();
    let is_known = |attempt: &i64| s.groups.get(attempt).is_some_and(|group| group.deployed.is_some());
    let is_new = status.current_revision.as_deref() != Some(&intent.revision);
    // What is gone back to knows nothing of what was added on the way from it, in however many steps.
    let mut added = intent.added.clone();
    let old = status.trial.iter().flat_map(|trial| trial.added.iter());
    added.extend(old.filter(|name| !intent.added.contains(name)).cloned());
    added.truncate(256);
    status.trial = Some(TrialStatus {
        attempt: intent.attempt,
        since: intent.since.clone(),
        running_since: None,
        from_epoch: s.floor_of(&intent.revision),
        restarts: 0,
        added,
        previous: stable.filter(|attempt| (is_upgrade && is_new || is_continued) && is_known(attempt)),
    });
    let refused = match intent.cause {
        IntentCause::Rollback => s.revision.clone(),
        _ => status.rolled_back.take(),
    };
    // It stays refused until the spec asks for another one.
    let is_asked_for = |bad: &String| s.revision.as_ref().is_none_or(|revision| revision == bad);
    status.rolled_back = refused.filter(|bad| is_asked_for(bad) && *bad != intent.revision);
    if status.rolled_back.is_none() {
        status.rollback_reason = None;
    }
    status.attempt = Some(intent.attempt);
    status.epoch = s.floor_of(&intent.revision);
    status.current_revision = Some(intent.revision.clone());
    status.parallelism = Some(ParallelismStatus { desired: intent.parallelism, current: intent.parallelism });
    status.recovery = None;
    status.restored_from = None;
    status.ended = None;
    status.origin = Some(origin::begun(intent, s.floor_of(&intent.revision)));
}

/// A nonce is acted on by any step that cannot be taken back and leads to the spec that carries it; that of a restore by the start of
/// what restores, since a stop alone restores nothing.
fn take_nonces(s: &Situation<'_>, intent: &IntentStatus, status: &mut StreamJobStatus) {
    let is_final = matches!(intent.step, IntentStep::Stop | IntentStep::Start);
    let Some(job) = s.target.as_ref().ok().filter(|_| is_final && intent.cause != IntentCause::Rollback)
    else {
        return;
    };
    let mut nonces = status.nonces.clone().unwrap_or_default();
    nonces.restart = job.cluster.restart_nonce.or(nonces.restart);
    if intent.step == IntentStep::Start
        && matches!(intent.cause, IntentCause::Create | IntentCause::Restore)
        && let Some(restore) = &job.restore
    {
        nonces.restore = restore.nonce.or(nonces.restore);
        nonces.restored = restore.from.clone().or(nonces.restored);
    }
    status.nonces = Some(nonces);
}

/// One line of history more, the newest first.
pub(crate) fn remember(
    status: &mut StreamJobStatus,
    s: &Situation<'_>,
    action: String,
    reason: String,
    revision: &str,
) {
    let entry = HistoryEntry {
        time: as_time(s.now),
        action,
        reason,
        from: status.current_revision.clone(),
        to: Some(revision.to_owned()),
        result: None,
    };
    status.history.insert(0, entry);
    status.history.truncate(usize::try_from(MAX_HISTORY).unwrap_or(usize::MAX));
}

/// A span for a field of the status.
pub(crate) fn span(span: std::time::Duration) -> DurationText {
    DurationText(in_words(span))
}
