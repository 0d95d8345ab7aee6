//! Values as text for people: `2024-01-01 10:00:00.000`, `TRUE`, `1.50`; LTZ with a `Z`, bytes as base64, a
//! row as `(1, a, NULL)`.

use std::fmt::Write as _;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use base64::Engine as _;

/// The cells of a batch, column by column; `None` is NULL.
pub(super) fn columns(batch: &RecordBatch) -> Result<Vec<Vec<Option<String>>>, ArrowError> {
    batch.columns().iter().map(column).collect()
}

/// The cells of one column.
pub(super) fn column(array: &ArrayRef) -> Result<Vec<Option<String>>, ArrowError> {
    if let DataType::Binary = array.data_type() {
        let values = array.as_binary::<i32>();
        return Ok(values
            .iter()
            .map(|v| v.map(|v| base64::engine::general_purpose::STANDARD.encode(v)))
            .collect());
    }
    if let DataType::Boolean = array.data_type() {
        let text = |v| if v { "TRUE" } else { "FALSE" }.to_owned();
        return Ok(array.as_boolean().iter().map(|v| v.map(text)).collect());
    }
    if let Some(rows) = array.as_struct_opt() {
        let fields = rows.columns().iter().map(column).collect::<Result<Vec<_>, _>>()?;
        let cell = |row: usize, cells: &Vec<Option<String>>| {
            cells.get(row).cloned().flatten().unwrap_or_else(|| "NULL".to_owned())
        };
        let text = |row| fields.iter().map(|cells| cell(row, cells)).collect::<Vec<_>>().join(", ");
        return Ok((0..rows.len())
            .map(|row| rows.is_valid(row).then(|| format!("({})", text(row))))
            .collect());
    }
    let options = options(array.data_type());
    let formatter = ArrayFormatter::try_new(array.as_ref(), &options)?;
    let mut cells = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        if array.is_null(row) {
            cells.push(None);
            continue;
        }
        let mut text = String::new();
        write!(text, "{}", formatter.value(row)).map_err(|e| ArrowError::CastError(e.to_string()))?;
        cells.push(Some(text));
    }
    Ok(cells)
}

fn options(data_type: &DataType) -> FormatOptions<'static> {
    let (plain, zoned) = match data_type {
        DataType::Timestamp(TimeUnit::Second, _) => ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%SZ"),
        DataType::Timestamp(TimeUnit::Millisecond, _) => ("%Y-%m-%d %H:%M:%S%.3f", "%Y-%m-%d %H:%M:%S%.3fZ"),
        DataType::Timestamp(TimeUnit::Microsecond, _) => ("%Y-%m-%d %H:%M:%S%.6f", "%Y-%m-%d %H:%M:%S%.6fZ"),
        _ => ("%Y-%m-%d %H:%M:%S%.9f", "%Y-%m-%d %H:%M:%S%.9fZ"),
    };
    FormatOptions::new()
        .with_display_error(false)
        .with_timestamp_format(Some(plain))
        .with_timestamp_tz_format(Some(zoned))
        .with_time_format(Some("%H:%M:%S"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BinaryArray, BooleanArray, Date32Array, Decimal128Array, Int32Array, TimestampMillisecondArray,
        TimestampSecondArray,
    };

    use super::*;

    #[test]
    fn values_look_as_the_contract_says() {
        let cases: Vec<(ArrayRef, &str)> = vec![
            (Arc::new(Int32Array::from(vec![-5])), "-5"),
            (Arc::new(BooleanArray::from(vec![true])), "TRUE"),
            (Arc::new(Decimal128Array::from(vec![150]).with_precision_and_scale(10, 2).unwrap()), "1.50"),
            (Arc::new(Date32Array::from(vec![19_723])), "2024-01-01"),
            (Arc::new(TimestampMillisecondArray::from(vec![1_704_067_200_000])), "2024-01-01 00:00:00.000"),
            (Arc::new(TimestampSecondArray::from(vec![1_704_067_200])), "2024-01-01 00:00:00"),
            (
                Arc::new(TimestampMillisecondArray::from(vec![1_704_067_200_120]).with_timezone("UTC")),
                "2024-01-01 00:00:00.120Z",
            ),
            (Arc::new(BinaryArray::from(vec![&b"hi"[..]])), "aGk="),
        ];
        for (array, expected) in cases {
            assert_eq!(column(&array).unwrap(), [Some(expected.to_owned())], "{}", array.data_type());
        }
        let nothing: ArrayRef = Arc::new(Int32Array::from(vec![None]));
        assert_eq!(column(&nothing).unwrap(), [None]);
    }
}
