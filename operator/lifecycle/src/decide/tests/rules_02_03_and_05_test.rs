//! Lifecycle rules 2, 3 and 5: intent before action, adoption, specs that come at the wrong time.

use std::time::Duration;

use millstream_api::conditions::ConditionType::{Ready, Stalled};
use millstream_api::status::Phase;
use serde_json::json;

use super::world::{Process, World};
use crate::action::Action;
use crate::observed::{Child, ChildKind, EnginePhase, Exit, PlannerState};
use crate::time::after;

/// The model refuses an action whose intent is not in the status; here the order is spelled out.
#[test]
fn rule_02_the_intent_is_written_before_the_step_and_alone() {
    let mut world = World::running(json!({"upgrade": {"warm": "Never"}}));
    world.edit(json!({"sql": "SELECT 2"}));
    let mut written = false;
    for _ in 0..40 {
        let decision = world.decide();
        let intents = decision.actions.iter().any(|a| matches!(a, Action::WriteIntent(_)));
        let irreversible = decision.actions.iter().any(Action::is_irreversible);
        assert!(!intents || decision.actions.len() == 1 && decision.status.is_none());
        assert!(!irreversible || written, "{decision}");
        written |= intents;
        world.step();
        world.pass(2);
    }
    assert_eq!(world.status.attempt, Some(2));
}

/// A conflict means the write did not happen: the next decision is made from what is there then.
#[test]
fn rule_02_a_conflict_leaves_nothing_done() {
    let mut world = World::running(json!({}));
    world.edit(json!({"sql": "SELECT 2"}));
    let decision = world.run_to("another revision is asked for");
    world.step_until_crash(0);
    // It is the same operator.
    world.unasked_until = world.now;
    assert_eq!(world.decide(), decision);
    assert!(world.calls.is_empty());
}

#[test]
fn rule_02_foreign_edits_of_the_status_are_noticed_and_mended() {
    for edit in ["attempt", "emptied", "rolled back", "revision", "epoch"] {
        let mut world = World::running(json!({"restart": {"nonce": 4}}));
        let before = world.status.clone();
        match edit {
            "attempt" => world.status.attempt = Some(9),
            "emptied" => world.status = Default::default(),
            "epoch" => world.status.epoch = Some(9_000),
            "rolled back" => world.status.rolled_back = Some("x".into()),
            _ => world.status.current_revision = Some("x".into()),
        }
        world.settle();
        assert_eq!(world.log[0], "the status was edited: write intent: none", "{edit}");
        assert_eq!(world.log.len(), 1, "{edit}: {:#?}", world.log);
        let after = &world.status;
        assert_eq!(
            (after.attempt, &after.current_revision),
            (before.attempt, &before.current_revision),
            "{edit}"
        );
        assert_eq!(after.parallelism, before.parallelism, "{edit}");
        assert!(after.epoch <= world.epoch, "{edit}: {:?}", after.epoch);
        assert_eq!(after.nonces.as_ref().unwrap().restart, Some(4), "{edit}: acting twice would be worse");
        assert_eq!(world.condition(Ready), "True", "{edit}");
    }
}

#[test]
fn rule_03_what_was_made_before_a_crash_is_adopted() {
    let mut world = World::new(json!({}));
    world.run_to("start: under way");
    // Everything is made; the operator dies before it writes anything.
    world.step_until_crash(2);
    let made = world.children.clone();
    let decision = world.decide();
    assert_eq!(decision.to_string(), "start: under way: Deploying; wait: the new deployment starts");
    world.settle();
    let uids = |children: &[Child]| children.iter().map(|child| child.uid.clone()).collect::<Vec<_>>();
    assert_eq!(uids(&world.children), uids(&made), "nothing was made twice");
}

#[test]
fn rule_03_children_of_a_deleted_job_of_this_name_go_first() {
    let mut old = World::running(json!({}));
    let mut world = World::new(json!({}));
    world.children = std::mem::take(&mut old.children);
    world.object.uid = "uid-2".into();
    world.step();
    let decision = world.decide();
    assert!(
        decision.to_string().starts_with(
            "children of a predecessor: Deploying; delete ConfigMap/j-tls-1 ConfigMap/j-config-1"
        )
    );
    assert!(decision.actions.iter().all(|action| matches!(action, Action::DeleteOrphans(_))), "{decision}");
    world.settle();
    assert!(world.children.iter().all(|child| child.owner == "uid-2"));
    assert_eq!(world.condition(Ready), "True");
}

