//! Windowed aggregates: what fires when, and what is late.

use millstream_test_testkit::harness::{Harness, HarnessPlan, as_is};
use millstream_test_testkit::plans::Aggregation;
use millstream_test_testkit::table::{print, rows, tidy};

const ROWS: &str = "k STRING | v INT | ts TIMESTAMP(3)";

/// What is done to a harness.
enum Step {
    Rows(&'static str),
    /// In milliseconds; with what fires.
    Watermark(i64, &'static str),
    Checkpoint,
    Restore(u32),
}
use Step::{Checkpoint, Restore, Rows, Watermark};

fn check(aggregation: &Aggregation, plan: &HarnessPlan, steps: &[Step]) -> Harness {
    let mut harness = Harness::new(plan.clone(), 1, as_is()).unwrap();
    for step in steps {
        match step {
            Rows(text) => harness.push(rows(&aggregation.rows, text)).unwrap(),
            Watermark(millis, expected) => {
                harness.watermark(millis * 1_000).unwrap();
                assert_eq!(print(&harness.take_output()), tidy(expected), "at watermark {millis} ms");
            }
            Checkpoint => harness.checkpoint().unwrap(),
            Restore(parallelism) => harness.restore(*parallelism).unwrap(),
        }
        assert!(harness.take_output().is_empty(), "only watermarks fire windows");
    }
    harness
}

/// One phase, and two.
fn both(aggregation: &Aggregation, size: i64, slide: i64, steps: &[Step]) -> [Harness; 2] {
    let one = check(aggregation, &aggregation.windows("ts", size, slide), steps);
    let two = aggregation.clone().two_phases();
    [one, check(aggregation, &two.windows("ts", size, slide), steps)]
}

#[test]
fn tumbling_windows_fire_in_order_one_millisecond_before_their_end() {
    let harnesses = both(
        &Aggregation::over(ROWS, "k", "COUNT(*), SUM(v)"),
        10,
        10,
        &[
            Rows("b|1|3 \n a|2|11 \n a|3|9.999 \n NULL|4|0"),
            Watermark(9_998, ""),
            Watermark(9_999, "+I|0|10|NULL|1|4 \n +I|0|10|a|1|3 \n +I|0|10|b|1|1"),
            Rows("a|5|9.999 \n a|6|10"),
            Watermark(5_000, ""),
            Watermark(40_000, "+I|10|20|a|2|8"),
            Rows("b|7|45"),
            Watermark(i64::MAX / 1_000, "+I|40|50|b|1|7"),
        ],
    );
    for harness in harnesses {
        assert_eq!(harness.counters().late_dropped + harness.first_counters().late_dropped, 1);
        assert_eq!(harness.counters().rows_out, 5);
    }
}

#[test]
fn sliding_windows_share_slices() {
    both(
        &Aggregation::over(ROWS, "k", "SUM(v), MIN(v)"),
        6,
        2,
        &[
            Rows("a|1|1 \n a|10|3 \n b|100|5"),
            Watermark(1_999, "+I|-4|2|a|1|1"),
            Watermark(5_999, "+I|-2|4|a|11|1 \n +I|0|6|a|11|1 \n +I|0|6|b|100|100"),
            Watermark(8_000, "+I|2|8|a|10|10 \n +I|2|8|b|100|100"),
            // Far ahead: windows between are empty.
            Rows("a|7|100.5"),
            Watermark(50_000, "+I|4|10|b|100|100"),
            Watermark(i64::MAX / 1_000, "+I|96|102|a|7|7 \n +I|98|104|a|7|7 \n +I|100|106|a|7|7"),
        ],
    );
}

#[test]
fn a_row_can_be_late_for_some_windows_only() {
    let harnesses = both(
        &Aggregation::over(ROWS, "k", "COUNT(*)"),
        6,
        2,
        &[
            Rows("a|1|5"),
            Watermark(5_999, "+I|0|6|a|1"),
            // Late for [0, 6), in time for [2, 8) and [4, 10).
            Rows("a|1|5"),
            // Judged by the watermark of its split: only [4, 10) is open.
            Rows("a|1|5|@ 7.999"),
            // Late for all.
            Rows("a|1|1.5"),
            Watermark(9_999, "+I|2|8|a|2 \n +I|4|10|a|3"),
            Watermark(i64::MAX / 1_000, ""),
        ],
    );
    for harness in harnesses {
        assert_eq!(harness.counters().late_dropped + harness.first_counters().late_dropped, 1);
        assert!(harness.stored_rows().unwrap() == 0);
    }
}

#[test]
fn windows_with_gaps_ignore_rows_between_them() {
    let harnesses = both(
        &Aggregation::over(ROWS, "", "COUNT(*)"),
        2,
        5,
        &[Rows("a|1|1.999 \n a|1|2 \n a|1|4.999 \n a|1|5"), Watermark(20_000, "+I|0|2|1 \n +I|5|7|1")],
    );
    for harness in harnesses {
        assert_eq!(harness.counters().late_dropped + harness.first_counters().late_dropped, 0);
    }
}

#[test]
fn a_size_that_is_no_multiple_of_the_slide() {
    both(
        &Aggregation::over(ROWS, "", "SUM(v)"),
        5,
        2,
        &[
            Rows("a|1|0 \n a|10|1 \n a|100|2 \n a|1000|4.5"),
            Watermark(
                i64::MAX / 1_000,
                "+I|-4|1|1 \n +I|-2|3|111 \n +I|0|5|1111 \n +I|2|7|1100 \n +I|4|9|1000",
            ),
        ],
    );
}

#[test]
fn fired_windows_stay_fired_and_late_rows_stay_late() {
    let harnesses = both(
        &Aggregation::over(ROWS, "k", "COUNT(*), MAX(v)"),
        6,
        2,
        &[
            Rows("a|1|1 \n b|2|5"),
            Checkpoint,
            Watermark(5_999, "+I|-4|2|a|1|1 \n +I|-2|4|a|1|1 \n +I|0|6|a|1|1 \n +I|0|6|b|1|2"),
            Checkpoint,
            Restore(3),
            Rows("b|3|5 \n a|4|1"),
            Watermark(6_000, ""),
            Checkpoint,
            Restore(1),
            Watermark(i64::MAX / 1_000, "+I|2|8|b|2|3 \n +I|4|10|b|2|3"),
        ],
    );
    for harness in harnesses {
        assert_eq!(harness.counters().late_dropped + harness.first_counters().late_dropped, 1);
    }
}

#[test]
fn distinct_values_are_counted_over_all_slices_of_a_window() {
    let aggregation = Aggregation::over(ROWS, "k", "COUNT(DISTINCT v), SUM(DISTINCT v), COUNT(*)");
    check(
        &aggregation,
        &aggregation.windows("ts", 4, 2),
        &[
            Rows("a|1|1 \n a|1|3 \n a|2|3 \n a|NULL|3 \n b|5|3"),
            Watermark(
                i64::MAX / 1_000,
                "+I|-2|2|a|1|1|1 \n +I|0|4|a|2|3|4 \n +I|0|4|b|1|5|1 \n +I|2|6|a|2|3|3 \n +I|2|6|b|1|5|1",
            ),
        ],
    );
}

#[test]
fn rows_are_retracted_from_the_windows_that_are_open() {
    let aggregation = Aggregation::over(ROWS, "k", "MAX(v), COUNT(*), SUM(v)").retracting();
    let harness = check(
        &aggregation,
        &aggregation.windows("ts", 4, 2),
        &[
            Rows("+I|a|9|3 \n +I|a|1|3 \n +I|b|7|3"),
            Watermark(3_999, "+I|0|4|a|9|2|10 \n +I|0|4|b|7|1|7"),
            // Too late for [0, 4), in time for [2, 6).
            Rows("-D|a|9|3 \n -D|b|7|3"),
            Watermark(5_999, "+I|2|6|a|1|1|1"),
            Watermark(i64::MAX / 1_000, ""),
        ],
    );
    assert_eq!((harness.counters().late_dropped, harness.counters().lost_retractions), (0, 0));
}

#[test]
fn a_wide_window_over_fine_slices_agrees_with_a_narrow_sum() {
    let aggregation = Aggregation::over(ROWS, "", "COUNT(*), MIN(v), MAX(v)").two_phases();
    let mut harness = Harness::new(aggregation.windows("ts", 600, 1), 1, as_is()).unwrap();
    for second in (0..2_000).filter(|s| s % 3 == 0) {
        harness.push(rows(&aggregation.rows, &format!("a|{second}|{second}"))).unwrap();
        harness.watermark(second * 1_000_000).unwrap();
    }
    harness.finish().unwrap();
    let text = print(&harness.take_output());
    let lines: Vec<&str> = text.lines().collect();
    // The last second with a row is 1,998; its last window starts there.
    assert_eq!(lines.len(), 1_998 + 600);
    for line in lines {
        let cells: Vec<i64> = line.split(" | ").skip(1).map(|c| c.parse().unwrap()).collect();
        let seconds: Vec<i64> =
            (cells[0]..cells[1]).filter(|s| (0..2_000).contains(s) && s % 3 == 0).collect();
        assert_eq!(cells[2..], [seconds.len() as i64, seconds[0], seconds[seconds.len() - 1]], "{line}");
    }
}

#[test]
fn short_windows_leave_nothing_in_checkpoints() {
    let aggregation = Aggregation::over(ROWS, "k", "COUNT(*), COUNT(DISTINCT v)");
    let mut harness = Harness::new(aggregation.windows("ts", 10, 10), 1, as_is()).unwrap();
    harness.checkpoint().unwrap();
    for round in 0..200 {
        let text: String = (0..10).map(|i| format!("k{i}|{i}|{}\n", round * 10)).collect();
        harness.push(rows(&aggregation.rows, &text)).unwrap();
        harness.watermark((round + 1) * 10_000_000).unwrap();
    }
    harness.checkpoint().unwrap();
    assert_eq!(harness.stored_rows().unwrap(), 0);
    assert!(harness.state_bytes() < 100_000, "{} bytes", harness.state_bytes());
}

#[test]
fn a_row_without_time_is_an_error() {
    let aggregation = Aggregation::over(ROWS, "k", "COUNT(*)");
    for plan in [aggregation.windows("ts", 10, 10), aggregation.clone().two_phases().windows("ts", 10, 10)] {
        let mut harness = Harness::new(plan, 1, as_is()).unwrap();
        let error = harness.push(rows(&aggregation.rows, "a|1|NULL")).unwrap_err();
        assert_eq!(error.to_string(), "the time attribute ts is NULL; a window needs a time for every row");
    }
}
