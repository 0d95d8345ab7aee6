//! The operator's process, and what it takes.

use std::fs;
use std::path::Path;

use millstream_test_kube::Kubectl;
use millstream_test_operator::Process;

/// Ticks of a second in which the kernel counts the time of processes.
const TICKS: f64 = 100.0;

/// An operator that is measured; killed on drop.
pub struct Measured(Process);

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

impl Measured {
    pub(super) fn start(program: &Path, kubectl: &Kubectl) -> Self {
        let arguments =
            ["--engine-image=millstream.test/none:1", "--plaintext", "--namespace", kubectl.namespace()];
        let config = Path::new(kubectl.kubeconfig());
        let process = Process::start(program, config, tempfile::tempdir().unwrap(), arguments);
        process.wait_until_ready();
        Self(process)
    }

    /// The sum of the samples of a metric.
    ///
    /// # Panics
    /// If the operator does not answer.
    pub fn metric(&self, name: &str) -> f64 {
        let page = self.0.page("/metrics").unwrap();
        let is_sample = |line: &&str| line.starts_with(name) && line[name.len()..].starts_with(['{', ' ']);
        page.lines().filter(is_sample).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// What it has taken so far.
    pub fn usage(&self) -> Usage {
        let id = self.0.id();
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
        let log = self.0.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}
