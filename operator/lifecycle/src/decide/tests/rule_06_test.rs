//! Lifecycle rule 6: starts that fail, ends that are final, restarts that are counted.

use millstream_api::conditions::ConditionType::{Ready, Stalled};
use millstream_api::status::Phase;
use serde_json::json;

use super::world::World;
use crate::observed::{EnginePhase, Exit, PodState};
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
