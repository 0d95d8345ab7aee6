//! A real S3 server on a free loopback port, with a folder of its own.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::process::Process;
use super::s3_door::S3Door;

const USER: &str = "millstream";
const PASSWORD: &str = "only-for-tests";
/// Tries of ports: another process can take a free one before the server does.
const TRIES: usize = 5;

/// A running server. It keeps objects as plain files, which is how tests look at the bucket without a client.
pub(crate) struct S3Server {
    port: u16,
    folder: TempDir,
    process: Option<Process>,
}

impl S3Server {
    /// The bucket that is there from the start.
    pub(crate) const BUCKET: &str = "streams";
    /// Whom it lets in: the access key and the secret one.
    pub(crate) const KEYS: (&str, &str) = (USER, PASSWORD);

    pub(crate) fn start() -> Self {
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
    pub(crate) fn stop(&mut self) {
        self.process.take().unwrap().kill();
    }

    /// Brings it back.
    pub(crate) fn start_again(&mut self) {
        assert!((0..TRIES).any(|_| self.serves()), "{} does not start again", program().display());
    }

    /// Starts the server; false if another process has the port.
    fn serves(&mut self) -> bool {
        let port = self.port;
        let mut command = Command::new(program());
        command
            .env("ROOT_ACCESS_KEY", USER)
            .env("ROOT_SECRET_KEY", PASSWORD)
            .args(["--quiet", "--port", &format!("127.0.0.1:{port}"), "posix"])
            .arg(self.folder.path());
        let mut process = Process::start(&mut command);
        let is_up =
            process.wait_until(Duration::from_secs(30), |_| TcpStream::connect(("127.0.0.1", port)).is_ok());
        if !is_up || !process.is_running() {
            return false;
        }
        self.process = Some(process);
        true
    }

    /// Lets a command find the server.
    pub(crate) fn configure(&self, command: &mut Command) {
        Self::configure_at(&format!("http://127.0.0.1:{}", self.port), command);
    }

    /// A door in front of the server.
    pub(crate) fn door(&self, seed: u64) -> S3Door {
        S3Door::start(self.port, seed)
    }

    /// Lets a command find the server behind a door.
    pub(crate) fn configure_behind(door: &S3Door, command: &mut Command) {
        Self::configure_at(&door.url(), command);
    }

    fn configure_at(url: &str, command: &mut Command) {
        command
            .env("AWS_ENDPOINT_URL", url)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", USER)
            .env("AWS_SECRET_ACCESS_KEY", PASSWORD);
    }

    /// Where the server keeps the bucket's objects.
    pub(crate) fn bucket(&self) -> PathBuf {
        self.folder.path().join(Self::BUCKET)
    }
}

/// Where `scripts/install test` puts the server.
fn program() -> PathBuf {
    let cache = std::env::var_os("MILLSTREAM_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        Path::new(&std::env::var_os("HOME").expect("HOME is not set")).join(".cache/millstream")
    });
    let program = cache.join("bin/versitygw");
    assert!(program.is_file(), "{} is missing; install it with: scripts/install test", program.display());
    program
}
