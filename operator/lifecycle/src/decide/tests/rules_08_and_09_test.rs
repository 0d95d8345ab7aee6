//! Lifecycle rules 8 and 9: stability and going back, the spec as the user's.

use millstream_api::conditions::ConditionType::{Ready, Stalled, UpgradeSucceeded};
use millstream_api::status::{IntentCause, Phase};
use serde_json::json;

use super::world::World;
use crate::observed::{EnginePhase, Exit};

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

/// A world in which revision 2 is on trial and has made no checkpoint, while the one before it made one when it was stopped.
fn without_own_checkpoints(fields: serde_json::Value) -> World {
    let mut world = World::running(fields);
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("stop: under way");
    world.step();
    // What the planner read was older than what the stop writes, and in the model it is not.
    world.children.retain(|child| child.attempt > 0);
    world.run_to("start: under way");
    let known = world.status.trial.as_ref().and_then(|trial| trial.from_epoch);
    assert!(known < world.epoch, "nobody has seen the last one: {known:?} {:?}", world.epoch);
    world.faults.no_checkpoints = true;
    world.run_to("on trial");
    world
}

#[test]
fn rule_08_epochs_of_the_revision_before_prove_nothing() {
    let rule = json!({"minRunning": "10s", "minCheckpoints": 1});
    let mut world = without_own_checkpoints(json!({"stability": rule}));
    world.run(30);
    assert_eq!((world.decide().situation, world.reason(Ready).as_str()), ("on trial", "Stabilizing"));
    assert!(
        world.children.iter().any(|child| child.attempt == 1 && child.is_memory()),
        "it can be gone back to"
    );
    world.faults.no_checkpoints = false;
    world.settle();
    world.assert_ready(2);
}

/// The number of an epoch that a start took is no checkpoint.
#[test]
fn rule_08_starts_prove_nothing() {
    let rule = json!({"minRunning": "0s", "minCheckpoints": 3});
    let mut world = without_own_checkpoints(json!({"stability": rule, "restart": {"initial": "2s"}}));
    let make_one = |world: &mut World| {
        world.faults.no_checkpoints = false;
        world.run(1);
        world.faults.no_checkpoints = true;
        world.run(5);
    };
    make_one(&mut world);
    let first = world.epoch.unwrap();
    world.end(2, Exit::Crashed(137));
    world.run_to("on trial");
    make_one(&mut world);
    assert_eq!((world.epoch, world.decide().situation), (Some(first + 2), "on trial"), "{:#?}", world.log);
    world.faults.no_checkpoints = false;
    world.settle();
    world.assert_ready(2);
}

#[test]
fn rule_08_a_revision_that_wrote_nothing_gives_back_what_it_found() {
    for allowed in [false, true] {
        let rollback = json!({"state": "PreUpgrade", "allowRepeatedOutput": allowed});
        let mut world = without_own_checkpoints(json!({"rollback": rollback}));
        let before = world.epoch;
        world.run(5);
        world.end(2, Exit::Failed("boom".into()));
        world.run_to("start: under way");
        let start = world.log.iter().find(|line| line.contains("Rollback Start")).unwrap();
        assert!(start.contains("to attempt 3 from Newest"), "{start}");
        assert_eq!(world.status.plan.as_ref().unwrap().repeated_output, None);
        world.run_to("on trial");
        assert_eq!(world.processes[&3].restored_from, before, "{:#?}", world.log);
    }
}

#[test]
fn rule_08_the_state_before_an_upgrade_is_the_one_that_it_was_restored_from() {
    let rollback = json!({"state": "PreUpgrade", "allowRepeatedOutput": true});
    let mut world = without_own_checkpoints(json!({"rollback": rollback}));
    let before = world.epoch;
    world.faults.no_checkpoints = false;
    world.run(5);
    let newest = world.epoch;
    world.end(2, Exit::Failed("boom".into()));
    world.run_to("start: under way");
    let repeated = world.status.plan.as_ref().unwrap().repeated_output.unwrap();
    assert_eq!(Some(repeated.from - 1), before);
    assert!(repeated.from < repeated.to && Some(repeated.to) <= newest, "{repeated:?} {newest:?}");
    world.faults.no_checkpoints = true;
    world.run_to("on trial");
    assert_eq!(world.processes[&3].restored_from, before, "{:#?}", world.log);
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
        assert!(world.message(Stalled).ends_with(": boom"), "{}", world.message(Stalled));
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
    // Where the revision before it ended was never said.
    let repeated = world.status.plan.as_ref().unwrap().repeated_output;
    assert_eq!(repeated.map(|repeated| repeated.from - 1), before);
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
fn rule_08_what_runs_well_is_not_taken_back_because_nobody_looked() {
    let mut world = World::running(json!({}));
    world.edit(json!({"sql": "SELECT 2"}));
    for _ in 0..100 {
        let is_new = world.status.attempt == Some(2);
        if is_new && world.processes.get(&2).is_some_and(|process| process.phase == EnginePhase::Running) {
            break;
        }
        world.step();
        world.pass(2);
    }
    assert!(world.status.trial.is_some(), "{:#?}", world.log);
    // The operator is away for longer than the deadline, and for longer than it has seen records flow.
    world.pass(3_600);
    world.restart_operator();
    world.settle();
    assert_eq!((world.status.attempt, &world.status.rolled_back), (Some(2), &None), "{:#?}", world.log);
    assert_eq!(world.condition(Ready), "True");
}
