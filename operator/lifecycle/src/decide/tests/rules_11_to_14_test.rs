//! Lifecycle rules 11 to 14: deletion, nonces, what pods may do, scaling; and plans, warm pods and schedules, which have no number.

use millstream_api::conditions::ConditionType::{Ready, Stalled};
use millstream_api::status::{IntentStep, Phase};
use millstream_api::streamsnapshot::SnapshotPhase;
use serde_json::json;

use super::world::{World, start};
use crate::action::Action;
use crate::observed::{CallKind, Child, ChildKind, Component, EnginePhase, Pod, PodState, Snapshot, SqlText};
use crate::time::{after, elapsed};

#[test]
fn rule_11_each_policy_ends_the_job_in_its_way() {
    for (policy, expected) in [
        ("Cancel", "cancel attempt 1"),
        ("Savepoint", "stop attempt 1 behind Savepoint"),
        ("Drain", "stop attempt 1 behind Drain"),
    ] {
        let mut world = World::running(json!({"deletionPolicy": policy}));
        world.object.deleted = Some(world.now);
        world.settle();
        assert!(world.is_gone, "{policy}");
        let story = world.story();
        assert!(story[0].starts_with("write intent: Delete Delete"), "{story:#?}");
        assert_eq!(story[1..], [expected, "remove finalizer"], "{policy}");
    }
}

/// Not to know yet whether the job runs is no reason to end it without its savepoint.
#[test]
fn rule_11_an_operator_that_was_started_again_asks_before_it_ends_a_job() {
    for (policy, expected) in
        [("Savepoint", "stop attempt 1 behind Savepoint"), ("Drain", "stop attempt 1 behind Drain")]
    {
        let mut world = World::running(json!({"deletionPolicy": policy}));
        world.object.deleted = Some(world.now);
        world.restart_operator();
        assert_eq!(world.decide().situation, "deletion: nobody was asked yet");
        world.settle();
        assert!(world.is_gone);
        assert_eq!(world.story()[1], expected);
        // Its own clock goes on.
        let mut world = World::running(json!({"deletionPolicy": policy}));
        world.object.deleted = Some(world.now);
        for _ in 0..200 {
            world.restart_operator();
            world.run(2);
        }
        assert!(world.is_gone);
    }
}

#[test]
fn rule_11_deletion_ends_whatever_happens() {
    for (policy, limit) in [("Cancel", 70), ("Savepoint", 670), ("Drain", 670)] {
        for fault in ["silent", "calls fail", "status lost"] {
            let mut world = World::running(json!({"deletionPolicy": policy}));
            world.object.deleted = Some(world.now);
            world.faults.silent = fault == "silent";
            world.faults.calls_fail = fault == "calls fail";
            while !world.is_gone {
                world.step_until_crash(if fault == "status lost" { 0 } else { 9 });
                world.pass(5);
                if elapsed(world.object.deleted.unwrap(), world.now).as_secs() > limit {
                    world.step();
                    break;
                }
            }
            assert!(world.is_gone, "{policy} {fault}: {:#?}", world.log);
        }
    }
}

#[test]
fn rule_11_the_annotation_ends_it_at_once() {
    let mut world = World::running(json!({"deletionPolicy": "Savepoint"}));
    world.object.deleted = Some(world.now);
    world.object.skips_deletion_policy = true;
    let decision = world.decide();
    assert!(matches!(decision.actions.last(), Some(Action::RemoveFinalizer)), "{decision}");
    assert_eq!(decision.situation, "deletion: time is up");
}

#[test]
fn rule_11_a_job_that_never_ran_or_has_a_bad_spec_is_deleted_too() {
    let mut world = World::new(json!({"sql": " "}));
    world.run(5);
    assert_eq!(world.status.phase, Some(Phase::Failed));
    world.object.deleted = Some(world.now);
    world.settle();
    assert!(world.is_gone);
    let mut world = World::running(json!({}));
    world.edit(json!({"sql": " "}));
    world.run(3);
    world.object.deleted = Some(world.now);
    world.settle();
    assert!(world.is_gone);
}

#[test]
fn rule_11_deletion_comes_in_the_middle_of_everything() {
    for row in ["warm: under way", "stop: under way", "start: under way", "another revision is asked for"] {
        let mut world = World::running(json!({}));
        world.edit(json!({"sql": "SELECT 2"}));
        world.run_to(row);
        world.object.deleted = Some(world.now);
        world.settle();
        assert!(world.is_gone, "{row}");
    }
}

