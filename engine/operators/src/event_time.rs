//! Time columns: from any timestamp type to microseconds and back.
//!
//! Example: a `TIMESTAMP(3)` of 1,500 ms is 1,500,000; the nanosecond -1 is the microsecond -1 (toward the past).

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow::record_batch::RecordBatch;
use millstream_model::Watermark;
use millstream_plan::WindowSpec;

use crate::error::OperatorError;

/// Times further from 1970 than this (about 73,000 years) are taken as this far: windows around them cannot overflow.
const FAR: i64 = i64::MAX / 4;

/// The event time of each row, in microseconds.
///
/// # Errors
/// [`OperatorError::NullTime`] when a row has none; [`OperatorError::Plan`] when the column is not a timestamp.
fn event_times(rows: &RecordBatch, column: usize) -> Result<Vec<i64>, OperatorError> {
    let array = rows.column(column);
    if array.null_count() > 0 {
        return Err(OperatorError::NullTime { column: rows.schema_ref().field(column).name().clone() });
    }
    let DataType::Timestamp(unit, _) = array.data_type() else {
        return Err(OperatorError::Plan(format!("a time column of type {}", array.data_type())));
    };
    let clamp = |micros: i64| micros.clamp(-FAR, FAR);
    Ok(match unit {
        TimeUnit::Second => {
            let values = array.as_primitive::<TimestampSecondType>().values();
            values.iter().map(|v| clamp(v.saturating_mul(1_000_000))).collect()
        }
        TimeUnit::Millisecond => {
            let values = array.as_primitive::<TimestampMillisecondType>().values();
            values.iter().map(|v| clamp(v.saturating_mul(1_000))).collect()
        }
        TimeUnit::Microsecond => {
            array.as_primitive::<TimestampMicrosecondType>().values().iter().map(|v| clamp(*v)).collect()
        }
        TimeUnit::Nanosecond => {
            let values = array.as_primitive::<TimestampNanosecondType>().values();
            values.iter().map(|v| v.div_euclid(1_000)).collect()
        }
    })
}

/// The time of each row by which windows are: that of the wall clock of the windows' zone if the column holds instants.
///
/// # Errors
/// As [`event_times`].
pub(crate) fn window_times(rows: &RecordBatch, window: &WindowSpec) -> Result<Vec<i64>, OperatorError> {
    let mut times = event_times(rows, window.time_column)?;
    if let Some(zone) = window.zone
        && is_instant(rows.column(window.time_column).data_type())
    {
        times.iter_mut().for_each(|time| *time = zone.local(*time));
    }
    Ok(times)
}

/// The running watermark before each row, in the time in which the windows are.
pub(crate) fn window_watermarks<'a>(
    window: &WindowSpec,
    row_watermark: Option<&'a [i64]>,
) -> Option<Cow<'a, [i64]>> {
    let known = row_watermark?;
    let Some(zone) = window.zone else { return Some(Cow::Borrowed(known)) };
    // The watermark seldom moves from row to row.
    let mut last: Option<(i64, i64)> = None;
    let local = known.iter().map(|instant| match last {
        Some((before, local)) if before == *instant => local,
        _ => last.insert((*instant, zone.watermark(Watermark(*instant)).0)).1,
    });
    Some(local.collect())
}

/// A bound of windows, in the time in which they are, as a column of this type: an instant where the type is one.
///
/// # Errors
/// As [`timestamps`].
pub(crate) fn window_bounds(
    window: &WindowSpec,
    mut micros: Vec<i64>,
    data_type: &DataType,
) -> Result<ArrayRef, OperatorError> {
    if let Some(zone) = window.zone
        && is_instant(data_type)
    {
        micros.iter_mut().for_each(|time| *time = zone.instant(*time));
    }
    timestamps(&micros, data_type)
}

const fn is_instant(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(_, Some(_)))
}

/// A column of this timestamp type from microseconds. What does not fit the type becomes NULL.
///
/// # Errors
/// [`OperatorError::Plan`] when the type is not a timestamp.
fn timestamps(micros: &[i64], data_type: &DataType) -> Result<ArrayRef, OperatorError> {
    let DataType::Timestamp(unit, _) = data_type else {
        return Err(OperatorError::Plan(format!("a window column of type {data_type}")));
    };
    let values: Int64Array = micros
        .iter()
        .map(|v| match unit {
            TimeUnit::Second => Some(v.div_euclid(1_000_000)),
            TimeUnit::Millisecond => Some(v.div_euclid(1_000)),
            TimeUnit::Microsecond => Some(*v),
            TimeUnit::Nanosecond => v.checked_mul(1_000),
        })
        .collect();
    // From 64-bit integers the cast only changes the type.
    cast(&(Arc::new(values) as ArrayRef), data_type).map_err(OperatorError::columns("build a window column"))
}

#[cfg(test)]
mod tests {
    use arrow::array::{TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray};
    use arrow::datatypes::{Field, Schema};

    use super::*;

    fn rows(array: ArrayRef) -> RecordBatch {
        let schema = Schema::new(vec![Field::new("ts", array.data_type().clone(), true)]);
        RecordBatch::try_new(Arc::new(schema), vec![array]).unwrap()
    }

    #[test]
    fn every_unit_becomes_microseconds() {
        let cases: [(ArrayRef, i64); 6] = [
            (Arc::new(TimestampSecondArray::from(vec![-2])), -2_000_000),
            (Arc::new(TimestampMillisecondArray::from(vec![1_500])), 1_500_000),
            (Arc::new(TimestampMillisecondArray::from(vec![1_500]).with_timezone("UTC")), 1_500_000),
            (Arc::new(TimestampNanosecondArray::from(vec![-1])), -1),
            (Arc::new(TimestampSecondArray::from(vec![i64::MAX])), FAR),
            (Arc::new(TimestampSecondArray::from(vec![i64::MIN])), -FAR),
        ];
        for (array, expected) in cases {
            assert_eq!(event_times(&rows(array), 0).unwrap(), [expected]);
        }
    }

    #[test]
    fn a_missing_time_names_its_column() {
        let array = TimestampSecondArray::from(vec![Some(1), None]);
        let error = event_times(&rows(Arc::new(array)), 0).unwrap_err();
        assert_eq!(error.to_string(), "the time attribute ts is NULL; a window needs a time for every row");
        assert_eq!(error.kind(), millstream_model::ErrorKind::User);
    }

    #[test]
    fn window_columns_have_the_asked_type() {
        for (unit, expected) in
            [(TimeUnit::Second, -1), (TimeUnit::Millisecond, -1), (TimeUnit::Microsecond, -500)]
        {
            let data_type = DataType::Timestamp(unit, Some("UTC".into()));
            let array = timestamps(&[-500], &data_type).unwrap();
            assert_eq!(array.data_type(), &data_type);
            let values = cast(&array, &DataType::Int64).unwrap();
            assert_eq!(values.as_primitive::<arrow::datatypes::Int64Type>().value(0), expected, "{unit:?}");
        }
        assert!(timestamps(&[1], &DataType::Int64).is_err());
    }
}
