//! A coordinator from its first moment until it has its job.

use super::{Cluster, LIMIT, Setup, setup};
use crate::harness::{At, S3Server, Trap, get, run};
use crate::kill::query::Query;

/// What a job starts from can take longer to find than whoever watches a process waits for an answer.
#[test]
fn a_coordinator_answers_before_it_looks_at_the_storage() {
    let server = S3Server::start();
    let mut cluster = Cluster::new(Setup { server: Some(&server), ..setup(Query::Windows, 15) });
    let look = Trap { method: "GET", part: "default.job.local", at: At::Request };
    cluster.s3.as_ref().unwrap().trap(look);
    cluster.start_coordinator();
    let (door, coordinator) = (cluster.s3.as_ref().unwrap(), cluster.coordinator.as_mut().unwrap());
    assert!(coordinator.wait_until(LIMIT, |_| door.is_holding()));
    let http = coordinator.address();
    let listen = coordinator.told("waiting on ", " for workers");
    assert_eq!(get(&http, "/healthz"), Some((200, "ok\n".into())));
    let reason = "Starting: find out what the job starts from\n";
    assert_eq!(get(&http, "/readyz"), Some((503, reason.into())));
    assert!(get(&http, "/plan").unwrap().1.contains("\"parallelism\":4"));
    assert!(get(&http, "/metrics").unwrap().1.contains("phase=\"Starting\"} 1\n"));
    // Whoever finds that a port is taken has claimed nothing.
    for (taken, other, address) in [("--http", "--listen", &http), ("--listen", "--http", &listen)] {
        let mut command = cluster.command("coordinator", &cluster.security("coordinator"));
        command
            .arg("--job")
            .arg(cluster.folder.path().join("job.yaml"))
            .args(["--storage", &cluster.storage]);
        let ended = run(command.args([other, "127.0.0.1:0", taken, address]));
        ended.code(2).says(&format!("{taken} {address}: cannot listen there: "));
    }
    let status = cluster.status().unwrap();
    assert_eq!((&status["phase"], &status["is_standby"]), (&"Starting".into(), &false.into()));
    assert_eq!((&status["parallelism"], &status["newest_epoch"]), (&4.into(), &serde_json::Value::Null));
    cluster.s3.as_ref().unwrap().release();
    cluster.start_worker();
    cluster.start_worker();
    // One of which the coordinator knows.
    cluster.wait_for_epochs(2);
    let status = cluster.status().unwrap();
    assert_eq!((&status["phase"], &status["generation"]), (&"Running".into(), &1.into()));
    assert!(status["newest_epoch"]["manifest"].as_str().unwrap().starts_with("s3://streams/"), "{status}");
    cluster.finish();
}
