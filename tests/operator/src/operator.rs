//! The operator as a process.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use millstream_test_kube::Kubectl;

use crate::{ENGINE_IMAGE, program};

/// Killed on drop.
pub struct Operator {
    child: Child,
    log: PathBuf,
    _folder: tempfile::TempDir,
    address: String,
}

impl Operator {
    /// Starts one for the namespace of this `kubectl`.
    pub fn start(kubectl: &Kubectl) -> Self {
        Self::start_with(kubectl, &[])
    }

    /// The same with more arguments.
    pub fn start_with(kubectl: &Kubectl, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        // Free a moment ago, and nobody else here takes ports from this range on purpose.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let child = Command::new(program("millstream-operator"))
            .env("KUBECONFIG", kubectl.kubeconfig())
            .args(["--engine-image", ENGINE_IMAGE, "--plaintext", "--namespace", kubectl.namespace()])
            .args(["--http", &address])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { child, log, _folder: folder, address }
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
        let Ok(mut stream) = TcpStream::connect(&self.address) else { return false };
        let mut answer = String::new();
        write!(stream, "GET /readyz HTTP/1.0\r\n\r\n").is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer.starts_with("HTTP/1.0 200")
    }

    /// Waits until its log has this text.
    ///
    /// # Panics
    /// If that takes two minutes.
    pub fn wait_until_log(&self, text: &str) {
        let began = Instant::now();
        while !self.log().contains(text) {
            assert!(began.elapsed() < Duration::from_secs(120), "the log lacks {text:?}\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it in order, as a kubelet does, and returns its log.
    ///
    /// # Panics
    /// If it does not end with success.
    pub fn end(mut self) -> String {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        let ended = self.child.wait().unwrap();
        assert!(ended.success(), "{ended}\n{}", self.log());
        self.log()
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
