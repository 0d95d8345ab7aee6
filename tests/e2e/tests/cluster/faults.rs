//! Jobs on several workers: all goes well, or one of the processes is killed, or sleeps.

use std::time::Duration;

use super::{Cluster, Setup, Worker, setup};
use crate::harness::{LIMIT, Process, S3Server, blank_segments, get, with_enough_time};
use crate::kill::query::Query;

/// How long reading takes at the least where there are two restarts on the way.
const WITH_RESTARTS: Duration = Duration::from_secs(15);

#[test]
fn a_job_on_two_workers_writes_every_row_once() {
    for (query, seed) in Query::ALL.into_iter().zip(0..) {
        let mut cluster = Cluster::new(setup(query, seed));
        cluster.start_coordinator();
        cluster.start_worker();
        cluster.start_worker();
        cluster.finish();
    }
}

#[test]
fn the_status_says_how_many_slots_are_missing_and_the_job_runs_as_soon_as_they_come() {
    with_enough_time(Duration::from_secs(4), slots_come);
}

fn slots_come(reading: Duration) {
    let mut cluster = Cluster::new(Setup { reading, ..setup(Query::Windows, 10) });
    cluster.start_coordinator();
    cluster.start_worker();
    let worker = cluster.workers[0].process.address();
    let joined = |_: &Process| get(&worker, "/readyz") == Some((200, "works for default.job.local\n".into()));
    assert!(cluster.workers[0].process.wait_until(LIMIT, joined));
    assert_eq!(get(&worker, "/healthz"), Some((200, "ok\n".into())));
    assert!(get(&worker, "/metrics").unwrap().1.contains("millstream_worker_joined 1\n"));
    let status: serde_json::Value = serde_json::from_str(&get(&worker, "/status").unwrap().1).unwrap();
    assert_eq!((&status["name"], &status["slots"]), (&"w1".into(), &2.into()));
    let address = cluster.coordinator.as_mut().unwrap().address();
    let says = |text: &str| get(&address, "/status").is_some_and(|(_, status)| status.contains(text));
    let coordinator = cluster.coordinator.as_mut().unwrap();
    assert!(coordinator.wait_until(LIMIT, |_| says("start when 4 slots are there, now 2")));
    assert_eq!(get(&address, "/readyz").unwrap().0, 503);
    cluster.start_worker();
    let coordinator = cluster.coordinator.as_mut().unwrap();
    coordinator.wait_amid(|_| get(&address, "/readyz").is_some_and(|(code, _)| code == 200));
    cluster.finish();
}

#[test]
fn a_spare_worker_takes_over_from_one_that_is_killed() {
    with_enough_time(WITH_RESTARTS, spare_worker);
}

fn spare_worker(reading: Duration) {
    let mut cluster = Cluster::new(Setup { reading, ..setup(Query::Windows, 11) });
    cluster.start_coordinator();
    for _ in 0..3 {
        cluster.start_worker();
    }
    cluster.wait_for_epochs(1);
    let killed = cluster.workers.remove(0).process.kill();
    cluster.note(&killed);
    cluster.wait_for_epochs(1);
    cluster.finish();
}

#[test]
fn workers_that_start_again_have_the_slots_of_their_copies() {
    with_enough_time(WITH_RESTARTS, start_again);
}

fn start_again(reading: Duration) {
    let server = S3Server::start();
    let setup = Setup { reading, server: Some(&server), ..setup(Query::Distinct, 14) };
    let mut cluster = Cluster::new(Setup { parallelism: 4, ..setup });
    cluster.start_coordinator();
    cluster.start_worker();
    cluster.start_worker();
    cluster.wait_for_epochs(2);
    let killed: Vec<Worker> = std::mem::take(&mut cluster.workers);
    let names: Vec<String> = killed.iter().map(|worker| worker.name.clone()).collect();
    for worker in killed {
        let ended = worker.process.kill();
        cluster.note(&ended);
    }
    // The bucket has nothing to restore from any more: whoever has other slots than before asks for it, and fails.
    blank_segments(&server.bucket());
    let security = cluster.security("worker");
    for name in names.into_iter().rev() {
        cluster.start_worker_named(name, &security);
    }
    cluster.wait_for_epochs(1);
    cluster.finish();
}

#[test]
fn workers_go_on_with_the_next_coordinator() {
    with_enough_time(WITH_RESTARTS, next_coordinators);
}

fn next_coordinators(reading: Duration) {
    let mut cluster = Cluster::new(Setup { reading, ..setup(Query::Distinct, 12) });
    cluster.start_coordinator();
    cluster.start_worker();
    cluster.start_worker();
    for _ in 0..2 {
        cluster.wait_for_epochs(1);
        let killed = cluster.start_coordinator().unwrap().kill();
        cluster.note(&killed);
    }
    cluster.finish();
}

/// A coordinator that sleeps past every timeout has a successor when it wakes; so has a worker.
#[test]
fn whoever_wakes_up_late_changes_nothing() {
    with_enough_time(WITH_RESTARTS, wake_up_late);
}

fn wake_up_late(reading: Duration) {
    let mut cluster = Cluster::new(Setup { reading, ..setup(Query::Windows, 13) });
    cluster.start_coordinator();
    for _ in 0..3 {
        cluster.start_worker();
    }
    cluster.wait_for_epochs(1);
    cluster.workers[0].process.signal("STOP");
    // One that was under way may still complete.
    cluster.wait_for_epochs(2);
    let older = cluster.start_coordinator().unwrap();
    older.signal("STOP");
    cluster.door.shut();
    cluster.door.open();
    cluster.wait_for_epochs(2);
    cluster.workers[0].process.signal("CONT");
    older.signal("CONT");
    older.end(LIMIT).not_finished().code(1).says("fenced: generation 2");
    cluster.finish();
}
