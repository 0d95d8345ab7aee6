//! One control plane, held by a process of `scripts/kubernetes hold`, or of another script that is held in the same way.
//!
//! That process ends everything when its standard input ends: on drop, and also when the test binary ends without dropping
//! anything, which is what happens to a `static` and after a kill -9. Its folder is removed then, too.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use crate::{Kubectl, Namespace, checkout};

/// A running control plane.
pub struct ControlPlane {
    holder: Child,
    kubectl: Kubectl,
    told: BTreeMap<String, String>,
}

impl ControlPlane {
    /// Starts an empty one, which takes some ten seconds, also where `MILLSTREAM_TEST_KUBECONFIG` names a cluster.
    ///
    /// # Panics
    /// If it does not start, with what the script says: mostly `install them with: scripts/install kubernetes`.
    pub fn start() -> Self {
        Self::held_by(script().env_remove("MILLSTREAM_TEST_KUBECONFIG"))
    }

    /// Starts what a script holds, as long as its standard input is open: it prints lines of `NAME=VALUE`, and at last `ready`.
    ///
    /// # Panics
    /// If it does not start, with what the script says.
    pub fn held_by(script: &mut Command) -> Self {
        let mut holder = script
            .arg("hold")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BTreeMap::new();
        let mut ready = false;
        for line in BufReader::new(holder.stdout.take().unwrap()).lines() {
            match line.unwrap().split_once('=') {
                Some((name, value)) => told.insert(name.to_owned(), value.to_owned()),
                None => {
                    ready = true;
                    break;
                }
            };
        }
        if !ready {
            let mut words = String::new();
            holder.stderr.take().unwrap().read_to_string(&mut words).unwrap();
            holder.wait().unwrap();
            panic!("there is no control plane to test on\n{words}");
        }
        Self { holder, kubectl: Kubectl::new(&told), told }
    }

    /// What the script said of itself by this name.
    ///
    /// # Panics
    /// If it did not.
    pub fn told(&self, name: &str) -> &str {
        self.told.get(name).unwrap_or_else(|| panic!("the script did not say {name}"))
    }

    /// The one that all tests of this binary share, or the cluster of `MILLSTREAM_TEST_KUBECONFIG`, with the CRDs of this checkout installed and established.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<ControlPlane> = LazyLock::new(|| {
            let plane = ControlPlane::held_by(&mut script());
            let kubectl = &plane.kubectl;
            kubectl.run(["apply", "--server-side", "--force-conflicts", "-f", "crds"]).succeeded();
            kubectl.run(["wait", "--for=condition=Established", "--timeout=60s", "-f", "crds"]).succeeded();
            // An established CRD serves its objects; `kubectl explain` knows it a moment later.
            for _ in 0..100 {
                if ["streamjobs", "streamsnapshots"].iter().all(|name| kubectl.run(["explain", name]).success)
                {
                    break;
                }
                thread::sleep(Duration::from_millis(100));
            }
            plane
        });
        &SHARED
    }

    /// `kubectl` with all rights.
    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// The process that holds it, for tests that kill it.
    pub fn holder(&mut self) -> &mut Child {
        &mut self.holder
    }

    /// A new namespace for one test, so that tests do not see each other's objects.
    pub fn namespace(&self, name: &str) -> Namespace {
        Namespace::create(&self.kubectl, name)
    }
}

/// `scripts/kubernetes`, yet without arguments.
pub fn script() -> Command {
    Command::new(checkout().join("scripts/kubernetes"))
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        // `wait` closes the standard input first.
        self.holder.wait().unwrap();
    }
}
