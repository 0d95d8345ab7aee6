//! The promises of a store, on a real S3 server that this test starts: `scripts/install test` brings it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "a limit for the start of a process")]

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use millstream_storage::S3Storage;
use millstream_storage::conformance;
use tempfile::TempDir;

const KEYS: (&str, &str) = ("millstream", "only-for-tests");

struct Server {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Server {
    fn start() -> Self {
        let cache = std::env::var_os("MILLSTREAM_CACHE").map(PathBuf::from);
        let cache =
            cache.unwrap_or_else(|| PathBuf::from(std::env::var("HOME").unwrap()).join(".cache/millstream"));
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bucket")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(cache.join("bin/versitygw"))
            .env("ROOT_ACCESS_KEY", KEYS.0)
            .env("ROOT_SECRET_KEY", KEYS.1)
            .args(["--quiet", "--port", &format!("127.0.0.1:{port}"), "posix"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the S3 server is missing; install it with: scripts/install test");
        let server = Self { process, port, _folder: folder };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(30), "the S3 server does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_keeps_the_promises_of_a_store() {
    let server = Server::start();
    let endpoint = format!("http://127.0.0.1:{}", server.port);
    let settings = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", KEYS.0),
        ("AWS_SECRET_ACCESS_KEY", KEYS.1),
    ];
    let storage = S3Storage::with_settings("bucket", "streams/x", &settings).unwrap();
    conformance::run(Arc::new(storage)).await;
}
