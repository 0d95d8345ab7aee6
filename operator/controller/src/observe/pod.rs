//! How a pod is, from its status.
//!
//! One container of a pod is the engine's. Kubernetes says in many ways that it cannot start; three kinds of trouble make a difference to
//! a decision. What passes by itself, such as a volume that is being attached, is no trouble.

use millstream_api::k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateTerminated, ContainerStatus, PodCondition, PodStatus,
};
use millstream_lifecycle::observed::{Exit, PodState, Trouble};
use millstream_lifecycle::time::Timestamp;

use super::ending::exit;

/// Name of the engine's container in a coordinator, and in whatever else has a coordinator's template: planners and tools.
pub(super) const COORDINATOR: &str = "coordinator";
/// The same of a worker.
pub(super) const WORKER: &str = "worker";

/// What is looked at of a pod.
#[derive(Clone, Copy)]
pub(super) struct Looked<'a> {
    pub(super) status: &'a PodStatus,
    /// Name of the container that matters: beside it may be those that a job's template or the cluster adds.
    pub(super) container: &'a str,
    pub(super) restarts: Restarts,
    /// What has no time of its own in the status happened then at the earliest.
    pub(super) created: Timestamp,
}

/// Whether the kubelet starts an ended container again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Restarts {
    Never,
    OnFailure,
    Always,
}

impl Restarts {
    /// From `spec.restartPolicy`.
    pub(super) fn of(policy: Option<&str>) -> Self {
        match policy {
            Some("Never") => Self::Never,
            Some("OnFailure") => Self::OnFailure,
            _ => Self::Always,
        }
    }

    const fn is_final(self, ended: &ContainerStateTerminated) -> bool {
        match self {
            Self::Never => true,
            Self::OnFailure => ended.exit_code == 0,
            Self::Always => false,
        }
    }
}

impl<'a> Looked<'a> {
    /// How the pod is.
    pub(super) fn state(&self) -> PodState {
        if is_lost(self.status) {
            return PodState::Lost;
        }
        match self.status.phase.as_deref() {
            Some("Succeeded" | "Failed") => self.end(),
            _ => match self.of_name() {
                Some(container) => self.of_container(container),
                None => scheduling(self.status),
            },
        }
    }

    /// How its container ended, if it ran.
    pub(super) fn ended(&self) -> Option<&'a ContainerStateTerminated> {
        self.of_name()?.state.as_ref()?.terminated.as_ref()
    }

    fn of_name(&self) -> Option<&'a ContainerStatus> {
        self.status.container_statuses.iter().flatten().find(|found| found.name == self.container)
    }

    fn end(&self) -> PodState {
        let Some(ended) = self.ended() else {
            // Evicted, or refused by the kubelet: no container of it ever ran to an end.
            let at = transition(self.status).unwrap_or(self.created);
            return PodState::Ended { exit: Exit::Crashed(-1), at };
        };
        let at = ended.finished_at.as_ref().map_or(self.created, |time| time.0);
        PodState::Ended { exit: exit(ended.message.as_deref().unwrap_or_default(), ended.exit_code), at }
    }

    fn of_container(&self, container: &ContainerStatus) -> PodState {
        let state = container.state.clone().unwrap_or_default();
        let before = self.status.init_container_statuses.iter().flatten();
        let troubles =
            before.filter_map(|container| trouble(container.state.as_ref()?)).chain(trouble(&state));
        if let Some(trouble) = troubles.into_iter().next() {
            return trouble;
        }
        match (&state.running, &state.terminated) {
            (Some(_), _) => PodState::Running {
                ready: condition(self.status, "Ready").is_some_and(|condition| condition.status == "True"),
            },
            // The pod goes on as long as a container beside this one does.
            (None, Some(ended)) if self.restarts.is_final(ended) => self.end(),
            // Between two starts of a container that the kubelet starts again.
            (None, _) => scheduling(self.status),
        }
    }
}

/// Its node does not answer, so nobody knows whether it runs.
fn is_lost(status: &PodStatus) -> bool {
    status.phase.as_deref() == Some("Unknown") || status.reason.as_deref() == Some("NodeLost")
}

