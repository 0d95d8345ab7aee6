//! A namespace for one test.

use std::ops::Deref;

use crate::Kubectl;

/// `kubectl` in a namespace that is there for one test. It goes with the control plane; in a cluster that is there anyway, on drop.
pub struct Namespace {
    kubectl: Kubectl,
}

impl Namespace {
    pub(crate) fn create(kubectl: &Kubectl, name: &str) -> Self {
        let name = format!("millstream-{name}-{}", std::process::id());
        kubectl.run(["create", "namespace", &name]).succeeded();
        Self { kubectl: kubectl.within(&name) }
    }
}

impl Deref for Namespace {
    type Target = Kubectl;

    fn deref(&self) -> &Kubectl {
        &self.kubectl
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if std::env::var_os("MILLSTREAM_TEST_KUBECONFIG").is_some() {
            self.kubectl.run(["delete", "namespace", self.kubectl.namespace(), "--wait=false"]);
        }
    }
}