#[test]
fn rule_12_a_nonce_acts_once() {
    let mut world = World::new(json!({"restart": {"nonce": 7}}));
    world.settle();
    assert_eq!(world.status.attempt, Some(1), "the first deployment is the act");
    assert_eq!(world.status.nonces.as_ref().unwrap().restart, Some(7));
    world.edit(json!({"restart": null}));
    world.settle();
    world.edit(json!({"restart": {"nonce": 7}}));
    world.settle();
    assert_eq!(world.status.attempt, Some(1), "null is ignored, and the number is the old one");
    world.edit(json!({"restart": {"nonce": 8}}));
    world.run_to("stop: under way");
    assert_eq!(world.status.nonces.as_ref().unwrap().restart, Some(8), "it is taken with the intent");
    world.settle();
    assert_eq!(world.status.attempt, Some(2));
    // An upgrade that brings a new number is the restart.
    world.edit(json!({"sql": "SELECT 2", "restart": {"nonce": 9}}));
    world.settle();
    assert_eq!(world.status.attempt, Some(3));
}

/// What pods may do is tested on the objects themselves; here, that no decision makes anything else.
#[test]
fn rule_13_every_object_is_one_of_the_operators_and_none_is_a_secret() {
    let mut world = World::new(json!({"secrets": [{"name": "kafka"}]}));
    world.settle();
    for child in &world.children {
        assert!(child.name.starts_with("j-"), "{}", child.name);
        assert_ne!(child.kind.to_string(), "Secret");
    }
}

/// A drain or a dead node has begun to end it, and nobody is there who could finish that.
#[test]
fn rule_11_a_pod_that_is_lost_goes_at_once_even_if_it_is_being_deleted() {
    let pod = |name: &str, state, is_terminating| Child {
        kind: ChildKind::Pod,
        name: name.into(),
        uid: name.into(),
        owner: "o".into(),
        attempt: 1,
        plan: "p".into(),
        generation: 1,
        is_managed: true,
        applied: String::new(),
        is_terminating,
        pod: Some(Pod { component: Component::Worker(0), state }),
        deployed: None,
    };
    let running = || PodState::Running { ready: true };
    let pods = [
        pod("lost", PodState::Lost, false),
        pod("lost-and-going", PodState::Lost, true),
        pod("runs", running(), false),
        pod("runs-and-going", running(), true),
    ];
    let action = crate::decide::delete(&pods).unwrap();
    assert_eq!(action.to_string(), "delete Pod/lost now Pod/lost-and-going now Pod/runs");
}

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
    assert_eq!(world.reason(Ready), "Deploying");
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

#[test]
fn plan_waits_for_the_approval_of_exactly_this_plan() {
    let mut world = World::running(json!({"upgrade": {"approval": "Manual"}}));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run(20);
    let plan = world.status.plan.clone().unwrap();
    assert_eq!(
        (world.reason(Ready).as_str(), world.status.phase),
        ("AwaitingApproval", Some(Phase::Upgrading))
    );
    assert_eq!(
        (plan.changes.as_slice(), plan.stop.as_deref()),
        (&["spec.sql".to_owned()][..], Some("Checkpoint"))
    );
    assert!(plan.state.is_some() && plan.restore_from.is_some());
    // An autoscaler that writes the spec meanwhile asks for nothing else.
    world.edit(json!({"parallelism": 3}));
    world.run(20);
    assert_eq!(world.status.plan.as_ref().unwrap().id, plan.id);
    world.object.approved = Some("p1-something".into());
    world.run(20);
    assert_eq!(world.status.attempt, Some(1));
    // Another spec is another plan: the old approval is none.
    world.object.approved = Some(plan.id.clone());
    world.edit(json!({"sql": "SELECT 3"}));
    world.run(20);
    assert_eq!(world.status.attempt, Some(1));
    let second = world.status.plan.clone().unwrap();
    assert_ne!(second.id, plan.id);
    world.object.approved = Some(second.id.clone());
    world.settle();
    assert_eq!(world.status.attempt, Some(2));
    assert_eq!(world.status.plan.as_ref().unwrap().approved_by.as_deref(), Some("annotation"));
}

#[test]
fn warm_pods_without_room_stop_the_old_job_first() {
    let mut world = World::running(json!({}));
    world.faults.no_room = true;
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("warm: under way");
    let begun = world.now;
    world.run_to("warm: no room for both");
    assert!((120..130).contains(&world.now.duration_since(begun).as_secs()));
    world.faults.no_room = false;
    world.settle();
    let story = world.story();
    let at = |what: &str| story.iter().position(|line| line == what).unwrap();
    assert!(at("stop attempt 1 behind Checkpoint") < at("activate attempt 2"), "{story:#?}");
    world.assert_ready(2);
}

#[test]
fn warm_pods_whose_image_comes_at_the_second_try_are_waited_for() {
    let mut world = World::running(json!({}));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("warm: under way");
    for _ in 0..3 {
        world.faults.no_image = true;
        world.run(10);
        world.faults.no_image = false;
        world.faults.no_room = true;
        world.run(1);
    }
    world.faults.no_room = false;
    world.settle();
    world.assert_ready(2);
}

