//! Budgets: however little room there is, and however the input is cut, the same rows come out.

use millstream_operators::{BuildContext, Output, Progress, build};
use millstream_test_testkit::harness::{Harness, as_is};
use millstream_test_testkit::plans::Aggregation;
use millstream_test_testkit::table::{print, rows};

const ROWS: &str = "k STRING | v INT | ts TIMESTAMP(3)";

fn text(keys: usize) -> String {
    (0..keys).map(|i| format!("key{i:05}|{i}|{}\n", i % 40)).collect()
}

#[test]
fn a_window_of_many_keys_fires_in_chunks() {
    let aggregation = Aggregation::over(ROWS, "k", "SUM(v)");
    let plan = aggregation.windows("ts", 60, 60);
    let mut operator = build(&plan.keyed, BuildContext::of_subtask(0, 1, 256)).unwrap();
    let mut out = Output::new(8_192, usize::MAX);
    for start in (0..20_000).step_by(5_000) {
        let text: String = (start..start + 5_000).map(|i| format!("key{i:05}|{i}|1\n")).collect();
        assert_eq!(operator.process(rows(&aggregation.rows, &text), &mut out).unwrap(), Progress::Done);
    }
    let mut sizes = Vec::new();
    let mut progress = operator.on_watermark(millstream_model::Watermark::MAX, &mut out).unwrap();
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
fn the_budget_never_changes_the_rows() {
    for (size, slide) in [(10, 10), (20, 5), (40, 2)] {
        let mut aggregation = Aggregation::over(ROWS, "k", "SUM(v), COUNT(*)").two_phases();
        let mut outputs = Vec::new();
        for budget in [1, 7, 100_000] {
            aggregation.budget_rows = budget;
            let mut harness = Harness::new(aggregation.windows("ts", size, slide), 1, as_is()).unwrap();
            harness.push(rows(&aggregation.rows, &text(300))).unwrap();
            harness.watermark(15_000_000).unwrap();
            harness.push(rows(&aggregation.rows, &text(300))).unwrap();
            harness.finish().unwrap();
            outputs.push(print(&harness.take_output()));
        }
        assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]), "windows of {size} s every {slide} s");
    }
}

#[test]
fn the_two_halves_of_an_update_stay_in_one_batch() {
    let aggregation = Aggregation::over(ROWS, "k", "SUM(v)");
    let mut harness = Harness::new(aggregation.group_by(), 1, as_is()).unwrap();
    for _ in 0..2 {
        harness.push(rows(&aggregation.rows, &text(6_001))).unwrap();
    }
    let output = harness.take_output();
    let sizes: Vec<usize> = output.iter().map(|b| b.num_rows()).collect();
    assert_eq!(sizes, [6_001, 8_192, 3_808], "key00000 stays 0 and is not updated");
    for batch in &output[1..] {
        assert!(print(std::slice::from_ref(batch)).starts_with("-U"));
    }
}
