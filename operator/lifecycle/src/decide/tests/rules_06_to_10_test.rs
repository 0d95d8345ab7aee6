//! Lifecycle rules 6 to 10: starts that fail, ages of checkpoints, stability, the spec as the user's, calls that take long.

use std::time::Duration;

use millstream_api::conditions::ConditionType::{Ready, Stalled, UpgradeSucceeded};
use millstream_api::status::{IntentCause, Phase, StopMethod};
use serde_json::json;

use super::world::World;
use crate::action::Action;
use crate::observed::{CallKind, EnginePhase, Exit, PodState};
use crate::time::{Timestamp, elapsed};

#[test]
fn rule_06_a_coordinator_that_never_started_is_replaced_without_a_savepoint() {
    let mut world = World::new(json!({}));
    world.faults.no_image = true;
    world.run(10);
    assert_eq!(world.status.attempt, Some(1));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run(20);
    assert_eq!(world.status.attempt, Some(2));
    world.faults.no_image = false;
    world.settle();
    assert_eq!(world.condition(Ready), "True", "{:#?}", world.log);
    assert!(
        !world.log.iter().any(|line| line.contains("stop attempt") || line.contains("cancel")),
        "{:#?}",
        world.log
    );
}

#[test]
fn rule_06_a_job_that_ended_with_a_verdict_is_not_restarted() {
    for (exit, reason) in [
        (Exit::Failed("disk full".into()), "JobFailed"),
        (Exit::Refused("no table `t`".into()), "JobRefused"),
        (Exit::NothingToRestore("epoch 9 is missing".into()), "NothingToRestore"),
        (Exit::Fenced, "Fenced"),
    ] {
        let mut world = World::running(json!({}));
        world.end(1, exit);
        world.run(100);
        assert_eq!((world.reason(Stalled).as_str(), world.status.phase), (reason, Some(Phase::Failed)));
        assert!(world.log.is_empty(), "{:#?}", world.log);
        // Ways out: a nonce, or another spec.
        world.edit(json!({"restart": {"nonce": 1}}));
        world.settle();
        world.assert_ready(2);
    }
}

#[test]
fn rule_06_a_finished_job_stays_finished() {
    let mut world = World::running(json!({}));
    world.end(1, Exit::Finished);
    world.run(50);
    assert_eq!((world.status.phase, world.reason(Ready).as_str()), (Some(Phase::Finished), "Finished"));
    assert_eq!(world.condition(Ready), "True");
    world.edit(json!({"deletionPolicy": "Drain"}));
    world.run(50);
    assert_eq!(world.log, ["finished: delete Pod/j-worker-1-0"], "nobody needs workers any more");
    world.edit(json!({"sql": "SELECT 2"}));
    world.settle();
    assert_eq!((world.status.phase, world.status.attempt), (Some(Phase::Running), Some(2)));
}

#[test]
fn rule_06_crashes_are_restarted_in_growing_pauses_as_often_as_allowed() {
    let mut world = World::running(json!({"restart": {"attempts": 3, "initial": "10s", "max": "1m"}}));
    let mut waits = Vec::new();
    for _ in 0..3 {
        world.end(1, Exit::Crashed(139));
        world.step();
        let begun = world.now;
        world.run_to("settled");
        waits.push(world.now.duration_since(begun).as_secs());
    }
    assert!(waits[0] >= 10 && waits[1] >= 20 && waits[2] >= 40, "{waits:?}");
    assert!(waits[0] < 20 && waits[1] < 30 && waits[2] < 50, "{waits:?}");
    assert_eq!(world.status.restarts, Some(3));
    world.end(1, Exit::Crashed(139));
    world.run(100);
    assert_eq!(
        (world.reason(Stalled).as_str(), world.status.phase),
        ("RestartsExhausted", Some(Phase::Failed))
    );
}

