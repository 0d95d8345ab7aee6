//! The end of input, stops, cancels.

use millstream_checkpoint::{Manifest, Outcome};
use millstream_model::snapshot::{ObjectRef, StagedSegment};
use millstream_model::{Attempt, CheckpointId, ErrorKind, OperatorUid};

use super::bench::*;
use crate::{Event, JobPhase, Timer};

const FINAL: [&str; 2] = ["worker 1: barrier 1 (Stop) at 0/0", "timer end of checkpoint 1 at 5010"];

#[test]
fn the_end_of_all_input_takes_a_final_checkpoint_and_ends_when_it_is_visible() {
    let mut t = Bench::new(&[1, 1], settings());
    t.send(0, took_over(None, &[]));
    t.send(0, registered(1, 1));
    t.send(0, runs(1, 0, 0));
    t.send(0, runs(1, 1, 0));
    t.expect(10, finished(1, 0, 0), &[]);
    t.expect(10, finished(1, 1, 0), &FINAL);
    assert_eq!(t.all_stored(20, 1, 1, true), ["write manifest of checkpoint 1 (Finished)"]);
    t.expect(30, written(1), &["claim an epoch for checkpoint 1"]);
    t.expect(
        40,
        is_epoch(1, 22),
        &["worker 1: checkpoint 1 is owned as epoch 22", "publish epoch 22: 0 publications"],
    );
    assert_eq!(t.status().phase, JobPhase::Publishing);
    t.expect(50, published(22), &["mark epoch 22 (checkpoint 1) published"]);
    t.expect(60, marked(22), &["sweep"]);
    t.expect(65, Event::Swept, &["sweep"]);
    t.expect(
        70,
        Event::Swept,
        &["worker 1: shut down attempt 1", "attempt 1: stop enumerators", "end: finished at epoch 22"],
    );
    assert_eq!(t.status().phase, JobPhase::Finished);
}

#[test]
fn a_checkpoint_by_interval_that_finds_everything_finished_is_the_final_one() {
    let mut t = Bench::running(settings());
    t.send(1_000, tick(1));
    t.expect(1_001, finished(1, 0, 0), &[]);
    assert_eq!(t.all_stored(1_002, 1, 1, true), ["write manifest of checkpoint 1 (Finished)"]);
    t.send(1_003, written(1));
    t.send(1_004, is_epoch(1, 22));
    assert_eq!(t.status().phase, JobPhase::Publishing);
}

#[test]
fn the_final_one_waits_for_the_one_under_way() {
    let mut t = Bench::running(settings());
    t.send(1_000, tick(1));
    t.expect(1_001, finished(1, 0, 0), &[]);
    let lines = t.own(1_002, 1, 1, 22);
    assert_eq!(
        lines,
        [
            "worker 1: checkpoint 1 is owned as epoch 22",
            "publish epoch 22: 0 publications",
            "worker 1: barrier 2 (Stop) at 0/0",
            "timer end of checkpoint 2 at 6002",
        ]
    );
}

#[test]
fn what_happens_to_the_tasks_behind_the_final_epoch_does_not_matter() {
    for event in [failed(1, 0, 0, ErrorKind::User), lost(1)] {
        let mut t = Bench::running(settings());
        t.send(10, finished(1, 0, 0));
        t.all_stored(20, 1, 1, true);
        t.send(30, written(1));
        t.send(40, is_epoch(1, 22));
        t.expect(45, event, &[]);
        t.send(50, published(22));
        t.send(60, marked(22));
        t.send(65, Event::Swept);
        assert_eq!(t.send(70, Event::Swept).last().unwrap(), "end: finished at epoch 22");
    }
}

#[test]
fn tasks_that_fail_while_the_final_epoch_is_claimed_are_not_restarted() {
    let mut t = Bench::running(settings());
    t.send(10, finished(1, 0, 0));
    t.all_stored(20, 1, 1, true);
    t.send(30, written(1));
    t.send(35, failed(1, 0, 0, ErrorKind::Transient));
    t.send(36, cancelled(1, 1));
    t.expect(40, is_epoch(1, 22), &["publish epoch 22: 0 publications"]);
    t.send(50, published(22));
    t.send(60, marked(22));
    t.send(65, Event::Swept);
    t.expect(70, Event::Swept, &["end: finished at epoch 22"]);
}

#[test]
fn a_stop_takes_a_final_checkpoint_first() {
    let mut t = Bench::running(settings());
    t.expect(10, Event::StopRequested, &FINAL);
    assert_eq!(t.status().phase, JobPhase::Stopping);
    t.expect(11, found(1, "late", false), &[]);
    t.expect(12, Event::StopRequested, &[]);
    t.own(20, 1, 1, 22);
    t.send(30, published(22));
    t.send(40, marked(22));
    t.send(45, Event::Swept);
    t.expect(
        50,
        Event::Swept,
        &["worker 1: shut down attempt 1", "attempt 1: stop enumerators", "end: stopped at epoch 22"],
    );
}

#[test]
fn a_final_checkpoint_that_fails_is_repeated_after_a_pause() {
    let mut t = Bench::running(settings());
    t.send(10, Event::StopRequested);
    t.expect(
        20,
        not_stored(1, 1, ErrorKind::Transient),
        &["worker 1: checkpoint 1 is aborted", "timer checkpoint of attempt 1 at 520"],
    );
    t.expect(300, found(1, "late", false), &[]);
    t.expect(520, tick(1), &["worker 1: barrier 2 (Stop) at 0/0", "timer end of checkpoint 2 at 5520"]);
}

