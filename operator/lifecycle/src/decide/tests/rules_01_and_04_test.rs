//! Lifecycle rules 1 and 4: state is kept, and the floor that says how much of it.

use millstream_api::conditions::ConditionType::{Ready, Stalled};
use millstream_api::status::{OperatorFate, OperatorVerdict, Phase};
use serde_json::json;

use super::world::World;
use crate::observed::{ChildKind, Exit, Judgement, PlannerState};

#[test]
fn rule_01_a_stateful_upgrade_never_becomes_a_stateless_one() {
    let mut world = World::running(json!({}));
    // Not even by and by: neither the mode alone nor the SQL behind it.
    world.edit(json!({"upgrade": {"mode": "Stateless"}}));
    world.run(10);
    assert_eq!(world.reason(Stalled), "InvalidSpec");
    world.edit(json!({"sql": "SELECT 2"}));
    world.run(10);
    assert_eq!((world.status.attempt, world.reason(Stalled).as_str()), (Some(1), "InvalidSpec"));
    assert_eq!(world.status.phase, Some(Phase::Running), "the old revision runs on");
    world.edit(json!({"upgrade": {"mode": "Stateless", "allowStateLoss": true}}));
    world.settle();
    assert!(
        world.log.iter().any(|line| line.contains("Spec Start to attempt 2 from Empty")),
        "{:#?}",
        world.log
    );
    // What was stateless with permission stays so without it.
    world.edit(json!({"sql": "SELECT 3", "upgrade": {"mode": "Stateless"}}));
    world.settle();
    assert_eq!(world.status.attempt, Some(3));
}

#[test]
fn rule_01_without_a_memory_of_what_was_deployed_nothing_is_given_up() {
    let mut world = World::running(json!({}));
    world.children.retain(|child| child.kind != ChildKind::ConfigMap);
    world.edit(json!({"sql": "SELECT 2", "upgrade": {"mode": "Stateless"}}));
    world.run(10);
    assert_eq!((world.status.attempt, world.reason(Stalled).as_str()), (Some(1), "StateIncompatible"));
}

#[test]
fn rule_01_a_permission_that_is_withdrawn_before_the_start_is_none() {
    let mut world = World::running(json!({"upgrade": {"mode": "Stateless"}}));
    world.edit(json!({"sql": "SELECT 2"}));
    assert!(world.run_to("stop: done").to_string().contains("from Empty"));
    world.edit(json!({"upgrade": {"mode": "LastState"}}));
    world.settle();
    assert!(!world.log.iter().any(|line| line.contains("Start to attempt 2 from Empty")), "{:#?}", world.log);
    assert_eq!(
        (world.condition(Ready).as_str(), world.processes[&3].restored_from.is_some()),
        ("True", true)
    );
}

/// Nothing is restored that the user gave up, and nothing left out that they want back.
#[test]
fn rule_01_what_is_suspended_before_it_ran_is_resumed_as_it_would_have_been_started() {
    let stateless = json!({"sql": "SELECT 2", "upgrade": {"mode": "Stateless", "allowStateLoss": true}});
    let restored = json!({"restore": {"from": "s3://b/s", "nonce": 5}});
    for (edit, from) in [(stateless, "Empty"), (restored, "Snapshot")] {
        let mut world = World::running(json!({}));
        world.faults.slow = true;
        world.edit(edit);
        world.run_to("start: under way");
        world.edit(json!({"desiredState": "Suspended"}));
        world.settle();
        assert_eq!(world.status.phase, Some(Phase::Suspended));
        world.faults.slow = false;
        world.edit(json!({"desiredState": "Running"}));
        world.settle();
        assert_eq!(world.condition(Ready), "True", "{:#?}", world.log);
        let starts = world.log.iter().filter(|line| line.contains(" Start to attempt"));
        let starts: Vec<&String> = starts.collect();
        assert!(starts.iter().all(|line| line.contains(&format!("from {from}"))), "{starts:#?}");
    }
}

#[test]
fn rule_01_operators_that_would_lose_their_state_hold_the_upgrade() {
    let mut world = World::running(json!({}));
    world.lose("agg-1");
    world.edit(json!({"sql": "SELECT 2"}));
    world.run(10);
    assert_eq!((world.status.attempt, world.reason(Stalled).as_str()), (Some(1), "StateIncompatible"));
    let message = &world.decide().conditions[0].message;
    assert!(message.contains("agg-1") && message.contains("allowStateLoss"), "{message}");
    world.edit(json!({"upgrade": {"allowStateLoss": true}}));
    world.run_to("start: under way");
    assert_eq!(world.status.intent.as_ref().unwrap().lost, ["agg-1"]);
}

