//! Groups that expire: the rules one by one, and random histories against a naive model.

mod case;
mod model;

use case::run;
use millstream_plan::TtlTime::{Event, Processing};
use millstream_test_testkit::harness::{Harness, as_is, set_clock, spilling};
use millstream_test_testkit::plans::Aggregation;
use millstream_test_testkit::table::{print, rows, tidy};

const ROWS: &str = "k STRING | v INT";
/// Some ten seconds on a busy machine.
const CASES: u64 = 1_600;
const SECOND: i64 = 1_000_000;

fn push(harness: &mut Harness, input: &str) -> String {
    harness.push(rows(&Aggregation::over(ROWS, "k", "").rows, input)).unwrap();
    print(&harness.take_output())
}

/// All that a restore would read, after everything that has expired is gone.
fn swept(harness: &mut Harness) -> Vec<(String, usize)> {
    while harness.expire(1).unwrap() {}
    harness.checkpoint().unwrap();
    harness.live_rows().unwrap().into_iter().collect()
}

#[test]
fn a_group_ends_exactly_one_ttl_after_its_last_write() {
    let plan = Aggregation::over(ROWS, "k", "COUNT(*), SUM(v)").expiring(1_000, Processing);
    let mut harness = Harness::new(plan.group_by(), 1, as_is()).unwrap();
    for (now, input, expected) in [
        (0, "a|1", "+I|a|1|1"),
        (999, "a|2", "-U|a|1|1 \n +U|a|2|3"),
        (1_998, "a|3 \n b|1", "-U|a|2|3 \n +U|a|3|6 \n +I|b|1|1"),
        (2_998, "a|4", "+I|a|1|4"),
        // Nothing said that `b` ended, and it begins anew.
        (9_000, "b|5", "+I|b|1|5"),
    ] {
        set_clock(now);
        assert_eq!(push(&mut harness, input), tidy(expected), "at {now}");
    }
}

#[test]
fn a_retraction_of_what_expired_is_late_and_does_nothing() {
    let plan = Aggregation::over(ROWS, "k", "COUNT(DISTINCT v), MAX(v)").retracting();
    let mut harness = Harness::new(plan.expiring(1_000, Processing).group_by(), 1, as_is()).unwrap();
    set_clock(0);
    assert_eq!(push(&mut harness, "a|1 \n a|9"), tidy("+I|a|2|9"));
    set_clock(1_000);
    assert_eq!(push(&mut harness, "-D|a|9"), "");
    assert_eq!(push(&mut harness, "-D|a|1 \n +I|a|4"), tidy("+I|a|1|4"), "what was kept of it is gone, too");
    assert_eq!((harness.counters().late_dropped, harness.counters().lost_retractions), (2, 0));
}

#[test]
fn updates_that_change_nothing_keep_groups_downstream_alive() {
    let plan = Aggregation::over(ROWS, "k", "MAX(v)").expiring(1_000, Processing);
    let mut harness = Harness::new(plan.group_by(), 1, as_is()).unwrap();
    set_clock(0);
    push(&mut harness, "a|5");
    assert_eq!(push(&mut harness, "a|3"), tidy("-U|a|5 \n +U|a|5"));
    // A distinct row is inserted once, however long it is kept alive.
    let distinct = Aggregation::over(ROWS, "k, v", "").expiring(1_000, Processing);
    let mut harness = Harness::new(distinct.group_by(), 1, as_is()).unwrap();
    for (now, expected) in [(0, "+I|a|5"), (900, ""), (1_800, ""), (2_800, "+I|a|5")] {
        set_clock(now);
        assert_eq!(push(&mut harness, "a|5"), tidy(expected), "at {now}");
    }
}

#[test]
fn event_time_is_the_operators_watermark() {
    let plan = Aggregation::over(ROWS, "k", "COUNT(*)").two_phases().expiring(10_000, Event);
    for wrap in [as_is(), spilling(1)] {
        let mut harness = Harness::new(plan.group_by(), 1, wrap).unwrap();
        // Written before there is any watermark: counts as written at the first.
        set_clock(i64::MAX / 2);
        push(&mut harness, "a|1 \n b|1");
        harness.watermark(100 * SECOND).unwrap();
        harness.take_output();
        harness.checkpoint().unwrap();
        harness.restore(1).unwrap();
        push(&mut harness, "a|1");
        harness.watermark(110 * SECOND - 1).unwrap();
        assert_eq!(print(&harness.take_output()), tidy("-U|a|1 \n +U|a|2"));
        push(&mut harness, "b|1");
        harness.watermark(110 * SECOND).unwrap();
        assert_eq!(print(&harness.take_output()), tidy("-U|b|1 \n +U|b|2"), "one microsecond was left");
        push(&mut harness, "a|1");
        harness.watermark(111 * SECOND).unwrap();
        assert_eq!(print(&harness.take_output()), tidy("+I|a|1"));
        // The end of input is no time.
        harness.finish().unwrap();
        assert_eq!(swept(&mut harness), [("groups".to_owned(), 2)]);
    }
}

