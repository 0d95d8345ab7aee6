//! Lifecycle rules 11 to 13: deletion, nonces, what pods may do.

use std::time::Duration;

use millstream_api::status::Phase;
use serde_json::json;

use super::world::World;
use crate::action::Action;
use crate::observed::{Child, ChildKind, Component, Pod, PodState};
use crate::time::{Timestamp, after, elapsed};

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
fn rule_11_deletions_that_are_refused_do_not_keep_it() {
    let mut world = World::running(json!({}));
    world.object.deleted = Some(world.now);
    world.object.skips_deletion_policy = true;
    world.now = after(world.now, Duration::from_secs(119));
    let decision = world.decide();
    assert!(
        matches!(decision.actions[..], [Action::DeleteOrphans(_), Action::RemoveFinalizer]),
        "{decision}"
    );
    world.now = after(world.now, Duration::from_secs(2));
    let decision = world.decide();
    assert!(matches!(decision.actions[..], [Action::RemoveFinalizer]), "{decision}");
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
    let by = |by: i64| Some(Timestamp::from_second(by).unwrap());
    let pod = |name: &str, state, ends_by| Child {
        kind: ChildKind::Pod,
        name: name.into(),
        uid: name.into(),
        owner: "o".into(),
        attempt: 1,
        plan: "p".into(),
        generation: 1,
        is_managed: true,
        applied: String::new(),
        ends_by,
        pod: Some(Pod { component: Component::Worker(0), state }),
        deployed: None,
        certificates: None,
    };
    let running = || PodState::Running { ready: true };
    let pods = [
        pod("lost", PodState::Lost, None),
        pod("lost-and-going", PodState::Lost, by(50)),
        pod("runs", running(), None),
        pod("runs-and-going", running(), by(80)),
        pod("went-long-ago", running(), by(60)),
    ];
    let now = Timestamp::from_second(100).unwrap();
    let pods = pods.map(|child| child.as_of(now));
    let action = crate::decide::delete(&pods).unwrap();
    assert_eq!(
        action.to_string(),
        "delete Pod/lost now Pod/lost-and-going now Pod/runs Pod/went-long-ago now"
    );
}
