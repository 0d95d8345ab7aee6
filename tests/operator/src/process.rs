//! A process of the operator, however it is configured.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A running operator, with a folder of its own. Killed on drop.
pub struct Process {
    child: Child,
    folder: tempfile::TempDir,
    address: String,
}

impl Process {
    /// Starts this program with these arguments, which leave out where it answers.
    pub fn start(
        program: &Path,
        kubeconfig: &Path,
        folder: tempfile::TempDir,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Self {
        // Free a moment ago, and nobody else here takes ports from this range on purpose.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let child = Command::new(program)
            .env("KUBECONFIG", kubeconfig)
            .args(arguments)
            .args(["--http", &address])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        Self { child, folder, address }
    }

    /// The number that the kernel knows it by.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
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
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Waits until it answers that it is ready.
    ///
    /// # Panics
    /// If that takes two minutes.
    pub fn wait_until_ready(&self) {
        self.wait("is not ready", || {
            self.page("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.0 200"))
        });
    }

    /// Waits until its log has this text.
    ///
    /// # Panics
    /// If that takes two minutes.
    pub fn wait_until_log(&self, text: &str) {
        self.wait(&format!("did not log {text:?}"), || self.log().contains(text));
    }

    fn wait(&self, lacks: &str, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < Duration::from_secs(120), "the operator {lacks}\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it in order, as a kubelet does, and returns its log.
    ///
    /// # Panics
    /// If it does not end with success.
    pub fn end(mut self) -> String {
        Command::new("kill").args(["-TERM", &self.id().to_string()]).status().unwrap();
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

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
