//! Aggregates by session: what is one session, what fires when, what is late, and that a restore goes on where it was.

use millstream_model::Watermark;
use millstream_operators::{BuildContext, Output, Progress, build};
use millstream_test_testkit::harness::{Harness, Wrap, as_is, spilling};
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
use Step::{Checkpoint, Restore, Rows};

fn check_with(aggregation: &Aggregation, wrap: Wrap, steps: &[Step]) -> Harness {
    let mut harness = Harness::new(aggregation.sessions("ts", 10), 1, wrap).unwrap();
    for step in steps {
        match step {
            Rows(text) => harness.push(rows(&aggregation.rows, text)).unwrap(),
            Step::Watermark(millis, expected) => {
                harness.watermark(millis * 1_000).unwrap();
                // Several subtasks fire one after the other.
                let mut found: Vec<String> =
                    print(&harness.take_output()).lines().map(str::to_owned).collect();
                found.sort();
                let mut expected: Vec<String> = tidy(expected).lines().map(str::to_owned).collect();
                expected.sort();
                assert_eq!(found, expected, "at watermark {millis} ms");
            }
            Checkpoint => harness.checkpoint().unwrap(),
            Restore(parallelism) => harness.restore(*parallelism).unwrap(),
        }
        assert!(harness.take_output().is_empty(), "only watermarks fire sessions");
    }
    harness
}

/// In memory, and with a store that takes everything or some of it.
fn check(keys: &str, calls: &str, steps: &[Step]) -> Vec<Harness> {
    let aggregation = Aggregation::over(ROWS, keys, calls);
    [as_is(), spilling(1), spilling(4_000)].map(|wrap| check_with(&aggregation, wrap, steps)).into()
}

#[test]
fn sessions_end_a_gap_after_their_last_row() {
    for harness in check(
        "k",
        "COUNT(*), SUM(v)",
        &[
            Rows("a|1|0 \n b|2|7 \n a|3|5 \n a|4|30 \n NULL|5|1"),
            Step::Watermark(10_998, ""),
            Step::Watermark(10_999, "+I|1|11|NULL|1|5"),
            Step::Watermark(16_999, "+I|0|15|a|2|4 \n +I|7|17|b|1|2"),
            Rows("a|6|40"),
            Step::Watermark(49_998, ""),
            Step::Watermark(49_999, "+I|30|50|a|2|10"),
        ],
    ) {
        assert_eq!((harness.counters().late_dropped, harness.counters().rows_out), (0, 4));
    }
}

#[test]
fn a_row_at_the_end_of_a_session_joins_it() {
    check(
        "k",
        "COUNT(*)",
        &[
            Rows("a|1|0 \n b|1|0"),
            Rows("a|1|10 \n b|1|10.001"),
            Step::Watermark(60_000, "+I|0|10|b|1 \n +I|0|20|a|2 \n +I|10.001|20.001|b|1"),
        ],
    );
}

#[test]
fn a_row_between_sessions_makes_them_one() {
    check(
        "k",
        "COUNT(*), SUM(v), MAX(v), COUNT(DISTINCT v)",
        &[
            Rows("a|1|0 \n a|2|15 \n a|1|40 \n b|9|15"),
            Checkpoint,
            Rows("a|2|8"),
            // Two from before the checkpoint, one of the same batch.
            Rows("a|7|30 \n a|7|50"),
            Checkpoint,
            Restore(3),
            Rows("a|5|21"),
            Step::Watermark(59_998, "+I|15|25|b|1|9|9|1"),
            Step::Watermark(59_999, "+I|0|60|a|7|25|7|4"),
        ],
    );
}

#[test]
fn a_late_row_joins_what_is_open_and_nothing_else() {
    for harness in check(
        "k",
        "COUNT(*)",
        &[
            Rows("a|1|0 \n b|1|20"),
            Step::Watermark(15_000, "+I|0|10|a|1"),
            // Late: its own session is over, and so is the one that it would have joined.
            Rows("a|1|3"),
            // In time, but its session of before is gone.
            Rows("a|1|9"),
            // Late alone, but it touches one that is open.
            Rows("b|1|11"),
            // Judged by the watermark of its split: `[9, 19)` is over for the second row.
            Rows("a|1|8 | @ 15 \n a|1|12 | @ 18.999"),
            Step::Watermark(50_000, "+I|8|19|a|2 \n +I|11|30|b|2 \n +I|12|22|a|1"),
        ],
    ) {
        assert_eq!(harness.counters().late_dropped, 1);
        assert_eq!(harness.stored_rows().unwrap(), 0);
    }
}