fn transition(status: &PodStatus) -> Option<Timestamp> {
    status.conditions.iter().flatten().filter_map(|c| Some(c.last_transition_time.as_ref()?.0)).max()
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

    fn looked<'a>(status: &'a PodStatus, container: &'a str, restarts: Restarts) -> Looked<'a> {
        Looked { status, container, restarts, created: at(500) }
    }

    fn coordinator(status: Value) -> PodState {
        looked(&serde_json::from_value(status).unwrap(), "coordinator", Restarts::Never).state()
    }

    fn worker(status: Value) -> PodState {
        looked(&serde_json::from_value(status).unwrap(), "worker", Restarts::OnFailure).state()
    }

    /// The status of a container with this name and in this state.
    fn container(name: &str, state: Value) -> Value {
        json!({"name": name, "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state})
    }

    fn waiting(reason: &str) -> Value {
        container(WORKER, json!({"waiting": {"reason": reason, "message": "the details"}}))
    }

    fn pending(container: &Value) -> Value {
        json!({"phase": "Pending", "containerStatuses": [container]})
    }

    fn terminated(code: i32, message: &str) -> Value {
        json!({"terminated": {"exitCode": code, "message": message, "finishedAt": "1970-01-01T00:02:00Z"}})
    }

    #[test]
    fn a_pod_that_was_not_looked_at_yet_is_starting() {
        assert_eq!(worker(json!({})), PodState::Starting);
        assert_eq!(worker(json!({"phase": "Pending"})), PodState::Starting);
        assert_eq!(worker(pending(&waiting("ContainerCreating"))), PodState::Starting);
        assert_eq!(worker(pending(&waiting("PodInitializing"))), PodState::Starting);
    }

    #[test]
    fn what_does_not_pass_by_itself_is_trouble() {
        let stuck = |trouble, message: &str| PodState::Stuck { trouble, message: message.to_owned() };
        for (reason, trouble) in [
            ("ImagePullBackOff", Trouble::Image),
            ("CreateContainerConfigError", Trouble::Image),
            ("CrashLoopBackOff", Trouble::CrashLoop),
        ] {
            assert_eq!(worker(pending(&waiting(reason))), stuck(trouble, &format!("{reason}: the details")));
        }
        let unscheduled = json!({"phase": "Pending", "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available",
        }]});
        assert_eq!(worker(unscheduled), stuck(Trouble::Unschedulable, "0/3 nodes are available"));
        let mut initializing = pending(&waiting("PodInitializing"));
        initializing["initContainerStatuses"] =
            json!([container("fetch", json!({"waiting": {"reason": "CrashLoopBackOff"}}))]);
        assert_eq!(worker(initializing), stuck(Trouble::CrashLoop, "CrashLoopBackOff"));
    }

    #[test]
    fn a_running_container_is_ready_when_kubernetes_says_so() {
        for (ready, expected) in [("True", true), ("False", false)] {
            let running = json!({
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": ready}],
                "containerStatuses": [container(WORKER, json!({"running": {}}))],
            });
            assert_eq!(worker(running), PodState::Running { ready: expected });
        }
    }

    #[test]
    fn an_end_has_its_word_and_its_time() {
        let ended = |phase: &str, code: i32, message: &str| {
            coordinator(json!({
                "phase": phase,
                "containerStatuses": [container(COORDINATOR, terminated(code, message))],
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
        assert_eq!(coordinator(evicted), PodState::Ended { exit: Exit::Crashed(-1), at: at(60) });
    }

    #[test]
    fn containers_beside_the_engine_neither_hide_its_end_nor_make_one() {
        let agent = |state| container("agent", state);
        let with = |phase: &str, agent: Value, own: Value| json!({"phase": phase, "containerStatuses": [agent, own]});
        let done = |name| container(name, terminated(0, r#"{"ending":"Finished"}"#));
        let finished = PodState::Ended { exit: Exit::Finished, at: at(120) };
        let beside = agent(json!({"running": {}}));
        assert_eq!(coordinator(with("Running", beside.clone(), done(COORDINATOR))), finished);
        assert_eq!(worker(with("Running", beside.clone(), done(WORKER))), finished);
        assert_eq!(coordinator(with("Failed", agent(terminated(1, "")), done(COORDINATOR))), finished);
        let failed = container(WORKER, terminated(1, ""));
        assert_eq!(worker(with("Running", beside, failed)), PodState::Starting, "it is started again");
        let running = container(COORDINATOR, json!({"running": {}}));
        assert_eq!(
            coordinator(with("Running", agent(terminated(1, "")), running)),
            PodState::Running { ready: false }
        );
    }

    #[test]
    fn nobody_knows_about_a_pod_of_which_kubernetes_says_so() {
        assert_eq!(worker(json!({"phase": "Unknown"})), PodState::Lost);
        assert_eq!(worker(json!({"phase": "Running", "reason": "NodeLost"})), PodState::Lost);
    }
}