/// A label is copied quickly: to a tool's pod, to a config map that goes with the job.
#[test]
fn rule_03_what_somebody_else_made_is_left_alone() {
    let mut world = World::running(json!({}));
    let pod = world.children.iter().find(|child| child.kind == ChildKind::Pod).unwrap().clone();
    for (name, owner) in [("tool-1", "uid-1"), ("tool-2", ""), ("tool-3", "uid-9")] {
        let (uid, name, owner) = (name.into(), name.into(), owner.into());
        world.children.push(Child { uid, name, owner, attempt: 7, is_managed: false, ..pod.clone() });
    }
    world.settle();
    assert!(world.log.is_empty(), "{:#?}", world.log);
    world.edit(json!({"sql": "SELECT 2"}));
    world.settle();
    world.object.deleted = Some(world.now);
    world.settle();
    assert!(world.is_gone);
    assert_eq!(world.pods().iter().filter(|name| name.starts_with("tool-")).count(), 3);
}

/// Certificates are of one deployment: they are there before its pods, and go with it, and with them the secrets that they own.
#[test]
fn rule_03_certificates_come_before_the_pods_of_a_deployment_and_go_with_it() {
    let mut world = World::new(json!({}));
    world.settle();
    let position = |world: &World, what: &str| world.log.iter().position(|line| line.contains(what));
    assert!(position(&world, "issue certificates j-tls-1") < position(&world, "Pod/j-coordinator-1"));
    let maps = |world: &World| -> Vec<String> {
        let of_certificates = world.children.iter().filter(|child| child.certificates.is_some());
        of_certificates.map(|child| child.name.clone()).collect()
    };
    assert_eq!(maps(&world), ["j-tls-1"]);
    world.edit(json!({"sql": "SELECT 2"}));
    world.settle();
    world.assert_ready(2);
    assert_eq!(maps(&world), ["j-tls-2"]);
    world.edit(json!({"desiredState": "Suspended"}));
    world.settle();
    assert!(maps(&world).is_empty());
    assert!(world.children.iter().any(Child::is_memory), "what was suspended is remembered");
}

#[test]
fn rule_03_what_belongs_to_no_deployment_goes() {
    let mut world = World::running(json!({}));
    let mut stray = world.children.iter().find(|child| child.kind == ChildKind::Pod).unwrap().clone();
    stray.name = "j-coordinator-7".into();
    stray.uid = "stray".into();
    stray.attempt = 7;
    world.children.push(stray);
    world.settle();
    assert_eq!(world.log, ["settled: delete Pod/j-coordinator-7"]);
    world.edit(json!({"sql": "SELECT 2"}));
    world.settle();
    assert_eq!(world.status.attempt, Some(2));
}

#[test]
fn rule_03_a_number_is_given_to_one_deployment_only() {
    let mut world = World::running(json!({}));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("warm: under way");
    world.edit(json!({"sql": "SELECT 1"}));
    world.settle();
    assert_eq!((world.status.attempt, world.status.last_attempt), (Some(1), Some(2)));
    world.edit(json!({"sql": "SELECT 3"}));
    world.settle();
    assert_eq!(world.status.attempt, Some(3));
}

#[test]
fn rule_05_a_new_spec_is_accepted_at_every_step_of_an_upgrade() {
    for row in ["warm: under way", "stop: under way", "start: under way", "another revision is asked for"] {
        let mut world = World::running(json!({}));
        world.edit(json!({"sql": "SELECT 2"}));
        world.run_to(row);
        world.edit(json!({"sql": "SELECT 3"}));
        world.settle();
        assert_eq!(world.condition(Ready), "True", "{row}: {:#?}", world.log);
        let runs = world.children.iter().find_map(|child| child.deployed.clone()).unwrap();
        assert_eq!(runs.job.sql.inline(), Some("SELECT 3"), "{row}");
        assert_eq!(world.pods().len(), 2, "{row}");
    }
}

