//! Trigger, collect, write, claim, abort.

use millstream_checkpoint::Outcome;
use millstream_model::control::ToWorker;
use millstream_model::{Attempt, CheckpointId, ErrorKind};

use super::bench::*;
use crate::fixture::{graph, snapshot_of, split_ids};
use crate::{CheckpointSettings, Command, Event, JobPhase, Settings, Timer};

fn part() -> millstream_model::snapshot::SubtaskSnapshot {
    snapshot_of(&graph(&[1]), 0, 0, false)
}

#[test]
fn a_checkpoint_from_its_trigger_to_its_marker() {
    let mut t = Bench::running(settings());
    t.expect(999, tick(1), &["timer checkpoint of attempt 1 at 1000"]);
    t.expect(
        1_000,
        tick(1),
        &["worker 1: barrier 1 (Checkpoint) at 0/0", "timer end of checkpoint 1 at 6000"],
    );
    assert_eq!(t.status().in_flight, Some(CheckpointId(1)));
    t.expect(1_100, stored(1, 1, part()), &["write manifest of checkpoint 1 (Running)"]);
    t.expect(1_200, written(1), &["claim an epoch for checkpoint 1"]);
    t.expect(
        1_300,
        is_epoch(1, 22),
        &[
            "worker 1: checkpoint 1 is owned as epoch 22",
            "publish epoch 22: 0 publications",
            "timer checkpoint of attempt 1 at 2000",
        ],
    );
    t.expect(1_400, published(22), &["mark epoch 22 (checkpoint 1) published"]);
    t.expect(1_500, marked(22), &["sweep what attempt 1 does not write"]);
    t.expect(1_600, Event::Swept, &[]);
    let last = t.status().last_checkpoint.unwrap();
    assert_eq!((last.duration_ms, last.freeze_us, last.at_ms), (300, 10, 1_300));
    assert_eq!(t.status().unpublished, 0);
}

#[test]
fn every_subtask_has_to_answer_the_finished_ones_too() {
    let mut t = Bench::new(&[2, 1], settings());
    t.send(0, took_over(None, &[]));
    t.send(0, registered(1, 2));
    for (chain, index) in [(0, 0), (0, 1), (1, 0)] {
        t.send(0, runs(1, chain, index));
    }
    t.send(10, finished(1, 0, 1));
    t.expect(
        1_000,
        tick(1),
        &[
            "worker 1: barrier 1 (Checkpoint) at 0/0",
            "worker 1: barrier 1 (Checkpoint) at 0/1",
            "timer end of checkpoint 1 at 6000",
        ],
    );
    let graph = graph(&[2, 1]);
    t.expect(1_001, stored(1, 1, snapshot_of(&graph, 0, 0, false)), &[]);
    t.expect(1_001, stored(1, 1, snapshot_of(&graph, 0, 0, false)), &[]);
    t.expect(1_001, stored(1, 1, snapshot_of(&graph, 1, 0, false)), &[]);
    t.expect(
        1_001,
        stored(1, 1, snapshot_of(&graph, 0, 1, true)),
        &["write manifest of checkpoint 1 (Running)"],
    );
}

#[test]
fn only_one_is_under_way() {
    let mut t = Bench::running(settings());
    t.send(1_000, tick(1));
    t.expect(9_000, tick(1), &[]);
    let lines = t.own(9_100, 1, 1, 22);
    assert_eq!(
        lines[2..],
        ["worker 1: barrier 2 (Checkpoint) at 0/0", "timer end of checkpoint 2 at 14100"],
        "long due, so at once"
    );
}

#[test]
fn the_minimum_pause_counts_from_the_end_of_the_last_one() {
    let checkpoint = CheckpointSettings { min_pause_ms: 600, ..settings().checkpoint };
    let mut t = Bench::running(Settings { checkpoint, ..settings() });
    t.send(1_000, tick(1));
    let lines = t.own(1_800, 1, 1, 22);
    assert!(lines.contains(&"timer checkpoint of attempt 1 at 2400".into()), "{lines:?}");
    t.expect(2_399, tick(1), &["timer checkpoint of attempt 1 at 2400"]);
    assert_eq!(t.send(2_400, tick(1)).len(), 2);
}