#[test]
fn what_expired_leaves_memory_store_and_checkpoints_in_short_steps() {
    let plan = Aggregation::over(ROWS, "k", "COUNT(DISTINCT v), SUM(v)").retracting();
    let plan = plan.expiring(1_000, Processing);
    let lines = |from: i32, to: i32| (from..to).map(|n| format!("k{n}|{n}")).collect::<Vec<_>>().join("\n");
    for (wrap, steps) in [(as_is(), 4), (spilling(1), 60), (spilling(600_000), 60)] {
        let mut harness = Harness::new(plan.group_by(), 1, wrap).unwrap();
        set_clock(0);
        push(&mut harness, &lines(0, 10_000));
        while harness.expire(1).unwrap() {}
        harness.checkpoint().unwrap();
        set_clock(500);
        push(&mut harness, &lines(9_990, 10_010));
        set_clock(1_400);
        harness.expire(1).unwrap();
        assert!(harness.expire(1).unwrap(), "one step does not walk over everything");
        assert!(!harness.expire(steps).unwrap(), "{steps} steps are enough");
        harness.checkpoint().unwrap();
        let live: Vec<(String, usize)> = harness.live_rows().unwrap().into_iter().collect();
        assert_eq!(live.iter().map(|(_, rows)| *rows).collect::<Vec<_>>(), [20, 20], "as deletes");
        assert!(live[0].0 == "groups" && live[1].0.starts_with("values-"), "{live:?}");
        harness.restore(3).unwrap();
        assert_eq!(harness.stored_rows().unwrap(), 40, "absent in bases");
        set_clock(1_500);
        assert_eq!(swept(&mut harness), []);
    }
}

#[test]
fn groups_with_many_values_go_a_few_at_a_time() {
    let plan = Aggregation::over(ROWS, "k", "COUNT(DISTINCT v)").expiring(1_000, Processing);
    let lines: Vec<String> = (0..40_000).map(|n| format!("k{}|{}", n % 200, n / 200)).collect();
    for (wrap, least) in [(as_is(), 9), (spilling(1), 9)] {
        let mut harness = Harness::new(plan.group_by(), 1, wrap).unwrap();
        set_clock(0);
        push(&mut harness, &lines.join("\n"));
        while harness.expire(1).unwrap() {}
        harness.checkpoint().unwrap();
        set_clock(1_000);
        let mut steps = 1;
        while harness.expire(1).unwrap() {
            steps += 1;
        }
        assert!((least..60).contains(&steps), "{steps} steps for 200 groups of 200 values");
        assert_eq!(swept(&mut harness), []);
    }
}

#[test]
fn walks_keep_up_with_new_groups() {
    let plan = Aggregation::over(ROWS, "k", "COUNT(*)").expiring(15, Processing);
    for wrap in [as_is(), spilling(100_000)] {
        let mut harness = Harness::new(plan.group_by(), 1, wrap).unwrap();
        for batch in 0..120 {
            set_clock(batch);
            let lines: Vec<String> = (0..500).map(|n| format!("k{batch}-{n}|1")).collect();
            push(&mut harness, &lines.join("\n"));
            let _ = harness.expire(1).unwrap();
        }
        harness.checkpoint().unwrap();
        let groups = harness.live_rows().unwrap()["groups"];
        // Those of 15 batches have not expired.
        assert!((7_500..18_000).contains(&groups), "{groups} of 60,000 groups");
    }
}

#[test]
fn the_ttl_may_come_change_and_go() {
    let plain = Aggregation::over(ROWS, "k", "COUNT(*)");
    for wrap in [as_is(), spilling(1)] {
        set_clock(5_000);
        let mut harness = Harness::new(plain.group_by(), 2, wrap).unwrap();
        push(&mut harness, "a|1 \n b|1 \n c|1");
        harness.checkpoint().unwrap();
        // What has no time was written when it was restored.
        set_clock(50_000);
        harness.restore_as(plain.clone().expiring(1_000, Processing).group_by(), 1).unwrap();
        set_clock(50_999);
        assert_eq!(push(&mut harness, "a|1"), tidy("-U|a|1 \n +U|a|2"));
        harness.checkpoint().unwrap();
        // A longer one keeps the times that there are.
        harness.restore_as(plain.clone().expiring(2_000, Processing).group_by(), 3).unwrap();
        set_clock(51_999);
        assert_eq!(push(&mut harness, "b|1"), tidy("-U|b|1 \n +U|b|2"));
        set_clock(52_000);
        assert_eq!(push(&mut harness, "c|1"), tidy("+I|c|1"));
        harness.checkpoint().unwrap();
        // The times of one clock mean nothing to the other.
        harness.watermark(7 * SECOND).unwrap();
        harness.restore_as(plain.clone().expiring(1_000, Event).group_by(), 1).unwrap();
        harness.watermark(8 * SECOND - 1).unwrap();
        assert_eq!(push(&mut harness, "a|1"), tidy("-U|a|2 \n +U|a|3"));
        harness.checkpoint().unwrap();
        harness.restore_as(plain.group_by(), 2).unwrap();
        set_clock(i64::MAX / 2);
        assert_eq!(push(&mut harness, "b|1"), tidy("-U|b|2 \n +U|b|3"));
        assert_eq!(swept(&mut harness), [("groups".to_owned(), 3)]);
    }
}

#[test]
fn a_clock_that_was_set_back_keeps_nothing_for_longer_than_a_restart() {
    let plan = Aggregation::over(ROWS, "k", "COUNT(*)").expiring(1_000, Processing);
    let mut harness = Harness::new(plan.group_by(), 1, as_is()).unwrap();
    set_clock(900_000);
    push(&mut harness, "a|1 \n b|1");
    while harness.expire(1).unwrap() {}
    set_clock(5_000);
    assert_eq!(push(&mut harness, "a|1"), tidy("-U|a|1 \n +U|a|2"));
    harness.checkpoint().unwrap();
    harness.restore(1).unwrap();
    set_clock(6_000);
    assert_eq!(swept(&mut harness), []);
}

#[test]
fn groups_agree_with_the_model() {
    for seed in 0..CASES {
        let spill = [None, Some(1), Some(3_000), Some(100_000)][(seed % 4) as usize];
        if let Err(difference) = run(seed, spill.map_or_else(as_is, spilling)) {
            panic!("seed {seed}, {spill:?} bytes: {difference}");
        }
    }
}
