use arrow::array::{
    BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, StringArray, Time32MillisecondArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
};

use super::*;

fn samples() -> Vec<ArrayRef> {
    vec![
        Arc::new(BooleanArray::from(vec![None, Some(false), Some(true)])),
        Arc::new(Int8Array::from(vec![None, Some(i8::MIN), Some(-1), Some(0), Some(i8::MAX)])),
        Arc::new(Int16Array::from(vec![None, Some(i16::MIN), Some(0), Some(i16::MAX)])),
        Arc::new(Int32Array::from(vec![None, Some(i32::MIN), Some(-1), Some(0), Some(1), Some(i32::MAX)])),
        Arc::new(Int64Array::from(vec![None, Some(i64::MIN), Some(-1), Some(0), Some(i64::MAX)])),
        Arc::new(Date32Array::from(vec![None, Some(-1), Some(19_000)])),
        Arc::new(Time32MillisecondArray::from(vec![None, Some(0), Some(86_399_999)])),
        Arc::new(TimestampSecondArray::from(vec![None, Some(-1), Some(1)])),
        Arc::new(TimestampMillisecondArray::from(vec![None, Some(-1), Some(1)]).with_timezone("UTC")),
        Arc::new(TimestampMicrosecondArray::from(vec![None, Some(-1), Some(1)])),
        Arc::new(TimestampNanosecondArray::from(vec![None, Some(-1), Some(1)])),
        Arc::new(Float32Array::from(vec![
            None,
            Some(f32::NEG_INFINITY),
            Some(-1.5),
            Some(0.0),
            Some(f32::INFINITY),
        ])),
        Arc::new(Float64Array::from(vec![
            None,
            Some(f64::MIN),
            Some(-0.5),
            Some(0.0),
            Some(f64::MAX),
            Some(f64::NAN),
        ])),
        Arc::new(
            Decimal128Array::from(vec![None, Some(-1), Some(0), Some(i128::from(u64::MAX))])
                .with_precision_and_scale(38, 2)
                .unwrap(),
        ),
        Arc::new(StringArray::from(vec![
            None,
            Some(""),
            Some("\0"),
            Some("\0a"),
            Some("a"),
            Some("a\0b"),
            Some("ab"),
            Some("é"),
        ])),
        Arc::new(BinaryArray::from(vec![
            None,
            Some(&b""[..]),
            Some(&b"\0\0"[..]),
            Some(&b"\x01"[..]),
            Some(&b"\xff\xff"[..]),
        ])),
    ]
}

#[test]
fn values_in_order_have_bytes_in_order_and_come_back() {
    for column in samples() {
        let keys = encode_keys(std::slice::from_ref(&column), column.len()).unwrap();
        for row in 1..column.len() {
            assert!(keys.get(row - 1) < keys.get(row), "{} row {row}", column.data_type());
        }
        let back = decode_keys(keys.iter(), &[column.data_type().clone()]).unwrap();
        assert_eq!(&back[0], &column);
    }
}

#[test]
fn composite_keys_do_not_run_into_each_other() {
    let a: ArrayRef = Arc::new(StringArray::from(vec!["a", "ab", ""]));
    let b: ArrayRef = Arc::new(StringArray::from(vec!["bc", "c", "abc"]));
    let keys = encode_keys(&[a.clone(), b.clone()], 3).unwrap();
    assert!(keys.get(0) != keys.get(1) && keys.get(1) != keys.get(2) && keys.get(0) != keys.get(2));
    assert_eq!(decode_keys(keys.iter(), &[DataType::Utf8, DataType::Utf8]).unwrap(), vec![a, b]);
}

#[test]
fn zero_and_nan_have_one_encoding() {
    let column: ArrayRef = Arc::new(Float64Array::from(vec![0.0, -0.0, f64::NAN, -f64::NAN]));
    let keys = encode_keys(&[column], 4).unwrap();
    assert_eq!(keys.get(0), keys.get(1));
    assert_eq!(keys.get(2), keys.get(3));
}

#[test]
fn the_bytes_are_a_persistent_format() {
    let int: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a\0"]));
    let double: ArrayRef = Arc::new(Float64Array::from(vec![-1.0]));
    let keys = encode_keys(&[int, text, double], 1).unwrap();
    let expected: &[u8] =
        &[1, 0x80, 0, 0, 1, 1, b'a', 0, 0xff, 0, 0, 1, 0x40, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(keys.get(0), expected);
}

#[test]
fn damaged_bytes_are_errors() {
    let cases: &[(&[u8], DataType)] = &[
        (&[], DataType::Int32),
        (&[2], DataType::Int32),
        (&[1, 0], DataType::Int32),
        (&[0, 0], DataType::Int32),
        (&[1, b'a'], DataType::Utf8),
        (&[1, 0, 7], DataType::Utf8),
        (&[1, 0xff, 0, 0], DataType::Utf8),
    ];
    for (bytes, data_type) in cases {
        assert!(
            matches!(decode_keys([*bytes], std::slice::from_ref(data_type)), Err(KeyError::Damaged(_))),
            "{bytes:?}"
        );
    }
}

#[test]
fn no_columns_give_one_empty_key_a_row() {
    let keys = encode_keys(&[], 3).unwrap();
    assert_eq!(keys.iter().collect::<Vec<_>>(), [&b""[..]; 3]);
    assert!(!keys.is_empty());
}

#[test]
fn unsupported_types_are_refused() {
    let list: ArrayRef = Arc::new(arrow::array::ListArray::new_null(
        Arc::new(arrow::datatypes::Field::new("item", DataType::Int32, true)),
        1,
    ));
    assert!(!is_key_type(list.data_type()));
    assert!(matches!(encode_keys(&[list], 1), Err(KeyError::UnsupportedType(_))));
}

/// The rows of a sample behind its NULL are keys of one length and written column by column.
#[test]
fn keys_do_not_depend_on_the_other_rows() {
    for column in samples() {
        let rows = column.len();
        let mixed = [column.clone(), column.clone()];
        let filled = [column.slice(1, rows - 1), column.slice(1, rows - 1)];
        let (mixed, filled) = (encode_keys(&mixed, rows).unwrap(), encode_keys(&filled, rows - 1).unwrap());
        for row in 1..rows {
            assert_eq!(mixed.get(row), filled.get(row - 1), "{} in row {row}", column.data_type());
        }
        assert_eq!(mixed.hashes()[1..], filled.hashes());
    }
}