/// What a pod said decides as long as nothing else runs, whoever collects the pod.
#[test]
fn rule_06_an_end_outlives_its_pod() {
    let refused = || Exit::Refused("no table `t`".into());
    for (exit, phase, kind) in [
        (Exit::Finished, Phase::Finished, (Ready, "Finished")),
        (refused(), Phase::Failed, (Stalled, "JobRefused")),
        (Exit::Failed("boom".into()), Phase::Failed, (Stalled, "JobFailed")),
        (Exit::Fenced, Phase::Failed, (Stalled, "Fenced")),
    ] {
        let mut world = World::running(json!({}));
        world.end(1, exit);
        world.run(1);
        world.evict("j-coordinator-1");
        world.run(60);
        assert_eq!((world.status.phase, world.reason(kind.0).as_str()), (Some(phase), kind.1));
        assert!(!world.pods().contains(&"j-coordinator-1".to_owned()), "{:#?}", world.log);
        world.edit(json!({"sql": "SELECT 2"}));
        world.settle();
        world.assert_ready(2);
        assert_eq!(world.status.ended, None);
    }
    // A crash whose pod is gone is counted once.
    let mut world = World::running(json!({}));
    world.end(1, Exit::Crashed(137));
    world.run(1);
    world.evict("j-coordinator-1");
    world.settle();
    world.assert_ready(1);
    assert_eq!(world.status.restarts, Some(1));
}

/// The bucket or a broker did not answer: nothing that the job said about itself.
#[test]
fn rule_06_a_job_that_failed_before_records_flowed_is_tried_as_often_as_allowed() {
    let poison = |world: &mut World| {
        world.faults.poison = Some(("SELECT 1".into(), Exit::Failed("the bucket does not answer".into())));
    };
    let mut world = World::new(json!({"restart": {"attempts": 3, "initial": "2s"}}));
    poison(&mut world);
    world.run(6);
    assert_eq!(world.status.phase, Some(Phase::Restarting));
    world.faults.poison = None;
    world.settle();
    world.assert_ready(1);
    let mut world = World::new(json!({"restart": {"attempts": 3, "initial": "2s"}}));
    poison(&mut world);
    world.settle();
    assert_eq!((world.reason(Stalled).as_str(), world.status.phase), ("JobFailed", Some(Phase::Failed)));
    assert_eq!(world.status.recovery.as_ref().map(|recovery| recovery.count), Some(3));
}

/// Until it has an epoch of its own, a deployment finds what the first start found, and may do with it what that might.
#[test]
fn rule_06_a_start_that_is_repeated_has_the_permission_of_the_first() {
    let stateless = json!({"sql": "SELECT 2", "upgrade": {"mode": "Stateless", "allowStateLoss": true}});
    let dropping = json!({"sql": "SELECT 2", "upgrade": {"allowStateLoss": true}});
    for (edit, start) in [(stateless, "from Empty"), (dropping, "from Newest")] {
        for restart in [false, true] {
            let mut world = World::new(json!({})).with_operators("SELECT 1", &["agg-1"]);
            world.settle();
            world.edit(edit.clone());
            world.run_to("start: under way");
            world.faults.no_checkpoints = true;
            world.run_to("on trial");
            assert!(world.log.iter().any(|line| line.contains("Spec Start") && line.contains(start)));
            if restart {
                world.edit(json!({"restart": {"nonce": 1}}));
                world.run(30);
            } else {
                world.end(2, Exit::Crashed(137));
            }
            world.run_to("on trial");
            world.faults.no_checkpoints = false;
            world.settle();
            world.assert_ready(if restart { 3 } else { 2 });
            assert_eq!(world.status.origin.as_ref().map(|origin| origin.lost.len()), Some(0));
        }
    }
}

#[test]
fn rule_06_a_start_from_an_older_epoch_that_is_repeated_asks_for_no_newer_one() {
    let mut world = World::running(json!({"rollback": {"state": "PreUpgrade", "allowRepeatedOutput": true}}));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("on trial");
    world.run(5);
    world.end(2, Exit::Failed("boom".into()));
    world.run_to("start: under way");
    world.faults.no_checkpoints = true;
    world.run_to("on trial");
    assert!(world.log.iter().any(|line| line.contains("Rollback Start to attempt 3 from Epoch")));
    world.end(3, Exit::Crashed(137));
    world.run_to("on trial");
    world.faults.no_checkpoints = false;
    world.settle();
    assert_eq!(world.processes[&3].phase, EnginePhase::Running, "{:#?}", world.log);
}