/// A standby that was ready for one spec is not left waiting when that spec goes and comes again, or when its successor is held.
#[test]
fn rule_05_a_spec_that_comes_and_goes_leaves_no_standby_waiting() {
    for last in ["SELECT 2", " ", "held"] {
        let mut world = World::running(json!({}));
        world.edit(json!({"sql": "SELECT 2"}));
        world.run_to("start: under way");
        world.edit(json!({"sql": "SELECT 3"}));
        assert_eq!(world.step().situation, "start: another spec came");
        match last {
            "held" => world.edit(json!({"upgrade": {"approval": "Manual"}})),
            sql => world.edit(json!({"sql": sql})),
        }
        world.run(40);
        let phase = world.processes.get(&2).map(|process| process.phase);
        assert_eq!(
            (world.status.attempt, phase),
            (Some(2), Some(EnginePhase::Running)),
            "{last}: {:#?}",
            world.log
        );
    }
}

#[test]
fn rule_05_a_bad_spec_never_stops_the_running_job_nor_its_recovery() {
    let mut world = World::running(json!({}));
    for bad in
        [json!({"parallelism": 0}), json!({"sql": " "}), json!({"maxParallelism": 7, "parallelism": 2})]
    {
        let good = world.spec.clone();
        world.edit(bad);
        world.run(5);
        assert_eq!((world.condition(Stalled), world.reason(Ready)), ("True".into(), "InvalidSpec".into()));
        assert_eq!(world.status.phase, Some(Phase::Running));
        world.end(1, Exit::Crashed(137));
        world.run(20);
        assert!(world.processes[&1].phase == EnginePhase::Running, "it recovered: {:#?}", world.log);
        assert_eq!(world.condition(Stalled), "True");
        world.spec = good;
        world.edit(json!({}));
        world.settle();
        assert_eq!(world.condition(Ready), "True");
    }
    assert_eq!(world.status.attempt, Some(1));
}

#[test]
fn rule_05_bad_sql_is_found_before_anything_stops() {
    let mut world = World::running(json!({}));
    let good = std::mem::replace(&mut world.verdict, PlannerState::Refused("line 1: no table `t`".into()));
    world.edit(json!({"sql": "SELECT * FROM t"}));
    world.run(10);
    assert_eq!((world.reason(Stalled).as_str(), world.status.phase), ("SqlError", Some(Phase::Running)));
    assert_eq!(world.status.error.as_deref(), Some("line 1: no table `t`"));
    assert_eq!(world.pods(), ["j-coordinator-1", "j-worker-1-0"]);
    world.verdict = good;
    world.edit(json!({"sql": "SELECT 1"}));
    world.settle();
    world.assert_ready(1);
}

/// What is wrong is not the SQL: the pod was evicted, the bucket was down.
#[test]
fn rule_05_a_planner_that_came_to_no_verdict_is_tried_again_in_growing_pauses() {
    let mut world = World::running(json!({}));
    world.fail_planners("the pod was evicted");
    world.edit(json!({"sql": "SELECT 2"}));
    let mut begun = Vec::new();
    for _ in 0..900 {
        let tries = world.status.plan.as_ref().and_then(|plan| plan.failures).unwrap_or(0);
        if world.step().to_string().contains("start planner") && begun.len() < 8 {
            begun.push((tries, world.now));
        }
        world.pass(2);
    }
    let pauses: Vec<i64> = begun.windows(2).map(|w| w[1].1.duration_since(w[0].1).as_secs()).collect();
    for (pause, least) in pauses.iter().zip([10, 20, 40, 80, 160, 300, 300]) {
        assert!((least..least + 12).contains(pause), "{pauses:?}");
    }
    assert_eq!(begun.iter().map(|(tries, _)| *tries).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 7]);
    // It says why, and the old job runs on, also when it crashes meanwhile.
    assert_eq!((world.reason(Ready).as_str(), world.status.phase), ("PlannerFailed", Some(Phase::Upgrading)));
    let message = world.decide().conditions[0].message.clone();
    assert!(message.contains("the pod was evicted"), "{message}");
    world.end(1, Exit::Crashed(137));
    world.run(20);
    assert_eq!(world.processes[&1].phase, EnginePhase::Running, "{:#?}", world.log);
    world.verdict = PlannerState::Judged(Default::default());
    world.run_to("settled");
    world.assert_ready(2);
}

