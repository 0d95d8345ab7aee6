//! Savepoints of a job that runs, stops, fails, or does not run.

use millstream_checkpoint::Outcome;
use millstream_model::graph::OperatorRole;
use millstream_model::snapshot::{ObjectRef, StagedSegment, SubtaskSnapshot};
use millstream_model::{Attempt, CheckpointId, Epoch, ErrorKind, OperatorUid};

use super::bench::*;
use crate::fixture::{graph, snapshot_of};
use crate::{AfterSavepoint, Command, Event, JobMaster, SavepointId, SavepointReport, Timer};

fn wanted(id: u64, then: AfterSavepoint) -> Event {
    Event::SavepointRequested { id: SavepointId(id), then }
}

fn done(id: u64, epoch: u64) -> Event {
    let report =
        SavepointReport { location: "file:///s".into(), epoch: Epoch(epoch), rows: 1, bytes: 2, at_ms: 3 };
    Event::SavepointWritten { id: SavepointId(id), report }
}

fn barrier(checkpoint: u64, kind: &str, ends_ms: u64) -> [String; 2] {
    [
        format!("worker 1: barrier {checkpoint} ({kind}) at 0/0"),
        format!("timer end of checkpoint {checkpoint} at {ends_ms}"),
    ]
}

#[test]
fn a_savepoint_is_written_when_its_epoch_is_visible_and_the_job_goes_on() {
    let mut t = Bench::running(settings());
    assert_eq!(t.send(10, wanted(1, AfterSavepoint::GoOn)), barrier(1, "Savepoint", 5_010));
    t.expect(11, wanted(2, AfterSavepoint::GoOn), &[]);
    let owned = t.own(20, 1, 1, 22);
    assert_eq!(
        owned[..2],
        ["worker 1: checkpoint 1 is owned as epoch 22", "publish epoch 22: 0 publications"]
    );
    assert_eq!(owned[2..], barrier(2, "Savepoint", 5_020), "the second order came too late for the first");
    t.expect(30, published(22), &["mark epoch 22 (checkpoint 1) published"]);
    t.expect(40, marked(22), &["write savepoint 1 from epoch 22"]);
    t.own(50, 1, 2, 23);
    t.send(60, published(23));
    t.expect(70, marked(23), &[]);
    assert_eq!(t.status().savepoints_under_way, 2);
    t.expect(80, done(1, 22), &["write savepoint 2 from epoch 23"]);
    t.expect(90, done(2, 23), &["sweep what attempt 1 does not write"]);
    let status = t.status();
    assert_eq!((status.savepoints_under_way, status.last_savepoint.unwrap().epoch), (0, Epoch(23)));
}

#[test]
fn output_that_is_held_back_goes_along() {
    let roll_of = |event: Event| {
        let mut spec = spec(&[1], settings());
        if let OperatorRole::Sink { roll, .. } = &mut spec.graph.chains[0].operators[1].role {
            roll.age_ms = 60_000;
        }
        let mut t = Bench { master: JobMaster::new(spec), parallelism: vec![1] };
        for event in [took_over(None, &[]), registered(1, 1), runs(1, 0, 0)] {
            t.send(0, event);
        }
        t.send(1_000, event);
        let staged = StagedSegment {
            sink: OperatorUid("out".into()),
            slot: 0,
            partition: String::new(),
            object: ObjectRef { key: "s/1".into(), length: 1, checksum: 2 },
            rows: 1,
            closed_at_ms: 900,
        };
        let part = SubtaskSnapshot { staged: vec![staged], ..snapshot_of(&graph(&[1]), 0, 0, false) };
        let commands = t.commands(1_001, stored(1, 1, part));
        let Some(Command::WriteManifest { manifest }) = commands.first() else { panic!("{commands:?}") };
        (manifest.sinks[0].publications.len(), manifest.sinks[0].pending.len())
    };
    assert_eq!(roll_of(tick(1)), (0, 1));
    assert_eq!(roll_of(wanted(1, AfterSavepoint::GoOn)), (1, 0));
}

