//! What a pod's status says.

use kube::api::{Api, Patch, PatchParams};
use millstream_api::k8s_openapi::api::core::v1::Pod;
use millstream_api::k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::Node;

/// A pod's status, as it was written last.
pub(super) struct Status {
    pods: Api<Pod>,
    name: String,
    ip: String,
    container: String,
    image: String,
    restarts: u32,
}

impl Status {
    pub(super) fn new(node: &Node, pod: &Pod, ip: &str) -> Self {
        let container = &pod.spec.as_ref().unwrap().containers[0];
        Self {
            pods: Api::namespaced(node.client.clone(), &node.namespace),
            name: pod.metadata.name.clone().unwrap(),
            ip: ip.to_owned(),
            container: container.name.clone(),
            image: container.image.clone().unwrap_or_default(),
            restarts: 0,
        }
    }

    /// The pod's address.
    pub(super) fn ip(&self) -> &str {
        &self.ip
    }

    pub(super) fn restarted(&mut self) {
        self.restarts += 1;
    }

    /// No node takes it.
    pub(super) async fn unschedulable(&self) {
        let condition = json!({
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
        });
        self.write(json!({"phase": "Pending", "conditions": [condition]})).await;
    }

    /// Its container waits.
    pub(super) async fn waiting(&self, reason: &str, message: &str) {
        let state = json!({"waiting": {"reason": reason, "message": message}});
        self.write(self.of("Pending", state, false)).await;
    }

    /// Its container runs.
    pub(super) async fn running(&self, ready: bool) {
        let state = json!({"running": {"startedAt": seconds()}});
        self.write(self.of("Running", state, ready)).await;
    }

    /// Its container has ended, and is not started again.
    pub(super) async fn ended(&self, code: i32, message: &str) {
        let state = json!({"terminated": {
            "exitCode": code, "message": message, "reason": if code == 0 { "Completed" } else { "Error" },
            "finishedAt": seconds(),
        }});
        self.write(self.of(if code == 0 { "Succeeded" } else { "Failed" }, state, false)).await;
    }

    fn of(&self, phase: &str, state: Value, ready: bool) -> Value {
        json!({
            "phase": phase,
            "podIP": self.ip,
            "podIPs": [{"ip": self.ip}],
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Ready", "status": if ready { "True" } else { "False" }, "lastTransitionTime": seconds()},
            ],
            "containerStatuses": [{
                "name": self.container, "image": self.image, "imageID": "", "ready": ready,
                "restartCount": self.restarts, "state": state,
            }],
        })
    }

    async fn write(&self, status: Value) {
        let patch = json!({"status": status});
        // A pod that is gone has no status, and nobody who misses it.
        let _ = self.pods.patch_status(&self.name, &PatchParams::default(), &Patch::Merge(&patch)).await;
    }
}

fn seconds() -> String {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap().to_string()
}
