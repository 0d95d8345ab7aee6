//! Unbounded aggregates: the changelog row by row.

use millstream_model::ErrorKind;
use millstream_test_testkit::changelog::fold;
use millstream_test_testkit::harness::{Harness, as_is};
use millstream_test_testkit::plans::Aggregation;
use millstream_test_testkit::table::{print, rows, tidy};

const ROWS: &str = "k STRING | v INT | f BOOLEAN";

/// Gives the batches, which are apart by empty lines, and compares what each one emits.
fn check(plan: &Aggregation, steps: &[(&str, &str)]) -> Harness {
    let mut harness = Harness::new(plan.group_by(), 1, as_is()).unwrap();
    for (input, expected) in steps {
        harness.push(rows(&plan.rows, input)).unwrap();
        assert_eq!(print(&harness.take_output()), tidy(expected), "after\n{input}");
    }
    harness
}

#[test]
fn one_change_a_key_and_batch() {
    let plan = Aggregation::over(ROWS, "k", "COUNT(*), SUM(v)");
    check(
        &plan,
        &[
            ("a|1|NULL \n b|5|NULL \n a|2|NULL", "+I|a|2|3 \n +I|b|1|5"),
            ("b|NULL|NULL", "-U|b|1|5 \n +U|b|2|5"),
            ("c|1|NULL \n a|0|NULL \n a|-3|NULL", "+I|c|1|1 \n -U|a|2|3 \n +U|a|4|0"),
        ],
    );
}

#[test]
fn updates_that_change_nothing_are_suppressed() {
    let plan = Aggregation::over(ROWS, "k", "MAX(v)");
    check(&plan, &[("a|5|NULL", "+I|a|5"), ("a|5|NULL \n a|1|NULL", ""), ("a|6|NULL", "-U|a|5 \n +U|a|6")]);
    // SELECT DISTINCT: no calls at all.
    let distinct = Aggregation::over(ROWS, "k, v", "");
    check(&distinct, &[("a|5|NULL \n a|5|NULL", "+I|a|5"), ("a|5|NULL", ""), ("NULL|5|NULL", "+I|NULL|5")]);
}

#[test]
fn updates_before_are_left_out_if_nobody_wants_them() {
    let mut plan = Aggregation::over(ROWS, "k", "COUNT(*)");
    plan.emits_update_before = false;
    check(&plan, &[("a|5|NULL", "+I|a|1"), ("a|5|NULL", "+U|a|2")]);
}

#[test]
fn a_group_ends_with_its_last_row() {
    let plan = Aggregation::over(ROWS, "k", "COUNT(v), MIN(v), AVG(v)").retracting();
    let harness = check(
        &plan,
        &[
            ("+I|a|5|NULL \n +I|a|3|NULL", "+I|a|2|3|4"),
            ("-D|a|3|NULL", "-U|a|2|3|4 \n +U|a|1|5|5"),
            ("-D|a|5|NULL", "-D|a|1|5|5"),
            ("+I|a|NULL|NULL", "+I|a|0|NULL|NULL"),
            ("-U|a|NULL|NULL \n +U|a|1|NULL", "-U|a|0|NULL|NULL \n +U|a|1|1|1"),
            ("+I|b|1|NULL \n -D|b|1|NULL", ""),
        ],
    );
    assert_eq!(harness.counters().lost_retractions, 0);
}

#[test]
fn a_retraction_of_nothing_is_counted_and_does_nothing() {
    let plan = Aggregation::over(ROWS, "k", "COUNT(*), SUM(v)").retracting();
    let harness = check(
        &plan,
        &[
            ("-D|a|5|NULL", ""),
            ("-D|a|5|NULL \n +I|a|7|NULL", "+I|a|1|7"),
            ("-D|a|7|NULL \n -D|a|7|NULL \n +I|a|8|NULL", "-U|a|1|7 \n +U|a|1|8"),
        ],
    );
    assert_eq!(harness.counters().lost_retractions, 3);
}

#[test]
fn a_global_aggregate_says_nothing_about_no_rows() {
    let plan = Aggregation::over(ROWS, "", "COUNT(*), MAX(k)").retracting();
    let mut harness = check(
        &plan,
        &[
            ("+I|x|1|NULL", "+I|1|x"),
            ("-D|x|1|NULL", "-D|1|x"),
            ("+I|y|1|NULL", "+I|1|y"),
            ("-D|y|1|NULL", "-D|1|y"),
        ],
    );
    harness.finish().unwrap();
    assert!(harness.take_output().is_empty());
}

