//! Savepoints that a job writes.

use millstream_api::status::Phase;
use millstream_api::streamsnapshot::SnapshotPhase::{Abandoned, Completed, Failed, InProgress, Pending};
use serde_json::json;

use super::world::{World, failed, savepoint};
use crate::observed::{Engine, EnginePhase};
use crate::snapshot::{Found, JobSeen, SnapshotAction, ToolState};

const URI: &str = "s3://b/p/savepoints/shop.orders/nightly-0d7c3d6e1f2a";

/// A snapshot whose job was asked.
fn asked() -> World {
    let mut world = World::new(json!({}));
    world.settle();
    assert!(world.call.is_some());
    world
}

#[test]
fn the_intent_is_written_before_the_job_is_asked_and_what_it_answers_is_the_outcome() {
    let mut world = World::new(json!({}));
    let decision = world.decide();
    assert!(matches!(decision.actions.as_slice(), [SnapshotAction::WriteIntent(_)]), "{decision}");
    world.settle();
    assert_eq!(
        world.log,
        [
            format!("it can be taken; write intent: {URI}"),
            "being taken: ask; savepoint nightly-0d7c3d6e1f2a of attempt 3".to_owned(),
            "being taken".to_owned(),
        ]
    );
    world.assert_phase(InProgress, "Taking");
    assert_eq!(world.access.as_ref().unwrap().secrets, ["kafka"], "kept for when the job is gone");
    world.pass(5);
    let written = world.write();
    world.settle();
    world.assert_phase(Completed, "Completed");
    let status = &world.status;
    assert_eq!((status.uri.as_deref(), status.epoch, status.size_bytes), (Some(URI), Some(41), Some(4_096)));
    assert_eq!(status.completed_at.as_ref().unwrap().0, written.at);
    assert_eq!(status.verified, None, "nobody has read it back");
    let decision = world.decide();
    assert_eq!((decision.actions.len(), decision.status, decision.requeue), (0, None, None));
}

#[test]
fn a_job_that_cannot_be_asked_is_waited_for_and_why_is_said() {
    type Change = fn(&mut World);
    let table: [(&str, &str, Change); 7] = [
        ("JobNotFound", "there is no StreamJob orders", |w| w.job = JobSeen::Absent),
        ("JobSuspended", "when it runs again", |w| w.job().phase = Some(Phase::Suspended)),
        ("JobNotRunning", "it is Failed", |w| w.job().phase = Some(Phase::Failed)),
        ("JobNotRunning", "it is new", |w| w.job().phase = None),
        ("JobNotRunning", "it is Upgrading", |w| {
            w.job().phase = Some(Phase::Upgrading);
            w.job().is_under_way = true;
        }),
        ("JobNotRunning", "records do not flow", |w| w.answer().phase = EnginePhase::Backoff),
        ("JobNotRunning", "does not answer", |w| w.job().engine = Engine::Silent { since: w.now }),
    ];
    for (reason, message, change) in table {
        let mut world = World::new(json!({}));
        let runs = world.job.clone();
        change(&mut world);
        world.settle();
        world.assert_phase(Pending, reason);
        let said = &world.status.conditions[0].message;
        assert!(said.contains(message), "{said}");
        assert_eq!(world.status.taking, None, "nothing was begun");
        world.job = runs;
        world.settle();
        world.assert_phase(InProgress, "Taking");
    }
}

#[test]
fn a_job_that_is_over_or_another_one_is_not_taken() {
    type Change = fn(&mut World);
    let table: [(&str, &str, Change); 4] = [
        ("JobFinished", "has finished", |w| w.job().phase = Some(Phase::Finished)),
        ("JobDeleted", "is being deleted", |w| w.job().is_deleted = true),
        ("JobDeleted", "was deleted before", |w| w.job = JobSeen::Absent),
        ("JobReplaced", "another one has its name", |w| w.job().uid = "u-2".into()),
    ];
    for (reason, message, change) in table {
        let mut world = asked();
        change(&mut world);
        world.outcome(failed("the connection broke", true));
        world.finds = ToolState::Absent("there is no savepoint".into());
        world.run(10);
        world.assert_phase(Abandoned, reason);
        let error = world.status.error.clone().unwrap();
        assert!(error.contains(message), "{error}");
        assert_eq!(world.pods, [], "nothing is left");
    }
}

/// The job ended, but what it had written before is there.
#[test]
fn what_a_job_wrote_before_its_end_counts() {
    let mut world = asked();
    world.restart_operator();
    world.job = JobSeen::Absent;
    let at = world.now;
    world.finds = ToolState::Done(Found { epoch: Some(40), bytes: Some(7), at: Some(at) });
    world.run(10);
    world.assert_phase(Completed, "Completed");
    assert_eq!((world.status.uri.as_deref(), world.status.epoch), (Some(URI), Some(40)));
    assert_eq!((world.status.verified, world.pods.len()), (Some(true), 0));
}