/// The planner of a job whose queue never ends is one that failed, too.
#[test]
fn rule_05_a_planner_that_hangs_is_replaced() {
    let mut world = World::running(json!({}));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("another revision is asked for");
    world.step();
    world.now = after(world.now, Duration::from_secs(400));
    let decision = world.step();
    assert!(decision.to_string().contains("delete ConfigMap/j-planner"), "{decision}");
    world.settle();
    world.assert_ready(2);
}

/// It takes its time, and its end says nothing about the job that runs.
#[test]
fn rule_05_a_job_that_crashes_while_a_planner_runs_is_recovered() {
    let mut world = World::running(json!({}));
    world.faults.slow_planner = true;
    world.edit(json!({"sql": "SELECT 2"}));
    world.run(3);
    world.end(1, Exit::Crashed(137));
    world.run(20);
    assert_eq!(world.processes[&1].phase, EnginePhase::Running, "{:#?}", world.log);
    assert_eq!(world.reason(Ready), "Planning");
    world.faults.slow_planner = false;
    world.settle();
    world.assert_ready(2);
}

/// Savepoints fail, so the job runs on, and nobody wants it stopped any more.
#[test]
fn rule_05_a_stop_that_waits_is_taken_back_with_the_spec() {
    let start = json!({"upgrade": {"fallback": "Wait", "warm": "Never"}});
    for (edit, back) in [
        (json!({"sql": "SELECT 2"}), json!({"sql": "SELECT 1"})),
        (json!({"desiredState": "Suspended"}), json!({"desiredState": "Running"})),
        (json!({"parallelism": 6}), json!({"parallelism": 2})),
    ] {
        let mut world = World::running(start.clone());
        world.faults.no_checkpoints = true;
        world.faults.no_rescale = true;
        world.edit(edit.clone());
        world.run(30);
        world.run_to("stop: failed");
        world.step();
        assert_eq!(world.reason(Ready), "StopFailed", "{edit}: {:#?}", world.log);
        world.edit(back);
        world.faults.no_checkpoints = false;
        world.faults.calls_fail = true;
        world.settle();
        world.assert_ready(1);
    }
}

#[test]
fn rule_05_a_job_that_crashes_while_a_plan_waits_is_recovered() {
    for wait in ["approval", "refused", "incompatible"] {
        let mut world = World::running(json!({"upgrade": {"approval": "Manual"}}));
        match wait {
            "refused" => world.verdict = PlannerState::Refused("no table".into()),
            "incompatible" => world.lose("agg"),
            _ => {}
        }
        world.edit(json!({"sql": "SELECT 2"}));
        world.run(10);
        world.end(1, Exit::Crashed(137));
        world.run(20);
        let attempt_and_phase = (world.status.attempt, world.processes.get(&1).map(|process| process.phase));
        assert_eq!(attempt_and_phase, (Some(1), Some(EnginePhase::Running)), "{wait}: {:#?}", world.log);
        assert_ne!(world.condition(Ready), "True", "{wait}");
    }
}

#[test]
fn rule_05_a_spec_that_turns_bad_while_the_old_job_stops_lets_a_job_run() {
    for row in ["warm: under way", "stop: under way", "start: under way"] {
        let mut world = World::running(json!({}));
        world.edit(json!({"sql": "SELECT 2"}));
        world.run_to(row);
        world.edit(json!({"sql": " "}));
        world.run(60);
        assert_eq!(world.condition(Stalled), "True", "{row}");
        let attempt = world.status.attempt.unwrap();
        let phase = world.processes.get(&attempt).map(|p: &Process| p.phase);
        assert_eq!(phase, Some(EnginePhase::Running), "{row}: {:#?}", world.log);
        assert!(after(world.epoch_at, Duration::from_secs(10)) > world.now, "{row}: epochs are made");
    }
}