#[test]
fn filters_and_distinct_values() {
    let plan = Aggregation::over(
        ROWS,
        "k",
        "COUNT(*) FILTER f, SUM(v) FILTER f, COUNT(DISTINCT v), SUM(DISTINCT v), MAX(DISTINCT v)",
    )
    .retracting();
    check(
        &plan,
        &[
            ("a|1|true \n a|1|false \n a|2|NULL \n a|NULL|true", "+I|a|2|1|2|3|2"),
            ("-D|a|1|true", "-U|a|2|1|2|3|2 \n +U|a|1|NULL|2|3|2"),
            ("-D|a|1|false \n +I|a|7|true", "-U|a|1|NULL|2|3|2 \n +U|a|2|7|2|9|7"),
            ("-D|a|7|true", "-U|a|2|7|2|9|7 \n +U|a|1|NULL|1|2|2"),
        ],
    );
}

#[test]
fn floats_that_are_equal_are_one_key() {
    let plan = Aggregation::over("x DOUBLE", "x", "COUNT(*)");
    check(
        &plan,
        &[
            ("-0.0 \n NaN", "+I|0.0|1 \n +I|NaN|1"),
            ("0.0 \n -NaN", "-U|0.0|1 \n +U|0.0|2 \n -U|NaN|1 \n +U|NaN|2"),
        ],
    );
}

#[test]
fn two_phases_emit_at_a_flush() {
    let plan = Aggregation::over(ROWS, "k", "COUNT(*), AVG(v), MIN(v)").two_phases();
    let mut harness = Harness::new(plan.group_by(), 1, as_is()).unwrap();
    for input in ["a|1|NULL \n b|5|NULL", "a|4|NULL"] {
        harness.push(rows(&plan.rows, input)).unwrap();
        assert!(harness.take_output().is_empty());
    }
    harness.checkpoint().unwrap();
    assert_eq!(print(&harness.take_output()), tidy("+I|a|2|2|1 \n +I|b|1|5|5"));
    harness.push(rows(&plan.rows, "b|NULL|NULL")).unwrap();
    harness.finish().unwrap();
    assert_eq!(print(&harness.take_output()), tidy("-U|b|1|5|5 \n +U|b|2|5|5"));
    assert_eq!((harness.first_counters().rows_in, harness.first_counters().rows_out), (4, 3));
}

#[test]
fn plans_that_contradict_themselves_are_refused() {
    let retracting = Aggregation::over(ROWS, "k", "COUNT(*)").retracting().two_phases();
    let distinct = Aggregation::over(ROWS, "k", "COUNT(DISTINCT v)").two_phases();
    for plan in [retracting, distinct] {
        let error = Harness::new(plan.group_by(), 1, as_is()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Bug);
        assert!(error.to_string().contains("one phase"), "{error}");
    }
    let append_only = Aggregation::over(ROWS, "k", "COUNT(*)");
    let mut harness = Harness::new(append_only.group_by(), 1, as_is()).unwrap();
    let error = harness.push(rows(&append_only.rows, "-D|a|1|NULL")).unwrap_err();
    assert!(error.to_string().contains("planned without"), "{error}");
}

#[test]
fn state_goes_with_its_keys() {
    let plan = Aggregation::over(ROWS, "k", "COUNT(*), MAX(v), COUNT(DISTINCT v)").retracting();
    let mut harness = Harness::new(plan.group_by(), 2, as_is()).unwrap();
    let text = |sign: &str| (0..2_000).map(|i| format!("{sign}|key{i}|{}|NULL\n", i % 7)).collect::<String>();
    harness.push(rows(&plan.rows, &text("+I"))).unwrap();
    let full = harness.state_bytes();
    harness.checkpoint().unwrap();
    assert_eq!(harness.stored_rows().unwrap(), 3 * 2_000);
    harness.push(rows(&plan.rows, &text("-D"))).unwrap();
    harness.checkpoint().unwrap();
    harness.restore(3).unwrap();
    assert_eq!(harness.stored_rows().unwrap(), 0);
    assert_eq!(fold(&harness.take_output()).unwrap(), Vec::<String>::new());
    // The first restore read all rows and their removals; its memory is kept for the next groups.
    harness.restore(3).unwrap();
    assert!(harness.state_bytes() * 10 < full, "{} of {full} bytes", harness.state_bytes());
}

#[test]
fn the_tables_of_another_operator_are_refused() {
    use millstream_operators::{BuildContext, build};
    use millstream_state::RestoredTable;
    let plan = Aggregation::over(ROWS, "k", "COUNT(*)");
    let mut operator = build(&plan.group_by().keyed, BuildContext::of_subtask(0, 1, 16)).unwrap();
    let tables = vec![RestoredTable::new("values-0")];
    let error = operator.restore(tables, millstream_model::Watermark::MIN).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::State);
    assert_eq!(
        error.to_string(),
        "the checkpoint has a state table values-0 that the operator does not keep"
    );
}
