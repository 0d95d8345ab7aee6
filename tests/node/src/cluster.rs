//! The cluster, with the chart in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use millstream_test_chart::{CHART, program};
use millstream_test_kube::{ControlPlane, Kubectl, checkout};

/// Where the chart is installed.
const HOME: &str = "millstream-system";
/// Prefix of the images' references; nothing is pulled.
const REGISTRY: &str = "millstream.test";

/// The programs that the images are made of.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The engine's.
    pub engine: PathBuf,
    /// The operator's.
    pub operator: PathBuf,
}

/// Two nodes, an S3 server, and the operator. It ends on drop.
pub struct Cluster {
    plane: ControlPlane,
}

impl Cluster {
    /// Starts the nodes, gives them the images, installs the chart and waits until both operators are ready.
    ///
    /// # Panics
    /// If any of it fails, with what it says.
    pub fn start(programs: &Programs) -> Self {
        let plane = ControlPlane::held_by(&mut Command::new(checkout().join("scripts/node")));
        let cluster = Self { plane };
        cluster.load(&programs.engine, "millstream");
        cluster.load(&programs.operator, "millstream-operator");
        cluster.make_namespace(HOME);
        cluster.install();
        cluster
    }

    /// `kubectl` with all rights.
    pub fn kubectl(&self) -> &Kubectl {
        self.plane.kubectl()
    }

    /// `kubectl` where the operator is.
    pub fn home(&self) -> Kubectl {
        self.kubectl().within(HOME)
    }

    /// `kubectl` in a new namespace, which enforces the restricted profile and has the keys of the bucket in the secret `bucket`.
    pub fn namespace(&self, name: &str) -> Kubectl {
        self.make_namespace(name);
        let kubectl = self.kubectl().within(name);
        kubectl
            .run([
                "create",
                "secret",
                "generic",
                "bucket",
                &format!("--from-literal=AWS_ENDPOINT_URL={}", self.plane.told("S3")),
                "--from-literal=AWS_REGION=us-east-1",
                "--from-literal=AWS_ACCESS_KEY_ID=millstream",
                "--from-literal=AWS_SECRET_ACCESS_KEY=only-for-tests",
            ])
            .succeeded();
        kubectl
    }

    /// The objects of the bucket `streams`, as files.
    pub fn bucket(&self) -> &Path {
        Path::new(self.plane.told("BUCKET"))
    }

    /// The folder of the logs of a node's pods, for each node.
    pub fn pod_logs(&self) -> Vec<PathBuf> {
        ["node-1", "node-2"].iter().map(|node| self.folder().join(node).join("pods")).collect()
    }

    /// Kills the process of a pod's only container, as the kernel does when memory runs out.
    ///
    /// # Panics
    /// If there is no such container.
    pub fn kill_process_of(&self, kubectl: &Kubectl, pod: &str) {
        let pod = kubectl.get("pod", pod);
        let id = pod["status"]["containerStatuses"][0]["containerID"].as_str().unwrap();
        let node = pod["spec"]["nodeName"].as_str().unwrap();
        let socket = self.folder().join(node).join("containerd.sock");
        let mut kill = Command::new("ctr");
        kill.arg("-a").arg(socket).args(["-n", "k8s.io", "tasks", "kill", "--signal", "SIGKILL"]);
        succeeded(kill.arg(id.trim_start_matches("containerd://")));
    }

    /// Ends it.
    ///
    /// # Panics
    /// If it leaves anything behind on the machine.
    pub fn end(self) {
        let folder = self.folder().to_owned();
        drop(self.plane);
        assert!(!folder.exists(), "{} is left", folder.display());
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let root = Path::new("/sys/fs/cgroup");
        let groups = entries(root).into_iter().flat_map(|below| [entries(&below), vec![below]].concat());
        let is_ours =
            |group: &PathBuf| group.file_name().is_some_and(|own| own.to_string_lossy().starts_with(&name));
        let left: Vec<PathBuf> = groups.filter(is_ours).collect();
        assert!(left.is_empty(), "cgroups are left: {left:?}");
        let mounts = std::fs::read_to_string("/proc/mounts").unwrap();
        assert!(!mounts.contains(&name), "left mounted:\n{mounts}");
    }

    fn folder(&self) -> &Path {
        Path::new(self.plane.told("FOLDER"))
    }

    fn load(&self, program: &Path, name: &str) {
        let image = self.folder().join(format!("{name}.tar"));
        let script = |name: &str| Command::new(checkout().join("scripts").join(name));
        succeeded(script("image").arg(program).arg(format!("{REGISTRY}/{name}:e2e")).arg(&image));
        succeeded(script("node").arg("load").arg(&image).arg(self.folder()));
        std::fs::remove_file(image).unwrap();
    }

    fn make_namespace(&self, name: &str) {
        let label = "pod-security.kubernetes.io/enforce=restricted";
        self.kubectl().run(["create", "namespace", name]).succeeded();
        self.kubectl().run(["label", "namespace", name, label]).succeeded();
    }

    /// As the page of the installation says.
    fn install(&self) {
        let mut helm = Command::new(self.folder().join("bin/inside"));
        helm.arg(program("helm").get_program()).current_dir(checkout());
        helm.env("KUBECONFIG", self.kubectl().kubeconfig())
            .env("HELM_CACHE_HOME", self.folder().join("helm"));
        helm.args(["install", "millstream-operator", CHART, "--namespace", HOME, "--wait", "--timeout=300s"]);
        for (of, name) in [("image", "millstream-operator"), ("engine.image", "millstream")] {
            helm.arg(format!("--set={of}.repository={REGISTRY}/{name},{of}.tag=e2e"));
        }
        let installed = helm.output().unwrap();
        let said = String::from_utf8_lossy(&installed.stderr);
        let pods = || self.home().run(["describe", "pods"]).output;
        assert!(installed.status.success(), "{said}\n{}", pods());
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn succeeded(command: &mut Command) {
    let ended = command.output().unwrap();
    assert!(ended.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ended.stderr));
}
