//! A real S3 server on a free loopback port, with a folder of its own. `scripts/install s3` brings it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Tries of ports: another process can take a free one before the server does.
const TRIES: usize = 5;
const START: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(10);

/// A running server. It keeps objects as plain files, which is how tests look at the bucket without a client. It ends with
/// its owner.
#[derive(Debug)]
pub struct S3Server {
    port: u16,
    folder: TempDir,
    process: Option<Child>,
}

impl S3Server {
    /// The bucket that is there from the start.
    pub const BUCKET: &str = "streams";
    /// Whom it lets in: the access key and the secret one.
    pub const KEYS: (&str, &str) = ("millstream", "only-for-tests");

    /// # Panics
    /// The server is not installed, or does not start.
    #[must_use]
    pub fn start() -> Self {
        for _ in 0..TRIES {
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir(folder.path().join(Self::BUCKET)).unwrap();
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut server = Self { port, folder, process: None };
            if server.serves() {
                return server;
            }
        }
        panic!("{} does not start", program().display());
    }

    /// Takes it away; its objects stay.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Brings it back, on the same port.
    ///
    /// # Panics
    /// Another process has the port.
    pub fn start_again(&mut self) {
        assert!((0..TRIES).any(|_| self.serves()), "{} does not start again", program().display());
    }

    /// Starts the server; false if another process has the port.
    #[allow(clippy::disallowed_methods, reason = "a limit for the start of a process")]
    fn serves(&mut self) -> bool {
        let process = Command::new(program())
            .env("ROOT_ACCESS_KEY", Self::KEYS.0)
            .env("ROOT_SECRET_KEY", Self::KEYS.1)
            .args(["--quiet", "--port", &format!("127.0.0.1:{}", self.port), "posix"])
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() && self.is_running() {
            assert!(started.elapsed() < START, "{} does not serve within {START:?}", program().display());
            thread::sleep(LOOK);
        }
        // Whoever answered was another process if this one could not have the port.
        self.is_running()
    }

    fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.try_wait().unwrap().is_none())
    }

    /// The port of loopback that it serves.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Variables of the environment with which clients find the server and are let in.
    #[must_use]
    pub fn settings(&self) -> [(&'static str, String); 4] {
        Self::settings_at(self.port)
    }

    /// The same for a server that is reached at another port.
    #[must_use]
    pub fn settings_at(port: u16) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", Self::KEYS.0.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", Self::KEYS.1.to_owned()),
        ]
    }

    /// Lets a command find the server.
    pub fn configure(&self, command: &mut Command) {
        command.envs(self.settings());
    }

    /// Where the server keeps the bucket's objects.
    #[must_use]
    pub fn bucket(&self) -> PathBuf {
        self.folder.path().join(Self::BUCKET)
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn program() -> PathBuf {
    let cache = std::env::var_os("MILLSTREAM_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        Path::new(&std::env::var_os("HOME").expect("HOME is not set")).join(".cache/millstream")
    });
    let program = cache.join("bin/versitygw");
    assert!(program.is_file(), "{} is missing; install it with: scripts/install s3", program.display());
    program
}
