//! The operator as a process, with its secret mounted.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use millstream_test_kube::Kubectl;

use crate::account::kubeconfig;
use crate::{ENGINE_IMAGE, program};

/// The secret with the operator's own certificate.
pub const IDENTITY: &str = "millstream-operator-tls";

/// Killed on drop.
pub struct Operator {
    child: Child,
    log: PathBuf,
    folder: tempfile::TempDir,
    address: String,
}

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
        let log = folder.path().join("log");
        // Free a moment ago, and nobody else here takes ports from this range on purpose.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let child = Command::new(program("millstream-operator"))
            .env("KUBECONFIG", kubeconfig(kubectl, folder.path()))
            .args(["--engine-image", ENGINE_IMAGE, "--namespace", kubectl.namespace()])
            .args([file("--tls-ca", "ca.crt"), file("--tls-cert", "tls.crt"), file("--tls-key", "tls.key")])
            .args(["--tls-secret", &format!("{}/{IDENTITY}", kubectl.namespace())])
            .args(options)
            .args(["--http", &address])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { child, log, folder, address }
    }

    /// Mounts its secret as it is now, as a kubelet does after a while.
    pub fn mount(&self, kubectl: &Kubectl) {
        mount(kubectl, self.folder.path());
    }

    /// What it answers at this path.
    pub fn page(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        let mut answer = String::new();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until it answers that it is ready.
    ///
    /// # Panics
    /// If that takes a minute.
    pub fn wait_until_ready(&self) {
        let began = Instant::now();
        while !self.is_ready() {
            assert!(began.elapsed() < Duration::from_secs(60), "the operator is not ready\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn is_ready(&self) -> bool {
        self.page("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.0 200"))
    }

    /// Ends it without warning.
    pub fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.log()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
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
