//! Publishing, its failures, retention.

use millstream_checkpoint::Outcome;
use millstream_model::{Epoch, ErrorKind};

use super::bench::*;
use crate::{Event, JobPhase, Timer};

fn not_published(epoch: u64, kind: ErrorKind) -> Event {
    Event::PublishFailed { epoch: Epoch(epoch), error: error(kind) }
}

/// Running, with epoch 22 being published.
fn publishing() -> Bench {
    let mut t = Bench::running(settings());
    t.send(1_000, tick(1));
    t.own(1_000, 1, 1, 22);
    t
}

#[test]
fn a_passing_fault_is_repeated() {
    let mut t = publishing();
    t.expect(1_100, not_published(22, ErrorKind::Transient), &["timer publish of epoch 22 at 1150"]);
    assert_eq!(t.status().last_error.as_deref(), Some("publishing epoch 22 failed: boom"));
    t.expect(1_150, Event::TimerFired(Timer::Publish(Epoch(22))), &["publish epoch 22: 0 publications"]);
    t.expect(1_160, published(22), &["mark epoch 22 (checkpoint 1) published"]);
    let not_marked = Event::MarkFailed { epoch: Epoch(22), error: error(ErrorKind::Transient) };
    t.expect(1_170, not_marked, &["timer publish of epoch 22 at 1220"]);
    t.expect(
        1_220,
        Event::TimerFired(Timer::Publish(Epoch(22))),
        &["mark epoch 22 (checkpoint 1) published"],
    );
    t.expect(1_230, marked(22), &["sweep what attempt 1 does not write"]);
}

#[test]
fn output_that_stays_unpublished_ends_the_job_and_names_the_way_on() {
    let mut t = publishing();
    t.send(1_100, not_published(22, ErrorKind::Transient));
    t.send(1_150, Event::TimerFired(Timer::Publish(Epoch(22))));
    t.expect(
        1_200,
        not_published(22, ErrorKind::Transient),
        &["worker 1: cancel attempt 1", "attempt 1: stop enumerators", "timer cancel of attempt 1 at 1900"],
    );
    t.expect(
        1_210,
        cancelled(1, 1),
        &["end: failed (Unavailable): epoch 22 could not be published in 2 tries: boom; its output stays in the job's \
           storage and is published when the job is started again"],
    );
}

#[test]
fn a_refusal_ends_the_job_in_every_phase() {
    let refused = "end: failed (State): the output of epoch 22 is refused: boom; it stays in the job's storage until the \
                   target takes it";
    let mut t = publishing();
    t.send(1_100, not_published(22, ErrorKind::State));
    t.expect(1_110, cancelled(1, 1), &[refused]);

    let mut t = publishing();
    t.send(1_100, failed(1, 0, 0, ErrorKind::Transient));
    t.send(1_100, not_published(22, ErrorKind::State));
    t.expect(1_110, cancelled(1, 1), &[refused]);

    let mut t = publishing();
    t.send(1_100, failed(1, 0, 0, ErrorKind::Transient));
    t.send(1_110, cancelled(1, 1));
    t.expect(1_120, not_published(22, ErrorKind::State), &[refused]);

    let mut t = Bench::new(&[1], settings());
    t.send(0, took_over(Some(manifest_of(&[1], Outcome::Running)), &[22]));
    t.expect(1, not_published(22, ErrorKind::State), &[refused]);

    let mut t = Bench::new(&[1], settings());
    t.send(0, took_over(Some(manifest_of(&[1], Outcome::Finished)), &[22]));
    t.expect(1, not_published(22, ErrorKind::State), &[refused]);
}

#[test]
fn a_target_that_knows_a_newer_owner_fences() {
    let mut t = publishing();
    t.expect(
        1_100,
        not_published(22, ErrorKind::Fenced),
        &["worker 1: cancel attempt 1", "attempt 1: stop enumerators", "end: fenced by generation 2"],
    );
}

#[test]
fn publishing_goes_on_while_the_tasks_restart() {
    let mut t = publishing();
    t.send(1_100, failed(1, 0, 0, ErrorKind::Transient));
    t.expect(1_110, published(22), &["mark epoch 22 (checkpoint 1) published"]);
    t.expect(1_120, marked(22), &["sweep what attempt 1 does not write"]);
    assert_eq!(t.status().phase, JobPhase::Cancelling);
}

#[test]
fn a_failed_job_shows_what_it_owns_before_it_ends() {
    let mut t = publishing();
    t.send(1_100, failed(1, 0, 0, ErrorKind::User));
    t.expect(1_110, cancelled(1, 1), &[]);
    assert_eq!(t.status().phase, JobPhase::Publishing);
    t.send(1_120, published(22));
    t.expect(1_130, marked(22), &["sweep"]);
    t.expect(1_140, Event::Swept, &["end: failed (User): chain 0 (0/0): boom"]);
}

#[test]
fn sweeps_spare_what_is_being_written_and_do_not_overlap() {
    let mut t = publishing();
    t.send(2_000, tick(1));
    t.send(2_010, published(22));
    t.expect(2_020, marked(22), &["sweep what attempt 1 does not write"]);
    t.own(2_030, 1, 2, 23);
    t.send(2_040, published(23));
    t.expect(2_050, marked(23), &[]);
    t.expect(2_060, Event::Swept, &["sweep what attempt 1 does not write"]);
}

#[test]
fn sweeps_pause_unless_the_job_ends() {
    let mut t = Bench::running(crate::Settings { sweep_interval_ms: 5_000, ..settings() });
    for (n, now) in [(1, 1_000), (2, 2_000), (3, 6_000)] {
        let mut lines = t.send(now, tick(1));
        t.own(now, 1, n, 21 + n);
        t.send(now, published(21 + n));
        lines.extend(t.send(now, marked(21 + n)));
        let swept = lines.contains(&"sweep what attempt 1 does not write".to_owned());
        assert_eq!(swept, n != 2, "{n}");
        t.send(now, Event::Swept);
    }
}
