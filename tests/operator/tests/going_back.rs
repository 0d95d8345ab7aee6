//! Revisions that do not work: what becomes of them, and of what ran before.

use millstream_test_operator::UNSCHEDULABLE;
use serde_json::Value;

use crate::job::{Manifest, World, condition, find, is_ready};

/// Settings that end a trial soon.
const IMPATIENT: &str = "restart: {strategy: FixedDelay, initial: 200ms, attempts: 3}";

fn is_rolled_back(job: &Value) -> bool {
    let runs = job["status"]["phase"] == "Running" && job["status"]["trial"].is_null();
    runs && condition(job, "UpgradeSucceeded") == Some("False") && condition(job, "Stalled") == Some("True")
}

pub(crate) fn a_revision_that_fails_at_once_gives_way_to_the_one_before() {
    let world = World::new("rollback");
    let good = Manifest::default().with(IMPATIENT);
    world.apply(&good);
    world.wait_until_ready("orders");
    world.apply(&Manifest { select: "id / (id - id)", ..good.clone() });
    let job = world.wait("orders", "rolled back", is_rolled_back);
    let message = find(&job, "Stalled")["message"].as_str().unwrap();
    assert!(message.contains("by zero"), "{message}");
    let before = world.written("out").len();
    world.wait("orders", "going on", |_| world.written("out").len() > before);
    // What runs is what is asked for again: nothing is stalled any more.
    world.apply(&good);
    world.wait_until_ready("orders");
    assert!(world.assert_each_row_once() > 0);
}

pub(crate) fn a_revision_that_fails_after_it_has_published_is_followed_from_its_newest_state() {
    let mut world = World::new("published");
    let good = Manifest::default().with(IMPATIENT);
    world.apply(&good);
    world.wait_until_ready("orders");
    let bound = world.written("out").len() + 20_000;
    let select = format!("CASE WHEN id > {bound} THEN id / (id - id) ELSE id % 5 END");
    let stability = "{minRunning: 20s, minCheckpoints: 1, maxRestarts: 1}";
    world.apply(&Manifest { select: select.leak(), stability, ..good });
    // An operator that comes anew knows what is on trial.
    world.wait("orders", "on trial", |job| !job["status"]["trial"].is_null());
    world.restart_operator();
    world.wait("orders", "rolled back", is_rolled_back);
    let passed = |world: &World| world.written("out").keys().next_back().is_some_and(|id| *id > bound as u64);
    world.wait("orders", "past the row that failed", |_| passed(&world));
    assert!(
        world
            .rows("out")
            .iter()
            .any(|row| row["k"].as_i64() == Some(4) && row["id"].as_i64().unwrap() % 5 == 4)
    );
    world.assert_each_row_once();
}

pub(crate) fn a_job_that_always_fails_is_stalled_when_its_restarts_are_spent() {
    let world = World::new("crashes");
    let bad = Manifest { select: "id / (id - id)", ..Manifest::default() }.with(IMPATIENT);
    world.apply(&bad);
    let job = world.wait("orders", "stalled", |job| condition(job, "Stalled") == Some("True"));
    assert_eq!(job["status"]["phase"], "Failed");
    let message = find(&job, "Stalled")["message"].as_str().unwrap();
    assert!(message.contains("by zero"), "{message}");
    world.apply(&Manifest::default());
    world.wait_until_ready("orders");
    assert!(world.assert_each_row_once() > 0);
}

pub(crate) fn pods_for_which_there_is_no_node_give_way_to_what_ran() {
    let world = World::new("no-node");
    let good = Manifest::default().with("rollback: {deadline: 10s}");
    world.apply(&good);
    world.wait_until_ready("orders");
    let selector = format!("worker: {{podTemplate: {{spec: {{nodeSelector: {{{UNSCHEDULABLE}: 'yes'}}}}}}}}");
    world.apply(&good.with(&selector));
    let waiting = world.wait("orders", "waiting", |job| job["status"]["intent"]["step"] == "Warm");
    assert!(!is_ready(&waiting));
    // First both are to run; when there was no room for long, the old one makes some; then it comes back.
    world.wait_long("orders", "rolled back", is_rolled_back);
    assert!(world.assert_each_row_once() > 0);
}

pub(crate) fn a_quota_that_has_no_room_for_both_is_said_and_makes_the_old_pods_go_first() {
    let world = World::new("quota");
    let job = Manifest::default();
    world.apply(&job);
    world.wait_until_ready("orders");
    // Two pods of the job and its planner.
    world.kubectl().run(["create", "quota", "few", "--hard=pods=3"]).succeeded();
    world.apply(&Manifest { select: "id % 5", ..job });
    world.wait("orders", "said to have no room", |job| {
        find(job, "Reconciling")["message"].as_str().is_some_and(|message| message.contains("exceeded quota"))
    });
    let before = world.written("out").len();
    world.wait("orders", "going on", |_| world.written("out").len() > before);
    world.wait_long("orders", "upgraded", |job| is_ready(job) && job["status"]["attempt"] == 2);
    assert!(world.assert_each_row_once() > 0);
}

pub(crate) fn what_belongs_to_somebody_else_is_left_alone_and_said() {
    let world = World::new("taken");
    world.kubectl().run(["create", "configmap", "orders-config-1", "--from-literal=of=mine"]).succeeded();
    world.apply(&Manifest::default());
    world.wait("orders", "said to have no name", |job| {
        find(job, "Ready")["reason"] == "Denied"
            && find(job, "Ready")["message"].as_str().unwrap().contains("orders-config-1")
    });
    assert_eq!(world.kubectl().get("configmap", "orders-config-1")["data"]["of"], "mine");
    world.kubectl().run(["delete", "configmap", "orders-config-1"]).succeeded();
    world.wait_until_ready("orders");
}
