//! What a coordinator answers, from the document of its `/status`.

use std::time::Duration;

use millstream_lifecycle::observed::{Answer, EnginePhase, Epoch};
use millstream_lifecycle::time::Timestamp;
use serde::Deserialize;

/// The part of the document that decisions need. Fields that an older engine lacks are not known.
#[derive(Deserialize)]
struct Document {
    phase: String,
    newest_epoch: Option<Newest>,
    last_savepoint: Option<Savepoint>,
    #[serde(default)]
    savepoints_under_way: u32,
    restored_from: Option<i64>,
    #[serde(default)]
    restarts: i32,
    #[serde(default)]
    failed_checkpoints_in_a_row: u32,
    #[serde(default)]
    parallelism: i32,
    last_error: Option<String>,
}

#[derive(Deserialize)]
struct Newest {
    epoch: i64,
    manifest: String,
    at_ms: i64,
    bytes: Option<i64>,
    duration_ms: Option<u64>,
}

#[derive(Deserialize)]
struct Savepoint {
    location: String,
    epoch: i64,
    at_ms: i64,
    bytes: Option<i64>,
}

/// Reads a status.
///
/// # Errors
/// It is no document of a coordinator of a version that can be understood.
pub fn answer(json: &str) -> Result<Answer, String> {
    let document: Document = serde_json::from_str(json).map_err(|e| e.to_string())?;
    let phase = phase(&document)?;
    Ok(Answer {
        phase,
        newest: document.newest_epoch.and_then(newest),
        savepoint: document.last_savepoint.and_then(savepoint),
        savepoints_under_way: document.savepoints_under_way,
        restored_from: document.restored_from,
        restarts: document.restarts,
        failed_checkpoints: document.failed_checkpoints_in_a_row,
        parallelism: document.parallelism,
        error: document.last_error,
    })
}

fn phase(document: &Document) -> Result<EnginePhase, String> {
    Ok(match document.phase.as_str() {
        "Standby" => EnginePhase::Standby,
        "Starting" | "TakingOver" | "Recovering" => EnginePhase::TakingOver,
        "WaitingForSlots" => EnginePhase::WaitingForSlots,
        "Deploying" => EnginePhase::Restoring,
        "Running" => EnginePhase::Running,
        "Cancelling" | "Backoff" => EnginePhase::Backoff,
        "Stopping" | "Publishing" => EnginePhase::Stopping,
        "Finished" => EnginePhase::Finished,
        "Stopped" => EnginePhase::Stopped,
        "Failed" | "Fenced" => EnginePhase::Failed,
        other => return Err(format!("{other} is no phase that this operator knows")),
    })
}

fn newest(newest: Newest) -> Option<Epoch> {
    Some(Epoch {
        number: newest.epoch,
        uri: newest.manifest,
        completed: Timestamp::from_millisecond(newest.at_ms).ok()?,
        bytes: newest.bytes,
        duration: newest.duration_ms.map(Duration::from_millis),
    })
}

fn savepoint(savepoint: Savepoint) -> Option<Epoch> {
    Some(Epoch {
        number: savepoint.epoch,
        uri: savepoint.location,
        completed: Timestamp::from_millisecond(savepoint.at_ms).ok()?,
        bytes: savepoint.bytes,
        duration: None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_running_job() {
        let document = json!({
            "phase": "Running", "is_standby": false, "restored_from": 7, "restarts": 2, "parallelism": 4,
            "failed_checkpoints_in_a_row": 1, "last_error": "a worker is lost",
            "newest_epoch": {"epoch": 9, "manifest": "s3://b/9", "at_ms": 2000, "bytes": 5, "duration_ms": 30},
            "last_savepoint": {"location": "s3://b/s", "epoch": 8, "at_ms": 1000, "rows": 1, "bytes": 3},
            "savepoints_under_way": 1,
        });
        let answer = answer(&document.to_string()).unwrap();
        assert_eq!(answer.phase, EnginePhase::Running);
        let newest = answer.newest.unwrap();
        assert_eq!((newest.number, newest.completed.as_second(), newest.bytes), (9, 2, Some(5)));
        assert_eq!(newest.duration, Some(Duration::from_millis(30)));
        assert_eq!((answer.savepoint.unwrap().uri.as_str(), answer.savepoints_under_way), ("s3://b/s", 1));
        assert_eq!((answer.restored_from, answer.restarts, answer.parallelism), (Some(7), 2, 4));
        assert_eq!((answer.failed_checkpoints, answer.error.as_deref()), (1, Some("a worker is lost")));
    }

    #[test]
    fn a_standby_claims_nothing() {
        let standby = answer(r#"{"phase":"Standby","is_standby":true}"#).unwrap();
        assert_eq!(standby.phase, EnginePhase::Standby);
        assert_eq!(standby.newest, None);
    }

    #[test]
    fn what_is_no_status_is_refused() {
        for (text, why) in [
            ("", "EOF"),
            ("{}", "phase"),
            (r#"{"phase":"Dreaming"}"#, "Dreaming is no phase"),
            (r#"{"phase":"Running","restarts":"many"}"#, "many"),
        ] {
            let error = answer(text).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
