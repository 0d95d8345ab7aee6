//! The operator as a process, with its secret mounted.

use std::fs;
use std::ops::Deref;
use std::path::Path;

use millstream_test_kube::Kubectl;

use crate::account::kubeconfig;
use crate::{ENGINE_IMAGE, Process, program};

/// The secret with the operator's own certificate.
pub const IDENTITY: &str = "millstream-operator-tls";

/// Killed on drop.
pub struct Operator(Process);

impl Operator {
    /// Starts one for the namespace of this `kubectl`.
    pub fn start(kubectl: &Kubectl) -> Self {
        Self::start_with(kubectl, &[])
    }

    /// The same with more options.
    pub fn start_with(kubectl: &Kubectl, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        mount(kubectl, folder.path());
        Self::spawn(kubectl, folder, options)
    }

    /// The same while its secret is not mounted yet, whether it is there or not.
    pub fn start_unmounted(kubectl: &Kubectl, options: &[&str]) -> Self {
        Self::spawn(kubectl, tempfile::tempdir().unwrap(), options)
    }

    fn spawn(kubectl: &Kubectl, folder: tempfile::TempDir, options: &[&str]) -> Self {
        let file = |option: &str, name: &str| format!("{option}={}", folder.path().join(name).display());
        let mut arguments = vec![
            format!("--engine-image={ENGINE_IMAGE}"),
            format!("--namespace={}", kubectl.namespace()),
            file("--tls-ca", "ca.crt"),
            file("--tls-cert", "tls.crt"),
            file("--tls-key", "tls.key"),
            format!("--tls-secret={}/{IDENTITY}", kubectl.namespace()),
        ];
        arguments.extend(options.iter().map(|option| (*option).to_owned()));
        let config = kubeconfig(kubectl, folder.path());
        Self(Process::start(&program("millstream-operator"), &config, folder, arguments))
    }

    /// Mounts its secret as it is now, as a kubelet does after a while.
    pub fn mount(&self, kubectl: &Kubectl) {
        mount(kubectl, self.folder());
    }

    /// Ends it in order, as a kubelet does, and returns its log.
    ///
    /// # Panics
    /// If it does not end with success.
    pub fn end(self) -> String {
        self.0.end()
    }

    /// Ends it without warning.
    pub fn kill(self) -> String {
        self.0.kill()
    }
}

impl Deref for Operator {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.0
    }
}

/// Writes the files of the operator's secret into a folder, if there is one.
fn mount(kubectl: &Kubectl, folder: &Path) {
    for name in ["ca.crt", "tls.crt", "tls.key"] {
        let template = format!("go-template={{{{index .data \"{name}\" | base64decode}}}}");
        let got = kubectl.run(["get", "secret", IDENTITY, "-o", &template]);
        if got.success {
            fs::write(folder.join(name), got.output).unwrap();
        }
    }
}
