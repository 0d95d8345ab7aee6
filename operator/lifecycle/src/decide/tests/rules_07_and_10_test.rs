//! Lifecycle rules 7 and 10: ages of checkpoints, calls that take long.

use std::time::Duration;

use millstream_api::conditions::ConditionType::{Ready, Stalled, UpgradeSucceeded};
use millstream_api::status::{Phase, StopMethod};
use serde_json::json;

use super::world::World;
use crate::action::Action;
use crate::observed::{CallKind, EnginePhase, PodState};

fn last_state(age: u64, silent: bool, dead: bool) -> World {
    let mut world =
        World::running(json!({"upgrade": {"mode": "LastState", "maxCheckpointAge": "5m", "warm": "Never"}}));
    world.faults.no_checkpoints = true;
    world.faults.silent = silent;
    world.pass(age);
    if dead {
        // Its node is gone, so nobody restarts it and nobody answers.
        world.processes.clear();
        let pods = world.children.iter_mut().filter_map(|child| child.pod.as_mut());
        pods.for_each(|pod| pod.state = PodState::Running { ready: false });
    }
    world.edit(json!({"sql": "SELECT 2"}));
    world
}

#[test]
fn rule_07_a_young_checkpoint_is_enough() {
    let mut world = last_state(60, false, false);
    world.run_to("stop: under way");
    assert_eq!(world.status.intent.as_ref().unwrap().stop, Some(StopMethod::Cancel));
}

#[test]
fn rule_07_an_old_checkpoint_takes_a_savepoint_first() {
    let mut world = last_state(400, false, false);
    world.run_to("stop: under way");
    assert_eq!(world.status.intent.as_ref().unwrap().stop, Some(StopMethod::Checkpoint));
    world.faults.no_checkpoints = false;
    world.settle();
    assert_eq!(world.condition(Ready), "True");
}

#[test]
fn rule_07_an_old_checkpoint_without_a_way_to_a_new_one_holds() {
    let mut world = last_state(400, true, true);
    world.run(30);
    assert_eq!(world.status.attempt, Some(1));
    assert_eq!(world.reason(Stalled), "CheckpointTooOld");
    let message = world.status.error.clone().unwrap();
    assert!(message.contains("older than upgrade.maxCheckpointAge (5m)"), "{message}");
}

/// What holds for long is said in words that stay the same, or each look would be a write.
#[test]
fn rule_07_a_job_that_is_held_is_not_written_again() {
    let mut world = last_state(400, true, true);
    world.run(30);
    let writes = world.writes;
    world.run(100);
    assert_eq!((world.writes, world.reason(Stalled).as_str()), (writes, "CheckpointTooOld"));
}

/// Rule 6 says more about a deployment that never ran: what it was begun from is all there is, however old.
#[test]
fn rule_07_a_deployment_that_never_ran_is_replaced_however_old_the_newest_checkpoint_is() {
    for mode in ["LastState", "Savepoint"] {
        let upgrade =
            json!({"mode": mode, "warm": "Never", "maxCheckpointAge": "5m", "fallback": "LastState"});
        let mut world = World::running(json!({"upgrade": upgrade, "rollback": {"enabled": false}}));
        world.edit(json!({"sql": "SELECT 2"}));
        world.faults.no_room = true;
        world.run_to("start: under way");
        world.run(400);
        world.edit(json!({"sql": "SELECT 3"}));
        world.run_to("start: under way");
        assert_eq!(world.status.attempt, Some(3));
        world.faults.no_room = false;
        world.settle();
        world.assert_ready(3);
    }
}

#[test]
fn rule_07_a_silent_job_is_suspended_behind_a_deadline_or_held() {
    for (fallback, before) in [("LastState", true), ("LastState", false), ("Wait", true), ("Wait", false)] {
        let mut world = World::running(json!({"upgrade": {"fallback": fallback, "savepointTimeout": "2m"}}));
        world.faults.silent = before;
        world.run(1);
        world.edit(json!({"desiredState": "Suspended"}));
        world.run(if before { 10 } else { 1 });
        assert_eq!(world.pods().len(), 2);
        world.faults.silent = true;
        world.run(140);
        let suspended = (Some(Phase::Suspended), "absent".to_owned(), 0);
        let held = (Some(Phase::Failed), "StopFailed".to_owned(), 2);
        let expected = if fallback == "LastState" { suspended } else { held };
        let found = (world.status.phase, world.reason(Stalled), world.pods().len());
        assert_eq!(found, expected, "{fallback} {before}: {:#?}", world.log);
        world.faults.silent = false;
        world.settle();
        assert_eq!(world.status.phase, Some(Phase::Suspended), "{fallback} {before}: {:#?}", world.log);
    }
}

/// Cancelling is a courtesy to it; whether it still works is the fence's business.
#[test]
fn rule_10_a_coordinator_that_falls_silent_is_not_waited_for_when_only_its_end_is_wanted() {
    let mut world = World::running(json!({"upgrade": {"mode": "LastState", "warm": "Never"}}));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("stop: under way");
    assert_eq!(world.status.intent.as_ref().unwrap().stop, Some(StopMethod::Cancel));
    let begun = world.now;
    world.faults.silent = true;
    world.run_to("stop: failed");
    let waited = world.now.duration_since(begun).as_secs();
    assert!((10..20).contains(&waited), "{waited}");
    world.faults.silent = false;
    world.settle();
    world.assert_ready(2);
}