/// The kubelet's clock says when a pod ended, the operator's when that was noted.
#[test]
fn rule_06_clocks_that_differ_make_no_restart_count_twice_or_not_at_all() {
    for skew_s in [-120, -1, 1, 120] {
        let mut world = World::running(json!({"restart": {"attempts": 3, "initial": "4s"}}));
        for count in 1..=3 {
            world.end(1, Exit::Crashed(137));
            let pods = world.children.iter_mut().filter_map(|child| child.pod.as_mut());
            for at in pods.filter_map(|pod| match &mut pod.state {
                PodState::Ended { at, .. } => Some(at),
                _ => None,
            }) {
                *at = Timestamp::from_second(at.as_second() + skew_s).unwrap();
            }
            let crashed = world.now;
            world.run_to("settled");
            assert_eq!(world.status.restarts, Some(count), "{skew_s}: {:#?}", world.log);
            let waited = elapsed(crashed, world.now).as_secs();
            assert!((4..40).contains(&waited), "{skew_s}: {waited}");
        }
        world.end(1, Exit::Crashed(137));
        world.run(30);
        assert_eq!(world.reason(Stalled), "RestartsExhausted", "{skew_s}");
    }
}

#[test]
fn rule_06_running_for_long_enough_begins_the_count_again() {
    let mut world = World::running(json!({"restart": {"attempts": 2, "initial": "1s", "resetAfter": "1m"}}));
    for _ in 0..5 {
        world.end(1, Exit::Crashed(1));
        world.run_to("settled");
        world.run(40);
    }
    assert_eq!((world.condition(Ready).as_str(), &world.status.recovery), ("True", &None));
}

#[test]
fn rule_06_a_pod_that_was_drained_comes_back() {
    let mut world = World::running(json!({}));
    world.evict("j-coordinator-1");
    world.evict("j-worker-1-0");
    world.settle();
    assert_eq!(world.pods().len(), 2);
    world.assert_ready(1);
    assert_eq!(world.log[0], "the coordinator is gone: write intent: none");
}

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

#[test]
fn rule_08_stable_means_the_rule_held() {
    let rule = json!({"stability": {"minRunning": "60s", "minCheckpoints": 2, "maxRestarts": 1}});
    let mut world = World::new(rule);
    world.run_to("on trial");
    let begun = world.now;
    world.run(20);
    assert_eq!((world.condition(Ready).as_str(), world.reason(Ready).as_str()), ("False", "Stabilizing"));
    world.run_to("stable");
    assert!(world.now.duration_since(begun).as_secs() >= 60);
    // A restart of the tasks begins the time again, and checkpoints are part of the rule.
    let mut world = World::new(json!({"stability": {"minRunning": "60s", "minCheckpoints": 2}}));
    world.run_to("on trial");
    world.run(20);
    world.processes.get_mut(&1).unwrap().restarts = 1;
    let begun = world.now;
    world.run_to("stable");
    assert!(world.now.duration_since(begun).as_secs() >= 60);
    let mut world = World::new(json!({"stability": {"minRunning": "0s", "minCheckpoints": 2}}));
    world.faults.no_checkpoints = true;
    world.run(100);
    assert_eq!(world.decide().situation, "on trial");
    assert_eq!(world.condition(Ready), "False");
}

#[test]
fn rule_08_a_crash_loop_is_rolled_back_to_the_newest_state() {
    let mut world = World::running(json!({}));
    world.faults.poison = Some(("SELECT 2".into(), Exit::Crashed(134)));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run(250);
    assert_eq!(world.status.attempt, Some(3), "{:#?}", world.log);
    let back = world.log.iter().find(|line| line.contains("Rollback Stop")).unwrap();
    assert!(back.contains("from Newest at least"), "{back}");
    assert_eq!(world.processes[&3].phase, EnginePhase::Running);
    assert_eq!((world.reason(Stalled).as_str(), world.status.phase), ("RolledBack", Some(Phase::Running)));
    assert_eq!(world.reason(UpgradeSucceeded), "RolledBack");
    // It is not tried again, until the spec changes.
    world.log.clear();
    world.run(100);
    assert!(world.story().is_empty(), "{:#?}", world.log);
    world.faults.poison = None;
    world.edit(json!({"sql": "SELECT 3"}));
    world.settle();
    world.assert_ready(4);
}

