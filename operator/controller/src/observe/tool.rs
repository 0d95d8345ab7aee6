//! A pod that works for a snapshot, from its status.
//!
//! It leaves word in its termination message: `{"ending":"Inspected","epoch":41,"bytes":4096,"created_at_ms":...}`,
//! `{"ending":"Deleted"}`, or `Refused`, `Failed` and `Unavailable` with a message (docs/cluster.md of the engine). An engine that is older
//! than that leaves nothing when it succeeds, and the end of its log when it does not; then its exit code says who has to act.

use k8s_openapi::api::core::v1::{ContainerStateTerminated, Pod, PodStatus};
use kube::ResourceExt as _;
use millstream_api::k8s_openapi;
use millstream_api::names::{SNAPSHOT_KIND, TASK_LABEL};
use millstream_lifecycle::observed::PodState;
use millstream_lifecycle::snapshot::{Found, Task, ToolPod, ToolState};
use millstream_lifecycle::time::Timestamp;
use serde::Deserialize;

use super::pod;

/// The exit code of an engine that needs a person.
const MISTAKE: i32 = 2;
/// What an engine says about a savepoint that is not there, however it was asked.
const NOT_THERE: &str = "there is no savepoint";

/// What was seen of such a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolSeen {
    /// Its namespace.
    pub namespace: String,
    /// The name of its snapshot.
    pub snapshot: String,
    /// The uid of its snapshot.
    pub owner: String,
    /// The fact.
    pub pod: ToolPod,
}

#[derive(Deserialize)]
struct Word {
    ending: String,
    #[serde(default)]
    message: String,
    epoch: Option<i64>,
    bytes: Option<i64>,
    created_at_ms: Option<i64>,
}

/// What a pod is; `None` for one that works for no snapshot.
pub fn tool(pod: &Pod) -> Option<ToolSeen> {
    let owner = pod.owner_references().iter().find(|owner| owner.controller == Some(true))?;
    let task = match pod.labels().get(TASK_LABEL)?.as_str() {
        "check" => Task::Check,
        "delete" => Task::Delete,
        _ => return None,
    };
    let created = pod.creation_timestamp().map(|time| time.0).unwrap_or_default();
    let status = pod.status.clone().unwrap_or_default();
    (owner.kind == SNAPSHOT_KIND).then(|| ToolSeen {
        namespace: pod.namespace().unwrap_or_default(),
        snapshot: owner.name.clone(),
        owner: owner.uid.clone(),
        pod: ToolPod {
            task,
            name: pod.name_any(),
            uid: pod.uid().unwrap_or_default(),
            is_terminating: pod.metadata.deletion_timestamp.is_some(),
            state: state(task, &status, created),
        },
    })
}

fn state(task: Task, status: &PodStatus, created: Timestamp) -> ToolState {
    let looked = pod::Looked { status, container: pod::COORDINATOR, restarts: pod::Restarts::Never, created };
    match looked.state() {
        PodState::Starting => ToolState::Starting { since: created, trouble: None },
        PodState::Stuck { message, .. } => ToolState::Starting { since: created, trouble: Some(message) },
        PodState::Running { .. } => ToolState::Running,
        PodState::Lost => ToolState::Failed { message: "its node does not answer".into(), at: created },
        PodState::Ended { at, .. } => ended(task, looked, at),
    }
}

fn ended(task: Task, looked: pod::Looked<'_>, at: Timestamp) -> ToolState {
    let Some(ended) = looked.ended() else {
        let reason = looked.status.reason.clone().unwrap_or_else(|| "its container never ran".to_owned());
        return ToolState::Failed { message: format!("the pod ended: {reason}"), at };
    };
    let text = ended.message.as_deref().unwrap_or_default().trim();
    match serde_json::from_str::<Word>(text) {
        Ok(word) => of_word(task, word, at),
        Err(_) if ended.exit_code == 0 => ToolState::Done(Found::default()),
        Err(_) if ended.exit_code == MISTAKE => refused(task, complaint(text), at),
        Err(_) => ToolState::Failed { message: of_code(ended, text), at },
    }
}

fn of_word(task: Task, word: Word, at: Timestamp) -> ToolState {
    match word.ending.as_str() {
        "Inspected" | "Deleted" => ToolState::Done(Found {
            epoch: word.epoch,
            bytes: word.bytes,
            at: word.created_at_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
        }),
        "Refused" => refused(task, word.message, at),
        _ => ToolState::Failed { message: word.message, at },
    }
}

