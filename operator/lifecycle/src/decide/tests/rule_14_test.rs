//! Lifecycle rule 14: scaling.

use millstream_api::conditions::ConditionType::Ready;
use millstream_api::status::Phase;
use serde_json::json;

use super::world::World;
use crate::observed::{CallKind, EnginePhase};

#[test]
fn rule_14_the_engine_rescales_in_place_with_workers_before_and_after() {
    let mut world = World::running(json!({}));
    world.edit(json!({"parallelism": 6}));
    world.settle();
    assert_eq!(
        world.log,
        [
            &format!(
                "another parallelism is asked for: write intent: Scale Rescale to attempt 1 from Newest at least {}, stop by Nothing",
                world.status.history[1].to.as_ref().map_or(0, |_| floor_of(&world.log[0]))
            ),
            "rescale: under way: ensure ConfigMap/j-config-1 PodDisruptionBudget/j-workers-1 Pod/j-worker-1-1 Pod/j-worker-1-2",
            "rescale: under way: rescale attempt 1 to 6",
            "rescale: done: write intent: none",
        ]
    );
    world.log.clear();
    world.edit(json!({"parallelism": 1}));
    world.settle();
    assert_eq!(
        world.log[1], "rescale: under way: ensure ConfigMap/j-config-1",
        "no worker goes before the engine is done"
    );
    assert_eq!(world.log.last().unwrap(), "settled: delete Pod/j-worker-1-1 Pod/j-worker-1-2");
    assert_eq!(world.pods(), ["j-coordinator-1", "j-worker-1-0"]);
    assert_eq!(world.status.parallelism.unwrap().current, 1);
}

fn floor_of(line: &str) -> i64 {
    line.split("at least ").nth(1).unwrap().split(',').next().unwrap().parse().unwrap()
}

#[test]
fn rule_14_what_cannot_be_done_in_place_goes_by_a_checkpoint() {
    let mut world = World::running(json!({}));
    world.faults.no_rescale = true;
    world.edit(json!({"parallelism": 6}));
    world.settle();
    assert_eq!((world.status.attempt, world.status.parallelism.unwrap().current), (Some(2), 6));
    assert_eq!(world.processes[&2].parallelism, 6);
    assert!(world.story().iter().any(|line| line == "stop attempt 1 behind Checkpoint"));
    assert_eq!(world.condition(Ready), "True");
}

/// The standby has compiled the job at the parallelism that it was begun with.
#[test]
fn rule_14_a_scale_during_a_warm_upgrade_is_a_rescale_behind_it() {
    let mut world = World::running(json!({}));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("warm: under way");
    world.edit(json!({"parallelism": 6}));
    world.run_to("start: records flow");
    assert_eq!(world.status.intent.as_ref().map(|intent| intent.parallelism), Some(2));
    world.settle();
    assert!(world.story().iter().any(|line| line == "rescale attempt 2 to 6"), "{:#?}", world.story());
    assert_eq!((world.status.attempt, world.status.parallelism.unwrap().current), (Some(2), 6));
}

#[test]
fn rule_14_a_rescale_that_is_done_and_never_shows_goes_by_a_checkpoint() {
    let mut world = World::running(json!({}));
    world.faults.rescale_unseen = true;
    world.edit(json!({"parallelism": 6}));
    world.run_to("rescale: under way");
    let begun = world.now;
    world.run_to("rescale: refused");
    let waited = world.now.duration_since(begun).as_secs();
    assert!((600..620).contains(&waited), "{waited}");
    world.settle();
    assert_eq!((world.status.attempt, world.processes[&2].parallelism), (Some(2), 6));
}

#[test]
fn rule_14_what_makes_a_rescale_pointless_does_not_wait_for_it() {
    let mut world = World::running(json!({}));
    world.faults.rescale_unseen = true;
    world.edit(json!({"parallelism": 6}));
    world.run_to("rescale: under way");
    world.run(5);
    world.edit(json!({"desiredState": "Suspended"}));
    world.run(20);
    assert_eq!(world.status.phase, Some(Phase::Suspended), "{:#?}", world.log);
}

/// The engine may have done what was taken back; it keeps the workers that it runs on.
#[test]
fn rule_14_no_worker_goes_that_the_engine_runs_on() {
    let mut world = World::running(json!({"parallelism": 6}));
    world.status.parallelism.as_mut().unwrap().current = 2;
    world.status.seal = Some(crate::status::seal(&world.status));
    world.edit(json!({"parallelism": 2}));
    world.faults.calls_fail = true;
    world.run(5);
    assert_eq!(world.pods().len(), 4);
}

#[test]
fn rule_14_a_job_is_not_stopped_for_workers_that_find_no_room() {
    let mut world = World::running(json!({}));
    world.faults.no_room = true;
    world.edit(json!({"parallelism": 6}));
    world.run(100);
    assert_eq!((world.status.phase, world.reason(Ready).as_str()), (Some(Phase::Rescaling), "Unschedulable"));
    assert_eq!(world.processes[&1].phase, EnginePhase::Running);
    assert!(!world.calls.iter().any(|call| matches!(call.kind, CallKind::Rescale(_))));
    // What else is asked for does not wait for room.
    world.edit(json!({"restart": {"nonce": 1}, "upgrade": {"warm": "Never"}}));
    world.run_to("stop: under way");
    world.faults.no_room = false;
    world.edit(json!({"parallelism": 2}));
    world.settle();
    assert_eq!((world.condition(Ready).as_str(), world.pods().len()), ("True", 2));
}

/// Whatever it waits for, it need not run to be made smaller, and what it was on trial for can still be taken back.
#[test]
fn rule_14_a_job_that_does_not_run_is_deployed_again_at_another_parallelism() {
    // New, and too large from the start.
    let mut world = World::new(json!({"parallelism": 6}));
    world.faults.worker_room = Some(1);
    world.run(10);
    assert_eq!(world.reason(Ready), "Unschedulable");
    world.edit(json!({"parallelism": 2}));
    world.settle();
    world.assert_ready(2);
    assert_eq!(world.processes[&2].parallelism, 2);
    // It ran, and nodes went away.
    let mut world = World::running(json!({"parallelism": 6}));
    world.faults.worker_room = Some(1);
    world.evict("j-worker-1-0");
    world.evict("j-worker-1-1");
    world.processes.get_mut(&1).unwrap().phase = EnginePhase::WaitingForSlots;
    world.run(10);
    assert_eq!(world.status.phase, Some(Phase::Restarting));
    world.edit(json!({"parallelism": 2}));
    world.settle();
    world.assert_ready(2);
    let story = world.story();
    assert!(
        story.iter().any(|line| line.contains("Scale Start to attempt 2 from Newest at least")),
        "{story:#?}"
    );
    assert!(!story.iter().any(|line| line.contains("behind")), "no savepoint: {story:#?}");
    // On trial.
    let mut world = World::running(json!({"upgrade": {"warm": "Never"}}));
    world.edit(json!({"sql": "SELECT 2", "parallelism": 6}));
    world.faults.worker_room = Some(1);
    world.run_to("start: under way");
    world.run(10);
    world.edit(json!({"parallelism": 2}));
    world.run_to("on trial");
    assert_eq!((world.status.attempt, world.status.trial.as_ref().unwrap().previous), (Some(3), Some(1)));
}
