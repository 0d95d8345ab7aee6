//! The end of snapshots.

use millstream_api::streamsnapshot::SnapshotPhase::Completed;
use serde_json::json;

use super::world::{World, failed};
use crate::snapshot::{Found, JobSeen, ToolState};
use crate::time::elapsed;

/// A snapshot that is complete, and deleted from now on.
fn deleted(policy: &str) -> World {
    let mut world = World::new(json!({"deletionPolicy": policy}));
    world.settle();
    world.write();
    world.settle();
    world.assert_phase(Completed, "Completed");
    assert_eq!(world.object.has_finalizer, policy == "Delete");
    world.call = None;
    world.job = JobSeen::Absent;
    world.log.clear();
    world.object.deleted = Some(world.now);
    world
}

fn pods(world: &World) -> usize {
    world
        .log
        .iter()
        .filter(|line| line.contains("start pod: Delete s3://b/p/savepoints/shop.orders/"))
        .count()
}

#[test]
fn files_stay_with_retain_and_no_finalizer_holds_the_object() {
    let mut world = deleted("Retain");
    assert_eq!(world.step(), "deletion: nothing holds it");
    // The policy was another one when it was made.
    let mut world = deleted("Delete");
    world.spec["deletionPolicy"] = json!("Retain");
    world.settle();
    assert!(world.is_gone && pods(&world) == 0);
}

#[test]
fn a_pod_deletes_the_files_though_the_job_is_gone() {
    let mut world = deleted("Delete");
    world.finds = ToolState::Done(Found::default());
    world.run(3);
    assert!(world.is_gone, "{:#?}", world.log);
    assert_eq!(pods(&world), 1);
    let mut world = deleted("Delete");
    world.finds = ToolState::Absent("there is no savepoint".into());
    world.run(3);
    assert!(world.is_gone, "what is gone already is no error");
}

#[test]
fn deleting_is_tried_again_and_ends_after_ten_minutes() {
    let mut world = deleted("Delete");
    let at = world.now;
    world.finds = ToolState::Failed { message: "access denied".into(), at };
    world.run(30);
    let said = world.status.conditions[0].clone();
    assert!(
        !world.is_gone && said.reason == "Deleting" && said.message.contains("access denied"),
        "{said:?}"
    );
    assert!(pods(&world) >= 2);
    world.finds = ToolState::Done(Found::default());
    world.run(30);
    assert!(world.is_gone);
    for finds in [ToolState::Running, ToolState::Failed { message: "access denied".into(), at }] {
        let mut world = deleted("Delete");
        world.finds = finds;
        while !world.is_gone {
            world.run(1);
            assert!(elapsed(world.object.deleted.unwrap(), world.now).as_secs() <= 602, "{:#?}", world.log);
        }
        assert!(world.log.last().unwrap().starts_with("deletion: time is up"));
    }
}

#[test]
fn the_annotation_ends_it_at_once() {
    let mut world = deleted("Delete");
    world.object.skips_deletion_policy = true;
    world.settle();
    assert!(world.is_gone && pods(&world) == 0);
}

#[test]
fn a_savepoint_that_is_being_written_is_deleted_when_it_is_complete() {
    let mut world = World::new(json!({"deletionPolicy": "Delete"}));
    world.settle();
    world.object.deleted = Some(world.now);
    world.finds = ToolState::Done(Found::default());
    world.run(5);
    assert!(!world.is_gone && pods(&world) == 0);
    world.outcome(failed("the name was taken away", false));
    world.run(5);
    assert!(world.is_gone && pods(&world) == 1, "{:#?}", world.log);
    // Nothing was ever begun.
    let mut world = World::new(json!({"deletionPolicy": "Delete"}));
    world.job = JobSeen::Absent;
    world.settle();
    world.object.deleted = Some(world.now);
    world.settle();
    assert!(world.is_gone && pods(&world) == 0);
}

#[test]
fn files_that_a_job_starts_from_are_not_deleted_under_it() {
    let mut world = deleted("Delete");
    world.needed_by = Some("copy".into());
    world.finds = ToolState::Done(Found::default());
    world.run(20);
    assert!(!world.is_gone && pods(&world) == 0);
    assert!(world.status.conditions[0].message.contains("the job copy is starting from it"));
    world.needed_by = None;
    world.run(5);
    assert!(world.is_gone && pods(&world) == 1);
    // It ends nevertheless, and then the files stay.
    let mut world = deleted("Delete");
    world.needed_by = Some("copy".into());
    world.run(605);
    assert!(world.is_gone && pods(&world) == 0);
}
