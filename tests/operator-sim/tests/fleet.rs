//! A fleet of jobs on the real API server: what `make bench-operator` measures with a thousand, counted with eighty.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed, and says how far it came"
)]

use std::path::PathBuf;
use std::time::Duration;

use millstream_test_kube::ControlPlane;
use millstream_test_operator_sim::fleet::Fleet;
use tokio::time::{Instant, sleep};

const JOBS: usize = 80;
/// Looks at settled jobs, of which none may write.
const LOOKS: f64 = 100.0;
/// How long these looks may take: each job is looked at every minute.
const LIMIT: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_settles_and_nothing_is_written_about_it_any_more() {
    let namespace = ControlPlane::shared().namespace("fleet");
    let fleet = Fleet::start(&namespace, &operator()).await;
    fleet.create((0..JOBS).map(|n| format!("job-{n}")), 10.0).await;
    fleet.settle(JOBS, Duration::from_secs(300)).await;
    assert_eq!(fleet.seen.latencies().len(), JOBS);
    let writes = fleet.operator.metric("millstream_operator_writes_total");
    let looks = || fleet.operator.metric("millstream_operator_reconciles_total");
    let (before, changes, began) = (looks(), fleet.seen.changes(), Instant::now());
    while looks() - before < LOOKS {
        assert!(began.elapsed() < LIMIT, "{} looks at {JOBS} jobs", looks() - before);
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(fleet.seen.changes(), changes, "somebody wrote to a settled job");
    assert_eq!(fleet.operator.metric("millstream_operator_writes_total"), writes);
}

/// The operator of this build.
fn operator() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("millstream-operator");
    assert!(
        path.exists(),
        "{} is missing: cargo build --workspace --bin millstream-operator",
        path.display()
    );
    path
}