#[test]
fn a_job_that_stops_ends_behind_its_savepoint() {
    for (then, kind) in [(AfterSavepoint::Stop, "Stop"), (AfterSavepoint::Drain, "Drain")] {
        let mut t = Bench::running(settings());
        assert_eq!(t.send(10, wanted(1, then)), barrier(1, kind, 5_010));
        t.own(20, 1, 1, 22);
        t.send(30, published(22));
        t.expect(40, marked(22), &["write savepoint 1 from epoch 22"]);
        t.expect(50, done(1, 22), &["sweep"]);
        t.send(60, Event::Swept);
        assert_eq!(t.send(70, Event::Swept).last().unwrap(), "end: stopped at epoch 22");
    }
}

/// Sends the events that lead to a phase in which no record flows.
fn away(phase: &str) -> Bench {
    let restored = || manifest_of(&[1], Outcome::Running);
    let mut t = Bench::new(&[1], settings());
    let events = match phase {
        "recovering" => vec![took_over(Some(restored()), &[20])],
        "waiting" => vec![took_over(Some(restored()), &[])],
        _ => {
            let mut events = vec![took_over(Some(restored()), &[]), registered(1, 1), runs(1, 0, 0)];
            events.push(failed(1, 0, 0, ErrorKind::Transient));
            events.extend((phase == "pausing").then(|| cancelled(1, 1)));
            events
        }
    };
    events.into_iter().for_each(|event| drop(t.send(0, event)));
    t
}

#[test]
fn a_job_that_does_not_run_runs_once_more_to_drain() {
    let after: [(&str, Vec<Event>, u32); 4] = [
        ("recovering", vec![published(20), marked(20), registered(1, 1)], 1),
        ("waiting", vec![registered(1, 1)], 1),
        ("cancelling", vec![cancelled(1, 1)], 2),
        ("pausing", vec![], 2),
    ];
    for (phase, events, attempt) in after {
        let mut t = away(phase);
        let mut lines = t.send(10, wanted(1, AfterSavepoint::Drain));
        for event in events {
            lines.extend(t.send(20, event));
        }
        assert!(lines.iter().any(|l| l.starts_with("worker 1: deploy")), "{phase}: {lines:?}");
        let lines = t.send(30, runs(attempt, 0, 0));
        assert_eq!(lines[lines.len() - 2..], barrier(1, "Drain", 5_030), "{phase}");
    }
}

#[test]
fn a_job_whose_last_barrier_is_out_is_not_drained_any_more() {
    let refused = "refuse savepoint 1: no savepoint: the job is ending already, so it cannot be drained any more; if it has stopped, run it again and drain it then";
    let mut t = Bench::running(settings());
    t.send(10, Event::StopRequested);
    t.expect(20, wanted(1, AfterSavepoint::Drain), &[refused]);
    t.own(30, 1, 1, 22);
    t.expect(40, wanted(1, AfterSavepoint::Drain), &[refused]);
    let mut t = away("cancelling");
    t.send(10, Event::StopRequested);
    t.expect(20, wanted(1, AfterSavepoint::Drain), &[refused]);
    // While it is not out, the one who wants more is obeyed.
    let mut t = away("recovering");
    t.send(10, Event::StopRequested);
    t.expect(20, wanted(1, AfterSavepoint::Drain), &[]);
}

#[test]
fn a_stop_that_is_owned_after_its_tasks_are_gone_does_not_hold_up_a_drain() {
    let mut t = Bench::running(settings());
    t.send(10, Event::StopRequested);
    t.all_stored(20, 1, 1, false);
    t.send(30, written(1));
    t.send(40, failed(1, 0, 0, ErrorKind::Transient));
    t.send(50, wanted(1, AfterSavepoint::Drain));
    t.send(60, cancelled(1, 1));
    t.send(70, is_epoch(1, 22));
    let lines = t.send(80, runs(2, 0, 0));
    assert!(lines.contains(&barrier(2, "Drain", 5_080)[0]), "{lines:?}");
}

#[test]
fn an_aborted_checkpoint_is_told_or_repeated() {
    let mut t = Bench::running(settings());
    t.send(10, wanted(1, AfterSavepoint::GoOn));
    t.send(11, wanted(2, AfterSavepoint::Stop));
    let lines = t.send(20, not_stored(1, 1, ErrorKind::Transient));
    let refused = "refuse savepoint 1: checkpoint 1 failed: subtask 0/0 could not store its part: boom; ask for the savepoint again";
    assert!(lines.contains(&refused.to_owned()), "{lines:?}");
    assert_eq!(t.send(520, tick(1)), barrier(2, "Stop", 5_520));
    t.own(530, 1, 2, 22);
    t.send(540, published(22));
    t.expect(550, marked(22), &["write savepoint 2 from epoch 22"]);
}

