//! Windows by the clock: what fires when, what a restore knows of it, and random histories against a naive model.

mod case;

use case::run;
use millstream_operators::{BuildContext, Clock, Output, Progress, build};
use millstream_plan::{OperatorSpec, WindowZone};
use millstream_test_testkit::harness::{Harness, as_is, set_clock, spilling};
use millstream_test_testkit::mutants::Mutant;
use millstream_test_testkit::plans::Aggregation;
use millstream_test_testkit::table::{print, rows, tidy};

const ROWS: &str = "k STRING | v INT";
/// A few seconds on a busy machine.
const CASES: u64 = 600;
const HOUR_MS: i64 = 3_600_000;

fn push(harness: &mut Harness, now_ms: i64, input: &str) {
    set_clock(now_ms);
    harness.push(rows(&Aggregation::over(ROWS, "k", "").rows, input)).unwrap();
    assert_eq!(print(&harness.take_output()), "", "only the clock fires windows");
}

/// What all subtasks emit at a time.
fn fired(harness: &mut Harness, now_ms: i64) -> String {
    set_clock(now_ms);
    harness.clock(usize::MAX).unwrap();
    print(&harness.take_output())
}

#[test]
fn a_window_fires_at_its_end_with_the_rows_that_came_in_it() {
    let plan = Aggregation::over(ROWS, "k", "COUNT(*), SUM(v)");
    for wrap in [as_is(), spilling(1)] {
        let mut harness = Harness::new(plan.processing_windows(10, 10), 1, wrap).unwrap();
        push(&mut harness, 3_000, "b|1 \n a|2");
        push(&mut harness, 9_999, "a|3");
        assert_eq!(harness.wakes_at_ms(), Some(10_000));
        assert_eq!(fired(&mut harness, 9_999), "");
        // Of the next window, although the first has not fired yet.
        push(&mut harness, 10_000, "a|4");
        assert_eq!(harness.wakes_at_ms(), Some(10_000));
        let mut lines: Vec<String> = fired(&mut harness, 10_000).lines().map(str::to_owned).collect();
        lines.sort();
        assert_eq!(lines.join("\n"), tidy("+I|0|10|a|2|5 \n +I|0|10|b|1|1"));
        assert_eq!(harness.wakes_at_ms(), Some(20_000));
        assert_eq!(fired(&mut harness, 3_600_000), tidy("+I|10|20|a|1|4"), "however long nobody asked");
        assert_eq!(harness.wakes_at_ms(), None);
        assert_eq!(harness.counters().late_dropped, 0);
    }
}

#[test]
fn a_row_counts_in_every_window_that_holds_its_moment() {
    let plan = Aggregation::over(ROWS, "k", "COUNT(DISTINCT v), MAX(v)");
    for wrap in [as_is(), spilling(1)] {
        let mut harness = Harness::new(plan.processing_windows(6, 2), 1, wrap).unwrap();
        push(&mut harness, 1_000, "a|1 \n a|1");
        push(&mut harness, 5_100, "a|2");
        assert_eq!(fired(&mut harness, 6_000), tidy("+I|-4|2|a|1|1 \n +I|-2|4|a|1|1 \n +I|0|6|a|2|2"));
        push(&mut harness, 6_500, "a|1");
        assert_eq!(fired(&mut harness, 20_000), tidy("+I|2|8|a|2|2 \n +I|4|10|a|2|2 \n +I|6|12|a|1|1"));
    }
}

#[test]
fn windows_that_grow_have_all_rows_since_they_began() {
    let plan = Aggregation::over(ROWS, "k", "COUNT(*), MAX(v)");
    for wrap in [as_is(), spilling(1)] {
        let mut harness = Harness::new(plan.growing_processing_windows(6, 2), 1, wrap).unwrap();
        push(&mut harness, 1_000, "a|1");
        push(&mut harness, 5_100, "a|2");
        push(&mut harness, 6_000, "a|3");
        assert_eq!(fired(&mut harness, 6_000), tidy("+I|0|2|a|1|1 \n +I|0|4|a|1|1 \n +I|0|6|a|2|2"));
        assert_eq!(fired(&mut harness, 20_000), tidy("+I|6|8|a|1|3 \n +I|6|10|a|1|3 \n +I|6|12|a|1|3"));
    }
}

#[test]
fn the_end_of_input_fires_what_is_open_and_event_time_nothing() {
    let plan = Aggregation::over(ROWS, "", "COUNT(*)");
    let mut harness = Harness::new(plan.clone().two_phases().processing_windows(10, 10), 1, as_is()).unwrap();
    push(&mut harness, 1_000, "a|1 \n b|1");
    harness.watermark(i64::MAX - 1).unwrap();
    assert_eq!(print(&harness.take_output()), "");
    harness.finish().unwrap();
    assert_eq!(print(&harness.take_output()), tidy("+I|0|10|2"));
    assert_eq!(harness.wakes_at_ms(), None);
}

#[test]
fn the_first_phase_holds_rows_for_a_moment() {
    let plan = Aggregation::over(ROWS, "k", "SUM(v)").two_phases();
    let mut harness = Harness::new(plan.processing_windows(1, 1), 1, as_is()).unwrap();
    push(&mut harness, 970, "a|1");
    push(&mut harness, 989, "a|10");
    assert_eq!(harness.wakes_at_ms(), None, "all is held back");
    push(&mut harness, 990, "a|100");
    push(&mut harness, 991, "a|1000");
    assert_eq!(fired(&mut harness, 1_000), tidy("+I|0|1|a|111"));
    // A clock that was set back holds nothing.
    push(&mut harness, 500, "a|10000");
    assert_eq!(fired(&mut harness, 2_000), tidy("+I|1|2|a|11000"));
}