/// Nothing says that they want for room, so stopping the old job would be of no use.
#[test]
fn warm_pods_that_are_slow_are_waited_for_and_given_up_with_the_old_job_running() {
    for (ready_after, attempt) in [(250, 2), (400, 1)] {
        let mut world = World::running(json!({}));
        world.faults.slow = true;
        world.edit(json!({"sql": "SELECT 2"}));
        world.run(ready_after);
        assert_eq!(world.processes[&1].phase, EnginePhase::Running, "{:#?}", world.log);
        world.faults.slow = false;
        world.settle();
        assert_eq!(world.status.attempt, Some(attempt), "{:#?}", world.log);
    }
}

#[test]
fn warm_pods_that_cannot_work_leave_the_old_job_alone() {
    let mut world = World::running(json!({}));
    world.faults.no_image = true;
    world.edit(json!({"sql": "SELECT 2"}));
    world.run(40);
    assert_eq!((world.status.attempt, world.status.phase), (Some(1), Some(Phase::Running)));
    assert_eq!(world.reason(Stalled), "ImageUnavailable");
    assert_eq!(world.pods(), ["j-coordinator-1", "j-worker-1-0"]);
}

#[test]
fn a_failing_image_of_a_new_job_is_said_and_forgiven() {
    let mut world = World::new(json!({}));
    world.faults.no_image = true;
    world.run(200);
    assert_eq!(
        (world.reason(Stalled).as_str(), world.status.phase),
        ("ImageUnavailable", Some(Phase::Failed))
    );
    world.faults.no_image = false;
    world.settle();
    assert_eq!(world.condition(Ready), "True");
}

#[test]
fn a_config_map_with_sql_counts_by_its_text() {
    let mut world = World::new(json!({"sql": null}));
    world.edit(json!({"sql": null, "sqlFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}));
    world.sql = SqlText::Missing("config map c is not there".into());
    world.run(3);
    assert_eq!(world.reason(Stalled), "SqlMissing");
    world.sql = SqlText::Found("SELECT 1".into());
    world.settle();
    world.sql = SqlText::Missing("config map c is not there".into());
    world.run(3);
    assert_eq!((world.status.phase, world.condition(Stalled).as_str()), (Some(Phase::Running), "True"));
    world.sql = SqlText::Found("SELECT 2".into());
    world.settle();
    world.assert_ready(2);
}

#[test]
fn schedules_make_one_snapshot_at_a_time_and_keep_so_many() {
    let snapshots = json!({"schedule": "*/10 * * * *", "retention": {"count": 2, "maxAge": "25m"}});
    let mut world = World::running(json!({"snapshots": snapshots}));
    world.snapshots.push(Snapshot {
        name: "mine".into(),
        is_scheduled: false,
        created: start(),
        phase: SnapshotPhase::Completed,
    });
    for _ in 0..30 {
        world.run(60);
        assert!(world.snapshots.iter().filter(|s| s.is_scheduled).count() <= 3);
    }
    let made = world.log.iter().filter(|line| line.contains("create snapshot")).count();
    let taken = world.log.iter().filter(|line| line.contains(": savepoint j-scheduled")).count();
    assert_eq!((made, taken), (6, 6), "{:#?}", world.log);
    let names: Vec<_> = world.snapshots.iter().map(|snapshot| snapshot.name.clone()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.contains(&"mine".to_owned()), "what a person made stays");
    // The newest stays, however old it is.
    world.edit(json!({"snapshots": {"schedule": "0 0 1 1 *", "retention": {"count": 2, "maxAge": "25m"}}}));
    world.now = after(world.now, std::time::Duration::from_secs(86_400));
    world.run(10);
    assert_eq!(world.snapshots.iter().filter(|s| s.is_scheduled).count(), 1);
}

#[test]
fn a_job_that_was_suspended_from_the_start_has_no_pods_and_a_status() {
    let mut world = World::new(json!({"desiredState": "Suspended"}));
    world.settle();
    assert!(world.children.is_empty());
    assert_eq!((world.condition(Ready).as_str(), world.reason(Ready).as_str()), ("True", "Suspended"));
    assert_eq!(world.status.observed_generation, Some(1));
    world.edit(json!({"desiredState": "Running"}));
    world.settle();
    assert_eq!(world.status.phase, Some(Phase::Running));
}

#[test]
fn a_suspended_job_stays_so_with_a_bad_spec() {
    let mut world = World::running(json!({}));
    world.edit(json!({"desiredState": "Suspended"}));
    world.settle();
    world.edit(json!({"sql": " "}));
    world.run(20);
    assert_eq!((world.condition(Stalled).as_str(), world.pods().len()), ("True", 0));
    assert_eq!(world.status.intent.as_ref().unwrap().step, IntentStep::Suspend);
    world.edit(json!({"sql": "SELECT 2", "desiredState": "Running"}));
    world.settle();
    assert_eq!((world.condition(Ready).as_str(), world.status.phase), ("True", Some(Phase::Running)));
}
