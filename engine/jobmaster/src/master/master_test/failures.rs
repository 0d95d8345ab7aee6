//! Failover: cancel, pause, start again from the newest owned epoch; or give up.

use millstream_checkpoint::Outcome;
use millstream_model::{Attempt, CheckpointId, Epoch, ErrorKind, Generation, OperatorUid};

use super::bench::*;
use crate::fixture::{graph, snapshot_of};
use crate::{Event, JobPhase, RestartStrategy, Settings, Timer};

const CANCEL: [&str; 3] =
    ["worker 1: cancel attempt 1", "attempt 1: stop enumerators", "timer cancel of attempt 1 at 710"];

fn part() -> millstream_model::snapshot::SubtaskSnapshot {
    snapshot_of(&graph(&[1]), 0, 0, false)
}

#[test]
fn a_failed_subtask_restarts_everything_from_the_newest_epoch() {
    let mut t = Bench::running(settings());
    t.send(0, found(1, "a", false));
    t.send(1_000, tick(1));
    t.own(1_000, 1, 1, 22);
    t.send(1_000, published(22));
    t.send(1_000, marked(22));
    t.expect(
        1_500,
        failed(1, 0, 0, ErrorKind::Transient),
        &["worker 1: cancel attempt 1", "attempt 1: stop enumerators", "timer cancel of attempt 1 at 2200"],
    );
    assert_eq!(t.status().next.as_deref(), Some("attempt 2 in 100 ms from epoch 22"));
    assert_eq!(t.status().last_error.as_deref(), Some("chain 0 (0/0): boom"));
    t.expect(1_520, cancelled(1, 1), &["timer restart after attempt 1 at 1600"]);
    assert_eq!(t.status().phase, JobPhase::Backoff);
    t.expect(
        1_600,
        Event::TimerFired(Timer::Restart(Attempt(1))),
        &[
            "worker 1: prepare attempt 2",
            "worker 1: deploy 0/0 of attempt 2",
            "attempt 2: enumerate src from where it was",
            "timer deploy of attempt 2 at 2500",
        ],
    );
    assert_eq!((t.status().restored_from, t.status().restarts), (Some(Epoch(22)), 1));
    t.expect(1_700, runs(2, 0, 0), &["worker 1: start attempt 2", "timer checkpoint of attempt 2 at 2700"]);
    let lines = t.send(2_700, tick(2));
    assert_eq!(lines[0], "worker 1: barrier 2 (Checkpoint) at 0/0", "checkpoint numbers only grow");
}

#[test]
fn a_slow_cancel_eats_the_pause() {
    let mut t = Bench::running(settings());
    t.expect(10, failed(1, 0, 0, ErrorKind::Transient), &CANCEL);
    let lines = t.send(500, cancelled(1, 1));
    assert_eq!(lines[1], "worker 1: deploy 0/0 of attempt 2");
}

#[test]
fn restarts_are_limited() {
    let mut t = Bench::running(settings());
    for attempt in [1, 2] {
        t.send(10, failed(attempt, 0, 0, ErrorKind::Bug));
        t.send(10, cancelled(attempt, 1));
        t.send(110, Event::TimerFired(Timer::Restart(Attempt(attempt))));
        t.send(110, runs(attempt + 1, 0, 0));
    }
    t.send(120, failed(3, 0, 0, ErrorKind::Bug));
    assert_eq!(t.status().phase, JobPhase::Cancelling);
    t.expect(120, cancelled(3, 1), &["end: failed (Bug): chain 0 (0/0): boom (given up after 2 restarts)"]);
}

#[test]
fn errors_that_no_restart_heals_end_the_job() {
    for (kind, text) in [(ErrorKind::User, "User"), (ErrorKind::State, "State")] {
        let mut t = Bench::running(settings());
        t.expect(10, failed(1, 0, 0, kind), &CANCEL);
        t.expect(10, cancelled(1, 1), &[&format!("end: failed ({text}): chain 0 (0/0): boom")]);
    }
    let mut t = Bench::running(Settings { restart: RestartStrategy::None, ..settings() });
    t.send(10, failed(1, 0, 0, ErrorKind::Transient));
    t.expect(10, cancelled(1, 1), &["end: failed (Transient): chain 0 (0/0): boom"]);
}

#[test]
fn the_error_to_blame_overrules_the_one_that_came_first() {
    let mut t = Bench::new(&[2], settings());
    t.send(0, took_over(None, &[]));
    t.send(0, registered(1, 2));
    t.send(0, runs(1, 0, 0));
    t.send(0, runs(1, 0, 1));
    t.send(10, failed(1, 0, 0, ErrorKind::Transient));
    t.send(10, failed(1, 0, 1, ErrorKind::User));
    t.send(10, failed(1, 0, 0, ErrorKind::State));
    t.expect(10, cancelled(1, 1), &["end: failed (User): chain 0 (0/1): boom"]);
}

