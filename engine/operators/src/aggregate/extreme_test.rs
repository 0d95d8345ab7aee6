use arrow::array::{
    BooleanArray, Date32Array, Decimal128Array, Float64Array, Int16Array, StringArray,
    TimestampMillisecondArray,
};

use super::*;

/// MIN and MAX as text, each also by way of the partial state.
fn extremes(values: ArrayRef) -> (String, String) {
    let of = |kind| {
        let call = AggregateCall {
            kind,
            argument: Some(0),
            argument_type: values.data_type().clone(),
            is_distinct: false,
            filter: None,
            result_type: values.data_type().clone(),
            name: "x".into(),
            identity: "x".into(),
        };
        let mut accumulator = extreme(&call).unwrap();
        accumulator.resize(2);
        let groups = vec![1; values.len()];
        accumulator.update(&groups, Some(&values), None);
        let mut merged = extreme(&call).unwrap();
        merged.resize(1);
        merged.merge(&[0], &accumulator.state(&[1], &CopyBuffers::default()));
        let result = merged.result(&[0]);
        assert_eq!(result.data_type(), values.data_type());
        assert!(accumulator.result(&[0]).is_null(0), "the other group is empty");
        accumulator.reset(1);
        assert!(accumulator.result(&[1]).is_null(0), "a reset group is empty");
        let text = cast(&result, &DataType::Utf8).unwrap();
        if text.is_null(0) { "NULL".to_owned() } else { text.as_string::<i32>().value(0).to_owned() }
    };
    (of(AggregateKind::Min), of(AggregateKind::Max))
}

#[test]
fn every_type_has_an_order() {
    let decimals =
        Decimal128Array::from(vec![Some(-150), None, Some(5)]).with_precision_and_scale(10, 2).unwrap();
    let cases: [(ArrayRef, &str, &str); 9] = [
        (Arc::new(Int16Array::from(vec![Some(3), None, Some(-7)])), "-7", "3"),
        (Arc::new(Int16Array::from(vec![None, None])), "NULL", "NULL"),
        (Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])), "false", "true"),
        (Arc::new(Date32Array::from(vec![1, -1])), "1969-12-31", "1970-01-02"),
        (
            Arc::new(TimestampMillisecondArray::from(vec![5_000, 0]).with_timezone("UTC")),
            "1970-01-01T00:00:00Z",
            "1970-01-01T00:00:05Z",
        ),
        (Arc::new(decimals), "-1.50", "0.05"),
        (Arc::new(StringArray::from(vec![Some("b"), None, Some("B"), Some("")])), "", "b"),
        (Arc::new(StringArray::from(vec!["ä", "z", "zz"])), "z", "ä"),
        (Arc::new(Float64Array::from(vec![1.0, f64::NEG_INFINITY, f64::NAN])), "-inf", "NaN"),
    ];
    for (values, min, max) in cases {
        assert_eq!(extremes(values.clone()), (min.to_owned(), max.to_owned()), "{:?}", values.data_type());
    }
}

#[test]
fn there_is_one_zero_and_one_nan() {
    let zeros: ArrayRef = Arc::new(Float64Array::from(vec![-0.0, 0.0]));
    assert_eq!(extremes(zeros), ("0.0".to_owned(), "0.0".to_owned()));
    let negative_nan: ArrayRef = Arc::new(Float64Array::from(vec![-f64::NAN, 1.0]));
    assert_eq!(extremes(negative_nan), ("1.0".to_owned(), "NaN".to_owned()));
}

#[test]
fn strings_are_counted_in_bytes() {
    let mut strings = Bytes::<Utf8Type>::new(true);
    strings.resize(1);
    let empty = strings.bytes();
    for (value, bytes) in [("abc", 3), ("abcdef", 6), ("b", 1)] {
        let values: ArrayRef = Arc::new(StringArray::from(vec![value]));
        strings.update(&[0], Some(&values), None);
        assert_eq!(strings.bytes() - empty, bytes);
    }
    strings.reset(0);
    assert_eq!(strings.bytes(), empty);
}
