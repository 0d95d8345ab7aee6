//! The service account of a pod: a token for it, as a kubelet has it made, and a kubeconfig in the place of the path at which a
//! process in a container finds the API server.

use std::fs;
use std::path::{Path, PathBuf};

use kube::Api;
use kube::api::PostParams;
use millstream_api::k8s_openapi::api::authentication::v1::{
    BoundObjectReference, TokenRequest, TokenRequestSpec,
};
use millstream_api::k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use serde_json::json;

use super::Node;

/// Where a process in a container looks for its token.
pub(super) const HOME: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A token of the pod's account, which is worth nothing any more when the pod is gone.
pub(super) async fn request(node: &Node, pod: &Pod, seconds: Option<i64>) -> Result<Vec<u8>, String> {
    let account = pod.spec.as_ref().and_then(|spec| spec.service_account_name.clone());
    let accounts: Api<ServiceAccount> = Api::namespaced(node.client.clone(), &node.namespace);
    let bound = BoundObjectReference {
        api_version: Some("v1".into()),
        kind: Some("Pod".into()),
        name: pod.metadata.name.clone(),
        uid: pod.metadata.uid.clone(),
    };
    let spec = TokenRequestSpec {
        audiences: Vec::new(),
        bound_object_ref: Some(bound),
        expiration_seconds: seconds,
    };
    let request = TokenRequest { spec, ..TokenRequest::default() };
    let account = account.unwrap_or_else(|| "default".into());
    let made = accounts.create_token_request(&account, &PostParams::default(), &request).await;
    let status = made.map_err(|e| e.to_string())?.status.ok_or("a token request without an answer")?;
    Ok(status.token.into_bytes())
}

/// Writes a kubeconfig that leads to the API server with the token in this folder.
pub(super) fn kubeconfig(node: &Node, token: &Path) -> PathBuf {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "pod", "cluster": node.cluster}],
        "users": [{"name": "pod", "user": {"tokenFile": token.join("token")}}],
        "contexts": [{"name": "pod", "context": {"cluster": "pod", "user": "pod", "namespace": node.namespace}}],
        "current-context": "pod",
    });
    let path = token.join("..kubeconfig");
    fs::write(&path, config.to_string()).unwrap();
    path
}
