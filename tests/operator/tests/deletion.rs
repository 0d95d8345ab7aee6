//! The end of jobs, as their policies say.

use crate::job::{Manifest, World};

pub(crate) fn a_deleted_job_leaves_a_savepoint_if_its_policy_says_so() {
    let world = World::new("delete-save");
    world.apply(&Manifest::default().with("deletionPolicy: Savepoint"));
    world.wait_until_ready("orders");
    world.kubectl().run(["delete", "streamjob", "orders", "--wait=false"]).succeeded();
    world.wait_until_nothing_is_left();
    let highest = world.assert_each_row_once();

    // Another job goes on from it, and writes to a place of its own.
    let savepoint = world.savepoints().pop().expect("a savepoint");
    let from = format!("restore: {{from: 'file://{}'}}", savepoint.display());
    let second = Manifest { name: "second", out: "out2", ..Manifest::default() }.with(&from);
    world.apply(&second);
    world.wait_until_ready("second");
    world.wait("second", "going on", |_| world.written("out2").len() > 1_000);
    let ids = world.written("out2");
    assert_eq!(ids.keys().next(), Some(&(highest + 1)));
    assert_eq!(ids.keys().next_back().copied(), Some(highest + ids.len() as u64), "none is missing");
    assert!(ids.values().all(|count| *count == 1));
}

pub(crate) fn a_deleted_job_reads_no_more_and_finishes_if_its_policy_says_so() {
    let world = World::new("delete-drain");
    world.apply(&Manifest::default().with("deletionPolicy: Drain"));
    world.wait_until_ready("orders");
    let before = world.written("out").len() as u64;
    world.kubectl().run(["delete", "streamjob", "orders", "--wait=false"]).succeeded();
    world.wait_until_nothing_is_left();
    assert!(world.assert_each_row_once() > before);
    assert_eq!(world.savepoints().len(), 1, "behind the end of the input");
}

pub(crate) fn a_deletion_ends_although_nothing_answers() {
    let mut world = World::new("delete-silent");
    world.apply(&Manifest::default().with("deletionPolicy: Savepoint"));
    world.wait_until_ready("orders");
    world.kubelet.signal("orders-coordinator-1", "STOP");
    world.kubectl().run(["delete", "streamjob", "orders", "--wait=false"]).succeeded();
    world.restart_operator();
    world
        .kubectl()
        .run(["annotate", "streamjob", "orders", "millstream.dev/skip-deletion-policy="])
        .succeeded();
    world.wait_until_nothing_is_left();
    world.assert_each_row_once();
}

pub(crate) fn a_job_of_the_same_name_waits_until_the_pods_of_its_predecessor_are_gone() {
    let world = World::new("again");
    world.apply(&Manifest::default());
    world.wait_until_ready("orders");
    for pod in ["orders-coordinator-1", "orders-worker-1-0"] {
        world.kubelet.signal(pod, "STOP");
    }
    world.kubectl().run(["delete", "streamjob", "orders", "--wait=false"]).succeeded();
    world
        .kubectl()
        .run(["annotate", "streamjob", "orders", "millstream.dev/skip-deletion-policy="])
        .succeeded();
    world.wait_until_the_job_is_gone("orders");
    let before = world.assert_each_row_once();
    world.apply(&Manifest::default());
    let job = world.wait_until_ready("orders");
    assert_eq!(job["status"]["attempt"], 1);
    // What the name owns is still in the bucket, and is gone on from.
    assert!(world.assert_each_row_once() > before);
}