#[test]
fn the_end_of_input_behind_a_failed_checkpoint_moves_the_timer_of_the_next_one() {
    let mut t = Bench::running(settings());
    t.send(1_000, tick(1));
    t.expect(
        1_900,
        not_stored(1, 1, ErrorKind::Transient),
        &["worker 1: checkpoint 1 is aborted", "timer checkpoint of attempt 1 at 2000"],
    );
    t.expect(1_910, finished(1, 0, 0), &["timer checkpoint of attempt 1 at 2400"]);
    t.expect(1_920, found(1, "", false), &["worker 1: assign 0/0 []"]);
    t.expect(2_400, tick(1), &["worker 1: barrier 2 (Stop) at 0/0", "timer end of checkpoint 2 at 7400"]);
}

#[test]
fn a_stop_survives_a_failure() {
    let mut t = Bench::running(settings());
    t.send(5, found(1, "a", true));
    t.send(10, failed(1, 0, 0, ErrorKind::Transient));
    t.send(10, cancelled(1, 1));
    t.send(110, Event::TimerFired(Timer::Restart(Attempt(1))));
    t.send(111, Event::StopRequested);
    let lines = t.send(120, runs(2, 0, 0));
    assert!(lines.contains(&"worker 1: barrier 1 (Stop) at 0/0".into()), "{lines:?}");
}

#[test]
fn where_nothing_was_read_since_the_newest_epoch_a_stop_is_immediate() {
    let mut t = Bench::new(&[1], settings());
    t.send(0, took_over(None, &[]));
    t.expect(1, Event::StopRequested, &["end: stopped before the first checkpoint"]);

    let mut t = Bench::new(&[1], settings());
    t.send(0, Event::StopRequested);
    t.send(0, registered(1, 1));
    t.send(0, took_over(Some(manifest_of(&[1], Outcome::Running)), &[9]));
    t.send(1, published(9));
    t.send(1, marked(9));
    t.expect(2, Event::Swept, &["end: stopped at epoch 9"]);

    let mut t = Bench::running(settings());
    t.send(10, failed(1, 0, 0, ErrorKind::Transient));
    t.send(10, Event::StopRequested);
    t.expect(20, cancelled(1, 1), &["end: stopped before the first checkpoint"]);

    let mut t = Bench::running(settings());
    t.send(10, failed(1, 0, 0, ErrorKind::Transient));
    t.send(20, cancelled(1, 1));
    t.expect(30, Event::StopRequested, &["end: stopped before the first checkpoint"]);
}

#[test]
fn output_that_a_roll_policy_holds_back_is_shown_before_a_stop() {
    let restored = || {
        let mut t = Bench::new(&[1], settings());
        t.send(0, took_over(Some(with_pending_output()), &[]));
        t.send(0, registered(1, 1));
        t.send(0, runs(1, 0, 0));
        t.send(10, failed(1, 0, 0, ErrorKind::Transient));
        t
    };
    let mut t = restored();
    t.send(20, cancelled(1, 1));
    assert_eq!(t.send(30, Event::StopRequested)[1], "worker 1: deploy 0/0 of attempt 2");

    let mut t = restored();
    t.send(20, Event::StopRequested);
    assert_eq!(t.send(30, cancelled(1, 1))[1], "worker 1: deploy 0/0 of attempt 2");
}

fn with_pending_output() -> Manifest {
    let mut manifest = manifest_of(&[1], Outcome::Running);
    manifest.sinks[0].pending.push(StagedSegment {
        sink: OperatorUid("out".into()),
        slot: 0,
        partition: String::new(),
        object: ObjectRef { key: "k".into(), length: 1, checksum: 2 },
        rows: 1,
        closed_at_ms: 0,
    });
    manifest
}

#[test]
fn a_cancel_does_not_wait_for_a_checkpoint() {
    let mut t = Bench::running(settings());
    t.expect(
        10,
        Event::CancelRequested,
        &["worker 1: cancel attempt 1", "attempt 1: stop enumerators", "timer cancel of attempt 1 at 710"],
    );
    t.expect(20, cancelled(1, 1), &["end: stopped before the first checkpoint"]);

    let mut t = Bench::running(settings());
    t.send(10, failed(1, 0, 0, ErrorKind::User));
    t.send(10, Event::CancelRequested);
    t.expect(20, cancelled(1, 1), &["end: failed (User): chain 0 (0/0): boom"]);

    let mut t = Bench::running(settings());
    t.send(10, failed(1, 0, 0, ErrorKind::Transient));
    t.send(10, cancelled(1, 1));
    t.expect(20, Event::CancelRequested, &["end: stopped before the first checkpoint"]);
}

#[test]
fn a_cancel_waits_for_a_claim_and_names_its_epoch() {
    let mut t = Bench::running(settings());
    t.send(1_000, tick(1));
    t.all_stored(1_000, 1, 1, false);
    t.send(1_000, written(1));
    t.send(1_001, Event::CancelRequested);
    t.expect(1_002, cancelled(1, 1), &[]);
    t.expect(1_003, is_epoch(1, 22), &["publish epoch 22: 0 publications", "end: stopped at epoch 22"]);
}

#[test]
fn a_stop_barrier_that_times_out_is_tried_again() {
    let mut t = Bench::running(settings());
    t.send(10, Event::StopRequested);
    let lines = t.send(5_010, Event::TimerFired(Timer::CheckpointTimeout(CheckpointId(1))));
    assert_eq!(lines, ["worker 1: checkpoint 1 is aborted", "timer checkpoint of attempt 1 at 5510"]);
}