/// Those that are not named could not be given up, which would be known when the old job has stopped.
#[test]
fn rule_01_operators_that_cannot_all_be_named_hold_the_upgrade() {
    use OperatorFate::{Kept, KeptInputChanged, Lost, New};
    let stateful = || json!({"upgrade": {"allowStateLoss": true}});
    let stateless =
        json!({"upgrade": {"mode": "Stateless", "allowStateLoss": true}, "rollback": {"enabled": false}});
    let alone = json!({"rollback": {"enabled": false}});
    for (fates, omitted, fields, is_held) in [
        (&[Lost, Lost][..], 1, stateful(), true),
        (&[], 1, stateful(), true),
        (&[Lost, New], 1, stateful(), true),
        (&[New], 1, json!({}), true),
        (&[New], 1, alone, false),
        (&[Lost], 1, stateless, false),
        (&[New, KeptInputChanged], 9, json!({}), false),
        (&[Lost, Kept], 300, stateful(), false),
        (&[Lost, New], 0, stateful(), false),
    ] {
        let mut world = World::running(json!({}));
        let operator = |verdict| OperatorVerdict { uid: "a".into(), name: "Agg".into(), verdict };
        let operators = fates.iter().copied().map(operator).collect();
        world.verdict = PlannerState::Judged(Judgement { operators, omitted, ..Judgement::default() });
        world.edit(fields.clone());
        world.edit(json!({"sql": "SELECT 2"}));
        world.run(10);
        let is_begun = world.status.intent.is_some() || world.status.attempt == Some(2);
        assert_eq!(is_begun, !is_held, "{fates:?} {omitted} {fields}");
        if is_held {
            assert_eq!(world.reason(Stalled), "StateIncompatible");
            let message = world.message(Stalled);
            assert!(message.contains("in several steps"), "{message}");
        }
    }
}

#[test]
fn rule_01_moving_the_storage_leaves_no_state_behind_by_accident() {
    let mut world = World::running(json!({}));
    world.edit(json!({"state": {"storage": "s3://other/p"}}));
    world.run(10);
    assert_eq!((world.status.attempt, world.reason(Stalled).as_str()), (Some(1), "InvalidSpec"));
    world.edit(json!({"state": {"storage": "s3://other/p"}, "restore": {"from": "s3://b/p/savepoint/x"}}));
    world.settle();
    assert_eq!(world.status.attempt, Some(2));
}

/// Epochs of the one place are no floor in the other, or the job could not be started there again.
#[test]
fn rule_04_a_job_that_was_moved_is_restarted_from_its_new_place() {
    let mut world = World::running(json!({}));
    let before = world.epoch;
    let restore = json!({"from": "s3://b/p/savepoint/x"});
    world.edit(json!({"state": {"storage": "s3://other/p"}, "restore": restore}));
    world.run_to("on trial");
    assert!(before > world.epoch, "{before:?} {:?}", world.epoch);
    world.end(2, Exit::Crashed(137));
    world.settle();
    world.assert_ready(2);
}

/// Without its restore, the job would go on from the state that the user wants to leave, or from none.
#[test]
fn rule_04_a_restore_survives_another_spec_that_comes_meanwhile() {
    for row in ["a restore is asked for", "stop: under way", "start: under way"] {
        for moved in ["s3://b/p", "s3://other/p"] {
            let mut world = World::running(json!({}));
            let restore = json!({"from": "s3://b/s", "nonce": 5});
            world.edit(json!({"state": {"storage": moved}, "restore": restore}));
            world.run_to(row);
            world.edit(json!({"sql": "SELECT 2"}));
            world.settle();
            assert_eq!((world.condition(Ready).as_str(), world.restored), ("True", Some(5)), "{row} {moved}");
        }
    }
    // A new job has nothing to go on from.
    let mut world = World::new(json!({"restore": {"from": "s3://b/s", "nonce": 5}}));
    world.run_to("start: under way");
    world.edit(json!({"sql": "SELECT 2"}));
    world.settle();
    assert_eq!((world.condition(Ready).as_str(), world.restored), ("True", Some(5)));
}

/// What was being restored is nowhere but in the config map then, and the new place has nothing to go on from.
#[test]
fn rule_04_a_restore_in_a_new_place_outlives_the_status() {
    let mut world = World::running(json!({}));
    world.faults.no_image = true;
    let restore = json!({"from": "s3://b/s", "nonce": 5});
    world.edit(json!({"state": {"storage": "s3://other/p"}, "restore": restore}));
    world.run_to("start: under way");
    world.run(3);
    world.evict("j-coordinator-2");
    world.status = Default::default();
    world.faults.no_image = false;
    world.settle();
    assert_eq!((world.condition(Ready).as_str(), world.restored), ("True", Some(5)), "{:#?}", world.log);
}

/// Who takes an edited status for true would demand epochs of the place that the job has left.
#[test]
fn rule_04_an_edited_status_brings_no_floor_of_another_place() {
    let mut world = World::running(json!({"upgrade": {"warm": "Never"}}));
    world.faults.poison = Some(("SELECT 1".into(), Exit::Crashed(134)));
    world.edit(json!({"state": {"storage": "s3://other/p"}, "restore": {"from": "s3://b/s", "nonce": 5}}));
    world.run_to("start: under way");
    world.run(3);
    world.status.attempt = Some(1);
    world.faults.poison = None;
    world.settle();
    world.assert_ready(2);
}

