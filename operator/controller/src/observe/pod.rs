//! How a pod is, from its status.
//!
//! A pod of a job has one container. Kubernetes says in many ways that it cannot start; three kinds of trouble make a difference to a
//! decision. What passes by itself, such as a volume that is being attached, is no trouble.

use millstream_api::k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateTerminated, ContainerStatus, PodCondition, PodStatus,
};
use millstream_lifecycle::observed::{Exit, PodState, Trouble};
use millstream_lifecycle::time::Timestamp;

use super::ending::exit;

/// How a pod is. What has no time of its own in the status happened at `created` at the earliest.
pub(super) fn state(status: &PodStatus, created: Timestamp) -> PodState {
    if is_lost(status) {
        return PodState::Lost;
    }
    let container = status.container_statuses.iter().flatten().next();
    let ended = container.and_then(|c| c.state.as_ref()?.terminated.as_ref());
    match status.phase.as_deref() {
        Some("Succeeded" | "Failed") => end(status, ended, created),
        _ => match container {
            Some(container) => of_container(status, container),
            None => scheduling(status),
        },
    }
}

/// Its node does not answer, so nobody knows whether it runs.
fn is_lost(status: &PodStatus) -> bool {
    let by_condition = |c: &PodCondition| c.status != "True" && c.reason.as_deref() == Some("NodeNotReady");
    status.phase.as_deref() == Some("Unknown")
        || status.reason.as_deref() == Some("NodeLost")
        || condition(status, "Ready").is_some_and(by_condition)
}

fn end(status: &PodStatus, ended: Option<&ContainerStateTerminated>, created: Timestamp) -> PodState {
    let Some(ended) = ended else {
        // Evicted, or refused by the kubelet: no container of it ever ran to an end.
        return PodState::Ended { exit: Exit::Crashed(-1), at: transition(status).unwrap_or(created) };
    };
    let at = ended.finished_at.as_ref().map_or(created, |time| time.0);
    PodState::Ended { exit: exit(ended.message.as_deref().unwrap_or_default(), ended.exit_code), at }
}

/// The container of a pod that has ended, if it ran.
pub(super) fn ended(status: &PodStatus) -> Option<&ContainerStateTerminated> {
    status.container_statuses.iter().flatten().next()?.state.as_ref()?.terminated.as_ref()
}

fn transition(status: &PodStatus) -> Option<Timestamp> {
    status.conditions.iter().flatten().filter_map(|c| Some(c.last_transition_time.as_ref()?.0)).max()
}

fn of_container(status: &PodStatus, container: &ContainerStatus) -> PodState {
    let state = container.state.clone().unwrap_or_default();
    if let Some(trouble) = trouble(&state) {
        return trouble;
    }
    match state.running {
        Some(_) => PodState::Running {
            ready: condition(status, "Ready").is_some_and(|condition| condition.status == "True"),
        },
        // Between two starts of a container that the kubelet starts again.
        None => scheduling(status),
    }
}

fn trouble(state: &ContainerState) -> Option<PodState> {
    let waiting = state.waiting.as_ref()?;
    let trouble = match waiting.reason.as_deref()? {
        "ErrImagePull"
        | "ImagePullBackOff"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "ImageInspectError"
        | "RegistryUnavailable"
        | "CreateContainerConfigError"
        | "CreateContainerError"
        | "RunContainerError"
        | "PreCreateHookError"
        | "PreStartHookError"
        | "PostStartHookError" => Trouble::Image,
        "CrashLoopBackOff" => Trouble::CrashLoop,
        _ => return None,
    };
    let reason = waiting.reason.clone().unwrap_or_default();
    let message = match waiting.message.as_deref() {
        Some(message) if !message.is_empty() => format!("{reason}: {message}"),
        _ => reason,
    };
    Some(PodState::Stuck { trouble, message })
}

