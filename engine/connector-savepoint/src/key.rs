//! From the bytes of keys to the columns that a declaration names.
//!
//! A key says nothing about its types, so the declared ones are tried: they must use the bytes up, and the values must have these
//! bytes and no others. Types of the same width cannot be told apart: an INT read as a DATE gives dates.
//!
//! Example: `01 80 00 00 00 00 00 00 05 01 61 00 00` is `(5, 'a')` as `(BIGINT, STRING)`, and no key as `(INT, STRING)`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, Time32MillisecondType, TimeUnit};
use millstream_batch::{KeyDecoder, encode_keys};

use crate::columns::KeyPart;

/// Milliseconds of a day.
const DAY_MS: i32 = 86_400_000;

/// A key that the declared types do not fit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyFault {
    /// Its row in the batch.
    pub(crate) row: usize,
    /// What is wrong with it.
    pub(crate) reason: String,
}

/// The parts of each key.
///
/// # Errors
/// The first key that is not one of these parts.
pub(crate) fn decode(keys: &BinaryArray, parts: &[KeyPart]) -> Result<Vec<ArrayRef>, KeyFault> {
    let encoded: Vec<DataType> =
        parts.iter().map(|p| if p.is_window_time { DataType::Int64 } else { p.declared.clone() }).collect();
    let at_start = |reason: String| KeyFault { row: 0, reason };
    let mut decoder = KeyDecoder::new(&encoded).map_err(|e| at_start(e.to_string()))?;
    for row in 0..keys.len() {
        let damaged = |e: millstream_batch::KeyError| KeyFault { row, reason: e.to_string() };
        decoder.push(keys.value(row)).map_err(damaged)?;
    }
    let columns = decoder.finish();
    let again = encode_keys(&columns, keys.len()).map_err(|e| at_start(e.to_string()))?;
    let is_same = |row: &usize| again.get(*row) == keys.value(*row);
    if let Some(row) = (0..keys.len()).find(|row| !is_same(row)) {
        return Err(KeyFault { row, reason: "a value has another encoding".to_owned() });
    }
    let finish = |(column, part): (ArrayRef, &KeyPart)| {
        in_range(&column, &part.declared)?;
        if part.is_window_time { window_time(&column, &part.declared) } else { Ok(column) }
    };
    columns.into_iter().zip(parts).map(finish).collect()
}

/// Refuses what the bytes of a type can say and its values cannot be.
fn in_range(column: &ArrayRef, declared: &DataType) -> Result<(), KeyFault> {
    let fault = |row: Option<usize>, reason: String| match row {
        Some(row) => Err(KeyFault { row, reason }),
        None => Ok(()),
    };
    match declared {
        DataType::Time32(TimeUnit::Millisecond) => {
            let times = column.as_primitive::<Time32MillisecondType>();
            let wrong = times.iter().position(|t| t.is_some_and(|ms| !(0..DAY_MS).contains(&ms)));
            fault(wrong, "a TIME is not within a day".to_owned())
        }
        DataType::Decimal128(precision, scale) => {
            let limit = 10_i128.checked_pow(u32::from(*precision)).unwrap_or(i128::MAX);
            let numbers = column.as_primitive::<arrow::datatypes::Decimal128Type>();
            let wrong =
                numbers.iter().position(|n| n.is_some_and(|n| n.unsigned_abs() >= limit.unsigned_abs()));
            fault(wrong, format!("a value has more digits than DECIMAL({precision}, {scale})"))
        }
        _ => Ok(()),
    }
}

/// A window's time, in microseconds, as it is declared.
fn window_time(column: &ArrayRef, declared: &DataType) -> Result<ArrayRef, KeyFault> {
    let DataType::Timestamp(unit, _) = declared else { return Ok(column.clone()) };
    let units = |micros: i64| match unit {
        TimeUnit::Second => Some(micros.div_euclid(1_000_000)),
        TimeUnit::Millisecond => Some(micros.div_euclid(1_000)),
        TimeUnit::Microsecond => Some(micros),
        TimeUnit::Nanosecond => micros.checked_mul(1_000),
    };
    let micros = column.as_primitive::<Int64Type>();
    let mut times = Vec::with_capacity(micros.len());
    for (row, value) in micros.iter().enumerate() {
        let missing = || KeyFault { row, reason: "a window has no time".to_owned() };
        let far =
            || KeyFault { row, reason: "a window's time is beyond the type that is declared".to_owned() };
        times.push(units(value.ok_or_else(missing)?).ok_or_else(far)?);
    }
    let times: ArrayRef = Arc::new(Int64Array::from(times));
    cast(&times, declared).map_err(|e| KeyFault { row: 0, reason: e.to_string() })
}

#[cfg(test)]
mod tests {
    use arrow::array::{Decimal128Array, Int32Array, StringArray, TimestampMillisecondArray};

    use super::*;

