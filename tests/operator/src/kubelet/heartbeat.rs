//! A node that says that it is there, so that nothing of its pods is given up.

use std::time::Duration;

use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use millstream_api::k8s_openapi::jiff::Timestamp;
use serde_json::json;

/// Registers the node, which answers at this port of loopback, and keeps its lease.
pub(super) async fn beat(client: Client, name: String, port: u16) {
    let resource = |group: &str, kind: &str| ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
    let nodes: Api<DynamicObject> = Api::all_with(client.clone(), &resource("", "Node"));
    let leases: Api<DynamicObject> =
        Api::namespaced_with(client, "kube-node-lease", &resource("coordination.k8s.io", "Lease"));
    let apply = PatchParams::apply("millstream-test-kubelet").force();
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}});
    let _ = nodes.patch(&name, &apply, &Patch::Apply(&node)).await;
    loop {
        let now = Timestamp::now();
        let ready = json!({
            "apiVersion": "v1", "kind": "Node",
            "status": {
                "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
                "conditions": [{
                    "type": "Ready", "status": "True", "reason": "Test", "message": "", "lastHeartbeatTime": now.to_string(),
                }],
            },
        });
        let _ = nodes.patch_status(&name, &apply, &Patch::Apply(&ready)).await;
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name},
            "spec": {
                "holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": format!("{now:.6}"),
            },
        });
        let _ = leases.patch(&name, &apply, &Patch::Apply(&lease)).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
}
