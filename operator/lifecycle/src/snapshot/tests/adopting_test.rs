//! Savepoints that are there already.

use millstream_api::streamsnapshot::SnapshotPhase::{Completed, Failed, InProgress, Pending};
use serde_json::json;

use super::world::World;
use crate::snapshot::{Found, JobSeen, ToolState};

fn world() -> World {
    World::new(json!({"existingUri": "s3://other/s", "retries": 1}))
}

#[test]
fn every_file_is_read_before_it_counts_and_the_job_is_not_asked() {
    let mut world = world();
    world.finds = ToolState::Done(Found { epoch: Some(9), bytes: Some(70), at: None });
    world.run(8);
    world.assert_phase(Completed, "Completed");
    let status = &world.status;
    assert_eq!(
        (status.uri.as_deref(), status.epoch, status.size_bytes),
        (Some("s3://other/s"), Some(9), Some(70))
    );
    assert_eq!((status.verified, world.call.as_ref()), (Some(true), None));
    assert_eq!(world.pods, [], "the pod is gone");
    assert_eq!(
        world.log[..3],
        [
            "adoption: begins; write intent: s3://other/s",
            "adoption: under way; start pod: Check s3://other/s",
            "adoption: found; write status: Completed"
        ]
    );
}

#[test]
fn one_that_is_not_there_is_refused_at_once_and_what_can_pass_is_tried_again() {
    let mut world = world();
    world.finds = ToolState::Absent("there is no savepoint s3://other/s".into());
    world.run(8);
    world.assert_phase(Failed, "NoSavepoint");
    assert_eq!(world.status.error.as_deref(), Some("spec.existingUri: there is no savepoint s3://other/s"));

    let mut world = self::world();
    let at = world.now;
    world.finds = ToolState::Failed { message: "S3 is away".into(), at };
    world.run(8);
    world.assert_phase(Pending, "Retrying");
    world.run(40);
    world.assert_phase(Failed, "RetriesExhausted");
    assert_eq!(world.log.iter().filter(|line| line.contains("start pod")).count(), 2);
}

#[test]
fn the_job_must_be_there_to_say_how_to_reach_the_bucket() {
    let mut world = world();
    let job = std::mem::replace(&mut world.job, JobSeen::Absent);
    world.settle();
    world.assert_phase(Pending, "JobNotFound");
    world.job = job;
    world.job().access = None;
    world.settle();
    world.assert_phase(Pending, "JobNotRunning");
    world.job().access = Some(millstream_api::streamsnapshot::AccessStatus::default());
    world.settle();
    world.assert_phase(InProgress, "Checking");
    // From then on it is not needed any more.
    world.job = JobSeen::Absent;
    world.finds = ToolState::Done(Found::default());
    world.run(5);
    world.assert_phase(Completed, "Completed");
}
