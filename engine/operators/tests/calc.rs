//! Filter and projection.

use arrow::datatypes::DataType;
use millstream_expr::CompiledExpr;
use millstream_operators::{BuildContext, OperatorError, build};
use millstream_plan::{CalcSpec, OperatorSpec};
use millstream_test_testkit::harness::drive;
use millstream_test_testkit::table::{batch, print, schema, tidy};

fn calc(
    filter: Option<usize>,
    project: &[(usize, DataType)],
    header: &str,
) -> Result<OperatorSpec, OperatorError> {
    let column = |index: usize, data_type: &DataType| CompiledExpr::column(index, "c", data_type.clone());
    Ok(OperatorSpec::Calc(CalcSpec {
        filter: filter.map(|f| column(f, &DataType::Boolean)),
        project: project.iter().map(|(index, data_type)| column(*index, data_type)).collect(),
        schema: schema(header),
    }))
}

#[test]
fn kinds_and_watermarks_follow_their_rows() {
    let spec = calc(Some(1), &[(2, DataType::Utf8), (0, DataType::Int32)], "s STRING | a INT").unwrap();
    let mut operator = build(&spec, BuildContext::of_subtask(0, 1, 16)).unwrap();
    let input = batch(
        "a INT | keep BOOLEAN | s STRING
        +I | 1 | true  | x | @ 1
        -U | 2 | false | y | @ 2
        +U | 3 | NULL  | z | @ 3
        -D | 4 | true  | w | @ 4",
    );
    let output = drive(&mut *operator, 100, |o, out| o.process(input, out)).unwrap();
    assert_eq!(print(&output), tidy("+I | x | 1 \n -D | w | 4"));
    assert_eq!(output[0].row_watermark().unwrap().to_vec(), [1_000_000, 4_000_000]);
    assert_eq!((operator.counters().rows_in, operator.counters().rows_out), (4, 2));
}

#[test]
fn a_projection_to_nothing_keeps_the_number_of_rows() {
    let spec = OperatorSpec::Calc(CalcSpec {
        filter: None,
        project: vec![],
        schema: std::sync::Arc::new(arrow::datatypes::Schema::empty()),
    });
    let mut operator = build(&spec, BuildContext::of_subtask(0, 1, 16)).unwrap();
    let output = drive(&mut *operator, 100, |o, out| o.process(batch("a INT\n 1\n 2"), out)).unwrap();
    assert_eq!(output[0].num_rows(), 2);
}

#[test]
fn nothing_is_emitted_for_no_rows() {
    let spec = calc(Some(0), &[(0, DataType::Boolean)], "b BOOLEAN").unwrap();
    let mut operator = build(&spec, BuildContext::of_subtask(0, 1, 16)).unwrap();
    assert!(
        drive(&mut *operator, 1, |o, out| o.process(batch("b BOOLEAN\n false"), out)).unwrap().is_empty()
    );
}

#[test]
fn a_projection_of_other_types_is_refused() {
    let spec = calc(None, &[(0, DataType::Int32)], "s STRING").unwrap();
    let error = build(&spec, BuildContext::of_subtask(0, 1, 16)).err().unwrap().to_string();
    assert_eq!(error, "the compiled plan is wrong: a projection does not have the types of its schema");
}
