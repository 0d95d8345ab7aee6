//! What the running deployment began from and what it owns: permissions that last until it has an epoch of its own.
//!
//! Owns telling what a deployment wrote from what it found. One that found epoch 43 in the bucket and runs owns nothing until 44 is
//! there; until then what is in the bucket was written by another revision, and a crash is followed by a start that may do what the
//! first one might.

use millstream_api::status::{IntentStatus, OriginStatus, StartFrom};

use crate::observed::{Epoch, Exit};
use crate::situation::{Group, Situation};

/// Of a deployment that is begun by this intent, when this epoch was the newest.
pub(crate) fn begun(intent: &IntentStatus, floor: Option<i64>) -> OriginStatus {
    OriginStatus {
        attempt: intent.attempt,
        from: intent.from,
        uri: intent.uri.clone(),
        floor,
        lost: intent.lost.clone(),
        ran: false,
        own: None,
    }
}

/// Of a deployment of which nothing is known but that it is there.
pub(crate) fn unknown(attempt: i64) -> OriginStatus {
    let (from, uri, floor, lost) = (StartFrom::Newest, None, None, Vec::new());
    OriginStatus { attempt, from, uri, floor, lost, ran: true, own: None }
}

/// That of the current deployment, if it is known.
pub(crate) fn origin<'a>(s: &Situation<'a>) -> Option<&'a OriginStatus> {
    s.observed.status.origin.as_ref().filter(|origin| Some(origin.attempt) == s.attempt())
}

/// The same, with what is seen now. What is known once stays known.
pub(crate) fn updated(s: &Situation<'_>) -> Option<OriginStatus> {
    let mut origin = origin(s)?.clone();
    origin.ran |= s.current().is_some_and(flows);
    let Some(answer) = s.current().filter(|group| group.is_running()).and_then(|group| group.answer()) else {
        return Some(origin);
    };
    if origin.own.is_none() {
        // What was known when it was begun may be seconds old, and the stop wrote an epoch after that.
        origin.floor = origin.floor.max(answer.restored_from);
        let newest = answer.newest.as_ref().map(|epoch| epoch.number);
        origin.own = newest.filter(|newest| Some(*newest) > origin.floor);
    }
    if origin.own.is_some() {
        origin.lost.clear();
    }
    Some(origin)
}

/// Whether records flow, or did until all were read. A coordinator that does not answer the operator still tells the kubelet: its pod is
/// ready while records flow.
fn flows(group: &Group<'_>) -> bool {
    let is_ready = group.coordinator.is_some_and(|(_, pod)| pod.is_ready());
    match group.answer() {
        Some(_) => group.is_running(),
        None => is_ready || group.exit() == Some(&Exit::Finished),
    }
}

/// The newest epoch of a job whose deployment was permitted to leave epochs behind and did, until it has one of its own: none when it began
/// empty, else the one that it went back to. `None` when what was known before still counts.
pub(crate) fn instead(s: &Situation<'_>) -> Option<Option<i64>> {
    let origin = updated(s).filter(|origin| origin.ran && origin.own.is_none())?;
    match origin.from {
        StartFrom::Empty => Some(None),
        StartFrom::Epoch => Some(origin.uri.and_then(|epoch| epoch.parse().ok())),
        StartFrom::Newest | StartFrom::SpecRestore | StartFrom::Snapshot => None,
    }
}

/// What another deployment of the same revision may start from: one that never ran was permitted to, and did not.
pub(crate) fn again(s: &Situation<'_>) -> (StartFrom, Option<String>) {
    if let Some(uri) = s.owed_restore() {
        return (StartFrom::Snapshot, Some(uri.to_owned()));
    }
    let is_left = |origin: &OriginStatus| matches!(origin.from, StartFrom::Empty | StartFrom::Epoch);
    match updated(s).filter(|origin| !origin.ran && is_left(origin)) {
        Some(origin) => (origin.from, origin.uri),
        None => (StartFrom::Newest, None),
    }
}

/// Operators whose state the current deployment may give up, as long as it has no epoch without them.
pub(crate) fn lost(s: &Situation<'_>) -> Vec<String> {
    updated(s).map(|origin| origin.lost).unwrap_or_default()
}

/// Whether the current deployment is known to have written an epoch.
pub(crate) fn owns_any(s: &Situation<'_>) -> bool {
    updated(s).is_some_and(|origin| origin.own.is_some())
}

/// How many checkpoints the current deployment has made, at least. It did not make every number since its first: each coordinator that
/// came back has taken one for its start. One that owns 44, came back once and is at 46 has made 2.
pub(crate) fn made(s: &Situation<'_>) -> i64 {
    let own = updated(s).and_then(|origin| origin.own);
    let answer = s.current().and_then(|group| group.answer());
    let newest = answer.and_then(|answer| answer.newest.as_ref()).map(|epoch| epoch.number);
    let starts = s.observed.status.recovery.as_ref().map_or(0, |recovery| i64::from(recovery.count));
    own.zip(newest).map_or(0, |(own, newest)| newest.saturating_sub(own) + 1 - starts)
}

/// Whether records ever flowed in the current deployment.
pub(crate) fn ran(s: &Situation<'_>) -> bool {
    updated(s).is_none_or(|origin| origin.ran)
}

/// Whether the current deployment wrote this epoch, as far as is known.
pub(crate) fn owns(s: &Situation<'_>, epoch: Option<&Epoch>) -> bool {
    let own = updated(s).and_then(|origin| origin.own);
    own.zip(epoch).is_some_and(|(own, epoch)| epoch.number >= own)
}