/// It owns nothing that stopping it could leave behind.
#[test]
fn rule_07_a_standby_is_suspended_however_old_the_newest_checkpoint_is() {
    let mut world = World::running(json!({}));
    world.faults.calls_fail = true;
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("start: under way");
    world.edit(json!({"desiredState": "Suspended"}));
    world.faults.no_checkpoints = true;
    world.pass(7_200);
    world.settle();
    assert_eq!((world.status.phase, world.pods().len()), (Some(Phase::Suspended), 0), "{:#?}", world.log);
}

#[test]
fn rule_07_without_a_live_coordinator_the_planner_says_how_old_the_newest_is() {
    let mut world = last_state(60, true, true);
    // The status is stale: it names an older epoch than the bucket has.
    assert!(world.status.epoch < world.epoch);
    world.run_to("stop: under way");
    let intent = world.status.intent.clone().unwrap();
    assert_eq!((intent.stop, intent.floor), (Some(StopMethod::Pods), world.epoch));
}

#[test]
fn rule_07_a_savepoint_that_fails_falls_back_as_the_spec_says() {
    for (fallback, expected) in
        [("LastState", "cancel attempt 1"), ("Wait", "stop attempt 1 behind Checkpoint")]
    {
        let mut world = World::running(json!({"upgrade": {"fallback": fallback, "warm": "Never"}}));
        world.edit(json!({"sql": "SELECT 2"}));
        world.run_to("stop: under way");
        world.step();
        world.faults.calls_fail = true;
        world.pass(2);
        world.faults.calls_fail = false;
        world.log.clear();
        world.settle();
        let story = world.story();
        assert_eq!(
            story.iter().find(|line| !line.starts_with("write")).unwrap(),
            expected,
            "{fallback}: {story:#?}"
        );
        assert_eq!(world.status.attempt, Some(2));
    }
    let mut world = World::running(json!({"upgrade": {"fallback": "Fail", "warm": "Never"}}));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("stop: under way");
    world.faults.calls_fail = true;
    world.run(30);
    assert_eq!((world.status.attempt, world.reason(Stalled).as_str()), (Some(1), "StopFailed"));
    assert_eq!(world.condition(UpgradeSucceeded), "False");
    assert_eq!(world.processes[&1].phase, EnginePhase::Running);
}

/// The connection broke when the engine was done: what was asked for has happened, or is about to.
#[test]
fn rule_07_a_revision_is_not_refused_before_it_is_known_that_the_old_one_runs_on() {
    let mut world = World::running(json!({"upgrade": {"fallback": "Fail", "warm": "Never"}}));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("stop: under way");
    world.step();
    // What the coordinator said last is older than the broken call.
    world.faults.calls_fail = true;
    world.pass(2);
    world.faults.calls_fail = false;
    world.run_to("stop: failed");
    world.step();
    assert_eq!((&world.status.rolled_back, world.reason(Stalled).as_str()), (&None, "absent"));
    // It has stopped, and no kubelet has noticed.
    world.processes.get_mut(&1).unwrap().phase = EnginePhase::Stopped;
    world.faults.ends_unseen = true;
    world.run(5);
    assert_eq!((&world.status.rolled_back, world.reason(Stalled).as_str()), (&None, "absent"));
    world.faults.ends_unseen = false;
    world.settle();
    world.assert_ready(2);
}

#[test]
fn rule_10_a_call_without_an_answer_is_polled_and_given_up() {
    let mut world = World::running(json!({"upgrade": {"warm": "Never", "savepointTimeout": "2m"}}));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("stop: under way");
    world.step();
    world.faults.silent = true;
    let begun = world.now;
    let decision = world.decide();
    assert!(
        decision.requeue <= Duration::from_secs(2) && matches!(decision.actions[..], [Action::Wait(_)]),
        "{decision}"
    );
    let calls = |world: &World| {
        world.calls.iter().filter(|call| call.kind == CallKind::Stop(StopMethod::Checkpoint)).count()
    };
    world.run(30);
    assert_eq!(calls(&world), 1, "it is asked once");
    world.run_to("stop: failed");
    let waited = world.now.duration_since(begun).as_secs();
    assert!((119..130).contains(&waited), "{waited}");
    world.run(60);
    assert_eq!(
        world.status.intent.as_ref().map(|intent| intent.stop),
        Some(Some(StopMethod::Pods)),
        "{:#?}",
        world.log
    );
}

#[test]
fn rule_10_a_call_that_succeeds_late_is_no_second_stop() {
    let mut world = World::running(json!({"upgrade": {"warm": "Never"}}));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("stop: under way");
    world.step();
    world.faults.calls_succeed_late = true;
    world.pass(2);
    world.faults.calls_succeed_late = false;
    world.settle();
    world.assert_ready(2);
}
