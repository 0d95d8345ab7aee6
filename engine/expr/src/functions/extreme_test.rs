//! No function and no cast panics, whatever it is given: extreme values of every type, in every combination that the
//! planner lets through. Results are not judged here, except for their length and type.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int8Array,
    Int32Array, Int64Array, StringArray, Time32MillisecondArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
};
use arrow::datatypes::{DataType, Field};
use datafusion_common::config::ConfigOptions;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF};

use crate::cast::{OnFailure, Target, can_cast, cast_column};
use crate::column::Column;
use crate::types::SqlType;

const ROWS: usize = 10;

/// A column of extreme values with a null at the end, `shift`ed so that columns meet in different pairs.
fn rotated(array: ArrayRef, shift: usize) -> ArrayRef {
    let order: arrow::array::UInt32Array =
        (0..ROWS).map(|row| Some(((row + shift) % array.len()) as u32)).collect();
    arrow::compute::take(array.as_ref(), &order, None).unwrap()
}

fn columns() -> Vec<ArrayRef> {
    let long = "x".repeat(5_000);
    let counts = [i64::MIN, i64::MIN + 1, -1, 0, 1, 59, 1_583_020_798_987, i64::MAX - 1, i64::MAX];
    let stamps = || counts.iter().copied().map(Some).chain([None]);
    vec![
        Arc::new(StringArray::from(vec![
            Some(""),
            Some("a%b_c\\"),
            Some("äöü😀"),
            Some("-5.7e3"),
            Some("2020-02-30 23:59:59.999999999"),
            Some("(?<x>[a-"),
            Some("SECOND"),
            Some(long.as_str()),
            Some("{\"a\":[1,{\"b\":null}]}"),
            None,
        ])),
        Arc::new(Int8Array::from(vec![Some(i8::MIN), Some(-1), Some(0), Some(3), Some(i8::MAX), None])),
        Arc::new(Int32Array::from(vec![Some(i32::MIN), Some(-1), Some(0), Some(3), Some(i32::MAX), None])),
        Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(-1), Some(0), Some(3), Some(i64::MAX), None])),
        Arc::new(Float64Array::from(vec![
            Some(f64::NAN),
            Some(f64::NEG_INFINITY),
            Some(-0.0),
            Some(f64::MIN_POSITIVE),
            Some(123.456),
            Some(f64::MAX),
            None,
        ])),
        Arc::new(decimals(10, 2, 9_999_999_999)),
        Arc::new(decimals(38, 38, 10_i128.pow(38) - 1)),
        Arc::new(decimals(38, 0, 10_i128.pow(38) - 1)),
        Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
        Arc::new(Date32Array::from(vec![
            Some(i32::MIN),
            Some(-1),
            Some(0),
            Some(18_000),
            Some(i32::MAX),
            None,
        ])),
        Arc::new(Time32MillisecondArray::from(vec![Some(0), Some(86_399_999), None])),
        Arc::new(stamps().collect::<TimestampSecondArray>()),
        Arc::new(stamps().collect::<TimestampMillisecondArray>()),
        Arc::new(stamps().collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
        Arc::new(stamps().collect::<TimestampNanosecondArray>()),
        Arc::new(BinaryArray::from(vec![Some(&b"\xff\x00"[..]), Some(b""), None])),
    ]
}

fn decimals(precision: u8, scale: i8, greatest: i128) -> Decimal128Array {
    Decimal128Array::from(vec![Some(-greatest), Some(-1), Some(0), Some(150), Some(greatest), None])
        .with_precision_and_scale(precision, scale)
        .unwrap()
}

/// All lists of `count` of these columns.
fn combinations(columns: &[ArrayRef], count: usize) -> Vec<Vec<ArrayRef>> {
    let mut lists = vec![Vec::new()];
    for _ in 0..count {
        lists = lists
            .into_iter()
            .flat_map(|list: Vec<ArrayRef>| {
                columns.iter().map(move |column| list.iter().cloned().chain([column.clone()]).collect())
            })
            .collect();
    }
    lists
}

fn invoke(function: &ScalarUDF, arguments: &[ArrayRef], zone: &str) -> bool {
    let types: Vec<DataType> = arguments.iter().map(|column| column.data_type().clone()).collect();
    let Ok(coerced) = function.coerce_types(&types) else { return false };
    let Ok(return_type) = function.return_type(&coerced) else { return false };
    let mut options = ConfigOptions::new();
    options.execution.time_zone = Some(zone.to_string());
    let options = Arc::new(options);
    for shift in 0..3 {
        let columns: Vec<ArrayRef> = arguments
            .iter()
            .zip(&coerced)
            .enumerate()
            .map(|(at, (column, to))| {
                arrow::compute::cast(&rotated(column.clone(), at * (shift + 1)), to).unwrap()
            })
            .collect();
        let result = function.invoke_with_args(ScalarFunctionArgs {
            arg_fields: coerced.iter().map(|to| Arc::new(Field::new("x", to.clone(), true))).collect(),
            args: columns.into_iter().map(ColumnarValue::Array).collect(),
            number_rows: ROWS,
            return_field: Arc::new(Field::new("result", return_type.clone(), true)),
            config_options: options.clone(),
        });
        if let Ok(result) = result {
            assert_eq!(result.data_type(), return_type, "{}", function.name());
            let rows = result.into_array(ROWS).unwrap().len();
            assert_eq!(rows, ROWS, "{}", function.name());
        }
    }
    true
}

#[test]
fn no_function_panics() {
    let all = columns();
    // Four arguments are always text and integers.
    let few = [all[0].clone(), all[3].clone()];
    let mut taken = 0;
    for function in crate::scalar_functions() {
        for count in 0..=4 {
            let candidates = if count > 3 { combinations(&few, count) } else { combinations(&all, count) };
            taken +=
                candidates.iter().filter(|arguments| invoke(&function, arguments, "Europe/Berlin")).count();
        }
    }
    assert!(taken > 500, "only {taken} combinations were let through");
}

#[test]
fn no_cast_panics() {
    let targets = [
        SqlType::Boolean,
        SqlType::TinyInt,
        SqlType::BigInt,
        SqlType::Float,
        SqlType::Double,
        SqlType::Decimal { precision: 38, scale: 38 },
        SqlType::Decimal { precision: 5, scale: 2 },
        SqlType::Char(3),
        SqlType::String,
        SqlType::Binary(3),
        SqlType::Bytes,
        SqlType::Date,
        SqlType::Time(0),
        SqlType::Timestamp(0),
        SqlType::Timestamp(9),
        SqlType::TimestampLtz(3),
    ];
    for array in columns() {
        let from = SqlType::from_arrow(array.data_type()).unwrap();
        for to in targets {
            for zone in ["UTC", "America/New_York"] {
                if can_cast(&from, &to).is_err() {
                    continue;
                }
                let zone = crate::zone::parse(zone).unwrap();
                let rows = array.len();
                let column = Column { array: array.clone(), constant: false };
                let failing = Target { to, failure: OnFailure::Error, zone };
                let _ = cast_column(&column, rows, &failing);
                let lenient = Target { to, failure: OnFailure::Null, zone };
                let result = cast_column(&column, rows, &lenient).unwrap();
                assert_eq!((result.len(), result.data_type()), (rows, &to.to_arrow()), "{from} to {to}");
            }
        }
    }
}
