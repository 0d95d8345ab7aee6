//! Whole lives, decision by decision: what is done, in which order, under which row of the table.

use millstream_api::status::IntentCause;
use serde_json::json;

use super::world::World;
use crate::observed::{Judgement, PlannerState};

/// The log with names of objects left out: those are in the tests of `build`.
fn lines(world: &World) -> Vec<String> {
    let short = |line: &String| {
        let cut = ["ensure ", "delete ", "start planner "]
            .iter()
            .find_map(|word| line.find(word).map(|at| at + word.len()));
        cut.map_or(line.clone(), |at| line[..at].trim_end().to_owned())
    };
    world.log.iter().map(short).collect()
}

#[test]
fn create() {
    let mut world = World::new(json!({}));
    world.settle();
    assert_eq!(
        lines(&world),
        [
            "no finalizer: add finalizer",
            "never deployed: write intent: Create Start to attempt 1 from Newest, stop by Nothing",
            "start: under way: issue certificates j-tls-1",
            "start: under way: ensure",
            "start: records flow: write intent: none",
        ]
    );
    assert_eq!(
        world.log[3],
        "start: under way: ensure ConfigMap/j-config-1 NetworkPolicy/j-network-1 Service/j-coordinator-1 \
         Service/j-workers-1 PodDisruptionBudget/j-workers-1 Pod/j-coordinator-1 Pod/j-worker-1-0"
    );
}

#[test]
fn upgrade_with_warm_pods() {
    let mut world = World::running(json!({}));
    world.edit(json!({"sql": "SELECT 2"}));
    let newest = world.epoch.unwrap();
    world.settle();
    assert_eq!(
        lines(&world),
        [
            "another revision is asked for: start planner".to_owned(),
            format!(
                "another revision is asked for: write intent: Spec Warm to attempt 2 from Newest at least {}, stop by Checkpoint",
                newest + 1
            ),
            "warm: under way: issue certificates j-tls-2".into(),
            "warm: under way: ensure".into(),
            format!(
                "warm: pods are ready: write intent: Spec Stop to attempt 2 from Newest at least {}, stop by Checkpoint",
                newest + 3
            ),
            "stop: under way: stop attempt 1 behind Checkpoint".into(),
            format!(
                "stop: done: write intent: Spec Start to attempt 2 from Newest at least {}, stop by Checkpoint",
                newest + 5
            ),
            "start: under way: activate attempt 2".into(),
            "start: under way: delete".into(),
            "start: records flow: write intent: none".into(),
            "on trial: delete".into(),
            "settled: delete".into(),
        ]
    );
    assert_eq!(world.pods(), ["j-coordinator-2", "j-worker-2-0"]);
}

/// A kubelet notices the end of a process a second later, and takes another one to take the pod away.
#[test]
fn a_standby_is_activated_when_the_old_coordinator_has_said_its_end_although_its_pod_is_there() {
    let decision = stopped_and_unseen(true);
    assert!(decision.contains("activate attempt 2; delete"), "{decision}");
    assert!(decision.contains("Pod/j-coordinator-1"), "{decision}");
}

/// Nobody knows then whether the process is at its end.
#[test]
fn an_operator_that_did_not_hear_the_old_coordinator_waits_until_its_pod_is_gone() {
    let decision = stopped_and_unseen(false);
    assert!(!decision.contains("activate"), "{decision}");
    assert!(decision.contains("delete Pod/j-coordinator-1"), "{decision}");
}

/// What is decided at the start of a new deployment while the pod of the old coordinator seems to run.
fn stopped_and_unseen(is_heard: bool) -> String {
    let mut world = World::running(json!({}));
    world.faults.ends_unseen = true;
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("stop: done");
    world.step();
    if !is_heard {
        world.calls.clear();
    }
    world.decide().to_string()
}

#[test]
fn suspend_and_resume() {
    let mut world = World::running(json!({}));
    world.edit(json!({"desiredState": "Suspended"}));
    world.settle();
    assert!(world.pods().is_empty());
    let stopped_at = world.epoch.unwrap();
    world.edit(json!({"desiredState": "Running"}));
    world.settle();
    assert_eq!(
        world.story(),
        [
            format!(
                "write intent: Suspend Suspend to attempt 2 from Newest at least {}, stop by Checkpoint",
                stopped_at - 2
            ),
            "stop attempt 1 behind Checkpoint".into(),
            // Nobody has seen the one that was written when it stopped.
            format!(
                "write intent: Resume Start to attempt 2 from Newest at least {}, stop by Checkpoint",
                stopped_at - 1
            ),
            "write intent: none".into(),
        ]
    );
}

