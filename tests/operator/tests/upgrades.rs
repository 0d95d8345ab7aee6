//! Changes of the SQL: from which state, with whose consent, and with whom it is safe.

use serde_json::Value;

use crate::job::{Manifest, World, condition, find, is_ready};

fn is_at(attempt: i64) -> impl Fn(&Value) -> bool {
    move |job| is_ready(job) && job["status"]["attempt"] == attempt
}

pub(crate) fn the_newest_checkpoint_is_enough_for_an_upgrade_with_last_state() {
    let world = World::new("last-state");
    let job = Manifest::default().with("upgrade: {mode: LastState}");
    world.apply(&job);
    world.wait_until_ready("orders");
    world.apply(&Manifest { select: "id % 5", ..job });
    let upgraded = world.wait("orders", "upgraded", is_at(2));
    assert_eq!(condition(&upgraded, "UpgradeSucceeded"), Some("True"));
    let restored = upgraded["status"]["restoredFrom"]["epoch"].as_i64();
    assert!(restored.is_some_and(|epoch| epoch > 0), "{upgraded}");
    assert!(world.assert_each_row_once() > 0);
}

pub(crate) fn a_coordinator_that_does_not_answer_is_followed_by_one_from_the_newest_checkpoint() {
    let world = World::new("silent");
    let job = Manifest::default().with("upgrade: {mode: LastState}");
    world.apply(&job);
    world.wait_until_ready("orders");
    // Its workers write on, and its status gets older: what is newest stands in the bucket alone.
    world.kubelet.signal("orders-coordinator-1", "STOP");
    world.apply(&Manifest { select: "id % 5", ..job });
    let upgraded = world.wait("orders", "upgraded", is_at(2));
    assert!(upgraded["status"]["restoredFrom"]["epoch"].as_i64() > Some(0), "{upgraded}");
    assert!(world.assert_each_row_once() > 0);
}

pub(crate) fn a_plan_waits_until_it_is_approved() {
    let world = World::new("approval");
    let job = Manifest::default().with("upgrade: {approval: Manual}");
    world.apply(&job);
    world.wait_until_ready("orders");
    world.apply(&Manifest { select: "id % 5", ..job });
    let waiting = world.wait("orders", "waiting for approval", |job| {
        job["status"]["plan"]["state"]["verdict"] == "Compatible"
            && find(job, "Ready")["reason"] == "AwaitingApproval"
    });
    assert_eq!(waiting["status"]["attempt"], 1);
    let plan = waiting["status"]["plan"]["id"].as_str().unwrap();
    let other = "millstream.dev/approve=p9-other";
    world.kubectl().run(["annotate", "streamjob", "orders", other]).succeeded();
    let before = world.written("out").len();
    world.wait("orders", "going on", |_| world.written("out").len() > before);
    assert_eq!(world.job("orders")["status"]["attempt"], 1, "another plan was approved");
    let annotation = format!("millstream.dev/approve={plan}");
    world.kubectl().run(["annotate", "--overwrite", "streamjob", "orders", &annotation]).succeeded();
    world.wait("orders", "upgraded", is_at(2));
    assert!(world.assert_each_row_once() > 0);
}

pub(crate) fn state_is_lost_only_by_those_who_say_so() {
    let world = World::new("loss");
    let job = Manifest::default();
    world.apply(&job);
    world.wait_until_ready("orders");
    // Groups of another key: what is known of the old ones is of no use to them.
    let other = Manifest { from: "(SELECT id FROM numbers GROUP BY id, id % 2)", ..job };
    world.apply(&other);
    let held = world.wait("orders", "held", |job| condition(job, "StateCompatible") == Some("False"));
    assert_eq!(held["status"]["phase"], "Running");
    assert_eq!(held["status"]["attempt"], 1);
    let lost = held["status"]["plan"]["state"]["operators"].as_array().unwrap();
    assert!(lost.iter().any(|operator| operator["verdict"] == "Lost"), "{held}");
    let before = world.written("out").len();
    world.wait("orders", "going on", |_| world.written("out").len() > before);

    world.apply(&other.with("upgrade: {allowStateLoss: true}"));
    world.wait("orders", "upgraded", is_at(2));
    assert!(world.assert_each_row_once() > 0);
}

pub(crate) fn a_new_nonce_restarts_a_job_once() {
    let world = World::new("nonce");
    let job = Manifest::default();
    world.apply(&job);
    world.wait_until_ready("orders");
    let restarted = job.with("restart: {nonce: 7}");
    world.apply(&restarted);
    world.wait("orders", "restarted", is_at(2));
    world.apply(&restarted.with("deletionPolicy: Cancel"));
    let job = world.wait_until_ready("orders");
    assert_eq!(job["status"]["attempt"], 2);
    assert!(world.assert_each_row_once() > 0);
}