/// A refusal says that there is nothing to look at. Files are gone only if that is what it says: access that was denied is no proof.
fn refused(task: Task, message: String, at: Timestamp) -> ToolState {
    if task == Task::Check || message.contains(NOT_THERE) {
        return ToolState::Absent(message);
    }
    ToolState::Failed { message, at }
}

/// The last complaint of a log.
fn complaint(log: &str) -> String {
    let from = log.rfind("error: ").map_or(0, |at| at + "error: ".len());
    let words: Vec<&str> = log.get(from..).unwrap_or(log).split_whitespace().collect();
    words.join(" ")
}

fn of_code(ended: &ContainerStateTerminated, log: &str) -> String {
    let (code, said) = (ended.exit_code, complaint(log));
    match ended.reason.as_deref() {
        _ if !said.is_empty() => said,
        Some(reason) => format!("the pod ended with code {code} ({reason})"),
        None => format!("the pod ended with code {code}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn seen(task: &str, status: Value) -> Option<ToolSeen> {
        let pod = json!({
            "metadata": {
                "name": "p", "namespace": "shop", "uid": "p-1", "creationTimestamp": "1970-01-01T00:00:10Z",
                "labels": {"millstream.dev/task": task},
                "ownerReferences": [{"apiVersion": "millstream.dev/v1alpha1", "kind": "StreamSnapshot",
                    "name": "nightly", "uid": "s-1", "controller": true}],
            },
            "status": status,
        });
        tool(&serde_json::from_value(pod).unwrap())
    }

    fn ended(task: &str, code: i32, message: &str) -> ToolState {
        let status = json!({
            "phase": if code == 0 { "Succeeded" } else { "Failed" },
            "containerStatuses": [{
                "name": "coordinator", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"terminated": {"exitCode": code, "message": message, "finishedAt": "1970-01-01T00:00:20Z"}},
            }],
        });
        seen(task, status).unwrap().pod.state
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn pods_of_snapshots_are_told_from_others() {
        let seen = seen("check", json!({"phase": "Pending"})).unwrap();
        assert_eq!(
            (seen.snapshot.as_str(), seen.owner.as_str(), seen.pod.task),
            ("nightly", "s-1", Task::Check)
        );
        assert_eq!(seen.pod.state, ToolState::Starting { since: at(10), trouble: None });
        assert_eq!(self::seen("dance", json!({})), None);
        assert_eq!(tool(&Pod::default()), None);
    }

    #[test]
    fn words_of_an_engine_are_believed() {
        let word = r#"{"ending":"Inspected","epoch":41,"bytes":7,"created_at_ms":5000}"#;
        let found = Found { epoch: Some(41), bytes: Some(7), at: Some(at(5)) };
        assert_eq!(ended("check", 0, word), ToolState::Done(found));
        assert_eq!(ended("delete", 0, r#"{"ending":"Deleted"}"#), ToolState::Done(Found::default()));
        let away = ToolState::Failed { message: "S3 is away".into(), at: at(20) };
        assert_eq!(ended("check", 1, r#"{"ending":"Unavailable","message":"S3 is away"}"#), away);
        let refused = r#"{"ending":"Refused","message":"it is damaged"}"#;
        assert_eq!(ended("check", 2, refused), ToolState::Absent("it is damaged".into()));
    }

    #[test]
    fn an_engine_that_leaves_no_word_is_judged_by_its_code_and_its_log() {
        assert_eq!(ended("check", 0, ""), ToolState::Done(Found::default()));
        let log = "WARN slow\nerror: there is no savepoint in s3://b/s\n";
        for task in ["check", "delete"] {
            assert_eq!(ended(task, 2, log), ToolState::Absent("there is no savepoint in s3://b/s".into()));
        }
        let denied = ToolState::Failed { message: "access denied".into(), at: at(20) };
        assert_eq!(ended("delete", 2, "error: access denied"), denied, "no proof that they are gone");
        let killed = ToolState::Failed { message: "the pod ended with code 137".into(), at: at(20) };
        assert_eq!(ended("delete", 137, ""), killed);
        let evicted = seen("check", json!({"phase": "Failed", "reason": "Evicted"})).unwrap().pod.state;
        assert_eq!(evicted, ToolState::Failed { message: "the pod ended: Evicted".into(), at: at(10) });
    }
}