/// The first deployment of what is restored failed: whatever it is mended by, the restore is still what the user asked for.
#[test]
fn rule_04_a_restore_that_never_ran_is_owed() {
    for mend in [json!({"sql": "SELECT 2"}), json!({"restart": {"nonce": 1}})] {
        for is_new in [true, false] {
            let restore =
                json!({"restore": {"from": "s3://b/s", "nonce": 5}, "restart": {"strategy": "Never"}});
            let mut world = if is_new { World::new(restore.clone()) } else { World::running(json!({})) };
            if !is_new {
                world.edit(restore);
            }
            world.faults.poison = Some(("SELECT 1".into(), Exit::Failed("no such secret".into())));
            world.settle();
            assert_eq!(world.reason(Stalled), "JobFailed");
            world.faults.poison = None;
            world.restored = None;
            world.epoch = world.epoch.filter(|_| !is_new);
            world.edit(mend.clone());
            world.settle();
            let outcome = (world.condition(Ready), world.restored);
            assert_eq!(outcome, ("True".into(), Some(5)), "{mend} {is_new}: {:#?}", world.log);
        }
    }
}

/// It ran while nobody heard it, and what it has written since would be left behind and written again.
#[test]
fn rule_04_what_was_seen_to_run_is_not_begun_from_elsewhere_a_second_time() {
    let restore = json!({"restore": {"from": "s3://b/s", "nonce": 5}});
    let stateless = json!({"sql": "SELECT 2", "upgrade": {"mode": "Stateless", "allowStateLoss": true}});
    for begun in [&restore, &stateless] {
        for again in ["crash", "restart", "edit"] {
            let mut world = World::running(json!({"rollback": {"enabled": false}}));
            world.edit(begun.clone());
            world.run_to("start: under way");
            world.step();
            world.faults.silent = true;
            world.run(20);
            let (began, wrote) = (world.processes[&2].restored_from, world.epoch);
            assert!(wrote > began, "{wrote:?} {began:?}");
            world.end(2, Exit::Crashed(137));
            world.faults.no_checkpoints = true;
            world.faults.silent = false;
            match again {
                "crash" => {}
                "restart" => world.edit(json!({"restart": {"nonce": 1}})),
                _ => world.edit(
                    json!({"sql": "SELECT 3", "upgrade": {"mode": "LastState", "maxCheckpointAge": "1h"}}),
                ),
            }
            world.run(60);
            let attempt = world.status.attempt.unwrap();
            assert_eq!(world.processes[&attempt].restored_from, wrote, "{begun} {again}: {:#?}", world.log);
        }
    }
}

#[test]
fn rule_04_a_restore_is_not_done_again_because_the_status_was_lost() {
    let mut world = World::running(json!({"restore": {"from": "s3://b/s", "nonce": 5}}));
    world.status = Default::default();
    world.settle();
    world.edit(json!({"sql": "SELECT 2"}));
    world.settle();
    world.assert_ready(2);
    assert!(!world.log.iter().any(|line| line.contains("Restore")), "{:#?}", world.log);
}

/// Without its config map it is not known what ran; that is said, and nothing is waited for.
#[test]
fn rule_04_what_nobody_remembers_is_not_started() {
    let mut world = World::running(json!({}));
    world.children.clear();
    world.processes.clear();
    world.edit(json!({"sql": " "}));
    world.settle();
    assert_eq!((world.reason(Stalled).as_str(), world.pods().len()), ("InvalidSpec", 0));
    world.edit(json!({"sql": "SELECT 2"}));
    world.settle();
    world.assert_ready(2);
}

#[test]
fn rule_04_the_intent_carries_the_newest_known_epoch_as_a_floor() {
    let mut world = World::running(json!({"upgrade": {"warm": "Never"}}));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("start: under way");
    let intent = world.status.intent.clone().unwrap();
    assert_eq!((intent.floor, intent.uri), (world.epoch, None), "a number, and no address");
    world.settle();
    assert!(world.status.epoch >= intent.floor);
}

#[test]
fn rule_04_a_bucket_that_lost_its_epochs_is_never_a_fresh_start() {
    let mut world = World::running(json!({}));
    world.faults.silent = true;
    world.faults.no_checkpoints = true;
    world.epoch = Some(3);
    world.edit(json!({"sql": "SELECT 2", "upgrade": {"mode": "LastState"}}));
    world.run(60);
    assert_eq!(world.status.attempt, Some(1));
    assert_eq!(
        (world.reason(Stalled).as_str(), world.status.phase),
        ("NothingToRestore", Some(Phase::Failed))
    );
}

#[test]
fn rule_04_an_exact_address_is_only_for_a_restore() {
    let mut world = World::running(json!({}));
    world.edit(json!({"sql": "SELECT 2", "restore": {"from": "s3://b/s"}}));
    world.run_to("start: under way");
    let intent = world.status.intent.clone().unwrap();
    assert_eq!((intent.uri.as_deref(), intent.floor), (Some("s3://b/s"), None));
}