#[test]
fn the_enumerator_is_frozen_in_the_step_of_the_barrier() {
    let mut t = Bench::running(settings());
    t.send(5, found(1, "a", false));
    t.send(1_000, tick(1));
    // The subtask gets b behind its barrier, so b is in no snapshot of a subtask; the enumerator's must not know it either.
    t.expect(1_001, found(1, "b", false), &["worker 1: assign 0/0 [b]"]);
    let commands = t.commands(1_002, stored(1, 1, part()));
    let [Command::WriteManifest { manifest }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(manifest.sources[0].enumerator, b"a");
}

#[test]
fn splits_that_nobody_owns_are_in_the_manifest() {
    let mut t = Bench::running(settings());
    let names: Vec<_> = (0..=crate::splits::MAX_UNFINISHED_PER_SUBTASK).map(|i| format!("s{i}")).collect();
    t.send(5, found(1, &names.join(" "), true));
    t.send(1_000, tick(1));
    let commands = t.commands(1_002, stored(1, 1, part()));
    let [Command::WriteManifest { manifest }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(split_ids(&manifest.sources[0].splits), "s4096");
}

#[test]
fn a_part_that_cannot_be_stored_aborts_it_and_the_job_goes_on() {
    let mut t = Bench::running(settings());
    t.send(1_000, tick(1));
    t.expect(
        1_500,
        not_stored(1, 1, ErrorKind::Transient),
        &["worker 1: checkpoint 1 is aborted", "timer checkpoint of attempt 1 at 2000"],
    );
    t.expect(1_600, stored(1, 1, part()), &[]);
    t.expect(1_600, not_stored(1, 1, ErrorKind::Transient), &[]);
    assert_eq!((t.status().failed_checkpoints, t.status().phase), (1, JobPhase::Running));
    assert_eq!(t.status().failed_checkpoints_in_a_row, 1);
    t.expect(
        2_000,
        tick(1),
        &["worker 1: barrier 2 (Checkpoint) at 0/0", "timer end of checkpoint 2 at 7000"],
    );
}

#[test]
fn a_timeout_names_who_did_not_answer() {
    let mut t = Bench::new(&[2], settings());
    t.send(0, took_over(None, &[]));
    t.send(0, registered(1, 2));
    t.send(0, runs(1, 0, 0));
    t.send(0, runs(1, 0, 1));
    t.send(1_000, tick(1));
    t.send(1_001, stored(1, 1, snapshot_of(&graph(&[2]), 0, 0, false)));
    t.expect(5_999, Event::TimerFired(Timer::CheckpointTimeout(CheckpointId(9))), &[]);
    t.expect(
        6_000,
        Event::TimerFired(Timer::CheckpointTimeout(CheckpointId(1))),
        &[
            "worker 1: checkpoint 1 is aborted",
            "worker 1: barrier 2 (Checkpoint) at 0/0",
            "worker 1: barrier 2 (Checkpoint) at 0/1",
            "timer end of checkpoint 2 at 11000",
        ],
    );
    assert_eq!(
        t.status().last_error.as_deref(),
        Some("checkpoint 1 failed: no answer from subtasks 0/1 within 5000 ms")
    );
}

#[test]
fn a_manifest_that_cannot_be_written_aborts_it() {
    let mut t = Bench::running(settings());
    t.send(1_000, tick(1));
    t.send(1_001, stored(1, 1, part()));
    let failed = Event::ManifestFailed { checkpoint: CheckpointId(1), error: error(ErrorKind::Transient) };
    t.expect(1_002, failed, &["worker 1: checkpoint 1 is aborted", "timer checkpoint of attempt 1 at 2000"]);
    t.expect(1_003, written(1), &[]);
}

#[test]
fn a_claim_does_not_time_out() {
    let mut t = Bench::running(settings());
    t.send(1_000, tick(1));
    t.send(1_001, stored(1, 1, part()));
    t.send(1_002, written(1));
    t.expect(6_000, Event::TimerFired(Timer::CheckpointTimeout(CheckpointId(1))), &[]);
    assert_eq!(t.send(7_000, is_epoch(1, 22)).len(), 4, "owned, published, and the next one is due");
}

#[test]
fn too_many_failures_in_a_row_restart_the_tasks() {
    let mut t = Bench::running(settings());
    t.send(1_000, tick(1));
    t.send(1_001, not_stored(1, 1, ErrorKind::Transient));
    t.send(2_000, tick(1));
    t.expect(
        2_001,
        not_stored(1, 2, ErrorKind::Transient),
        &[
            "worker 1: checkpoint 2 is aborted",
            "worker 1: cancel attempt 1",
            "attempt 1: stop enumerators",
            "timer cancel of attempt 1 at 2701",
        ],
    );
    assert_eq!(
        t.status().last_error.as_deref(),
        Some(
            "2 checkpoints in a row failed; checkpoint 2 failed: subtask 0/0 could not store its part: boom"
        )
    );
}

#[test]
fn an_error_that_every_checkpoint_would_meet_fails_the_job() {
    let mut t = Bench::running(settings());
    t.send(1_000, tick(1));
    t.send(1_001, not_stored(1, 1, ErrorKind::User));
    t.expect(
        1_002,
        cancelled(1, 1),
        &["end: failed (User): checkpoint 1 failed: subtask 0/0 could not store its part: boom"],
    );
}

#[test]
fn unpublished_epochs_hold_further_checkpoints_back() {
    let mut t = Bench::running(settings());
    for (n, now) in [(1, 1_000), (2, 2_000)] {
        t.send(now, tick(1));
        t.own(now, 1, n, 21 + n);
    }
    assert_eq!(t.status().unpublished, 2);
    t.expect(3_000, tick(1), &[]);
    t.send(3_100, published(22));
    t.expect(
        3_200,
        marked(22),
        &[
            "publish epoch 23: 0 publications",
            "sweep what attempt 1 does not write",
            "worker 1: barrier 3 (Checkpoint) at 0/0",
            "timer end of checkpoint 3 at 8200",
        ],
    );
}

#[test]
fn without_an_interval_there_is_only_the_final_one() {
    let checkpoint = CheckpointSettings { interval_ms: None, ..settings().checkpoint };
    let mut t = Bench::running(Settings { checkpoint, ..settings() });
    t.expect(1_000_000, tick(1), &[]);
    t.expect(
        1_000_001,
        Event::StopRequested,
        &["worker 1: barrier 1 (Stop) at 0/0", "timer end of checkpoint 1 at 1005001"],
    );
}

#[test]
fn what_older_attempts_and_checkpoints_say_changes_nothing() {
    let mut t = Bench::running(settings());
    t.send(10, failed(1, 0, 0, ErrorKind::Transient));
    t.send(20, cancelled(1, 1));
    t.send(110, Event::TimerFired(Timer::Restart(Attempt(1))));
    t.send(120, runs(2, 0, 0));
    t.send(1_120, tick(2));
    let before = t.status();
    let stale = [
        runs(1, 0, 0),
        failed(1, 0, 0, ErrorKind::User),
        finished(1, 0, 0),
        stored(1, 1, part()),
        stored(2, 7, part()),
        not_stored(1, 1, ErrorKind::User),
        cancelled(1, 1),
        found(1, "a", true),
        read_to_end(1, 0, "a"),
        written(1),
        is_epoch(1, 22),
        published(22),
        marked(22),
        tick(1),
        Event::TimerFired(Timer::Restart(Attempt(1))),
        Event::TimerFired(Timer::Deploy(Attempt(1))),
        Event::TimerFired(Timer::Cancel(Attempt(1))),
        Event::TimerFired(Timer::Publish(millstream_model::Epoch(22))),
        took_over(None, &[7]),
    ];
    for event in stale {
        t.expect(1_130, event, &[]);
    }
    assert_eq!(t.status(), before);
}

#[test]
fn planted_bugs_do_what_they_say() {
    let with = |sabotage: crate::Sabotage| Bench::running(Settings { sabotage, ..settings() });
    let none = crate::Sabotage::default();

    let mut t = with(crate::Sabotage { publish_before_owned: true, ..none });
    t.send(1_000, tick(1));
    t.send(1_000, stored(1, 1, part()));
    t.expect(1_000, written(1), &["publish epoch 22: 0 publications", "claim an epoch for checkpoint 1"]);

    let mut t = with(crate::Sabotage { own_aborted_checkpoints: true, ..none });
    t.send(1_000, tick(1));
    let lines = t.send(1_000, not_stored(1, 1, ErrorKind::Transient));
    assert_eq!(lines[0], "worker 1: checkpoint 1 is owned as epoch 22");

    let mut t = with(crate::Sabotage { late_enumerator_snapshot: true, ..none });
    t.send(5, found(1, "a", false));
    t.send(1_000, tick(1));
    t.send(1_001, found(1, "b", false));
    let commands = t.commands(1_002, stored(1, 1, part()));
    let [Command::WriteManifest { manifest }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(manifest.sources[0].enumerator, b"b", "b is in no snapshot: lost at a restore");

    let mut t = with(crate::Sabotage { accept_old_attempts: true, ..none });
    t.expect(5, found(0, "z", false), &["worker 1: assign 0/0 [z]"]);
}

#[test]
fn a_manifest_carries_who_wrote_it() {
    let manifest = manifest_of(&[2, 1], Outcome::Running);
    assert_eq!(manifest.job, crate::fixture::job());
    assert_eq!((manifest.fingerprint.as_str(), manifest.sql.as_str()), ("f1", "SELECT 1"));
    assert_eq!((manifest.attempt, manifest.created_at_ms), (Attempt(1), 10_000));
    assert_eq!(manifest.operators.len(), 3);
}

#[test]
fn workers_hear_of_an_epoch_before_it_is_published() {
    let mut t = Bench::running(settings());
    t.send(1_000, tick(1));
    t.send(1_000, stored(1, 1, part()));
    t.send(1_000, written(1));
    let commands = t.commands(1_000, is_epoch(1, 22));
    let told =
        commands.iter().position(|c| matches!(c, Command::Send { message: ToWorker::EpochOwned { .. }, .. }));
    let shown = commands.iter().position(|c| matches!(c, Command::Publish { .. }));
    assert!(told < shown, "{told:?} {shown:?}");
}