#[test]
fn a_window_that_ended_while_the_job_was_down_fires_at_once_and_no_other_again() {
    let plan = Aggregation::over(ROWS, "k", "COUNT(*), COUNT(DISTINCT v)");
    for wrap in [as_is(), spilling(1)] {
        let mut harness = Harness::new(plan.processing_windows(4, 2), 3, wrap).unwrap();
        push(&mut harness, 1_000, "a|1 \n b|1 \n c|1 \n d|1 \n e|1 \n f|1");
        harness.checkpoint().unwrap();
        // At the barrier only one subtask has fired the first window.
        set_clock(2_000);
        harness.clock(1).unwrap();
        let early: Vec<String> = print(&harness.take_output()).lines().map(str::to_owned).collect();
        assert!((1..6).contains(&early.len()), "{early:?}");
        harness.checkpoint().unwrap();
        harness.restore(2).unwrap();
        let late: Vec<String> = fired(&mut harness, 60_000).lines().map(str::to_owned).collect();
        let mut all: Vec<String> = early.into_iter().chain(late).collect();
        all.sort();
        let keys = ["a", "b", "c", "d", "e", "f"];
        let first = keys.map(|k| format!("+I|-2|2|{k}|1|1"));
        let second = keys.map(|k| format!("+I|0|4|{k}|1|1"));
        assert_eq!(all.join("\n"), tidy(&[first, second].concat().join("\n")));
        harness.checkpoint().unwrap();
        assert!(harness.live_rows().unwrap().is_empty(), "{:?}", harness.live_rows());
    }
}

#[test]
fn a_clock_that_is_set_back_a_little_stands_still() {
    let plan = Aggregation::over(ROWS, "k", "COUNT(*)");
    let mut harness = Harness::new(plan.processing_windows(10, 10), 1, as_is()).unwrap();
    push(&mut harness, 9_000, "a|1");
    assert_eq!(fired(&mut harness, 100_000), tidy("+I|0|10|a|1"));
    push(&mut harness, 99_999, "a|1");
    assert_eq!(fired(&mut harness, 110_000), tidy("+I|100|110|a|1"));
    // By more than a minute: the new time is believed, and windows may come once more.
    push(&mut harness, 9_000, "a|1");
    assert_eq!(harness.wakes_at_ms(), Some(10_000));
    assert_eq!(fired(&mut harness, 10_000), tidy("+I|0|10|a|1"));
}

thread_local! {
    static BERLIN_MS: std::cell::Cell<i64> = const { std::cell::Cell::new(0) };
}

/// In Berlin the clock goes from 03:00 back to 02:00 on 27 October 2024, at 01:00 UTC.
#[test]
fn windows_of_a_zone_end_when_its_wall_clock_shows_their_end_for_the_last_time() {
    let aggregation = Aggregation::over(ROWS, "", "COUNT(*)");
    let plan = aggregation.processing_windows(1_800, 1_800);
    let OperatorSpec::ProcessingWindowAggregate(mut spec) = plan.keyed else { panic!("another plan") };
    spec.window.zone = WindowZone::named("Europe/Berlin");
    let context = BuildContext::of_subtask(0, 1, 16).with_clock(Clock::new(|| BERLIN_MS.get()));
    let mut operator = build(&OperatorSpec::ProcessingWindowAggregate(spec), context).unwrap();
    let midnight = 1_729_987_200_000;
    let mut out = Output::default();
    // 02:15 for the first time, and for the second.
    for minutes in [15, 75] {
        BERLIN_MS.set(midnight + minutes * 60_000);
        assert_eq!(operator.on_clock(&mut out).unwrap(), Progress::Done);
        assert_eq!(operator.process(rows(&aggregation.rows, "a|1"), &mut out).unwrap(), Progress::Done);
    }
    // 02:30 came and went while the window was still open: it is looked at now and then.
    assert!(out.is_empty());
    let wakes = operator.wakes_at_ms().unwrap();
    assert!(wakes > midnight + HOUR_MS && wakes <= midnight + HOUR_MS + 16 * 60_000, "{}", wakes - midnight);
    BERLIN_MS.set(midnight + HOUR_MS + HOUR_MS / 2);
    assert_eq!(operator.on_clock(&mut out).unwrap(), Progress::Done);
    let seconds = midnight / 1_000;
    let (start, end) = (seconds + 7_200, seconds + 7_200 + 1_800);
    assert_eq!(print(&out.take()), tidy(&format!("+I|{start}|{end}|2")));
}

#[test]
fn windows_agree_with_the_model() {
    for seed in 0..CASES {
        let spill = [None, Some(1), Some(3_000), Some(100_000)][(seed % 4) as usize];
        if let Err(difference) = run(seed, spill.map_or_else(as_is, spilling)) {
            panic!("seed {seed}, {spill:?} bytes: {difference}");
        }
    }
}

#[test]
fn the_model_notices_operators_that_are_wrong() {
    for mutant in [
        Mutant::DropLastRow,
        Mutant::LoseDirtyRow,
        Mutant::ForgetRemovals,
        Mutant::DoubleAfterRestore,
        Mutant::ReverseSegments,
        Mutant::StopAtBudget,
        Mutant::SkipFlush,
    ] {
        assert!((0..CASES).any(|seed| run(seed, mutant.wrap()).is_err()), "{mutant:?} goes unnoticed");
    }
}
