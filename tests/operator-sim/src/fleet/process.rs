//! The operator's process, and what it takes.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use millstream_test_kube::Kubectl;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

/// Ticks of a second in which the kernel counts the time of processes.
const TICKS: f64 = 100.0;

/// A running operator; killed on drop.
pub struct Process {
    child: Child,
    folder: tempfile::TempDir,
    address: String,
}

/// What a process has taken so far.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Seconds of a core.
    pub cpu_s: f64,
    /// Memory that it has now, in megabytes of 1,000,000 bytes.
    pub rss_mb: f64,
    /// The most that it ever had.
    pub peak_mb: f64,
}

impl Process {
    pub(super) fn start(program: &Path, kubectl: &Kubectl) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Free a moment ago, and nobody else here takes ports from this range on purpose.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let child = Command::new(program)
            .env("KUBECONFIG", kubectl.kubeconfig())
            .args(["--engine-image", "millstream.test/none:1", "--plaintext", "--http", &address])
            .args(["--namespace", kubectl.namespace()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        Self { child, folder, address }
    }

    pub(super) async fn wait_until_ready(&self) {
        let began = Instant::now();
        while !self.page("/readyz").await.is_some_and(|page| page.starts_with("HTTP/1.0 200")) {
            assert!(began.elapsed() < Duration::from_secs(120), "not ready\n{}", self.last_words());
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn page(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(&self.address).await.ok()?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        Some(answer)
    }

    /// The sum of the samples of a metric.
    ///
    /// # Panics
    /// If the operator does not answer.
    pub async fn metric(&self, name: &str) -> f64 {
        let page = self.page("/metrics").await.unwrap();
        let is_sample = |line: &&str| line.starts_with(name) && line[name.len()..].starts_with(['{', ' ']);
        page.lines().filter(is_sample).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// What it has taken so far.
    pub fn usage(&self) -> Usage {
        let id = self.child.id();
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        // Behind the name, which may have anything in it.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks = |index: usize| fields[index].parse::<f64>().unwrap();
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let kilobytes = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap()
        };
        Usage {
            cpu_s: (ticks(11) + ticks(12)) / TICKS,
            rss_mb: kilobytes("VmRSS:") * 1.024 / 1_000.0,
            peak_mb: kilobytes("VmHWM:") * 1.024 / 1_000.0,
        }
    }

    /// The end of its log.
    pub fn last_words(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
