//! Another parallelism for a job that runs, waits, fails meanwhile, or ends.

use super::bench::*;
use crate::{Event, Timer};
use millstream_model::Attempt;

fn barrier(checkpoint: u64, ends_ms: u64) -> [String; 2] {
    [
        format!("worker 1: barrier {checkpoint} (Checkpoint) at 0/0"),
        format!("timer end of checkpoint {checkpoint} at {ends_ms}"),
    ]
}

fn running(slots: u32) -> Bench {
    let mut bench = Bench::new(&[1], settings());
    for event in [took_over(None, &[]), registered(1, slots), runs(1, 0, 0)] {
        bench.send(0, event);
    }
    bench
}

#[test]
fn a_job_goes_on_from_a_checkpoint_that_is_taken_for_it() {
    let mut t = running(2);
    assert_eq!(t.send(10, rescale(2, &[2])), barrier(1, 5_010), "not at the next interval");
    assert_eq!(t.status().parallelism, 1, "until the next attempt");
    let owned = t.own(20, 1, 1, 22);
    let ends =
        ["worker 1: cancel attempt 1", "attempt 1: stop enumerators", "timer cancel of attempt 1 at 720"];
    assert_eq!(owned[0], "worker 1: checkpoint 1 is owned as epoch 22");
    assert_eq!(owned[1..4], ends, "{owned:?}");
    let deployed = t.send(30, cancelled(1, 1));
    assert_eq!(deployed[0], "worker 1: prepare attempt 2 at parallelism 2", "no pause: nothing failed");
    assert!(deployed[1..3].iter().all(|line| line.contains("of attempt 2")), "{deployed:?}");
    t.expect(40, runs(2, 0, 0), &[]);
    assert_eq!(
        t.send(50, runs(2, 0, 1)),
        [
            "worker 1: start attempt 2",
            "rescale 2 is done by attempt 2",
            "timer checkpoint of attempt 2 at 1050"
        ]
    );
    assert_eq!((t.status().restarts, t.status().restored_from.map(|e| e.0)), (0, Some(22)));
    assert_eq!(t.status().parallelism, 2);
    // It stays so when something fails.
    t.send(60, failed(2, 0, 0, millstream_model::ErrorKind::Transient));
    t.send(70, cancelled(2, 1));
    let again = t.send(160, Event::TimerFired(Timer::Restart(Attempt(2))));
    assert_eq!(again[0], "worker 1: prepare attempt 3 at parallelism 2");
    // Workers that come know the job's text alone.
    t.expect(170, registered(2, 1), &[]);
}

#[test]
fn a_checkpoint_that_fails_is_taken_again() {
    let mut t = running(2);
    t.send(10, rescale(2, &[2]));
    t.send(20, not_stored(1, 1, millstream_model::ErrorKind::Transient));
    let due = Event::TimerFired(Timer::Checkpoint(Attempt(1)));
    assert_eq!(t.send(520, due), barrier(2, 5_520));
    assert_eq!(t.own(530, 1, 2, 22)[1], "worker 1: cancel attempt 1");
}

#[test]
fn a_checkpoint_that_is_under_way_is_not_the_one() {
    let mut t = running(2);
    t.send(1_000, tick(1));
    t.expect(1_010, rescale(2, &[2]), &[]);
    let owned = t.own(1_020, 1, 1, 22);
    assert!(owned.contains(&"worker 1: barrier 2 (Checkpoint) at 0/0".into()), "{owned:?}");
}

#[test]
fn where_no_task_runs_the_next_attempt_has_it() {
    let mut t = running(2);
    t.send(10, failed(1, 0, 0, millstream_model::ErrorKind::Transient));
    t.send(20, cancelled(1, 1));
    t.expect(30, rescale(2, &[2]), &[]);
    let deployed = t.send(110, Event::TimerFired(Timer::Restart(Attempt(1))));
    assert_eq!(deployed[0], "worker 1: prepare attempt 2 at parallelism 2");
    // A job that waits for slots anyway may wait for more of them.
    let mut t = Bench::new(&[1], settings());
    t.send(0, took_over(None, &[]));
    t.expect(1, rescale(2, &[2]), &[]);
    t.expect(2, registered(1, 1), &[]);
    assert_eq!(t.status().next.unwrap(), "start when 2 slots are there, now 1");
    assert_eq!(t.send(3, registered(2, 1))[0], "worker 1: prepare attempt 1 at parallelism 2");
}

#[test]
fn what_cannot_be_is_refused_and_the_job_goes_on() {
    let refused = |t: &mut Bench, event: Event| t.send(10, event).join("\n");
    let mut t = running(2);
    assert_eq!(
        refused(&mut t, rescale(3, &[3])),
        "refuse rescale 3: that needs 3 slots, and the workers offer 2: start more workers first"
    );
    let Event::RescaleRequested { id, parallelism, mut graph } = rescale(2, &[2]) else { unreachable!() };
    graph.max_parallelism = 128;
    let message = refused(&mut t, Event::RescaleRequested { id, parallelism, graph });
    assert!(message.contains("256 key groups, and would have 128"), "{message}");
    t.send(10, rescale(2, &[2]));
    let second = refused(&mut t, rescale(1, &[1]));
    assert!(second.starts_with("refuse rescale 1: the job is being rescaled already"), "{second}");
    t.send(20, Event::StopRequested);
    assert_eq!(t.own(30, 1, 1, 22)[0], "worker 1: checkpoint 1 is owned as epoch 22");
    let mut stopping = running(2);
    stopping.send(10, Event::StopRequested);
    assert_eq!(refused(&mut stopping, rescale(2, &[2])), "refuse rescale 2: the job is ending");
}

#[test]
fn a_job_that_is_as_asked_for_is_left_alone() {
    let mut t = running(2);
    let Event::RescaleRequested { id, parallelism, mut graph } = rescale(1, &[1]) else { unreachable!() };
    graph.fingerprint = "f1".into();
    t.expect(10, Event::RescaleRequested { id, parallelism, graph }, &["rescale 1 is done by attempt 1"]);
    // A job of which each operator has a limit of its own has the same tasks at any parallelism.
    let Event::RescaleRequested { id, parallelism, mut graph } = rescale(3, &[1]) else { unreachable!() };
    graph.fingerprint = "f1".into();
    t.expect(20, Event::RescaleRequested { id, parallelism, graph }, &["rescale 3 is done by attempt 1"]);
    assert_eq!(t.status().parallelism, 3);
}

#[test]
fn whoever_asked_hears_of_the_end() {
    let mut t = running(2);
    t.send(10, rescale(2, &[2]));
    let ended = t.send(20, fenced());
    let refused = "refuse rescale 2: not rescaled: the job ended before";
    assert!(ended.contains(&refused.to_string()), "{ended:?}");
}