#[test]
fn failures_are_counted_and_tried_again_after_pauses_that_grow() {
    let mut world = World::new(json!({"retries": 2}));
    let mut begun = Vec::new();
    for second in 0..200 {
        world.pass(1);
        let line = world.step();
        if line.contains("of attempt 3") {
            begun.push(second);
            world.outcome(failed("checkpoint 7 failed: no space", false));
        }
    }
    world.assert_phase(Failed, "RetriesExhausted");
    assert_eq!(
        (world.status.failures, world.status.error.as_deref()),
        (Some(3), Some("checkpoint 7 failed: no space"))
    );
    let pauses: Vec<_> = begun.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(begun.len(), 3, "{:#?}", world.log);
    assert!((10..14).contains(&pauses[0]) && (20..24).contains(&pauses[1]), "{pauses:?}");
    assert!(
        !world.log.iter().any(|line| line.contains("start pod")),
        "what failed clearly is not looked for"
    );
    // More attempts were allowed.
    world.spec["retries"] = json!(3);
    world.object.generation += 1;
    world.run(60);
    assert_eq!(world.status.phase, Some(InProgress));
}

#[test]
fn an_answer_that_never_came_is_found_out_by_looking() {
    for (is_there, expected) in [(true, Completed), (false, Pending)] {
        let mut world = asked();
        world.outcome(failed("no answer within 600 s", true));
        world.finds = if is_there {
            ToolState::Done(Found::default())
        } else {
            ToolState::Absent("there is no savepoint there".into())
        };
        world.run(6);
        assert_eq!(world.status.phase, Some(expected), "{:#?}", world.log);
        assert_eq!(world.status.failures, (!is_there).then_some(1));
        assert_eq!(world.pods, []);
    }
    // One that never starts does not hold it up for ever.
    let mut world = asked();
    world.outcome(failed("no answer within 600 s", true));
    let since = world.now;
    world.finds = ToolState::Starting { since, trouble: Some("no node".into()) };
    world.run(320);
    assert_eq!(world.status.failures, Some(1), "{:#?}", world.log);
}

#[test]
fn an_operator_that_was_started_again_does_not_take_it_twice() {
    // The engine is at it: it is waited for.
    let mut world = asked();
    world.pass(5);
    world.restart_operator();
    world.answer().savepoints_under_way = 1;
    world.run(10);
    assert_eq!(world.call, None, "{:#?}", world.log);
    // The engine has it: that is the outcome.
    world.answer().savepoints_under_way = 0;
    let at = world.status.taking.as_ref().unwrap().since.clone();
    world.answer().savepoint = Some(savepoint(URI, &at));
    world.settle();
    world.assert_phase(Completed, "Completed");
    assert_eq!(world.status.epoch, Some(41));

    // The engine does not remember it: the same name is asked for, which it refuses, and a pod finds it.
    let mut world = asked();
    world.pass(5);
    world.restart_operator();
    let other = world.status.taking.as_ref().unwrap().since.clone();
    world.answer().savepoint = Some(savepoint("s3://b/p/savepoints/shop.orders/another", &other));
    world.settle();
    assert!(world.call.is_some());
    world.outcome(failed("there is a savepoint already", true));
    world.finds = ToolState::Done(Found { epoch: Some(41), bytes: None, at: None });
    world.run(5);
    world.assert_phase(Completed, "Completed");
    let asked: Vec<_> = world.log.iter().filter(|line| line.contains("of attempt")).collect();
    assert!(asked.iter().all(|line| line.contains("nightly-0d7c3d6e1f2a of attempt 3")), "{asked:?}");
}

#[test]
fn a_coordinator_that_was_not_asked_yet_is_waited_for() {
    let mut world = asked();
    world.pass(5);
    world.restart_operator();
    world.job().engine = Engine::Unknown;
    world.run(5);
    assert_eq!((world.call.as_ref(), world.pods.len()), (None, 0), "{:#?}", world.log);
}

#[test]
fn an_upgrade_in_the_middle_is_followed_by_another_attempt_that_counts_as_the_first() {
    let mut world = asked();
    world.outcome(failed("the connection broke", true));
    world.job().phase = Some(Phase::Upgrading);
    world.job().is_under_way = true;
    world.finds = ToolState::Absent("there is no savepoint there".into());
    world.run(6);
    world.assert_phase(Pending, "JobNotRunning");
    assert_eq!(world.status.failures, None);
    world.job().phase = Some(Phase::Running);
    world.job().is_under_way = false;
    world.job().attempt = Some(4);
    world.settle();
    assert!(world.log.last().is_some_and(|line| line == "being taken"), "{:#?}", world.log);
    assert_eq!(world.status.taking.as_ref().unwrap().attempt, 4);
    world.write();
    world.settle();
    world.assert_phase(Completed, "Completed");
}

#[test]
fn what_cannot_be_done_is_said() {
    let mut world = World::new(json!({"type": "Checkpoint"}));
    world.settle();
    world.assert_phase(Failed, "Unsupported");
    let mut world = World::new(json!({"retries": "many"}));
    world.settle();
    world.assert_phase(Failed, "InvalidSpec");
}
