//! Plans, warm pods, schedules and suspended jobs, which have no rule of a number.

use millstream_api::conditions::ConditionType::{Ready, Reconciling, Stalled};
use millstream_api::status::{IntentStep, Phase};
use millstream_api::streamsnapshot::SnapshotPhase;
use serde_json::json;

use super::world::{World, start};
use crate::observed::{EnginePhase, Judgement, PlannerState, Snapshot, SqlText, Trouble};
use crate::time::after;

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
fn warm_pods_beyond_a_quota_stop_the_old_job_first() {
    let mut world = World::running(json!({}));
    world.faults.denied = Some((2, Trouble::Unschedulable));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run(60);
    assert_eq!((world.status.attempt, world.status.phase), (Some(1), Some(Phase::Upgrading)));
    assert!(world.message(Reconciling).contains("Pod/j-"), "{}", world.message(Reconciling));
    world.run_to("warm: no room for both");
    world.faults.denied = None;
    world.settle();
    world.assert_ready(2);
}

#[test]
fn warm_pods_that_a_policy_forbids_leave_the_old_job_alone() {
    let mut world = World::running(json!({}));
    world.faults.denied = Some((2, Trouble::Denied));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run(60);
    assert_eq!((world.status.attempt, world.status.phase), (Some(1), Some(Phase::Running)));
    assert_eq!(world.reason(Stalled), "Denied");
    assert!(world.message(Stalled).contains("cannot be made"), "{}", world.message(Stalled));
}

#[test]
fn a_new_job_that_a_policy_forbids_says_so_and_is_made_when_it_may() {
    let mut world = World::new(json!({}));
    world.faults.denied = Some((1, Trouble::Denied));
    world.run(20);
    assert_eq!(world.reason(Reconciling), "Denied");
    world.faults.denied = None;
    world.settle();
    assert_eq!(world.condition(Ready), "True");
}

#[test]
fn a_planner_beyond_a_quota_is_said_and_waited_for() {
    let mut world = World::running(json!({}));
    world.faults.denied = Some((0, Trouble::Unschedulable));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run(20);
    assert_eq!(world.reason(Reconciling), "Denied");
    assert!(world.message(Reconciling).contains("planner"), "{}", world.message(Reconciling));
    assert_eq!(world.status.attempt, Some(1));
    world.faults.denied = None;
    world.settle();
    world.assert_ready(2);
}

#[test]
fn a_change_that_cannot_go_on_from_the_newest_state_is_held_unless_none_is_wanted() {
    let mut world = World::running(json!({}));
    let refused = Some("the number of key groups differs".to_owned());
    world.verdict = PlannerState::Judged(Judgement { refused, ..Judgement::default() });
    world.edit(json!({"sql": "SELECT 2"}));
    world.run(20);
    assert_eq!((world.reason(Stalled).as_str(), world.status.attempt), ("StateIncompatible", Some(1)));
    assert_eq!(world.message(Stalled), "the number of key groups differs");
    world.edit(json!({"upgrade": {"mode": "Stateless", "allowStateLoss": true}}));
    world.settle();
    world.assert_ready(2);
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
    assert_eq!(made, 6, "{:#?}", world.log);
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
fn snapshots_that_came_to_nothing_are_kept_until_one_does_not() {
    let snapshots = json!({"schedule": "*/10 * * * *", "retention": {"count": 3, "maxAge": "24h"}});
    let mut world = World::running(json!({"snapshots": snapshots}));
    world.faults.savepoints_fail = true;
    for _ in 0..60 {
        world.run(60);
        assert!(world.snapshots.len() <= 4, "{:?}", world.snapshots);
    }
    let failed = |world: &World| world.snapshots.iter().filter(|s| s.phase == SnapshotPhase::Failed).count();
    assert_eq!(failed(&world), 3);
    world.faults.savepoints_fail = false;
    for _ in 0..12 {
        world.run(60);
    }
    assert_eq!(failed(&world), 0);
    assert!(world.snapshots.iter().any(|snapshot| snapshot.phase == SnapshotPhase::Completed));
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