#[test]
fn late_rows_alone_leave_nothing_behind() {
    for mut harness in check("k", "COUNT(DISTINCT v)", &[Step::Watermark(50_000, ""), Rows("a|1|3 \n b|1|4")])
    {
        assert_eq!(harness.counters().late_dropped, 2);
        harness.checkpoint().unwrap();
        assert!(harness.live_rows().unwrap().is_empty());
    }
}

#[test]
fn what_fired_leaves_no_state() {
    for mut harness in check(
        "k",
        "COUNT(DISTINCT v), SUM(v)",
        &[
            Rows("a|1|0 \n b|2|7 \n a|3|15"),
            Checkpoint,
            Step::Watermark(20_000, "+I|0|10|a|1|1 \n +I|7|17|b|1|2"),
        ],
    ) {
        harness.checkpoint().unwrap();
        let live = harness.live_rows().unwrap();
        assert_eq!((live["session-keys"], live["sessions"], live.len()), (1, 1, 3));
        harness.watermark(i64::MAX).unwrap();
        harness.checkpoint().unwrap();
        assert!(harness.live_rows().unwrap().is_empty());
    }
}

#[test]
fn a_restore_fires_what_was_open_at_any_parallelism() {
    check(
        "k",
        "COUNT(*)",
        &[
            Rows("a|1|0 \n b|1|1 \n c|1|2 \n d|1|3"),
            Checkpoint,
            Rows("a|1|9 \n c|1|9"),
            Step::Watermark(11_000, "+I|1|11|b|1"),
            Checkpoint,
            Restore(4),
            Rows("d|1|13"),
            Checkpoint,
            // Lost, and read again by who restores.
            Rows("e|1|13"),
            Restore(2),
            Step::Watermark(18_999, "+I|0|19|a|2 \n +I|2|19|c|2"),
            Step::Watermark(i64::MAX / 1_000, "+I|3|23|d|2"),
        ],
    );
}

#[test]
fn without_a_key_all_rows_are_one_stream() {
    check(
        "",
        "COUNT(*)",
        &[Rows("a|1|0 \n b|1|9 \n c|1|30"), Step::Watermark(i64::MAX / 1_000, "+I|0|19|2 \n +I|30|40|1")],
    );
}

#[test]
fn many_sessions_fire_in_chunks() {
    let aggregation = Aggregation::over(ROWS, "k", "SUM(v)");
    let plan = aggregation.sessions("ts", 60);
    let mut operator = build(&plan.keyed, BuildContext::of_subtask(0, 1, 256)).unwrap();
    let mut out = Output::new(8_192, usize::MAX);
    for start in (0..20_000).step_by(5_000) {
        let text: String = (start..start + 5_000).map(|i| format!("key{i:05}|{i}|1\n")).collect();
        assert_eq!(operator.process(rows(&aggregation.rows, &text), &mut out).unwrap(), Progress::Done);
    }
    let mut sizes = Vec::new();
    let mut progress = operator.on_watermark(Watermark::MAX, &mut out).unwrap();
    loop {
        sizes.push(out.take().iter().map(|b| b.num_rows()).sum::<usize>());
        if progress == Progress::Done {
            break;
        }
        progress = operator.resume(&mut out).unwrap();
    }
    assert_eq!(sizes, [8_192, 8_192, 3_616]);
    assert_eq!(operator.counters().rows_out, 20_000);
}

#[test]
fn retractions_and_first_phases_are_refused() {
    let plain = Aggregation::over(ROWS, "k", "SUM(v)");
    for aggregation in [plain.clone().retracting(), plain.two_phases()] {
        let plan = aggregation.sessions("ts", 10);
        for spec in plan.first.iter().chain([&plan.keyed]) {
            assert!(build(spec, BuildContext::of_subtask(0, 1, 16)).is_err());
        }
    }
}
