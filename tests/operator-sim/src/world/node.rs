//! The one node: pods come, run and go.

use millstream_lifecycle::time::{Timestamp, as_time};
use serde_json::{Value, json};

use super::engines::Engines;
use super::process::Stage;
use crate::api_server::{ApiServer, Key};

/// Every pod goes one step on.
pub(super) fn turn(server: &ApiServer, engines: &mut Engines, now: Timestamp) {
    for (key, pod) in server.with(|store| store.shared("pods")) {
        step(server, engines, &key, &pod, now);
    }
}

fn step(server: &ApiServer, engines: &mut Engines, key: &Key, pod: &Value, now: Timestamp) {
    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
    let component = pod["metadata"]["labels"]["millstream.dev/component"].as_str().unwrap_or_default();
    let container = pod["spec"]["containers"][0]["name"].as_str().unwrap_or_default();
    if !pod["metadata"]["deletionTimestamp"].is_null() {
        engines.terminate(uid, now);
        server.with(|store| store.remove(key));
        return;
    }
    let is_over = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    let status = if !pod["spec"]["nodeName"].is_string() {
        server.with(|store| store.edit(key, |pod| pod["spec"]["nodeName"] = json!("node")));
        return;
    } else if is_over {
        return;
    } else if pod["status"]["podIP"].is_null() {
        let ip = engines.new_address();
        if component == "coordinator" {
            server.with(|store| engines.start(store, uid, &ip, pod, now));
        }
        running(container, &ip, false, now)
    } else if component == "planner" {
        ended(container, 0, &verdict(engines, pod), now)
    } else if let Some((code, word)) = engines.ended.get(uid) {
        ended(container, *code, word, now)
    } else {
        let ip = pod["status"]["podIP"].as_str().unwrap_or_default();
        let is_ready = is_ready(engines, uid, pod, component);
        let was = pod["status"]["conditions"][0]["status"] == "True";
        if is_ready == was {
            return;
        }
        running(container, ip, is_ready, now)
    };
    server.with(|store| store.edit(key, |pod| pod["status"] = status));
}

/// A coordinator is ready when records flow, a worker when a coordinator has taken it.
fn is_ready(engines: &Engines, uid: &str, pod: &Value, component: &str) -> bool {
    if component == "coordinator" {
        return engines.processes.get(uid).is_some_and(|process| process.stage == Stage::Running);
    }
    let labels = &pod["metadata"]["labels"];
    engines.processes.values().any(|process| {
        labels["millstream.dev/job"] == *process.job
            && labels["millstream.dev/attempt"] == *process.attempt.to_string()
            && process.stage != Stage::Standby
    })
}

fn running(container: &str, ip: &str, is_ready: bool, now: Timestamp) -> Value {
    let ready = if is_ready { "True" } else { "False" };
    json!({
        "phase": "Running", "podIP": ip,
        "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": as_time(now)}],
        "containerStatuses": [{
            "name": container, "image": "", "imageID": "", "ready": is_ready, "restartCount": 0,
            "state": {"running": {"startedAt": as_time(now)}},
        }],
    })
}

fn ended(container: &str, code: i64, word: &str, now: Timestamp) -> Value {
    json!({
        "phase": if code == 0 { "Succeeded" } else { "Failed" },
        "podIP": "",
        "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": as_time(now)}],
        "containerStatuses": [{
            "name": container, "image": "", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": code, "message": word, "finishedAt": as_time(now)}},
        }],
    })
}

/// The planner finds the newest epoch, and state that fits.
fn verdict(engines: &Engines, pod: &Value) -> String {
    let job = pod["metadata"]["labels"]["millstream.dev/job"].as_str().unwrap_or_default();
    let place = engines.bucket.place(&format!("s3://bucket/{job}"));
    let newest = place.newest.zip(place.at).map(|(epoch, at)| {
        json!({"epoch": epoch, "manifest": format!("s3://bucket/{job}/epoch/{epoch}"), "created_at_ms": at.as_millisecond()})
    });
    json!({"ending": "Judged", "newest": newest, "is_same_job": false, "operators": []}).to_string()
}