#[test]
fn a_failed_attempt_refuses_what_it_took_and_the_next_one_serves_who_came_later() {
    let mut t = Bench::running(settings());
    t.send(10, wanted(1, AfterSavepoint::GoOn));
    let lines = t.send(20, failed(1, 0, 0, ErrorKind::Transient));
    assert!(
        lines.iter().any(|l| l.starts_with("refuse savepoint 1: checkpoint 1 failed: the tasks")),
        "{lines:?}"
    );
    t.expect(21, wanted(2, AfterSavepoint::GoOn), &[]);
    t.send(25, cancelled(1, 1));
    t.send(200, Event::TimerFired(Timer::Restart(Attempt(1))));
    let lines = t.send(210, runs(2, 0, 0));
    assert_eq!(lines[lines.len() - 2..], barrier(2, "Savepoint", 5_210));
}

#[test]
fn a_job_that_waits_for_slots_is_saved_from_its_newest_epoch() {
    let restored = manifest_of(&[1], Outcome::Running);
    let mut t = Bench::new(&[1], settings());
    t.send(0, took_over(Some(restored), &[]));
    t.expect(10, wanted(1, AfterSavepoint::GoOn), &[]);
    t.expect(20, wanted(2, AfterSavepoint::Stop), &["write savepoint 1 from epoch 20"]);
    t.expect(30, done(1, 20), &["write savepoint 2 from epoch 20"]);
    t.expect(
        40,
        Event::SavepointFailed { id: SavepointId(2), error: error(ErrorKind::User) },
        &["end: stopped at epoch 20"],
    );
}

#[test]
fn without_a_checkpoint_there_is_nothing_to_save() {
    let mut t = Bench::new(&[1], settings());
    t.send(0, took_over(None, &[]));
    t.expect(
        10,
        wanted(1, AfterSavepoint::Stop),
        &[
            "refuse savepoint 1: no savepoint: the job has no checkpoint yet",
            "end: stopped before the first checkpoint",
        ],
    );
}

#[test]
fn whoever_still_waits_at_the_end_is_told() {
    let cases: [(Event, &str); 3] = [
        (Event::CancelRequested, "no savepoint: the job ended before it was complete"),
        (fenced(), "no savepoint: the job ended before it was complete"),
        (failed(1, 0, 0, ErrorKind::User), "no savepoint: the job failed: chain 0 (0/0): boom"),
    ];
    for (event, reason) in cases {
        let mut t = Bench::running(settings());
        t.send(1_000, tick(1));
        t.send(1_001, wanted(1, AfterSavepoint::GoOn));
        let what = event.to_string();
        let mut lines = t.send(1_002, event);
        lines.extend(t.send(1_003, cancelled(1, 1)));
        assert!(lines.contains(&format!("refuse savepoint 1: {reason}")), "{what}: {lines:?}");
        assert!(lines.last().unwrap().starts_with("end: "), "{what}: {lines:?}");
    }
}

#[test]
fn an_epoch_that_cannot_be_made_visible_is_no_savepoint() {
    let mut t = Bench::running(settings());
    t.send(10, wanted(1, AfterSavepoint::Stop));
    t.own(20, 1, 1, 22);
    let refusal = Event::PublishFailed { epoch: Epoch(22), error: error(ErrorKind::User) };
    let lines = t.send(30, refusal);
    assert!(
        lines.iter().any(|l| l.starts_with("refuse savepoint 1: no savepoint: the job failed: ")),
        "{lines:?}"
    );
}

#[test]
fn an_answer_that_nobody_waits_for_changes_nothing() {
    let mut t = Bench::running(settings());
    t.expect(10, done(7, 22), &[]);
    assert_eq!((t.status().last_savepoint, t.status().savepoints_under_way), (None, 0));
    t.send(20, wanted(1, AfterSavepoint::GoOn));
    t.expect(30, done(1, 22), &[]);
    assert_eq!(t.master.checkpoints.in_flight().map(|c| c.checkpoint), Some(CheckpointId(1)));
}
