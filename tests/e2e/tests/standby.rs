//! A standby coordinator: it claims nothing until it is activated, and then the job is its own.

use std::time::Duration;

use crate::cluster::{Cluster, Setup};
use crate::harness::{LIMIT, millstream, run, with_enough_time};
use crate::kill::query::Query;

#[test]
fn a_standby_takes_over_when_it_is_told_to() {
    with_enough_time(Duration::from_secs(20), take_over);
}

fn take_over(reading: Duration) {
    let mut cluster = Cluster::new(Setup {
        query: Query::ALL[0],
        rows: 30_000,
        files: 4,
        reading,
        parallelism: 2,
        interval_ms: 200,
        server: None,
        more: Vec::new(),
        seed: 5,
        pauses: Some(("200ms", "1s")),
        disk: None,
    });
    cluster.start_coordinator();
    cluster.start_worker();
    cluster.wait_for_epochs(2);
    let (mut standby, address) = cluster.run_coordinator(&["--standby"]);
    let stands_by = |p: &crate::harness::Process| p.stderr().contains("standing by: nothing is claimed");
    assert!(standby.wait_until(LIMIT, stands_by), "{}", standby.stderr());
    let status = run(millstream().args(["status", "--plaintext", "--coordinator", &address]));
    status
        .code(0)
        .prints("default.job.local: Standby\n")
        .prints("next: take the job over when it is activated");
    // The one that has the job goes on as if there were no other.
    cluster.wait_for_epochs(4);
    let refused = ["savepoint", "--as", "x", "--plaintext", "--coordinator", &address];
    run(millstream().args(refused)).code(2).says("this coordinator is a standby");
    let plan = run(millstream().args(["plan", "--plaintext", "--coordinator", &address, "-o", "json"]));
    plan.code(0).prints("\"parallelism\":2");
    let (idle, _) = cluster.run_coordinator(&["--standby"]);
    // As early as it is known to have begun.
    idle.signal("TERM");
    cluster.note(idle.end(LIMIT).code(0));
    let activated = run(millstream().args(["activate", "--plaintext", "--coordinator", &address]));
    cluster.coordinator.as_mut().unwrap().goes_on();
    activated.code(0).prints("generation 2 has the job");
    cluster.door.lead_to(&address);
    let older = cluster.coordinator.replace(standby).unwrap().end(LIMIT);
    older.not_finished().code(1).says("fenced: generation 2");
    cluster.note(&older);
    cluster.wait_for_epochs(2);
    let mut ask = |command: &str| {
        cluster.answered(run(millstream().args([command, "--plaintext", "--coordinator", &address])))
    };
    ask("checkpoints").code(0).prints("EPOCH");
    ask("exceptions").code(0).prints("none");
    ask("plan").code(0).prints("Source");
    cluster.finish();
}