/// What is done about a job that was rolled back is done to the revision that runs, until the spec asks for a third one.
#[test]
fn rule_08_a_revision_that_was_taken_back_stays_so() {
    for edit in ["restart", "rescale", "suspend"] {
        let mut world = World::running(json!({}));
        world.faults.poison = Some(("SELECT 2".into(), Exit::Failed("boom".into())));
        world.faults.no_rescale = true;
        world.edit(json!({"sql": "SELECT 2"}));
        world.settle();
        assert_eq!((world.status.attempt, world.reason(Stalled).as_str()), (Some(3), "RolledBack"));
        match edit {
            "restart" => world.edit(json!({"restart": {"nonce": 1}})),
            "rescale" => world.edit(json!({"parallelism": 4})),
            _ => {
                world.edit(json!({"desiredState": "Suspended"}));
                world.settle();
                world.edit(json!({"desiredState": "Running"}));
            }
        }
        world.settle();
        assert_eq!((world.status.attempt, world.reason(Stalled).as_str()), (Some(4), "RolledBack"), "{edit}");
        assert_eq!(world.processes[&4].phase, EnginePhase::Running, "{edit}");
        let deployed = world.children.iter().find_map(|child| child.deployed.clone()).unwrap();
        assert_eq!(deployed.job.sql.inline(), Some("SELECT 1"), "{edit}");
    }
}

#[test]
fn rule_08_a_spec_that_goes_back_by_itself_is_not_refused() {
    let mut world = World::running(json!({}));
    world.faults.poison = Some(("SELECT 2".into(), Exit::Failed("boom".into())));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("start: the job is refused");
    world.step();
    assert_eq!(world.status.intent.as_ref().unwrap().cause, IntentCause::Rollback);
    world.edit(json!({"sql": "SELECT 1"}));
    world.settle();
    world.assert_ready(3);
}

#[test]
fn rule_08_a_revision_that_makes_no_checkpoints_is_rolled_back_at_the_deadline() {
    let mut world = World::running(json!({"rollback": {"deadline": "4m"}}));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("on trial");
    world.faults.no_checkpoints = true;
    let begun = world.now;
    world.run_to("unstable");
    let waited = world.now.duration_since(begun).as_secs();
    assert!((230..260).contains(&waited), "{waited}");
}

#[test]
fn rule_08_the_state_before_an_upgrade_is_taken_only_if_nothing_is_repeated_or_that_is_allowed() {
    let run = |allowed: bool| {
        let rollback = json!({"state": "PreUpgrade", "allowRepeatedOutput": allowed});
        let mut world = World::running(json!({"rollback": rollback}));
        world.edit(json!({"sql": "SELECT 2"}));
        world.run_to("on trial");
        world.run(5);
        world.end(2, Exit::Failed("boom".into()));
        world.run(10);
        world
    };
    let held = run(false);
    assert_eq!((held.status.attempt, held.reason(Stalled).as_str()), (Some(2), "RollbackHeld"));
    let went = run(true);
    let start = went.log.iter().find(|line| line.contains("Rollback Start")).unwrap();
    assert!(start.contains("from Epoch"), "{start}");
    let repeated = went.status.plan.as_ref().unwrap().repeated_output.unwrap();
    assert!(repeated.from > 0 && repeated.to >= repeated.from);
    // Without a checkpoint of its own, the newest state is that of before.
    let mut world = World::running(json!({"rollback": {"state": "PreUpgrade"}}));
    world.faults.poison = Some(("SELECT 2".into(), Exit::Failed("boom".into())));
    world.edit(json!({"sql": "SELECT 2"}));
    world.settle();
    assert_eq!((world.status.attempt, world.reason(Stalled).as_str()), (Some(3), "RolledBack"));
}

/// The newest state is where the new revision wrote it, and the old one would look elsewhere.
#[test]
fn rule_08_a_revision_that_moved_the_state_is_not_taken_back() {
    let upgrade = json!({"allowStateLoss": true});
    for exit in [Exit::Failed("boom".into()), Exit::Crashed(134)] {
        let mut world = World::running(json!({}));
        world.faults.poison = Some(("SELECT 2".into(), exit));
        world.edit(
            json!({"sql": "SELECT 2", "state": {"storage": "s3://other/p"}, "upgrade": upgrade.clone()}),
        );
        world.run(150);
        assert_eq!((world.status.attempt, world.condition(Ready).as_str()), (Some(2), "False"));
        let held = world.log.iter().all(|line| !line.contains("Rollback"));
        assert!(held, "{:#?}", world.log);
        world.run_to("unstable");
        assert!(
            world.decide().conditions.iter().any(|c| c.reason == "RollbackHeld" || c.reason == "Restarting")
        );
        world.faults.poison = None;
        world.edit(json!({"restart": {"nonce": 1}}));
        world.settle();
        assert_eq!(world.condition(Ready), "True");
    }
}