    fn part(declared: DataType) -> KeyPart {
        KeyPart { name: "p".to_owned(), declared, is_window_time: false }
    }

    fn time(declared: DataType) -> KeyPart {
        KeyPart { is_window_time: true, ..part(declared) }
    }

    fn keys(columns: &[ArrayRef]) -> BinaryArray {
        let rows = columns[0].len();
        BinaryArray::from_iter_values(encode_keys(columns, rows).unwrap().iter())
    }

    fn numbers(values: impl Into<Vec<Option<i64>>>) -> ArrayRef {
        Arc::new(Int64Array::from(values.into()))
    }

    fn ms() -> DataType {
        DataType::Timestamp(TimeUnit::Millisecond, None)
    }

    #[test]
    fn keys_come_back_as_their_parts() {
        let columns: Vec<ArrayRef> = vec![
            numbers([Some(5), None]),
            Arc::new(StringArray::from(vec![Some("a\0b"), Some("")])),
            Arc::new(Decimal128Array::from(vec![Some(-150), None]).with_precision_and_scale(10, 2).unwrap()),
        ];
        let parts = [part(DataType::Int64), part(DataType::Utf8), part(DataType::Decimal128(10, 2))];
        assert_eq!(decode(&keys(&columns), &parts).unwrap(), columns);
    }

    #[test]
    fn times_of_windows_are_microseconds() {
        let stored = keys(&[numbers([Some(6_000_000), Some(-1)]), numbers([Some(8_000_000), Some(0)])]);
        let decoded = decode(&stored, &[time(ms()), time(DataType::Int64)]).unwrap();
        let expected: Vec<ArrayRef> = vec![
            Arc::new(TimestampMillisecondArray::from(vec![6_000, -1])),
            numbers([Some(8_000_000), Some(0)]),
        ];
        assert_eq!(decoded, expected);
        let nanos = DataType::Timestamp(TimeUnit::Nanosecond, None);
        let far = keys(&[numbers([Some(1), Some(i64::MAX)])]);
        let fault = decode(&far, &[time(nanos)]).unwrap_err();
        assert_eq!(
            (fault.row, fault.reason.as_str()),
            (1, "a window's time is beyond the type that is declared")
        );
        let none = decode(&keys(&[numbers([None])]), &[time(ms())]).unwrap_err();
        assert_eq!(none.reason, "a window has no time");
    }

    #[test]
    fn other_types_are_faults() {
        let stored =
            keys(&[numbers([Some(5), Some(3_000_000_000)]), Arc::new(StringArray::from(vec!["a", "b"]))]);
        let table: &[(&[DataType], usize, &str)] = &[
            (&[DataType::Int64], 0, "damaged key: trailing bytes"),
            (&[DataType::Int32, DataType::Utf8], 0, "damaged key: trailing bytes"),
            (&[DataType::Int64, DataType::Int64], 0, "damaged key: too short"),
            (&[DataType::Utf8, DataType::Int64], 0, "damaged key: not UTF-8"),
            (&[DataType::Int64, DataType::Utf8, DataType::Int8], 0, "damaged key: too short"),
        ];
        for (types, row, reason) in table {
            let parts: Vec<KeyPart> = types.iter().cloned().map(part).collect();
            let fault = decode(&stored, &parts).unwrap_err();
            assert_eq!((fault.row, fault.reason.as_str()), (*row, *reason), "{types:?}");
        }
    }

    #[test]
    fn impossible_bytes_are_faults() {
        let raw = |bytes: &[&[u8]]| BinaryArray::from_iter_values(bytes);
        let cases: [(BinaryArray, DataType, usize, &str); 5] = [
            (raw(&[&[1, 1], &[1, 7]]), DataType::Boolean, 1, "a value has another encoding"),
            (
                raw(&[&[1, 127, 255, 255, 255]]),
                DataType::Float32,
                0,
                "a value has another encoding", // -0.0
            ),
            (raw(&[&[0], &[2]]), DataType::Int8, 1, "damaged key: bad null marker"),
            (raw(&[&[1, 255, 0, 0]]), DataType::Utf8, 0, "damaged key: not UTF-8"),
            (
                keys(&[Arc::new(Int32Array::from(vec![0, DAY_MS]))]),
                DataType::Time32(TimeUnit::Millisecond),
                1,
                "a TIME is not within a day",
            ),
        ];
        for (keys, declared, row, reason) in cases {
            let fault = decode(&keys, &[part(declared.clone())]).unwrap_err();
            assert_eq!((fault.row, fault.reason.as_str()), (row, reason), "{declared}");
        }
        let wide: ArrayRef =
            Arc::new(Decimal128Array::from(vec![100, 1_000]).with_precision_and_scale(10, 2).unwrap());
        let fault = decode(&keys(&[wide]), &[part(DataType::Decimal128(3, 2))]).unwrap_err();
        assert_eq!((fault.row, fault.reason.as_str()), (1, "a value has more digits than DECIMAL(3, 2)"));
    }
}
