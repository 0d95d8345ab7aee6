//! Taking over, waiting for workers, deploying, handing out splits.

use millstream_checkpoint::Outcome;
use millstream_model::control::{FromWorker, HeldSlots};
use millstream_model::{Attempt, ErrorKind};

use super::bench::*;
use crate::{Command, Event, JobPhase, Settings, Timer};

#[test]
fn a_first_deployment_step_by_step() {
    let mut t = Bench::new(&[2, 1], settings());
    t.expect(0, took_over(None, &[]), &[]);
    assert_eq!(t.status().phase, JobPhase::WaitingForSlots);
    t.expect(
        1,
        registered(1, 2),
        &[
            "worker 1: prepare attempt 1",
            "worker 1: deploy 0/0 of attempt 1",
            "worker 1: deploy 0/1 of attempt 1",
            "worker 1: deploy 1/0 of attempt 1",
            "attempt 1: enumerate src from nothing",
            "timer deploy of attempt 1 at 901",
        ],
    );
    assert_eq!(t.status().phase, JobPhase::Deploying);
    t.expect(2, runs(1, 0, 0), &[]);
    t.expect(2, found(1, "a b c", true), &[]);
    t.expect(3, runs(1, 1, 0), &[]);
    t.expect(
        4,
        runs(1, 0, 1),
        &[
            "worker 1: start attempt 1",
            "worker 1: assign 0/0 [a c], no more",
            "worker 1: assign 0/1 [b], no more",
            "timer checkpoint of attempt 1 at 1004",
        ],
    );
    assert_eq!(t.status().phase, JobPhase::Running);
}

#[test]
fn splits_found_later_are_assigned_at_once() {
    let mut t = Bench::running(settings());
    t.expect(5, found(1, "a", false), &["worker 1: assign 0/0 [a]"]);
    t.expect(6, found(1, "b", false), &["worker 1: assign 0/0 [b]"]);
    t.expect(7, read_to_end(1, 0, "a b"), &[]);
    t.expect(8, found(1, "", true), &["worker 1: assign 0/0 [], no more"]);
    t.expect(9, found(0, "z", false), &[]);
}

#[test]
fn slots_of_several_workers_are_enough_together() {
    let mut t = Bench::new(&[3], settings());
    t.send(0, took_over(None, &[]));
    t.expect(0, registered(1, 2), &[]);
    assert_eq!(t.status().next.as_deref(), Some("start when 3 slots are there, now 2"));
    t.expect(
        0,
        registered(2, 1),
        &[
            "worker 1: prepare attempt 1",
            "worker 2: prepare attempt 1",
            "worker 1: deploy 0/0 of attempt 1",
            "worker 2: deploy 0/1 of attempt 1",
            "worker 1: deploy 0/2 of attempt 1",
            "attempt 1: enumerate src from nothing",
            "timer deploy of attempt 1 at 900",
        ],
    );
}

#[test]
fn a_worker_with_another_job_is_sent_away() {
    let mut t = Bench::new(&[1], settings());
    t.send(0, took_over(None, &[]));
    let stranger = FromWorker::Registered {
        worker: 4,
        slots: 9,
        fingerprint: "f0".into(),
        address: None,
        held: HeldSlots::default(),
    };
    t.expect(
        0,
        Event::FromWorker(stranger),
        &["release worker 4: worker 4 compiled another job (f0) than the coordinator (f1): both must run the same engine \
           version with the same manifest"],
    );
    assert!(t.status().last_error.is_some());
    assert_eq!(t.status().phase, JobPhase::WaitingForSlots);
}

#[test]
fn too_few_slots_for_too_long_fail_the_job() {
    let settings = Settings { slots_timeout_ms: Some(300), ..settings() };
    let mut t = Bench::new(&[2], settings);
    t.expect(10, took_over(None, &[]), &["timer slots after attempt 0 at 310"]);
    assert_eq!(t.status().next.as_deref(), Some("start when 2 slots are there, now 0"));
    t.expect(20, registered(1, 1), &[]);
    t.expect(
        310,
        Event::TimerFired(Timer::Slots(Attempt(0))),
        &["end: failed (Transient): the job needs 2 slots, its workers offer 1"],
    );
    assert_eq!(t.status().phase, JobPhase::Failed);
}

#[test]
fn a_timer_for_slots_is_harmless_once_the_job_runs() {
    let settings = Settings { slots_timeout_ms: Some(300), ..settings() };
    let mut t = Bench::running(settings);
    t.expect(310, Event::TimerFired(Timer::Slots(Attempt(0))), &[]);
}

#[test]
fn owned_output_of_predecessors_is_published_before_any_task_starts() {
    let mut t = Bench::new(&[1], settings());
    let newest = manifest_of(&[1], Outcome::Running);
    t.expect(0, took_over(Some(newest), &[7, 9]), &["publish epoch 7: 0 publications"]);
    assert_eq!(t.status().phase, JobPhase::Recovering);
    t.expect(1, registered(1, 1), &[]);
    t.expect(2, published(7), &["mark epoch 7 (checkpoint 7) published"]);
    t.expect(3, marked(7), &["publish epoch 9: 0 publications", "sweep what attempt 1 does not write"]);
    t.expect(4, published(9), &["mark epoch 9 (checkpoint 9) published"]);
    t.expect(
        5,
        marked(9),
        &[
            "worker 1: prepare attempt 1",
            "worker 1: deploy 0/0 of attempt 1",
            "attempt 1: enumerate src from where it was",
            "timer deploy of attempt 1 at 905",
        ],
    );
    t.expect(6, Event::Swept, &["sweep what attempt 1 does not write"]);
    assert_eq!(t.status().restored_from, Some(millstream_model::Epoch(9)));
}

