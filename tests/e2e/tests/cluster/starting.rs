//! A coordinator from its first moment until it has its job.

use std::fs;

use super::{Cluster, LIMIT, Setup, setup};
use crate::harness::{At, Process, S3Server, Trap, Weather, get, run};
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

#[test]
fn a_storage_that_is_away_is_waited_for() {
    let server = S3Server::start();
    let mut cluster = Cluster::new(Setup { server: Some(&server), ..setup(Query::Windows, 16) });
    cluster.s3.as_ref().unwrap().set(Weather::Refusing(1.0));
    cluster.start_coordinator();
    let address = cluster.coordinator.as_mut().unwrap().address();
    let is_told = |_: &Process| {
        get(&address, "/readyz").is_some_and(|(_, why)| why.contains("look at the storage again in "))
    };
    assert!(cluster.coordinator.as_mut().unwrap().wait_until(LIMIT, is_told));
    assert_eq!(get(&address, "/healthz"), Some((200, "ok\n".into())));
    let status = cluster.status().unwrap();
    assert_eq!(status["phase"], "Starting");
    assert!(status["last_error"].as_str().unwrap().contains("the store is overloaded or down"), "{status}");
    cluster.s3.as_ref().unwrap().set(Weather::Fine);
    cluster.start_worker();
    cluster.start_worker();
    cluster.finish();
}

/// Whoever started it can tell that the job is as it was, and try again.
#[test]
fn a_storage_that_stays_away_is_given_up_by_time_or_by_signal() {
    let server = S3Server::start();
    let mut cluster = Cluster::new(Setup { server: Some(&server), ..setup(Query::Windows, 17) });
    cluster.s3.as_ref().unwrap().set(Weather::Refusing(1.0));
    let word = cluster.folder.path().join("word");
    let file = word.display().to_string();
    let left = || serde_json::from_str::<serde_json::Value>(&fs::read_to_string(&word).unwrap()).unwrap();
    let (process, _) = cluster.run_coordinator(&["--ending", &file, "--start-timeout", "1s"]);
    process.end(LIMIT).code(1).says("the store is overloaded or down");
    assert_eq!(left()["ending"], "Unavailable");
    assert!(left()["message"].as_str().unwrap().contains("the store is overloaded or down"), "{}", left());
    let (mut process, _) = cluster.run_coordinator(&["--ending", &file]);
    assert!(process.wait_until(LIMIT, |p| p.stderr().contains("next: look at the storage again in ")));
    process.signal("TERM");
    process.end(LIMIT).code(1);
    assert_eq!(left()["ending"], "Unavailable");
}
