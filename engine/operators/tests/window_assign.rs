//! Window table functions without an aggregate.

use millstream_operators::{BuildContext, build};
use millstream_plan::{OperatorSpec, WindowAssignSpec, WindowKind, WindowSpec};
use millstream_test_testkit::harness::drive;
use millstream_test_testkit::table::{batch, print, schema, tidy};

const S: i64 = 1_000_000;

fn assign(size: i64, slide: i64, budget: usize, input: &str) -> String {
    let spec = OperatorSpec::WindowAssign(WindowAssignSpec {
        window: WindowSpec {
            kind: WindowKind::Hop { size: size * S, slide: slide * S },
            offset: 0,
            time_column: 1,
            zone: None,
        },
        schema: schema(
            "k STRING | ts TIMESTAMP(3) | window_start TIMESTAMP(3) | window_end TIMESTAMP(3) | window_time TIMESTAMP(3)",
        ),
    });
    let mut operator = build(&spec, BuildContext::of_subtask(0, 1, 16)).unwrap();
    print(&drive(&mut *operator, budget, |o, out| o.process(batch(input), out)).unwrap())
}

#[test]
fn every_row_once_a_window() {
    let input = "k STRING | ts TIMESTAMP(3) \n +I | a | 5 \n -D | b | -0.5 \n +I | c | 12.5";
    let expected = "
        +I | a | 5 | 0 | 6 | 5.999
        +I | a | 5 | 2 | 8 | 7.999
        +I | a | 5 | 4 | 10 | 9.999
        -D | b | -0.5 | -6 | 0 | -0.001
        -D | b | -0.5 | -4 | 2 | 1.999
        -D | b | -0.5 | -2 | 4 | 3.999
        +I | c | 12.5 | 8 | 14 | 13.999
        +I | c | 12.5 | 10 | 16 | 15.999
        +I | c | 12.5 | 12 | 18 | 17.999";
    for budget in [1, 4, 100] {
        assert_eq!(assign(6, 2, budget, input), tidy(expected));
    }
}

#[test]
fn rows_between_windows_belong_to_none() {
    let input = "k STRING | ts TIMESTAMP(3) \n a | 1.999 \n b | 2 \n c | 5";
    assert_eq!(assign(2, 5, 10, input), tidy("+I|a|1.999|0|2|1.999 \n +I|c|5|5|7|6.999"));
}

#[test]
fn many_windows_a_row_are_emitted_in_batches() {
    let rows: String = (0..20).map(|i| format!("k | {i}\n")).collect();
    let text = assign(1_000, 1, 8_192, &format!("k STRING | ts TIMESTAMP(3)\n{rows}"));
    assert_eq!(text.lines().count(), 20_000);
}

#[test]
#[should_panic(expected = "the time attribute ts is NULL")]
fn a_row_without_time_is_an_error() {
    let spec = OperatorSpec::WindowAssign(WindowAssignSpec {
        window: WindowSpec { kind: WindowKind::Tumble { size: S }, offset: 0, time_column: 0, zone: None },
        schema: schema("ts TIMESTAMP(3) | s TIMESTAMP(3) | e TIMESTAMP(3) | t TIMESTAMP(3)"),
    });
    let mut operator = build(&spec, BuildContext::of_subtask(0, 1, 16)).unwrap();
    let result = drive(&mut *operator, 10, |o, out| o.process(batch("ts TIMESTAMP(3)\n NULL"), out));
    panic!("{}", result.unwrap_err());
}