#[test]
fn a_lost_worker_ends_the_attempt_on_the_others() {
    let mut t = Bench::new(&[2], settings());
    t.send(0, took_over(None, &[]));
    t.send(0, registered(1, 1));
    t.send(0, registered(2, 2));
    t.expect(
        10,
        lost(1),
        &["worker 2: cancel attempt 1", "attempt 1: stop enumerators", "timer cancel of attempt 1 at 710"],
    );
    t.expect(20, cancelled(1, 2), &["timer restart after attempt 1 at 110"]);
    t.expect(
        110,
        Event::TimerFired(Timer::Restart(Attempt(1))),
        &[
            "worker 2: prepare attempt 2",
            "worker 2: deploy 0/0 of attempt 2",
            "worker 2: deploy 0/1 of attempt 2",
            "attempt 2: enumerate src from nothing",
            "timer deploy of attempt 2 at 1010",
        ],
    );
}

#[test]
fn a_lost_worker_without_a_part_is_no_failure() {
    let mut t = Bench::running(settings());
    t.expect(1, registered(2, 1), &[]);
    t.expect(2, lost(2), &[]);
    t.expect(2, lost(2), &[]);
    assert_eq!(t.status().phase, JobPhase::Running);
}

#[test]
fn with_too_few_slots_left_it_waits_for_another_worker() {
    let mut t = Bench::running(settings());
    t.expect(
        10,
        lost(1),
        &[
            "attempt 1: stop enumerators",
            "timer cancel of attempt 1 at 710",
            "timer restart after attempt 1 at 110",
        ],
    );
    t.expect(110, Event::TimerFired(Timer::Restart(Attempt(1))), &[]);
    assert_eq!(t.status().next.as_deref(), Some("start when 1 slots are there, now 0"));
    assert_eq!(t.send(500, registered(2, 1))[1], "worker 2: deploy 0/0 of attempt 2");
}

#[test]
fn a_worker_that_registers_again_was_restarted() {
    let mut t = Bench::running(settings());
    let lines = t.send(10, registered(1, 1));
    assert_eq!(lines.last().unwrap(), "timer restart after attempt 1 at 110");
    assert_eq!(
        t.status().last_error.as_deref(),
        Some("worker 1 is lost: it registered again, so it was restarted")
    );
    assert_eq!(
        t.send(110, Event::TimerFired(Timer::Restart(Attempt(1))))[1],
        "worker 1: deploy 0/0 of attempt 2"
    );
}

#[test]
fn a_worker_that_does_not_end_its_tasks_is_given_up() {
    let mut t = Bench::new(&[2], settings());
    t.send(0, took_over(None, &[]));
    t.send(0, registered(1, 1));
    t.send(0, registered(2, 2));
    t.send(10, failed(1, 0, 0, ErrorKind::Transient));
    t.expect(20, cancelled(1, 1), &[]);
    let lines = t.send(710, Event::TimerFired(Timer::Cancel(Attempt(1))));
    assert_eq!(lines, ["release worker 2: it did not end attempt 1 within 700 ms"]);
    assert_eq!(t.status().next.as_deref(), Some("start when 2 slots are there, now 1"));
    assert_eq!(t.send(800, registered(3, 1))[2], "worker 1: deploy 0/0 of attempt 2");
}

#[test]
fn a_failure_during_a_claim_waits_for_the_answer() {
    let mut t = Bench::running(settings());
    t.send(0, found(1, "a", false));
    t.send(1_000, tick(1));
    t.send(1_000, stored(1, 1, part()));
    t.send(1_000, written(1));
    t.send(1_001, failed(1, 0, 0, ErrorKind::Transient));
    assert_eq!(
        t.status().next.as_deref(),
        Some("attempt 2 in 100 ms from the checkpoint that is being claimed, if it is owned")
    );
    t.expect(1_002, cancelled(1, 1), &[]);
    t.expect(
        1_500,
        is_epoch(1, 22),
        &[
            "publish epoch 22: 0 publications",
            "worker 1: prepare attempt 2",
            "worker 1: deploy 0/0 of attempt 2",
            "attempt 2: enumerate src from where it was",
            "timer deploy of attempt 2 at 2400",
        ],
    );
    assert_eq!(t.status().restored_from, Some(Epoch(22)));
}

#[test]
fn a_failure_before_the_claim_forgets_the_checkpoint() {
    let mut t = Bench::running(settings());
    t.send(1_000, tick(1));
    t.send(1_000, stored(1, 1, part()));
    t.send(1_001, failed(1, 0, 0, ErrorKind::Transient));
    t.expect(1_002, written(1), &[]);
    assert_eq!(t.status().in_flight, None);
    t.send(1_003, cancelled(1, 1));
    assert_eq!(t.status().phase, JobPhase::Backoff);
}