#[test]
fn restart_by_nonce() {
    let mut world = World::running(json!({"restart": {"nonce": 1}}));
    world.edit(json!({"restart": {"nonce": 2}}));
    world.settle();
    assert!(world.story()[0].starts_with("write intent: Restart Stop to attempt 2 from Newest at least"));
    assert_eq!(world.status.nonces.as_ref().unwrap().restart, Some(2));
    assert_eq!(world.status.trial, None);
}

#[test]
fn restore_goes_to_the_exact_address_once() {
    let mut world = World::running(json!({}));
    world.edit(json!({"restore": {"from": "s3://b/savepoints/1", "nonce": 1}}));
    world.run_to("start: under way");
    world.run(2);
    let started = world.log.iter().find(|line| line.contains("Restore Start")).unwrap();
    assert!(
        started.ends_with("write intent: Restore Start to attempt 2 from Snapshot, stop by Checkpoint"),
        "{started}"
    );
    world.settle();
    assert_eq!(world.status.restored_from.as_ref().unwrap().uri, "s3://b/savepoints/1");
    let attempt = world.status.attempt;
    world.edit(
        json!({"restore": {"from": "s3://b/savepoints/1", "nonce": 1}, "upgrade": {"mode": "LastState"}}),
    );
    world.settle();
    assert_eq!(world.status.attempt, attempt, "it was restored once");
    world.edit(json!({"restore": null}));
    world.settle();
    assert_eq!(world.status.attempt, attempt, "taking it out asks for nothing");
    world.edit(json!({"restore": {"from": "s3://b/savepoints/1", "nonce": 2}}));
    world.settle();
    assert_eq!(world.status.attempt, Some(3), "a new number restores again");
}

#[test]
fn sql_that_means_the_same_does_not_bring_another_engine() {
    let mut world = World::running(json!({}));
    world.image = "millstream:2";
    world.verdict = PlannerState::Judged(Judgement { is_same_plan: true, ..Judgement::default() });
    world.edit(json!({"sql": "SELECT  1 -- one"}));
    world.settle();
    assert_eq!(world.status.current_revision, world.status.target_revision);
    let images: Vec<&str> =
        world.children.iter().filter_map(|child| Some(child.deployed.as_ref()?.image.as_str())).collect();
    assert_eq!(images, ["millstream:1"]);
}

#[test]
fn sql_that_reads_differently_and_means_the_same_touches_nothing() {
    let mut world = World::running(json!({}));
    world.verdict = PlannerState::Judged(Judgement { is_same_plan: true, ..Judgement::default() });
    world.edit(json!({"sql": "SELECT  1 -- one"}));
    world.settle();
    assert_eq!(
        lines(&world),
        [
            "another revision is asked for: start planner",
            "another revision is asked for: write intent: none",
            "settled: ensure",
            "settled: delete",
        ]
    );
    assert_eq!(
        (world.status.attempt, &world.status.current_revision),
        (Some(1), &world.status.target_revision)
    );
    // A restore that was carried out long ago is no part of the change.
    world.edit(json!({"restore": {"from": "s3://b/s", "nonce": 1}}));
    world.settle();
    let attempt = world.status.attempt;
    world.edit(json!({"restart": {"nonce": 1}}));
    world.settle();
    world.edit(json!({"sql": "SELECT 1 -- two"}));
    world.settle();
    assert_eq!(
        world.status.attempt,
        attempt.map(|attempt| attempt + 1),
        "the restart only: {:#?}",
        world.log
    );
    // The same plan for other pods is another deployment.
    let attempt = world.status.attempt;
    world.edit(json!({"worker": {"slots": 3}}));
    world.settle();
    assert_eq!(world.status.attempt, attempt.map(|attempt| attempt + 1));
}

/// The manifest is still that of the old revision when the spec goes back to it, and the new one runs.
#[test]
fn a_spec_that_goes_back_before_the_first_checkpoint_is_another_change() {
    let mut world = World::running(json!({}));
    world.edit(json!({"sql": "SELECT 2"}));
    world.run_to("start: under way");
    world.faults.no_checkpoints = true;
    world.run_to("on trial");
    world.edit(json!({"sql": "SELECT 1"}));
    world.run_to("stop: under way");
    assert_eq!(world.status.intent.as_ref().unwrap().cause, IntentCause::Spec, "{:#?}", world.log);
    world.faults.no_checkpoints = false;
    world.settle();
    assert_eq!(world.sql_of(3).as_deref(), Some("SELECT 1"));
    world.assert_ready(3);
}

#[test]
fn labels_of_a_template_are_patched_on_the_pods_that_run() {
    let mut world = World::running(json!({}));
    world.edit(json!({"worker": {"podTemplate": {"metadata": {"labels": {"team": "a"}}}}}));
    world.settle();
    assert_eq!(world.log, ["settled: ensure ConfigMap/j-config-1 Pod/j-worker-1-0"]);
}
