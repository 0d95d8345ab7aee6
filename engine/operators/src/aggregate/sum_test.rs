use arrow::array::{Decimal128Array, Float64Array, Int8Array, Int32Array};
use arrow::compute::cast as arrow_cast;

use super::*;

fn call(kind: AggregateKind, argument: DataType, result: DataType) -> AggregateCall {
    AggregateCall {
        kind,
        argument: Some(0),
        argument_type: argument,
        is_distinct: false,
        filter: None,
        result_type: result,
        name: "x".into(),
        identity: "x".into(),
    }
}

/// One group's result as text after `values`, of which those with sign -1 are retracted.
fn result_of(call: &AggregateCall, values: ArrayRef, signs: &[i64]) -> String {
    let mut accumulator = crate::aggregate::accumulator::accumulator(call, Emptied::IsEmpty).unwrap();
    accumulator.resize(1);
    accumulator.update(&vec![0; values.len()], Some(&values), Some(signs));
    let by_update = text(&accumulator.result(&[0]));
    // The same by way of the partial state.
    let mut merged = crate::aggregate::accumulator::accumulator(call, Emptied::IsEmpty).unwrap();
    merged.resize(3);
    merged.merge(&[2], &accumulator.state(&[0], &CopyBuffers::default()));
    assert_eq!(text(&merged.result(&[2])), by_update);
    assert_eq!(merged.result(&[2]).data_type(), &call.result_type);
    by_update
}

fn text(array: &ArrayRef) -> String {
    let strings = arrow_cast(array, &DataType::Utf8).unwrap();
    if strings.is_null(0) { "NULL".into() } else { strings.as_string::<i32>().value(0).into() }
}

#[test]
fn integers_wrap_in_their_own_type_and_averages_are_cut_off() {
    use AggregateKind::{Avg, Sum};
    // (kind, values, result as TINYINT, result as INT)
    let cases: [(AggregateKind, &[Option<i8>], &str, &str); 6] = [
        (Sum, &[Some(100), Some(100)], "-56", "200"),
        (Sum, &[None, None], "NULL", "NULL"),
        (Sum, &[Some(-3), None, Some(1)], "-2", "-2"),
        (Avg, &[Some(100), Some(101)], "100", "100"),
        (Avg, &[Some(-3), Some(0)], "-1", "-1"),
        (Avg, &[], "NULL", "NULL"),
    ];
    for (kind, values, tiny, int) in cases {
        let signs = vec![1; values.len()];
        let array: ArrayRef = Arc::new(Int8Array::from(values.to_vec()));
        assert_eq!(
            result_of(&call(kind, DataType::Int8, DataType::Int8), array, &signs),
            tiny,
            "{kind} {values:?}"
        );
        let array: ArrayRef = Arc::new(Int32Array::from_iter(values.iter().map(|v| v.map(i32::from))));
        assert_eq!(
            result_of(&call(kind, DataType::Int32, DataType::Int32), array, &signs),
            int,
            "{kind} {values:?}"
        );
    }
}

#[test]
fn bigints_wrap() {
    let array: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX, 1]));
    let sum = result_of(&call(AggregateKind::Sum, DataType::Int64, DataType::Int64), array, &[1, 1]);
    assert_eq!(sum, i64::MIN.to_string());
}

#[test]
fn an_emptied_group_forgets_what_rounding_left() {
    let of = |values: Vec<f64>, signs: &[i64]| {
        let array: ArrayRef = Arc::new(Float64Array::from(values));
        result_of(&call(AggregateKind::Sum, DataType::Float64, DataType::Float64), array, signs)
    };
    assert_eq!(of(vec![0.1, 0.2], &[1, 1]), "0.30000000000000004");
    assert_eq!(of(vec![1e20, 1e20, 1.0], &[1, -1, 1]), "1.0");
    assert_eq!(of(vec![f64::NAN, f64::NAN, 1.0], &[1, -1, 1]), "1.0");
    assert_eq!(of(vec![2.0, 2.0], &[1, -1]), "NULL");
}

#[test]
fn floats_are_summed_in_64_bits() {
    let array: ArrayRef = Arc::new(arrow::array::Float32Array::from(vec![16_777_216.0, 1.0, 1.0]));
    let sum = result_of(&call(AggregateKind::Sum, DataType::Float32, DataType::Float32), array, &[1, 1, 1]);
    assert_eq!(sum, "16777218.0");
}

#[test]
fn decimals_overflow_to_null_and_come_back() {
    let nines = DECIMAL_END - 1;
    let of = |kind, values: Vec<i128>, signs: &[i64], result: DataType| {
        let array = Decimal128Array::from(values).with_precision_and_scale(38, 2).unwrap();
        result_of(&call(kind, DataType::Decimal128(38, 2), result), Arc::new(array), signs)
    };
    let sum =
        |values: Vec<i128>, signs: &[i64]| of(AggregateKind::Sum, values, signs, DataType::Decimal128(38, 2));
    assert_eq!(sum(vec![150, -25], &[1, 1]), "1.25");
    assert_eq!(sum(vec![nines, 1], &[1, 1]), "NULL");
    assert_eq!(sum(vec![nines, 1, 1], &[1, 1, -1]), "999999999999999999999999999999999999.99");
    assert_eq!(sum(vec![nines, nines, nines], &[1, 1, -1]), "NULL", "lost beyond 1.7e38");
    assert_eq!(
        sum(vec![nines, nines, nines, nines, 5], &[1, 1, -1, -1, 1]),
        "0.05",
        "until the group is empty"
    );

    let avg = |values: Vec<i128>| {
        let signs = vec![1; values.len()];
        of(AggregateKind::Avg, values, &signs, DataType::Decimal128(38, 6))
    };
    assert_eq!(avg(vec![100, 100, 101]), "1.003333");
    assert_eq!(avg(vec![100, 100, 0]), "0.666667");
    assert_eq!(avg(vec![-100, -100, 0]), "-0.666667");
    assert_eq!(avg(vec![1, 0, 0, 0, 0, 0, 0, 0]), "0.001250");
    assert_eq!(avg(vec![nines]), "NULL", "four more digits do not fit");
}

#[test]
fn averages_round_half_away_from_zero() {
    for (sum, count, digits, expected) in [
        (1, 2, 0, 1),
        (-1, 2, 0, -1),
        (1, 3, 0, 0),
        (5, 2, 1, 25),
        (1, 32, 4, 313),
        (-1, 32, 4, -313),
        (0, 7, 6, 0),
    ] {
        assert_eq!(average(sum, count, digits), Some(expected), "{sum} / {count}");
    }
}