#[test]
fn a_finished_job_only_publishes_what_is_left() {
    let mut t = Bench::new(&[1], settings());
    t.send(0, registered(1, 1));
    t.expect(0, took_over(Some(manifest_of(&[1], Outcome::Finished)), &[]), &["end: finished at epoch 20"]);
    let mut t = Bench::new(&[1], settings());
    t.expect(
        0,
        took_over(Some(manifest_of(&[1], Outcome::Finished)), &[9]),
        &["publish epoch 9: 0 publications"],
    );
    t.send(0, published(9));
    t.expect(0, marked(9), &["sweep what attempt 1 does not write"]);
    t.expect(0, Event::Swept, &["end: finished at epoch 9"]);
    assert_eq!(t.status().phase, JobPhase::Finished);
}

#[test]
fn a_stopped_job_goes_on() {
    let mut t = Bench::new(&[1], settings());
    t.send(0, registered(1, 1));
    let lines = t.send(0, took_over(Some(manifest_of(&[1], Outcome::Stopped)), &[]));
    assert_eq!(lines[1], "worker 1: deploy 0/0 of attempt 1");
}

#[test]
fn restoring_for_too_long_is_a_failure() {
    let mut t = Bench::new(&[2], settings());
    t.send(0, took_over(None, &[]));
    t.send(0, registered(1, 2));
    t.send(0, runs(1, 0, 1));
    t.expect(
        900,
        Event::TimerFired(Timer::Deploy(Attempt(1))),
        &["worker 1: cancel attempt 1", "attempt 1: stop enumerators", "timer cancel of attempt 1 at 1600"],
    );
    assert_eq!(t.status().last_error.as_deref(), Some("subtasks 0/0 did not come up within 900 ms"));
    let mut t = Bench::running(settings());
    t.expect(900, Event::TimerFired(Timer::Deploy(Attempt(1))), &[]);
}

#[test]
fn an_enumerator_that_fails_restarts_or_ends_the_job() {
    let failed = |kind| Event::EnumeratorFailed {
        attempt: Attempt(1),
        source: millstream_model::OperatorUid("src".into()),
        error: error(kind),
    };
    for (kind, last) in [(ErrorKind::Transient, JobPhase::Backoff), (ErrorKind::User, JobPhase::Failed)] {
        let mut t = Bench::running(settings());
        t.send(5, failed(kind));
        t.send(6, cancelled(1, 1));
        assert_eq!(t.status().phase, last, "{kind:?}");
        assert_eq!(t.status().last_error.as_deref(), Some("cannot find what source src has to read: boom"));
    }
}

#[test]
fn a_restored_source_goes_on_from_its_positions() {
    let mut manifest = manifest_of(&[1], Outcome::Running);
    let mut half = crate::fixture::split("a");
    half.position = vec![5];
    let mut read = crate::fixture::split("b");
    read.is_finished = true;
    manifest.sources[0].splits = vec![half.clone(), read];
    let mut t = Bench::new(&[1], settings());
    t.send(0, took_over(Some(manifest), &[]));
    t.send(0, registered(1, 1));
    let commands = t.commands(0, runs(1, 0, 0));
    let assigned = commands.iter().find_map(|c| match c {
        Command::Send {
            message: millstream_model::control::ToWorker::AssignSplits { splits, .. }, ..
        } => Some(splits.clone()),
        _ => None,
    });
    assert_eq!(assigned, Some(vec![half]));
}

#[test]
fn workers_get_again_what_they_have_run() {
    let deployed = |said: Vec<String>| -> Vec<String> {
        said.into_iter().filter(|line| line.contains(": deploy ")).collect()
    };
    let mut t = Bench::new(&[2], settings());
    t.send(0, took_over(None, &[]));
    t.send(0, registered(1, 1));
    let first = deployed(t.send(0, registered(2, 1)));
    assert_eq!(first, ["worker 1: deploy 0/0 of attempt 1", "worker 2: deploy 0/1 of attempt 1"]);
    // Worker 3 has a lower place in no list: it gets what was worker 1's.
    t.send(1, registered(3, 1));
    t.send(2, Event::WorkerLost { worker: 1, reason: "gone".into() });
    t.send(3, cancelled(1, 2));
    let again = deployed(t.send(102, Event::TimerFired(Timer::Restart(Attempt(1)))));
    assert_eq!(again, ["worker 3: deploy 0/0 of attempt 2", "worker 2: deploy 0/1 of attempt 2"]);
    // A new coordinator hears it from the workers.
    let mut next = Bench::new(&[2], settings());
    next.send(0, took_over(None, &[]));
    next.send(0, registered_with(1, 1, HeldSlots { of: 2, slots: vec![1] }));
    let taken = deployed(next.send(0, registered_with(2, 1, HeldSlots { of: 2, slots: vec![0] })));
    assert_eq!(taken, ["worker 2: deploy 0/0 of attempt 1", "worker 1: deploy 0/1 of attempt 1"]);
}
