//! A node on which every pod runs at once, and does nothing. Coordinators answer.

use std::collections::HashSet;
use std::sync::Mutex;

use futures::StreamExt as _;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, ResourceExt as _};
use millstream_api::k8s_openapi::api::core::v1::Pod;
use millstream_api::k8s_openapi::jiff::Timestamp;
use serde_json::json;
use tokio::task::JoinSet;

use super::coordinator;

/// Status writes at the same time.
const CONCURRENCY: usize = 16;

/// Runs all pods of a namespace, for ever.
pub(super) async fn run(client: Client, namespace: String) {
    let pods: Api<Pod> = Api::namespaced(client, &namespace);
    let started: Mutex<HashSet<String>> = Mutex::default();
    let coordinators: Mutex<JoinSet<()>> = Mutex::default();
    let events = watcher(pods.clone(), watcher::Config::default()).default_backoff();
    events
        .for_each_concurrent(CONCURRENCY, |event| {
            let (pods, started, coordinators) = (&pods, &started, &coordinators);
            async move {
                let Ok(Event::Apply(pod) | Event::InitApply(pod)) = event else { return };
                let uid = pod.metadata.uid.clone().unwrap_or_default();
                if pod.metadata.deletion_timestamp.is_none() && started.lock().unwrap().insert(uid) {
                    start(pods, &pod, coordinators).await;
                }
            }
        })
        .await;
}

async fn start(pods: &Api<Pod>, pod: &Pod, coordinators: &Mutex<JoinSet<()>>) {
    let component = pod.labels().get("millstream.dev/component").map(String::as_str).unwrap_or_default();
    let ip = match component {
        "coordinator" => {
            let (ip, serving) = coordinator::serve().await;
            coordinators.lock().unwrap().spawn(serving);
            ip
        }
        _ => "127.0.0.1".to_owned(),
    };
    let container =
        pod.spec.as_ref().and_then(|spec| spec.containers.first()).map(|container| &container.name);
    let now = Timestamp::now().to_string();
    let status = json!({"status": {
        "phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}],
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": now}],
        "containerStatuses": [{
            "name": container, "image": "none", "imageID": "none", "ready": true, "restartCount": 0,
            "state": {"running": {"startedAt": now}},
        }],
    }});
    // A pod that went meanwhile needs no status.
    let _ = pods.patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Strategic(&status)).await;
}
