//! The account that an operator acts by: it has the rights that an operator needs, and no others.
//!
//! What an operator is not allowed to do fails in every test. Above all, it cannot read a secret.

use std::path::{Path, PathBuf};

use kube::config::Kubeconfig;
use millstream_test_kube::Kubectl;

/// Group, resources, verbs.
const RIGHTS: [[&str; 3]; 12] = [
    ["millstream.dev", "streamjobs", "get,list,watch,patch"],
    ["millstream.dev", "streamjobs/status", "update"],
    ["millstream.dev", "streamsnapshots", "get,list,watch,create,patch,delete"],
    ["millstream.dev", "streamsnapshots/status", "patch"],
    ["", "pods", "get,list,watch,create,patch,delete"],
    ["", "configmaps", "get,list,watch,create,update,patch,delete"],
    ["", "services", "get,list,watch,create,patch,delete"],
    ["networking.k8s.io", "networkpolicies", "get,list,watch,create,patch,delete"],
    ["policy", "poddisruptionbudgets", "get,list,watch,create,patch,delete"],
    // Never get, list, watch, or patch, whose answer is the whole object.
    ["", "secrets", "create,update"],
    ["events.k8s.io", "events", "create,patch"],
    ["coordination.k8s.io", "leases", "get,create,patch"],
];

/// Gives the account its rights in a namespace, and writes a kubeconfig that acts by it.
pub(crate) fn kubeconfig(kubectl: &Kubectl, folder: &Path) -> PathBuf {
    let user = "millstream-operator";
    let list = |words: &str| words.split(',').map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ");
    let rules: String = RIGHTS
        .iter()
        .map(|[group, resource, verbs]| {
            format!("- {{apiGroups: ['{group}'], resources: ['{resource}'], verbs: [{}]}}\n", list(verbs))
        })
        .collect();
    let role = format!(
        "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: {user}}}
rules:
{rules}---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: {user}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {user}}}
subjects:
- {{apiGroup: rbac.authorization.k8s.io, kind: User, name: {user}}}
"
    );
    kubectl.apply(&role).succeeded();
    let mut config = Kubeconfig::read_from(kubectl.kubeconfig()).unwrap();
    for named in &mut config.auth_infos {
        if let Some(account) = &mut named.auth_info {
            account.impersonate = Some(user.to_owned());
        }
    }
    let path = folder.join("kubeconfig");
    std::fs::write(&path, serde_json::to_vec(&config).unwrap()).unwrap();
    path
}