/// Held is not left lying: what crashed is started again, as often as the spec says.
#[test]
fn rule_08_a_revision_that_is_held_is_kept_alive() {
    let mut world = World::running(json!({"rollback": {"state": "PreUpgrade"}}));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("on trial");
    world.run(5);
    for _ in 0..5 {
        world.end(2, Exit::Crashed(134));
        world.run(30);
    }
    assert_eq!((world.status.attempt, world.reason(Stalled).as_str()), (Some(2), "RollbackHeld"));
    assert_eq!(world.processes[&2].phase, EnginePhase::Running, "{:#?}", world.log);
}

/// The newest state has an operator for which the revision before has no place.
#[test]
fn rule_08_a_revision_that_added_an_operator_is_taken_back_without_it() {
    let added = |world: World| {
        world
            .with_operators("SELECT 1", &["a"])
            .with_operators("SELECT 2", &["a", "b"])
            .with_operators("SELECT 3", &["a", "b", "c"])
    };
    for steps in [1, 2] {
        let mut world = added(World::new(json!({})));
        world.settle();
        for step in 0..steps {
            world.edit(json!({"sql": format!("SELECT {}", step + 2)}));
            world.run_to("on trial");
            world.run(5);
        }
        let attempt = world.status.attempt.unwrap();
        world.end(attempt, Exit::Failed("boom".into()));
        world.settle();
        assert_eq!(world.reason(Stalled), "RolledBack", "{:#?}", world.log);
        let attempt = world.status.attempt.unwrap();
        assert_eq!(world.sql_of(attempt).as_deref(), Some("SELECT 1"));
        assert_eq!(world.processes[&attempt].phase, EnginePhase::Running);
    }
}

/// The revision that gave up the state was allowed to; the one that is gone back to was not.
#[test]
fn rule_08_a_revision_that_began_empty_is_taken_back_to_the_state_before() {
    let mut world = World::running(json!({}));
    let upgrade = json!({"mode": "Stateless", "allowStateLoss": true});
    world.edit(json!({"sql": "SELECT 2", "upgrade": upgrade}));
    world.run_to("start: under way");
    let before = world.epoch;
    world.faults.no_checkpoints = true;
    world.run_to("on trial");
    world.end(2, Exit::Failed("boom".into()));
    world.run_to("start: under way");
    world.faults.no_checkpoints = false;
    world.settle();
    assert_eq!((world.status.attempt, world.reason(Stalled).as_str()), (Some(3), "RolledBack"));
    assert_eq!((world.processes[&3].restored_from, before.is_some()), (before, true), "{:#?}", world.log);
}

/// What held it is that it might not work; when it has, or the spec has changed, nothing is held any more.
#[test]
fn rule_08_what_is_held_is_said_no_longer_than_it_is() {
    let held = || {
        let mut world = World::running(json!({"rollback": {"state": "PreUpgrade"}}));
        world.edit(json!({"sql": "SELECT 2"}));
        world.run_to("on trial");
        world.run(5);
        world.processes.get_mut(&2).unwrap().restarts = 9;
        world.run(5);
        assert_eq!((world.reason(Stalled).as_str(), world.status.attempt), ("RollbackHeld", Some(2)));
        world
    };
    let mut world = held();
    world.settle();
    world.assert_ready(2);
    let mut world = held();
    world.edit(json!({"sql": "SELECT 3"}));
    world.settle();
    world.assert_ready(3);
    let mut world = held();
    world.edit(json!({"rollback": {"state": "Latest"}}));
    world.settle();
    assert_eq!((world.reason(Stalled).as_str(), world.status.attempt), ("RolledBack", Some(3)));
}

#[test]
fn rule_08_rollback_can_be_turned_off() {
    let mut world = World::running(json!({"rollback": {"enabled": false}}));
    world.faults.poison = Some(("SELECT 2".into(), Exit::Failed("boom".into())));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run(600);
    assert_eq!((world.status.attempt, world.reason(Stalled).as_str()), (Some(2), "JobFailed"));
}

/// Nothing in an action can hold a spec; what is deployed is the user's, whatever happened to it.
#[test]
fn rule_09_what_the_user_set_is_what_is_deployed() {
    let mut world =
        World::running(json!({"parallelism": 4, "autoscaling": {"mode": "Auto", "maxParallelism": 16}}));
    let spec = world.spec.clone();
    world.run(50);
    assert_eq!(world.spec, spec);
    let deployed = world.children.iter().find_map(|child| child.deployed.clone()).unwrap();
    assert_eq!(deployed.job.parallelism, 4);
    assert_eq!(world.status.parallelism.unwrap().desired, 4);
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
