//! The table of conditions in the design: what is said in each situation.

use millstream_api::conditions::ConditionType::{self, CheckpointHealthy, Ready, Reconciling, Stalled};
use millstream_api::status::Phase;
use serde_json::json;

use super::world::World;
use crate::observed::Exit;

fn picture(world: &World) -> (String, String, String, Phase) {
    let said = |kind: ConditionType| world.condition(kind);
    (said(Ready), said(Reconciling), said(Stalled), world.status.phase.unwrap())
}

fn expect(world: &World, ready: &str, reconciling: &str, stalled: &str, phase: Phase) {
    assert_eq!(
        picture(world),
        (ready.into(), reconciling.into(), stalled.into(), phase),
        "{}",
        world.decide()
    );
}

#[test]
fn the_first_write_has_all_that_kstatus_asks_for() {
    let mut world = World::new(json!({}));
    world.step();
    expect(&world, "False", "True", "absent", Phase::Deploying);
    assert_eq!(world.status.observed_generation, Some(1));
    assert!(world.status.conditions.iter().all(|c| c.observed_generation == Some(1)));
}

#[test]
fn what_is_under_way_is_reconciling() {
    let working = |world: &World, phase| expect(world, "False", "True", "absent", phase);
    let mut world = World::new(json!({}));
    world.run(3);
    working(&world, Phase::Deploying);
    world.settle();
    expect(&world, "True", "absent", "absent", Phase::Running);
    world.edit(json!({"sql": "SELECT 2"}));
    world.run(4);
    working(&world, Phase::Upgrading);
    world.settle();
    world.edit(json!({"parallelism": 4}));
    world.run(2);
    working(&world, Phase::Rescaling);
    world.settle();
    world.edit(json!({"restore": {"from": "s3://b/s"}}));
    world.run(4);
    working(&world, Phase::Restoring);
    world.settle();
    let attempt = world.status.attempt.unwrap();
    world.end(attempt, Exit::Crashed(137));
    world.run(1);
    working(&world, Phase::Restarting);
    world.settle();
    expect(&world, "True", "absent", "absent", Phase::Running);
}

#[test]
fn rest_is_ready() {
    let mut world = World::running(json!({}));
    world.edit(json!({"desiredState": "Suspended"}));
    world.settle();
    expect(&world, "True", "absent", "absent", Phase::Suspended);
    let mut world = World::running(json!({}));
    world.end(1, Exit::Finished);
    world.settle();
    expect(&world, "True", "absent", "absent", Phase::Finished);
}

#[test]
fn what_needs_a_person_is_stalled() {
    let mut world = World::new(json!({"parallelism": 0}));
    world.settle();
    expect(&world, "False", "absent", "True", Phase::Failed);
    let mut world = World::new(json!({"state": null}));
    world.edit(json!({"state": null}));
    world.settle();
    expect(&world, "False", "absent", "True", Phase::Failed);
    assert!(world.status.error.as_ref().unwrap().starts_with("spec.state.storage: "));
    let mut world = World::running(json!({"restart": {"strategy": "Never"}}));
    world.end(1, Exit::Crashed(137));
    world.settle();
    expect(&world, "False", "absent", "True", Phase::Failed);
}

#[test]
fn failing_checkpoints_are_said_of_a_job_that_is_ready() {
    let mut world = World::running(json!({}));
    world.faults.no_checkpoints = true;
    world.run(3);
    expect(&world, "True", "absent", "absent", Phase::Running);
    assert_eq!(world.condition(CheckpointHealthy), "False");
    assert_eq!(world.reason(CheckpointHealthy), "CheckpointsFailing");
    world.faults.no_checkpoints = false;
    world.run(3);
    assert_eq!(world.condition(CheckpointHealthy), "True");
}

#[test]
fn a_settled_job_is_not_written_again() {
    let mut world = World::running(json!({}));
    let (writes, epoch) = (world.writes, world.epoch);
    world.run(100);
    assert_eq!(world.writes, writes, "epochs alone are no reason");
    assert!(world.epoch > epoch);
    assert!(world.log.is_empty());
}

/// A thousand jobs are not written twice because the operator was started again.
#[test]
fn a_restart_of_the_operator_says_nothing_new() {
    let mut world = World::running(json!({}));
    let writes = world.writes;
    for _ in 0..3 {
        world.restart_operator();
        let decision = world.decide();
        assert_eq!(decision.to_string(), "nobody was asked yet: Running");
        assert_eq!(decision.status, None);
        world.run(10);
    }
    assert_eq!(world.writes, writes);
    // Of another spec nothing is known yet, so it is not said that it is done.
    world.restart_operator();
    world.edit(json!({"sql": "SELECT 2"}));
    world.step();
    expect(&world, "False", "True", "absent", Phase::Running);
    // Nor does a revision fail its trial for it.
    world.settle();
    world.edit(json!({"sql": "SELECT 3"}));
    world.run_to("on trial");
    world.restart_operator();
    world.now = crate::time::after(world.now, std::time::Duration::from_secs(400));
    world.restart_operator();
    assert_eq!(world.decide().situation, "nobody was asked yet");
}

#[test]
fn a_condition_keeps_the_time_of_its_last_change() {
    let mut world = World::running(json!({}));
    let since = |world: &World| world.status.conditions[0].last_transition_time.clone();
    let before = since(&world);
    world.edit(json!({"deletionPolicy": "Drain"}));
    world.run(5);
    assert_eq!(since(&world), before);
    world.edit(json!({"sql": " "}));
    world.run(1);
    assert_ne!(since(&world), before);
}
