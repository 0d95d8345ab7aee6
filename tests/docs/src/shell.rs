//! A shell in a folder that looks like a checkout, on a cluster of its own whose node runs the images of this build.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use millstream_test_chart::program as gitops;
use millstream_test_kube::{ControlPlane, Kubectl, checkout};
use millstream_test_operator::{Images, Kubelet, program};
use regex::Regex;

/// Seconds that a block of commands may take, on a machine that does much else.
const LIMIT_S: u32 = 600;

/// An empty cluster, and somebody who sits in front of it.
pub struct Shell {
    folder: tempfile::TempDir,
    path: String,
    // In this order: pods end before the API server does.
    _node: Kubelet,
    plane: ControlPlane,
}

impl Shell {
    /// Starts a cluster with one node, on which there are the images of this version, and disks for claims.
    pub fn start() -> Self {
        let plane = ControlPlane::start();
        let folder = tempfile::tempdir().unwrap();
        // A copy, because what a page writes must not be written into the checkout.
        for name in ["charts", "crds", "deploy"] {
            let copied = Command::new("cp").arg("-r").arg(checkout().join(name)).arg(folder.path()).status();
            assert!(copied.unwrap().success(), "{name} cannot be copied");
        }
        fs::copy(plane.kubectl().kubeconfig(), folder.path().join("kubeconfig")).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        let images = Images::default()
            .with(&format!("ghcr.io/millstream/millstream:{version}"), program("millstream"))
            .with(
                &format!("ghcr.io/millstream/millstream-operator:{version}"),
                program("millstream-operator"),
            );
        let node = Kubelet::of_all_namespaces(plane.kubectl(), images);
        let helm = gitops("helm");
        let helm = Path::new(helm.get_program()).parent().unwrap();
        let kubectl = plane.kubectl().programs();
        let rest = std::env::var("PATH").unwrap_or_default();
        let path = format!("{kubectl}:{}:{rest}", helm.display());
        let shell = Self { folder, path, _node: node, plane };
        shell.make_disks();
        shell
    }

    /// What a storage class does: disks are there before anybody claims them.
    fn make_disks(&self) {
        for number in 0..2 {
            let place = self.folder.path().join(format!("disk-{number}"));
            fs::create_dir(&place).unwrap();
            let disk = format!(
                "{{apiVersion: v1, kind: PersistentVolume, metadata: {{name: disk-{number}}}, spec: {{capacity: {{storage: 100Gi}},
                  accessModes: [ReadWriteOnce, ReadWriteMany], persistentVolumeReclaimPolicy: Retain,
                  hostPath: {{path: {}}}}}}}",
                place.display()
            );
            self.plane.kubectl().apply(&disk).succeeded();
        }
    }

    /// `kubectl` with all rights, for what a test prepares and looks at beside the page.
    pub fn kubectl(&self) -> &Kubectl {
        self.plane.kubectl()
    }

    /// Writes a file that a page takes for there.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Types these lines; returns what is shown, or fails with it.
    ///
    /// # Errors
    /// One of the commands failed, or all of them took too long.
    pub fn run(&self, commands: &str) -> Result<String, String> {
        let ended = Command::new("timeout")
            .args(["--kill-after=5", &LIMIT_S.to_string(), "bash", "-euo", "pipefail", "-c"])
            .arg(format!("exec 2>&1\n{commands}"))
            .current_dir(self.folder.path())
            .env("PATH", &self.path)
            .env("KUBECONFIG", self.folder.path().join("kubeconfig"))
            .env("KUBECACHEDIR", self.folder.path().join("kube-cache"))
            .env("HELM_CACHE_HOME", self.folder.path().join("helm-cache"))
            .env("HELM_CONFIG_HOME", self.folder.path().join("helm-config"))
            .env("HELM_DATA_HOME", self.folder.path().join("helm-data"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let shown = in_containers(&String::from_utf8_lossy(&ended.stdout));
        if ended.status.success() { Ok(shown) } else { Err(format!("{shown}\n{}", ended.status)) }
    }

    /// Nothing of an installation is left.
    ///
    /// # Panics
    /// If something is.
    pub fn assert_empty(&self) {
        let left = self.run(
            "kubectl get crds,clusterroles,clusterrolebindings,namespaces -o name | grep -E 'millstream|payments' || true
             kubectl get pods,secrets,serviceaccounts,persistentvolumeclaims -A -o name | grep millstream || true",
        );
        assert_eq!(left.as_deref(), Ok(""), "{}", self.report());
    }

    /// What is in the cluster, for a failure.
    pub fn report(&self) -> String {
        let questions = [
            "kubectl get streamjobs -A -o yaml",
            "kubectl get pods,leases,persistentvolumeclaims -A -o wide",
            "kubectl get events -A",
            "kubectl -n millstream-system logs deployment/millstream-operator --tail 50",
        ];
        let answers = questions.map(|question| format!("$ {question}\n{:?}\n", self.run(question)));
        answers.concat().replace("\\n", "\n")
    }
}

/// Paths as they are in a container: what is its root there is a temporary folder on this node.
fn in_containers(text: &str) -> String {
    let root =
        format!("{}/\\.tmp[A-Za-z0-9]{{6}}/", regex::escape(&std::env::temp_dir().display().to_string()));
    Regex::new(&root).unwrap().replace_all(text, "/").into_owned()
}