#[test]
fn a_refused_claim_is_a_failed_checkpoint_and_no_more() {
    let mut t = Bench::running(settings());
    t.send(1_000, tick(1));
    t.send(1_000, stored(1, 1, part()));
    t.send(1_000, written(1));
    let refused = Event::ClaimRefused { checkpoint: CheckpointId(1), error: error(ErrorKind::Transient) };
    t.expect(
        1_100,
        refused.clone(),
        &["worker 1: checkpoint 1 is aborted", "timer checkpoint of attempt 1 at 2000"],
    );
    t.expect(1_100, refused, &[]);
    assert_eq!(t.status().failed_checkpoints, 1);
}

#[test]
fn an_unanswered_claim_ends_the_coordinator() {
    let mut t = Bench::running(settings());
    t.send(1_000, tick(1));
    t.send(1_000, stored(1, 1, part()));
    t.send(1_000, written(1));
    let unknown = Event::ClaimUnknown { checkpoint: CheckpointId(1), error: error(ErrorKind::Transient) };
    t.expect(
        2_000,
        unknown,
        &[
            "worker 1: cancel attempt 1",
            "attempt 1: stop enumerators",
            "end: failed (Unavailable): whether checkpoint 1 is owned could not be found out: boom; start the job again to \
             go on from what the storage says",
        ],
    );
    t.expect(2_001, is_epoch(1, 22), &[]);
}

#[test]
fn a_newer_coordinator_stops_everything_at_once() {
    let end = "end: fenced by generation 2";
    let mut t = Bench::new(&[1], settings());
    t.expect(0, fenced(), &[end]);
    let mut t = Bench::running(settings());
    t.expect(0, fenced(), &["worker 1: cancel attempt 1", "attempt 1: stop enumerators", end]);
    t.expect(1, tick(1), &[]);
    t.expect(1, Event::StopRequested, &[]);
    assert_eq!(t.status().phase, JobPhase::Fenced);
    let mut t = Bench::running(settings());
    t.send(0, failed(1, 0, 0, ErrorKind::Transient));
    t.expect(0, fenced(), &[end]);
    let mut t = Bench::running(settings());
    t.expect(
        0,
        failed(1, 0, 0, ErrorKind::Fenced),
        &["worker 1: cancel attempt 1", "attempt 1: stop enumerators", end],
    );
}

#[test]
fn state_that_does_not_fit_the_job_is_refused_before_anything_is_deployed() {
    let mut manifest = manifest_of(&[1], Outcome::Running);
    let mut half = crate::fixture::split("a");
    half.position = vec![5];
    manifest.sources[0].splits.push(half);
    manifest.sources[0].uid = OperatorUid("gone".into());
    manifest.generation = Generation(0);
    let mut t = Bench::new(&[1], settings());
    t.send(0, registered(1, 1));
    t.expect(
        0,
        took_over(Some(manifest.clone()), &[]),
        &["end: failed (State): going on from epoch 20 would lose the positions behind 0 records of gone (uid gone): the job \
           has no such operator any more; name what may be lost, or start over"],
    );

    let mut spec = spec(&[1], settings());
    spec.droppable.insert(OperatorUid("gone".into()));
    let mut master = crate::JobMaster::new(spec);
    master.handle(registered(1, 1), 0);
    let commands = master.handle(took_over(Some(manifest), &[]), 0);
    assert_eq!(commands[1].to_string(), "worker 1: deploy 0/0 of attempt 1");
}

#[test]
fn what_may_be_lost_is_what_an_earlier_run_left() {
    let mut spec = spec(&[1], settings());
    spec.droppable.insert(OperatorUid("src".into()));
    let mut t = Bench { master: crate::JobMaster::new(spec), ..Bench::new(&[1], settings()) };
    let mut manifest = manifest_of(&[1], Outcome::Running);
    manifest.generation = Generation(0);
    t.send(0, took_over(Some(manifest), &[]));
    assert_eq!(t.send(0, registered(1, 1))[2], "attempt 1: enumerate src from nothing", "given up");
    t.send(0, runs(1, 0, 0));
    t.send(0, found(1, "a", false));
    t.send(1_000, tick(1));
    t.own(1_000, 1, 1, 22);
    t.send(1_001, failed(1, 0, 0, ErrorKind::Transient));
    t.send(1_001, cancelled(1, 1));
    let lines = t.send(1_101, Event::TimerFired(Timer::Restart(Attempt(1))));
    assert_eq!(lines[2], "attempt 2: enumerate src from where it was", "its own positions are kept");
}