fn scheduling(status: &PodStatus) -> PodState {
    let refused = |c: &&PodCondition| c.status == "False" && c.reason.as_deref() == Some("Unschedulable");
    match condition(status, "PodScheduled").filter(refused) {
        Some(condition) => PodState::Stuck {
            trouble: Trouble::Unschedulable,
            message: condition.message.clone().unwrap_or_else(|| "Unschedulable".to_owned()),
        },
        None => PodState::Starting,
    }
}

fn condition<'a>(status: &'a PodStatus, kind: &str) -> Option<&'a PodCondition> {
    status.conditions.iter().flatten().find(|condition| condition.type_ == kind)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn of(status: Value) -> PodState {
        state(&serde_json::from_value(status).unwrap(), at(500))
    }

    fn waiting(reason: &str) -> Value {
        json!({
            "phase": "Pending",
            "containerStatuses": [{
                "name": "worker", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"waiting": {"reason": reason, "message": "the details"}},
            }],
        })
    }

    #[test]
    fn a_pod_that_was_not_looked_at_yet_is_starting() {
        assert_eq!(state(&PodStatus::default(), at(0)), PodState::Starting);
        assert_eq!(of(json!({"phase": "Pending"})), PodState::Starting);
        assert_eq!(of(waiting("ContainerCreating")), PodState::Starting);
        assert_eq!(of(waiting("PodInitializing")), PodState::Starting);
    }

    #[test]
    fn what_does_not_pass_by_itself_is_trouble() {
        let stuck = |trouble, message: &str| PodState::Stuck { trouble, message: message.to_owned() };
        for (reason, trouble) in [
            ("ImagePullBackOff", Trouble::Image),
            ("CreateContainerConfigError", Trouble::Image),
            ("CrashLoopBackOff", Trouble::CrashLoop),
        ] {
            assert_eq!(of(waiting(reason)), stuck(trouble, &format!("{reason}: the details")));
        }
        let unscheduled = json!({"phase": "Pending", "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available",
        }]});
        assert_eq!(of(unscheduled), stuck(Trouble::Unschedulable, "0/3 nodes are available"));
    }

    #[test]
    fn a_running_container_is_ready_when_kubernetes_says_so() {
        for (ready, expected) in [("True", true), ("False", false)] {
            let running = json!({
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": ready}],
                "containerStatuses": [{
                    "name": "worker", "image": "i", "imageID": "", "ready": expected, "restartCount": 0,
                    "state": {"running": {}},
                }],
            });
            assert_eq!(of(running), PodState::Running { ready: expected });
        }
    }

    #[test]
    fn an_end_has_its_word_and_its_time() {
        let ended = |phase: &str, code: i32, message: &str| {
            of(json!({
                "phase": phase,
                "containerStatuses": [{
                    "name": "coordinator", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
                    "state": {"terminated": {
                        "exitCode": code, "message": message, "finishedAt": "1970-01-01T00:02:00Z",
                    }},
                }],
            }))
        };
        assert_eq!(
            ended("Succeeded", 0, r#"{"ending":"Stopped","epoch":4}"#),
            PodState::Ended { exit: Exit::Stopped, at: at(120) }
        );
        assert_eq!(ended("Failed", 137, "log"), PodState::Ended { exit: Exit::Crashed(137), at: at(120) });
        let evicted = json!({"phase": "Failed", "reason": "Evicted", "conditions": [
            {"type": "Ready", "status": "False", "lastTransitionTime": "1970-01-01T00:01:00Z"},
        ]});
        assert_eq!(of(evicted), PodState::Ended { exit: Exit::Crashed(-1), at: at(60) });
    }

    #[test]
    fn nobody_knows_about_a_pod_on_a_node_that_does_not_answer() {
        assert_eq!(of(json!({"phase": "Unknown"})), PodState::Lost);
        assert_eq!(of(json!({"phase": "Running", "reason": "NodeLost"})), PodState::Lost);
        let silent = json!({"phase": "Running", "conditions": [
            {"type": "Ready", "status": "False", "reason": "NodeNotReady"},
        ]});
        assert_eq!(of(silent), PodState::Lost);
    }
}
